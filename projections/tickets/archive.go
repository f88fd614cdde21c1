package tickets

import (
	"slices"

	"github.com/westshore/hub/events"
)

// archived makes the rows of a ticket of which nothing but facts is left, when
// the view is read anew and the events before are gone from the log. A ticket
// that is there keeps its rows.
func (b *work) archived(r *events.Recorded, e events.TicketArchived) error {
	t, err := b.load(e.Ticket)
	if err != nil {
		return err
	}
	if t != nil {
		b.touch(r, t, "archived", false)
		return b.remember(r, t.n, "")
	}
	n, err := b.number()
	if err != nil {
		return err
	}
	t = &row{
		n: n, id: e.Ticket, number: e.Number, channel: string(e.Channel), mailbox: string(e.Mailbox), form: string(e.Form),
		customer: string(e.Customer), createdAt: e.OpenedAt.UnixMicro(), updatedAt: e.ResolvedAt.UnixMicro(), resolvedAt: e.ResolvedAt.UnixMicro(),
		status: Resolved, closed: true, priority: string(e.Priority), assignee: string(e.Assignee), erased: true,
		tags: slices.Sorted(slices.Values(e.Tags)),
	}
	b.add(t)
	for i, m := range e.Messages {
		if Kind(m.Kind) != Auto {
			t.lastKind, t.last = Kind(m.Kind), m.ID
		}
		if m.Kind == string(Inbound) {
			if err := b.archivedInquiry(t, m); err != nil {
				return err
			}
		}
		// Before every revision that the stream will have from here on.
		seq := i - len(e.Messages)
		if _, err := b.tx.Exec(`INSERT INTO messages (ticket, seq, id, kind, at, box, agent, class, why, warnings, unverified, commit_pos, prepare_pos)
			VALUES (?, ?, ?, ?, ?, 0, ?, '', '', '', 0, ?, ?)`,
			t.n, seq, m.ID, m.Kind, m.At.UnixMicro(), string(m.Agent), int64(r.Position.Commit), int64(r.Position.Prepare)); err != nil {
			return err
		}
	}
	b.touch(r, t, "archived", false)
	return b.remember(r, t.n, "")
}

// archivedInquiry keeps the number that a mail had in its mailbox, so that
// `hub reconcile` still accounts for it.
func (b *work) archivedInquiry(t *row, m events.ArchivedMessage) error {
	if t.first == "" {
		t.first, t.contact = m.ID, m.ID
	}
	res, err := b.tx.Exec(`INSERT INTO inquiries (id, box, mailbox, form, uidvalidity, uid, arrived_at, class, warnings, size,
		from_name, from_address, subject, snippet, erased, ticket, state, reason, detail)
		VALUES (?, 0, ?, '', ?, ?, ?, '', '', 0, '', '', '', '', 1, ?, '', '', '') ON CONFLICT (id) DO NOTHING`,
		m.ID, string(m.Mailbox), int64(m.UIDValidity), int64(m.UID), m.At.UnixMicro(), t.n)
	if err != nil {
		return err
	}
	if fresh, err := res.RowsAffected(); err != nil || fresh == 0 || m.Mailbox == "" || m.UID == 0 {
		return err
	}
	b.counters["mailbox:"+string(m.Mailbox)]++
	return nil
}
