package ledger

import (
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Config says where the ledger lives. The zero value of everything but Dir is fine.
type Config struct {
	Dir        string           // a folder of its own; made if missing
	FS         vfs.FS           // nil: the disk
	CacheBytes int64            // block cache, used lazily; 0: 32 MiB
	Headers    int              // stream headers kept in memory; 0: 20,000
	Now        func() time.Time // nil: time.Now
	Logger     *slog.Logger     // nil: slog.Default
}

// Ledger is an open ledger. All methods may be called at the same time.
type Ledger struct {
	db   *pebble.DB
	lock *pebble.Lock
	fs   *fence
	dir  string
	log  *slog.Logger
	now  func() time.Time
	seed maphash.Seed

	queue      chan *request
	queued     atomic.Int64 // bytes
	closing    chan struct{}
	writerDone chan struct{}
	closeOnce  sync.Once
	closeErr   error

	failure  atomic.Pointer[failure]
	failed   chan struct{}
	failOnce sync.Once

	// Readers hold life for as long as they use db; Close takes it.
	life   sync.RWMutex
	closed bool

	// Only the writer uses these.
	count       counters
	recent      recent
	diskChecked time.Time
	diskFull    bool

	mu       sync.Mutex
	durable  uint64             // first position that is not yet on disk
	epoch    uint64             // counts publications
	ring     ring               // the newest durable events
	cache    *headerCache       // durable headers
	inflight map[string]*header // headers as they were before the batch being committed
	changed  chan struct{}      // closed at the next publication
}

type failure struct{ err error }

// StoreID is the random id drawn when the ledger was made. A copy of the folder
// has the same one.
func (l *Ledger) StoreID() [16]byte { return l.count.store }

// Failed is closed when the disk refused a write or gave back damaged data.
func (l *Ledger) Failed() <-chan struct{} { return l.failed }

// Err says why the ledger failed: ErrFailed with the cause, nil while it works.
func (l *Ledger) Err() error {
	if f := l.failure.Load(); f != nil {
		return f.err
	}
	return nil
}

// fail stops all writing, for ever. The first cause wins. It is called from
// inside Pebble and must not call it.
func (l *Ledger) fail(cause error) {
	l.failOnce.Do(func() {
		switch {
		case errors.Is(cause, ErrCorrupt):
		case errors.Is(cause, pebble.ErrCorruption):
			cause = fmt.Errorf("%w: %w", ErrCorrupt, cause)
		case isNoSpace(cause):
			cause = fmt.Errorf("%w: %w", ErrDiskFull, cause)
		}
		l.failure.Store(&failure{fmt.Errorf("%w: %w", ErrFailed, cause)})
		close(l.failed)
		l.log.Error("the ledger failed", "error", cause)
	})
}

// Head is the durable watermark: the position the next event will have. All
// events before it are on disk.
func (l *Ledger) Head() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.durable
}

// Changed returns a channel that is closed at the next publication of events.
// Take it before reading, so that nothing falls between.
func (l *Ledger) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// Close refuses new work, answers what waits with ErrClosed, waits for readers
// and closes the store. The second call returns what the first one did.
func (l *Ledger) Close() error {
	l.closeOnce.Do(func() {
		close(l.closing)
		<-l.writerDone
		l.life.Lock()
		defer l.life.Unlock()
		l.closed = true
		l.closeErr = l.closeStore()
	})
	return l.closeErr
}

// closeStore closes Pebble. After a failure it may have given up in the middle
// of something, so it gets a time limit and its errors, which follow from the
// first one, are not reported again.
func (l *Ledger) closeStore() error {
	done := make(chan error, 1)
	go func() { done <- errors.Join(l.db.Close(), l.lock.Close()) }()
	select {
	case err := <-done:
		if err != nil && l.Err() == nil {
			return fmt.Errorf("close ledger: %w", err)
		}
	case <-l.giveUp():
		l.log.Warn("the failed store did not close in time")
	}
	return nil
}

// giveUp never fires while the ledger works.
func (l *Ledger) giveUp() <-chan time.Time {
	if l.Err() == nil {
		return nil
	}
	return time.After(closePatience)
}

// enter keeps the store open until the returned function is called.
func (l *Ledger) enter() (leave func(), err error) {
	if err := l.Err(); err != nil {
		return nil, err
	}
	l.life.RLock()
	if l.closed {
		l.life.RUnlock()
		return nil, ErrClosed
	}
	return l.life.RUnlock, nil
}

func (l *Ledger) hash(name string) uint64 { return maphash.String(l.seed, name) }
