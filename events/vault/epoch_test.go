package vault_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

func TestSealedEpochLeavesOldCopiesUseless(t *testing.T) {
	p := newPlace(t)
	v := p.open(t)
	keys := mint(t, v, requests(4500, subject(1))...) // more than two batches
	kids := names(keys)
	old := wrapped(t, p, kids[:100])
	before := oldKEK(t, p)
	n, err := v.SealEpoch(t.Context())
	if err != nil || n != len(keys) {
		t.Fatalf("seal epoch = %d, %v; want %d", n, err, len(keys))
	}
	check := func() {
		t.Helper()
		for i, r := range open(t, v, kids...) {
			if r.DEK != keys[i].DEK {
				t.Fatalf("key %d is another or %v", i, r.State)
			}
		}
	}
	check()
	if n := residue(t, p, old) + residue(t, p, before); n != 0 {
		t.Errorf("%d old wrappings are left in the files", n)
	}
	shut(t, v)
	v = p.open(t)
	check()
	more := mint(t, v, request(subject(1)))[0]
	if open(t, v, more.KID)[0].DEK != more.DEK {
		t.Error("a key minted in the new epoch is another")
	}
}

func oldKEK(t *testing.T, p place) map[events.KID][]byte {
	t.Helper()
	db := p.sql(t)
	var b []byte
	if err := db.QueryRowContext(t.Context(), "SELECT wrapped FROM kek").Scan(&b); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return map[events.KID][]byte{"kek": b}
}

// TestSealingAnEpochThatStoppedHalfWayIsFinishedLater stops the work at a row
// that is damaged, which leaves keys of two epochs behind, as a crash would.
func TestSealingAnEpochThatStoppedHalfWayIsFinishedLater(t *testing.T) {
	p := newPlace(t)
	v := p.open(t)
	keys := mint(t, v, requests(4500, subject(1))...)
	kids := names(keys)
	db := p.sql(t)
	slices.Sort(kids)
	whole := wrapped(t, p, kids[3000:3001])[kids[3000]]
	execSQL(t, db, "UPDATE seg_key SET wrapped = zeroblob(60) WHERE kid = unhex(?)", string(kids[3000]))
	if _, err := v.SealEpoch(t.Context()); !errors.Is(err, vault.ErrCorrupt) {
		t.Fatalf("seal epoch over a damaged key = %v, want ErrCorrupt", err)
	}
	shut(t, v)
	v = p.open(t)
	execSQL(t, db, "UPDATE seg_key SET wrapped = ? WHERE kid = unhex(?)", whole, string(kids[3000]))
	open(t, v, kids...)
	if n, err := v.SealEpoch(t.Context()); err != nil || n != len(kids) {
		t.Fatalf("seal epoch again = %d, %v", n, err)
	}
	var epochs int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM kek").Scan(&epochs); err != nil || epochs != 1 {
		t.Errorf("%d epochs are left (%v), want 1", epochs, err)
	}
	open(t, v, kids...)
}

func TestSealingAnEpochDisturbsNobody(t *testing.T) {
	cfg := newPlace(t).config()
	cfg.CacheKeys = 1
	v := openWith(t, cfg)
	mint(t, v, requests(5000, subject(1))...)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for i := range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				keys, err := v.Mint(t.Context(), v.Begin(), requests(5, subject(i)))
				if err != nil {
					t.Error(err)
					return
				}
				got, err := v.Keys(t.Context(), agent, names(keys))
				if err != nil {
					t.Error(err)
					return
				}
				for n := range got {
					if got[n].DEK != keys[n].DEK {
						t.Error("a key is another")
					}
				}
			}
		})
	}
	for range 4 {
		if _, err := v.SealEpoch(t.Context()); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
	for i := range 4 {
		kids, err := v.KeysOf(t.Context(), subject(i))
		if err != nil {
			t.Fatal(err)
		}
		open(t, v, kids...)
	}
}
