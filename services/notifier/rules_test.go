package notifier_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/services/desk"
	"github.com/westshore/hub/services/notifier"
)

func (p *post) desk() *desk.Desk {
	return desk.New(desk.Config{Journal: p.Journal, MessageID: p.marks.MessageID, Own: p.marks.Own, Mailbox: "support", Logger: p.Logger})
}

func agent() desk.Command { return desk.Command{ID: events.NewUUID(), Agent: "a", At: time.Now()} }

// append writes to any stream.
func (p *post) append(stream events.Stream, evs ...events.Event) {
	p.t.Helper()
	by := journal.By{Command: events.NewUUID(), Actor: "agent:a"}
	_, err := p.Journal.Execute(p.t.Context(), stream, by, func([]events.Recorded) ([]events.Event, error) { return evs, nil })
	if err != nil {
		p.t.Fatal(err)
	}
}

// ticket opens a ticket and writes an answer in it.
func (p *post) ticket(notBefore time.Time, to ...string) (events.TicketID, events.MessageID) {
	p.t.Helper()
	id, msg := events.TicketID(events.NewUUID().String()), events.MessageID(events.NewUUID().String())
	var list []events.Address
	for _, a := range to {
		list = append(list, events.Address{Address: a})
	}
	p.append(events.TicketStream(id), events.TicketOpened{Ticket: id, Number: 7, Channel: events.Email, Customer: "c"}, events.ReplyWritten{
		Ticket: id, Message: msg, Number: 7, Mailbox: "support", Agent: "a", Customer: "c", MessageID: p.marks.MessageID(id, msg, "support"),
		Envelope: events.Seal(events.ReplyEnvelope{To: list, Subject: "Re: Help"}), Answer: events.Seal(events.Answer{Text: "Hello " + string(msg)}),
		NotBefore: notBefore,
	}, events.TicketResolved{Ticket: id})
	return id, msg
}

// until waits until something holds of the outbox.
func (p *post) until(what string, holds func(context.Context) (bool, error)) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 20*time.Second)
	defer cancel()
	for {
		changed := p.feed.Changed()
		ok, err := holds(ctx)
		if err != nil {
			p.t.Fatalf("%s: %v", what, err)
		}
		if ok {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			p.t.Fatalf("never: %s", what)
		}
	}
}

func (p *post) suppression(address string) (s outbox.Suppression, listed bool) {
	p.t.Helper()
	s, listed, err := p.outbox.Suppression(p.t.Context(), notifier.AddressHash(p.Vault.Hash, address))
	if err != nil {
		p.t.Fatal(err)
	}
	return s, listed
}

