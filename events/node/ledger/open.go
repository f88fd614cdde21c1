package ledger

import (
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Sizes of an open ledger. Pebble holds up to three memtables after a burst of
// appends, so theirs is what memory is made of in a ledger that is written.
const (
	defaultCacheBytes = 32 << 20
	defaultHeaders    = 20_000
	memtableBytes     = 8 << 20
	maxOpenFiles      = 512

	closePatience = 5 * time.Second
)

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
		cfg.CacheBytes = defaultCacheBytes
	}
	if cfg.Headers <= 0 {
		cfg.Headers = defaultHeaders
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
	l.fs = &fence{FS: cfg.FS, down: l.failed, fail: l.fail}
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
	if err := errors.Join(l.Err(), l.load(fresh)); err != nil {
		return errors.Join(err, l.db.Close(), l.lock.Close())
	}
	return nil
}

// options are Pebble's. The memtable starts at 256 KiB and doubles as needed,
// the cache fills as blocks are read: an idle ledger needs neither.
func (l *Ledger) options(cfg *Config, lock *pebble.Lock) *pebble.Options {
	logger := &pebbleLogger{l}
	o := &pebble.Options{
		FS:                 l.fs,
		Lock:               lock,
		CacheSize:          cfg.CacheBytes,
		MemTableSize:       memtableBytes,
		MaxOpenFiles:       maxOpenFiles,
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
	o.Experimental.SpanPolicyFunc = apart
	return o
}

// apart ends every table with the kind of its keys. The log only grows at its
// end: a table that holds nothing else overlaps no other one, and is moved down
// where it would be merged and written again, with all the events in it.
func apart(key []byte) (pebble.SpanPolicy, []byte, error) {
	return pebble.SpanPolicy{}, []byte{key[0] + 1}, nil
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
	defer func() { _ = closer.Close() }()
	if l.count, err = decodeCounters(value); err != nil {
		return err
	}
	l.durable = l.count.next
	l.ring.forget(l.durable)
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
	l.ring.forget(l.durable)
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
