package desk

import (
	"slices"
	"time"

	"github.com/westshore/hub/events"
)

// ticket is what the desk must know of a ticket to decide. It is folded from
// clear facts alone.
type ticket struct {
	exists       bool
	id           events.TicketID
	number       int64
	channel      events.Channel
	mailbox      events.MailboxID
	customer     events.SubjectID
	participants map[events.SubjectID]bool // the customer among them
	resolved     bool
	assignee     events.AgentID
	priority     events.Priority
	tags         []string
	inquiries    map[events.InquiryID]bool
	inbound      events.InquiryID // the newest from a participant: what a reply answers
	reopened     []time.Time      // by mail
	spoken       events.Revision  // revision of the newest message of any kind
	revision     events.Revision
}

// fold applies a ticket's history to nothing.
func fold(history []events.Recorded) *ticket {
	t := &ticket{
		participants: map[events.SubjectID]bool{}, inquiries: map[events.InquiryID]bool{},
		priority: events.Normal, spoken: events.NoStream, revision: events.NoStream,
	}
	for _, r := range history {
		t.evolve(r)
	}
	return t
}

func (t *ticket) evolve(r events.Recorded) {
	t.revision = r.Revision
	switch e := r.Event.(type) {
	case events.TicketOpened:
		t.exists, t.id, t.number, t.channel, t.mailbox, t.customer = true, e.Ticket, e.Number, e.Channel, e.Mailbox, e.Customer
		t.participants[e.Customer] = true
		for _, p := range e.Participants {
			t.participants[p] = true
		}
	case events.MessageAttached:
		t.inquiries[e.Inquiry], t.spoken = true, r.Revision
		if !e.Unverified {
			t.inbound = e.Inquiry
		}
	case events.ReplyWritten, events.NoteAdded:
		t.spoken = r.Revision
	case events.TicketAssigned:
		t.assignee = e.Agent
	case events.TicketUnassigned:
		t.assignee = ""
	case events.PriorityChanged:
		t.priority = e.Priority
	case events.TagAdded:
		if !slices.Contains(t.tags, e.Tag) {
			t.tags = append(t.tags, e.Tag)
		}
	case events.TagRemoved:
		t.tags = slices.DeleteFunc(t.tags, func(s string) bool { return s == e.Tag })
	case events.TicketResolved:
		t.resolved = true
	case events.TicketReopened:
		t.resolved = false
		if e.Cause == "message" {
			t.reopened = append(t.reopened, r.Meta.At)
		}
	}
}

// mayReopen is the brake of MAIL I28: three reopenings by mail an hour.
func (t *ticket) mayReopen(now time.Time) bool {
	recent := 0
	for _, at := range t.reopened {
		if now.Sub(at) < time.Hour {
			recent++
		}
	}
	return recent < 3
}
