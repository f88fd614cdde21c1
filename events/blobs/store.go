package blobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/westshore/hub/events"
)

// The errors of the store.
var (
	// ErrMissing means there is no file of that name.
	ErrMissing = errors.New("the file is not in the store")
	// ErrCorrupt means the bytes on the disk are not those that were put.
	ErrCorrupt = errors.New("the file was damaged on the disk; restore it from a backup")
	// ErrDigest means that a name is not the SHA-256 of the bytes given with it.
	ErrDigest = errors.New("the name is not the digest of the bytes")
	// ErrDiskFull means there is no room left, or no quota.
	ErrDiskFull = errors.New("the disk that holds the files is full")
	// ErrClosed is any call after Close.
	ErrClosed = errors.New("the store of files is closed")
)

// abandonedAfter is the age at which a file in tmp belongs to nobody any more.
const abandonedAfter = time.Hour

// Config says where files rest.
type Config struct {
	// Dir is made when absent, for the owner alone.
	Dir string
	// Logger takes what an operator should know; nil is slog.Default.
	Logger *slog.Logger
}

// Store is an open store. Its methods may be called from many goroutines.
type Store struct {
	dir    string
	log    *slog.Logger
	syncer *syncer
	mu     sync.RWMutex // held for reading during a call, for writing by Close
	closed bool
}

// Open opens the store in a folder, or makes one.
func Open(cfg Config) (*Store, error) {
	if cfg.Dir == "" {
		return nil, errors.New("open file store: a folder is needed")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	s := &Store{dir: cfg.Dir, log: cfg.Logger.With("room", "blobs"), syncer: newSyncer()}
	if err := s.prepare(); err != nil {
		return nil, explain("open file store", err)
	}
	return s, nil
}

// prepare makes all 256 folders at once, so that Put never has to make a
// folder's own name durable, and removes what a crash left half written.
func (s *Store) prepare() error {
	if err := os.MkdirAll(s.tmp(), 0o700); err != nil {
		return err
	}
	for i := range 256 {
		err := os.Mkdir(filepath.Join(s.dir, hex.EncodeToString([]byte{byte(i)})), 0o700)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if err := syncDir(s.dir); err != nil {
		return err
	}
	left, err := os.ReadDir(s.tmp())
	if err != nil {
		return err
	}
	for _, e := range left {
		info, err := e.Info()
		if err != nil || time.Since(info.ModTime()) < abandonedAfter {
			continue
		}
		if err := os.Remove(filepath.Join(s.tmp(), e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) tmp() string { return filepath.Join(s.dir, "tmp") }

// path is where a file rests. Only 64 lower-case hexadecimal digits are a name.
func (s *Store) path(name events.Hash) (string, error) {
	if len(name) != hex.EncodedLen(sha256.Size) {
		return "", ErrDigest
	}
	for _, c := range []byte(name) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", ErrDigest
		}
	}
	return filepath.Join(s.dir, string(name[:2]), string(name)), nil
}

// enter keeps Close waiting until leave.
func (s *Store) enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	s.mu.RLock()
	if s.closed {
		s.mu.RUnlock()
		return nil, ErrClosed
	}
	return s.mu.RUnlock, nil
}

// Put keeps the bytes under their digest, durably. Putting the same bytes again
// changes nothing.
func (s *Store) Put(ctx context.Context, name events.Hash, sealed []byte) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return fmt.Errorf("put file: %w", err)
	}
	defer leave()
	path, err := s.path(name)
	if err == nil && !matches(name, sealed) {
		err = ErrDigest
	}
	if err != nil {
		return fmt.Errorf("put file: %w", err)
	}
	if info, err := os.Lstat(path); err != nil || info.Size() != int64(len(sealed)) {
		if err := s.write(path, sealed); err != nil {
			return explain("put file", err)
		}
	}
	// Also where the file was there: whoever put it may not have come here.
	return explain("put file", s.syncer.sync(filepath.Dir(path)))
}

// write makes the bytes durable under another name and then gives them theirs.
func (s *Store) write(path string, sealed []byte) error {
	f, err := os.CreateTemp(s.tmp(), "put-*")
	if err != nil {
		return err
	}
	_, err = f.Write(sealed)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// Get returns the bytes kept under a digest.
func (s *Store) Get(ctx context.Context, name events.Hash) ([]byte, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, fmt.Errorf("get file: %w", err)
	}
	defer leave()
	path, err := s.path(name)
	if err != nil {
		return nil, fmt.Errorf("get file: %w", err)
	}
	sealed, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("get file %s: %w", name, ErrMissing)
	}
	if err != nil {
		return nil, explain("get file", err)
	}
	if !matches(name, sealed) {
		return nil, fmt.Errorf("get file %s: %w", name, ErrCorrupt)
	}
	return sealed, nil
}

// Delete removes a file, durably. Removing one that is not there is no error.
// The bytes may linger on the disk; without their key they are noise.
func (s *Store) Delete(ctx context.Context, name events.Hash) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return fmt.Errorf("delete file: %w", err)
	}
	defer leave()
	path, err := s.path(name)
	if err != nil {
		return fmt.Errorf("delete file: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return explain("delete file", err)
	}
	return explain("delete file", s.syncer.sync(filepath.Dir(path)))
}

// Each calls fn with the name and the size in bytes of every file, in the order
// of the names, until fn fails. Files put or deleted meanwhile may be missed.
func (s *Store) Each(fn func(name events.Hash, size int64) error) error {
	leave, err := s.enter(context.Background())
	if err != nil {
		return fmt.Errorf("list files: %w", err)
	}
	defer leave()
	for i := range 256 {
		entries, err := os.ReadDir(filepath.Join(s.dir, hex.EncodeToString([]byte{byte(i)})))
		if err != nil {
			return explain("list files", err)
		}
		for _, e := range entries {
			name := events.Hash(e.Name())
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue // deleted since
			}
			if err != nil {
				return explain("list files", err)
			}
			if _, err := s.path(name); err != nil || !info.Mode().IsRegular() {
				s.log.Warn("a file that is not ours lies in the store", "folder", i)
				continue
			}
			if err := fn(name, info.Size()); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close waits for calls under way. Calls that come later fail with ErrClosed.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func matches(name events.Hash, sealed []byte) bool {
	sum := sha256.Sum256(sealed)
	return string(name) == hex.EncodeToString(sum[:])
}

// explain puts the sentence for the operator before an error of the system's.
func explain(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%s: %w (%w)", op, ErrDiskFull, err)
	default:
		return fmt.Errorf("%s: %w", op, err)
	}
}
