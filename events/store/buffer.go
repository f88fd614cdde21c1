package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
)

// maxBufferBytes bounds what waits in a buffer, beside MaxBatch.
const maxBufferBytes = 8 << 20

// errIdle says that nothing arrived for a while.
var errIdle = errors.New("idle")

// buffer carries items from one goroutine to another, in batches of whatever
// is there. It costs a lock per item, and wakes the taker only when it waits.
type buffer struct {
	mu      sync.Mutex
	items   []Item
	bytes   int
	ended   bool
	err     error
	stopped bool
	ready   chan struct{} // something to take, or the end
	space   chan struct{} // room to put, or stopped

	spare []Item // the batch taken before
}

func newBuffer() *buffer {
	return &buffer{ready: make(chan struct{}, 1), space: make(chan struct{}, 1)}
}

// put adds an item of size bytes, and waits while the buffer is full. It
// reports false when nobody will take it.
func (b *buffer) put(ctx context.Context, it Item, size int) bool {
	b.mu.Lock()
	for !b.stopped && len(b.items) > 0 && (len(b.items) >= MaxBatch || b.bytes+size > maxBufferBytes) {
		b.mu.Unlock()
		select {
		case <-b.space:
		case <-ctx.Done():
			return false
		}
		b.mu.Lock()
	}
	if b.stopped {
		b.mu.Unlock()
		return false
	}
	b.items = append(b.items, it)
	b.bytes += size
	first := len(b.items) == 1
	b.mu.Unlock()
	if first {
		signal(b.ready)
	}
	return true
}

// end says that nothing more comes, and why.
func (b *buffer) end(err error) {
	b.mu.Lock()
	b.ended, b.err = true, err
	b.mu.Unlock()
	signal(b.ready)
}

// stop makes put give up.
func (b *buffer) stop() {
	b.mu.Lock()
	b.stopped = true
	b.mu.Unlock()
	signal(b.space)
}

// take returns what is there, or waits for it. The items are valid until the
// next take. After the last of them it returns the reason of the end; after
// idle without any, errIdle.
func (b *buffer) take(ctx context.Context, idle time.Duration) ([]Item, error) {
	if items, err := b.swap(); len(items) > 0 || err != nil {
		return items, err
	}
	t := time.NewTimer(idle)
	defer t.Stop()
	for {
		select {
		case <-b.ready:
			if items, err := b.swap(); len(items) > 0 || err != nil {
				return items, err
			}
		case <-t.C:
			return nil, errIdle
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (b *buffer) swap() ([]Item, error) {
	clear(b.spare)
	b.mu.Lock()
	items := b.items
	if len(items) == 0 {
		defer b.mu.Unlock()
		if b.ended {
			return nil, b.err
		}
		return nil, nil
	}
	b.items, b.bytes = b.spare[:0], 0
	b.mu.Unlock()
	b.spare = items
	signal(b.space)
	return items, nil
}

// signal wakes the one waiter, now or when it comes.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func hasPrefix(s string, prefixes []string) bool {
	if len(prefixes) == 0 {
		return true
	}
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
