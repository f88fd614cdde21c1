package ledger

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
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
	cache    *headerCache       // durable headers
	inflight map[string]*header // headers as they were before the batch being committed
	changed  chan struct{}      // closed at the next publication
}

type failure struct{ err error }

// Open opens the ledger in cfg.Dir, or makes one there if the folder is empty
// or missing. Errors: ErrLocked, ErrForeign, ErrCorrupt, ErrNewer, or the
// disk's own.
func Open(cfg Config) (*Ledger, error) {
	if cfg.Dir == "" {
		return nil, errors.New("open ledger: no folder given")
	}
	l := newLedger(&cfg)
	if err := l.open(&cfg); err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	go l.runWriter()
	return l, nil
}

func newLedger(cfg *Config) *Ledger {
	if cfg.FS == nil {
		cfg.FS = vfs.Default
		if abs, err := filepath.Abs(cfg.Dir); err == nil {
			cfg.Dir = abs
		}
	}
	if cfg.CacheBytes <= 0 {
		cfg.CacheBytes = 32 << 20
	}
	if cfg.Headers <= 0 {
		cfg.Headers = 20_000
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	l := &Ledger{
		dir: cfg.Dir, log: cfg.Logger.With("room", "ledger"), now: cfg.Now, seed: maphash.MakeSeed(),
		queue: make(chan *request, maxQueuedRequests), closing: make(chan struct{}), writerDone: make(chan struct{}),
		failed: make(chan struct{}), changed: make(chan struct{}), cache: newHeaderCache(cfg.Headers),
	}
	l.fs = &fence{FS: cfg.FS, down: l.failed}
	return l
}

func (l *Ledger) open(cfg *Config) error {
	if err := l.fs.MkdirAll(l.dir, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	fresh, err := l.checkFolder()
	if err != nil {
		return err
	}
	if l.lock, err = pebble.LockDirectory(l.dir, l.fs); err != nil {
		return fmt.Errorf("%w (%w)", ErrLocked, err)
	}
	if l.db, err = pebble.Open(l.dir, l.options(cfg, l.lock)); err != nil {
		return errors.Join(classifyOpen(err), l.lock.Close())
	}
	if err := l.load(fresh); err != nil {
		return errors.Join(err, l.db.Close(), l.lock.Close())
	}
	return nil
}

// options are Pebble's. The memtable starts at 256 KiB and doubles as needed,
// the cache fills as blocks are read: an idle ledger needs neither.
func (l *Ledger) options(cfg *Config, lock *pebble.Lock) *pebble.Options {
	logger := &pebbleLogger{l}
	return &pebble.Options{
		FS:                 l.fs,
		Lock:               lock,
		CacheSize:          cfg.CacheBytes,
		MemTableSize:       16 << 20,
		MaxOpenFiles:       512,
		FormatMajorVersion: pebbleFormat,
		Logger:             logger,
		EventListener: &pebble.EventListener{
			BackgroundError: logger.background,
			DataCorruption: func(info pebble.DataCorruptionInfo) {
				l.fail(fmt.Errorf("%w: %w", ErrCorrupt, info.Details))
			},
			DiskSlow: func(info pebble.DiskSlowInfo) {
				l.log.Warn("the disk is slow", "operation", info.OpType.String(), "took", info.Duration)
			},
		},
	}
}

// checkFolder tells an empty folder (fresh) from a ledger and from something else.
func (l *Ledger) checkFolder() (fresh bool, err error) {
	names, err := l.fs.List(l.dir)
	if err != nil {
		return false, fmt.Errorf("list folder: %w", err)
	}
	fresh = true
	for _, name := range names {
		if strings.HasPrefix(name, "marker.") {
			return false, nil
		}
		fresh = fresh && name == "LOCK"
	}
	if !fresh {
		return false, ErrForeign
	}
	return true, nil
}

// load reads the counters, or writes the first ones.
func (l *Ledger) load(fresh bool) error {
	value, closer, err := l.db.Get(counterKey())
	if errors.Is(err, pebble.ErrNotFound) {
		return l.create(fresh)
	}
	if err != nil {
		return classifyOpen(err)
	}
	defer closer.Close()
	if l.count, err = decodeCounters(value); err != nil {
		return err
	}
	l.durable = l.count.next
	return nil
}

// create writes the first counters. A store without counters is a new one, one
// whose creation was interrupted (nothing in it), or not ours.
func (l *Ledger) create(fresh bool) error {
	if !fresh {
		it, err := l.db.NewIter(nil)
		if err != nil {
			return classifyOpen(err)
		}
		holds := it.First()
		if err := it.Close(); err != nil {
			return classifyOpen(err)
		}
		if holds {
			return ErrForeign
		}
	}
	l.count = counters{next: firstPosition, stream: firstStream, store: newID()}
	l.durable = firstPosition
	if err := l.db.Set(counterKey(), l.count.encode(), pebble.Sync); err != nil {
		return fmt.Errorf("write counters: %w", err)
	}
	// The first WAL of a new store is in Pebble's oldest format, in which damage
	// in the middle looks like a torn end. A flush begins the next one.
	if err := l.db.Flush(); err != nil {
		return fmt.Errorf("flush counters: %w", err)
	}
	return l.Err()
}

// classifyOpen turns Pebble's errors into ours. What is neither the operating
// system's nor a matter of versions is damage; a missing file is damage too.
func classifyOpen(err error) error {
	var system syscall.Errno
	switch {
	case strings.Contains(err.Error(), "unknown format major version"):
		return fmt.Errorf("%w (%w)", ErrNewer, err)
	case isNoSpace(err):
		return fmt.Errorf("%w (%w)", ErrDiskFull, err)
	case errors.As(err, &system) && system != syscall.ENOENT:
		return err
	}
	return fmt.Errorf("%w (%w)", ErrCorrupt, err)
}

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
		err := errors.Join(l.db.Close(), l.lock.Close())
		if err != nil && l.Err() == nil {
			l.closeErr = fmt.Errorf("close ledger: %w", err)
		}
	})
	return l.closeErr
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

// Wait returns when an event was published after changed was taken, when ctx
// ends (its cause), or when the ledger fails or closes.
func (l *Ledger) Wait(ctx context.Context, changed <-chan struct{}) error {
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-l.failed:
		return l.Err()
	case <-l.closing:
		return ErrClosed
	}
}
