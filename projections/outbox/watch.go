package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/sqldb"
)

// Late returns messages of a kind that wait and could have gone before a time,
// oldest first. With untold only those whose writer has not been told.
func (v *View) Late(ctx context.Context, kind events.OutboundKind, before time.Time, untold bool, limit int) ([]Item, error) {
	out, err := v.read(ctx, `o.phase = 1 AND o.kind = ? AND o.base_at <= ? AND (NOT ? OR o.delayed = 0) ORDER BY o.base_at LIMIT ?`,
		string(kind), before.UnixMicro(), untold, limit)
	if err != nil {
		return nil, fmt.Errorf("list late messages: %w", err)
	}
	return out, nil
}

// Unsettled returns messages whose outcome has been unknown since before a time,
// oldest first.
func (v *View) Unsettled(ctx context.Context, before time.Time, limit int) ([]Item, error) {
	out, err := v.read(ctx, `o.state = 'unknown' AND o.updated_at <= ? ORDER BY o.updated_at LIMIT ?`, before.UnixMicro(), limit)
	if err != nil {
		return nil, fmt.Errorf("list messages with unknown outcome: %w", err)
	}
	return out, nil
}

// Returned counts the messages to one address that failed or bounced since a time
// with one of the given details or codes.
func (v *View) Returned(ctx context.Context, address events.Hash, since time.Time, match func(Item) bool) (n int, err error) {
	all, err := v.read(ctx, `o.address = ? AND o.state IN ('failed', 'bounced') AND o.updated_at >= ? ORDER BY o.updated_at DESC LIMIT 100`,
		string(address), since.UnixMicro())
	if err != nil {
		return 0, fmt.Errorf("count returned messages: %w", err)
	}
	for _, i := range all {
		if match(i) {
			n++
		}
	}
	return n, nil
}

// Health is what an operator watches (MAIL O24).
type Health struct {
	// Oldest is how long the oldest message that may go has been waiting, and
	// OldestUnknown for how long the oldest unknown outcome has been one.
	Oldest, OldestUnknown time.Duration
	// Refused says that our own login or set-up is refused: no attempt since then
	// had another outcome.
	Refused bool
	// Suppressed counts addresses.
	Suppressed int64
}

// The bounds above which somebody must look.
const (
	MaxOldest  = 10 * time.Minute
	MaxUnknown = 30 * time.Minute
)

// Alarms names what is wrong: oldest, unknown, login.
func (h Health) Alarms() (out []string) {
	if h.Oldest > MaxOldest {
		out = append(out, "oldest")
	}
	if h.OldestUnknown > MaxUnknown {
		out = append(out, "unknown")
	}
	if h.Refused {
		out = append(out, "login")
	}
	return out
}

// Health looks how the queue does now.
func (v *View) Health(ctx context.Context, now time.Time) (h Health, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		var at int64
		ok, err := tx.Row(`SELECT base_at FROM outbound INDEXED BY outbound_age WHERE phase > 0 AND base_at <= ? ORDER BY base_at LIMIT 1`, now.UnixMicro()).Find(&at)
		if err != nil {
			return err
		}
		if ok {
			h.Oldest = now.Sub(time.UnixMicro(at))
		}
		if ok, err = tx.Row(`SELECT updated_at FROM outbound INDEXED BY outbound_unknown WHERE state = 'unknown' ORDER BY updated_at LIMIT 1`).Find(&at); err != nil {
			return err
		}
		if ok {
			h.OldestUnknown = now.Sub(time.UnixMicro(at))
		}
		var n int64
		if h.Refused, err = tx.Row(`SELECT 1 FROM outbound INDEXED BY outbound_refused WHERE phase = 1 AND detail = 'login' LIMIT 1`).Find(&n); err != nil {
			return err
		}
		_, err = tx.Row(`SELECT count(*) FROM suppressed`).Find(&h.Suppressed)
		return err
	})
	if err != nil {
		return h, fmt.Errorf("look at outbox: %w", err)
	}
	return h, nil
}

// Suppression is an address that is not written to. The address itself is not
// known here.
type Suppression struct {
	Address  events.Hash
	Customer events.SubjectID
	Kind     events.SuppressionKind
	Since    time.Time
	Outbound events.OutboundID // the message that showed it
	Agent    events.AgentID
	n        int64
}

const suppressionColumns = `SELECT n, address, customer, kind, since, outbound, agent FROM suppressed WHERE `

// Suppression returns why an address is not written to; ok is false when it is.
func (v *View) Suppression(ctx context.Context, address events.Hash) (s Suppression, ok bool, err error) {
	all, err := v.suppressions(ctx, suppressionColumns+`address = ?`, string(address))
	if err != nil || len(all) == 0 {
		return s, false, err
	}
	return all[0], true, nil
}

// Suppressions lists them, newest first; after is the cursor of an earlier page.
// A customer narrows it to one person's.
func (v *View) Suppressions(ctx context.Context, customer events.SubjectID, limit int, after string) (out []Suppression, next string, err error) {
	before, err := cursor(after)
	if err != nil {
		return nil, "", err
	}
	out, err = v.suppressions(ctx, suppressionColumns+`n < ? AND (? = '' OR customer = ?) ORDER BY n DESC LIMIT ?`,
		before, string(customer), string(customer), limit+1)
	if err == nil && len(out) > limit {
		out = out[:limit]
		next = cursorOf(out[limit-1].n)
	}
	return out, next, err
}

func (v *View) suppressions(ctx context.Context, query string, args ...any) (out []Suppression, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			var s Suppression
			var since int64
			err := scan(&s.n, &s.Address, &s.Customer, &s.Kind, &since, &s.Outbound, &s.Agent)
			s.Since = time.UnixMicro(since).UTC()
			out = append(out, s)
			return err
		}, query, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("list suppressed addresses: %w", err)
	}
	return out, nil
}

// Classes counts the messages that wait or were refused for good by the class of
// their last refusal.
func (v *View) Classes(ctx context.Context) (map[string]int64, error) {
	out := map[string]int64{}
	err := v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			var class string
			var n int64
			err := scan(&class, &n)
			out[class] = n
			return err
		}, `SELECT detail, count(*) FROM outbound INDEXED BY outbound_state WHERE state IN ('deferred', 'failed', 'held', 'unknown') AND detail <> '' GROUP BY detail`)
	})
	if err != nil {
		return nil, fmt.Errorf("count classes of refusals: %w", err)
	}
	return out, nil
}
