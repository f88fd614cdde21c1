package vault

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/westshore/hub/events"
)

// Carried is one key on its way from the vault of one house to that of another
// (policy clause 3.3): with everything that binds it to its segment. It holds the
// key in the clear and travels only under the receiver's own key.
type Carried struct {
	KID       events.KID       `json:"kid"`
	Subject   events.SubjectID `json:"subject"`
	Category  events.Category  `json:"category"`
	Class     events.Class     `json:"class"`
	Event     events.UUID      `json:"event"`
	Stream    events.Stream    `json:"stream"`
	Anchor    Anchor           `json:"anchor,omitempty"`
	Ref       string           `json:"ref,omitempty"`
	Collected time.Time        `json:"collected"`
	DEK       []byte           `json:"dek"`
	Holds     []events.UUID    `json:"holds,omitempty"`
	// Order and Cause are those of a destruction that waits for a hold.
	Order events.UUID `json:"order,omitzero"`
	Cause string      `json:"cause,omitempty"`
}

// Carriage is what Carry found of some keys.
type Carriage struct {
	Keys  []Carried
	Tombs map[events.KID]Tomb
	// Kept are keys that stay here: the person restricted their use (GDPR article
	// 18(2)), or the matrix does not let the principal have them.
	Kept []events.KID
}

// Carry reads keys for another house, as far as the principal may have them, and
// notes it in the access log. A key that is neither there nor destroyed fails the
// call with a *KeyMissingError.
func (v *Vault) Carry(ctx context.Context, p events.Principal, kids []events.KID) (Carriage, error) {
	var c Carriage
	results, err := v.Keys(ctx, p, kids)
	if err != nil {
		return c, fmt.Errorf("carry keys: %w", err)
	}
	defer func() {
		for i := range results {
			clear(results[i].DEK[:])
		}
	}()
	rows, err := v.carried(ctx, kids)
	if err != nil {
		return c, explain("carry keys", err)
	}
	if c.Tombs, err = v.Tombs(ctx, kids); err != nil {
		return c, err
	}
	for i, kid := range kids {
		k, there := rows[kid]
		switch {
		case !there || c.Tombs[kid].Cause != "": // destroyed, maybe just now
		case k.restricted || results[i].State != events.Plain:
			c.Kept = append(c.Kept, kid)
		default:
			k.DEK = append([]byte(nil), results[i].DEK[:]...)
			c.Keys = append(c.Keys, k.Carried)
		}
	}
	return c, nil
}

type carriedRow struct {
	Carried
	restricted bool
}

func (v *Vault) carried(ctx context.Context, kids []events.KID) (map[events.KID]carriedRow, error) {
	raw, err := parseKIDs(kids)
	if err != nil {
		return nil, err
	}
	out := make(map[events.KID]carriedRow, len(kids))
	err = selectIn(ctx, v.r, `SELECT k.kid, k.subject, k.category, k.class, k.event, k.stream, coalesce(k.anc_kind, 0), k.anc_ref,
		coalesce(k.anc_at, k.minted_at), k.state, d.order_id, d.cause FROM seg_key k LEFT JOIN deferred d ON d.kid = k.kid WHERE k.kid`,
		raw, func(r *sql.Rows) error {
			var row carriedRow
			var kid, subject, event, ref, order []byte
			var cause sql.NullString
			var collected int64
			var state int
			if err := r.Scan(&kid, &subject, &row.Category, &row.Class, &event, &row.Stream, &row.Anchor, &ref, &collected, &state, &order, &cause); err != nil {
				return err
			}
			row.KID, row.Subject, row.Ref = events.KID(hex.EncodeToString(kid)), subjectID(subject), string(ref)
			row.Collected, row.Cause, row.restricted = time.UnixMilli(collected).UTC(), cause.String, state == stateRestricted
			copy(row.Event[:], event)
			copy(row.Order[:], order)
			out[row.KID] = row
			return nil
		})
	if err != nil {
		return nil, err
	}
	err = selectIn(ctx, v.r, "SELECT kid, hid FROM hold_seg WHERE kid", raw, func(r *sql.Rows) error {
		var kid, hid []byte
		if err := r.Scan(&kid, &hid); err != nil {
			return err
		}
		row := out[events.KID(hex.EncodeToString(kid))]
		row.Holds = append(row.Holds, events.UUID(hid))
		out[row.KID] = row
		return nil
	})
	return out, err
}

// Adopted is what came of taking keys of another house.
type Adopted struct {
	New      int    // taken
	Known    int    // taken before
	Refused  int    // destroyed here: they stay so
	Entombed int    // tombstones that are new here
	Ended    []Info // live here, destroyed there: the caller destroys them, by way of its ledger
}

