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
	resolvedAt   time.Time
	subjects     map[events.Hash]bool // of its messages, without Re:
	assignee     events.AgentID
	priority     events.Priority
	tags         []string
	inquiries    map[events.InquiryID]bool
	inbound      events.InquiryID // the newest from a participant: what a reply answers
	heard        []heard          // what could be answered, oldest first
	reopened     []time.Time      // by mail
	spoken       events.Revision  // revision of the newest message of any kind
	revision     events.Revision
	erased       bool                // its customer was erased: nobody joins it any more (PRIVACY F14)
	sealed       map[events.KID]bool // the customer's segments in its stream
}

// fold applies a ticket's history to nothing.
func fold(history []events.Recorded) *ticket {
	t := &ticket{
		participants: map[events.SubjectID]bool{}, inquiries: map[events.InquiryID]bool{}, subjects: map[events.Hash]bool{}, sealed: map[events.KID]bool{},
		priority: events.Normal, spoken: events.NoStream, revision: events.NoStream,
	}
	for _, r := range history {
		t.evolve(r)
	}
	return t
}

func (t *ticket) evolve(r events.Recorded) {
	t.revision = r.Revision
	for _, ref := range r.Meta.Segments {
		if ref.Subject == t.customer {
			t.sealed[ref.KID] = true
		}
	}
	switch e := r.Event.(type) {
	case events.SegmentsErased:
		// Without any key named, the customer had none in this stream.
		mine := len(e.KIDs) == 0 || slices.ContainsFunc(e.KIDs, func(k events.KID) bool { return t.sealed[k] })
		t.erased = t.erased || e.Cause == "subject" && mine
	case events.TicketOpened:
		t.exists, t.id, t.number, t.channel, t.mailbox, t.customer = true, e.Ticket, e.Number, e.Channel, e.Mailbox, e.Customer
		t.participants[e.Customer] = true
		for _, p := range e.Participants {
			t.participants[p] = true
		}
	case events.MessageAttached:
		t.inquiries[e.Inquiry], t.spoken = true, r.Revision
		if e.SubjectKey != "" {
			t.subjects[e.SubjectKey] = true
		}
		for _, p := range e.Participants {
			t.participants[p] = true
		}
		t.hear(e)
	case events.MessageDetached:
		delete(t.inquiries, e.Inquiry)
		t.spoken = r.Revision
		t.heard = slices.DeleteFunc(t.heard, func(h heard) bool { return h.inquiry == e.Inquiry })
		t.answer()
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
		t.resolved, t.resolvedAt = true, r.Meta.At
	case events.TicketArchived: // stands for everything before it, which is gone
		t.exists, t.id, t.number, t.channel, t.mailbox, t.customer = true, e.Ticket, e.Number, e.Channel, e.Mailbox, e.Customer
		t.participants[e.Customer], t.assignee, t.priority, t.tags = true, e.Assignee, e.Priority, e.Tags
		t.resolved, t.resolvedAt = true, e.ResolvedAt
		for _, m := range e.Messages {
			if m.Kind == "inbound" {
				t.inquiries[events.InquiryID(m.ID)] = true
			}
		}
	case events.TicketReopened:
		t.resolved = false
		if e.Cause == "message" {
			t.reopened = append(t.reopened, r.Meta.At)
		}
	}
}

// heard is a message that a reply could answer.
type heard struct {
	inquiry events.InquiryID
	person  bool // a person wrote it
}

// hear notes a message of a participant. An agent's mail is no question.
func (t *ticket) hear(e events.MessageAttached) {
	if e.Unverified || e.Agent != "" || e.Class == events.MailSent || e.Class == events.MailBounce || e.Class == events.MailReceipt {
		return
	}
	t.heard = append(t.heard, heard{e.Inquiry, e.Class == events.MailHuman || e.Class == ""})
	t.answer()
}

// answer finds what a reply answers: the newest message of a person, or the
// newest of all where no person wrote.
func (t *ticket) answer() {
	t.inbound = ""
	for _, h := range slices.Backward(t.heard) {
		if t.inbound == "" {
			t.inbound = h.inquiry
		}
		if h.person {
			t.inbound = h.inquiry
			return
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
