package vault

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/westshore/hub/events"
)

// HoldOrder says what a legal hold keeps: every key of the subjects and of the
// streams, those minted later among them, and the named keys.
type HoldOrder struct {
	ID        events.UUID
	Authority string    // who demands it: a reference, not a person's name
	Review    time.Time // when somebody looks at it again; zero: never
	Subjects  []events.SubjectID
	Streams   []events.Stream
	KIDs      []events.KID
}

// Held says what a hold found.
type Held struct {
	Keys    int          // live keys it keeps now
	Missing []events.KID // named keys that are not there any more
}

// scope is what a hold keeps of keys minted later, as it rests in hold.scope.
type scope struct {
	Subjects []events.SubjectID `json:"subjects,omitempty"`
	Streams  []events.Stream    `json:"streams,omitempty"`
}

// scopes are the holds in force. Only the writer touches them: a job that places
// a hold changes them at once, so that the next job of the same transaction
// sees it, and a rollback reads them anew.
type scopes struct {
	bySubject map[events.SubjectID][]events.UUID
	byStream  map[events.Stream][]events.UUID
}

func (s *scopes) reset() {
	s.bySubject, s.byStream = map[events.SubjectID][]events.UUID{}, map[events.Stream][]events.UUID{}
}

func (s *scopes) add(id events.UUID, sc scope) {
	for _, x := range sc.Subjects {
		s.bySubject[x] = append(s.bySubject[x], id)
	}
	for _, x := range sc.Streams {
		s.byStream[x] = append(s.byStream[x], id)
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
		var sc scope
		if err := json.Unmarshal(doc, &sc); err != nil || len(hid) != 16 {
			return fmt.Errorf("hold %x: %w", hid, ErrCorrupt)
		}
		v.holds.add(events.UUID(hid), sc)
		return nil
	})
}

// Hold places a legal hold: what it covers is not destroyed, by no order, until
// it is released. Keys already destroyed are reported, not revived. Placing the
// same hold again adds to it.
func (v *Vault) Hold(ctx context.Context, h HoldOrder) (Held, error) {
	if h.ID.IsZero() || h.Authority == "" {
		return Held{}, errors.New("place hold: an id and an authority are needed")
	}
	named, err := parseKIDs(h.KIDs)
	if err != nil {
		return Held{}, fmt.Errorf("place hold: %w", err)
	}
	var held Held
	err = v.w.do(ctx, &job{run: func(ctx context.Context, w *writer) (err error) {
		held, err = v.placeHold(ctx, w, h, named)
		return err
	}})
	return held, explain("place hold", err)
}

func (v *Vault) placeHold(ctx context.Context, w *writer, h HoldOrder, named [][]byte) (Held, error) {
	var held Held
	sc, err := mergeScope(ctx, w, h)
	if err != nil {
		return held, err
	}
	var review any
	if !h.Review.IsZero() {
		review = millis(h.Review)
	}
	_, err = w.exec(ctx, `INSERT INTO hold (hid, scope, authority, review_at, state, at) VALUES (?, ?, ?, ?, 1, ?)
		ON CONFLICT (hid) DO UPDATE SET scope = excluded.scope, authority = excluded.authority, review_at = excluded.review_at, state = 1`,
		h.ID[:], sc, h.Authority, review, millis(v.now()))
	if err != nil {
		return held, err
	}
	var kids [][]byte
	collect := func(r *sql.Rows) error {
		var kid []byte
		err := r.Scan(&kid)
		kids = append(kids, kid)
		return err
	}
	for _, s := range h.Subjects {
		if err := selectEach(ctx, w, "SELECT kid FROM seg_key WHERE subject = ?", []any{subjectKey(s)}, collect); err != nil {
			return held, err
		}
	}
	for _, s := range h.Streams {
		if err := selectEach(ctx, w, "SELECT kid FROM seg_key WHERE stream = ?", []any{string(s)}, collect); err != nil {
			return held, err
		}
	}
	for i, kid := range named {
		before := len(kids)
		if err := selectEach(ctx, w, "SELECT kid FROM seg_key WHERE kid = ?", []any{kid}, collect); err != nil {
			return held, err
		}
		if len(kids) == before {
			held.Missing = append(held.Missing, h.KIDs[i])
		}
	}
	for _, kid := range kids {
		n, err := holdKey(ctx, w, h.ID, kid)
		if err != nil {
			return held, err
		}
		held.Keys += n
	}
	return held, v.readHolds(ctx, w)
}

