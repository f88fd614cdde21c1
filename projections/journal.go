package projections

import (
	"context"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// FromJournal reads views' events from a journal: everything of the hub, so that
// a view's position moves with every event, but only the types that one of the
// given projections wants are decoded and opened. Without any, all are.
func FromJournal(j *journal.Journal, views ...Projection) Source {
	s := fromJournal{Journal: j}
	for _, v := range views {
		if s.wanted == nil {
			s.wanted = map[string]bool{}
		}
		for _, t := range v.Types() {
			s.wanted[events.TypePrefix+t] = true
		}
	}
	return s
}

// ReloadFrom reads streams again from a journal.
func ReloadFrom(j *journal.Journal) Reload {
	return func(ctx context.Context, stream events.Stream) ([]events.Recorded, error) {
		return j.Load(ctx, stream, &Viewer)
	}
}

type fromJournal struct {
	*journal.Journal
	wanted map[string]bool
}

func (s fromJournal) Subscribe(ctx context.Context, from events.Position, handle func(context.Context, Batch) error) error {
	return s.Journal.Subscribe(ctx, journal.Reading{From: from, Principal: &Viewer, Wanted: s.wanted}, func(ctx context.Context, b journal.Batch) error {
		return handle(ctx, Batch(b))
	})
}
