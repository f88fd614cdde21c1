package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/sqldb"
)

// The phases of a message's way.
const (
	done     = 0
	waiting  = 1 // until next_at
	claimed  = 2 // lease until next_at
	sendingB = 3 // its bytes are going out; lease until next_at
)

// Apply turns events into rows.
func (v *View) Apply(_ context.Context, tx *sqldb.Tx, batch []events.Recorded) ([]projections.Change, error) {
	w := &work{tx: tx, counters: map[State]int64{}, changed: map[events.OutboundID]int{}}
	for i := range batch {
		if err := w.apply(&batch[i]); err != nil {
			return nil, fmt.Errorf("%s at %s: %w", batch[i].Type, batch[i].Position, err)
		}
	}
	return w.changes, w.count()
}

type work struct {
	tx       *sqldb.Tx
	counters map[State]int64
	changes  []projections.Change
	changed  map[events.OutboundID]int
}

func (w *work) apply(r *events.Recorded) error {
	switch e := r.Event.(type) {
	case events.TicketOpened:
		_, err := w.tx.Exec(`INSERT INTO numbers (ticket, number) VALUES (?, ?) ON CONFLICT (ticket) DO NOTHING`, string(e.Ticket), e.Number)
		return err
	case events.MessageQueued:
		return w.queued(r, e)
	case events.DeliveryAttempted:
		return w.move(r, e.Outbound, step{state: Sending, phase: claimed, next: e.Lease, attempt: e.Attempt, worker: e.Worker})
	case events.DeliveryStarted:
		return w.started(r, e)
	case events.DeliveryAccepted:
		return w.move(r, e.Outbound, step{state: Accepted, attempt: e.Attempt, code: e.Code, detail: e.Queue})
	case events.DeliveryDeferred:
		return w.move(r, e.Outbound, step{state: Deferred, phase: waiting, next: e.Until, attempt: e.Attempt, code: e.Code, detail: e.Class})
	case events.DeliveryFailed:
		return w.move(r, e.Outbound, step{state: Failed, attempt: e.Attempt, code: e.Code, detail: e.Class})
	case events.DeliveryUnknown:
		return w.move(r, e.Outbound, step{state: Unknown, attempt: e.Attempt, detail: e.Class})
	case events.DeliveryResolved:
		return w.move(r, e.Outbound, step{state: State(e.Outcome), detail: e.Evidence})
	case events.DeliveryRetried:
		return w.move(r, e.Outbound, step{state: Queued, phase: waiting, next: r.Meta.At, base: r.Meta.At})
	case events.MessageBounced:
		if e.Action == "failed" || e.Action == "" { // RFC 3464 section 2.3.3: the others do not take it back
			return w.move(r, e.Outbound, step{state: Bounced, code: e.Code, detail: e.Action})
		}
	case events.MessageCancelled:
		return w.move(r, e.Outbound, step{state: Cancelled, detail: e.Reason})
	case events.MessageHeld:
		if e.Until.IsZero() {
			return w.move(r, e.Outbound, step{state: Held, detail: e.Reason})
		}
		return w.move(r, e.Outbound, step{state: Queued, phase: waiting, next: e.Until, base: e.Until})
	case events.MessageDelayed:
		return w.delayed(r, e)
	case events.MessageRedirected:
		return w.move(r, e.Outbound, step{state: Cancelled, detail: "redirected"})
	case events.AddressSuppressed:
		return w.suppressed(r, e)
	case events.AddressUnsuppressed:
		_, err := w.tx.Exec(`DELETE FROM suppressed WHERE address = ?`, string(e.Address))
		return err
	}
	return nil
}

func (w *work) queued(r *events.Recorded, e events.MessageQueued) error {
	parcel, state := e.Parcel.Open()
	res, err := w.tx.Exec(`INSERT INTO outbound (id, kind, channel, ticket, message, mailbox, customer, domain, message_id, created_at, updated_at,
		state, phase, next_at, attempts, worker, code, detail, revision, to_name, to_address, subject, erased, address, base_at, delayed, archived)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '', '', '', ?, ?, ?, ?, ?, ?, ?, 0, 0) ON CONFLICT (id) DO NOTHING`,
		string(e.Outbound), string(e.Kind), string(e.Channel), string(e.Ticket), string(e.Message), string(e.Mailbox), string(e.Customer),
		string(e.Domain), e.MessageID, r.Meta.At.UnixMicro(), r.Meta.At.UnixMicro(), string(Queued), waiting, micros(e.NotBefore), r.Revision,
		parcel.To.Name, parcel.To.Address, parcel.Subject, state == events.Erased, string(e.Address), micros(later(e.NotBefore, r.Meta.At)))
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	w.counters[Queued]++
	w.note(r, e.Outbound)
	return nil
}

