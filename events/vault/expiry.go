package vault

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/westshore/hub/events"
)

// markDating stands in mark while the ends of keys are computed anew.
const markDating = "dating"

// SetSchedule takes a version of the retention schedule: all of them are kept,
// and the highest one governs. When keys end is computed anew, in batches,
// while other calls go on; meanwhile nothing is due. A version that is known
// already is passed over, one that was cut short is taken up again.
func (v *Vault) SetSchedule(ctx context.Context, s Schedule) error {
	if err := s.check(); err != nil {
		return fmt.Errorf("set schedule: %w", err)
	}
	doc, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("set schedule: %w", err)
	}
	v.dating.Lock()
	defer v.dating.Unlock()
	old := v.plan.Load()
	switch was, known := old.stored[s.Version]; {
	case known && was != string(doc):
		return fmt.Errorf("set schedule: version %d was set with other rules, and versions are never changed", s.Version)
	case known && !v.unsettled.Load():
		return nil
	}
	next := old.with(&s, string(doc))
	v.unsettled.Store(true)
	r := redating{
		v: v, plan: next,
		begin: func(ctx context.Context, w *writer) ([]keyScope, error) {
			if _, err := w.exec(ctx, "INSERT OR IGNORE INTO schedule (version, doc, at) VALUES (?, ?, ?)", s.Version, string(doc), millis(v.now())); err != nil {
				return nil, err
			}
			return []keyScope{{}}, setMark(ctx, w, markDating, []byte{1})
		},
		begun: func() { v.plan.Store(next) },
		finish: func(ctx context.Context, w *writer) error {
			_, err := w.exec(ctx, "DELETE FROM mark WHERE k = ?", markDating)
			return err
		},
	}
	if err := r.run(ctx); err != nil {
		return explain("set schedule", err)
	}
	v.unsettled.Store(false)
	return nil
}

// ScheduleVersion is the version that governs, 0 before the first SetSchedule.
func (v *Vault) ScheduleVersion() int {
	if now := v.plan.Load().now; now != nil {
		return now.Version
	}
	return 0
}

func (v *Vault) loadSchedule(ctx context.Context) error {
	p := &plan{}
	err := selectEach(ctx, v.r, "SELECT doc FROM schedule ORDER BY version", nil, func(r *sql.Rows) error {
		var doc string
		if err := r.Scan(&doc); err != nil {
			return err
		}
		s := &Schedule{}
		if err := json.Unmarshal([]byte(doc), s); err != nil {
			return fmt.Errorf("schedule: %w", ErrCorrupt)
		}
		p = p.with(s, doc)
		return nil
	})
	if err != nil {
		return err
	}
	v.plan.Store(p)
	dating, err := readMark(ctx, v.r, markDating)
	v.unsettled.Store(dating != nil)
	return err
}

// keyScope is a set of keys: those that have one of some values in a column, or
// all of them when it is zero.
type keyScope struct {
	column string
	values []any
}

// in adds the scope to a condition.
func (s keyScope) in(where string, args []any) (string, []any) {
	if s.column == "" {
		return where, args
	}
	size := listSize(len(s.values))
	for i := range size {
		args = append(args, s.values[min(i, len(s.values)-1)])
	}
	return where + " AND " + s.column + " IN (?" + strings.Repeat(",?", size-1) + ")", args
}

// single takes a scope apart into one for each value.
func (s keyScope) single() []keyScope {
	var out []keyScope
	for i := range s.values {
		out = append(out, keyScope{s.column, s.values[i : i+1]})
	}
	return out
}

// scopesOf takes the values of a column into scopes that one statement can look at.
func scopesOf(column string, values []any) []keyScope {
	var out []keyScope
	for chunk := range slices.Chunk(values, listSizes[len(listSizes)-1]) {
		out = append(out, keyScope{column, chunk})
	}
	return out
}

// redating computes anew when the keys of some scopes end, in transactions of
// bounded size. All of them stand or, after a crash, calling again repeats them.
type redating struct {
	v      *Vault
	plan   *plan
	begin  func(context.Context, *writer) ([]keyScope, error) // within the first transaction
	begun  func()                                             // after it; keys are looked at later only, so that none slips by
	pause  func(context.Context, *writer) error               // within the first one, when it is not the last
	finish func(context.Context, *writer) error               // within the last one
}