// TestO16AnswerWaitsAndIsTakenBack: it is held, goes nowhere once it was taken
// back, also before it was queued, and the ticket is open again.
func TestO16AnswerWaitsAndIsTakenBack(t *testing.T) {
	p := openPost(t)
	p.tune = func(all *parts) { all.clerk.Undo = time.Hour }
	early, unqueued := p.ticket(time.Time{}, "ada@cust.test")
	if _, err := p.desk().Recall(t.Context(), agent(), early, unqueued); err != nil {
		t.Fatal(err) // nobody has queued it yet
	}
	stop := p.run("one", p.relay())
	defer stop()
	ticket, msg := p.ticket(time.Time{}, "ada@cust.test", "bob@cust.test")
	for _, i := range p.await(msg, outbox.Queued, 2) {
		if wait := time.Until(i.NextAttempt); wait < 50*time.Minute {
			t.Errorf("may go in %s, want the hold", wait)
		}
	}
	done, err := p.desk().Recall(t.Context(), agent(), ticket, msg)
	if err != nil {
		t.Fatal(err)
	}
	p.await(msg, outbox.Cancelled, 2)
	history, err := p.Journal.Load(t.Context(), events.TicketStream(ticket), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := history[len(history)-1].Event.(events.TicketReopened); !ok || done.Message != msg {
		t.Errorf("the ticket of a recalled answer ends with %s", history[len(history)-1].Type)
	}
	p.skew.Store(int64(2 * time.Hour))
	_, other := p.ticket(time.Time{}, "eve@cust.test")
	p.await(other, outbox.Queued, 1)
	if items, _ := p.outbox.ByMessage(t.Context(), unqueued); len(items) != 0 {
		t.Error("an answer that was taken back before it was queued is queued")
	}
}

// TestO16ClaimAndRecallRace: whatever comes first, an answer is either sent or
// taken back, never both.
func TestO16ClaimAndRecallRace(t *testing.T) {
	p := openPost(t)
	stop := p.run("one", p.relay())
	defer stop()
	d, taken := p.desk(), 0
	for i := range 20 {
		to := fmt.Sprintf("r%d@cust%d.test", i, i)
		ticket, msg := p.ticket(time.Time{}, to)
		if i%2 == 1 {
			p.until("queued", func(ctx context.Context) (bool, error) {
				items, err := p.outbox.ByMessage(ctx, msg)
				return len(items) > 0, err
			})
		}
		_, err := d.Recall(t.Context(), agent(), ticket, msg)
		if err == nil {
			taken++
			if n, _ := p.copies(to, msg); n != 0 {
				t.Errorf("message %d was taken back and sent", i)
			}
			continue
		}
		if r, ok := errors.AsType[*desk.Refusal](err); !ok || r.Code != "too_late" {
			t.Fatal(err)
		}
		p.await(msg, outbox.Accepted, 1)
	}
	t.Logf("%d of 20 were taken back", taken)
}

// TestSendLater: an answer goes when the agent wants it to.
func TestSendLater(t *testing.T) {
	p := openPost(t)
	stop := p.run("one", p.relay())
	defer stop()
	_, msg := p.ticket(time.Now().Add(3*time.Hour), "ada@cust.test")
	if i := p.await(msg, outbox.Queued, 1)[0]; time.Until(i.NextAttempt) < 2*time.Hour {
		t.Errorf("may go at %s", i.NextAttempt)
	}
	p.skew.Store(int64(4 * time.Hour))
	p.await(p.write("bob@cust.test"), outbox.Accepted, 1) // makes the dispatcher look
	p.await(msg, outbox.Accepted, 1)
}

// TestO13NoSuchAddressIsSuppressed: a hard refusal stops automatic mail for good
// and holds an answer, which the agent may send all the same; and whoever writes
// to us is written to again.
func TestO13NoSuchAddressIsSuppressed(t *testing.T) {
	p := openPost(t)
	stop := p.run("one", p.relay())
	defer stop()
	p.await(p.write("nobody@refuse.test"), outbox.Failed, 1)
	p.until("suppressed", func(context.Context) (bool, error) { _, ok := p.suppression("Nobody@REFUSE.test"); return ok, nil })
	if s, _ := p.suppression("nobody@refuse.test"); s.Kind != events.SuppressedHard {
		t.Errorf("suppressed as %s", s.Kind)
	}
	msg := p.write("nobody@refuse.test")
	held := p.await(msg, outbox.Held, 1)[0]
	if held.LastDetail != "suppressed_hard" || held.Attempts != 0 {
		t.Errorf("held as %q after %d attempts", held.LastDetail, held.Attempts)
	}
	if _, err := p.desk().RetryDelivery(t.Context(), agent(), held.ID); err != nil {
		t.Fatal(err)
	}
	if i := p.await(msg, outbox.Failed, 1)[0]; i.Attempts != 1 {
		t.Errorf("%d attempts after the agent said so", i.Attempts)
	}
	letter := events.MessageID(events.NewUUID().String())
	p.append(events.LetterStream(letter), events.LetterWritten{
		Message: letter, Kind: events.OutboundPromotional, Purpose: "news", Customer: "c",
		Letter: events.Seal(events.HouseLetter{To: events.Address{Address: "nobody@refuse.test"}, Subject: "News", Text: "News"}),
	})
	if i := p.await(letter, outbox.Cancelled, 1)[0]; i.LastDetail != "suppressed_hard" {
		t.Errorf("a promotional letter was cancelled for %q", i.LastDetail)
	}
	inquiry := events.InquiryID(events.NewUUID().String())
	p.append(events.InquiryStream(inquiry), events.InquiryReceived{
		Inquiry: inquiry, Channel: events.Email, Customer: "c", Class: events.MailHuman, Auth: "pass",
		Contact: events.Seal(events.Address{Address: "nobody@refuse.test"}), Letter: events.Seal(events.Letter{Text: "I am here"}),
	})
	p.until("lifted", func(context.Context) (bool, error) { _, ok := p.suppression("nobody@refuse.test"); return !ok, nil })
}

// TestO13ThreeFullMailboxesAreSoft: the third return for a full mailbox in a week
// suppresses; complaints and manual entries are what they are.
func TestO13ThreeFullMailboxesAreSoft(t *testing.T) {
	p := openPost(t)
	stop := p.run("one", p.relay())
	defer stop()
	for n := range 3 {
		msg := p.write("ada@cust.test")
		id := p.await(msg, outbox.Accepted, 1)[0].ID
		if _, listed := p.suppression("ada@cust.test"); listed {
			t.Fatalf("suppressed after %d returns", n)
		}
		p.append(events.OutboundStream(id), events.MessageBounced{Outbound: id, Code: "5.2.2", Action: "failed", Class: "full"})
		p.await(msg, outbox.Bounced, 1)
	}
	p.until("suppressed", func(context.Context) (bool, error) { _, ok := p.suppression("ada@cust.test"); return ok, nil })
	if s, _ := p.suppression("ada@cust.test"); s.Kind != events.SuppressedSoft {
		t.Errorf("suppressed as %s", s.Kind)
	}
	msg := p.write("bob@cust.test")
	id := p.await(msg, outbox.Accepted, 1)[0].ID
	p.append(events.OutboundStream(id), events.MessageComplained{Outbound: id, Kind: "abuse"})
	p.until("complaint", func(context.Context) (bool, error) {
		s, _ := p.suppression("bob@cust.test")
		return s.Kind == events.SuppressedComplaint, nil
	})
	p.await(p.write("bob@cust.test"), outbox.Accepted, 1) // an answer goes all the same
}

// TestO8OtherAddress: what failed goes to another address of the same person, as
// a message of its own, and is put away.
func TestO8OtherAddress(t *testing.T) {
	p := openPost(t)
	stop := p.run("one", p.relay())
	defer stop()
	ticket, msg := p.ticket(time.Time{}, "nobody@refuse.test")
	id := p.await(msg, outbox.Failed, 1)[0].ID
	if _, _, err := p.desk().RedirectDelivery(t.Context(), agent(), id, events.Address{Address: "support@hub.test"}); err == nil {
		t.Error("redirected to ourselves (O19)")
	}
	_, fresh, err := p.desk().RedirectDelivery(t.Context(), agent(), id, events.Address{Address: "ada@cust.test"})
	if err != nil {
		t.Fatal(err)
	}
	p.until("both are settled", func(ctx context.Context) (bool, error) {
		old, err1 := p.outbox.Get(ctx, id)
		now, err2 := p.outbox.Get(ctx, fresh)
		return err1 == nil && err2 == nil && old.State == outbox.Cancelled && now.State == outbox.Accepted && now.Ticket == ticket, nil
	})
	if n, raw := p.copies("ada@cust.test", msg); n != 1 || !strings.Contains(raw, "ada@cust.test") || strings.Contains(raw, "nobody@") {
		t.Errorf("%d copies; the first address stands in the other's mail: %v", n, strings.Contains(raw, "nobody@"))
	}
}

// TestO19NeverToOurselves: a message to one of our own mailboxes is dropped, with
// the reason.
func TestO19NeverToOurselves(t *testing.T) {
	p := openPost(t)
	stop := p.run("one", p.relay())
	defer stop()
	if i := p.await(p.write("support+x@hub.test"), outbox.Cancelled, 1)[0]; i.LastDetail != notifier.ReasonOwnAddress || i.Attempts != 0 {
		t.Errorf("cancelled for %q after %d attempts", i.LastDetail, i.Attempts)
	}
}

// TestO7ExpiredAndDelayed: after an hour the writer is told once, after a day the
// message failed, also when nothing could be tried.
func TestO7ExpiredAndDelayed(t *testing.T) {
	p := openPost(t)
	stop := p.run("one", p.relay())
	defer stop()
	msg := p.write("full@refuse.test")
	p.await(msg, outbox.Deferred, 1)
	p.skew.Store(int64(61 * time.Minute))
	p.until("delayed", func(ctx context.Context) (bool, error) {
		items, err := p.outbox.ByMessage(ctx, msg)
		return len(items) == 1 && items[0].Delayed, err
	})
	p.skew.Store(int64(25 * time.Hour))
	i := p.await(msg, outbox.Failed, 1)[0]
	if i.LastDetail != notifier.ClassExpired {
		t.Errorf("failed as %q", i.LastDetail)
	}
	told := 0
	history, err := p.Journal.Load(t.Context(), events.OutboundStream(i.ID), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range history {
		if _, ok := r.Event.(events.MessageDelayed); ok {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}

// TestO3Evidence: an unknown outcome is settled by the archive, by an answer to
// the message, by the rule of its kind, or stays in sight.
func TestO3Evidence(t *testing.T) {
	p := openPost(t)
	held := map[events.OutboundID]bool{}
	p.tune = func(all *parts) {
		all.worker.Relay.Archive = "archive@hub.test"
		all.dispatcher.Patience = time.Minute
		all.dispatcher.Evidence = func(_ context.Context, id events.OutboundID) (bool, error) { return held[id], nil }
	}
	first, second := p.write("cut@refuse.test"), p.write("cut@refuse.test")
	held[events.DeriveOutbound(first, 0)] = true
	stop := p.run("one", p.relay())
	defer stop()
	for _, msg := range []events.MessageID{first, second} {
		if i := p.await(msg, outbox.Unknown, 1)[0]; !i.Archived {
			t.Error("the archive was no recipient of the transaction")
		}
	}
	p.skew.Store(int64(2 * time.Minute))
	p.await(p.write("ada@cust.test"), outbox.Accepted, 1)
	if i := p.await(first, outbox.Accepted, 1)[0]; i.LastDetail != "archive" || i.Attempts != 1 {
		t.Errorf("settled by %q after %d attempts", i.LastDetail, i.Attempts)
	}
	if i := p.await(second, outbox.Unknown, 1)[0]; i.Attempts != 1 {
		t.Errorf("%d attempts without evidence", i.Attempts)
	}
	inquiry := events.InquiryID(events.NewUUID().String())
	p.append(events.InquiryStream(inquiry), events.InquiryReceived{
		Inquiry: inquiry, Channel: events.Email, Customer: "c", Class: events.MailHuman, Auth: "pass", SignedMessage: second,
		Contact: events.Seal(events.Address{Address: "cut@refuse.test"}), Letter: events.Seal(events.Letter{Text: "thanks"}),
	})
	if i := p.await(second, outbox.Accepted, 1)[0]; i.LastDetail != "reply" {
		t.Errorf("settled by %q", i.LastDetail)
	}
}

// TestO3ResendsOnceWhereAskedTo: with the policy to resend, an answer goes once
// more, and no further.
func TestO3ResendsOnceWhereAskedTo(t *testing.T) {
	p := openPost(t)
	p.tune = func(all *parts) { all.dispatcher.Patience, all.dispatcher.Unsure = time.Minute, notifier.Resend }
	stop := p.run("one", p.relay())
	defer stop()
	msg := p.write("cut@refuse.test")
	p.await(msg, outbox.Unknown, 1)
	for n := 1; n <= 3; n++ {
		p.skew.Store(int64(n) * int64(10*time.Minute))
		p.await(p.write("ada@cust.test"), outbox.Accepted, 1)
	}
	if i := p.await(msg, outbox.Unknown, 1)[0]; i.Attempts != 2 {
		t.Errorf("%d attempts, want 2", i.Attempts)
	}
}

// TestO24Alarms: what waits for long, an unknown outcome and a refused login are
// seen.
func TestO24Alarms(t *testing.T) {
	p := openPost(t)
	stop := p.run("one", p.relay())
	defer stop()
	p.await(p.write("cut@refuse.test"), outbox.Unknown, 1)
	p.await(p.write("grey@refuse.test"), outbox.Deferred, 1)
	for after, want := range map[time.Duration]string{0: "", 11 * time.Minute: "oldest", 31 * time.Minute: "oldest unknown"} {
		h, err := p.outbox.Health(t.Context(), time.Now().Add(after))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(h.Alarms(), " "); got != want {
			t.Errorf("after %s: %q, want %q", after, got, want)
		}
	}
}

// TestO12O14HeadersByKind: automatic mail says so and comes from the null sender,
// what wants something carries the one-click way out, and an answer carries
// neither.
func TestO12O14HeadersByKind(t *testing.T) {
	p := openPost(t)
	p.tune = func(all *parts) {
		all.clerk.Unsubscribe = func(events.SubjectID, string) string { return "https://hub.test/u/token" }
	}
	stop := p.run("one", p.relay())
	defer stop()
	inquiry, ticket := events.InquiryID(events.NewUUID().String()), events.TicketID(events.NewUUID().String())
	ack := events.MessageID(events.NewUUID().String())
	p.append(events.InquiryStream(inquiry), events.InquiryReceived{
		Inquiry: inquiry, Channel: events.Email, Customer: "c", Class: events.MailHuman,
		Contact: events.Seal(events.Address{Address: "ada@cust.test"}), Letter: events.Seal(events.Letter{Subject: "x", MessageID: "7@cust.test"}),
	})
	p.append(events.TicketStream(ticket), events.AcknowledgementWritten{
		Ticket: ticket, Message: ack, Number: 7, Inquiry: inquiry, Mailbox: "support", Customer: "c", MessageID: p.marks.MessageID(ticket, ack, "support"),
	})
	news := events.MessageID(events.NewUUID().String())
	p.append(events.LetterStream(news), events.LetterWritten{
		Message: news, Kind: events.OutboundPromotional, Purpose: "news", Customer: "c",
		Letter: events.Seal(events.HouseLetter{To: events.Address{Address: "ada@cust.test"}, Subject: "News", Text: "News"}),
	})
	reply := p.write("ada@cust.test")
	for msg, want := range map[events.MessageID][]string{
		ack:   {"Auto-Submitted: auto-replied", "X-Auto-Response-Suppress: All", "X-Hub-Loop: ", "!List-Unsubscribe", "In-Reply-To: <7@cust.test>"},
		news:  {"Auto-Submitted: auto-generated", "List-Unsubscribe: <https://hub.test/u/token>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"},
		reply: {"!Auto-Submitted", "!X-Auto-Response-Suppress", "!X-Hub-Loop", "!List-Unsubscribe"},
	} {
		item := p.await(msg, outbox.Accepted, 1)[0]
		_, raw := p.copies("ada@cust.test", events.MessageID(item.ID)) // by its delivery field
		for _, w := range want {
			if absent, no := strings.CutPrefix(w, "!"); no == strings.Contains(raw, strings.TrimPrefix(w, "!")) {
				t.Errorf("%s: %q, absent %v:\n%s", item.Kind, w, absent, raw)
			}
		}
		if null := parcel(p, item.ID).MailFrom == ""; null != (item.Kind == events.OutboundAcknowledgement) {
			t.Errorf("%s comes from the null sender: %v", item.Kind, null)
		}
	}
}
