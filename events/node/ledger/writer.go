package ledger

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Bounds of the writer.
const (
	maxQueuedRequests = 1024
	maxQueuedBytes    = 64 << 20 // beyond it Append answers ErrBusy
	maxBatchBytes     = 2 << 20
	diskReserve       = 64 << 20 // free bytes below which appends are refused
	diskCheckEvery    = 100 * time.Millisecond
)

// ErrBusy says that more is queued for the disk than the ledger is willing to
// hold.
var ErrBusy = errors.New("the ledger has too many appends waiting")

type requestKind int

const (
	kindAppend requestKind = iota
	kindDelete
	kindTombstone
)

// request is one call waiting for the writer.
type request struct {
	ctx      context.Context
	kind     requestKind
	stream   string
	expected Expected
	events   []Event
	size     int64
	reply    func(Result, error) // called once; must not wait
}

type answer struct {
	res Result
	err error
}

// Append appends all events or none and returns when they are on disk. The
// events must not be changed until it returns with an answer. When ctx ends
// first the outcome is unknown: repeat with the same ids and revision.
// Errors: *WrongRevisionError, *DeletedError, ErrDenied, ErrInvalid,
// ErrDiskFull, ErrBusy, ErrFailed, ErrClosed.
func (l *Ledger) Append(ctx context.Context, stream string, expected Expected, events []Event) (Result, error) {
	return l.do(&request{ctx: ctx, kind: kindAppend, stream: stream, expected: expected, events: events})
}

// Delete soft-deletes a stream: readers don't find it until it is written
// again; $all keeps its events. The result's position is that of the metadata
// event. Errors as Append.
func (l *Ledger) Delete(ctx context.Context, stream string, expected Expected) (Result, error) {
	return l.do(&request{ctx: ctx, kind: kindDelete, stream: stream, expected: expected})
}

// Tombstone deletes a stream for good; its name can never be used again.
// Errors as Append.
func (l *Ledger) Tombstone(ctx context.Context, stream string, expected Expected) (Result, error) {
	return l.do(&request{ctx: ctx, kind: kindTombstone, stream: stream, expected: expected})
}

// Submit queues an append and returns; reply gets what Append would have
// returned. It is called once, by the writer, and must not wait; it may never be
// called when the ledger is closed meanwhile.
func (l *Ledger) Submit(ctx context.Context, stream string, expected Expected, events []Event, reply func(Result, error)) {
	r := &request{ctx: ctx, kind: kindAppend, stream: stream, expected: expected, events: events, reply: reply}
	if err := l.enqueue(r); err != nil {
		reply(Result{}, err)
	}
}

// do queues a request and waits for its answer.
func (l *Ledger) do(r *request) (Result, error) {
	done := make(chan answer, 1)
	r.reply = func(res Result, err error) { done <- answer{res, err} }
	if err := l.enqueue(r); err != nil {
		return Result{}, err
	}
	select {
	case a := <-done:
		return a.res, a.err
	case <-r.ctx.Done():
		return Result{}, context.Cause(r.ctx)
	case <-l.writerDone:
	}
	select {
	case a := <-done:
		return a.res, a.err
	default:
		return Result{}, ErrClosed
	}
}

// enqueue hands a request to the writer, or says why not.
func (l *Ledger) enqueue(r *request) error {
	if err := CheckName(r.stream); err != nil {
		return err
	}
	for i := range r.events {
		ev := &r.events[i]
		r.size += int64(len(ev.Data)+len(ev.Meta)+len(ev.Type)) + 256
	}
	if l.queued.Add(r.size) > maxQueuedBytes {
		l.queued.Add(-r.size)
		return ErrBusy
	}
	select {
	case l.queue <- r:
		return nil
	case <-r.ctx.Done():
		l.queued.Add(-r.size)
		return context.Cause(r.ctx)
	case <-l.writerDone:
		l.queued.Add(-r.size)
		return ErrClosed
	}
}

// runWriter is the only goroutine that decides and appends.
func (l *Ledger) runWriter() {
	defer close(l.writerDone)
	for {
		select {
		case r := <-l.queue:
			l.process(l.gather(r))
		case <-l.closing:
			return
		}
	}
}

// gather takes what is queued already. While one batch is being synced the
// next one grows by itself, so there is no timer.
func (l *Ledger) gather(first *request) []*request {
	group, size := []*request{first}, first.size
	for size < maxBatchBytes {
		select {
		case r := <-l.queue:
			group = append(group, r)
			size += r.size
		default:
			return group
		}
	}
	return group
}

