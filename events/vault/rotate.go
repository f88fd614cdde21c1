package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// readRoot finds the root key this vault is wrapped under. It may be an earlier
// one: the vault was restored from a backup, or a rotation was cut short.
func (v *Vault) readRoot(ctx context.Context, fresh bool) error {
	roots, err := v.keeper.read(ctx)
	if fresh && errors.Is(err, ErrRootKeyMissing) {
		if roots, err = v.keeper.create(ctx); err == nil {
			v.log.Info("new root key made, back it up apart from the vault", "file", v.keeper.path)
		}
	}
	if err != nil {
		return err
	}
	defer wipeRoots(roots)
	return v.w.do(ctx, &job{alone: true, run: func(ctx context.Context, w *writer) error {
		at := 0
		if !fresh {
			if at, err = findRoot(ctx, w, roots); err != nil {
				return err
			}
		}
		v.root, err = newAEAD(roots[at].key)
		return err
	}})
}

// findRoot tells which of the root keys the newest epoch is wrapped under.
func findRoot(ctx context.Context, q querier, roots []root) (int, error) {
	var epoch int64
	var wrapped []byte
	err := selectEach(ctx, q, "SELECT epoch, wrapped FROM kek WHERE shard = 0 ORDER BY epoch DESC LIMIT 1", nil, func(r *sql.Rows) error {
		return r.Scan(&epoch, &wrapped)
	})
	if err != nil {
		return 0, explain("look for the root key", err)
	}
	kek := make([]byte, keySize)
	defer clear(kek)
	for i := range roots {
		aead, err := newAEAD(roots[i].key)
		if err != nil {
			return 0, err
		}
		if unwrap(kek, aead, wrapped, epochAAD(epoch)) {
			return i, nil
		}
	}
	return 0, ErrRootKeyWrong
}

func wipeRoots(roots []root) {
	for i := range roots {
		clear(roots[i].key)
	}
}

// RotateRoot makes a new root key and wraps the keys of epochs and the secrets
// under it. Earlier root keys stay in the key file, for backups of the vault made
// under them, until ForgetRoots. When it is interrupted, the vault opens with the
// old root key, and calling it again finishes the work.
func (v *Vault) RotateRoot(ctx context.Context) error {
	v.sealing.Lock()
	defer v.sealing.Unlock()
	roots, err := v.keeper.read(ctx)
	if err != nil {
		return fmt.Errorf("rotate root key: %w", err)
	}
	defer wipeRoots(roots)
	next, err := v.keeper.make(ctx)
	if err != nil {
		return fmt.Errorf("rotate root key: %w", err)
	}
	defer clear(next.key)
	aead, err := newAEAD(next.key)
	if err != nil {
		return fmt.Errorf("rotate root key: %w", err)
	}
	roots[0].retired = v.now()
	if err := v.keeper.replace(append([]root{next}, roots...)); err != nil {
		return fmt.Errorf("rotate root key: %w", err)
	}
	err = v.w.do(ctx, &job{
		run: func(ctx context.Context, w *writer) error {
			for table, name := range map[string]string{"kek": "epoch", "secret": "name"} {
				if err := v.rewrapUnder(ctx, w, table, name, func(key, wrapped, aad []byte) ([]byte, error) {
					if !unwrap(key, v.root, wrapped, aad) {
						return nil, ErrCorrupt
					}
					return wrap(nil, aead, key, aad), nil
				}); err != nil {
					return err
				}
			}
			return nil
		},
		after: func() { v.root = aead },
	})
	if err != nil {
		return explain("rotate root key", err)
	}
	v.log.Info("root key replaced, back it up apart from the vault", "file", v.keeper.path)
	return explain("rotate root key", v.truncate(ctx))
}

// rewrapUnder wraps every row of a table anew.
func (v *Vault) rewrapUnder(ctx context.Context, w *writer, table, name string, anew func(key, wrapped, aad []byte) ([]byte, error)) error {
	type row struct {
		name    any
		wrapped []byte
	}
	var rows []row
	key := make([]byte, keySize)
	defer clear(key)
	err := selectEach(ctx, w, "SELECT "+name+", wrapped FROM "+table, nil, func(r *sql.Rows) error {
		var x row
		if err := r.Scan(&x.name, &x.wrapped); err != nil {
			return err
		}
		var aad []byte
		switch n := x.name.(type) {
		case int64:
			aad = epochAAD(n)
		case string:
			aad = secretAAD(n)
		}
		var err error
		x.wrapped, err = anew(key, x.wrapped, aad)
		rows = append(rows, x)
		return err
	})
	if err != nil {
		return err
	}
	for _, x := range rows {
		if _, err := w.exec(ctx, "UPDATE "+table+" SET wrapped = ? WHERE "+name+" = ?", x.wrapped, x.name); err != nil {
			return err
		}
	}
	return nil
}

// ForgetRoots removes the root keys from the key file that were replaced before a
// time: backups made under them open nothing any more, and what was destroyed
// before is gone from them for good. It returns how many it removed. Make and
// check a backup under the newest root key first. Copies of the key file are not
// the vault's to destroy.
func (v *Vault) ForgetRoots(ctx context.Context, replacedBefore time.Time) (int, error) {
	v.sealing.Lock()
	defer v.sealing.Unlock()
	roots, err := v.keeper.read(ctx)
	if err != nil {
		return 0, fmt.Errorf("forget root keys: %w", err)
	}
	defer wipeRoots(roots)
	inUse, err := findRoot(ctx, v.r, roots)
	if err != nil {
		return 0, explain("forget root keys", err)
	}
	keep := roots[inUse].line
	left := slices.DeleteFunc(slices.Clone(roots), func(r root) bool {
		return !r.retired.IsZero() && r.retired.Before(replacedBefore) && r.line != keep
	})
	if len(left) == len(roots) {
		return 0, nil
	}
	if err := v.keeper.replace(left); err != nil {
		return 0, fmt.Errorf("forget root keys: %w", err)
	}
	return len(roots) - len(left), nil
}
