package vault

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
)

const markGeneration = "generation"

// Generation counts the transactions that destroyed keys, over the whole life of
// the vault.
func (v *Vault) Generation() uint64 { return v.generation.Load() }

// nextGeneration counts one, within the transaction.
func nextGeneration(ctx context.Context, w *writer) error {
	g, err := readGeneration(ctx, w)
	if err != nil {
		return err
	}
	w.generation = g + 1
	return setMark(ctx, w, markGeneration, binary.BigEndian.AppendUint64(nil, g+1))
}

func readGeneration(ctx context.Context, q querier) (uint64, error) {
	var b []byte
	err := selectEach(ctx, q, "SELECT v FROM mark WHERE k = ?", []any{markGeneration}, func(r *sql.Rows) error { return r.Scan(&b) })
	if len(b) != 8 {
		return 0, err
	}
	return binary.BigEndian.Uint64(b), err
}

// readings knows who holds opened keys at the moment.
type readings struct {
	mu      sync.Mutex
	current *reading
	past    []*reading // those that Drained waits for
}

// reading is everybody who began between two calls of Drained.
type reading struct {
	n    int
	over bool
	done chan struct{}
}

// Reading says that the caller is about to hold opened keys or what they opened,
// until it calls done. Drained waits for it.
func (v *Vault) Reading() (done func()) {
	r := &v.readings
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current == nil {
		r.current = &reading{done: make(chan struct{})}
	}
	g := r.current
	g.n++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if g.n--; g.n == 0 && g.over {
			close(g.done)
			r.past = slices.DeleteFunc(r.past, func(x *reading) bool { return x == g })
		}
	}
}

// Drained waits until nobody in this process holds a key that was destroyed
// before the call: the cache let go of it when Destroy returned, and everybody
// who was just opening something has finished. The vault belongs to one process
// at a time, so there are no other caches.
func (v *Vault) Drained(ctx context.Context) error {
	r := &v.readings
	r.mu.Lock()
	if g := r.current; g != nil && g.n > 0 {
		g.over = true
		r.past, r.current = append(r.past, g), nil
	}
	past := slices.Clone(r.past)
	r.mu.Unlock()
	for _, g := range past {
		select {
		case <-g.done:
		case <-ctx.Done():
			return fmt.Errorf("drain caches: %w", context.Cause(ctx))
		}
	}
	return nil
}
