package vault

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/westshore/hub/events"
)

// destroyBatch is how many keys are destroyed in one transaction.
const destroyBatch = 10_000

// Causes of a destruction.
const (
	CauseSubject   = "subject"   // the person asked for it
	CauseRetention = "retention" // the period is over
	CauseRedaction = "redaction" // a part should never have been there
	CauseRectified = "rectified" // it was wrong, and stands corrected elsewhere
	CauseTenant    = "tenant"    // the controller ended the processing
	CauseCourt     = "court"
	CauseOrphan    = "orphan" // no event was ever written with it
)

// Order is an order to destroy keys.
type Order struct {
	ID    events.UUID
	Cause string // one of the causes above
	// Ledger is the entry of the privacy ledger that lists these keys, zero when
	// there is none.
	Ledger Mark
	// More says that another part of the order follows at once: the write-ahead log
	// is cut, and bytes of the keys are gone from it, only after the last part.
	More bool
	// Due, when set, spares keys that are not due at this time any more: their
	// ticket was reopened since the order was approved.
	Due time.Time
}

// Destroyed says what came of an order to destroy keys.
type Destroyed struct {
	Killed   []events.KID // gone, with a tombstone; also those that were gone before
	Deferred []events.KID // kept by a hold; they go when the last hold is released
	Spared   []events.KID // not due any more, or restricted by the person
}

// Destroy destroys keys for good, as ordered: what they sealed can never be
// read again. It is idempotent, so an interrupted order is simply repeated.
//
// A held key is deferred instead: it goes by itself with the last hold. A key
// whose use the person restricted is spared by retention, goes for causes
// subject and court, and is deferred until the restriction ends for every other
// cause. A name that is neither a key nor a tombstone does not keep the others
// from being destroyed; it is reported as a *KeyMissingError at the end.
// ErrResidue means that all is done except cutting the write-ahead log.
func (v *Vault) Destroy(ctx context.Context, o Order, kids []events.KID) (Destroyed, error) {
	if o.ID.IsZero() || o.Cause == "" {
		return Destroyed{}, errors.New("destroy keys: an order and a cause are needed")
	}
	all, missing, err := v.destroy(ctx, o, kids, false)
	if err == nil && len(missing) > 0 {
		err = &KeyMissingError{KIDs: missing}
	}
	if err != nil {
		return all, explain("destroy keys", err)
	}
	return all, nil
}

// destroy carries an order out. With unseen, names that the vault does not know
// get a tombstone as well: a restored vault repeats orders about keys that are
// younger than its backup.
func (v *Vault) destroy(ctx context.Context, o Order, kids []events.KID, unseen bool) (all Destroyed, missing []events.KID, err error) {
	if _, err := parseKIDs(kids); err != nil {
		return all, nil, err
	}
	if len(kids) > manyKeys || o.More {
		if err := v.brace(ctx, true); err != nil {
			return all, nil, err
		}
	}
	for first := true; first || len(kids) > 0; first = false {
		n := min(len(kids), destroyBatch)
		d := destruction{v: v, order: o, at: v.now(), names: kids[:n], unseen: unseen, last: n == len(kids)}
		if err := v.w.do(ctx, &job{run: d.run, after: func() { v.forget(d.names) }}); err != nil {
			return all, missing, err
		}
		all.Killed, all.Deferred, all.Spared = append(all.Killed, d.killed...), append(all.Deferred, d.deferred...), append(all.Spared, d.spared...)
		missing = append(missing, d.missing...)
		v.counts.destroyed.Add(d.fresh)
		kids = kids[n:]
	}
	if o.More {
		return all, missing, nil
	}
	return all, missing, errors.Join(v.truncate(ctx), v.brace(ctx, false))
}

// manyKeys is from when on a destruction is worth preparing for: indexes by person
// and stream are in no order of time, so destroying many keys changes nearly all
// of their pages.
const manyKeys = 1000

// brace gives the writer room in memory (128 MiB) for the pages of a large
// destruction, and lets the log grow to half a gigabyte before they move to the
// database file: most pages are written by every batch. Off takes it back.
func (v *Vault) brace(ctx context.Context, on bool) error {
	if v.braced.Load() == on {
		return nil
	}
	script := "PRAGMA cache_size=-131072; PRAGMA wal_autocheckpoint=120000"
	if !on {
		script = "PRAGMA wal_autocheckpoint=1000; PRAGMA cache_size=-" + strconv.Itoa(writerCache) + "; PRAGMA shrink_memory"
	}
	return v.w.do(ctx, &job{alone: true, run: func(ctx context.Context, w *writer) error {
		v.braced.Store(on)
		_, err := w.conn.ExecContext(ctx, script)
		return err
	}})
}

