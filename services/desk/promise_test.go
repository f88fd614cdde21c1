package desk_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/services/desk"
)

// TestOneKeyOnTwoTicketsIsTwoAnswers: the mails of an answer are named after its
// message, so two answers under one message would be one mail, and the second
// would never go out.
func TestOneKeyOnTwoTicketsIsTwoAnswers(t *testing.T) {
	o := open(t)
	both := o.receive(
		o.inquiry(mail{from: "ada@cust.test", id: "1@cust.test", text: "one"}),
		o.inquiry(mail{from: "bob@else.test", id: "2@else.test", text: "two"}))
	c := command()
	a, err1 := o.Reply(t.Context(), c, reply(both[0].Ticket))
	b, err2 := o.Reply(t.Context(), c, reply(both[1].Ticket))
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if events.DeriveOutbound(a.Message, 0) == events.DeriveOutbound(b.Message, 0) {
		t.Error("answers to two customers are one outgoing message: the second is lost")
	}
}

// TestKeyOfAnotherCommandIsRefused: a repeated Idempotency-Key does nothing more,
// and never says "done" about words that were not written.
func TestKeyOfAnotherCommandIsRefused(t *testing.T) {
	o := open(t)
	id := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "1@cust.test", text: "one"}))[0].Ticket
	c := command()
	first, err := o.Reply(t.Context(), c, desk.Reply{Ticket: id, Text: "Tuesday"})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := o.Reply(t.Context(), c, desk.Reply{Ticket: id, Text: "Tuesday"}); err != nil || again.Message != first.Message || again.Event != first.Event {
		t.Errorf("the same command again: %+v, %v", again, err)
	}
	for what, err := range map[string]error{
		"another text": second(o.Reply(t.Context(), c, desk.Reply{Ticket: id, Text: "Wednesday"})),
		"a note":       second(o.Note(t.Context(), c, id, "Tuesday")),
		"resolving":    second(o.Resolve(t.Context(), c, id)),
		"a tag":        second(o.Tag(t.Context(), c, id, []string{"vip"}, nil)),
	} {
		var no *desk.Refusal
		if !errors.As(err, &no) || no.Code != "key_reused" {
			t.Errorf("%s under the key of a reply: %v, want a refusal", what, err)
		}
	}
	tag := command()
	for range 2 {
		if _, err := o.Tag(t.Context(), tag, id, []string{"vip"}, nil); err != nil {
			t.Errorf("a tag, and again: %v", err)
		}
	}
}

func second(_ desk.Done, err error) error { return err }

// TestWhatCannotBeRoutedIsInSight: an inquiry whose ticket cannot be found or
// written goes to quarantine, also when a person had let it out and also when its
// decision stands already. None rests in the log alone.
func TestWhatCannotBeRoutedIsInSight(t *testing.T) {
	o := open(t)
	o.router.RetryPause = time.Millisecond
	key := o.Vault.Hash("message-id", "1@cust.test")
	by := journal.By{Command: events.NewUUID(), Actor: "test"}
	// A thread stream that holds something else is an error that no repetition ends.
	if _, err := o.Append(t.Context(), events.ThreadStream(key), events.NoStream, by, events.TicketResolved{Ticket: "x"}); err != nil {
		t.Fatal(err)
	}
	in := o.inquiry(mail{from: "ada@cust.test", id: "1@cust.test", text: "one"})
	if d := o.receive(in)[0]; d.Why != "quarantine:not_routable" {
		t.Fatalf("decided %+v, want quarantine", d)
	}
	if _, err := o.Release(t.Context(), command(), in.Inquiry); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- desk.NewRouter(o.Desk, o.router).Run(ctx) }()
	o.until("it waits for a person again", func() bool {
		evs := o.stream(events.InquiryStream(in.Inquiry))
		_, held := evs[len(evs)-1].(events.InquiryQuarantined)
		return held
	})
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestO16WhatIsGoingOutCannotBeTakenBack: from the claim on, a message can be
// neither recalled nor cancelled nor sent again by hand, whatever the view shows.
func TestO16WhatIsGoingOutCannotBeTakenBack(t *testing.T) {
	o := open(t)
	ticket := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "1@cust.test", text: "one"}))[0].Ticket
	done, err := o.Reply(t.Context(), command(), reply(ticket))
	if err != nil {
		t.Fatal(err)
	}
	id := events.DeriveOutbound(done.Message, 0)
	say := func(evs ...events.Event) {
		t.Helper()
		by := journal.By{Command: events.NewUUID(), Actor: "test"}
		_, err := o.Execute(t.Context(), events.OutboundStream(id), by, func([]events.Recorded) ([]events.Event, error) { return evs, nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	say(events.MessageQueued{Outbound: id, Kind: events.OutboundReply, Ticket: ticket, Message: done.Message, Customer: "c", Parcel: events.Seal(events.Parcel{})},
		events.DeliveryAttempted{Outbound: id, Attempt: 1, Worker: "w", Lease: time.Now().Add(time.Hour)})
	for _, phase := range []string{"claimed", "started"} {
		for what, err := range map[string]error{
			"recall": second(o.Recall(t.Context(), command(), ticket, done.Message)),
			"cancel": second(o.CancelDelivery(t.Context(), command(), id)),
			"retry":  second(o.RetryDelivery(t.Context(), command(), id)),
		} {
			var no *desk.Refusal
			if !errors.As(err, &no) {
				t.Errorf("%s of a message that is %s: %v, want a refusal", what, phase, err)
			}
		}
		say(events.DeliveryStarted{Outbound: id, Attempt: 1})
	}
}
