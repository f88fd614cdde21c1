package journal

import (
	"context"
	"fmt"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/store"
)

// Checkpoint returns how far a reactor has read: events.Start when it never did,
// or when the checkpoint belongs to another store.
func (j *Journal) Checkpoint(ctx context.Context, reactor string) (events.Position, error) {
	last, ok, err := j.Last(ctx, events.CheckpointStream(reactor))
	if err != nil || !ok {
		return events.Start, err
	}
	id, err := j.Identity(ctx)
	if err != nil {
		return events.Start, err
	}
	if e, ok := last.Event.(events.ReactorAdvanced); ok && e.Store == id {
		return e.Position, nil
	}
	return events.Start, nil
}

// Advance remembers how far a reactor has read. Positions may be saved rarely:
// what a reactor does is idempotent, so reading again does no harm.
func (j *Journal) Advance(ctx context.Context, reactor string, p events.Position) error {
	id, err := j.Identity(ctx)
	if err != nil {
		return err
	}
	by := By{Command: events.NewUUID(), Actor: events.Actor("system:" + reactor)}
	return j.Bookmark(ctx, events.CheckpointStream(reactor), by, events.ReactorAdvanced{Reactor: reactor, Store: id, Position: p})
}

// Bookmark writes the newest value to a stream of which only the last event
// matters; the store may drop the others.
func (j *Journal) Bookmark(ctx context.Context, stream events.Stream, by By, e events.Event) error {
	for try := 0; ; try++ {
		expected := events.NoStream
		last, ok, err := j.Last(ctx, stream)
		if err != nil {
			return err
		}
		if ok {
			expected = last.Revision
		} else if err := j.keepLast(ctx, stream); err != nil {
			return err
		}
		_, err = j.Append(ctx, stream, expected, by, e)
		if _, stale := store.IsConflict(err); !stale || try == attempts {
			return err
		}
	}
}

// keepLast tells the store that one event of the stream is enough.
func (j *Journal) keepLast(ctx context.Context, stream events.Stream) error {
	err := j.store.SetMetadata(ctx, string(stream), events.NoStream, store.Metadata{MaxCount: 1})
	if _, done := store.IsConflict(err); done {
		return nil
	}
	if err != nil {
		return fmt.Errorf("limit %s: %w", stream, err)
	}
	return nil
}