// forget begins a new generation of the caches without the given keys.
// It runs on the writer, right after the commit.
func (v *Vault) forget(kids []events.KID) {
	v.cache.invalidate(kids)
	v.generation.Store(v.w.generation)
}

// destruction is one transaction of an order.
type destruction struct {
	v      *Vault
	order  Order
	at     time.Time
	names  []events.KID
	unseen bool
	last   bool // of its order: the ledger's entry is carried out

	killed, deferred, spared, missing []events.KID
	fresh                             int64
}

// restricted keys go for these causes at once.
func (o *Order) overRestriction() bool { return o.Cause == CauseSubject || o.Cause == CauseCourt }

// free is the condition under which a key may go now.
func (d *destruction) free() (string, []any) {
	cond, args := "hold_n = 0", []any(nil)
	if !d.order.overRestriction() {
		cond += " AND state <> 2 AND subject NOT IN (SELECT subject FROM restriction)"
	}
	if !d.order.Due.IsZero() {
		cond, args = cond+" AND expires_at <= ?", append(args, millis(d.order.Due))
	}
	return cond, args
}

func (d *destruction) run(ctx context.Context, w *writer) error {
	d.killed, d.deferred, d.spared, d.missing, d.fresh = nil, nil, nil, nil, 0
	if !d.order.Due.IsZero() && d.v.unsettled.Load() {
		return ErrUnsettled
	}
	if len(d.names) > 0 {
		if err := fillVictims(ctx, w, d.names); err != nil {
			return err
		}
		if err := d.kill(ctx, w); err != nil {
			return err
		}
		if err := nextGeneration(ctx, w); err != nil {
			return err
		}
	}
	if d.fresh == int64(len(d.names)) {
		d.killed = d.names
	} else if err := d.sort(ctx, w); err != nil {
		return err
	}
	if d.last {
		return noteLedger(ctx, w, d.order.Ledger)
	}
	return nil
}

// fillVictims puts the names of keys into the writer's table in memory.
func fillVictims(ctx context.Context, w *writer, names []events.KID) error {
	if _, err := w.exec(ctx, "DELETE FROM temp.victim"); err != nil {
		return err
	}
	doc := make([]byte, 0, len(names)*(2*kidSize+3)+2)
	for i, k := range names {
		doc = append(append(append(doc, "[,"[min(i, 1)], '"'), k...), '"')
	}
	_, err := w.exec(ctx, "INSERT OR IGNORE INTO temp.victim (kid) SELECT unhex(value) FROM json_each(?)", string(append(doc, ']')))
	return err
}

const createVictims = "CREATE TEMP TABLE IF NOT EXISTS victim (kid BLOB PRIMARY KEY) WITHOUT ROWID"

// kill destroys those of the victims that are free.
func (d *destruction) kill(ctx context.Context, w *writer) error {
	free, args := d.free()
	tomb := append([]any{d.order.ID[:], d.order.Cause, millis(d.at)}, args...)
	var err error
	d.fresh, err = w.exec(ctx, `INSERT INTO seg_tomb (kid, order_id, cause, at, kc) SELECT k.kid, ?, ?, ?, k.kc
		FROM temp.victim v CROSS JOIN seg_key k WHERE k.kid = v.kid AND `+free, tomb...)
	if err != nil {
		return err
	}
	if d.unseen {
		_, err := w.exec(ctx, `INSERT INTO seg_tomb (kid, order_id, cause, at, kc) SELECT v.kid, ?, ?, ?, zeroblob(16) FROM temp.victim v
			WHERE NOT EXISTS (SELECT 1 FROM seg_key k WHERE k.kid = v.kid) AND NOT EXISTS (SELECT 1 FROM seg_tomb t WHERE t.kid = v.kid)`, tomb[:3]...)
		if err != nil {
			return err
		}
	}
	if d.fresh == 0 {
		return nil
	}
	if _, err := w.exec(ctx, "DELETE FROM seg_key WHERE kid IN (SELECT kid FROM temp.victim) AND "+free, args...); err != nil {
		return err
	}
	// Nearly always nothing waits, and a sweep has many victims.
	_, err = w.exec(ctx, `DELETE FROM deferred WHERE EXISTS (SELECT 1 FROM deferred) AND kid IN (SELECT kid FROM temp.victim)
		AND NOT EXISTS (SELECT 1 FROM seg_key k WHERE k.kid = deferred.kid)`)
	return err
}

