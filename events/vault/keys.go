package vault

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/westshore/hub/events"
)

// Result is what came of asking for a key: Plain with the key and its
// commitment, Masked likewise when only a part of each value may be shown, Erased
// with a tombstone, Restricted or Denied with the reason.
type Result struct {
	State  events.State
	DEK    [32]byte
	Commit []byte // SHA-256("ws-kc1" . DEK)[:16]
	Tomb   events.Tombstone
	Why    string
}

// whyDeferred is the reason given for a key that only a hold keeps alive.
const (
	whyRestricted = "the person asked to restrict the use of these data"
	whyDeferred   = "erased, kept by a legal hold alone"
)

// Keys gives the keys of segments, in order, as far as the principal may have
// them, and keeps a record of it. It asks the database once for all that are
// not in memory.
//
// A key that is neither there nor destroyed leaves its result Unopened, and the
// results come together with a *KeyMissingError: raise an alarm, never show it
// as an erasure.
func (v *Vault) Keys(ctx context.Context, p events.Principal, kids []events.KID) ([]Result, error) {
	if len(kids) == 0 {
		return nil, nil
	}
	if v.gated.Load() {
		return nil, fmt.Errorf("open keys: %w", ErrGated)
	}
	defer v.Reading()()
	now := v.now()
	out := make([]Result, len(kids))
	commits := make([]byte, len(kids)*commitSize)
	give := func(i int, k *cached) {
		c := commits[i*commitSize : (i+1)*commitSize : (i+1)*commitSize]
		out[i] = v.result(k, p, c)
	}
	gen, missed := v.cache.find(kids, now, give)
	v.counts.cached.Add(int64(len(kids) - len(missed)))
	var missing []events.KID
	if len(missed) > 0 {
		var err error
		if missing, err = v.fetch(ctx, now, gen, kids, missed, out, give); err != nil {
			return nil, explain("open keys", err)
		}
	}
	if err := v.record(ctx, p, now, kids, out); err != nil {
		clear(out)
		return nil, fmt.Errorf("open keys: %w", err)
	}
	if len(missing) > 0 {
		v.counts.missing.Add(int64(len(missing)))
		return out, &KeyMissingError{KIDs: missing}
	}
	return out, nil
}

// result decides what the principal gets of a live key.
func (v *Vault) result(k *cached, p events.Principal, commit []byte) Result {
	if k.state != stateLive && !overRestriction[p.Purpose] {
		why := whyRestricted
		if k.state == stateDeferred {
			why = whyDeferred
		}
		return Result{State: events.Restricted, Why: why}
	}
	give, why := v.policies.Load().give(p, k.category, k.policy)
	if give == Nothing {
		return Result{State: events.Denied, Why: why}
	}
	copy(commit, k.commit[:])
	state := events.Plain
	if give == Part {
		state = events.Masked
	}
	return Result{State: state, DEK: k.dek, Commit: commit}
}

// fetch reads what the cache did not have and returns the names of keys that
// are missing. It looks for keys first and for tombstones second: a key that is
// destroyed in between is found as a tombstone.
func (v *Vault) fetch(ctx context.Context, now time.Time, gen uint64, kids []events.KID, missed []int, out []Result, give func(int, *cached)) ([]events.KID, error) {
	open := make(map[events.KID][]int, len(missed))
	for _, i := range missed {
		open[kids[i]] = append(open[kids[i]], i)
	}
	found, err := v.readKeys(ctx, now, open)
	if err != nil {
		return nil, err
	}
	for _, k := range found {
		for _, i := range open[k.kid] {
			give(i, k)
		}
		delete(open, k.kid)
	}
	v.cache.add(gen, found)
	if len(open) == 0 {
		return nil, nil
	}
	err = v.readTombs(ctx, open, func(kid events.KID, tomb events.Tombstone) {
		for _, i := range open[kid] {
			out[i] = Result{State: events.Erased, Tomb: tomb}
		}
		delete(open, kid)
	})
	var missing []events.KID
	for kid := range open {
		missing = append(missing, kid)
	}
	return missing, err
}

// readKeys reads and unwraps live keys. A row that does not unwrap is left out,
// and so counts as missing.
func (v *Vault) readKeys(ctx context.Context, now time.Time, open map[events.KID][]int) ([]*cached, error) {
	raw, err := parseKIDs(slices.Collect(maps.Keys(open)))
	if err != nil {
		return nil, err
	}
	found := make([]*cached, 0, len(raw))
	// A row that was read just before its epoch was dropped is read again,
	// once: epochs do not change that fast.
	for try := 0; len(raw) > 0 && try < 2; try++ {
		var again [][]byte
		err := selectIn(ctx, v.r, "SELECT kid, category, pv, state, epoch, wrapped, kc FROM seg_key WHERE kid", raw, func(r *sql.Rows) error {
			var row keyRecord
			if err := r.Scan(&row.kid, &row.category, &row.policy, &row.state, &row.epoch, &row.wrapped, &row.commit); err != nil {
				return err
			}
			k, known := v.unwrapRow(&row, now)
			if k != nil {
				found = append(found, k)
			} else if !known {
				again = append(again, row.kid)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		raw = again
	}
	return found, nil
}

// keyRecord is a row of seg_key as far as opening needs it.
type keyRecord struct {
	kid, wrapped, commit []byte
	category             events.Category
	policy, state        int
	epoch                int64
}

// unwrapRow opens a row; nil where it is damaged, or where its epoch is not
// known (any more).
func (v *Vault) unwrapRow(row *keyRecord, now time.Time) (k *cached, known bool) {
	aead, known := v.keks.Load().aead[row.epoch]
	if !known {
		return nil, false
	}
	k = &cached{kid: events.KID(hex.EncodeToString(row.kid)), category: row.category, policy: row.policy, state: row.state, read: now}
	if !unwrap(k.dek[:], aead, row.wrapped, row.kid) || !committed(k.dek[:], row.commit) {
		return nil, true
	}
	copy(k.commit[:], row.commit)
	return k, true
}

// readTombs tells which of the keys are destroyed.
func (v *Vault) readTombs(ctx context.Context, open map[events.KID][]int, dead func(events.KID, events.Tombstone)) error {
	raw, err := parseKIDs(slices.Collect(maps.Keys(open)))
	if err != nil {
		return err
	}
	return selectIn(ctx, v.r, "SELECT kid, order_id, cause, at FROM seg_tomb WHERE kid", raw, func(r *sql.Rows) error {
		var kid, order []byte
		var tomb events.Tombstone
		var at int64
		if err := r.Scan(&kid, &order, &tomb.Cause, &at); err != nil {
			return err
		}
		copy(tomb.Order[:], order)
		tomb.At = time.UnixMilli(at).UTC()
		dead(events.KID(hex.EncodeToString(kid)), tomb)
		return nil
	})
}
