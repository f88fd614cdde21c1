package tickets

import (
	"context"
	"fmt"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/sqldb"
)

// Apply turns events into rows. Within a batch a ticket is read and written
// once, however many of its events the batch holds.
func (v *View) Apply(_ context.Context, tx *sqldb.Tx, batch []events.Recorded) ([]projections.Change, error) {
	b := &work{tx: tx, tickets: map[events.TicketID]*row{}, counters: map[string]int64{}, changed: map[changeKey]int{}}
	for i := range batch {
		if err := b.apply(&batch[i]); err != nil {
			return nil, fmt.Errorf("%s at %s: %w", batch[i].Type, batch[i].Position, err)
		}
	}
	if err := b.flush(); err != nil {
		return nil, err
	}
	return b.changes, nil
}

// work is what one batch has changed so far.
type work struct {
	tx       *sqldb.Tx
	tickets  map[events.TicketID]*row
	order    []*row
	next     int64 // n of the next new ticket; 0: not asked yet
	counters map[string]int64
	changes  []projections.Change
	changed  map[changeKey]int // index into changes
}

type changeKey struct{ kind, id string }

// note records a change; several of one thing in a batch are one, at the last
// position.
func (b *work) note(r *events.Recorded, kind, id string, rev events.Revision, field string) {
	k := changeKey{kind, id}
	i, ok := b.changed[k]
	if !ok {
		i = len(b.changes)
		b.changed[k] = i
		b.changes = append(b.changes, projections.Change{Kind: kind, ID: id})
	}
	c := &b.changes[i]
	c.Position, c.Revision = r.Position, rev
	for _, f := range c.Fields {
		if f == field {
			return
		}
	}
	c.Fields = append(c.Fields, field)
}

func (b *work) apply(r *events.Recorded) error {
	switch e := r.Event.(type) {
	case events.InquiryReceived:
		return b.inquiryReceived(r, e)
	case events.InquiryQuarantined:
		return b.quarantined(r, e)
	case events.InquiryReleased:
		return b.judged(r, e.Inquiry, "released")
	case events.InquiryDiscarded:
		return b.judged(r, e.Inquiry, "discarded")
	case events.MailAdopted:
		_, err := b.tx.Exec(`UPDATE inquiries SET uidvalidity = ?, uid = ? WHERE id = ?`, int64(e.UIDValidity), int64(e.UID), string(e.Inquiry))
		return err

	case events.TicketOpened:
		return b.opened(r, e)
	case events.MessageAttached:
		return b.attached(r, e)
	case events.MessageDetached:
		return b.detached(r, e)
	case events.AcknowledgementWritten:
		return b.acknowledged(r, e)
	case events.ReplyWritten:
		return b.replied(r, e)
	case events.NoteAdded:
		return b.noted(r, e)
	case events.MessageRedacted:
		return b.redacted(r, e)
	case events.SegmentsErased:
		return b.erased(r, e)
	case events.TicketAssigned:
		return b.change(r, e.Ticket, "assignee", string(e.Agent), func(t *row) { t.assignee = string(e.Agent) })
	case events.TicketUnassigned:
		return b.change(r, e.Ticket, "assignee", "", func(t *row) { t.assignee = "" })
	case events.PriorityChanged:
		return b.change(r, e.Ticket, "priority", string(e.Priority), func(t *row) { t.priority = string(e.Priority) })
	case events.TagAdded:
		return b.change(r, e.Ticket, "tags", e.Tag, func(t *row) { t.tag(e.Tag, true) })
	case events.TagRemoved:
		return b.change(r, e.Ticket, "tags", e.Tag, func(t *row) { t.tag(e.Tag, false) })
	case events.TicketResolved:
		return b.change(r, e.Ticket, "status", "", func(t *row) {
			t.status, t.closed, t.resolvedAt = Resolved, true, r.Meta.At.UnixMicro()
		})
	case events.TicketReopened:
		return b.change(r, e.Ticket, "status", e.Cause, func(t *row) { t.status, t.closed, t.resolvedAt = Open, false, 0 })

	case events.TicketArchived:
		return b.archived(r, e)

	case events.MessageQueued:
		return b.queued(r, e)
	case events.DeliveryAccepted:
		return b.delivered(r, e.Outbound, "accepted", e.Code)
	case events.DeliveryDeferred:
		return b.delivered(r, e.Outbound, "deferred", e.Code)
	case events.DeliveryFailed:
		return b.delivered(r, e.Outbound, "failed", e.Code)
	case events.DeliveryUnknown:
		return b.delivered(r, e.Outbound, "unknown", e.Class)
	case events.DeliveryResolved:
		return b.delivered(r, e.Outbound, e.Outcome, e.Evidence)
	case events.DeliveryRetried:
		return b.delivered(r, e.Outbound, "queued", "")
	case events.MessageBounced:
		return b.delivered(r, e.Outbound, bounce(e.Action), e.Code)
	case events.MessageComplained:
		return b.delivered(r, e.Outbound, "", e.Kind)
	case events.MessageCancelled:
		return b.delivered(r, e.Outbound, "cancelled", "")
	case events.MessageRedirected:
		return b.delivered(r, e.Outbound, "cancelled", "redirected")
	case events.MessageHeld:
		if e.Until.IsZero() { // until a person says more
			return b.delivered(r, e.Outbound, "held", e.Reason)
		}

	case events.AgentAdded:
		return b.agentAdded(r, e)
	case events.AgentDeactivated:
		_, err := b.tx.Exec(`UPDATE agents SET active = 0 WHERE id = ?`, string(e.Agent))
		b.note(r, "agent", string(e.Agent), r.Revision, "active")
		return err
	}
	return nil
}