// redateBatch is how many keys are looked at in one transaction.
const redateBatch = 2000

func (r *redating) run(ctx context.Context) error {
	var scopes []keyScope
	from := []byte{}
	for first := true; first || len(scopes) > 0; first = false {
		left, next := scopes, from
		err := r.v.w.do(ctx, &job{
			run: func(ctx context.Context, w *writer) (err error) {
				left, next = scopes, from
				if first {
					if left, err = r.begin(ctx, w); err != nil || r.begun != nil {
						return err
					}
				}
				left, next, err = r.batch(ctx, w, left, next)
				switch {
				case err != nil:
					return err
				case len(left) == 0 && r.finish != nil:
					return r.finish(ctx, w)
				case len(left) > 0 && first && r.pause != nil:
					return r.pause(ctx, w)
				}
				return nil
			},
			after: func() {
				if first && r.begun != nil {
					r.begun()
				}
			},
		})
		if err != nil {
			return err
		}
		scopes, from = left, next
	}
	return nil
}

// batch looks at as many keys as fit into one transaction, and returns what is
// left of the scopes.
func (r *redating) batch(ctx context.Context, w *writer, left []keyScope, from []byte) ([]keyScope, []byte, error) {
	for budget := redateBatch; budget > 0 && len(left) > 0; {
		next, n, err := r.v.redate(ctx, w, r.plan, left[0], from)
		if err != nil {
			return nil, nil, err
		}
		budget -= n + 1
		switch from = next; {
		case next == nil:
			left, from = left[1:], []byte{}
		case len(left[0].values) > 1: // too many to be sorted for each batch
			left, from = append(left[0].single(), left[1:]...), []byte{}
		}
	}
	return left, from, nil
}

// redate computes the ends of one batch of a scope; from is the name of the last
// key it saw, nil at the end.
func (v *Vault) redate(ctx context.Context, w *writer, p *plan, sc keyScope, from []byte) ([]byte, int, error) {
	if p == nil {
		p = v.plan.Load()
	}
	where, args := sc.in("kid > ?", []any{from})
	var rows []*dated
	err := selectEach(ctx, w, "SELECT "+datedColumns+" FROM seg_key WHERE "+where+" ORDER BY kid LIMIT ?", append(args, redateBatch), func(r *sql.Rows) error {
		d := &dated{}
		rows = append(rows, d)
		return d.scan(r)
	})
	if err != nil {
		return nil, 0, err
	}
	if err := p.anchor(ctx, w, rows); err != nil {
		return nil, 0, err
	}
	for _, d := range rows {
		end := moment(p.end(&d.span))
		if end == d.stored {
			continue
		}
		if _, err := w.exec(ctx, "UPDATE seg_key SET expires_at = ? WHERE kid = ?", end, d.kid); err != nil {
			return nil, 0, err
		}
	}
	if len(rows) < redateBatch {
		return nil, len(rows), nil
	}
	return rows[len(rows)-1].kid, len(rows), nil
}

// dated is a key as far as its end goes.
type dated struct {
	span
	kid     []byte
	stream  string
	subject []byte
	ref     []byte
	stored  sql.NullInt64
}

const datedColumns = "kid, stream, subject, class, coalesce(anc_kind, 0), anc_ref, coalesce(anc_at, minted_at), sv, expires_at"

func (d *dated) scan(r *sql.Rows) error {
	var collected int64
	err := r.Scan(&d.kid, &d.stream, &d.subject, &d.class, &d.anchor, &d.ref, &collected, &d.version, &d.stored)
	d.collected = time.UnixMilli(collected).UTC()
	return err
}

// anchors says what the schedule's rules for a key run from.
func (p *plan) anchors(d *dated) (process, relation bool) {
	if p.now == nil {
		return false, false
	}
	for _, version := range [...]int{p.now.Version, d.version} {
		rule, ok := p.rules[version][d.class]
		kind := rule.Anchor
		if ok && d.span.anchor != AnchorNone {
			kind = d.span.anchor
		}
		process, relation = process || kind == AnchorProcess, relation || kind == AnchorRelationship
	}
	return process, relation
}

