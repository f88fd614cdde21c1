package sqldb

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Config says where a database is and what is in it.
type Config struct {
	// Path of the file. Beside it rest Path-wal and Path-shm while it is open,
	// and Path.new while a view is rebuilt.
	Path string
	// Schema holds *.sql files at its root, run in the order of their names.
	Schema fs.FS
	// Version of a view's rows. When the file holds another one it is begun
	// anew, empty. With an empty Version the schema files are migrations: each
	// runs once, and the data stays.
	Version string
	// Readers is how many may read at once; 2 when zero.
	Readers int
	// CacheKB is the page cache of one connection in KiB; 1,024 when zero.
	CacheKB int
	// Durable makes every commit survive the loss of power. A view does not need
	// it: what it lost is read from the log again.
	Durable bool
	// Memory keeps the rows in memory alone and Path unused: they are nobody
	// else's, are in no file, and are gone with Close. There is no Beside then.
	Memory bool
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	cfg   Config
	write sync.Mutex   // one writer at a time
	mu    sync.RWMutex // held for reading by every user of file
	file  *file
}

// ErrClosed is returned after Close.
var ErrClosed = errors.New("database is closed")

// Open opens the file, or makes it, with its folder.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.Memory {
		cfg.Path = "/" + rand.Text() // a name in the engine: its connections share it
	}
	if cfg.Path == "" {
		return nil, errors.New("open database: no path")
	}
	if cfg.Readers == 0 {
		cfg.Readers = 2
	}
	if cfg.CacheKB == 0 {
		cfg.CacheKB = 1024
	}
	if !cfg.Memory {
		if err := os.MkdirAll(filepath.Dir(cfg.Path), 0o700); err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
	}
	f, err := openFile(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", filepath.Base(cfg.Path), err)
	}
	return &DB{cfg: cfg, file: f}, nil
}

// Close waits for readers and writers and closes the file.
func (db *DB) Close() error {
	db.write.Lock()
	defer db.write.Unlock()
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.file == nil {
		return nil
	}
	err := db.file.close()
	db.file = nil
	return err
}

// Files lists every path at which bytes of the database may rest.
func (db *DB) Files() []string {
	if db.cfg.Memory {
		return nil
	}
	var out []string
	for _, p := range []string{db.cfg.Path, db.cfg.Path + fresh} {
		out = append(out, p, p+"-wal", p+"-shm", p+"-journal")
	}
	return out
}

// Write runs fn in a transaction of its own, one at a time; it is rolled back
// when fn fails. A transaction that began is not cut short when ctx ends.
func (db *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	db.write.Lock()
	defer db.write.Unlock()
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.file == nil {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	// A statement whose context can end costs a goroutine each.
	return db.file.writer.transact(context.WithoutCancel(ctx), "BEGIN IMMEDIATE", fn)
}

// Read runs fn on one snapshot of the database. fn may not write.
func (db *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.file == nil {
		return ErrClosed
	}
	select {
	case s := <-db.file.readers:
		defer func() { db.file.readers <- s }()
		return s.transact(ctx, "BEGIN", fn)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Drain writes the WAL back into the file and empties it, so that nothing that
// was deleted is left there.
func (db *DB) Drain(ctx context.Context) error {
	db.write.Lock()
	defer db.write.Unlock()
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.file == nil {
		return ErrClosed
	}
	return db.file.drain(context.WithoutCancel(ctx))
}

// Reset throws all rows away and begins with the schema.
func (db *DB) Reset(ctx context.Context) error {
	db.write.Lock()
	defer db.write.Unlock()
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.file == nil {
		return ErrClosed
	}
	if err := db.file.close(); err != nil {
		return fmt.Errorf("reset database: %w", err)
	}
	db.file = nil
	if err := remove(db.cfg.Path); err != nil {
		return fmt.Errorf("reset database: %w", err)
	}
	f, err := openFile(ctx, db.cfg)
	if err != nil {
		return fmt.Errorf("reset database: %w", err)
	}
	db.file = f
	return nil
}

// fresh is the suffix of a database that is built beside the live one.
const fresh = ".new"

// Beside opens an empty database with the same schema next to this one. It is
// given to Swap, or closed and removed with Discard.
func (db *DB) Beside(ctx context.Context) (*DB, error) {
	cfg := db.cfg
	cfg.Path += fresh
	if err := remove(cfg.Path); err != nil {
		return nil, fmt.Errorf("open database beside: %w", err)
	}
	return Open(ctx, cfg)
}

// Discard closes the database and removes its files.
func (db *DB) Discard() error {
	return errors.Join(db.Close(), remove(db.cfg.Path))
}

// Swap puts the database that Beside opened in the place of this one. Readers
// wait for a few milliseconds. After a crash either the old or the new one is
// there, whole.
func (db *DB) Swap(ctx context.Context, built *DB) error {
	if err := built.Close(); err != nil { // writes the WAL back into the file
		return fmt.Errorf("swap database: %w", err)
	}
	db.write.Lock()
	defer db.write.Unlock()
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.file == nil {
		return ErrClosed
	}
	if err := db.file.close(); err != nil {
		return fmt.Errorf("swap database: %w", err)
	}
	db.file = nil
	err := rename(built.cfg.Path, db.cfg.Path)
	f, opened := openFile(ctx, db.cfg)
	db.file = f
	if err = errors.Join(err, opened); err != nil {
		return fmt.Errorf("swap database: %w", err)
	}
	return nil
}

// rename moves a closed database over another closed one, durably.
func rename(from, to string) error {
	for _, p := range []string{to + "-wal", to + "-shm"} {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// remove deletes a closed database; it is no error if there is none.
func remove(path string) error {
	for _, p := range []string{path, path + "-wal", path + "-shm", path + "-journal"} {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