// bounce is the state after a later hop reported (RFC 3464 section 2.3.3): only
// "failed" takes back that the message was accepted.
func bounce(action string) string {
	if action == "failed" || action == "" {
		return "bounced"
	}
	return ""
}

func (b *work) agentAdded(r *events.Recorded, e events.AgentAdded) error {
	box, err := b.box(r, string(e.Agent), 0, events.SubjectID(e.Agent))
	if err != nil {
		return err
	}
	p := e.Profile.Value()
	_, err = b.tx.Exec(`INSERT INTO agents (id, box, name, email, role, active) VALUES (?, ?, ?, ?, ?, 1)
		ON CONFLICT (id) DO UPDATE SET box = excluded.box, name = excluded.name, email = excluded.email, role = excluded.role, active = 1`,
		string(e.Agent), box, p.Name, p.Email, string(e.Role))
	b.note(r, "agent", string(e.Agent), r.Revision, "added")
	return err
}

// box keeps an event sealed. Nothing is kept of an event without segments.
func (b *work) box(r *events.Recorded, id string, ticket int64, subject events.SubjectID) (int64, error) {
	if len(r.Sealed) == 0 {
		return 0, nil
	}
	res, err := b.tx.Exec(`INSERT INTO boxes (id, ticket, subject, sealed) VALUES (?, ?, ?, ?)`, id, ticket, string(subject), pack(r.Envelope))
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

// queued begins the way of a message; the state of a message is that of the
// recipient it went worst for.
func (b *work) queued(r *events.Recorded, e events.MessageQueued) error {
	if e.Message == "" || e.Ticket == "" {
		return nil
	}
	t, err := b.load(e.Ticket)
	if err != nil || t == nil {
		return err
	}
	_, err = b.tx.Exec(`INSERT INTO deliveries (outbound, message, ticket, state, detail, send_at) VALUES (?, ?, ?, 'queued', '', ?)
		ON CONFLICT (outbound) DO NOTHING`, string(e.Outbound), string(e.Message), t.n, e.NotBefore.UnixMicro())
	b.note(r, "ticket", string(t.id), t.revision, "delivery")
	return err
}

// delivered records what became of a message; an empty state keeps the one it
// had.
func (b *work) delivered(r *events.Recorded, id events.OutboundID, state, detail string) error {
	var n int64
	var ticket events.TicketID
	var rev events.Revision
	ok, err := b.tx.Row(`UPDATE deliveries SET state = CASE WHEN ?2 = '' THEN state ELSE ?2 END, detail = ?3
		WHERE outbound = ?1 RETURNING ticket`, string(id), state, detail).Find(&n)
	if err != nil || !ok {
		return err // administrative mail belongs to no ticket
	}
	for _, t := range b.order {
		if t.n == n {
			ticket, rev = t.id, t.revision
		}
	}
	if ticket == "" {
		if _, err := b.tx.Row(`SELECT id, revision FROM tickets WHERE n = ?`, n).Find(&ticket, &rev); err != nil {
			return err
		}
	}
	b.note(r, "ticket", string(ticket), rev, "delivery")
	if r.Type == "hub.MessageComplained" || state == "failed" || state == "bounced" || state == "unknown" || state == "cancelled" {
		return b.remember(r, n, detail)
	}
	return nil
}

// remember adds a line to a ticket's history.
func (b *work) remember(r *events.Recorded, n int64, arg string) error {
	_, err := b.tx.Exec(`INSERT INTO history (ticket, commit_pos, prepare_pos, at, type, actor, arg) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		n, int64(r.Position.Commit), int64(r.Position.Prepare), r.Meta.At.UnixMicro(), r.Type[len(events.TypePrefix):], string(r.Meta.Actor), arg)
	return err
}
