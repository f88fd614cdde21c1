package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// notSent wraps the error of a call that never reached the client.
type notSent struct{ err error }

func (e *notSent) Error() string { return e.err.Error() }
func (e *notSent) Unwrap() error { return e.err }

// do runs one call into the client in a goroutine of its own, and returns when
// it ends or ctx does; ctx must have a deadline. The goroutine ends with ctx
// too, as far as the client honours it, and Close waits for it.
func do[T any](ctx context.Context, p *pool, call func(context.Context, *esdb.Client) (T, error)) (T, error) {
	type result struct {
		val T
		err error
	}
	var none T
	if err := ctx.Err(); err != nil {
		return none, &notSent{err}
	}
	g, err := p.acquire(ctx)
	if err != nil {
		return none, &notSent{err}
	}
	done := make(chan result, 1)
	go func() {
		var r result
		begin := time.Now()
		defer func() {
			if v := recover(); v != nil {
				r = result{err: recovered(v)}
			}
			p.release(g, r.err != nil && p.breaks(r.err, time.Since(begin)))
			done <- r
		}()
		r.val, r.err = call(ctx, g.client)
	}()
	select {
	case r := <-done:
		return r.val, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-done:
		return r.val, r.err
	default:
		return none, ctx.Err()
	}
}

// breaks reports whether the error of an attempt condemns its generation.
func (p *pool) breaks(err error, took time.Duration) bool {
	f := classify(err)
	if f.late {
		return took >= p.slow
	}
	return f.broken
}

// patience is the time and the pauses of one call with its retries.
type patience struct {
	s     *Store
	end   time.Time
	pause time.Duration
}

const (
	firstPause = 10 * time.Millisecond
	lastPause  = 500 * time.Millisecond
)

func (s *Store) patience() patience {
	return patience{s: s, end: time.Now().Add(s.cfg.CallTimeout), pause: firstPause}
}

// attempt returns the context of the next attempt.
func (p *patience) attempt(ctx context.Context) (context.Context, context.CancelFunc) {
	until := time.Now().Add(p.s.attempt)
	if p.end.Before(until) {
		until = p.end
	}
	return context.WithDeadline(ctx, until)
}

// wait pauses before the next attempt; false means that there is no time for
// another one.
func (p *patience) wait(ctx context.Context) bool {
	pause := jitter(p.pause)
	p.pause = min(2*p.pause, lastPause)
	if ctx.Err() != nil || time.Now().Add(pause).After(p.end) {
		return false
	}
	return sleep(ctx, p.s.closing, pause)
}

// progress grants the full time again, after something was achieved.
func (p *patience) progress() {
	p.end = time.Now().Add(p.s.cfg.CallTimeout)
	p.pause = firstPause
}

// jitter returns between half of d and one and a half.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d+1) //nolint:gosec // spreads load, no secret
}

// sleep waits for d; false when either context ended first.
func sleep(ctx, closing context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	case <-closing.Done():
		return false
	}
}

// fail makes the error of a call that gave up. sent says that an attempt may
// have been carried out.
func (s *Store) fail(ctx context.Context, op, stream string, err error, sent bool) error {
	f := classify(err)
	e := &Error{Kind: f.kind, Op: op, Stream: stream, Current: f.current, Err: err}
	if e.Kind != Unavailable {
		return e
	}
	if sent {
		e.Kind = OutcomeUnknown
	}
	ended := ctx.Err()
	switch {
	case errors.Is(ended, context.Canceled) && !sent:
		return fmt.Errorf("%s: %w", named(op, stream), ended)
	case ended != nil && !errors.Is(err, ended):
		e.Err = errors.Join(ended, err)
	case s.closing.Err() != nil && !errors.Is(err, ErrClosed):
		e.Err = errors.Join(ErrClosed, err)
	}
	return e
}

// named joins an operation and its stream, which may be empty.
func named(op, stream string) string {
	if stream == "" {
		return op
	}
	return op + " " + stream
}
