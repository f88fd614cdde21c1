package vault

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/westshore/hub/events"
)

// scope is what a hold keeps of keys minted later: keys of these subjects or
// streams, of everybody when neither is given, as far as they were collected in
// the window (milliseconds, 0: open). hold.scope holds a JSON array of them; the
// first release wrote a single one, without an array.
type scope struct {
	Subjects []events.SubjectID `json:"subjects,omitempty"`
	Streams  []events.Stream    `json:"streams,omitempty"`
	Since    int64              `json:"since,omitempty"`
	Until    int64              `json:"until,omitempty"`
}

// empty reports whether the scope covers nothing: a hold of named keys alone.
func (sc *scope) empty() bool {
	return len(sc.Subjects)+len(sc.Streams) == 0 && sc.Since == 0 && sc.Until == 0
}

func (sc *scope) in(collected int64) bool {
	return collected >= sc.Since && (sc.Until == 0 || collected < sc.Until)
}

func optionalMillis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return millis(t)
}

func fromOptional(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func parseScopes(doc []byte) ([]scope, error) {
	if bytes.HasPrefix(doc, []byte("{")) {
		doc = append(append([]byte("["), doc...), ']')
	}
	var out []scope
	if json.Unmarshal(doc, &out) != nil {
		return nil, ErrCorrupt
	}
	return out, nil
}

// mergeScope adds to the scopes that a hold of this id may have already.
func mergeScope(ctx context.Context, w *writer, id events.UUID, sc scope) (string, error) {
	scopes := []scope{}
	err := selectEach(ctx, w, "SELECT scope FROM hold WHERE hid = ? AND state = 1", []any{id[:]}, func(r *sql.Rows) error {
		var doc []byte
		err := r.Scan(&doc)
		if err == nil {
			scopes, err = parseScopes(doc)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	same := func(x scope) bool {
		return slices.Equal(x.Subjects, sc.Subjects) && slices.Equal(x.Streams, sc.Streams) && x.Since == sc.Since && x.Until == sc.Until
	}
	if !sc.empty() && !slices.ContainsFunc(scopes, same) {
		scopes = append(scopes, sc)
	}
	doc, err := json.Marshal(scopes)
	return string(doc), err
}

// find lists the live keys that the scope covers.
func (sc *scope) find(ctx context.Context, w *writer) ([][]byte, error) {
	if sc.empty() {
		return nil, nil
	}
	var kids [][]byte
	var err error
	for _, s := range sc.Subjects {
		if kids, err = sc.look(ctx, w, kids, "subject = ?", subjectKey(s)); err != nil {
			return nil, err
		}
	}
	for _, s := range sc.Streams {
		streams, err := boundTo(ctx, w, [][]byte{[]byte(s)})
		if err != nil {
			return nil, err
		}
		for _, name := range append(streams, string(s)) {
			if kids, err = sc.look(ctx, w, kids, "stream = ?", name); err != nil {
				return nil, err
			}
		}
	}
	if len(sc.Subjects)+len(sc.Streams) == 0 {
		return sc.look(ctx, w, kids, "true")
	}
	return kids, nil
}

// look adds the keys of one condition that were collected in the window.
func (sc *scope) look(ctx context.Context, w *writer, kids [][]byte, where string, args ...any) ([][]byte, error) {
	err := selectEach(ctx, w, "SELECT kid, coalesce(anc_at, minted_at) FROM seg_key WHERE "+where, args, func(r *sql.Rows) error {
		var kid []byte
		var collected int64
		err := r.Scan(&kid, &collected)
		if err == nil && sc.in(collected) {
			kids = append(kids, kid)
		}
		return err
	})
	return kids, err
}

// ruling is a hold in force with one of its scopes.
type ruling struct {
	id events.UUID
	in *scope
}

// scopes are the holds in force. Only the writer touches them: a job that places
// a hold changes them at once, so that the next job of the same transaction
// sees it, and a rollback reads them anew.
type scopes struct {
	bySubject map[events.SubjectID][]ruling
	byStream  map[string][]ruling
	all       []ruling
}

func (s *scopes) empty() bool { return len(s.bySubject)+len(s.byStream)+len(s.all) == 0 }

func (s *scopes) reset() {
	s.bySubject, s.byStream, s.all = map[events.SubjectID][]ruling{}, map[string][]ruling{}, nil
}

func (s *scopes) add(id events.UUID, sc *scope) {
	r := ruling{id, sc}
	for _, x := range sc.Subjects {
		s.bySubject[x] = append(s.bySubject[x], r)
	}
	for _, x := range sc.Streams {
		s.byStream[string(x)] = append(s.byStream[string(x)], r)
	}
	if len(sc.Subjects)+len(sc.Streams) == 0 && !sc.empty() {
		s.all = append(s.all, r)
	}
}

func (v *Vault) reloadHolds(ctx context.Context) {
	if err := v.readHolds(ctx, v.w); err != nil {
		v.log.Error("holds not read after a rollback", "error", err)
	}
}

// readHolds reads the holds in force anew.
func (v *Vault) readHolds(ctx context.Context, q querier) error {
	v.holds.reset()
	return selectEach(ctx, q, "SELECT hid, scope FROM hold WHERE state = 1", nil, func(r *sql.Rows) error {
		var hid, doc []byte
		if err := r.Scan(&hid, &doc); err != nil {
			return err
		}
		list, err := parseScopes(doc)
		if err != nil || len(hid) != 16 {
			return fmt.Errorf("hold %x: %w", hid, ErrCorrupt)
		}
		for i := range list {
			v.holds.add(events.UUID(hid), &list[i])
		}
		return nil
	})
}

// holdNew puts keys just minted under the holds whose scope they fall in.
func (v *Vault) holdNew(ctx context.Context, w *writer, now time.Time, rows []minted) error {
	if v.holds.empty() {
		return nil
	}
	for i := range rows {
		r := &rows[i]
		collected := millis(now)
		if !r.req.Collected.IsZero() {
			collected = millis(r.req.Collected)
		}
		streams := []string{string(r.req.Stream)}
		if len(v.holds.byStream) > 0 {
			to, err := boundOf(ctx, w, string(r.req.Stream))
			if err != nil {
				return err
			}
			streams = append(streams, to...)
		}
		rules := slices.Concat(v.holds.all, v.holds.bySubject[r.req.Subject])
		for _, s := range streams {
			rules = append(rules, v.holds.byStream[s]...)
		}
		for _, rule := range rules {
			if !rule.in.in(collected) {
				continue
			}
			if _, err := holdKey(ctx, w, rule.id, r.kid[:]); err != nil {
				return err
			}
		}
	}
	return nil
}

// boundOf names the stream that one is bound to, if any.
func boundOf(ctx context.Context, q querier, s string) ([]string, error) {
	var out []string
	err := selectEach(ctx, q, "SELECT bound FROM anchor WHERE ref = ? AND bound IS NOT NULL", []any{[]byte(s)}, func(r *sql.Rows) error {
		var to []byte
		err := r.Scan(&to)
		out = append(out, string(to))
		return err
	})
	return out, err
}

// holdBound puts the keys of a stream that was just bound under the holds on the
// stream it is bound to.
func (v *Vault) holdBound(ctx context.Context, w *writer, from string) error {
	if len(v.holds.byStream) == 0 {
		return nil
	}
	to, err := boundOf(ctx, w, from)
	if err != nil || len(to) == 0 {
		return err
	}
	for _, rule := range v.holds.byStream[to[0]] {
		kids, err := rule.in.look(ctx, w, nil, "stream = ?", from)
		if err != nil {
			return err
		}
		for _, kid := range kids {
			if _, err := holdKey(ctx, w, rule.id, kid); err != nil {
				return err
			}
		}
	}
	return nil
}
