package projections

import (
	"context"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// FromJournal reads views' events from a journal, everything of the hub, so that
// a view's position moves with every event, wanted or not.
func FromJournal(j *journal.Journal) Source { return fromJournal{j} }

// ReloadFrom reads streams again from a journal.
func ReloadFrom(j *journal.Journal) Reload {
	return func(ctx context.Context, stream events.Stream) ([]events.Recorded, error) {
		return j.Load(ctx, stream, &Viewer)
	}
}

type fromJournal struct{ *journal.Journal }

func (s fromJournal) Subscribe(ctx context.Context, from events.Position, handle func(context.Context, Batch) error) error {
	return s.Journal.Subscribe(ctx, journal.Reading{From: from, Principal: &Viewer}, func(ctx context.Context, b journal.Batch) error {
		return handle(ctx, Batch(b))
	})
}
