package journal_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/events/vault"
)

var reader = events.Principal{Actor: "agent:1", Role: events.RoleAgent, Purpose: events.PurposeSupport}

func by() journal.By { return journal.By{Command: events.NewUUID(), Actor: "agent:1"} }

func note(text string) events.NoteAdded {
	return events.NoteAdded{Ticket: "t", Message: "m", Agent: "1", Customer: "c", Note: events.Seal(events.Answer{Text: text})}
}

func TestEventComesBackSealedUnlessOpened(t *testing.T) {
	k := journaltest.New(t)
	if _, err := k.Append(t.Context(), "ticket-t", events.NoStream, by(), note("secret")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		as   *events.Principal
		want events.State
		text string
	}{{nil, events.Unopened, ""}, {&reader, events.Plain, "secret"}, {&events.Principal{Role: "stranger", Purpose: "curiosity"}, events.Denied, ""}} {
		recs, err := k.Load(t.Context(), "ticket-t", c.as)
		if err != nil {
			t.Fatal(err)
		}
		got := recs[0].Event.(events.NoteAdded)
		if got.Note.State() != c.want || got.Note.Value().Text != c.text || got.Agent != "1" {
			t.Errorf("as %+v: %s %q", c.as, got.Note.State(), got.Note.Value().Text)
		}
	}
}

func TestRepeatedCommandIsDoneOnce(t *testing.T) {
	k := journaltest.New(t)
	who := by()
	decide := func(history []events.Recorded) ([]events.Event, error) {
		return []events.Event{note(fmt.Sprint(len(history))), events.TicketResolved{Ticket: "t"}}, nil
	}
	first, err := k.Execute(t.Context(), "ticket-t", who, decide)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Execute(t.Context(), "ticket-t", by(), decide); err != nil { // somebody else comes between
		t.Fatal(err)
	}
	again, err := k.Execute(t.Context(), "ticket-t", who, decide)
	if err != nil {
		t.Fatal(err)
	}
	first.Repeated = true
	if diff := cmp.Diff(first, again); diff != "" {
		t.Error(diff)
	}
	if recs, _ := k.Load(t.Context(), "ticket-t", nil); len(recs) != 4 {
		t.Errorf("%d events, want 4", len(recs))
	}
}

