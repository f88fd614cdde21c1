package projections

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/westshore/hub/events"
)

// queued is how many batches may wait for a view that is slower than the log.
const queued = 16

// Run reads the log once for several views: an event is fetched, opened and
// decoded once however many views want it. Each view applies it in its own
// goroutine and its own transaction; the slowest one holds the reading back by
// at most that many batches. It returns when ctx ends or a view fails.
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

// A view that just wrote at least busy events waits for company before it writes
// again, up to linger: a transaction rewrites every page it touches, and two
// hundred mails touch few more pages than ten. Somebody who waits for the view
// (Runner.Wait) cuts that short.
const (
	busy   = 64
	linger = 200 * time.Millisecond
)

// drink applies what is poured. Batches that wait are applied together.
func (r *Runner) drink(ctx context.Context, feed <-chan Batch) error {
	last := 0
	for {
		select {
		case b := <-feed:
			b = r.gather(ctx, feed, b, last >= busy)
			if err := r.take(ctx, b); err != nil {
				return err
			}
			last = len(b.Events)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// gather adds to a batch what else is there, and with patience what comes soon.
// The batch's own slice is shared with other views and stays as it is.
func (r *Runner) gather(ctx context.Context, feed <-chan Batch, b Batch, patient bool) Batch {
	patience := closed
	if patient {
		t := time.NewTimer(linger)
		defer t.Stop()
		patience = t.C
	}
	b.Events = slices.Clip(b.Events)
	for len(b.Events) < MaxBatch {
		select {
		case next := <-feed:
			b.Events = append(b.Events, next.Events...)
			b.Position, b.Live = next.Position, next.Live
			continue
		default:
		}
		select {
		case next := <-feed:
			b.Events = append(b.Events, next.Events...)
			b.Position, b.Live = next.Position, next.Live
		case <-r.hurry:
			patience = closed
		case <-patience:
			return b
		case <-ctx.Done():
			return b
		}
	}
	return b
}

// closed is a patience that is at its end.
var closed = func() <-chan time.Time {
	c := make(chan time.Time)
	close(c)
	return c
}()

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
