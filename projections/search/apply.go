package search

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/sqldb"
)

// Apply turns events into rows. Words are written at the end of a batch, ticket
// by ticket: FTS5 is quick only when rows come in order.
func (v *View) Apply(_ context.Context, tx *sqldb.Tx, batch []events.Recorded) ([]projections.Change, error) {
	w := &work{tx: tx, tickets: map[events.TicketID]*ticket{}, texts: map[string]*text{}}
	for i := range batch {
		if err := w.apply(&batch[i]); err != nil {
			return nil, fmt.Errorf("%s at %s: %w", batch[i].Type, batch[i].Position, err)
		}
	}
	return nil, w.flush()
}

// text is what one message says.
type text struct {
	id                    string
	ticket                int64
	owner                 events.SubjectID
	stream                events.Stream
	redacted              events.Stream // where a redaction of it stands
	subject, person, body string
}

func (t *text) words(b *bag) { b.index(t.subject, t.person, t.body) }

// ticket is one that a batch touches.
type ticket struct {
	n       int64
	updated int64
	fresh   []*text // new to it
	isNew   bool    // opened in this batch
}

type work struct {
	tx      *sqldb.Tx
	next    int64 // n of the next new ticket; 0: not asked yet
	tickets map[events.TicketID]*ticket
	order   []*ticket
	texts   map[string]*text // of this batch, not stored yet
	pending []*text
}

func (w *work) apply(r *events.Recorded) error {
	switch e := r.Event.(type) {
	case events.InquiryReceived:
		t := &text{id: string(e.Inquiry), owner: e.Customer, stream: r.Stream}
		t.inquiry(e)
		w.texts[t.id] = t
		w.pending = append(w.pending, t)
	case events.TicketOpened:
		return w.opened(r, e)
	case events.MessageAttached:
		return w.attached(r, e)
	case events.MessageDetached:
		return w.detached(e)
	case events.MessageRedacted:
		return w.redacted(r, e)
	case events.ReplyWritten:
		t := &text{id: string(e.Message), owner: e.Customer, stream: r.Stream}
		t.answer(e.Answer.Value())
		return w.wrote(r, e.Ticket, t)
	case events.NoteAdded:
		t := &text{id: string(e.Message), owner: e.Customer, stream: r.Stream}
		t.answer(e.Note.Value())
		return w.wrote(r, e.Ticket, t)
	}
	return nil
}

func (t *text) inquiry(e events.InquiryReceived) {
	contact, letter := e.Contact.Value(), e.Letter.Value()
	t.subject, t.person, t.body = letter.Subject, strings.TrimSpace(contact.Name+" "+contact.Address), letter.Text
	if len(letter.Fields) > 0 {
		keys := make([]string, 0, len(letter.Fields))
		for k := range letter.Fields {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			t.body += "\n" + letter.Fields[k]
		}
	}
}

// rest is what a redaction left.
func (t *text) rest(e events.MessageRedacted) {
	r := e.Rest.Value()
	t.subject, t.body = r.Subject, r.Text
}

// redacted puts what a redaction left in the place of a text. What the batch holds
// of it so far is written first.
func (w *work) redacted(r *events.Recorded, e events.MessageRedacted) error {
	if err := w.flush(); err != nil {
		return err
	}
	*w = work{tx: w.tx, tickets: map[events.TicketID]*ticket{}, texts: map[string]*text{}}
	t := &text{id: string(e.Message)}
	ok, err := w.tx.Row(`UPDATE texts SET redacted = ? WHERE id = ? RETURNING ticket, person`, string(r.Stream), t.id).Find(&t.ticket, &t.person)
	if err != nil || !ok {
		return err
	}
	t.rest(e)
	return replace(w.tx, t.ticket, []*text{t})
}

func (t *text) answer(a events.Answer) { t.body = a.Text }

func (w *work) opened(r *events.Recorded, e events.TicketOpened) error {
	if t, err := w.load(e.Ticket); err != nil || t != nil {
		return err // a ticket is opened once
	}
	if w.next == 0 {
		if err := w.tx.Row(`SELECT coalesce(max(n), 0) + 1 FROM tickets`).Scan(&w.next); err != nil {
			return err
		}
	}
	t := &ticket{n: w.next, updated: r.Meta.At.UnixMicro(), isNew: true}
	w.next++
	w.tickets[e.Ticket] = t
	w.order = append(w.order, t)
	_, err := w.tx.Exec(`INSERT INTO tickets (n, id, number, updated) VALUES (?, ?, ?, ?)`, t.n, string(e.Ticket), e.Number, t.updated)
	return err
}

// load returns the ticket, nil when there is none.
func (w *work) load(id events.TicketID) (*ticket, error) {
	if t, ok := w.tickets[id]; ok {
		return t, nil
	}
	t := &ticket{}
	ok, err := w.tx.Row(`SELECT n, updated FROM tickets WHERE id = ?`, string(id)).Find(&t.n, &t.updated)
	if err != nil || !ok {
		return nil, err
	}
	w.tickets[id] = t
	w.order = append(w.order, t)
	return t, nil
}

