package projections

import (
	"context"
	"fmt"

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
