package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/westshore/hub/events"
)

// MaxBatch is the most items one call of a subscription's handler gets.
const MaxBatch = 512

// SubscribeOptions says what a subscription to the whole log delivers.
type SubscribeOptions struct {
	// From is the position after which to begin (exclusive); nil or
	// events.Start begins with the first event.
	From *events.Position
	// TypePrefixes and StreamPrefixes select events whose type, and whose
	// stream, begin with one of them. ASCII only. Empty selects all.
	TypePrefixes   []string
	StreamPrefixes []string
	// CheckpointEvery is how many events of the log, wanted or not, may pass
	// before a checkpoint says how far it has got. 2,000 when zero; there are
	// no checkpoints without a prefix, as every event is delivered then.
	CheckpointEvery int
}

// Item is one thing a subscription has to say; exactly one field is set.
type Item struct {
	// Event is the next event. It belongs to the receiver.
	Event *Recorded
	// Checkpoint says that everything up to this position has been delivered;
	// it is a valid SubscribeOptions.From.
	Checkpoint *events.Position
	// CaughtUp says that the end of the log was reached once. It comes any
	// number of times, after every reconnection for one.
	CaughtUp bool
}

// Subscribe delivers the events of the whole log in its order, each once, and
// goes on with new ones as they are written. It survives the loss of the
// server, restarts and failed discovery: it subscribes again after the last
// position delivered. It returns when handler fails (with that error,
// unchanged), when ctx ends (with its error), or when the store is closed
// (ErrClosed).
//
// handler is called from the goroutine of Subscribe with everything that is
// ready, 1 to MaxBatch items; it is never kept waiting to fill a batch. The
// slice is reused after it returns. A slow handler holds the server back; at
// most two batches wait in memory.
func (s *Store) Subscribe(ctx context.Context, opts SubscribeOptions, handler func([]Item) error) error {
	p, err := s.enter()
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	defer s.leave(p)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(s.closing, func() { cancel(ErrClosed) })
	defer stop()

	sub := &subscription{s: s, pool: p, opts: opts, handler: handler}
	if opts.From != nil {
		sub.last, sub.lastEvent = *opts.From, *opts.From
	}
	return sub.run(ctx)
}

// The pauses between two tries to subscribe.
const (
	firstResubscribe = 50 * time.Millisecond
	lastResubscribe  = 2 * time.Second
)

type subscription struct {
	s         *Store
	pool      *pool
	opts      SubscribeOptions
	handler   func([]Item) error
	last      events.Position // where to go on: last event or checkpoint
	lastEvent events.Position // events up to here were delivered
	batch     []Item          // for admit
}

// stopped is the error of a handler.
type stopped struct{ err error }

func (e *stopped) Error() string { return e.err.Error() }

func (sub *subscription) run(ctx context.Context) error {
	pause := firstResubscribe
	down := false
	for {
		heard, err := sub.session(ctx)
		var end *stopped
		if errors.As(err, &end) {
			return end.err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("subscribe: %w", context.Cause(ctx))
		}
		if heard {
			pause, down = firstResubscribe, false
		}
		level := slog.LevelWarn
		if down {
			level = slog.LevelDebug
		}
		down = true
		sub.s.log.Log(ctx, level, "subscription dropped", "error", err, "after", sub.last.String())
		sleep(ctx, sub.s.closing, jitter(pause))
		pause = min(2*pause, lastResubscribe)
	}
}

// session subscribes once and delivers until the subscription drops. heard
// says that the server was there.
func (sub *subscription) session(ctx context.Context) (heard bool, err error) {
	g, err := sub.pool.acquire(ctx)
	if err != nil {
		return false, &notSent{err}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	buf := newBuffer()
	src := &source{opts: sub.clientOptions(), buf: buf}
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := src.run(ctx, g.client)
		sub.pool.release(g, classify(err).broken || src.broken.Load())
		buf.end(err)
	}()
	defer func() { // the client ends with its context; if not, the pool still counts it
		cancel()
		buf.stop()
		t := time.NewTimer(sub.s.attempt)
		defer t.Stop()
		select {
		case <-done:
		case <-t.C:
			sub.s.log.Warn("client did not let go of a subscription")
		}
	}()

	confirm := time.AfterFunc(sub.s.attempt, func() {
		if !src.confirmed.Load() {
			src.broken.Store(true)
			cancel()
		}
	})
	defer confirm.Stop()
	for {
		items, err := buf.take(ctx, sub.s.cfg.IdleCheck)
		if len(items) > 0 {
			heard = true
			if err := sub.deliver(items); err != nil {
				return heard, &stopped{err}
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, errIdle):
			if err := sub.check(ctx, g); err != nil && src.confirmed.Load() {
				src.broken.Store(true)
				return heard, err
			}
		default:
			return heard || src.confirmed.Load(), err
		}
	}
}

