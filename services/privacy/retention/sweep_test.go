package retention_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/services/privacy/retention"
)

// TestPeriodsRunFromTheEndOfTheTicket: what was written is kept for 24 months from
// the end of its ticket, names and addresses from the last activity.
//
// clause: 1.1 1.3
func TestPeriodsRunFromTheEndOfTheTicket(t *testing.T) {
	o := newOffice(t)
	c := o.conversation()
	o.told()
	if got, want := o.ends(c.letter), o.began.AddDate(5, 0, 0); got.Sub(want).Abs() > time.Minute {
		t.Errorf("an open ticket's letter ends %s, want five years from its collection", got)
	}
	// The day of an event does not count (Regulation 1182/71 article 3(1)).
	if got, want := o.ends(c.contact), (vault.Period{Months: 24}).After(o.began.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)); !got.Equal(want) {
		t.Errorf("the contact ends %s, want 24 months after the day of the last activity %s", got, want)
	}
	closed := o.began.AddDate(0, 1, 0)
	o.resolve(c, closed)
	o.told()
	for _, kid := range append(c.answer, c.letter) {
		if got, want := o.ends(kid), (vault.Period{Months: 24}).After(closed); !got.Equal(want) {
			t.Errorf("a resolved ticket's text ends %s, want %s", got, want)
		}
	}
	o.write(events.TicketStream(c.ticket), closed.Add(time.Hour), events.TicketReopened{Ticket: c.ticket, Cause: "agent"})
	o.told()
	if got := o.ends(c.letter); got.Before(o.began.AddDate(4, 0, 0)) {
		t.Errorf("a reopened ticket's letter ends %s", got)
	}
}

// TestSweepDestroysWhatIsDueAndNothingElse: the whole way from the end of a ticket
// to a tombstone in every stream.
//
// clause: 1.1 1.3
func TestSweepDestroysWhatIsDueAndNothingElse(t *testing.T) {
	o := newOffice(t)
	old, open := o.conversation(), o.conversation()
	o.resolve(old, o.began)
	o.at(o.began.AddDate(0, 23, 0))
	w, err := o.engine.Sweep(t.Context())
	o.must(err)
	if w.Keys != 0 || w.State() != "swept" || o.dead(old.letter) != 0 {
		t.Fatalf("a month early: %d keys, %s", w.Keys, w.State())
	}
	o.at(o.began.AddDate(0, 24, 1))
	w, err = o.engine.Sweep(t.Context())
	o.must(err)
	// Both contacts are due: neither customer was heard of since.
	if w.State() != "swept" || w.Swept.Destroyed != 5 || w.Swept.Spared != 0 {
		t.Fatalf("sweep %s: %+v", w.State(), w.Swept)
	}
	if n := o.dead(append(old.answer, old.letter, old.contact, open.contact)...); n != 5 {
		t.Errorf("%d of 5 keys are destroyed", n)
	}
	if n := o.dead(append(open.answer, open.letter)...); n != 0 {
		t.Errorf("%d keys of an open ticket are destroyed", n)
	}
	for stream, want := range map[events.Stream]int{events.InquiryStream(old.inquiry): 2, events.TicketStream(old.ticket): 2, events.InquiryStream(open.inquiry): 1} {
		recs, err := o.kit.Load(t.Context(), stream, nil)
		o.must(err)
		last, ok := recs[len(recs)-1].Event.(events.SegmentsErased)
		if !ok || last.Cause != "retention" || len(last.KIDs) != want {
			t.Errorf("%s ends with %T %+v, want a tombstone of %d keys", stream.Family(), recs[len(recs)-1].Event, last, want)
		}
	}
	if len(o.purged) != 2 {
		t.Errorf("views were purged of %d people, want 2", len(o.purged))
	}
	again, err := o.engine.Sweep(t.Context())
	o.must(err)
	if again.Keys != 0 {
		t.Errorf("a second sweep found %d keys", again.Keys)
	}
}