// sort tells what came of each victim, and defers those that have to wait.
func (d *destruction) sort(ctx context.Context, w *writer) error {
	type fate struct {
		dead, live bool
		holds      int
		expires    sql.NullInt64
	}
	fates := make(map[events.KID]fate, len(d.names))
	err := selectEach(ctx, w, `SELECT v.kid, t.kid IS NOT NULL, k.kid IS NOT NULL, coalesce(k.hold_n, 0), k.expires_at
		FROM temp.victim v LEFT JOIN seg_key k ON k.kid = v.kid LEFT JOIN seg_tomb t ON t.kid = v.kid`, nil, func(r *sql.Rows) error {
		var kid []byte
		var f fate
		err := r.Scan(&kid, &f.dead, &f.live, &f.holds, &f.expires)
		fates[events.KID(hex.EncodeToString(kid))] = f
		return err
	})
	if err != nil {
		return err
	}
	due := millis(d.order.Due)
	for _, name := range d.names {
		switch f := fates[name]; {
		case f.dead:
			d.killed = append(d.killed, name)
		case !f.live:
			d.missing = append(d.missing, name)
		case !d.order.Due.IsZero() && (!f.expires.Valid || f.expires.Int64 > due),
			f.holds == 0 && d.order.Cause == CauseRetention:
			d.spared = append(d.spared, name)
		default:
			d.deferred = append(d.deferred, name)
		}
	}
	if len(d.deferred) == 0 {
		return nil
	}
	if err := fillVictims(ctx, w, d.deferred); err != nil {
		return err
	}
	return deferVictims(ctx, w, d.order, d.at)
}

// deferVictims remembers the first order for keys that have to wait; they may
// only be used for what they wait for.
func deferVictims(ctx context.Context, w *writer, o Order, at time.Time) error {
	if _, err := w.exec(ctx, "UPDATE seg_key SET state = 3 WHERE kid IN (SELECT kid FROM temp.victim)"); err != nil {
		return err
	}
	_, err := w.exec(ctx, "INSERT OR IGNORE INTO deferred (kid, order_id, cause, at) SELECT kid, ?, ?, ? FROM temp.victim", o.ID[:], o.Cause, millis(at))
	return err
}

// killWaiting destroys deferred keys that nothing keeps any more, within a
// transaction, each under the order that was given for it.
func (v *Vault) killWaiting(ctx context.Context, w *writer) ([]events.KID, error) {
	const ready = `FROM deferred d JOIN seg_key k ON k.kid = d.kid WHERE k.hold_n = 0
		AND (d.cause IN ('` + CauseSubject + `', '` + CauseCourt + `') OR k.subject NOT IN (SELECT subject FROM restriction))`
	var kids []events.KID
	err := selectEach(ctx, w, "SELECT d.kid "+ready, nil, func(r *sql.Rows) error {
		var kid []byte
		err := r.Scan(&kid)
		kids = append(kids, events.KID(hex.EncodeToString(kid)))
		return err
	})
	if err != nil || len(kids) == 0 {
		return nil, err
	}
	if err := fillVictims(ctx, w, kids); err != nil {
		return nil, err
	}
	_, err = w.exec(ctx, "INSERT INTO seg_tomb (kid, order_id, cause, at, kc) SELECT d.kid, d.order_id, d.cause, ?, k.kc "+ready, millis(v.now()))
	if err != nil {
		return nil, err
	}
	for _, table := range []string{"seg_key", "deferred", "hold_seg"} {
		if _, err := w.exec(ctx, "DELETE FROM "+table+" WHERE kid IN (SELECT kid FROM temp.victim)"); err != nil {
			return nil, err
		}
	}
	return kids, nextGeneration(ctx, w)
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

// Tombs returns the tombstones of keys that were destroyed, with their
// commitments; the others are absent.
func (v *Vault) Tombs(ctx context.Context, kids []events.KID) (map[events.KID]Tomb, error) {
	raw, err := parseKIDs(kids)
	if err != nil {
		return nil, fmt.Errorf("read tombstones: %w", err)
	}
	out := make(map[events.KID]Tomb, len(kids))
	err = selectIn(ctx, v.r, "SELECT kid, order_id, cause, at, kc FROM seg_tomb WHERE kid", raw, func(r *sql.Rows) error {
		var kid, order []byte
		var at int64
		var t Tomb
		if err := r.Scan(&kid, &order, &t.Cause, &at, &t.Commit); err != nil {
			return err
		}
		copy(t.Order[:], order)
		t.At = time.UnixMilli(at).UTC()
		out[events.KID(hex.EncodeToString(kid))] = t
		return nil
	})
	return out, explain("read tombstones", err)
}

// Tomb is what stays of a destroyed key. Commit names the key that was, without
// revealing it; it is zeros for one that a restored vault never knew.
type Tomb struct {
	events.Tombstone
	Commit []byte
}