// process runs one group commit and answers everybody in it. Also refusals
// wait for the commit: they may rest on what the same batch wrote.
func (l *Ledger) process(group []*request) {
	answers := make([]answer, len(group))
	err := l.ready(group)
	if err == nil {
		err = l.decideAndCommit(group, answers)
	}
	for i, r := range group {
		if err != nil {
			answers[i] = answer{err: err}
		}
		l.queued.Add(-r.size)
		r.reply(answers[i].res, answers[i].err)
	}
}

// decideAndCommit fills the answers. An error is one for all of them, and the
// ledger is failed then. So it is after a panic: Pebble raises one where it
// finds its own state impossible.
func (l *Ledger) decideAndCommit(group []*request, answers []answer) (err error) {
	defer func() {
		if p := recover(); p != nil {
			l.fail(fmt.Errorf("the writer panicked: %v", p))
			err = l.Err()
		}
	}()
	b := l.newBatch()
	for i, r := range group {
		if r.ctx.Err() != nil { // dropped while queued: nobody waits
			answers[i].err = context.Cause(r.ctx)
			continue
		}
		answers[i].res, answers[i].err = b.run(r)
		if err := answers[i].err; err != nil && !isRefusal(err) {
			return l.commit(b, err)
		}
	}
	return l.commit(b, nil)
}

func (b *batch) run(r *request) (Result, error) {
	switch r.kind {
	case kindDelete:
		return b.delete(r.stream, r.expected)
	case kindTombstone:
		return b.tombstone(r.stream, r.expected)
	default:
		return b.append(r.stream, r.expected, r.events)
	}
}

// isRefusal tells a "no" of the decision table, which wrote nothing, from an
// error of the store.
func isRefusal(err error) bool {
	var wrong *WrongRevisionError
	var deleted *DeletedError
	return errors.As(err, &wrong) || errors.As(err, &deleted) ||
		errors.Is(err, ErrDenied) || errors.Is(err, ErrInvalid)
}

// ready checks before a batch is begun that it may be written, and loads the
// recent ids if the group needs them.
func (l *Ledger) ready(group []*request) error {
	if err := l.Err(); err != nil {
		return err
	}
	if err := l.checkDisk(); err != nil {
		return err
	}
	for _, r := range group {
		if (r.expected == Any || r.expected == Exists) && !l.recent.loaded {
			return l.loadRecent()
		}
	}
	return nil
}

// commit makes a batch durable and then visible. cause is set when the batch
// could not be put together: the ledger is failed then, because part of the
// writer's state may be ahead of the disk.
func (l *Ledger) commit(b *batch, cause error) error {
	defer func() { _ = b.out.Close() }()
	if cause != nil {
		l.fail(cause)
		return l.Err()
	}
	if b.out.Empty() {
		return nil
	}
	if err := b.out.Set(counterKey(), b.count.encode(), nil); err != nil {
		l.fail(err)
		return l.Err()
	}
	l.mu.Lock()
	l.inflight = b.before
	l.mu.Unlock()
	if err := b.out.Commit(pebble.Sync); err != nil {
		l.fail(err)
	}
	if err := l.Err(); err != nil { // also when Pebble only told its logger
		return err
	}
	l.count = b.count
	l.publish(b)
	return nil
}

// publish moves the watermark and wakes everybody who waits for new events.
func (l *Ledger) publish(b *batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name := range b.before {
		l.cache.put(name, b.headers[name])
	}
	l.ring.add(b.newest)
	l.inflight = nil
	l.durable = b.count.next
	l.epoch++
	close(l.changed)
	l.changed = make(chan struct{})
}

// checkDisk refuses appends while less than the reserve is free, so that Pebble
// always has room to tidy up and the ledger never fails on a full disk that
// somebody else filled slowly.
func (l *Ledger) checkDisk() error {
	if now := time.Now(); now.Sub(l.diskChecked) >= diskCheckEvery {
		l.diskChecked, l.diskFull = now, false
		usage, err := l.fs.GetDiskUsage(l.dir)
		switch {
		case errors.Is(err, vfs.ErrUnsupported):
		case err != nil:
			return fmt.Errorf("check free space: %w", err)
		default:
			l.diskFull = usage.AvailBytes < diskReserve
		}
	}
	if l.diskFull {
		return ErrDiskFull
	}
	return nil
}

// isNoSpace recognises the error of a full disk.
func isNoSpace(err error) bool { return errors.Is(err, syscall.ENOSPC) }
