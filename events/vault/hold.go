package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/westshore/hub/events"
)

// HoldOrder says what a legal hold keeps: every key of the subjects and of the
// streams, those of streams bound to them and those minted later among them, and
// the named keys. A window of time narrows subjects and streams down to what was
// collected in it; alone, it means everybody.
type HoldOrder struct {
	ID        events.UUID        `json:"id"`
	Authority string             `json:"authority"`       // who demands it: a reference, not a person's name
	Review    time.Time          `json:"review,omitzero"` // when somebody looks at it again; zero: never
	Subjects  []events.SubjectID `json:"subjects,omitempty"`
	Streams   []events.Stream    `json:"streams,omitempty"`
	Since     time.Time          `json:"since,omitzero"` // collected at this time or later
	Until     time.Time          `json:"until,omitzero"` // and before this one
	KIDs      []events.KID       `json:"kids,omitempty"`
	Ledger    Mark               `json:"-"` // the entry of the privacy ledger about it
}

// Held says what a hold found.
type Held struct {
	Keys    int          // live keys it keeps now
	Missing []events.KID // named keys that are not there any more
}

// Hold places a legal hold: what it covers is not destroyed, by no order, until
// it is released. Keys already destroyed are reported, not revived. Placing the
// same hold again adds to it.
func (v *Vault) Hold(ctx context.Context, h HoldOrder) (Held, error) {
	if h.ID.IsZero() || h.Authority == "" {
		return Held{}, errors.New("place hold: an id and an authority are needed")
	}
	if !h.Since.IsZero() && !h.Until.IsZero() && !h.Since.Before(h.Until) {
		return Held{}, errors.New("place hold: the window of time ends before it begins")
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
	sc := scope{Subjects: h.Subjects, Streams: h.Streams, Since: optionalMillis(h.Since), Until: optionalMillis(h.Until)}
	doc, err := mergeScope(ctx, w, h.ID, sc)
	if err != nil {
		return held, err
	}
	_, err = w.exec(ctx, `INSERT INTO hold (hid, scope, authority, review_at, state, at) VALUES (?, ?, ?, ?, 1, ?)
		ON CONFLICT (hid) DO UPDATE SET scope = excluded.scope, authority = excluded.authority, review_at = excluded.review_at, state = 1`,
		h.ID[:], doc, h.Authority, moment(h.Review), millis(v.now()))
	if err != nil {
		return held, err
	}
	kids, err := sc.find(ctx, w)
	if err != nil {
		return held, err
	}
	there := map[string]bool{}
	err = selectIn(ctx, w, "SELECT kid FROM seg_key WHERE kid", named, func(r *sql.Rows) error {
		var kid []byte
		err := r.Scan(&kid)
		if !there[string(kid)] {
			there[string(kid)], kids = true, append(kids, kid)
		}
		return err
	})
	if err != nil {
		return held, err
	}
	for i, kid := range named {
		if !there[string(kid)] {
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
	if err := v.readHolds(ctx, w); err != nil {
		return held, err
	}
	return held, noteLedger(ctx, w, h.Ledger)
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

// Release ends a hold, and destroys the keys whose destruction waited for it
// alone. Releasing a hold that is not in force does nothing. ledger is the entry
// of the privacy ledger about it, if there is one.
func (v *Vault) Release(ctx context.Context, id events.UUID, ledger ...Mark) (Destroyed, error) {
	var mark Mark
	for _, m := range ledger {
		mark = m
	}
	return v.liftHold(ctx, id, mark)
}

func (v *Vault) liftHold(ctx context.Context, id events.UUID, ledger Mark) (Destroyed, error) {
	var done Destroyed
	err := v.w.do(ctx, &job{
		run: func(ctx context.Context, w *writer) (err error) {
			if done.Killed, err = v.lift(ctx, w, id); err != nil {
				return err
			}
			return noteLedger(ctx, w, ledger)
		},
		after: func() {
			if len(done.Killed) > 0 {
				v.forget(done.Killed)
			}
		},
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
func (v *Vault) lift(ctx context.Context, w *writer, id events.UUID) ([]events.KID, error) {
	for _, q := range []string{
		"UPDATE seg_key SET hold_n = hold_n - 1 WHERE kid IN (SELECT kid FROM hold_seg WHERE hid = ?)",
		"DELETE FROM hold_seg WHERE hid = ?",
		"UPDATE hold SET state = 2 WHERE hid = ?",
	} {
		if _, err := w.exec(ctx, q, id[:]); err != nil {
			return nil, err
		}
	}
	kids, err := v.killWaiting(ctx, w)
	if err != nil {
		return nil, err
	}
	return kids, v.readHolds(ctx, w)
}

// HoldInfo is a hold as it stands.
type HoldInfo struct {
	ID        events.UUID
	Authority string
	Placed    time.Time
	Review    time.Time // zero: never
	Released  bool
	Keys      int // it keeps now
	Deferred  int // of these, ordered to be destroyed
	Scopes    []HoldScope
}

// HoldScope is what a hold keeps of keys minted later.
type HoldScope struct {
	Subjects     []events.SubjectID
	Streams      []events.Stream
	Since, Until time.Time // zero: open
}

// Overdue reports whether somebody should have looked at the hold again.
func (h *HoldInfo) Overdue(now time.Time) bool {
	return !h.Released && !h.Review.IsZero() && h.Review.Before(now)
}

// Holds lists all holds, those released among them, in the order they were
// placed.
func (v *Vault) Holds(ctx context.Context) ([]HoldInfo, error) {
	var out []HoldInfo
	err := selectEach(ctx, v.r, `SELECT hid, authority, at, review_at, state = 2, scope,
		(SELECT count(*) FROM hold_seg s WHERE s.hid = hold.hid),
		(SELECT count(*) FROM hold_seg s JOIN deferred d ON d.kid = s.kid WHERE s.hid = hold.hid)
		FROM hold ORDER BY at, hid`, nil, func(r *sql.Rows) error {
		var h HoldInfo
		var hid, doc []byte
		var placed int64
		var review sql.NullInt64
		if err := r.Scan(&hid, &h.Authority, &placed, &review, &h.Released, &doc, &h.Keys, &h.Deferred); err != nil {
			return err
		}
		copy(h.ID[:], hid)
		h.Placed = time.UnixMilli(placed).UTC()
		if review.Valid {
			h.Review = time.UnixMilli(review.Int64).UTC()
		}
		scopes, err := parseScopes(doc)
		if err != nil {
			return fmt.Errorf("hold %x: %w", hid, err)
		}
		for _, sc := range scopes {
			h.Scopes = append(h.Scopes, HoldScope{Subjects: sc.Subjects, Streams: sc.Streams, Since: fromOptional(sc.Since), Until: fromOptional(sc.Until)})
		}
		out = append(out, h)
		return nil
	})
	return out, explain("list holds", err)
}
