package erasure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/westshore/hub/events/vault"
)

// FileAnchor keeps the head of the ledger in a file: one line of JSON, replaced
// whole. Put it on another volume than the log and the vault where there is one.
func FileAnchor(path string) Anchor {
	return Anchor{
		Name: "file",
		Load: func(context.Context) (vault.Mark, error) {
			var at vault.Mark
			b, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) {
				return at, nil
			}
			if err == nil {
				err = json.Unmarshal(b, &at)
			}
			if err != nil {
				return at, fmt.Errorf("read head of the ledger: %w", err)
			}
			return at, nil
		},
		Save: func(_ context.Context, at vault.Mark) error {
			b, err := json.Marshal(at)
			if err != nil {
				return err
			}
			if err := replace(path, append(b, '\n')); err != nil {
				return fmt.Errorf("note head of the ledger: %w", err)
			}
			return nil
		},
	}
}

// replace puts bytes in a file's place, durably: after a crash the old or the new
// ones are there.
func replace(path string, b []byte) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
