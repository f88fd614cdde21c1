package desk_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/services/desk"
)

func (o *office) differences() (out []desk.Difference) {
	o.t.Helper()
	if err := o.Rethread(o.t.Context(), func(d desk.Difference) error { out = append(out, d); return nil }); err != nil {
		o.t.Fatal(err)
	}
	return out
}

// old writes a decision as a hub with other rules would have.
func (o *office) old(in events.InquiryReceived, decision events.InquiryRouted, evs ...events.Event) {
	o.t.Helper()
	write := func(s events.Stream, evs ...events.Event) {
		by := journal.By{Command: events.NewUUID(), Actor: "system:router"}
		if _, err := o.Journal.Execute(o.t.Context(), s, by, func([]events.Recorded) ([]events.Event, error) { return evs, nil }); err != nil {
			o.t.Fatal(err)
		}
	}
	decision.Inquiry = in.Inquiry
	write(events.InquiryStream(in.Inquiry), in, decision)
	write(events.ThreadStream(in.MessageKey), events.ThreadBound{Key: in.MessageKey, Ticket: decision.Ticket, Inquiry: in.Inquiry, Content: in.ContentKey})
	write(events.TicketStream(decision.Ticket), evs...)
}

// MAIL 3.D: a change of the rules can be seen before it is made, is made as
// correcting events, once, and leaves alone what a person decided.
func TestRethread(t *testing.T) {
	o := open(t)
	first := o.receive(
		o.inquiry(mail{from: "ada@cust.test", id: "1@cust.test", text: "one"}),
		o.inquiry(mail{from: "bob@cust.test", id: "9@cust.test", text: "other"}),
	)
	if d := o.differences(); len(d) != 0 {
		t.Fatalf("the rules of today differ from themselves: %+v", d)
	}
	// Rules of old did not look at References, and opened a ticket of its own.
	answer := o.inquiry(mail{from: "ada@cust.test", id: "2@cust.test", refs: []string{"1@cust.test"}, text: "two"})
	stray := events.TicketID(events.DeriveUUID("ticket", string(answer.Inquiry)).String())
	o.old(answer, events.InquiryRouted{Ticket: stray, New: true, Number: 77, Why: "new"},
		events.TicketOpened{Ticket: stray, Number: 77, Channel: events.Email, Mailbox: "support", Customer: answer.Customer},
		events.MessageAttached{Ticket: stray, Inquiry: answer.Inquiry, Customer: answer.Customer, Class: events.MailHuman, Why: "new"})
	// They also let a stranger in by References.
	stranger := o.inquiry(mail{from: "eve@evil.test", id: "3@evil.test", refs: []string{"1@cust.test"}, text: "three"})
	o.old(stranger, events.InquiryRouted{Ticket: first[0].Ticket, Why: "references"},
		events.MessageAttached{Ticket: first[0].Ticket, Inquiry: stranger.Inquiry, Customer: stranger.Customer, Class: events.MailHuman, Why: "references"})
	own := events.TicketID(events.DeriveUUID("ticket", string(stranger.Inquiry)).String())
	want := []desk.Difference{
		{Inquiry: answer.Inquiry, From: stray, To: first[0].Ticket, Was: "new", Why: "references"},
		{Inquiry: stranger.Inquiry, From: first[0].Ticket, To: own, New: true, Was: "references", Why: "new", Related: first[0].Ticket},
	}
	got := o.differences()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(desk.Difference{})); diff != "" {
		t.Fatal(diff)
	}
	for _, d := range got {
		for range 2 { // and again, which changes nothing
			if err := o.Correct(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
	}
	if d := o.differences(); len(d) != 0 {
		t.Errorf("after correcting: %+v", d)
	}
	if diff := cmp.Diff([]string{"TicketOpened", "MessageAttached", "MessageDetached", "TicketResolved"}, types(o.history(stray))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"TicketOpened", "MessageAttached"}, types(o.history(own))); diff != "" {
		t.Error(diff)
	}
	h := o.history(first[0].Ticket)
	if diff := cmp.Diff([]string{"TicketOpened", "MessageAttached", "AcknowledgementWritten", "MessageAttached", "MessageAttached", "MessageDetached"}, types(h)); diff == "" {
		t.Log("attached before detached")
	}
	held := map[events.InquiryID]bool{}
	for _, e := range h {
		switch e := e.(type) {
		case events.MessageAttached:
			held[e.Inquiry] = true
		case events.MessageDetached:
			delete(held, e.Inquiry)
		}
	}
	if !held[answer.Inquiry] || held[stranger.Inquiry] || len(held) != 2 {
		t.Errorf("messages of the ticket: %v", held)
	}
	// What follows goes by the corrected decision.
	if d := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "4@cust.test", refs: []string{"2@cust.test"}, text: "four"}))[0]; d.Ticket != first[0].Ticket {
		t.Errorf("the next answer: %+v", d)
	}
}

// A correction that a crash cut after its decision is finished by the next run.
func TestRethreadFinishesWhatItBegan(t *testing.T) {
	o := open(t)
	first := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "1@cust.test", text: "one"}))[0]
	in := o.inquiry(mail{from: "ada@cust.test", id: "2@cust.test", refs: []string{"1@cust.test"}, text: "two"})
	stray := events.TicketID(events.DeriveUUID("ticket", string(in.Inquiry)).String())
	o.old(in, events.InquiryRouted{Ticket: stray, New: true, Number: 77, Why: "new"},
		events.TicketOpened{Ticket: stray, Number: 77, Channel: events.Email, Customer: in.Customer},
		events.MessageAttached{Ticket: stray, Inquiry: in.Inquiry, Customer: in.Customer, Class: events.MailHuman, Why: "new"})
	by := journal.By{Command: events.NewUUID(), Actor: "system:rethread"}
	if _, err := o.Journal.Append(t.Context(), events.InquiryStream(in.Inquiry), 1, by,
		events.InquiryRerouted{Inquiry: in.Inquiry, From: stray, Ticket: first.Ticket, Why: "references", Rules: desk.RulesVersion}); err != nil {
		t.Fatal(err)
	}
	got := o.differences()
	if len(got) != 1 || got[0].To != first.Ticket {
		t.Fatalf("%+v", got)
	}
	if err := o.Correct(t.Context(), got[0]); err != nil {
		t.Fatal(err)
	}
	if d := o.differences(); len(d) != 0 {
		t.Errorf("%+v", d)
	}
	if !o.holds(events.InquiryRouted{Ticket: first.Ticket, Inquiry: in.Inquiry}) {
		t.Error("the message is not where it belongs")
	}
}
