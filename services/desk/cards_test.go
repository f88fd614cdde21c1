package desk_test

import (
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/desk"
)

// TestCardNumbersOfAgentsAreMasked: what an agent pastes is masked before it is
// kept or sent (acceptance test 23).
//
// clause: 1.3
func TestCardNumbersOfAgentsAreMasked(t *testing.T) {
	o := open(t)
	first := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "1@cust.test", subject: "Card", text: "one"}))[0]
	_, err := o.Note(t.Context(), command(), first.Ticket, "He read me 4111 1111 1111 1111.")
	if err == nil {
		_, err = o.Reply(t.Context(), command(), desk.Reply{Ticket: first.Ticket, Text: "Is it 4111111111111111?", HTML: "<p>Is it 4111111111111111?</p>"})
	}
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	as := events.Principal{Actor: "test", Role: events.RoleAgent, Purpose: events.PurposeSupport}
	recs, err := o.Journal.Load(t.Context(), events.TicketStream(first.Ticket), &as)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range recs {
		switch e := r.Event.(type) {
		case events.NoteAdded:
			said[e.Note.Value().Text] = true
		case events.ReplyWritten:
			said[e.Answer.Value().Text], said[e.Answer.Value().HTML] = true, true
		}
	}
	for _, want := range []string{"He read me XXXX XXXX XXXX 1111.", "Is it XXXXXXXXXXXX1111?", "<p>Is it XXXXXXXXXXXX1111?</p>"} {
		if !said[want] {
			t.Errorf("%q is not among %v", want, said)
		}
	}
}
