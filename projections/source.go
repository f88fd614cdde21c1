package projections

import (
	"context"

	"github.com/westshore/hub/events"
)

// Batch is what was ready in the log.
type Batch struct {
	Events   []events.Recorded
	Position events.Position // the last that was considered; zero: no progress
	Live     bool            // the head of the log was reached at least once
}

// Source is the log as views read it: a journal, or a test's slice of events.
type Source interface {
	// Subscribe hands over the log after from, in order, opened for Viewer, until
	// ctx ends or handle fails.
	Subscribe(ctx context.Context, from events.Position, handle func(context.Context, Batch) error) error
	// Head is the position of the newest event.
	Head(ctx context.Context) (events.Position, error)
	// Identity names the event store.
	Identity(ctx context.Context) (string, error)
}
