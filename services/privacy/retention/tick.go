package retention

import (
	"context"
	"fmt"
	"time"

	"github.com/westshore/hub/events"
)

// clockStream remembers the retention clock; one event is kept.
var clockStream = events.CheckpointStream("retention-clock")

// Tick moves the retention clock by one step and returns it. While a source does
// not answer it stays where it is, without being suspended. A suspension, and its
// end, stand in the log.
func (e *Engine) Tick(ctx context.Context) (Clock, error) {
	e.ticking.Lock()
	defer e.ticking.Unlock()
	if err := e.readClock(ctx); err != nil {
		return e.clock, fmt.Errorf("read retention clock: %w", err)
	}
	var sources []time.Time
	for _, s := range e.cfg.Sources {
		at, err := s.Time(ctx)
		if err != nil {
			e.log.Warn("a clock does not answer; the retention clock waits", "source", s.Name, "error", err)
			return e.clock, nil
		}
		sources = append(sources, at)
	}
	before, wall := e.clock, e.now()
	after := before.Step(wall, sources, limitsOf(e.cfg.Schedule().Limits))
	if err := e.saySuspension(ctx, before, after, wall, ""); err != nil {
		return before, err
	}
	return after, e.keepClock(ctx, after)
}

// AcceptClock is a person's word that the machine's clock is right: the retention
// clock takes its time.
func (e *Engine) AcceptClock(ctx context.Context, by By) (Clock, error) {
	e.ticking.Lock()
	defer e.ticking.Unlock()
	if err := e.readClock(ctx); err != nil {
		return e.clock, fmt.Errorf("accept clock: %w", err)
	}
	if e.clock.Suspended == "" {
		return e.clock, nil
	}
	wall := e.now()
	after := e.clock.Accept(wall)
	if err := e.saySuspension(ctx, e.clock, after, wall, by.Agent); err != nil {
		return e.clock, err
	}
	return after, e.keepClock(ctx, after)
}

// Clock is the retention clock as it stands.
func (e *Engine) Clock(ctx context.Context) (Clock, error) {
	e.ticking.Lock()
	defer e.ticking.Unlock()
	return e.clock, e.readClock(ctx)
}

func (e *Engine) readClock(ctx context.Context) error {
	if e.read {
		return nil
	}
	last, ok, err := e.j.Last(ctx, clockStream)
	if err != nil {
		return err
	}
	if m, is := last.Event.(events.RetentionClockMoved); ok && is {
		e.clock.At, e.stored = m.Clock, m.Clock
	}
	s, err := e.load(ctx)
	if err != nil {
		return err
	}
	e.clock.Suspended, e.read = s.suspended, true
	return nil
}

// saySuspension writes down when the clock stops and when it goes on.
func (e *Engine) saySuspension(ctx context.Context, before, after Clock, wall time.Time, agent events.AgentID) error {
	if before.Suspended == after.Suspended {
		return nil
	}
	var said events.Event = events.RetentionClockResumed{Clock: after.At, Wall: wall.UTC(), Agent: agent}
	if after.Suspended != "" {
		said = events.RetentionClockSuspended{Clock: after.At, Wall: wall.UTC(), Reason: after.Suspended}
		e.log.Error("the retention clock is suspended: nothing is destroyed", "reason", after.Suspended, "clock", after.At, "wall", wall.UTC())
	}
	by := e.system("clock", events.NewUUID().String())
	_, err := e.j.Execute(ctx, events.SweepsStream, by, func([]events.Recorded) ([]events.Event, error) { return []events.Event{said}, nil })
	if err != nil {
		return fmt.Errorf("move retention clock: %w", err)
	}
	return nil
}

// keepClock remembers the clock, once an hour at most.
func (e *Engine) keepClock(ctx context.Context, c Clock) error {
	back := c.At.Before(e.clock.At)
	e.clock = c
	if !back && !e.stored.IsZero() && c.At.Sub(e.stored) < time.Hour {
		return nil
	}
	by := e.system("clock moved", events.NewUUID().String())
	if err := e.j.Bookmark(ctx, clockStream, by, events.RetentionClockMoved{Clock: c.At}); err != nil {
		return fmt.Errorf("move retention clock: %w", err)
	}
	e.stored = c.At
	return nil
}
