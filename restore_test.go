package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/services/notifier"
)

// put appends to a stream of a house.
func put(t *testing.T, h *house, stream events.Stream, evs ...events.Event) {
	t.Helper()
	expected := events.NoStream
	if last, ok, err := h.journal.Last(t.Context(), stream); err != nil {
		t.Fatal(err)
	} else if ok {
		expected = last.Revision
	}
	if _, err := h.journal.Append(t.Context(), stream, expected, journal.By{Command: events.NewUUID(), Actor: "system:test"}, evs...); err != nil {
		t.Fatal(err)
	}
}

// ways says, for each message, what came after it was queued.
func ways(t *testing.T, h *house, ids ...events.OutboundID) map[events.OutboundID][]events.Event {
	t.Helper()
	out := map[events.OutboundID][]events.Event{}
	for _, id := range ids {
		history, err := h.journal.Load(t.Context(), events.OutboundStream(id), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range history[1:] {
			out[id] = append(out[id], r.Event)
		}
	}
	return out
}

// TestRestoredHubSendsNothingTwice backs up while messages wait and are on their
// way; the house goes on, sends them and gives out numbers, and is lost. The
// restored one holds every message, does not give the numbers out again, and does
// so once, also when its first start is interrupted (promise 1: none is ever sent
// twice).
func TestRestoredHubSendsNothingTwice(t *testing.T) {
	to := filepath.Join(t.TempDir(), "backup")
	h := houseAt(t, t.TempDir())
	ids := []events.OutboundID{"queued", "deferred", "claimed", "started", "unsure", "sent", "withdrawn"}
	for _, id := range ids {
		put(t, h, events.OutboundStream(id), events.MessageQueued{Outbound: id, Kind: events.OutboundReply, Channel: events.Email, Customer: "c", Rendered: events.NewBlob([]byte("x")), Parcel: events.Seal(events.Parcel{RcptTo: "c@customer.test"})})
	}
	attempt := func(id events.OutboundID, more ...events.Event) {
		put(t, h, events.OutboundStream(id), append([]events.Event{events.DeliveryAttempted{Outbound: id, Attempt: 1, Worker: "w"}}, more...)...)
	}
	attempt("deferred", events.DeliveryDeferred{Outbound: "deferred", Attempt: 1, Class: notifier.ClassHost})
	attempt("claimed")
	attempt("started", events.DeliveryStarted{Outbound: "started", Attempt: 1})
	attempt("unsure", events.DeliveryUnknown{Outbound: "unsure", Attempt: 1, Class: notifier.ClassCrash})
	attempt("sent", events.DeliveryAccepted{Outbound: "sent", Attempt: 1})
	put(t, h, events.OutboundStream("withdrawn"), events.MessageCancelled{Outbound: "withdrawn"})
	put(t, h, events.NoticeStream("running"), events.NoticeStarted{Notice: "running"})
	put(t, h, events.NumberStream, events.TicketNumberTaken{Ticket: "t1"})
	before := ways(t, h, ids...)

	if err := h.backup(t.Context(), []string{to}, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	attempt("queued", events.DeliveryAccepted{Outbound: "queued", Attempt: 1}) // after the backup
	put(t, h, events.NumberStream, events.TicketNumberTaken{Ticket: "t2"})
	key, err := os.ReadFile(h.cfg.Vault.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	h.close()

	cfg := defaults()
	cfg.Data = t.TempDir()
	if err := cfg.finish(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cfg.Vault.KeyFile, key, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := restore(cfg, to, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	mark := filepath.Join(cfg.Data, restoredMarkName)
	kept, err := os.ReadFile(mark)
	if err != nil {
		t.Fatalf("the restore left no mark: %v", err)
	}

	want := map[events.OutboundID][]events.Event{}
	for id, evs := range before {
		want[id] = evs
	}
	for _, id := range ids {
		switch id {
		case "queued", "deferred":
			want[id] = append(want[id], events.MessageHeld{Outbound: id, Reason: notifier.ReasonRestored})
		case "claimed", "started", "unsure":
			want[id] = append(want[id], events.DeliveryUnknown{Outbound: id, Attempt: 1, Class: notifier.ReasonRestored})
		}
	}
	check := func(start string) {
		t.Helper()
		again := houseAt(t, cfg.Data)
		defer again.close()
		if diff := cmp.Diff(want, ways(t, again, ids...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", start, diff)
		}
		if last, _, err := again.journal.Last(t.Context(), events.NumberStream); err != nil || last.Revision+1 != 1+numbersSkipped {
			t.Errorf("%s: %d numbers taken, want %d, %v", start, last.Revision+1, 1+numbersSkipped, err)
		}
		notes, err := again.journal.Load(t.Context(), events.RestoresStream, nil)
		if err != nil || len(notes) != 1 {
			t.Errorf("%s: %d restores in the log, want 1, %v", start, len(notes), err)
		}
		history, err := again.journal.Load(t.Context(), events.NoticeStream("running"), nil)
		if err != nil || len(history) != 2 || history[1].Event != (events.NoticePaused{Notice: "running", Cause: "restored"}) {
			t.Errorf("%s: notice %+v, want it paused once, %v", start, history, err)
		}
		if _, err := os.Stat(mark); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the mark is still there: %v", start, err)
		}
	}
	check("first start")
	// Killed before the mark was taken away: all of it is done again, and says nothing new.
	if err := os.WriteFile(mark, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	check("repeated")
	check("later")
}

// TestInterruptedRestoreStart stops the first start between its steps: the next one
// completes them, with the same numbers.
func TestInterruptedRestoreStart(t *testing.T) {
	h := houseAt(t, t.TempDir())
	id := events.OutboundID("queued")
	put(t, h, events.OutboundStream(id), events.MessageQueued{Outbound: id, Kind: events.OutboundReply, Channel: events.Email, Customer: "c", Rendered: events.NewBlob([]byte("x")), Parcel: events.Seal(events.Parcel{RcptTo: "c@customer.test"})})
	m := restoredMark{Made: time.Now().UTC(), Restored: time.Now().UTC()}
	if err := m.leave(h.cfg.Data); err != nil {
		t.Fatal(err)
	}
	first, err := h.noteRestore(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	put(t, h, events.NumberStream, events.TicketNumberTaken{}, events.TicketNumberTaken{}) // some of the numbers
	if err := h.afterRestore(t.Context()); err != nil {
		t.Fatal(err)
	}
	if second, err := h.noteRestore(t.Context(), m); err != nil || second != first {
		t.Errorf("noted %+v, then %+v, %v", first, second, err)
	}
	if last, _, err := h.journal.Last(t.Context(), events.NumberStream); err != nil || last.Revision+1 != first.Number {
		t.Errorf("%d numbers taken, want %d, %v", last.Revision+1, first.Number, err)
	}
	want := map[events.OutboundID][]events.Event{id: {events.MessageHeld{Outbound: id, Reason: notifier.ReasonRestored}}}
	if diff := cmp.Diff(want, ways(t, h, id)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
