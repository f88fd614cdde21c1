package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A root key file is lines of text, so that it survives a password manager, a
// secret store and a printer. The first line is the root key; below it stand
// earlier ones that backups may still need, with the time they were replaced:
//
//	hub-root-key-1 <64 lower-case hexadecimal digits>
//	hub-root-key-1 <64 lower-case hexadecimal digits> <time, RFC 3339>
//
// Where a key management service keeps the root key, the file holds what that
// service made of it, and is of no use without it:
//
//	hub-root-sealed-1 <base64> [<time>]
const (
	rootKeyPrefix    = "hub-root-key-1"
	rootSealedPrefix = "hub-root-sealed-1"
)

// root is one root key.
type root struct {
	key     []byte
	line    string    // as it stands in the file, without a time
	retired time.Time // zero: the newest
}

// rootKeeper reads and writes the root key file.
type rootKeeper struct {
	path       string
	seal, open func(context.Context, []byte) ([]byte, error) // nil: the file holds the key itself
}

// read returns the root keys, the newest first. It refuses a file that others can
// read: one of ours that the group may read, or anybody's that is open further. A
// secret mounted by an orchestrator belongs to root and is read through the group.
func (k *rootKeeper) read(ctx context.Context) ([]root, error) {
	info, err := os.Stat(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read root key %s: %w", k.path, ErrRootKeyMissing)
	}
	if err != nil {
		return nil, fmt.Errorf("read root key: %w", err)
	}
	tooOpen := fs.FileMode(0o037)
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) == os.Geteuid() {
		tooOpen = 0o077
	}
	if info.Mode().Perm()&tooOpen != 0 {
		return nil, fmt.Errorf("read root key %s (mode %04o): %w", k.path, info.Mode().Perm(), ErrRootKeyOpen)
	}
	text, err := os.ReadFile(k.path)
	if err != nil {
		return nil, fmt.Errorf("read root key: %w", err)
	}
	defer clear(text)
	var roots []root
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		r, err := k.parse(ctx, string(line))
		if err != nil {
			return nil, fmt.Errorf("read root key %s: %w", k.path, err)
		}
		roots = append(roots, r)
	}
	if len(roots) == 0 {
		return nil, fmt.Errorf("read root key %s: %w", k.path, ErrRootKeyMalformed)
	}
	return roots, nil
}

// parse reads one line. Its errors never quote the line: that would be a key.
func (k *rootKeeper) parse(ctx context.Context, line string) (root, error) {
	f := strings.Fields(line)
	if len(f) < 2 || len(f) > 3 {
		return root{}, ErrRootKeyMalformed
	}
	r := root{line: f[0] + " " + f[1]}
	if len(f) == 3 {
		at, err := time.Parse(time.RFC3339, f[2])
		if err != nil {
			return root{}, ErrRootKeyMalformed
		}
		r.retired = at
	}
	var err error
	switch f[0] {
	case rootKeyPrefix:
		r.key, err = hex.DecodeString(f[1])
	case rootSealedPrefix:
		var sealed []byte
		if sealed, err = base64.StdEncoding.DecodeString(f[1]); err != nil {
			break
		}
		if k.open == nil {
			return root{}, ErrRootKeySealed
		}
		if r.key, err = k.open(ctx, sealed); err != nil {
			return root{}, fmt.Errorf("open it with the key management service: %w", err)
		}
	default:
		err = ErrRootKeyMalformed
	}
	if err != nil || len(r.key) != keySize {
		return root{}, ErrRootKeyMalformed
	}
	return r, nil
}

// make makes a new root key, which rests nowhere yet.
func (k *rootKeeper) make(ctx context.Context) (root, error) {
	r := root{key: make([]byte, keySize)}
	rand.Read(r.key) // never fails (crypto/rand)
	if k.seal == nil {
		r.line = rootKeyPrefix + " " + hex.EncodeToString(r.key)
		return r, nil
	}
	sealed, err := k.seal(ctx, r.key)
	if err != nil {
		return r, fmt.Errorf("seal root key with the key management service: %w", err)
	}
	r.line = rootSealedPrefix + " " + base64.StdEncoding.EncodeToString(sealed)
	return r, nil
}

// create writes the first root key, durably, and never over another file.
func (k *rootKeeper) create(ctx context.Context) ([]root, error) {
	r, err := k.make(ctx)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(k.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create root key: %w", err)
	}
	tmp, err := k.draft([]root{r})
	if err != nil {
		return nil, fmt.Errorf("create root key: %w", err)
	}
	defer func() { _ = os.Remove(tmp) }()
	// A link, not a rename: it fails where a file appeared meanwhile.
	if err := os.Link(tmp, k.path); err != nil {
		return nil, fmt.Errorf("create root key: %w", err)
	}
	return []root{r}, syncDir(dir)
}

// replace writes the file anew, durably: before or after a crash, one of the two
// files is there. The bytes of the old one are overwritten, as far as the file
// system writes in place.
func (k *rootKeeper) replace(roots []root) error {
	old, err := os.OpenFile(k.path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("replace root key: %w", err)
	}
	defer func() { _ = old.Close() }()
	tmp, err := k.draft(roots)
	if err != nil {
		return fmt.Errorf("replace root key: %w", err)
	}
	if err := os.Rename(tmp, k.path); err != nil {
		return fmt.Errorf("replace root key: %w", errors.Join(err, os.Remove(tmp)))
	}
	if err := syncDir(filepath.Dir(k.path)); err != nil {
		return err
	}
	info, err := old.Stat()
	if err != nil {
		return fmt.Errorf("overwrite old root key: %w", err)
	}
	if _, err := old.WriteAt(make([]byte, info.Size()), 0); err != nil {
		return fmt.Errorf("overwrite old root key: %w", err)
	}
	if err := old.Sync(); err != nil {
		return fmt.Errorf("overwrite old root key: %w", err)
	}
	return nil
}

// draft writes a file beside the root key file, durably, and returns its name.
func (k *rootKeeper) draft(roots []root) (string, error) {
	tmp, err := os.CreateTemp(filepath.Dir(k.path), ".root-key-*")
	if err != nil {
		return "", err
	}
	for _, r := range roots {
		line := r.line
		if !r.retired.IsZero() {
			line += " " + r.retired.UTC().Format(time.RFC3339)
		}
		if _, werr := tmp.WriteString(line + "\n"); werr != nil {
			err = errors.Join(err, werr)
		}
	}
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return "", errors.Join(err, os.Remove(tmp.Name()))
	}
	return tmp.Name(), nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	err = errors.Join(d.Sync(), d.Close())
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}