// begun is what the vault knows of one process or relationship.
type begun struct {
	at    sql.NullInt64
	bound []byte
}

// anchor fills in when the processes and relationships of keys came to their
// end. It asks once for all, and once more for the streams they are bound to.
func (p *plan) anchor(ctx context.Context, q querier, rows []*dated) error {
	known, refs := map[string]begun{}, [][]byte(nil)
	want := func(ref []byte) {
		if _, asked := known[string(ref)]; !asked {
			known[string(ref)] = begun{}
			refs = append(refs, ref)
		}
	}
	for _, d := range rows {
		process, relation := p.anchors(d)
		if process {
			want(d.processRef())
		}
		if relation {
			want(d.relationRef())
		}
	}
	for hop := 0; len(refs) > 0 && hop < 2; hop++ {
		asked := refs
		refs = nil
		err := selectIn(ctx, q, "SELECT ref, at, bound FROM anchor WHERE ref", asked, func(r *sql.Rows) error {
			var ref []byte
			var b begun
			if err := r.Scan(&ref, &b.at, &b.bound); err != nil {
				return err
			}
			if known[string(ref)] = b; b.bound != nil {
				want(b.bound)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, d := range rows {
		b := known[string(d.processRef())]
		if b.bound != nil {
			b = known[string(b.bound)]
		}
		d.process, d.relation = b.time(), known[string(d.relationRef())].time()
	}
	return nil
}

func (b begun) time() time.Time {
	if !b.at.Valid {
		return time.Time{}
	}
	return time.UnixMilli(b.at.Int64).UTC()
}

func (d *dated) processRef() []byte {
	if d.ref != nil {
		return d.ref
	}
	return []byte(d.stream)
}

func (d *dated) relationRef() []byte {
	if d.ref != nil {
		return d.ref
	}
	return []byte(subjectID(d.subject))
}

// dateNew computes when keys end that are about to be written.
func (v *Vault) dateNew(ctx context.Context, w *writer, now time.Time, rows []minted) error {
	p := v.plan.Load()
	if p.now == nil {
		return nil
	}
	space := make([]dated, len(rows))
	list := make([]*dated, len(rows))
	for i := range rows {
		r := &rows[i]
		list[i] = &space[i]
		space[i] = dated{
			stream: string(r.req.Stream), subject: r.subject,
			span: span{class: r.req.Class, anchor: r.req.Anchor, version: p.now.Version, collected: now},
		}
		if r.req.Ref != "" {
			list[i].ref = []byte(r.req.Ref)
		}
		if !r.req.Collected.IsZero() {
			list[i].collected = r.req.Collected
		}
	}
	if err := p.anchor(ctx, w, list); err != nil {
		return err
	}
	for i := range rows {
		rows[i].expires = moment(p.end(&list[i].span))
	}
	return nil
}

// Expiries tells when keys are due. Keys that are gone and keys without a date
// are absent.
func (v *Vault) Expiries(ctx context.Context, kids []events.KID) (map[events.KID]time.Time, error) {
	raw, err := parseKIDs(kids)
	if err != nil {
		return nil, fmt.Errorf("read expiries: %w", err)
	}
	out := make(map[events.KID]time.Time, len(kids))
	err = selectIn(ctx, v.r, "SELECT kid, expires_at FROM seg_key WHERE expires_at IS NOT NULL AND kid", raw, func(r *sql.Rows) error {
		var kid []byte
		var at int64
		err := r.Scan(&kid, &at)
		out[events.KID(hex.EncodeToString(kid))] = time.UnixMilli(at).UTC()
		return err
	})
	return out, explain("read expiries", err)
}

// moment is how an optional time rests.
func moment(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: millis(t), Valid: !t.IsZero()}
}

// setMark and readMark keep a small fact; nil when there is none.
func setMark(ctx context.Context, w *writer, k string, value []byte) error {
	_, err := w.exec(ctx, "INSERT INTO mark (k, v) VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v", k, value)
	return err
}

func readMark(ctx context.Context, q querier, k string) (value []byte, err error) {
	err = selectEach(ctx, q, "SELECT v FROM mark WHERE k = ?", []any{k}, func(r *sql.Rows) error { return r.Scan(&value) })
	return value, err
}
