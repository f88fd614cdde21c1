package mailbox

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// item is one mail on its way to Take, or only a bookmark (mail nil).
type item struct {
	mail    *Fetched
	cost    int64  // of the budget
	mark    uint32 // where the bookmark may go once this is taken; 0: stays
	compare bool   // ask Known first
}

// taker hands mails over while the next are being fetched. Its queue holds no
// more than the budget of the session allows.
type taker struct {
	s     *session
	m     *Mailbox
	wake  chan struct{}
	done  chan struct{}
	err   error // set before done is closed
	stuck atomic.Bool

	mu     sync.Mutex
	queue  []item
	closed bool
}

func startTaker(ctx context.Context, s *session) *taker {
	t := &taker{s: s, m: s.m, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go t.run(ctx)
	return t
}

// push never blocks: the budget was taken before the mail was fetched.
func (t *taker) push(it item) {
	t.mu.Lock()
	t.queue = append(t.queue, it)
	t.mu.Unlock()
	t.signal()
}

func (t *taker) signal() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// finish waits until everything pushed is taken, or the context of the taker
// has ended.
func (t *taker) finish() error {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.signal()
	<-t.done
	return t.err
}

func (t *taker) run(ctx context.Context) {
	defer close(t.done)
	for {
		batch := t.collect(ctx)
		if len(batch) == 0 {
			return
		}
		if t.err = t.handle(ctx, batch); t.err != nil {
			return
		}
	}
}

// collect returns what is there, up to the bounds of a batch, waiting only
// when there is nothing. It returns nothing at the end.
func (t *taker) collect(ctx context.Context) []item {
	for {
		t.mu.Lock()
		if n := t.ready(); n > 0 {
			batch := t.queue[:n:n]
			t.queue = t.queue[n:]
			t.mu.Unlock()
			return batch
		}
		closed := t.closed
		t.mu.Unlock()
		if closed {
			return nil
		}
		select {
		case <-t.wake:
		case <-ctx.Done():
			t.err = ctx.Err()
			return nil
		}
	}
}

func (t *taker) ready() int {
	var mails int
	var bytes int64
	for n, it := range t.queue {
		if it.mail != nil {
			mails++
			bytes += int64(len(it.mail.Raw) + len(it.mail.Head))
		}
		if n > 0 && (mails > t.m.cfg.BatchMails || bytes > t.m.cfg.BatchBytes || it.compare != t.queue[0].compare) {
			return n
		}
	}
	return len(t.queue)
}

// handle takes a batch, moves the bookmark, and only then lets effects happen.
func (t *taker) handle(ctx context.Context, batch []item) error {
	var mails []Fetched
	var mark uint32
	var cost int64
	for _, it := range batch {
		cost += it.cost
		mark = max(mark, it.mark)
		if it.mail != nil {
			mails = append(mails, *it.mail)
		}
	}
	defer t.s.budget.Release(cost)
	fresh := mails
	if batch[0].compare {
		var err error
		if fresh, err = t.unknown(ctx, mails); err != nil {
			return err
		}
	}
	if err := t.takeAll(ctx, fresh); err != nil {
		return err
	}
	if mark != 0 {
		b := Bookmark{UIDValidity: t.s.validity, NextUID: mark}
		// Take has succeeded: stopping here would only bring the mails again.
		actx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		err := t.m.deps.Advance(actx, b)
		cancel()
		if err != nil {
			err = t.insist(ctx, "advance bookmark", func() error { return t.m.deps.Advance(ctx, b) })
		}
		if err != nil {
			return err
		}
	}
	t.m.report(func(s *Status) { s.Taken += uint64(len(fresh)) })
	if !t.m.after.none() {
		t.s.effects.add(mails)
	}
	return nil
}

// unknown asks Known and returns what it does not know.
func (t *taker) unknown(ctx context.Context, mails []Fetched) ([]Fetched, error) {
	if t.m.deps.Known == nil || len(mails) == 0 {
		return mails, nil
	}
	var fresh []Fetched
	err := t.insist(ctx, "compare mails", func() error {
		known, err := t.m.deps.Known(ctx, mails)
		if err != nil {
			return err
		}
		if len(known) != len(mails) {
			return fmt.Errorf("asked about %d mails, told about %d", len(mails), len(known))
		}
		fresh = fresh[:0]
		for i, m := range mails {
			if !known[i] {
				fresh = append(fresh, m)
			}
		}
		return nil
	})
	return fresh, err
}

// takeAll calls Take until it succeeds. A mail that Take rejects, or panics
// on, comes again as a fault, and the others are not held up by it.
func (t *taker) takeAll(ctx context.Context, mails []Fetched) error {
	if len(mails) == 0 {
		return nil
	}
	return t.insist(ctx, "take mails", func() error {
		for {
			err := t.take(ctx, mails)
			var rejected *Rejected
			var panicked *panicError
			switch {
			case errors.As(err, &rejected) && t.reject(mails, rejected.UID, rejected.Reason):
			case errors.As(err, &panicked) && len(mails) > 1:
				for i := range mails {
					if err := t.takeAll(ctx, mails[i:i+1]); err != nil {
						return err
					}
				}
				return nil
			case errors.As(err, &panicked) && t.reject(mails, mails[0].UID, "the hub could not handle this mail"):
			default:
				return err
			}
		}
	})
}

// reject turns a mail into a fault; a fault that is refused loses its bytes;
// more cannot be taken away.
func (t *taker) reject(mails []Fetched, uid uint32, reason string) bool {
	for i := range mails {
		m := &mails[i]
		switch {
		case m.UID != uid:
			continue
		case m.Fault == "":
			m.Fault, m.Detail = FaultRejected, reason
		case m.Raw != nil || m.Head != nil:
			m.Raw, m.Head = nil, nil
		default:
			return false
		}
		t.m.log.Warn("a mail was rejected", "uid", uid, "reason", reason)
		return true
	}
	return false
}

// panicError is a panic of Take. A strange mail must not end the process.
type panicError struct{ value any }

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

func (t *taker) take(ctx context.Context, mails []Fetched) (err error) {
	defer func() {
		if v := recover(); v != nil {
			t.m.log.Error("panic in take", "stack", string(debug.Stack()))
			err = &panicError{v}
		}
	}()
	return t.m.deps.Take(ctx, mails)
}

// insist repeats what must succeed before anything else may, less and less
// often, until ctx ends. The mails stay in memory meanwhile.
func (t *taker) insist(ctx context.Context, what string, do func() error) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := do()
		if err == nil {
			if t.stuck.Swap(false) {
				t.s.link.signal() // so that the status is brought up to date
			}
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		t.stuck.Store(true)
		text := what + ": " + t.m.clean(err)
		t.m.log.Warn("trying again", "error", text, "retry_in", wait)
		t.m.report(func(s *Status) { s.State, s.LastError, s.ErrorAt = StateBackoff, text, t.m.deps.Now() })
		sleep(ctx, wait)
	}
}
