package notifier

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
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
// them, so that a restart finds them again. What they say is not kept: it is read
// again each time, as it may be erased meanwhile.
type leftovers struct {
	log     *slog.Logger
	journal *journal.Journal
	queue   func(context.Context, events.Recorded) error
	pause   time.Duration

	mu   sync.Mutex
	list []leftover
}

type leftover struct {
	stream   events.Stream
	revision events.Revision
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
	l.list = append(l.list, leftover{rec.Stream, rec.Revision})
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
		for _, one := range list {
			if err := l.again(ctx, one); err != nil {
				l.log.Warn("message still not queued", "stream", one.stream, "error", err)
				continue
			}
			l.mu.Lock() // not in place: list is still read
			l.list = slices.DeleteFunc(slices.Clone(l.list), func(o leftover) bool { return o == one })
			l.mu.Unlock()
		}
	}
}

func (l *leftovers) again(ctx context.Context, one leftover) error {
	history, err := l.journal.Load(ctx, one.stream, &clerkPrincipal)
	if err != nil {
		return err
	}
	for _, rec := range history {
		if rec.Revision == one.revision {
			return l.queue(ctx, rec)
		}
	}
	return nil // the stream is gone, and with it what was to be sent
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