// mergeScope adds to the scope that a hold of this id may have already.
func mergeScope(ctx context.Context, w *writer, h HoldOrder) (string, error) {
	var sc scope
	err := selectEach(ctx, w, "SELECT scope FROM hold WHERE hid = ? AND state = 1", []any{h.ID[:]}, func(r *sql.Rows) error {
		var doc []byte
		if err := r.Scan(&doc); err != nil {
			return err
		}
		return json.Unmarshal(doc, &sc)
	})
	if err != nil {
		return "", err
	}
	sc.Subjects, sc.Streams = append(sc.Subjects, h.Subjects...), append(sc.Streams, h.Streams...)
	doc, err := json.Marshal(sc)
	return string(doc), err
}

// holdKey counts a hold on a key, once; n is 1 when it was not counted before.
func holdKey(ctx context.Context, w *writer, id events.UUID, kid []byte) (n int, err error) {
	fresh, err := w.exec(ctx, "INSERT OR IGNORE INTO hold_seg (hid, kid) VALUES (?, ?)", id[:], kid)
	if err != nil || fresh == 0 {
		return 0, err
	}
	_, err = w.exec(ctx, "UPDATE seg_key SET hold_n = hold_n + 1 WHERE kid = ?", kid)
	return 1, err
}

// holdNew puts keys just minted under the holds whose scope they fall in.
func (v *Vault) holdNew(ctx context.Context, w *writer, rows []minted) error {
	if len(v.holds.bySubject)+len(v.holds.byStream) == 0 {
		return nil
	}
	for i := range rows {
		r := &rows[i]
		for _, ids := range [][]events.UUID{v.holds.bySubject[r.req.Subject], v.holds.byStream[r.req.Stream]} {
			for _, id := range ids {
				if _, err := holdKey(ctx, w, id, r.kid[:]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Release ends a hold, and destroys the keys whose destruction waited for it
// alone. Releasing a hold that is not in force does nothing.
func (v *Vault) Release(ctx context.Context, id events.UUID) (Destroyed, error) {
	var done Destroyed
	err := v.w.do(ctx, &job{
		run: func(ctx context.Context, w *writer) (err error) {
			done, err = v.lift(ctx, w, id)
			return err
		},
		after: func() { v.cache.invalidate(done.Killed) },
	})
	if err != nil {
		return Destroyed{}, explain("release hold", err)
	}
	v.counts.destroyed.Add(int64(len(done.Killed)))
	if len(done.Killed) == 0 {
		return done, nil
	}
	return done, v.truncate(ctx)
}

// lift takes one hold off in one transaction.
func (v *Vault) lift(ctx context.Context, w *writer, id events.UUID) (Destroyed, error) {
	var done Destroyed
	steps := []string{
		"UPDATE seg_key SET hold_n = hold_n - 1 WHERE kid IN (SELECT kid FROM hold_seg WHERE hid = ?)",
		"DELETE FROM hold_seg WHERE hid = ?",
		"UPDATE hold SET state = 2 WHERE hid = ?",
	}
	for _, q := range steps {
		if _, err := w.exec(ctx, q, id[:]); err != nil {
			return done, err
		}
	}
	type waiting struct {
		kid, commit []byte
		tomb        events.Tombstone
	}
	var due []waiting
	err := selectEach(ctx, w, "SELECT d.kid, d.order_id, d.cause, k.kc FROM deferred d JOIN seg_key k ON k.kid = d.kid WHERE k.hold_n = 0", nil, func(r *sql.Rows) error {
		var x waiting
		var order []byte
		err := r.Scan(&x.kid, &order, &x.tomb.Cause, &x.commit)
		copy(x.tomb.Order[:], order)
		x.tomb.At = v.now()
		due = append(due, x)
		return err
	})
	if err != nil {
		return done, err
	}
	for _, x := range due {
		if err := kill(ctx, w, x.kid, x.commit, x.tomb); err != nil {
			return done, err
		}
		done.Killed = append(done.Killed, events.KID(hex.EncodeToString(x.kid)))
	}
	return done, v.readHolds(ctx, w)
}
