package vault

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"maps"
)

// epochs is the set of keys that wrap data keys, by number. A value is never
// changed: a new epoch makes a new set.
type epochs struct {
	current int64
	aead    map[int64]cipher.AEAD
}

func epochAAD(epoch int64) []byte { return fmt.Appendf(nil, "ws-kek-1:%d", epoch) }

func secretAAD(name string) []byte { return []byte("ws-secret-1:" + name) }

// addEpoch writes a new wrapping key under the root key.
func (v *Vault) addEpoch(ctx context.Context, w *writer, epoch int64) (cipher.AEAD, error) {
	key := make([]byte, keySize)
	defer clear(key)
	rand.Read(key)
	wrapped := wrap(nil, v.root, key, epochAAD(epoch))
	_, err := w.exec(ctx, "INSERT INTO kek (shard, epoch, wrapped, at) VALUES (0, ?, ?, ?)", epoch, wrapped, millis(v.now()))
	if err != nil {
		return nil, err
	}
	return newAEAD(key)
}

func (v *Vault) addSecret(ctx context.Context, w *writer, name string) error {
	secret := make([]byte, keySize)
	defer clear(secret)
	rand.Read(secret)
	_, err := w.exec(ctx, "INSERT INTO secret (name, wrapped) VALUES (?, ?)", name, wrap(nil, v.root, secret, secretAAD(name)))
	return err
}

func (v *Vault) loadEpochs(ctx context.Context) error {
	set := &epochs{aead: map[int64]cipher.AEAD{}}
	err := selectEach(ctx, v.r, "SELECT epoch, wrapped FROM kek WHERE shard = 0 ORDER BY epoch", nil, func(r *sql.Rows) error {
		var wrapped []byte
		if err := r.Scan(&set.current, &wrapped); err != nil {
			return err
		}
		key := make([]byte, keySize)
		defer clear(key)
		if !unwrap(key, v.root, wrapped, epochAAD(set.current)) {
			return fmt.Errorf("epoch %d: %w", set.current, ErrRootKeyWrong)
		}
		aead, err := newAEAD(key)
		set.aead[set.current] = aead
		return err
	})
	if err != nil {
		return err
	}
	if set.current == 0 {
		return fmt.Errorf("there is no epoch: %w", ErrCorrupt)
	}
	v.keks.Store(set)
	return nil
}

func (v *Vault) loadSecret(ctx context.Context, name string) ([]byte, error) {
	var wrapped []byte
	err := selectEach(ctx, v.r, "SELECT wrapped FROM secret WHERE name = ?", []any{name}, func(r *sql.Rows) error { return r.Scan(&wrapped) })
	if err != nil {
		return nil, explain("load secret", err)
	}
	secret := make([]byte, keySize)
	if !unwrap(secret, v.root, wrapped, secretAAD(name)) {
		return nil, fmt.Errorf("load secret %s: %w", name, ErrCorrupt)
	}
	return secret, nil
}

// rewrapBatch is how many keys are wrapped anew in one transaction, so that
// writers wait for milliseconds, not for the whole vault.
const rewrapBatch = 2000

// SealEpoch makes a new wrapping key, wraps every live key anew and destroys
// the old wrapping keys: bytes of deleted rows that linger anywhere, be it in
// free pages or in copies of the file, then open nothing. It returns how many
// keys it wrapped. When it is interrupted, old and new stay valid, and calling
// it again finishes the work. Other calls go on meanwhile.
func (v *Vault) SealEpoch(ctx context.Context) (int, error) {
	v.sealing.Lock()
	defer v.sealing.Unlock()
	var next *epochs
	err := v.w.do(ctx, &job{
		run: func(ctx context.Context, w *writer) error {
			old := v.keks.Load()
			next = &epochs{current: old.current + 1, aead: maps.Clone(old.aead)}
			aead, err := v.addEpoch(ctx, w, next.current)
			next.aead[next.current] = aead
			return err
		},
		after: func() { v.keks.Store(next) },
	})
	if err != nil {
		return 0, explain("seal epoch", err)
	}
	total := 0
	for from := []byte{}; from != nil; {
		var n int
		at := from
		err := v.w.do(ctx, &job{run: func(ctx context.Context, w *writer) (err error) {
			from, n, err = v.rewrap(ctx, w, next, at)
			return err
		}})
		if err != nil {
			return total, explain("seal epoch", err)
		}
		total += n
	}
	if err := v.dropEpochs(ctx, next.current); err != nil {
		return total, explain("seal epoch", err)
	}
	return total, v.truncate(ctx)
}

// rewrap moves one batch of keys to the current epoch; from is the name of the
// last key it saw, nil at the end.
func (v *Vault) rewrap(ctx context.Context, w *writer, set *epochs, from []byte) ([]byte, int, error) {
	type row struct{ kid, wrapped []byte }
	var rows []row
	seen := 0
	var last []byte
	dek := make([]byte, keySize)
	defer clear(dek)
	err := selectEach(ctx, w, "SELECT kid, epoch, wrapped FROM seg_key WHERE kid > ? ORDER BY kid LIMIT ?", []any{from, rewrapBatch}, func(r *sql.Rows) error {
		var epoch int64
		var wrapped []byte
		last = nil
		if err := r.Scan(&last, &epoch, &wrapped); err != nil {
			return err
		}
		seen++
		if epoch == set.current {
			return nil
		}
		old, ok := set.aead[epoch]
		if !ok || !unwrap(dek, old, wrapped, last) {
			return fmt.Errorf("key %x: %w", last, ErrCorrupt)
		}
		rows = append(rows, row{last, wrap(nil, set.aead[set.current], dek, last)})
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	for _, r := range rows {
		if _, err := w.exec(ctx, "UPDATE seg_key SET epoch = ?, wrapped = ? WHERE kid = ?", set.current, r.wrapped, r.kid); err != nil {
			return nil, 0, err
		}
	}
	if seen < rewrapBatch {
		last = nil
	}
	return last, len(rows), nil
}

// dropEpochs destroys every wrapping key before the current one, after making
// sure in the same transaction that no key needs it.
func (v *Vault) dropEpochs(ctx context.Context, current int64) error {
	return v.w.do(ctx, &job{
		run: func(ctx context.Context, w *writer) error {
			var left int
			err := selectEach(ctx, w, "SELECT count(*) FROM seg_key WHERE epoch < ?", []any{current}, func(r *sql.Rows) error { return r.Scan(&left) })
			if err == nil && left > 0 {
				err = errors.New("keys of an old epoch are left")
			}
			if err != nil {
				return err
			}
			_, err = w.exec(ctx, "DELETE FROM kek WHERE shard = 0 AND epoch < ?", current)
			return err
		},
		after: func() {
			set := v.keks.Load()
			v.keks.Store(&epochs{current: set.current, aead: map[int64]cipher.AEAD{set.current: set.aead[set.current]}})
		},
	})
}
