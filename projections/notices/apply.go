package notices

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/sqldb"
)

// Apply turns events into rows.
func (v *View) Apply(_ context.Context, tx *sqldb.Tx, batch []events.Recorded) ([]projections.Change, error) {
	w := &work{tx: tx, changed: map[string]int{}}
	for i := range batch {
		if err := w.apply(&batch[i]); err != nil {
			return nil, fmt.Errorf("%s at %s: %w", batch[i].Type, batch[i].Position, err)
		}
	}
	return w.changes, nil
}

type work struct {
	tx      *sqldb.Tx
	changes []projections.Change
	changed map[string]int
}

func (w *work) apply(r *events.Recorded) error {
	switch r.Stream.Family() {
	case "ticket":
		return w.person(r)
	case "notice":
		return w.notice(r)
	case "template":
		return w.template(r)
	case "outbound":
		return w.message(r)
	}
	return nil
}

// person learns who has a ticket, and which mailbox they wrote to.
func (w *work) person(r *events.Recorded) error {
	var customer events.SubjectID
	var mailbox events.MailboxID
	switch e := r.Event.(type) {
	case events.TicketOpened:
		customer, mailbox = e.Customer, e.Mailbox
	case events.MessageAttached:
		if e.Class != events.MailHuman && e.Class != "" {
			return nil
		}
		customer = e.Customer
	}
	if customer == "" {
		return nil
	}
	at := r.Meta.At.UnixMicro()
	_, err := w.tx.Exec(`INSERT INTO people (customer, mailbox, first_seen, last_seen) VALUES (?1, ?2, ?3, ?3)
		ON CONFLICT (customer) DO UPDATE SET first_seen = min(first_seen, ?3), last_seen = max(last_seen, ?3),
		mailbox = CASE WHEN ?2 = '' THEN mailbox ELSE ?2 END`, string(customer), string(mailbox), at)
	if err != nil || mailbox == "" {
		return err
	}
	_, err = w.tx.Exec(`INSERT INTO mailboxes (mailbox, customer, last_seen) VALUES (?1, ?2, ?3)
		ON CONFLICT (mailbox, customer) DO UPDATE SET last_seen = max(last_seen, ?3)`, string(mailbox), string(customer), at)
	return err
}

// notice folds one event of a notice into its row.
func (w *work) notice(r *events.Recorded) error {
	var n Notice
	there, err := load(w.tx, `SELECT doc FROM notices WHERE id = ?`, r.Stream.Key(), &n)
	if err != nil {
		return err
	}
	if e, ok := r.Event.(events.NoticeDrafted); ok && !there {
		n = Notice{ID: e.Notice, CreatedAt: r.Meta.At}
	} else if !there {
		return nil
	}
	n.evolve(r)
	doc, err := json.Marshal(n)
	if err != nil {
		return err
	}
	w.note(r, "notice", string(n.ID), r.Revision)
	if !there {
		_, err = w.tx.Exec(`INSERT INTO notices (id, doc) VALUES (?, ?)`, string(n.ID), string(doc))
		return err
	}
	_, err = w.tx.Exec(`UPDATE notices SET doc = ? WHERE id = ?`, string(doc), string(n.ID))
	return err
}

func (n *Notice) evolve(r *events.Recorded) {
	n.Revision, n.UpdatedAt = r.Revision, r.Meta.At
	switch e := r.Event.(type) {
	case events.NoticeDrafted:
		n.State, n.Kind, n.Topic, n.Title, n.Mailbox, n.Template = Draft, e.Kind, e.Topic, e.Title, e.Mailbox, e.Template
		n.Texts, n.Values, n.Audience, n.Rate = e.Texts, e.Values, e.Audience, e.Rate
		n.Approver, n.ApprovedAt = "", time.Time{}
		if !slices.Contains(n.Drafters, e.Agent) {
			n.Drafters = append(n.Drafters, e.Agent)
		}
	case events.NoticeApproved:
		n.State, n.Approver, n.ApprovedAt = Approved, e.Agent, r.Meta.At
	case events.NoticeStarted:
		n.State, n.Starter, n.StartedAt = Listing, e.Agent, r.Meta.At
	case events.NoticeListed:
		n.Recipients, n.Listed = e.Recipients, true
		if n.State == Listing {
			n.State = Sending
		}
	case events.NoticePaused:
		n.State, n.Cause = Paused, e.Cause
	case events.NoticeResumed:
		n.State, n.Cause = Sending, ""
		if !n.Listed {
			n.State = Listing
		}
	case events.NoticeCancelled:
		n.State, n.Cause, n.FinishedAt = Cancelled, "", r.Meta.At
	case events.NoticeFinished:
		n.State, n.FinishedAt = Finished, r.Meta.At
	}
}

