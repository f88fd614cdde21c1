package vault

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// A root key file is one line of text, so that it survives a password manager,
// a secret store and a printer:
//
//	hub-root-key-1 <64 lower-case hexadecimal digits> <newline>
const rootKeyPrefix = "hub-root-key-1 "

// readRootKey reads the root key. It refuses a file that others can read: one
// of ours that the group may read, or anybody's that is open further. A secret
// mounted by an orchestrator belongs to root and is read through the group.
func readRootKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read root key %s: %w", path, ErrRootKeyMissing)
	}
	if err != nil {
		return nil, fmt.Errorf("read root key: %w", err)
	}
	tooOpen := fs.FileMode(0o037)
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) == os.Geteuid() {
		tooOpen = 0o077
	}
	if info.Mode().Perm()&tooOpen != 0 {
		return nil, fmt.Errorf("read root key %s (mode %04o): %w", path, info.Mode().Perm(), ErrRootKeyOpen)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read root key: %w", err)
	}
	defer clear(text)
	digits, ok := bytes.CutPrefix(bytes.TrimSpace(text), []byte(rootKeyPrefix))
	key := make([]byte, keySize)
	if !ok || len(digits) != hex.EncodedLen(keySize) {
		return nil, fmt.Errorf("read root key %s: %w", path, ErrRootKeyMalformed)
	}
	if _, err := hex.Decode(key, digits); err != nil {
		// Not wrapped: the error would quote a digit of the key.
		return nil, fmt.Errorf("read root key %s: %w", path, ErrRootKeyMalformed)
	}
	return key, nil
}

// createRootKey writes a new root key, durably, and never over another file.
func createRootKey(path string) ([]byte, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create root key: %w", err)
	}
	key := make([]byte, keySize)
	rand.Read(key) // never fails (crypto/rand)
	tmp, err := os.CreateTemp(dir, ".root-key-*")
	if err != nil {
		return nil, fmt.Errorf("create root key: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = fmt.Fprintf(tmp, "%s%x\n", rootKeyPrefix, key)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err != nil {
		return nil, fmt.Errorf("create root key: %w", err)
	}
	// A link, not a rename: it fails where a file appeared meanwhile.
	if err := os.Link(tmp.Name(), path); err != nil {
		return nil, fmt.Errorf("create root key: %w", err)
	}
	return key, syncDir(dir)
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
