package retention

import (
	"context"

	"github.com/westshore/hub/events"
)

// Reclaim frees what archived tickets took.
type Reclaim struct {
	// Cut hides the events of a stream before a revision, from readers at once and
	// from the disk with the next Scavenge.
	Cut func(ctx context.Context, stream events.Stream, before events.Revision) error
	// Files deletes sealed files whose key is gone.
	Files func(ctx context.Context, digests []events.Hash) error
	// Scavenge has the event store reclaim what was cut. nil: the operators of a
	// cluster do.
	Scavenge func(ctx context.Context) error
}

// archive closes tickets of which nothing is left.
func (e *Engine) archive(context.Context, []events.Stream) (int64, error) { return 0, nil }
