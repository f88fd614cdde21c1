package vault

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/westshore/hub/events"
)

// Census counts live keys by class.
func (v *Vault) Census(ctx context.Context) (map[events.Class]int64, error) {
	out := map[events.Class]int64{}
	err := selectEach(ctx, v.r, "SELECT class, count(*) FROM seg_key GROUP BY class", nil, func(r *sql.Rows) error {
		var class string
		var n int64
		err := r.Scan(&class, &n)
		out[events.Class(class)] = n
		return err
	})
	return out, explain("count keys", err)
}

// Effect is what a schedule would do to the keys of one class.
type Effect struct {
	Class   events.Class
	Keys    int64 // live keys
	Earlier int64 // that would end earlier than now, or have an end for the first time
	Later   int64 // that would end later, or have no end any more
	Due     int64 // that would be due at once, and are not now
}

// TrySchedule says what a schedule would change, class by class, at a time. It
// changes nothing.
func (v *Vault) TrySchedule(ctx context.Context, s Schedule, at time.Time) (map[events.Class]Effect, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("try schedule: %w", err)
	}
	p := v.plan.Load().with(&s, "")
	out := map[events.Class]Effect{}
	for from, more := []byte{}, true; more; {
		var rows []*dated
		err := selectEach(ctx, v.r, "SELECT "+datedColumns+" FROM seg_key WHERE kid > ? ORDER BY kid LIMIT ?", []any{from, redateBatch}, func(r *sql.Rows) error {
			d := &dated{}
			rows = append(rows, d)
			return d.scan(r)
		})
		if err != nil {
			return nil, explain("try schedule", err)
		}
		if err := p.anchor(ctx, v.r, rows); err != nil {
			return nil, explain("try schedule", err)
		}
		for _, d := range rows {
			e := out[d.class]
			e.add(d, p.end(&d.span), at)
			out[d.class] = e
		}
		if more = len(rows) == redateBatch; more {
			from = rows[len(rows)-1].kid
		}
	}
	return out, nil
}

// add counts one key whose end would be next.
func (e *Effect) add(d *dated, next time.Time, at time.Time) {
	e.Class = d.class
	e.Keys++
	was, will := d.stored, moment(next)
	switch {
	case will == was:
		return
	case will.Valid && (!was.Valid || will.Int64 < was.Int64):
		e.Earlier++
	default:
		e.Later++
	}
	if due := millis(at); will.Valid && will.Int64 <= due && (!was.Valid || was.Int64 > due) {
		e.Due++
	}
}
