package notifier

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/store"
)

const (
	// firstTries is how often a message that cannot be queued though the store
	// answers is tried before the next one has its turn.
	firstTries = 3
	// maxLeft bounds those that are tried beside the others; one more, and all wait.
	maxLeft = 1000
	// maxLeftPause bounds the wait between two tries of what is left.
	maxLeftPause = time.Minute
)

// leftovers are messages that could not be queued when it was their turn: their
// files or keys could not be read, the disk was full. They hold up nobody and are
// tried until it works. While there are any, the clerk's checkpoint stays before
// them, so that a restart finds them again.
type leftovers struct {
	log   *slog.Logger
	queue func(context.Context, events.Recorded) error
	pause time.Duration

	mu   sync.Mutex
	list []events.Recorded
}

func (l *leftovers) any() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.list) > 0
}

// first queues a message, or puts it aside. It fails only when ctx has ended.
func (l *leftovers) first(ctx context.Context, rec events.Recorded) error {
	pause := l.pause / 10
	for try := 1; ; try++ {
		err := l.queue(ctx, rec)
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		if store.IsUnavailable(err) || store.IsOutcomeUnknown(err) {
			try = 0
		}
		if try >= firstTries && l.put(rec) {
			l.log.Error("a message cannot be queued; it is tried again beside the others", "stream", rec.Stream, "error", err)
			return nil
		}
		l.log.Warn("message not queued, will try again", "stream", rec.Stream, "error", err)
		if !pass(ctx, pause) {
			return ctx.Err()
		}
		pause = min(2*pause, 10*time.Second)
	}
}

func (l *leftovers) put(rec events.Recorded) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) == maxLeft {
		return false
	}
	l.list = append(l.list, rec)
	return true
}

// run tries what is left until ctx ends.
func (l *leftovers) run(ctx context.Context) {
	for pause := l.pause; pass(ctx, pause); {
		l.mu.Lock()
		list := l.list
		l.mu.Unlock()
		if pause = min(2*pause, maxLeftPause); len(list) == 0 {
			pause = l.pause
		}
		for _, rec := range list {
			if err := l.queue(ctx, rec); err != nil {
				l.log.Warn("message still not queued", "stream", rec.Stream, "error", err)
				continue
			}
			l.done(rec.ID)
		}
	}
}

func (l *leftovers) done(id events.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var rest []events.Recorded // not in place: run reads the old list
	for _, rec := range l.list {
		if rec.ID != id {
			rest = append(rest, rec)
		}
	}
	l.list = rest
}

// pass waits; false when ctx ended.
func pass(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
