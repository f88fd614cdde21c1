package outbox

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/sqldb"
)

const columns = `o.n, o.id, o.kind, o.channel, o.ticket, coalesce(t.number, 0), o.message, o.mailbox, o.customer, o.domain, o.message_id,
	o.created_at, o.updated_at, o.state, o.phase, o.next_at, o.attempts, o.worker, o.code, o.detail, o.revision, o.to_name, o.to_address, o.subject, o.erased,
	o.address, o.base_at, o.delayed, o.archived`

const (
	from    = ` FROM outbound o LEFT JOIN numbers t ON t.ticket = o.ticket WHERE `
	fromDue = ` FROM outbound o INDEXED BY outbound_due LEFT JOIN numbers t ON t.ticket = o.ticket WHERE o.phase > 0 AND `
)

// ListQuery asks for a page of the outbox, newest first.
type ListQuery struct {
	State State // empty: all
	Limit int   // 1 to 200; 50 when zero
	After string
}

// Page is a piece of the outbox.
type Page struct {
	Items []Item
	Next  string // empty on the last page
}

// List returns a page of the outbox.
func (v *View) List(ctx context.Context, q ListQuery) (page Page, err error) {
	if q.Limit <= 0 {
		q.Limit = 50
	}
	q.Limit = min(q.Limit, 200)
	after, err := cursor(q.After)
	if err != nil {
		return page, err
	}
	query, args := `SELECT `+columns+from+`o.n < ? ORDER BY o.n DESC LIMIT ?`, []any{after, q.Limit + 1}
	if q.State != "" {
		query, args = `SELECT `+columns+from+`o.state = ? AND o.n < ? ORDER BY o.n DESC LIMIT ?`, []any{string(q.State), after, q.Limit + 1}
	}
	var ns []int64
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		page.Items, ns, err = items(tx, query, args...)
		return err
	})
	if err != nil {
		return Page{}, fmt.Errorf("list outbox: %w", err)
	}
	if len(page.Items) > q.Limit {
		page.Items = page.Items[:q.Limit]
		page.Next = cursorOf(ns[q.Limit-1])
	}
	return page, nil
}

// cursor reads where a page ended; without one it is the beginning.
func cursor(s string) (int64, error) {
	if s == "" {
		return 1<<63 - 1, nil
	}
	n, err := strconv.ParseInt(s, 36, 64)
	if err != nil {
		return 0, ErrCursor
	}
	return n, nil
}

func cursorOf(n int64) string { return strconv.FormatInt(n, 36) }

// Get returns one message.
func (v *View) Get(ctx context.Context, id events.OutboundID) (Item, error) {
	all, err := v.read(ctx, `o.id = ?`, string(id))
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Item{}, fmt.Errorf("read outbox: %w", err)
	}
	return all[0], nil
}

// ByMessage returns the messages that carry one reply, one for each recipient.
func (v *View) ByMessage(ctx context.Context, id events.MessageID) ([]Item, error) {
	return v.read(ctx, `o.message = ? ORDER BY o.n`, string(id))
}

func (v *View) read(ctx context.Context, where string, args ...any) (out []Item, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		out, _, err = items(tx, `SELECT `+columns+from+where, args...)
		return err
	})
	return out, err
}

// Counts returns how many messages are in each state; States without any are
// there, with 0.
func (v *View) Counts(ctx context.Context) (map[State]int64, error) {
	out := map[State]int64{}
	for _, s := range States {
		out[s] = 0
	}
	err := v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			var s State
			var n int64
			err := scan(&s, &n)
			out[s] = n
			return err
		}, `SELECT name, n FROM counters`)
	})
	if err != nil {
		return nil, fmt.Errorf("count outbox: %w", err)
	}
	return out, nil
}

// Due returns messages that may be tried now: queued or deferred whose time has
// come, and claimed ones whose lease ended before their bytes went out. Every
// domain gets the same share of limit; what one does not use goes to the others.
func (v *View) Due(ctx context.Context, now time.Time, limit int) ([]Item, error) {
	return v.DueWithin(ctx, now, limit, func(events.Hash) int { return limit })
}

// DueWithin is Due with at most room messages of a domain. A domain without room
// is passed over: however much waits for it, the others are found.
func (v *View) DueWithin(ctx context.Context, now time.Time, limit int, room func(events.Hash) int) (out []Item, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		out, err = due(tx, now.UnixMicro(), limit, room)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list due messages: %w", err)
	}
	return out, nil
}

