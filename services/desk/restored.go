package desk

import (
	"context"
	"fmt"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// skipAtOnce bounds how many numbers go into one append.
const skipAtOnce = 500

// SkipNumbers leaves ticket numbers up to one unused: a house that was restored may
// have given them out before it was lost. Doing it again skips nothing.
func SkipNumbers(ctx context.Context, j *journal.Journal, to int64) error {
	for {
		last, ok, err := j.Last(ctx, events.NumberStream)
		if err != nil {
			return fmt.Errorf("skip ticket numbers: %w", err)
		}
		at := events.NoStream
		if ok {
			at = last.Revision
		}
		left := to - (at + 1)
		if left <= 0 {
			return nil
		}
		evs := make([]events.Event, min(left, skipAtOnce))
		for i := range evs {
			evs[i] = events.TicketNumberTaken{} // by no ticket
		}
		if _, err := j.Append(ctx, events.NumberStream, at, journal.By{Command: events.NewUUID(), Actor: "system:restore"}, evs...); err != nil {
			return fmt.Errorf("skip ticket numbers: %w", err)
		}
	}
}

// restoredAt is when the house went on from a backup, zero when it never did: what
// arrived before may have been acknowledged by the house that was lost.
func (r *Router) restoredAt(ctx context.Context) (time.Time, error) {
	last, ok, err := r.j.Last(ctx, events.RestoresStream)
	if err != nil || !ok {
		return time.Time{}, err
	}
	return last.Meta.At, nil
}
