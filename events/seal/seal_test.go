package seal_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/seal"
	"github.com/westshore/hub/events/vault"
)

func TestSealedEventOpensAsItWas(t *testing.T) {
	h := newHouse(t)
	d := h.inquiry(t, 10, 100_000)
	env := h.seal(t, d)[0]
	got := h.open(t, agent, env)
	want := d.Event.(events.InquiryReceived)
	if diff := cmp.Diff(want.Contact.Value(), got.Contact.Value()); diff != "" || got.Contact.State() != events.Plain {
		t.Errorf("contact is %v (-want +got):\n%s", got.Contact.State(), diff)
	}
	if diff := cmp.Diff(want.Letter.Value(), got.Letter.Value()); diff != "" || got.Letter.State() != events.Plain {
		t.Errorf("letter is %v (-want +got):\n%s", got.Letter.State(), diff)
	}
	if got.Customer != want.Customer || got.Inquiry != want.Inquiry {
		t.Error("clear facts changed")
	}
	pending := append([]events.Blob{want.Raw}, want.Files...)
	for i, b := range append([]events.Blob{got.Raw}, got.Files...) {
		plain, state, err := h.OpenBlob(t.Context(), agent, b)
		if err != nil || state != events.Plain || !bytes.Equal(plain, pending[i].Pending()) {
			t.Errorf("file %d: %v, %v, %d bytes", i, state, err, len(plain))
		}
	}
	if got.Files[0].Inline == nil || got.Files[1].Inline != nil {
		t.Error("the small file does not travel with the event, or the large one does")
	}
	if m := env.Meta; m.Version != 1 || m.Policy != events.PolicyVersion || m.Schedule != events.ScheduleVersion {
		t.Errorf("metadata of the seal: %+v", m)
	}
}