func (w *work) attached(r *events.Recorded, e events.MessageAttached) error {
	t, err := w.load(e.Ticket)
	if err != nil || t == nil {
		return err
	}
	m, here := w.texts[string(e.Inquiry)]
	if !here {
		m = &text{id: string(e.Inquiry)}
		ok, err := w.tx.Row(`UPDATE texts SET ticket = ? WHERE id = ? AND ticket = 0 RETURNING subject, person, body`, t.n, m.id).
			Find(&m.subject, &m.person, &m.body)
		if err != nil || !ok {
			return err
		}
	}
	m.ticket = t.n
	t.gain(r, m)
	return nil
}

// detached takes a message's words out of a ticket. What the batch did so far is
// written first, so that only what is stored has to be looked at.
func (w *work) detached(e events.MessageDetached) error {
	t, err := w.load(e.Ticket)
	if err != nil || t == nil {
		return err
	}
	if err := w.flush(); err != nil {
		return err
	}
	w.tickets, w.order, w.texts, w.pending = map[events.TicketID]*ticket{}, nil, map[string]*text{}, nil
	var was, is bag
	if err := gather(w.tx, t.n, &was); err != nil {
		return err
	}
	if _, err := w.tx.Exec(`UPDATE texts SET ticket = 0 WHERE id = ? AND ticket = ?`, string(e.Inquiry), t.n); err != nil {
		return err
	}
	if err := gather(w.tx, t.n, &is); err != nil {
		return err
	}
	if err := remove(w.tx, t.n, was.list); err != nil {
		return err
	}
	return add(w.tx, t.n, is.list)
}

func (w *work) wrote(r *events.Recorded, id events.TicketID, m *text) error {
	t, err := w.load(id)
	if err != nil || t == nil {
		return err
	}
	m.ticket = t.n
	w.pending = append(w.pending, m)
	t.gain(r, m)
	return nil
}

func (t *ticket) gain(r *events.Recorded, m *text) {
	t.updated = max(t.updated, r.Meta.At.UnixMicro())
	t.fresh = append(t.fresh, m)
}

// flush adds to each ticket the words that it did not have: every pair of word
// and ticket stands in the index once, so that taking it out once is enough.
func (w *work) flush() error {
	slices.SortFunc(w.order, func(a, b *ticket) int { return int(a.n - b.n) })
	for _, t := range w.order {
		if len(t.fresh) == 0 {
			continue
		}
		var had bag
		if !t.isNew {
			if err := w.had(t, &had); err != nil {
				return err
			}
			if _, err := w.tx.Exec(`UPDATE tickets SET updated = ? WHERE n = ?`, t.updated, t.n); err != nil {
				return err
			}
		}
		known := len(had.list)
		for _, m := range t.fresh {
			m.words(&had)
		}
		if err := add(w.tx, t.n, had.list[known:]); err != nil {
			return err
		}
	}
	for _, m := range w.pending {
		if err := m.save(w.tx); err != nil {
			return err
		}
	}
	return nil
}

// had gathers the words that stand in the index for a ticket already.
func (w *work) had(t *ticket, b *bag) error {
	fresh := map[string]bool{}
	for _, m := range t.fresh {
		fresh[m.id] = true
	}
	all, err := texts(w.tx, t.n)
	for _, m := range all {
		if !fresh[m.id] {
			m.words(b)
		}
	}
	return err
}

func (t *text) save(tx *sqldb.Tx) error {
	_, err := tx.Exec(`INSERT INTO texts (id, ticket, owner, stream, subject, person, body) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		t.id, t.ticket, string(t.owner), string(t.stream), t.subject, t.person, t.body)
	return err
}

// texts reads what the messages of a ticket say, oldest first.
func texts(tx *sqldb.Tx, ticket int64) (out []*text, err error) {
	err = tx.Query(func(scan func(...any) error) error {
		t := &text{ticket: ticket}
		err := scan(&t.id, &t.subject, &t.person, &t.body)
		out = append(out, t)
		return err
	}, `SELECT id, subject, person, body FROM texts INDEXED BY texts_ticket WHERE ticket = ? AND ticket > 0 ORDER BY rowid`, ticket)
	return out, err
}

func add(tx *sqldb.Tx, ticket int64, words []string) error {
	if len(words) == 0 {
		return nil
	}
	_, err := tx.Exec(`INSERT INTO words (rowid, w) VALUES (?, ?)`, ticket, strings.Join(words, " "))
	return err
}

func remove(tx *sqldb.Tx, ticket int64, words []string) error {
	if len(words) == 0 {
		return nil
	}
	_, err := tx.Exec(`INSERT INTO words (words, rowid, w) VALUES ('delete', ?, ?)`, ticket, strings.Join(words, " "))
	return err
}
