package vault_test

import (
	"encoding/hex"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events/vault"
)

// TestFenceKeepsALateWriterOut is attack case F5: a writer that resolved a
// person before the erasure must not mint a key for it afterwards, however the
// two interleave.
func TestFenceKeepsALateWriterOut(t *testing.T) {
	v := newPlace(t).open(t)
	for round := range 60 {
		addr := "p" + hex.EncodeToString([]byte{byte(round)}) + "@example.org"
		u := v.Begin()
		s, err := v.Subjects(t.Context(), []string{addr})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var minted []vault.Key
		var mintErr error
		wg.Go(func() { minted, mintErr = v.Mint(t.Context(), u, requests(1, s[0])) })
		if err := v.Fence(t.Context(), s[0]); err != nil {
			t.Fatal(err)
		}
		kids, err := v.KeysOf(t.Context(), s[0]) // what the erasure destroys
		if err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		after, err := v.KeysOf(t.Context(), s[0])
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(kids, after); d != "" {
			t.Fatalf("a key came after the fence:\n%s", d)
		}
		if mintErr != nil && !errors.Is(mintErr, vault.ErrFenced) || mintErr == nil && len(minted) != 1 {
			t.Fatalf("mint = %v", mintErr)
		}
		if _, err := v.Mint(t.Context(), u, requests(1, s[0])); !errors.Is(err, vault.ErrFenced) {
			t.Fatalf("a late mint = %v, want ErrFenced", err)
		}
		again, err := v.Subjects(t.Context(), []string{addr})
		if err != nil || again[0] == s[0] {
			t.Fatalf("the address still resolves to the erased subject (%v)", err)
		}
	}
}

// TestFenceIsTightAgainstWritersThatResolveMeanwhile: whoever still saw the old
// identity mints before the fence or not at all.
func TestFenceIsTightAgainstWritersThatResolveMeanwhile(t *testing.T) {
	v := newPlace(t).open(t)
	for round := range 40 {
		addr := []string{"q" + hex.EncodeToString([]byte{byte(round)}) + "@example.org"}
		s, err := v.Subjects(t.Context(), addr)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		fenced := make(chan struct{})
		for range 3 {
			wg.Go(func() {
				for last := false; !last; {
					select {
					case <-fenced:
						last = true // once more, after the fence
					default:
					}
					u := v.Begin()
					who, err := v.Subjects(t.Context(), addr)
					if err != nil {
						t.Error(err)
						return
					}
					if _, err := v.Mint(t.Context(), u, requests(1, who[0])); err != nil && !errors.Is(err, vault.ErrFenced) {
						t.Error(err)
					}
				}
			})
		}
		if err := v.Fence(t.Context(), s[0]); err != nil {
			t.Fatal(err)
		}
		kids, err := v.KeysOf(t.Context(), s[0])
		close(fenced)
		wg.Wait()
		if err != nil {
			t.Fatal(err)
		}
		after, err := v.KeysOf(t.Context(), s[0])
		if err != nil {
			t.Fatal(err)
		}
		if len(after) != len(kids) {
			t.Fatalf("round %d: %d keys came after the fence", round, len(after)-len(kids))
		}
	}
}

func TestFenceOutlivesARestart(t *testing.T) {
	p := newPlace(t)
	v := p.open(t)
	for range 5 {
		v.Begin()
	}
	if err := v.Fence(t.Context(), subject(1)); err != nil {
		t.Fatal(err)
	}
	shut(t, v)
	v = p.open(t)
	if _, err := v.Mint(t.Context(), 0, requests(1, subject(1))); !errors.Is(err, vault.ErrFenced) {
		t.Errorf("mint without a unit of work = %v, want ErrFenced", err)
	}
	if _, err := v.Mint(t.Context(), v.Begin(), requests(1, subject(1))); err != nil {
		t.Errorf("mint in a new unit of work = %v", err)
	}
}
