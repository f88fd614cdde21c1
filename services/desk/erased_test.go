package desk_test

import (
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/services/desk"
)

// TestErasedTicketTakesNobodyIn is acceptance test 14: an erased person who writes
// again, answering the old thread, opens a new request without a link; another
// participant's erasure does not close somebody else's request.
//
// clause: 2.3
func TestErasedTicketTakesNobodyIn(t *testing.T) {
	o := open(t)
	first := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "1@cust.test", text: "one"}))[0]
	done, err := o.Reply(t.Context(), command(), desk.Reply{Ticket: first.Ticket, Text: "an answer"})
	if err != nil || done.Message == "" {
		t.Fatal(err)
	}
	stream := events.TicketStream(first.Ticket)
	kids, err := o.Vault.StreamKeys(t.Context(), stream)
	if err != nil || len(kids) == 0 {
		t.Fatal(err)
	}
	tomb := func(list []events.KID) {
		t.Helper()
		by := journal.By{Command: events.NewUUID(), Actor: "system:privacy"}
		_, err := o.Execute(t.Context(), stream, by, func([]events.Recorded) ([]events.Event, error) {
			return []events.Event{events.SegmentsErased{Order: events.NewUUID(), Cause: "subject", KIDs: list}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	again := func(from, id string) events.InquiryRouted {
		t.Helper()
		return o.receive(o.inquiry(mail{from: from, id: id, refs: []string{"1@cust.test"}, change: func(in *events.InquiryReceived) {
			in.ReplyTicket, in.SignedTicket, in.TagNumber = first.Ticket, first.Ticket, 1
		}}))[0]
	}
	tomb([]events.KID{"00000000000000000000000000000001"}) // somebody else's words in this request
	if d := again("ada@cust.test", "2@cust.test"); d.Ticket != first.Ticket {
		t.Fatalf("another person's erasure closed the request: %+v", d)
	}
	tomb([]events.KID{kids[0].KID})
	for _, from := range []string{"ada@cust.test", "eve@else.test"} {
		if d := again(from, "after@"+from); !d.New || d.Ticket == first.Ticket || d.Related != "" {
			t.Errorf("a mail of %s was linked to an erased request: %+v", from, d)
		}
	}
}
