package tickets

import (
	"slices"

	"github.com/westshore/hub/events"
)

// row is a ticket while a batch is applied.
type row struct {
	n                           int64
	id                          events.TicketID
	number                      int64
	channel, mailbox, form      string
	customer, related           string
	createdAt                   int64
	status                      Status
	closed                      bool
	priority, assignee          string
	tags                        []string
	updatedAt, resolvedAt       int64
	revision                    events.Revision
	unverified                  bool
	lastKind                    Kind
	first, contact, last        string
	subject, snippet            string
	customerName, customerEmail string
	erased                      bool

	stored bool // has a row in the database
	dirty  bool
	was    place // the lists it stands in, in the database
}

// place says in which lists a ticket stands.
type place struct {
	there    bool
	closed   bool
	assignee string
}

func (p place) lists() []string {
	switch {
	case !p.there:
		return nil
	case p.closed:
		return []string{"all", "resolved"}
	case p.assignee == "":
		return []string{"all", "open", "unassigned"}
	}
	return []string{"all", "open", "mine:" + p.assignee}
}

func (t *row) place() place { return place{true, t.closed, t.assignee} }

func (t *row) tag(tag string, on bool) {
	i, found := slices.BinarySearch(t.tags, tag)
	switch {
	case on && !found:
		t.tags = slices.Insert(t.tags, i, tag)
	case !on && found:
		t.tags = slices.Delete(t.tags, i, i+1)
	}
}

// load returns the ticket, nil when there is none.
func (b *work) load(id events.TicketID) (*row, error) {
	if t, ok := b.tickets[id]; ok {
		return t, nil
	}
	t := &row{id: id, stored: true}
	var tags string
	ok, err := b.tx.Row(`SELECT n, number, channel, mailbox, form, customer, related, created_at, status, closed, priority, assignee,
		tags, updated_at, resolved_at, revision, unverified, last_kind, first_message, contact_message, last_message,
		subject, snippet, customer_name, customer_address, erased FROM tickets WHERE id = ?`, string(id)).
		Find(&t.n, &t.number, &t.channel, &t.mailbox, &t.form, &t.customer, &t.related, &t.createdAt, &t.status, &t.closed, &t.priority,
			&t.assignee, &tags, &t.updatedAt, &t.resolvedAt, &t.revision, &t.unverified, &t.lastKind, &t.first, &t.contact, &t.last,
			&t.subject, &t.snippet, &t.customerName, &t.customerEmail, &t.erased)
	if err != nil || !ok {
		return nil, err
	}
	if t.tags, err = list(tags); err != nil {
		return nil, err
	}
	t.was = t.place()
	b.add(t)
	return t, nil
}

func (b *work) add(t *row) {
	b.tickets[t.id] = t
	b.order = append(b.order, t)
}

// number gives the next n to a new ticket.
func (b *work) number() (int64, error) {
	if b.next == 0 {
		if err := b.tx.Row(`SELECT coalesce(max(n), 0) + 1 FROM tickets`).Scan(&b.next); err != nil {
			return 0, err
		}
	}
	b.next++
	return b.next - 1, nil
}

// flush writes the tickets that changed and moves the counters.
func (b *work) flush() error {
	for _, t := range b.order {
		if !t.dirty {
			continue
		}
		if err := b.save(t); err != nil {
			return err
		}
		if now := t.place(); now != t.was {
			for _, l := range t.was.lists() {
				b.counters[l]--
			}
			for _, l := range now.lists() {
				b.counters[l]++
			}
		}
	}
	for name, n := range b.counters {
		if n == 0 {
			continue
		}
		if _, err := b.tx.Exec(`INSERT INTO counters (name, n) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET n = n + ?2`, name, n); err != nil {
			return err
		}
		if n < 0 { // rows are the same however events were batched
			if _, err := b.tx.Exec(`DELETE FROM counters WHERE name = ? AND n = 0`, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *work) save(t *row) error {
	if !t.stored {
		_, err := b.tx.Exec(`INSERT INTO tickets (n, id, number, channel, mailbox, form, customer, related, created_at, status, closed,
			priority, assignee, tags, updated_at, resolved_at, revision, unverified, last_kind, first_message, contact_message,
			last_message, subject, snippet, customer_name, customer_address, erased)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			t.n, string(t.id), t.number, t.channel, t.mailbox, t.form, t.customer, t.related, t.createdAt, string(t.status), t.closed,
			t.priority, t.assignee, text(t.tags), t.updatedAt, t.resolvedAt, t.revision, t.unverified, string(t.lastKind), t.first, t.contact,
			t.last, t.subject, t.snippet, t.customerName, t.customerEmail, t.erased)
		return err
	}
	_, err := b.tx.Exec(`UPDATE tickets SET status = ?, closed = ?, priority = ?, assignee = ?, tags = ?, updated_at = ?, resolved_at = ?,
		revision = ?, unverified = ?, last_kind = ?, first_message = ?, contact_message = ?, last_message = ?,
		subject = ?, snippet = ?, customer_name = ?, customer_address = ?, erased = ? WHERE n = ?`,
		string(t.status), t.closed, t.priority, t.assignee, text(t.tags), t.updatedAt, t.resolvedAt,
		t.revision, t.unverified, string(t.lastKind), t.first, t.contact, t.last,
		t.subject, t.snippet, t.customerName, t.customerEmail, t.erased, t.n)
	return err
}