// step is where an event takes a message.
type step struct {
	state        State
	phase        int
	next         time.Time
	attempt      int // 0: as it was
	worker       string
	code, detail string
	base         time.Time // zero: as it was
}

func (w *work) move(r *events.Recorded, id events.OutboundID, s step) error {
	var was State
	ok, err := w.tx.Row(`SELECT state FROM outbound WHERE id = ?`, string(id)).Find(&was)
	if err != nil || !ok {
		return err
	}
	_, err = w.tx.Exec(`UPDATE outbound SET state = ?2, phase = ?3, next_at = ?4, attempts = max(attempts, ?5), worker = ?6,
		code = CASE WHEN ?7 = '' AND ?2 IN ('queued', 'sending') THEN code ELSE ?7 END,
		detail = CASE WHEN ?8 = '' AND ?2 IN ('queued', 'sending') THEN detail ELSE ?8 END,
		revision = ?9, updated_at = ?10,
		delayed = CASE WHEN ?11 > 0 THEN 0 ELSE delayed END, base_at = CASE WHEN ?11 > 0 THEN ?11 ELSE base_at END WHERE id = ?1`,
		string(id), string(s.state), s.phase, micros(s.next), s.attempt, s.worker, s.code, s.detail, r.Revision, r.Meta.At.UnixMicro(), micros(s.base))
	if err != nil {
		return err
	}
	w.counters[was]--
	w.counters[s.state]++
	w.note(r, id)
	return nil
}

// started keeps the lease of the attempt it belongs to, unless it was renewed.
func (w *work) started(r *events.Recorded, e events.DeliveryStarted) error {
	_, err := w.tx.Exec(`UPDATE outbound SET phase = ?1, archived = ?2, revision = ?3, updated_at = ?4, next_at = CASE WHEN ?5 > 0 THEN ?5 ELSE next_at END
		WHERE id = ?6 AND phase = ?7`,
		sendingB, e.Archived, r.Revision, r.Meta.At.UnixMicro(), micros(e.Lease), string(e.Outbound), claimed)
	w.note(r, e.Outbound)
	return err
}

func (w *work) delayed(r *events.Recorded, e events.MessageDelayed) error {
	_, err := w.tx.Exec(`UPDATE outbound SET delayed = 1, revision = ? WHERE id = ?`, r.Revision, string(e.Outbound))
	w.note(r, e.Outbound)
	return err
}

// suppressed keeps the first reason for an address, but a hard one replaces a soft
// one.
func (w *work) suppressed(r *events.Recorded, e events.AddressSuppressed) error {
	_, err := w.tx.Exec(`INSERT INTO suppressed (address, customer, kind, since, outbound, agent) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
		ON CONFLICT (address) DO UPDATE SET customer = ?2, kind = ?3, since = ?4, outbound = ?5, agent = ?6 WHERE kind = 'soft'`,
		string(e.Address), string(e.Customer), string(e.Kind), r.Meta.At.UnixMicro(), string(e.Outbound), string(e.Agent))
	return err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (w *work) count() error {
	for state, n := range w.counters {
		if n == 0 {
			continue
		}
		if _, err := w.tx.Exec(`INSERT INTO counters (name, n) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET n = n + ?2`, string(state), n); err != nil {
			return err
		}
		if n < 0 { // rows are the same however events were batched
			if _, err := w.tx.Exec(`DELETE FROM counters WHERE name = ? AND n = 0`, string(state)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *work) note(r *events.Recorded, id events.OutboundID) {
	c := projections.Change{Kind: "outbox", ID: string(id), Revision: r.Revision, Fields: []string{"state"}, Position: r.Position}
	if i, ok := w.changed[id]; ok {
		w.changes[i] = c
		return
	}
	w.changed[id] = len(w.changes)
	w.changes = append(w.changes, c)
}

// Erase reads the streams of a person's messages again and writes anew what was
// readable of them.
func (v *View) Erase(ctx context.Context, tx *sqldb.Tx, subject events.SubjectID) (int, error) {
	var ids []events.OutboundID
	err := tx.Query(func(scan func(...any) error) error {
		var id events.OutboundID
		err := scan(&id)
		ids = append(ids, id)
		return err
	}, `SELECT id FROM outbound WHERE customer = ? ORDER BY n`, string(subject))
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		history, err := v.reload(ctx, events.OutboundStream(id))
		if err != nil {
			return 0, err
		}
		var parcel events.Parcel
		state := events.Erased // a stream that is gone is erased as well
		for _, r := range history {
			if e, ok := r.Event.(events.MessageQueued); ok {
				parcel, state = e.Parcel.Open()
				break
			}
		}
		if _, err := tx.Exec(`UPDATE outbound SET to_name = ?, to_address = ?, subject = ?, erased = ? WHERE id = ?`,
			parcel.To.Name, parcel.To.Address, parcel.Subject, state == events.Erased, string(id)); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

// micros is 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