// TestLargeSweepWaitsForTwoPersons, and carries out no more than they saw.
//
// clause: 1.3 S4
func TestLargeSweepWaitsForTwoPersons(t *testing.T) {
	o := newOffice(t)
	limits := o.registry.Now().Schedule().Limits
	limits.AutoKeys = 2
	o.must(o.change(events.RetentionScheduleChanged{Limits: limits, Reason: "test"}))
	first, reopened := o.conversation(), o.conversation()
	o.resolve(first, o.began)
	o.resolve(reopened, o.began)
	o.at(o.began.AddDate(0, 24, 1))
	w, err := o.engine.Sweep(t.Context())
	o.must(err)
	if w.State() != "waiting" || w.Keys != 8 {
		t.Fatalf("a sweep of %d keys is %s", w.Keys, w.State())
	}
	later := o.conversation() // is due by the time of the sweep, and was not previewed
	o.resolve(later, o.began)
	o.write(events.TicketStream(reopened.ticket), o.now, events.TicketReopened{Ticket: reopened.ticket, Cause: "agent"})
	by := func(agent events.AgentID) retention.By { return retention.By{Command: events.NewUUID(), Agent: agent} }
	var no *retention.RefusedError
	if _, err := o.engine.Approve(t.Context(), by("ada"), w.Sweep, "another list"); !errors.As(err, &no) || no.Why != "digest" {
		t.Errorf("another digest: %v", err)
	}
	_, err = o.engine.Approve(t.Context(), by("ada"), w.Sweep, w.Digest)
	o.must(err)
	if _, err := o.engine.Approve(t.Context(), by("ada"), w.Sweep, w.Digest); !errors.As(err, &no) || no.Why != "same_person" {
		t.Errorf("the same person twice: %v", err)
	}
	if _, err := o.engine.Approve(t.Context(), by("puppet"), w.Sweep, w.Digest); !errors.Is(err, errPuppet) {
		t.Errorf("one hand twice: %v", err)
	}
	o.must(o.engine.TakeUp(t.Context()))
	if n := o.dead(append(first.answer, first.letter)...); n != 0 {
		t.Fatalf("%d keys destroyed with one approval", n)
	}
	_, err = o.engine.Approve(t.Context(), by("bob"), w.Sweep, w.Digest)
	o.must(err)
	o.must(o.engine.TakeUp(t.Context()))
	if n := o.dead(append(first.answer, first.letter, first.contact)...); n != 4 {
		t.Errorf("%d of 4 approved keys destroyed", n)
	}
	if n := o.dead(append(reopened.answer, reopened.letter)...); n != 0 {
		t.Errorf("%d keys of a ticket destroyed that was reopened after the preview", n)
	}
	if n := o.dead(append(later.answer, later.letter, later.contact)...); n != 0 {
		t.Errorf("%d keys destroyed that nobody previewed", n)
	}
	list, err := o.engine.Sweeps(t.Context(), 10)
	o.must(err)
	if got := list[0].Swept; got == nil || got.Destroyed != 5 || got.Spared != 3 {
		t.Errorf("swept %+v", got)
	}
	if _, err := o.engine.Approve(t.Context(), by("eve"), w.Sweep, w.Digest); !errors.As(err, &no) || no.Why != "not_waiting" {
		t.Errorf("approving what is done: %v", err)
	}
}

func (o *office) change(c events.RetentionScheduleChanged) error {
	return o.registry.ChangeSchedule(o.Context(), privacyBy(), o.registry.Now().Schedule().Version+1, c)
}

func TestDeclinedSweepIsNotCarriedOut(t *testing.T) {
	o := newOffice(t)
	limits := o.registry.Now().Schedule().Limits
	limits.AutoKeys = 0
	o.must(o.change(events.RetentionScheduleChanged{Limits: limits, Reason: "test"}))
	c := o.conversation()
	o.resolve(c, o.began)
	o.at(o.began.AddDate(0, 24, 1))
	w, err := o.engine.Preview(t.Context())
	o.must(err)
	if _, err := o.engine.Decline(t.Context(), retention.By{Command: events.NewUUID(), Agent: "ada"}, w.Sweep); err != nil {
		t.Fatal(err)
	}
	o.must(o.engine.TakeUp(t.Context()))
	if n := o.dead(c.letter); n != 0 {
		t.Error("a declined sweep was carried out")
	}
	if _, err := o.engine.Approve(t.Context(), retention.By{Command: events.NewUUID(), Agent: "bob"}, events.NewUUID(), w.Digest); !errors.Is(err, retention.ErrUnknown) {
		t.Errorf("approving a stranger: %v", err)
	}
}

// TestSweepCutShortIsTakenUpAgain: whichever step fails, the next round ends with
// the same tombstones, once.
//
// clause: S4
func TestSweepCutShortIsTakenUpAgain(t *testing.T) {
	for _, step := range []string{"before destroy", "after destroy", "purge"} {
		t.Run(step, func(t *testing.T) {
			o := newOffice(t)
			c := o.conversation()
			o.resolve(c, o.began)
			o.at(o.began.AddDate(0, 24, 1))
			o.fail[step] = 1
			if _, err := o.engine.Sweep(t.Context()); !errors.Is(err, errPlanned) {
				t.Fatalf("first run: %v", err)
			}
			o.engine = o.newEngine() // another process
			o.must(o.engine.TakeUp(t.Context()))
			list, err := o.engine.Sweeps(t.Context(), 10)
			o.must(err)
			if len(list) != 1 || list[0].State() != "swept" || list[0].Swept.Destroyed != 4 {
				t.Errorf("%d sweeps, %s: %+v", len(list), list[0].State(), list[0].Swept)
			}
			recs, err := o.kit.Load(t.Context(), events.TicketStream(c.ticket), nil)
			o.must(err)
			tombs := 0
			for _, r := range recs {
				if _, ok := r.Event.(events.SegmentsErased); ok {
					tombs++
				}
			}
			if tombs != 1 || len(o.purged) != 1 {
				t.Errorf("%d tombstones in the ticket's stream, purged of %d people; want 1 and 1", tombs, len(o.purged))
			}
		})
	}
}

