package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/sqldb"
)

// errBuilt ends the reading of a rebuild that has reached the live view.
var errBuilt = errors.New("rebuilt")

// Rebuild reads the log again from its start into a file beside the live view,
// which goes on, and puts it in the live one's place when it has caught up.
// Readers notice nothing. When it fails the live view stays.
func (r *Runner) Rebuild(ctx context.Context) error {
	r.rebuild.Lock()
	defer r.rebuild.Unlock()
	store, err := identity(ctx, r.src)
	if err != nil {
		return err
	}
	if !r.started() {
		if err := r.prepare(ctx, store); err != nil {
			return err
		}
	}
	r.apply.Lock()
	began := r.gen
	r.apply.Unlock()
	built, err := r.p.DB().Beside(ctx)
	if err != nil {
		return fmt.Errorf("rebuild view %s: %w", r.p.Name(), err)
	}
	at := checkpoint{store: store}
	err = r.src.Subscribe(ctx, events.Start, func(ctx context.Context, b Batch) error {
		return r.build(ctx, built, &at, b, began)
	})
	if !errors.Is(err, errBuilt) {
		return fmt.Errorf("rebuild view %s: %w", r.p.Name(), errors.Join(err, built.Discard()))
	}
	r.log.Info("view rebuilt", "position", at.at.String())
	return nil
}

// build applies a batch to the file beside, and swaps when nothing is missing.
func (r *Runner) build(ctx context.Context, built *sqldb.DB, at *checkpoint, b Batch, began int) error {
	fresh := r.pick(b.Events, at.at)
	if r.state().at.Before(b.Position) || b.Live {
		r.apply.Lock() // the live view stands still from here
		defer r.apply.Unlock()
		live := r.state()
		for i, e := range fresh {
			if live.at.Before(e.Position) {
				fresh = fresh[:i] // comes to the live view by itself, and is published then
				break
			}
		}
		if err := r.fill(ctx, built, at, fresh); err != nil {
			return err
		}
		if b.Position.Before(live.at) {
			return nil
		}
		if at.at.Before(live.at) {
			at.at = live.at // the last events of the live view were scavenged since
		}
		return r.swap(ctx, built, *at, began)
	}
	return r.fill(ctx, built, at, fresh)
}

func (r *Runner) fill(ctx context.Context, built *sqldb.DB, at *checkpoint, fresh []events.Recorded) error {
	for len(fresh) > 0 {
		n := min(len(fresh), MaxBatch)
		at.at = fresh[n-1].Position
		err := built.Write(ctx, func(tx *sqldb.Tx) error {
			if _, err := r.p.Apply(tx.Context(), tx, fresh[:n]); err != nil {
				return err
			}
			return at.save(tx)
		})
		if err != nil {
			return err
		}
		fresh = fresh[n:]
	}
	return nil
}

// swap purges whoever was purged since the rebuild began and switches.
func (r *Runner) swap(ctx context.Context, built *sqldb.DB, at checkpoint, began int) error {
	if purger, ok := r.p.(Purger); ok {
		for subject, gen := range r.erased {
			if gen <= began {
				continue
			}
			err := built.Write(ctx, func(tx *sqldb.Tx) error {
				_, err := purger.Erase(tx.Context(), tx, subject)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	if err := r.p.DB().Swap(ctx, built); err != nil {
		return err
	}
	r.advance(at, at.at, false, time.Time{})
	return errBuilt
}