func TestNoTextIsLeftInTheClear(t *testing.T) {
	h := newHouse(t)
	d := h.inquiry(t)
	e := d.Event.(events.InquiryReceived)
	e.Files = []events.Blob{events.NewBlob(bytes.Repeat([]byte(canary), 5000))}
	d.Event = e
	env := h.seal(t, d)[0]
	data := env.Data()
	meta, err := env.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte(canary)) || bytes.Contains(meta, []byte(canary)) {
		t.Error("the envelope holds text")
	}
	err = filepath.WalkDir(h.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(canary)) {
			t.Errorf("%s holds text", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestManyDraftsShareOneMint(t *testing.T) {
	h := newHouse(t)
	var drafts []seal.Draft
	for range 20 {
		drafts = append(drafts, h.inquiry(t))
	}
	drafts = append(drafts, seal.Draft{ID: events.NewUUID(), Stream: events.TicketStream("1"), Event: events.TicketResolved{Ticket: "1"}})
	before := h.vault.Stats().Commits
	envs := h.seal(t, drafts...)
	if n := h.vault.Stats().Commits - before; n != 1 {
		t.Errorf("sealing took %d writes, want 1", n)
	}
	got, err := h.Open(t.Context(), agent, envs)
	if err != nil || len(got) != len(drafts) {
		t.Fatalf("opened %d, %v", len(got), err)
	}
	if got[20] != (events.TicketResolved{Ticket: "1"}) {
		t.Errorf("an event without segments became %#v", got[20])
	}
}

func TestErasingOneSegmentLeavesTheOthers(t *testing.T) {
	h := newHouse(t)
	env := h.seal(t, h.inquiry(t, 10))[0]
	h.destroy(t, env.Meta.Segments[1].KID)
	got := h.open(t, agent, env)
	if got.Contact.State() != events.Plain {
		t.Errorf("contact is %v, want plain", got.Contact.State())
	}
	if tomb, ok := got.Letter.Tombstone(); !ok || tomb.Cause != "subject" || got.Letter.Value().Text != "" {
		t.Errorf("letter is %v, want erased with a tombstone", got.Letter.State())
	}
	for _, b := range []events.Blob{got.Raw, got.Files[0]} {
		if plain, state, err := h.OpenBlob(t.Context(), agent, b); plain != nil || state != events.Erased || err != nil {
			t.Errorf("a file of the erased letter: %v, %v", state, err)
		}
	}
}

func TestSegmentIsNotOpenedForAPurposeItWasNotCollectedFor(t *testing.T) {
	h := newHouse(t)
	env := h.seal(t, h.inquiry(t))[0]
	got := h.open(t, outbox, env)
	if got.Contact.State() != events.Plain {
		t.Errorf("contact for admin-message is %v, want plain", got.Contact.State())
	}
	if got.Letter.State() != events.Denied || got.Letter.Why() == "" {
		t.Errorf("letter for admin-message is %v (%q), want denied", got.Letter.State(), got.Letter.Why())
	}
	got = h.open(t, events.Principal{}, env)
	if got.Contact.State() != events.Denied || got.Letter.State() != events.Denied {
		t.Error("nobody may open something")
	}
}

func TestMissingKeyDoesNotHideTheRest(t *testing.T) {
	h := newHouse(t)
	envs := h.seal(t, h.inquiry(t), h.inquiry(t))
	envs[0].Meta.Segments[0].KID = "000000000000000000000000000000ff"
	got, err := h.Open(t.Context(), agent, envs)
	var missing *vault.KeyMissingError
	if !errors.As(err, &missing) {
		t.Fatalf("open = %v, want a missing key", err)
	}
	first, second := got[0].(events.InquiryReceived), got[1].(events.InquiryReceived)
	if first.Contact.State() != events.Unopened || second.Contact.State() != events.Plain {
		t.Errorf("states %v and %v, want unopened and plain", first.Contact.State(), second.Contact.State())
	}
}

func TestUnknownEventTypeGivesNil(t *testing.T) {
	h := newHouse(t)
	env := h.seal(t, h.inquiry(t))[0]
	later := events.Envelope{ID: events.NewUUID(), Type: "hub.FromTheFuture", Stream: "ticket-1", Facts: []byte("{}")}
	got, err := h.Open(t.Context(), agent, []events.Envelope{later, env})
	if err != nil || got[0] != nil || got[1] == nil {
		t.Errorf("open = %v, %v", got, err)
	}
}

func TestFailedSealGivesItsKeysBack(t *testing.T) {
	h := newHouse(t)
	full := errors.New("disk full")
	broken := seal.New(h.vault, seal.Files{Put: func(context.Context, events.Hash, []byte) error { return full }, Get: h.blobs.Get})
	d := h.inquiry(t, 100_000)
	_, err := broken.Seal(t.Context(), []seal.Draft{d})
	if !errors.Is(err, full) {
		t.Fatalf("seal = %v, want the store's error", err)
	}
	kids, err := h.vault.KeysOf(t.Context(), h.subject(t, "a@example.org"))
	if err != nil || len(kids) != 0 {
		t.Errorf("%d keys are left behind (%v)", len(kids), err)
	}
}

func TestAbandonedEnvelopeLeavesNoKeys(t *testing.T) {
	h := newHouse(t)
	envs := h.seal(t, h.inquiry(t), h.inquiry(t))
	if err := h.Abandon(t.Context(), envs); err != nil {
		t.Fatal(err)
	}
	kids, err := h.vault.KeysOf(t.Context(), h.subject(t, "a@example.org"))
	if err != nil || len(kids) != 0 {
		t.Errorf("%d keys are left behind (%v)", len(kids), err)
	}
}

func TestFileWithoutItsSegmentIsRefused(t *testing.T) {
	h := newHouse(t)
	d := h.inquiry(t)
	e := d.Event.(events.InquiryReceived)
	e.Letter = events.Sealed[events.Letter]{}
	d.Event = e
	if _, err := h.Seal(t.Context(), []seal.Draft{d}); err == nil {
		t.Error("a file without the segment whose key it shares was sealed")
	}
}

func TestFileIsPassedOnAsItIs(t *testing.T) {
	h := newHouse(t)
	got := h.open(t, agent, h.seal(t, h.inquiry(t, 100_000))[0])
	d := h.inquiry(t)
	e := d.Event.(events.InquiryReceived)
	e.Files = got.Files
	d.Event = e
	again := h.open(t, agent, h.seal(t, d)[0])
	if plain, state, err := h.OpenBlob(t.Context(), agent, again.Files[0]); err != nil || state != events.Plain || len(plain) != 100_000 {
		t.Errorf("a passed-on file: %v, %v, %d bytes", state, err, len(plain))
	}
}

func TestErasedPersonIsNotSealedForAgain(t *testing.T) {
	h := newHouse(t)
	ctx := h.Begin(t.Context())
	late := h.inquiry(t)
	if err := h.vault.Fence(t.Context(), late.Event.(events.InquiryReceived).Customer); err != nil {
		t.Fatal(err)
	}
	for name, ctx := range map[string]context.Context{"unit begun before": ctx, "no unit": t.Context()} {
		if _, err := h.Seal(ctx, []seal.Draft{late}); !errors.Is(err, vault.ErrFenced) {
			t.Errorf("%s: seal = %v, want ErrFenced", name, err)
		}
	}
	if _, err := h.Seal(h.Begin(t.Context()), []seal.Draft{h.inquiry(t)}); err != nil {
		t.Errorf("seal for the address resolved again = %v", err)
	}
}
