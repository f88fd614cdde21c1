package tickets

import "github.com/westshore/hub/events"

// redacted puts what a redaction left in the place of the message, and keeps its
// box beside it. What was sealed before stays as it is: its key is destroyed.
func (b *work) redacted(r *events.Recorded, e events.MessageRedacted) error {
	t, err := b.load(e.Ticket)
	if err != nil || t == nil {
		return err
	}
	id := string(e.Message)
	box, err := b.box(r, id, t.n, e.Customer)
	if err != nil {
		return err
	}
	_, err = b.tx.Exec(`INSERT INTO redactions (message, ticket, box, spans, reason) VALUES (?1, ?2, ?3, ?4, ?5)
		ON CONFLICT (message) DO UPDATE SET box = ?3, spans = spans + ?4, reason = ?5`, id, t.n, box, e.Spans, e.Reason)
	if err != nil {
		return err
	}
	rest, state := e.Rest.Open()
	short := snippet(rest.Text, -1)
	if _, err := b.tx.Exec(`UPDATE inquiries SET subject = ?2, snippet = ?3, erased = ?4 WHERE id = ?1`, id, rest.Subject, short, state != events.Plain); err != nil {
		return err
	}
	if t.first == id {
		t.subject, t.erased = rest.Subject, state != events.Plain
	}
	if t.last == id {
		t.snippet = short
	}
	b.touch(r, t, "messages", false)
	return b.remember(r, t.n, e.Reason)
}

// erased tells who looks at a ticket that segments of it are gone; the rows were
// brought to today's keys by Erase, or are made with them.
func (b *work) erased(r *events.Recorded, e events.SegmentsErased) error {
	if r.Stream.Family() != "ticket" {
		return nil
	}
	t, err := b.load(events.TicketID(r.Stream.Key()))
	if err != nil || t == nil {
		return err
	}
	b.touch(r, t, "erased", false)
	return b.remember(r, t.n, e.Cause)
}

// supersede shows what a redaction left of a message.
func (m *Message) supersede(e events.MessageRedacted) {
	rest, state := e.Rest.Open()
	m.Redacted = true
	m.Subject, m.Text, m.HTML, m.Attachments, m.Raw, m.QuoteFrom = rest.Subject, rest.Text, "", nil, false, -1
	if m.State = state; state == events.Unopened { // the whole message went
		m.State = events.Erased
	}
}