func TestStaleDecisionsAreMadeAgain(t *testing.T) {
	k := journaltest.New(t)
	const n = 12
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			_, err := k.Execute(t.Context(), "ticket-t", by(), func(history []events.Recorded) ([]events.Event, error) {
				return []events.Event{events.TagAdded{Ticket: "t", Tag: fmt.Sprint(len(history))}}, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	recs, err := k.Load(t.Context(), "ticket-t", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range recs { // each decision saw exactly what was before it
		if got := r.Event.(events.TagAdded).Tag; got != fmt.Sprint(i) || r.Revision != int64(i) {
			t.Errorf("event %d was decided on %s events", i, got)
		}
	}
	if len(recs) != n {
		t.Errorf("%d events, want %d", len(recs), n)
	}
}

func TestErasedSegmentIsErasedForEveryReader(t *testing.T) {
	k := journaltest.New(t)
	if _, err := k.Append(t.Context(), "ticket-t", events.NoStream, by(), note("secret"), note("other")); err != nil {
		t.Fatal(err)
	}
	recs, err := k.Load(t.Context(), "ticket-t", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Vault.Destroy(t.Context(), vault.Order{ID: events.NewUUID(), Cause: vault.CauseSubject}, []events.KID{recs[0].Meta.Segments[0].KID}); err != nil {
		t.Fatal(err)
	}
	recs, err = k.Load(t.Context(), "ticket-t", &reader)
	if err != nil {
		t.Fatal(err)
	}
	gone, kept := recs[0].Event.(events.NoteAdded).Note, recs[1].Event.(events.NoteAdded).Note
	if tomb, ok := gone.Tombstone(); !ok || tomb.Cause != "subject" || gone.Value().Text != "" || kept.Value().Text != "other" {
		t.Errorf("erased: %s %+v, kept: %q", gone.State(), tomb, kept.Value().Text)
	}
}

func TestLostKeyIsAnIncidentNotAnErasureAndStopsNobody(t *testing.T) {
	k := journaltest.New(t)
	if _, err := k.Append(t.Context(), "ticket-t", events.NoStream, by(), note("lost"), note("other")); err != nil {
		t.Fatal(err)
	}
	recs, err := k.Load(t.Context(), "ticket-t", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Sealer.Abandon(t.Context(), []events.Envelope{recs[0].Envelope}); err != nil {
		t.Fatal(err)
	}
	recs, err = k.Load(t.Context(), "ticket-t", &reader)
	if err != nil {
		t.Fatal(err)
	}
	lost, other := recs[0].Event.(events.NoteAdded).Note, recs[1].Event.(events.NoteAdded).Note
	if lost.State() != events.Denied || lost.Why() != "incident" || other.Value().Text != "other" {
		t.Errorf("lost: %s %q, other: %q", lost.State(), lost.Why(), other.Value().Text)
	}
}

func TestSubscriptionGoesOnWhereItWas(t *testing.T) {
	k := journaltest.New(t)
	for i := range 30 {
		if _, err := k.Append(t.Context(), events.TicketStream(events.TicketID(fmt.Sprint(i))), events.NoStream, by(), note("n"), events.TicketResolved{Ticket: "t"}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	stop := errors.New("enough")
	var seen []events.UUID
	at := events.Start
	for len(seen) < 30 {
		taken := 0
		err := k.Subscribe(ctx, journal.Reading{From: at, Types: []string{"hub.NoteAdded"}}, func(_ context.Context, b journal.Batch) error {
			for _, r := range b.Events { // stop in the middle of things, again and again
				seen, at = append(seen, r.ID), r.Position
				if taken++; taken == 7 || len(seen) == 30 {
					return stop
				}
			}
			return nil
		})
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
	}
	unique := map[events.UUID]bool{}
	for _, id := range seen {
		unique[id] = true
	}
	if len(seen) != 30 || len(unique) != 30 {
		t.Errorf("%d seen, %d different, want 30", len(seen), len(unique))
	}
}

func TestCheckpointKeepsTheLastPositionOnly(t *testing.T) {
	k := journaltest.New(t)
	if at, err := k.Checkpoint(t.Context(), "x"); err != nil || at != events.Start {
		t.Fatalf("new reactor at %v, %v", at, err)
	}
	for i := range 3 {
		if err := k.Advance(t.Context(), "x", events.Position{Commit: uint64(i + 1), Prepare: uint64(i + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	at, err := k.Checkpoint(t.Context(), "x")
	if err != nil || at.Commit != 3 {
		t.Errorf("checkpoint %v, %v", at, err)
	}
	if recs, _ := k.Load(t.Context(), events.CheckpointStream("x"), nil); len(recs) != 1 {
		t.Errorf("%d events readable in the checkpoint's stream, want 1", len(recs))
	}
}

// TestCheckpointOfAnotherStoreIsWorthNothing: positions belong to one store; a
// reactor that finds one of another begins anew.
func TestCheckpointOfAnotherStoreIsWorthNothing(t *testing.T) {
	k := journaltest.New(t)
	at := events.Position{Commit: 64, Prepare: 64}
	id, err := k.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		store string
		want  events.Position
	}{{id, at}, {"0123456789abcdef0123456789abcdef", events.Start}, {"", events.Start}, {id, at}} {
		err := k.Bookmark(t.Context(), events.CheckpointStream("x"), by(), events.ReactorAdvanced{Reactor: "x", Store: c.store, Position: at})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.Checkpoint(t.Context(), "x"); err != nil || got != c.want {
			t.Errorf("checkpoint of store %q: %v, %v, want %v", c.store, got, err, c.want)
		}
	}
}