const dueOfDomain = `SELECT ` + columns + fromDue + `o.phase IN (1, 2) AND o.domain = ? AND o.next_at <= ? ORDER BY o.next_at, o.n LIMIT ?`

func due(tx *sqldb.Tx, now int64, limit int, room func(events.Hash) int) ([]Item, error) {
	domains, err := dueDomains(tx, now, limit, room)
	if err != nil || len(domains) == 0 {
		return nil, err
	}
	queues := make([][]Item, len(domains))
	for i, d := range domains {
		// A domain's own queue may use up the whole limit when nobody else waits.
		if queues[i], _, err = items(tx, dueOfDomain, d, now, min(room(events.Hash(d)), max(1, 2*limit/len(domains)))); err != nil {
			return nil, err
		}
	}
	var out []Item
	for turn := 0; len(out) < limit; turn++ {
		before := len(out)
		for _, q := range queues {
			if turn < len(q) && len(out) < limit {
				out = append(out, q[turn])
			}
		}
		if len(out) == before {
			break
		}
	}
	return out, nil
}

// dueDomains finds up to limit domains for which something is due, by leaping
// from one to the next in the index.
func dueDomains(tx *sqldb.Tx, now int64, limit int, room func(events.Hash) int) (out []string, err error) {
	last, first := "", true
	for len(out) < limit {
		var next string
		ok, err := tx.Row(`SELECT min(d) FROM (
			SELECT min(domain) AS d FROM outbound INDEXED BY outbound_due WHERE phase > 0 AND phase = 1 AND domain >= ?1 AND (domain > ?1 OR ?2)
			UNION ALL SELECT min(domain) FROM outbound INDEXED BY outbound_due WHERE phase > 0 AND phase = 2 AND domain >= ?1 AND (domain > ?1 OR ?2))
			HAVING min(d) IS NOT NULL`, last, first).Find(&next)
		if err != nil || !ok {
			return out, err
		}
		last, first = next, false
		if room(events.Hash(next)) <= 0 {
			continue
		}
		var n int
		if _, err := tx.Row(`SELECT 1 FROM outbound INDEXED BY outbound_due WHERE phase > 0 AND phase IN (1, 2) AND domain = ? AND next_at <= ? LIMIT 1`, next, now).Find(&n); err != nil {
			return nil, err
		}
		if n == 1 {
			out = append(out, next)
		}
	}
	return out, nil
}

// NextDue returns when the next message after now may be tried; ok is false when
// none waits.
func (v *View) NextDue(ctx context.Context, now time.Time) (at time.Time, ok bool, err error) {
	var n int64
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		ok, err = tx.Row(`SELECT next_at FROM outbound INDEXED BY outbound_next WHERE phase IN (1, 2) AND next_at > ? ORDER BY next_at LIMIT 1`, now.UnixMicro()).Find(&n)
		return err
	})
	return time.UnixMicro(n).UTC(), ok, err
}

// Stuck returns messages whose bytes were going out when their lease ended: their
// outcome is unknown.
func (v *View) Stuck(ctx context.Context, now time.Time, limit int) ([]Item, error) {
	var out []Item
	err := v.DB().Read(ctx, func(tx *sqldb.Tx) (err error) {
		out, _, err = items(tx, `SELECT `+columns+fromDue+`o.phase = 3 AND o.next_at <= ? ORDER BY o.next_at, o.n LIMIT ?`, now.UnixMicro(), limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list stuck messages: %w", err)
	}
	return out, nil
}

func items(tx *sqldb.Tx, query string, args ...any) (out []Item, ns []int64, err error) {
	err = tx.Query(func(scan func(...any) error) error {
		var i Item
		var n, created, updated, next, base int64
		var phase int
		err := scan(&n, &i.ID, &i.Kind, &i.Channel, &i.Ticket, &i.TicketNumber, &i.Message, &i.Mailbox, &i.Customer, &i.Domain, &i.MessageID,
			&created, &updated, &i.State, &phase, &next, &i.Attempts, &i.Worker, &i.LastCode, &i.LastDetail, &i.Revision,
			&i.To.Name, &i.To.Address, &i.Subject, &i.Erased, &i.Address, &base, &i.Delayed, &i.Archived)
		i.CreatedAt, i.UpdatedAt, i.Base = time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC(), time.UnixMicro(base).UTC()
		if phase != done {
			i.NextAttempt = time.UnixMicro(next).UTC()
		}
		out, ns = append(out, i), append(ns, n)
		return err
	}, query, args...)
	return out, ns, err
}
