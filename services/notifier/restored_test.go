package notifier_test

import (
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/services/notifier"
)

// TestRestoredMessagesWaitForAPerson starts the back door on a log that comes from a
// backup: what waited there, queued or only written, is not sent by itself, and goes
// once when a person lets it go; what was written since goes as ever (promise 1).
func TestRestoredMessagesWaitForAPerson(t *testing.T) {
	p := openPost(t)
	p.tune = func(all *parts) { all.clerk.Undo = time.Hour }
	stop := p.run("lost", p.relay())
	queued := p.write("ada@cust.test")
	p.await(queued, outbox.Queued, 1)
	stop()
	p.tune = nil
	written := p.write("bob@cust.test") // the clerk had not come to it

	head, err := p.Journal.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	by := journal.By{Command: events.NewUUID(), Actor: "system:test"}
	if _, err := p.Journal.Append(t.Context(), events.RestoresStream, events.NoStream, by, events.HubRestored{Head: head}); err != nil {
		t.Fatal(err)
	}
	for again, want := range []int64{1, 0} {
		if held, unknown, err := notifier.HoldRestored(t.Context(), p.Journal); err != nil || held != want || unknown != 0 {
			t.Errorf("time %d: held %d, unknown %d, %v; want %d held", again+1, held, unknown, err, want)
		}
	}
	p.skew.Store(int64(2 * time.Hour)) // what was queued is long due
	stop = p.run("restored", p.relay())
	defer stop()
	fresh := p.write("cyd@cust.test")
	p.await(fresh, outbox.Accepted, 1)
	for _, msg := range []events.MessageID{queued, written} {
		item := p.await(msg, outbox.Held, 1)[0]
		if item.LastDetail != notifier.ReasonRestored || item.Attempts != 0 {
			t.Errorf("held for %q after %d attempts", item.LastDetail, item.Attempts)
		}
	}
	id := events.DeriveOutbound(queued, 0)
	if _, err := p.Journal.Append(t.Context(), events.OutboundStream(id), 1, by, events.DeliveryRetried{Outbound: id, Override: true}); err != nil {
		t.Fatal(err)
	}
	p.await(queued, outbox.Accepted, 1)
	for address, want := range map[string]int{"ada@cust.test": 1, "bob@cust.test": 0} {
		n, _ := p.copies(address, map[string]events.MessageID{"ada@cust.test": queued, "bob@cust.test": written}[address])
		if n != want {
			t.Errorf("%s got %d copies, want %d", address, n, want)
		}
	}
}

// TestRestoredUnknownIsNotResent: where unknown answers are sent once more by rule,
// one from a backup is not: the lost house may have done so already.
func TestRestoredUnknownIsNotResent(t *testing.T) {
	p := openPost(t)
	stop := p.run("lost", p.relay())
	msg := p.write("cut@refuse.test")
	p.await(msg, outbox.Unknown, 1)
	stop()
	if _, unknown, err := notifier.HoldRestored(t.Context(), p.Journal); err != nil || unknown != 1 {
		t.Fatalf("%d marked, %v", unknown, err)
	}
	p.tune = func(all *parts) { all.dispatcher.Unsure, all.dispatcher.Patience = notifier.Resend, time.Millisecond }
	p.skew.Store(int64(time.Hour))
	stop = p.run("restored", p.relay())
	defer stop()
	other := p.write("ada@cust.test")
	p.await(other, outbox.Accepted, 1)
	if item := p.await(msg, outbox.Unknown, 1)[0]; item.Attempts != 1 {
		t.Errorf("%d attempts", item.Attempts)
	}
}

// TestRestoredLettersOfOldMatters: a letter that the house writes by itself about a
// request of the backup may have been written by the lost house; one that a person
// decides on, or about a new request, goes.
func TestRestoredLettersOfOldMatters(t *testing.T) {
	p := openPost(t)
	begin := func(stream events.Stream, actor events.Actor, e events.Event) events.Position {
		t.Helper()
		w, err := p.Journal.Append(t.Context(), stream, events.NoStream, journal.By{Command: events.NewUUID(), Actor: actor}, e)
		if err != nil {
			t.Fatal(err)
		}
		return w.Position
	}
	begin(events.RequestStream("old"), "system:rights", events.RequestExtended{Request: "old"})
	head := begin(events.RegistryStream, "system:registry", events.PolicyVersionPublished{Policy: "policy-7"})
	begin(events.RestoresStream, "system:test", events.HubRestored{Head: head})
	begin(events.RequestStream("new"), "system:rights", events.RequestExtended{Request: "new"})
	stop := p.run("restored", p.relay())
	defer stop()
	for _, l := range []struct {
		about string
		actor events.Actor
		want  outbox.State
	}{
		{"old", "system:rights", outbox.Held},
		{"policy-7", "system:privacy", outbox.Held},
		{"old", "agent:a", outbox.Accepted},
		{"new", "system:rights", outbox.Accepted},
		{"centre", "system:rights", outbox.Accepted},
	} {
		id := events.MessageID(events.NewUUID().String())
		begin(events.LetterStream(id), l.actor, events.LetterWritten{
			Message: id, Kind: events.OutboundAdministrative, Purpose: "notice", About: l.about, Customer: "c",
			Letter: events.Seal(events.HouseLetter{To: events.Address{Address: "ada@cust.test"}, Subject: "s", Text: "t"}),
		})
		p.await(id, l.want, 1)
	}
}
