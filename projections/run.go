package projections

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/westshore/hub/events"
)

// queued is how many batches may wait for a view that is slower than the log.
const queued = 2

// Run reads the log once for several views: an event is fetched, opened and
// decoded once however many views want it. Each view applies it in its own
// goroutine and its own transaction; the slowest one holds the reading back by
// at most two batches. It returns when ctx ends or a view fails.
func Run(ctx context.Context, src Source, views ...*Runner) error {
	if len(views) == 0 {
		return errors.New("run views: none given")
	}
	store, err := identity(ctx, src)
	if err != nil {
		return err
	}
	var from events.Position
	for i, r := range views {
		if err := r.prepare(ctx, store); err != nil {
			return err
		}
		if at := r.state().at; i == 0 || at.Before(from) {
			from = at
		}
	}
	if len(views) == 1 {
		return src.Subscribe(ctx, from, views[0].take)
	}
	g, ctx := errgroup.WithContext(ctx)
	feeds := make([]chan Batch, len(views))
	for i, r := range views {
		feeds[i] = make(chan Batch, queued)
		g.Go(func() error { return r.drink(ctx, feeds[i]) })
	}
	g.Go(func() error {
		return src.Subscribe(ctx, from, func(ctx context.Context, b Batch) error { return pour(ctx, b, feeds) })
	})
	return g.Wait()
}

// pour hands a batch to every view. Views only read it.
func pour(ctx context.Context, b Batch, feeds []chan Batch) error {
	for _, f := range feeds {
		select {
		case f <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (r *Runner) drink(ctx context.Context, feed <-chan Batch) error {
	for {
		select {
		case b := <-feed:
			if err := r.take(ctx, b); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// identity asks until the store answers: views start before or after it.
func identity(ctx context.Context, src Source) (string, error) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-pause.C:
		}
		id, err := src.Identity(ctx)
		if err == nil {
			return id, nil
		}
		pause.Reset(500 * time.Millisecond)
	}
}
