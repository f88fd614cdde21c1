package vault

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/westshore/hub/events"
)

const (
	markOrphans = "orphans" // the last key that was looked at
	orphanBatch = 100_000
)

// Orphans destroys keys whose event was never written: a process ended between
// minting and appending. It looks at keys that are older than a while and that
// it has not looked at before, and asks exists which of their events are there.
//
// exists must also say yes for events that wait on the bus for the recorder:
// those will be written.
func (v *Vault) Orphans(ctx context.Context, olderThan time.Duration, exists func(context.Context, []events.UUID) (map[events.UUID]bool, error)) (destroyed int, err error) {
	from, err := readMark(ctx, v.r, markOrphans)
	if err != nil {
		return 0, explain("look for orphans", err)
	}
	if from == nil {
		from = []byte{}
	}
	var until [kidSize]byte // the first name that is too young
	binary.BigEndian.PutUint32(until[:], uint32(v.now().Add(-olderThan).Unix()))
	for {
		batch, err := v.orphanBatch(ctx, from, until[:])
		if err != nil || len(batch.kids) == 0 {
			return destroyed, explain("look for orphans", err)
		}
		there, err := exists(ctx, batch.events)
		if err != nil {
			return destroyed, fmt.Errorf("look for orphans: ask for events: %w", err)
		}
		var dead []events.KID
		for i, kid := range batch.kids {
			if !there[batch.owner[i]] {
				dead = append(dead, kid)
			}
		}
		if len(dead) > 0 {
			d, _, err := v.destroy(ctx, Order{ID: events.NewUUID(), Cause: CauseOrphan}, dead, false)
			if err != nil {
				return destroyed, explain("destroy orphans", err)
			}
			destroyed += len(d.Killed)
			v.log.Warn("keys without an event destroyed", "keys", len(d.Killed), "kept", len(d.Deferred)+len(d.Spared))
		}
		from = batch.last
		err = v.w.do(ctx, &job{run: func(ctx context.Context, w *writer) error { return setMark(ctx, w, markOrphans, from) }})
		if err != nil {
			return destroyed, explain("look for orphans", err)
		}
	}
}

type orphanage struct {
	kids   []events.KID
	owner  []events.UUID // of each key
	events []events.UUID // each once
	last   []byte
}

func (v *Vault) orphanBatch(ctx context.Context, from, until []byte) (orphanage, error) {
	var o orphanage
	seen := map[events.UUID]bool{}
	err := selectEach(ctx, v.r, "SELECT kid, event FROM seg_key WHERE kid > ? AND kid < ? ORDER BY kid LIMIT ?", []any{from, until, orphanBatch}, func(r *sql.Rows) error {
		var kid, event []byte
		if err := r.Scan(&kid, &event); err != nil {
			return err
		}
		var id events.UUID
		copy(id[:], event)
		o.kids, o.owner, o.last = append(o.kids, events.KID(hex.EncodeToString(kid))), append(o.owner, id), kid
		if !seen[id] {
			seen[id] = true
			o.events = append(o.events, id)
		}
		return nil
	})
	return o, err
}
