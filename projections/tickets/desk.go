package tickets

import (
	"context"
	"fmt"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/sqldb"
)

// Agents lists everybody who was ever an agent, by name.
func (v *View) Agents(ctx context.Context) (out []Agent, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			var a Agent
			err := scan(&a.ID, &a.Name, &a.Email, &a.Role, &a.Active)
			out = append(out, a)
			return err
		}, `SELECT id, name, email, role, active FROM agents ORDER BY name, id`)
	})
	if err != nil {
		return nil, fmt.Errorf("list agents: %w", err)
	}
	return out, nil
}

// Agent finds one agent.
func (v *View) Agent(ctx context.Context, id events.AgentID) (a Agent, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		a.ID = id
		ok, err := tx.Row(`SELECT name, email, role, active FROM agents WHERE id = ?`, string(id)).Find(&a.Name, &a.Email, &a.Role, &a.Active)
		if err == nil && !ok {
			err = ErrNotFound
		}
		return err
	})
	return a, err
}

// QuarantineQuery asks for a page of the quarantine, newest first.
type QuarantineQuery struct {
	State string // held, released or discarded; empty: all
	Limit int    // 1 to 200; 50 when zero
	After string // QuarantinePage.Next of the page before
}

// QuarantinePage is a piece of the quarantine.
type QuarantinePage struct {
	Items []Quarantined
	Next  string // empty on the last page
}

// Quarantine lists inquiries that wait, or waited, for a person.
func (v *View) Quarantine(ctx context.Context, q QuarantineQuery) (page QuarantinePage, err error) {
	q.Limit = limit(q.Limit)
	at, id, err := parseCursor(q.After)
	if err != nil {
		return page, err
	}
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			var i Quarantined
			var at int64
			err := scan(&i.ID, &i.Mailbox, &i.Form, &i.Reason, &i.Detail, &i.From.Name, &i.From.Address, &i.Subject, &i.Size, &at, &i.State)
			i.ReceivedAt = micros(at)
			page.Items = append(page.Items, i)
			return err
		}, `SELECT id, mailbox, form, reason, detail, from_name, from_address, subject, size, arrived_at, state FROM inquiries INDEXED BY inquiries_state
			WHERE state <> '' AND (?1 = '' OR state = ?1) AND arrived_at <= ?2 AND (arrived_at < ?2 OR id > ?3)
			ORDER BY arrived_at DESC, id LIMIT ?4`, q.State, at, id, q.Limit+1)
	})
	if err != nil {
		return QuarantinePage{}, fmt.Errorf("list quarantine: %w", err)
	}
	if len(page.Items) > q.Limit {
		page.Items = page.Items[:q.Limit]
		last := page.Items[q.Limit-1]
		page.Next = cursor(last.ReceivedAt, string(last.ID))
	}
	return page, nil
}

// Judgement is the quarantine's state of one inquiry: held, released or
// discarded. It returns ErrNotFound for one that never was in quarantine.
func (v *View) Judgement(ctx context.Context, id events.InquiryID) (state string, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		ok, err := tx.Row(`SELECT state FROM inquiries WHERE id = ?`, string(id)).Find(&state)
		if err == nil && (!ok || state == "") {
			err = ErrNotFound
		}
		return err
	})
	return state, err
}

// Holding is what the house holds of a mailbox under one UIDVALIDITY (RFC 9051
// section 2.3.1.1).
type Holding struct {
	UIDs        []uint32          // taken, ascending
	Quarantined map[uint32]string // of these, held back now, with the reason
}

// Held returns which mails of a mailbox were taken, for comparing with what the
// server has.
func (v *View) Held(ctx context.Context, mailbox events.MailboxID, uidvalidity uint32) (h Holding, err error) {
	h.Quarantined = map[uint32]string{}
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			var uid uint32
			var state, reason string
			err := scan(&uid, &state, &reason)
			h.UIDs = append(h.UIDs, uid)
			if state == "held" {
				h.Quarantined[uid] = reason
			}
			return err
		}, `SELECT uid, state, reason FROM inquiries INDEXED BY inquiries_uid WHERE mailbox = ? AND uidvalidity = ? AND uid > 0 ORDER BY uid`, string(mailbox), int64(uidvalidity))
	})
	if err != nil {
		return Holding{}, fmt.Errorf("list mails held: %w", err)
	}
	return h, nil
}

// HeldCounts returns how many mails of each mailbox wait in quarantine.
func (v *View) HeldCounts(ctx context.Context) (map[events.MailboxID]int64, error) {
	out := map[events.MailboxID]int64{}
	err := v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			var id events.MailboxID
			var n int64
			err := scan(&id, &n)
			out[id] = n
			return err
		}, `SELECT mailbox, count(*) FROM inquiries INDEXED BY inquiries_state WHERE state <> '' AND state = 'held' GROUP BY mailbox`)
	})
	if err != nil {
		return nil, fmt.Errorf("count mails held back: %w", err)
	}
	return out, nil
}

// MailboxCounts returns how many mails were taken from each mailbox.
func (v *View) MailboxCounts(ctx context.Context) (map[events.MailboxID]int64, error) {
	out := map[events.MailboxID]int64{}
	err := v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			var id events.MailboxID
			var n int64
			err := scan(&id, &n)
			out[id] = n
			return err
		}, `SELECT substr(name, 9), n FROM counters WHERE name >= 'mailbox:' AND name < 'mailbox;'`)
	})
	if err != nil {
		return nil, fmt.Errorf("count mails: %w", err)
	}
	return out, nil
}
