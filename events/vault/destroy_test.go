package vault_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// wrapped reads the wrapped bytes of keys behind the vault's back.
func wrapped(t testing.TB, p place, kids []events.KID) map[events.KID][]byte {
	t.Helper()
	db := p.sql(t)
	out := map[events.KID][]byte{}
	for _, kid := range kids {
		var b []byte
		if err := db.QueryRowContext(t.Context(), "SELECT wrapped FROM seg_key WHERE kid = unhex(?)", string(kid)).Scan(&b); err != nil {
			t.Fatal(err)
		}
		out[kid] = b
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// residue counts the keys of whose wrapped bytes 16 or more in a row are left
// in the vault's files.
func residue(t testing.TB, p place, keys map[events.KID][]byte) (found int) {
	t.Helper()
	windows := map[string]events.KID{}
	for kid, b := range keys {
		for i := 0; i+16 <= len(b); i++ {
			windows[string(b[i:i+16])] = kid
		}
	}
	hits := map[events.KID]bool{}
	for _, file := range p.files(t) {
		for i := 0; i+16 <= len(file); i++ {
			if kid, ok := windows[string(file[i:i+16])]; ok {
				hits[kid] = true
			}
		}
	}
	return len(hits)
}

func TestNoByteOfADestroyedKeyIsLeftInTheFiles(t *testing.T) {
	p := newPlace(t)
	v := p.open(t)
	var kids []events.KID
	for i := range 40 {
		for range 5 { // many small and larger transactions, so that pages split
			kids = append(kids, names(mint(t, v, requests(1+i, subject(i))...))...)
		}
	}
	rand.Shuffle(len(kids), func(i, j int) { kids[i], kids[j] = kids[j], kids[i] })
	living := wrapped(t, p, kids[:50])
	for round := range 5 {
		victims := kids[50+round*300 : 50+(round+1)*300]
		bytesOf := wrapped(t, p, victims)
		if n := residue(t, p, bytesOf); n != len(victims) {
			t.Fatalf("the scan found %d of %d living keys, so it proves nothing", n, len(victims))
		}
		d := destroy(t, v, victims...)
		if len(d.Killed) != len(victims) || len(d.Deferred) != 0 {
			t.Fatalf("killed %d, deferred %d of %d", len(d.Killed), len(d.Deferred), len(victims))
		}
		if n := residue(t, p, bytesOf); n != 0 {
			t.Errorf("round %d: wrapped bytes of %d destroyed keys are left", round, n)
		}
	}
	if n := residue(t, p, living); n != len(living) {
		t.Errorf("the scan found %d of %d living keys", n, len(living))
	}
}

// TestOrderInPartsLeavesNothingAfterTheLast
//
// clause: S4
func TestOrderInPartsLeavesNothingAfterTheLast(t *testing.T) {
	p := newPlace(t)
	v := p.open(t)
	kids := names(mint(t, v, requests(400, subject(1))...))
	bytesOf := wrapped(t, p, kids)
	order := vault.Order{ID: events.NewUUID(), Cause: vault.CauseTenant, More: true}
	for part := range 4 {
		order.More = part < 3
		if d, err := v.Destroy(t.Context(), order, kids[part*100:(part+1)*100]); err != nil || len(d.Killed) != 100 {
			t.Fatalf("part %d: %d keys, %v", part, len(d.Killed), err)
		}
		if got := open(t, v, kids[part*100])[0].State; got != events.Erased {
			t.Fatalf("part %d: a key is %v", part, got)
		}
	}
	if n := residue(t, p, bytesOf); n != 0 {
		t.Errorf("wrapped bytes of %d destroyed keys are left", n)
	}
}

func TestNoAddressIsLeftInTheFiles(t *testing.T) {
	p := newPlace(t)
	v := p.open(t)
	if _, err := v.Subjects(t.Context(), []string{"Canary.Person@Example.Org"}); err != nil {
		t.Fatal(err)
	}
	shut(t, v)
	for name, b := range p.files(t) {
		if bytes.Contains(bytes.ToLower(b), []byte("canary")) || bytes.Contains(bytes.ToLower(b), []byte("example.org")) {
			t.Errorf("%s holds an address", name)
		}
	}
}

func TestDestroyIsIdempotentAndOutlivesARestart(t *testing.T) {
	p := newPlace(t)
	v := p.open(t)
	kids := names(mint(t, v, requests(3, subject(1))...))
	order := events.NewUUID()
	for range 3 {
		d, err := v.Destroy(t.Context(), vault.Order{ID: order, Cause: "retention"}, kids)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(vault.Destroyed{Killed: kids}, d); diff != "" {
			t.Errorf("destroyed (-want +got):\n%s", diff)
		}
		shut(t, v)
		v = p.open(t)
	}
	got := open(t, v, kids...)
	if got[0].State != events.Erased || got[0].Tomb.Order != order || got[0].Tomb.Cause != "retention" {
		t.Errorf("after restarts: %v %+v", got[0].State, got[0].Tomb)
	}
	if v.Stats().Destroyed != 0 {
		t.Error("a repeated order counts as destroying")
	}
}

func TestUnknownKeyDoesNotKeepOthersFromBeingDestroyed(t *testing.T) {
	v := newPlace(t).open(t)
	kid := mint(t, v, request(subject(1)))[0].KID
	ghost := events.KID("000000000000000000000000000000ff")
	d, err := v.Destroy(t.Context(), vault.Order{ID: events.NewUUID(), Cause: vault.CauseSubject}, []events.KID{ghost, kid})
	var missing *vault.KeyMissingError
	if !errors.As(err, &missing) || missing.KIDs[0] != ghost || len(d.Killed) != 1 {
		t.Errorf("destroy = %+v, %v", d, err)
	}
}

func TestReaderThatBlocksTheLogIsReportedAndRetried(t *testing.T) {
	p := newPlace(t)
	v := p.open(t)
	kids := names(mint(t, v, requests(2, subject(1))...))
	db := p.sql(t)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := tx.QueryRowContext(t.Context(), "SELECT count(*) FROM seg_key").Scan(&n); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	order := events.NewUUID()
	if _, err := v.Destroy(ctx, vault.Order{ID: order, Cause: "subject"}, kids); !errors.Is(err, vault.ErrResidue) {
		t.Errorf("destroy beside a reader = %v, want ErrResidue", err)
	}
	if got := open(t, v, kids...); got[0].State != events.Erased {
		t.Errorf("the key is %v, want erased even so", got[0].State)
	}
	if err := errors.Join(tx.Rollback(), db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Destroy(t.Context(), vault.Order{ID: order, Cause: "subject"}, kids); err != nil {
		t.Errorf("destroy again = %v", err)
	}
}

func TestMintingAndDestroyingAtTheSameTimeLosesNothing(t *testing.T) {
	v := newPlace(t).open(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for round := range 15 {
				keys, err := v.Mint(t.Context(), v.Begin(), requests(10, subject(i)))
				if err != nil {
					t.Error(err)
					return
				}
				kids := names(keys)
				if _, err := v.Keys(t.Context(), agent, kids); err != nil {
					t.Error(err)
				}
				if _, err := v.Destroy(t.Context(), vault.Order{ID: events.NewUUID(), Cause: vault.CauseSubject}, kids[:5]); err != nil {
					t.Error(err)
				}
				got, err := v.Keys(t.Context(), agent, kids)
				if err != nil {
					t.Error(err)
					return
				}
				for n, r := range got {
					if want := n >= 5; (r.State == events.Plain) != want || (want && r.DEK != keys[n].DEK) {
						t.Errorf("round %d: key %d is %v", round, n, r.State)
					}
				}
			}
		})
	}
	wg.Wait()
	for i := range 8 {
		kids, err := v.KeysOf(t.Context(), subject(i))
		if err != nil || len(kids) != 15*5 {
			t.Errorf("subject %d has %d keys (%v), want %d", i, len(kids), err, 15*5)
		}
	}
}

func TestAbandonedKeyIsMissingAndNotErased(t *testing.T) {
	p, c := newPlace(t), newClock()
	cfg := p.config()
	cfg.Now = c.now
	v := openWith(t, cfg)
	kids := names(mint(t, v, requests(2, subject(1))...))
	open(t, v, kids...)
	if err := v.Abandon(t.Context(), kids[:1]); err != nil {
		t.Fatal(err)
	}
	var missing *vault.KeyMissingError
	if _, err := v.Keys(t.Context(), agent, kids[:1]); !errors.As(err, &missing) {
		t.Errorf("an abandoned key gives %v, want missing", err)
	}
	c.at = c.at.Add(2 * time.Hour)
	if err := v.Abandon(t.Context(), kids); err == nil {
		t.Error("a key two hours old was abandoned: its event may stand in the log")
	}
	open(t, v, kids[1])
}
