package projections

import (
	"context"
	"fmt"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/sqldb"
)

// Purge brings the rows of a person to what a rebuild with today's keys would
// give, and leaves nothing of what it removed in the view's files. It is called
// after keys were destroyed, and may be called again. Events that were opened
// before and are applied later do not bring the text back. A view that keeps no
// text answers with an empty receipt.
func (r *Runner) Purge(ctx context.Context, subject events.SubjectID) (Receipt, error) {
	purger, ok := r.p.(Purger)
	if !ok {
		return Receipt{Store: r.p.Name(), Position: r.Position()}, nil
	}
	r.apply.Lock()
	defer r.apply.Unlock()
	r.gen++
	r.erased[subject] = r.gen
	return Erase(ctx, purger, subject, r.Position())
}

// purgeAtOnce is how many people are brought to today's keys in one transaction.
const purgeAtOnce = 64

// PurgeAll is Purge for many people, as after a sweep: the files are cleaned once,
// at the end.
func (r *Runner) PurgeAll(ctx context.Context, subjects []events.SubjectID) (Receipt, error) {
	purger, ok := r.p.(Purger)
	if !ok || len(subjects) == 0 {
		return Receipt{Store: r.p.Name(), Position: r.Position()}, nil
	}
	receipt := Receipt{Store: r.p.Name()}
	for part := range slices.Chunk(subjects, purgeAtOnce) {
		rows, err := r.purge(ctx, purger, part)
		if err != nil {
			return Receipt{}, fmt.Errorf("purge view %s: %w", r.p.Name(), err)
		}
		receipt.Rows += rows
	}
	r.apply.Lock()
	defer r.apply.Unlock()
	receipt.Position = r.Position()
	if err := r.p.DB().Drain(ctx); err != nil {
		return Receipt{}, fmt.Errorf("purge view %s: %w", r.p.Name(), err)
	}
	return receipt, nil
}

func (r *Runner) purge(ctx context.Context, p Purger, subjects []events.SubjectID) (rows int, err error) {
	r.apply.Lock()
	defer r.apply.Unlock()
	r.gen++
	for _, s := range subjects {
		r.erased[s] = r.gen
	}
	err = p.DB().Write(ctx, func(tx *sqldb.Tx) error {
		rows = 0
		for _, s := range subjects {
			n, err := p.Erase(tx.Context(), tx, s)
			if err != nil {
				return err
			}
			rows += n
		}
		return nil
	})
	return rows, err
}

// Erase does the work of Purge on a view that no runner is writing to.
func Erase(ctx context.Context, p Purger, subject events.SubjectID, at events.Position) (Receipt, error) {
	receipt := Receipt{Store: p.Name(), Position: at}
	err := p.DB().Write(ctx, func(tx *sqldb.Tx) (err error) {
		receipt.Rows, err = p.Erase(tx.Context(), tx, subject)
		return err
	})
	if err == nil {
		err = p.DB().Drain(ctx)
	}
	if err != nil {
		return Receipt{}, fmt.Errorf("purge view %s: %w", p.Name(), err)
	}
	return receipt, nil
}

// Probe counts the rows of a person that still show something, through the view's
// own tables: 0 after a purge whose keys are all gone.
func (r *Runner) Probe(ctx context.Context, subject events.SubjectID) (left int, err error) {
	prober, ok := r.p.(Prober)
	if !ok {
		return 0, nil
	}
	err = r.p.DB().Read(ctx, func(tx *sqldb.Tx) error {
		left, err = prober.Left(tx, subject)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("probe view %s: %w", r.p.Name(), err)
	}
	return left, nil
}

// Inventory lists every path at which bytes of the view may rest.
func (r *Runner) Inventory() []string { return r.p.DB().Files() }
