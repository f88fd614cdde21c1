package desk_test

import (
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/services/desk"
)

// TestRestoredHouseAcknowledgesNothingTwice: mail that arrived before the house went
// on from a backup may have been acknowledged by the house that was lost, also where
// the backup holds the decision but not the ticket; mail that comes later is
// acknowledged as ever (promise 1).
func TestRestoredHouseAcknowledgesNothingTwice(t *testing.T) {
	o := open(t)
	now := time.Now().UTC()
	arrived := func(at time.Time) func(*events.InquiryReceived) {
		return func(in *events.InquiryReceived) { in.ArrivedAt = at }
	}
	decided := o.inquiry(mail{from: "ada@cust.test", id: "1@cust.test", change: arrived(now.Add(-time.Hour))})
	d := events.InquiryRouted{Inquiry: decided.Inquiry, Ticket: "t1", New: true, Number: 1, Acknowledge: true, Why: "new"}
	by := journal.By{Command: events.NewUUID(), Actor: "system:test"}
	if _, err := o.Journal.Append(t.Context(), events.InquiryStream(decided.Inquiry), events.NoStream, by, decided, d); err != nil {
		t.Fatal(err)
	}
	by = journal.By{Command: events.NewUUID(), Actor: "system:test", At: now}
	if _, err := o.Journal.Append(t.Context(), events.RestoresStream, events.NoStream, by, events.HubRestored{}); err != nil {
		t.Fatal(err)
	}
	if err := desk.SkipNumbers(t.Context(), o.Journal, 1200); err != nil {
		t.Fatal(err)
	}
	got := o.receive(
		o.inquiry(mail{from: "bob@cust.test", id: "2@cust.test", change: arrived(now.Add(-time.Second))}),
		o.inquiry(mail{from: "cyd@cust.test", id: "3@cust.test", change: arrived(now.Add(time.Second))}),
	)
	for i, want := range []struct {
		brake string
		sent  bool
	}{{"restored", false}, {"", true}} {
		if got[i].Brake != want.brake || o.acknowledged(got[i].Ticket) != want.sent || got[i].Number <= 1200 {
			t.Errorf("mail %d: %+v, acknowledged %v", i, got[i], o.acknowledged(got[i].Ticket))
		}
	}
	o.settle(t.Context(), []events.InquiryRouted{d})
	if o.acknowledged("t1") {
		t.Error("a decision of the backup was acknowledged after the restore")
	}
}

func (o *office) acknowledged(id events.TicketID) bool {
	for _, e := range o.history(id) {
		if _, ok := e.(events.AcknowledgementWritten); ok {
			return true
		}
	}
	return false
}