func (w *work) template(r *events.Recorded) error {
	var t Template
	there, err := load(w.tx, `SELECT doc FROM templates WHERE id = ?`, r.Stream.Key(), &t)
	if err != nil {
		return err
	}
	switch e := r.Event.(type) {
	case events.TemplateWritten:
		if !there {
			t = Template{ID: e.Template, CreatedAt: r.Meta.At}
		}
		t.Name, t.Kind, t.Topic, t.Texts, t.Agent, t.Retired = e.Name, e.Kind, e.Topic, e.Texts, e.Agent, false
	case events.TemplateRetired:
		t.Retired, t.Agent = true, e.Agent
	}
	t.Revision, t.UpdatedAt = r.Revision, r.Meta.At
	doc, err := json.Marshal(t)
	if err != nil {
		return err
	}
	w.note(r, "template", string(t.ID), r.Revision)
	if !there {
		_, err = w.tx.Exec(`INSERT INTO templates (id, doc) VALUES (?, ?)`, string(t.ID), string(doc))
		return err
	}
	_, err = w.tx.Exec(`UPDATE templates SET doc = ? WHERE id = ?`, string(doc), string(t.ID))
	return err
}

// message follows the messages of notices; those of tickets are none of ours.
func (w *work) message(r *events.Recorded) error {
	switch e := r.Event.(type) {
	case events.MessageQueued:
		if e.Ticket != "" || e.Message == "" {
			return nil
		}
		return w.recipient(r, events.NoticeID(e.Message), e.Outbound, e.Customer, "queued", "")
	case events.MessageSkipped:
		return w.recipient(r, e.Notice, e.Outbound, e.Customer, Skipped, e.Reason)
	case events.DeliveryAttempted:
		return w.move(r, e.Outbound, "sending", "")
	case events.DeliveryAccepted:
		return w.move(r, e.Outbound, "accepted", e.Code)
	case events.DeliveryDeferred:
		return w.move(r, e.Outbound, "deferred", e.Class)
	case events.DeliveryFailed:
		return w.move(r, e.Outbound, "failed", e.Class)
	case events.DeliveryUnknown:
		return w.move(r, e.Outbound, "unknown", e.Class)
	case events.DeliveryResolved:
		return w.move(r, e.Outbound, e.Outcome, e.Evidence)
	case events.DeliveryRetried:
		return w.move(r, e.Outbound, "queued", "")
	case events.MessageBounced:
		if e.Action == "failed" || e.Action == "" { // RFC 3464 section 2.3.3: the others do not take it back
			return w.move(r, e.Outbound, "bounced", e.Code)
		}
	case events.MessageCancelled:
		return w.move(r, e.Outbound, cancelled, e.Reason)
	case events.MessageHeld:
		return w.move(r, e.Outbound, "held", e.Reason)
	}
	return nil
}

func (w *work) recipient(r *events.Recorded, id events.NoticeID, out events.OutboundID, who events.SubjectID, state, detail string) error {
	var one int
	known, err := w.tx.Row(`SELECT 1 FROM notices WHERE id = ?`, string(id)).Find(&one)
	if err != nil || !known {
		return err
	}
	res, err := w.tx.Exec(`INSERT INTO recipients (outbound, notice, customer, state, detail, updated_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (outbound) DO NOTHING`,
		string(out), string(id), string(who), state, detail, r.Meta.At.UnixMicro())
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	w.note(r, "notice", string(id), 0)
	return w.count(id, state, detail, 1)
}

func (w *work) move(r *events.Recorded, out events.OutboundID, state, detail string) error {
	var id events.NoticeID
	var was, why string
	ok, err := w.tx.Row(`SELECT notice, state, detail FROM recipients WHERE outbound = ?`, string(out)).Find(&id, &was, &why)
	if err != nil || !ok {
		return err
	}
	if _, err := w.tx.Exec(`UPDATE recipients SET state = ?, detail = ?, updated_at = ? WHERE outbound = ?`,
		state, detail, r.Meta.At.UnixMicro(), string(out)); err != nil {
		return err
	}
	w.note(r, "notice", string(id), 0)
	if err := w.count(id, was, why, -1); err != nil {
		return err
	}
	return w.count(id, state, detail, 1)
}

// cancelled is the state of a message that a person or a rule took back.
const cancelled = "cancelled"

// count keeps one number for each state, and for each reason why somebody gets
// nothing.
func (w *work) count(id events.NoticeID, state, detail string, by int) error {
	if state != Skipped && state != cancelled {
		detail = ""
	}
	if by < 0 {
		if _, err := w.tx.Exec(`UPDATE counts SET n = n + ? WHERE notice = ? AND state = ? AND detail = ?`, by, string(id), state, detail); err != nil {
			return err
		}
		_, err := w.tx.Exec(`DELETE FROM counts WHERE notice = ? AND state = ? AND detail = ? AND n = 0`, string(id), state, detail)
		return err
	}
	_, err := w.tx.Exec(`INSERT INTO counts (notice, state, detail, n) VALUES (?1, ?2, ?3, ?4)
		ON CONFLICT (notice, state, detail) DO UPDATE SET n = n + ?4`, string(id), state, detail, by)
	return err
}

// note tells open pages, once for each notice in a batch.
func (w *work) note(r *events.Recorded, kind, id string, rev events.Revision) {
	c := projections.Change{Kind: kind, ID: id, Revision: rev, Position: r.Position}
	if i, ok := w.changed[id]; ok {
		c.Revision = max(rev, w.changes[i].Revision)
		w.changes[i] = c
		return
	}
	w.changed[id] = len(w.changes)
	w.changes = append(w.changes, c)
}

func load(tx *sqldb.Tx, query, id string, into any) (bool, error) {
	var doc string
	ok, err := tx.Row(query, id).Find(&doc)
	if err != nil || !ok {
		return false, err
	}
	return true, json.Unmarshal([]byte(doc), into)
}