// TestJumpingClockDestroysNothing is PRIVACY test 18, on the engine: ten years
// ahead, a day back, a store that tells another time.
//
// clause: 1.3
func TestJumpingClockDestroysNothing(t *testing.T) {
	o := newOffice(t)
	told := o.began
	o.sources = []retention.Source{{Name: "store", Time: func(context.Context) (time.Time, error) { return told, nil }}}
	o.engine = o.newEngine()
	c := o.conversation()
	o.resolve(c, o.began)
	if _, err := o.engine.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, jump := range []struct {
		why        string
		wall, told time.Time
	}{
		{retention.ClockJumped, o.began.AddDate(10, 0, 0), o.began.AddDate(10, 0, 0)},
		{retention.ClockDisagrees, o.began.Add(time.Minute), o.began.AddDate(10, 0, 0)},
		{retention.ClockWentBack, o.began.AddDate(0, 0, -1), o.began.AddDate(0, 0, -1)},
	} {
		o.now, told = jump.wall, jump.told
		clock, err := o.engine.Tick(t.Context())
		o.must(err)
		var no *retention.RefusedError
		if _, err := o.engine.Sweep(t.Context()); !errors.As(err, &no) || no.Why != "clock_suspended" || clock.Suspended != jump.why {
			t.Errorf("%s: suspended %q, sweep: %v", jump.why, clock.Suspended, err)
		}
		o.engine = o.newEngine() // a restart does not help
		if c, err := o.engine.Clock(t.Context()); err != nil || c.Suspended != jump.why {
			t.Errorf("%s: after a restart suspended %q, %v", jump.why, c.Suspended, err)
		}
	}
	if o.orders != 0 {
		t.Errorf("%d orders to destroy, want none", o.orders)
	}
	o.now, told = o.began.Add(time.Minute), o.began.Add(time.Minute)
	if clock, err := o.engine.Tick(t.Context()); err != nil || clock.Suspended != "" {
		t.Errorf("set right: %q, %v", clock.Suspended, err)
	}
	history, err := o.kit.Load(t.Context(), events.SweepsStream, nil)
	o.must(err)
	var said []string
	for _, r := range history {
		switch e := r.Event.(type) {
		case events.RetentionClockSuspended:
			said = append(said, e.Reason)
		case events.RetentionClockResumed:
			said = append(said, "resumed")
		}
	}
	if diff := cmp.Diff([]string{"jump", "sources", "back", "resumed"}, said); diff != "" {
		t.Errorf("the log says %s", diff)
	}
}

func TestSilentClockOnlyWaits(t *testing.T) {
	o := newOffice(t)
	silent := errors.New("away")
	o.sources = []retention.Source{{Name: "bus", Time: func(context.Context) (time.Time, error) { return o.now, silent }}}
	o.engine = o.newEngine()
	if c, err := o.engine.Tick(t.Context()); err != nil || !c.At.IsZero() || c.Suspended != "" {
		t.Errorf("clock %+v, %v", c, err)
	}
	var no *retention.RefusedError
	if _, err := o.engine.Preview(t.Context()); !errors.As(err, &no) || no.Why != "clock_unset" {
		t.Errorf("preview without a clock: %v", err)
	}
}

func TestHeldAndRestrictedKeysStay(t *testing.T) {
	o := newOffice(t)
	held, restricted := o.conversation(), o.conversation()
	o.resolve(held, o.began)
	o.resolve(restricted, o.began)
	id := events.NewUUID()
	_, err := o.kit.Vault.Hold(t.Context(), vault.HoldOrder{ID: id, Authority: "test", Streams: []events.Stream{events.TicketStream(held.ticket)}})
	o.must(err)
	o.must(o.kit.Vault.Restrict(t.Context(), restricted.customer, true, "claims"))
	o.at(o.began.AddDate(0, 24, 1))
	_, err = o.engine.Sweep(t.Context())
	o.must(err)
	if n := o.dead(append(held.answer, restricted.letter, restricted.contact)...); n != 0 {
		t.Fatalf("%d kept keys were destroyed", n)
	}
	if _, err = o.kit.Vault.Release(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	o.at(o.began.AddDate(0, 24, 2))
	_, err = o.engine.Sweep(t.Context())
	o.must(err)
	if n := o.dead(held.answer...); n != 2 {
		t.Errorf("%d of 2 keys destroyed after the release", n)
	}
}