// check asks the server for a sign of life on the subscription's connection.
func (sub *subscription) check(ctx context.Context, g *generation) error {
	ctx, cancel := context.WithTimeout(ctx, sub.s.attempt)
	defer cancel()
	done := make(chan error, 1)
	select {
	case g.slots <- struct{}{}:
	default:
		return nil // others are checking this connection
	}
	sub.pool.hold(g)
	go func() {
		var err error
		defer func() {
			if v := recover(); v != nil {
				err = recovered(v)
			}
			sub.pool.release(g, false)
			done <- err
		}()
		_, err = headPage().run(ctx, g.client)
	}()
	select {
	case err := <-done:
		if err != nil && classify(err).retry {
			return fmt.Errorf("idle check: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("idle check: %w", ctx.Err())
	}
}

// deliver drops what was delivered before and hands on the rest.
func (sub *subscription) deliver(items []Item) error {
	sub.batch = sub.batch[:0]
	for _, it := range items {
		if sub.admit(it) {
			sub.batch = append(sub.batch, it)
		}
	}
	defer clear(sub.batch)
	if len(sub.batch) == 0 {
		return nil
	}
	return sub.handler(sub.batch)
}

// admit reports whether an item is new and wanted, and moves on.
func (sub *subscription) admit(it Item) bool {
	switch {
	case it.Event != nil:
		at := it.Event.Position
		if !sub.lastEvent.Before(at) {
			return false
		}
		sub.lastEvent = at
		if sub.last.Before(at) {
			sub.last = at
		}
		return sub.wants(it.Event)
	case it.Checkpoint != nil:
		if !sub.last.Before(*it.Checkpoint) {
			return false
		}
		sub.last = *it.Checkpoint
	}
	return true
}

// clientOptions makes the server's filter. It takes one kind only; when both
// are asked for it filters by stream, and wants by type.
func (sub *subscription) clientOptions() esdb.SubscribeToAllOptions {
	o := esdb.SubscribeToAllOptions{From: esdb.Start{}}
	if sub.last != events.Start {
		o.From = esdb.Position{Commit: sub.last.Commit, Prepare: sub.last.Prepare}
	}
	switch {
	case len(sub.opts.StreamPrefixes) > 0:
		o.Filter = &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: sub.opts.StreamPrefixes}
	case len(sub.opts.TypePrefixes) > 0:
		o.Filter = &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Prefixes: sub.opts.TypePrefixes}
	}
	o.MaxSearchWindow = sub.opts.CheckpointEvery
	if o.MaxSearchWindow <= 0 {
		o.MaxSearchWindow = 2000
	}
	o.CheckpointInterval = 1
	return o
}

func (sub *subscription) wants(e *Recorded) bool {
	if len(sub.opts.StreamPrefixes) == 0 {
		return true
	}
	return hasPrefix(e.Type, sub.opts.TypePrefixes)
}

// source receives from the client into a buffer.
type source struct {
	opts      esdb.SubscribeToAllOptions
	buf       *buffer
	confirmed atomic.Bool // the server took the subscription
	broken    atomic.Bool // the connection is of no more use
}

// run subscribes and receives until the subscription drops or ctx ends.
func (src *source) run(ctx context.Context, c *esdb.Client) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = recovered(v)
		}
	}()
	sub, err := c.SubscribeToAll(ctx, src.opts)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Close() }() // always nil
	src.confirmed.Store(true)
	for {
		e := sub.Recv()
		var it Item
		size := 0
		switch {
		case e.EventAppeared != nil:
			if e.EventAppeared.Event == nil {
				continue
			}
			r := recorded(e.EventAppeared.Event)
			it.Event = &r
			size = len(r.Data) + len(r.Meta)
		case e.CheckPointReached != nil:
			it.Checkpoint = &events.Position{Commit: e.CheckPointReached.Commit, Prepare: e.CheckPointReached.Prepare}
		case e.CaughtUp != nil:
			it.CaughtUp = true
		case e.SubscriptionDropped != nil:
			return e.SubscriptionDropped.Error
		default:
			continue
		}
		if !src.buf.put(ctx, it, size) {
			return context.Canceled
		}
	}
}
