package desk

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/westshore/hub/events"
)

// Digest is what folding a ticket's history gives, as JSON: equal states give equal
// bytes, in every house. Revisions are left out, which are one log's own; nil is a
// stream that holds no ticket.
func Digest(history []events.Recorded) []byte {
	t := fold(history)
	if !t.exists {
		return nil
	}
	b, err := json.Marshal(struct {
		ID               events.TicketID
		Number           int64
		Channel          events.Channel
		Mailbox          events.MailboxID
		Customer         events.SubjectID
		Participants     []events.SubjectID
		Resolved, Erased bool
		ResolvedAt       time.Time
		Reopened         []time.Time
		Assignee         events.AgentID
		Priority         events.Priority
		Tags             []string
		Subjects         []events.Hash
		Inquiries        []events.InquiryID
		Inbound          events.InquiryID
	}{
		t.id, t.number, t.channel, t.mailbox, t.customer, slices.Sorted(maps.Keys(t.participants)), t.resolved, t.erased, t.resolvedAt.UTC(), t.reopened,
		t.assignee, t.priority, t.tags, slices.Sorted(maps.Keys(t.subjects)), slices.Sorted(maps.Keys(t.inquiries)), t.inbound,
	})
	if err != nil {
		panic(fmt.Sprintf("encode ticket: %v", err)) // strings, numbers and times
	}
	return b
}
