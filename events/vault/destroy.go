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

// destroyBatch is how many keys are destroyed in one transaction.
const destroyBatch = 10_000

// Destroyed says what came of an order to destroy keys.
type Destroyed struct {
	Killed   []events.KID // gone, with a tombstone; also those that were gone before
	Deferred []events.KID // kept by a hold; they go when the last hold is released
}

// Destroy destroys keys for good, as ordered: what they sealed can never be
// read again. It is idempotent, so an interrupted order is simply repeated.
//
// A held key is deferred instead. A name that is neither a key nor a tombstone
// does not keep the others from being destroyed; it is reported as a
// *KeyMissingError at the end. ErrResidue means that all is done except cutting
// the write-ahead log.
func (v *Vault) Destroy(ctx context.Context, order events.UUID, cause string, kids []events.KID) (Destroyed, error) {
	var all Destroyed
	if order.IsZero() || cause == "" {
		return all, errors.New("destroy keys: an order and a cause are needed")
	}
	raw, err := parseKIDs(kids)
	if err != nil {
		return all, fmt.Errorf("destroy keys: %w", err)
	}
	tomb := events.Tombstone{Order: order, Cause: cause, At: v.now()}
	var missing []events.KID
	for len(raw) > 0 {
		n := min(len(raw), destroyBatch)
		d := destruction{tomb: tomb, kids: raw[:n], names: kids[:n]}
		if err := v.w.do(ctx, &job{run: d.run, after: func() { v.cache.invalidate(d.names) }}); err != nil {
			return all, explain("destroy keys", err)
		}
		all.Killed, all.Deferred = append(all.Killed, d.killed...), append(all.Deferred, d.deferred...)
		missing = append(missing, d.missing...)
		v.counts.destroyed.Add(int64(d.fresh))
		raw, kids = raw[n:], kids[n:]
	}
	if err := v.truncate(ctx); err != nil {
		return all, fmt.Errorf("destroy keys: %w", err)
	}
	if len(missing) > 0 {
		return all, fmt.Errorf("destroy keys: %w", &KeyMissingError{KIDs: missing})
	}
	return all, nil
}

// destruction is one transaction of an order.
type destruction struct {
	tomb  events.Tombstone
	kids  [][]byte
	names []events.KID

	killed, deferred, missing []events.KID
	fresh                     int
}

func (d *destruction) run(ctx context.Context, w *writer) error {
	d.killed, d.deferred, d.missing, d.fresh = nil, nil, nil, 0
	for i, kid := range d.kids {
		var holds int
		var commit []byte
		err := selectEach(ctx, w, "SELECT hold_n, kc FROM seg_key WHERE kid = ?", []any{kid}, func(r *sql.Rows) error { return r.Scan(&holds, &commit) })
		if err != nil {
			return err
		}
		switch {
		case commit == nil:
			dead, err := isDead(ctx, w, kid)
			if err != nil {
				return err
			}
			if dead {
				d.killed = append(d.killed, d.names[i])
			} else {
				d.missing = append(d.missing, d.names[i])
			}
		case holds > 0:
			if err := deferKey(ctx, w, kid, d.tomb); err != nil {
				return err
			}
			d.deferred = append(d.deferred, d.names[i])
		default:
			if err := kill(ctx, w, kid, commit, d.tomb); err != nil {
				return err
			}
			d.killed = append(d.killed, d.names[i])
			d.fresh++
		}
	}
	return nil
}

func isDead(ctx context.Context, w *writer, kid []byte) (dead bool, err error) {
	err = selectEach(ctx, w, "SELECT 1 FROM seg_tomb WHERE kid = ?", []any{kid}, func(*sql.Rows) error {
		dead = true
		return nil
	})
	return dead, err
}

func kill(ctx context.Context, w *writer, kid, commit []byte, tomb events.Tombstone) error {
	_, err := w.exec(ctx, "INSERT INTO seg_tomb (kid, order_id, cause, at, kc) VALUES (?, ?, ?, ?, ?)",
		kid, tomb.Order[:], tomb.Cause, millis(tomb.At), commit)
	if err != nil {
		return err
	}
	return removeKey(ctx, w, kid)
}

// deferKey remembers the first order for a held key; the key may only be used
// for what the hold is there for.
func deferKey(ctx context.Context, w *writer, kid []byte, tomb events.Tombstone) error {
	if _, err := w.exec(ctx, "UPDATE seg_key SET state = ? WHERE kid = ?", stateDeferred, kid); err != nil {
		return err
	}
	_, err := w.exec(ctx, "INSERT OR IGNORE INTO deferred (kid, order_id, cause, at) VALUES (?, ?, ?, ?)",
		kid, tomb.Order[:], tomb.Cause, millis(tomb.At))
	return err
}

const (
	truncateTries = 5
	truncateWait  = 100 * time.Millisecond
)

// truncate cuts the write-ahead log to nothing, after its pages went to the
// database file: secure_delete cleans only that file, the log still holds pages
// from before (PRIVACY 3.2). A reader that is still at it makes SQLite wait two
// seconds (busy_timeout) and then say busy.
func (v *Vault) truncate(ctx context.Context) error {
	for try := range truncateTries {
		if try > 0 {
			t := time.NewTimer(truncateWait)
			select {
			case <-t.C:
			case <-ctx.Done():
				t.Stop()
				return errors.Join(ErrResidue, context.Cause(ctx))
			}
		}
		var busy int
		err := v.w.do(ctx, &job{alone: true, run: func(ctx context.Context, w *writer) error {
			var pages, moved int
			return w.conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved)
		}})
		if err != nil {
			return errors.Join(ErrResidue, explain("cut log", err))
		}
		if busy == 0 {
			return nil
		}
	}
	return ErrResidue
}

// KeysOf lists the live keys of a person, held ones among them, oldest first.
func (v *Vault) KeysOf(ctx context.Context, s events.SubjectID) ([]events.KID, error) {
	var out []events.KID
	err := selectEach(ctx, v.r, "SELECT kid FROM seg_key WHERE subject = ? ORDER BY kid", []any{subjectKey(s)}, func(r *sql.Rows) error {
		var kid []byte
		err := r.Scan(&kid)
		out = append(out, events.KID(hex.EncodeToString(kid)))
		return err
	})
	return out, explain("list keys", err)
}
