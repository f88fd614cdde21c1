package worker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Place keeps how far a webhook has come, in a file of two lines:
//
//	the store's name
//	the position
//
// Everything up to the position was delivered or given up. It is replaced as a
// whole and synced, so a crash leaves the one before.
type Place struct{ Path string }

// Load reads it; ok is false when there is none yet.
func (p Place) Load() (store, position string, ok bool, err error) {
	b, err := os.ReadFile(p.Path)
	if errors.Is(err, os.ErrNotExist) {
		return "", "", false, nil
	}
	if err != nil {
		return "", "", false, fmt.Errorf("read place: %w", err)
	}
	f := strings.Split(string(b), "\n")
	if len(f) < 2 {
		return "", "", false, fmt.Errorf("read place: %s is no file of ours", p.Path)
	}
	return f[0], f[1], true, nil
}

// Save replaces it.
func (p Place) Save(store, position string) error {
	tmp, err := os.CreateTemp(filepath.Dir(p.Path), ".place-*")
	if err != nil {
		return fmt.Errorf("save place: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = fmt.Fprintf(tmp, "%s\n%s\n", store, position)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), p.Path)
	}
	if err != nil {
		return fmt.Errorf("save place: %w", err)
	}
	return nil
}
