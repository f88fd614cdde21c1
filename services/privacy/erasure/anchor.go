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

// KeptAnchor keeps the head of the ledger as a line of JSON somewhere: load returns
// nothing when there is none. It never goes back: when what is there is ahead, the
// ledger was cut, or another one took its place, and Save fails with
// vault.ErrLedgerBroken.
func KeptAnchor(name string, load func(context.Context) ([]byte, error), save func(context.Context, []byte) error) Anchor {
	a := Anchor{Name: name}
	a.Load = func(ctx context.Context) (at vault.Mark, err error) {
		b, err := load(ctx)
		if err == nil && len(b) > 0 {
			err = json.Unmarshal(b, &at)
		}
		if err != nil {
			return at, fmt.Errorf("read head of the ledger: %w", err)
		}
		return at, nil
	}
	a.Save = func(ctx context.Context, at vault.Mark) error {
		was, err := a.Load(ctx)
		if err != nil {
			return err
		}
		if was.Seq > at.Seq || was.Seq == at.Seq && was != at && was.Seq > 0 {
			return fmt.Errorf("note head of the ledger: entry %d was noted before, and entry %d is another: %w", was.Seq, at.Seq, vault.ErrLedgerBroken)
		}
		b, err := json.Marshal(at)
		if err == nil {
			err = save(ctx, append(b, '\n'))
		}
		if err != nil {
			return fmt.Errorf("note head of the ledger: %w", err)
		}
		return nil
	}
	return a
}

// FileAnchor keeps the head of the ledger in a file, replaced whole. Put it on
// another volume than the log and the vault where there is one.
func FileAnchor(path string) Anchor {
	return KeptAnchor("file", func(context.Context) ([]byte, error) {
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return b, err
	}, func(_ context.Context, b []byte) error { return replace(path, b) })
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