// Adopt takes keys and tombstones of another house, in one transaction. What was
// destroyed in this one is never taken again, and what is there already stays as
// it is, so that taking the same twice changes nothing. New keys run by this
// house's schedule from the time their data were collected, and fall under its
// holds.
//
// The one tombstone that gives way is an orphan's: it says that no event came
// with the key, and now one does.
func (v *Vault) Adopt(ctx context.Context, keys []Carried, tombs map[events.KID]Tomb) (Adopted, error) {
	if v.gated.Load() {
		return Adopted{}, fmt.Errorf("adopt keys: %w", ErrGated)
	}
	now := v.now()
	reqs, rows := make([]Request, len(keys)), make([]minted, len(keys))
	set := v.keks.Load()
	for i := range keys {
		k := &keys[i]
		reqs[i] = Request{
			Event: k.Event, Stream: k.Stream, Subject: k.Subject, Category: k.Category, Class: k.Class, Anchor: k.Anchor, Ref: k.Ref, Collected: k.Collected,
		}
		kid, ok := parseHex(string(k.KID))
		if err := reqs[i].check(); err != nil || !ok || len(k.DEK) != keySize {
			return Adopted{}, errors.Join(errors.New("adopt keys: a key is not whole"), err)
		}
		dek := [keySize]byte(k.DEK)
		commit := commitment(k.DEK)
		rows[i] = minted{
			req: &reqs[i], kid: kid, subject: subjectKey(k.Subject), dek: &dek, commit: commit[:], epoch: set.current,
			wrapped: wrap(nil, set.aead[set.current], k.DEK, kid[:]),
		}
	}
	var out Adopted
	var ended [][]byte
	unit := v.Begin()
	err := v.w.do(ctx, &job{run: func(ctx context.Context, w *writer) (err error) {
		out, ended = Adopted{}, nil
		var fresh []minted
		for i := range rows {
			state, err := standing(ctx, w, rows[i].kid[:])
			if err == nil && state == "" {
				state, err = out.refuseErased(ctx, w, &rows[i], now)
			}
			if err != nil {
				return err
			}
			switch state {
			case "":
				fresh = append(fresh, rows[i])
			case CauseOrphan:
				if _, err := w.exec(ctx, "DELETE FROM seg_tomb WHERE kid = ?", rows[i].kid[:]); err != nil {
					return err
				}
				fresh = append(fresh, rows[i])
			case standingLive:
				out.Known++
			default:
				out.Refused++
			}
		}
		out.New = len(fresh)
		if err := v.insertKeys(ctx, w, unit, now, fresh); err != nil {
			return err
		}
		ended, err = out.entomb(ctx, w, tombs)
		return err
	}})
	for _, kid := range ended {
		var live []Info
		if err == nil {
			live, err = v.infos(ctx, "kid = ?", kid)
		}
		out.Ended = append(out.Ended, live...)
	}
	if err != nil {
		return Adopted{}, explain("adopt keys", err)
	}
	v.counts.minted.Add(int64(out.New))
	return out, nil
}

// refuseErased ends a key at once whose person was erased in this house before it
// came.
func (a *Adopted) refuseErased(ctx context.Context, w *writer, r *minted, now time.Time) (state string, err error) {
	if erased, err := fenced(ctx, w, r.subject); err != nil || !erased {
		return "", err
	}
	_, err = w.exec(ctx, "INSERT INTO seg_tomb (kid, order_id, cause, at, kc) VALUES (?, ?, ?, ?, ?)", r.kid[:], make([]byte, kidSize), CauseSubject, millis(now), r.commit)
	return CauseSubject, err
}

func fenced(ctx context.Context, w *writer, subject []byte) (yes bool, err error) {
	err = selectEach(ctx, w, "SELECT 1 FROM fence WHERE subject = ?", []any{subject}, func(*sql.Rows) error {
		yes = true
		return nil
	})
	return yes, err
}

const standingLive = "live"

// standing tells how a key stands: live, the cause of its end, or not known.
func standing(ctx context.Context, w *writer, kid []byte) (state string, err error) {
	err = selectEach(ctx, w, "SELECT 'live' FROM seg_key WHERE kid = ? UNION ALL SELECT cause FROM seg_tomb WHERE kid = ?", []any{kid, kid}, func(r *sql.Rows) error {
		return r.Scan(&state)
	})
	return state, err
}

// entomb writes the tombstones that are new here, and lists those of live keys.
func (a *Adopted) entomb(ctx context.Context, w *writer, tombs map[events.KID]Tomb) (ended [][]byte, err error) {
	for kid, t := range tombs {
		raw, ok := parseHex(string(kid))
		if !ok || t.Cause == "" {
			return nil, errors.New("a tombstone is not whole")
		}
		state, err := standing(ctx, w, raw[:])
		if err != nil {
			return nil, err
		}
		switch state {
		case standingLive:
			ended = append(ended, raw[:])
		case "":
			commit := make([]byte, commitSize)
			copy(commit, t.Commit)
			if _, err := w.exec(ctx, "INSERT INTO seg_tomb (kid, order_id, cause, at, kc) VALUES (?, ?, ?, ?, ?)", raw[:], t.Order[:], t.Cause, millis(t.At), commit); err != nil {
				return nil, err
			}
			a.Entombed++
		}
	}
	return ended, nil
}

// Introduce makes a person who came from another house known by an address. When
// the address is known here already, nothing changes, and who is known by it is
// returned. Somebody who was erased here is not introduced again: the id is empty.
func (v *Vault) Introduce(ctx context.Context, who events.SubjectID, addr string) (known events.SubjectID, err error) {
	bidx, err := v.blindIndex(addr)
	if err != nil {
		return "", fmt.Errorf("introduce subject: %w", err)
	}
	id := subjectKey(who)
	err = v.w.do(ctx, &job{run: func(ctx context.Context, w *writer) error {
		there, err := resolve(ctx, w, [][]byte{bidx})
		if known = there[string(bidx)]; err != nil || known != "" {
			return err
		}
		if erased, err := fenced(ctx, w, id); err != nil || erased {
			return err
		}
		if _, err := w.exec(ctx, "INSERT OR IGNORE INTO subject (id, state, created_at) VALUES (?, 1, ?)", id, millis(v.now())); err != nil {
			return err
		}
		known = who
		_, err = w.exec(ctx, "INSERT INTO ident (bidx, subject, kind, verified) VALUES (?, ?, ?, 0)", bidx, id, kindEmail)
		return err
	}})
	return known, explain("introduce subject", err)
}
