package tickets

import (
	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/sqldb"
)

// change is an event that sets something on a ticket.
func (b *work) change(r *events.Recorded, id events.TicketID, field, arg string, set func(*row)) error {
	t, err := b.load(id)
	if err != nil || t == nil {
		return err
	}
	set(t)
	b.touch(r, t, field, true)
	return b.remember(r, t.n, arg)
}

// touch marks a ticket as changed by an event of its own stream.
func (b *work) touch(r *events.Recorded, t *row, field string, moves bool) {
	t.dirty, t.revision = true, r.Revision
	if at := r.Meta.At.UnixMicro(); moves && at > t.updatedAt {
		t.updatedAt = at
	}
	b.note(r, "ticket", string(t.id), r.Revision, field)
}

func (b *work) opened(r *events.Recorded, e events.TicketOpened) error {
	if t, err := b.load(e.Ticket); err != nil || t != nil {
		return err // a ticket is opened once
	}
	n, err := b.number()
	if err != nil {
		return err
	}
	at := r.Meta.At.UnixMicro()
	t := &row{
		n: n, id: e.Ticket, number: e.Number, channel: string(e.Channel), mailbox: string(e.Mailbox), form: string(e.Form),
		customer: string(e.Customer), related: string(e.Related), createdAt: at, updatedAt: at,
		status: Open, priority: string(events.Normal),
	}
	b.add(t)
	b.touch(r, t, "opened", true)
	return b.remember(r, n, string(e.Channel))
}

// attached gives an inquiry to a ticket.
func (b *work) attached(r *events.Recorded, e events.MessageAttached) error {
	t, err := b.load(e.Ticket)
	if err != nil || t == nil {
		return err
	}
	q := inquiry{id: e.Inquiry}
	if err := q.load(b.tx); err != nil {
		return err
	}
	if _, err := b.tx.Exec(`UPDATE inquiries SET ticket = ? WHERE id = ?`, t.n, string(e.Inquiry)); err != nil {
		return err
	}
	if q.arrivedAt == 0 {
		q.arrivedAt = r.Meta.At.UnixMicro()
	}
	m := message{
		id: string(e.Inquiry), kind: Inbound, at: q.arrivedAt, box: q.box, class: string(e.Class), why: e.Why,
		warnings: q.warnings, unverified: e.Unverified,
	}
	if t.first == "" {
		t.first, t.subject, t.erased = m.id, q.subject, q.erased
	}
	if t.contact == "" && string(e.Customer) == t.customer {
		t.contact, t.customerName, t.customerEmail = m.id, q.from.Name, q.from.Address
	}
	t.unverified = t.unverified || e.Unverified
	t.last, t.snippet = m.id, q.snippet
	switch {
	case e.Class == events.MailSent, e.Agent != "": // our side wrote
		t.lastKind = Reply
	case e.Class == events.MailHuman, e.Class == "", t.lastKind == "": // a machine's mail is no customer's turn (MAIL I27)
		t.lastKind = Inbound
	}
	m.agent = string(e.Agent)
	b.touch(r, t, "messages", true)
	if err := b.message(r, t, m); err != nil {
		return err
	}
	return b.remember(r, t.n, e.Why)
}

// detached takes an inquiry from a ticket; it waits for the ticket it is in now.
func (b *work) detached(r *events.Recorded, e events.MessageDetached) error {
	t, err := b.load(e.Ticket)
	if err != nil || t == nil {
		return err
	}
	if _, err := b.tx.Exec(`DELETE FROM messages WHERE ticket = ? AND id = ?`, t.n, string(e.Inquiry)); err != nil {
		return err
	}
	if _, err := b.tx.Exec(`UPDATE inquiries SET ticket = 0 WHERE id = ? AND ticket = ?`, string(e.Inquiry), t.n); err != nil {
		return err
	}
	if id := string(e.Inquiry); t.last == id {
		t.last, t.snippet = "", ""
	}
	b.touch(r, t, "messages", true)
	return b.remember(r, t.n, e.Why)
}

func (b *work) acknowledged(r *events.Recorded, e events.AcknowledgementWritten) error {
	t, err := b.load(e.Ticket)
	if err != nil || t == nil {
		return err
	}
	b.touch(r, t, "messages", false)
	if err := b.message(r, t, message{id: string(e.Message), kind: Auto, at: r.Meta.At.UnixMicro()}); err != nil {
		return err
	}
	return b.remember(r, t.n, "")
}

func (b *work) replied(r *events.Recorded, e events.ReplyWritten) error {
	return b.wrote(r, e.Ticket, message{id: string(e.Message), kind: Reply, agent: string(e.Agent)}, e.Customer, e.Answer, e.Files...)
}

func (b *work) noted(r *events.Recorded, e events.NoteAdded) error {
	return b.wrote(r, e.Ticket, message{id: string(e.Message), kind: Note, agent: string(e.Agent)}, e.Customer, e.Note)
}

// wrote adds what an agent wrote.
func (b *work) wrote(r *events.Recorded, id events.TicketID, m message, subject events.SubjectID, answer events.Sealed[events.Answer], files ...events.Blob) error {
	t, err := b.load(id)
	if err != nil || t == nil {
		return err
	}
	if m.box, err = b.box(r, m.id, t.n, subject); err != nil {
		return err
	}
	if err := b.files(m.box, append([]events.Blob{{}}, files...)); err != nil { // 0 would be a raw mail
		return err
	}
	m.at = r.Meta.At.UnixMicro()
	if m.kind == Reply { // a note is for colleagues: the customer still waits
		t.last, t.snippet, t.lastKind = m.id, snippet(answer.Value().Text, -1), Reply
	}
	b.touch(r, t, "messages", true)
	if err := b.message(r, t, m); err != nil {
		return err
	}
	return b.remember(r, t.n, "")
}

// message is a row of a conversation.
type message struct {
	id                   string
	kind                 Kind
	at                   int64
	box                  int64
	agent                string
	class, why, warnings string
	unverified           bool
}

func (b *work) message(r *events.Recorded, t *row, m message) error {
	_, err := b.tx.Exec(`INSERT INTO messages (ticket, seq, id, kind, at, box, agent, class, why, warnings, unverified, commit_pos, prepare_pos)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		t.n, r.Revision, m.id, string(m.kind), m.at, m.box, m.agent, m.class, m.why, m.warnings, m.unverified,
		int64(r.Position.Commit), int64(r.Position.Prepare))
	return err
}

// inquiry is the part of an inquiry that its ticket shows.
type inquiry struct {
	id               events.InquiryID
	box, arrivedAt   int64
	warnings         string
	from             events.Address
	subject, snippet string
	erased           bool
}

// load leaves q empty when the inquiry is not known.
func (q *inquiry) load(tx *sqldb.Tx) error {
	_, err := tx.Row(`SELECT box, arrived_at, warnings, from_name, from_address, subject, snippet, erased FROM inquiries WHERE id = ?`, string(q.id)).
		Find(&q.box, &q.arrivedAt, &q.warnings, &q.from.Name, &q.from.Address, &q.subject, &q.snippet, &q.erased)
	return err
}

// read takes what may be shown from an opened event.
func (q *inquiry) read(e events.InquiryReceived) {
	letter, state := e.Letter.Open()
	q.from = e.Contact.Value()
	q.subject, q.snippet = letter.Subject, snippet(letter.Text, letter.QuoteFrom)
	q.erased = state == events.Erased
}
