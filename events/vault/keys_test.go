package vault_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

func TestMintedKeysComeBackInOrder(t *testing.T) {
	p := newPlace(t)
	v := p.open(t)
	var keys []vault.Key
	for i := range 5 {
		keys = append(keys, mint(t, v, requests(1+i*20, subject(i))...)...)
	}
	check := func(v *vault.Vault) {
		t.Helper()
		got := open(t, v, append(names(keys), keys[0].KID)...)
		for i, k := range append(keys, keys[0]) {
			if got[i].State != events.Plain || got[i].DEK != k.DEK || string(got[i].Commit) != string(k.Commit) {
				t.Fatalf("key %d: state %v, or another key", i, got[i].State)
			}
		}
	}
	check(v)
	check(v) // from memory
	shut(t, v)
	check(p.open(t))
}

func TestCallersAtTheSameTimeShareAWrite(t *testing.T) {
	v := newPlace(t).open(t)
	before := v.Stats().Commits
	const callers = 64
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range callers {
		wg.Go(func() {
			<-start
			if _, err := v.Mint(t.Context(), v.Begin(), requests(2, subject(i))); err != nil {
				t.Error(err)
			}
		})
	}
	close(start)
	wg.Wait()
	if n := v.Stats().Commits - before; n > callers/2 {
		t.Errorf("%d callers took %d writes", callers, n)
	}
	if got := v.Stats().Minted; got != 2*callers {
		t.Errorf("minted %d, want %d", got, 2*callers)
	}
}

func TestOneCallersRefusalDoesNotHurtItsNeighbours(t *testing.T) {
	v := newPlace(t).open(t)
	old := v.Begin()
	if err := v.Fence(t.Context(), subject(0)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			_, err := v.Mint(t.Context(), old, requests(1, subject(i%8)))
			if want := i%8 == 0; errors.Is(err, vault.ErrFenced) != want {
				t.Errorf("mint for subject %d = %v, fenced: %v", i%8, err, want)
			}
		})
	}
	wg.Wait()
}

func TestIncompleteRequestIsRefused(t *testing.T) {
	v := newPlace(t).open(t)
	for name, spoil := range map[string]func(*vault.Request){
		"event":    func(r *vault.Request) { r.Event = events.UUID{} },
		"stream":   func(r *vault.Request) { r.Stream = "" },
		"subject":  func(r *vault.Request) { r.Subject = "" },
		"category": func(r *vault.Request) { r.Category = "" },
		"class":    func(r *vault.Request) { r.Class = "" },
	} {
		r := request(subject(1))
		spoil(&r)
		if _, err := v.Mint(t.Context(), v.Begin(), []vault.Request{r}); err == nil {
			t.Errorf("a request without %s was taken", name)
		}
	}
}

func TestMissingKeyIsAnIncidentAndNeverAnErasure(t *testing.T) {
	p := newPlace(t)
	v := p.open(t)
	keys := mint(t, v, requests(4, subject(1))...)
	destroy(t, v, keys[1].KID)
	db := p.sql(t)
	execSQL(t, db, "DELETE FROM seg_key WHERE kid = unhex(?)", string(keys[2].KID))
	execSQL(t, db, "UPDATE seg_key SET wrapped = zeroblob(60) WHERE kid = unhex(?)", string(keys[3].KID))

	got, err := v.Keys(t.Context(), agent, names(keys))
	var missing *vault.KeyMissingError
	if !errors.As(err, &missing) || len(missing.KIDs) != 2 {
		t.Fatalf("keys = %v, want two missing", err)
	}
	var states []events.State
	for _, r := range got {
		states = append(states, r.State)
	}
	want := []events.State{events.Plain, events.Erased, events.Unopened, events.Unopened}
	if d := cmp.Diff(want, states); d != "" {
		t.Errorf("states (-want +got):\n%s", d)
	}
	if v.Stats().Missing != 2 {
		t.Errorf("missing counted %d, want 2", v.Stats().Missing)
	}
}

func TestMalformedKeyNameIsRefused(t *testing.T) {
	v := newPlace(t).open(t)
	for _, kid := range []events.KID{"", "00", "zz" + events.KID(strings.Repeat("0", 30)), events.KID(strings.Repeat("A", 32))} {
		if _, err := v.Keys(t.Context(), agent, []events.KID{kid}); err == nil {
			t.Errorf("the name %q was taken", kid)
		}
	}
}

func TestCachedKeyIsGoneAfterDestroy(t *testing.T) {
	v := newPlace(t).open(t)
	keys := mint(t, v, requests(2, subject(1))...)
	open(t, v, names(keys)...)
	destroy(t, v, keys[0].KID)
	got := open(t, v, names(keys)...)
	if got[0].State != events.Erased || got[1].State != events.Plain {
		t.Errorf("states %v and %v, want erased and plain", got[0].State, got[1].State)
	}
	if got[0].DEK != [32]byte{} || got[0].Tomb.Cause != "subject" || got[0].Tomb.At.IsZero() {
		t.Errorf("an erased key with bytes, or with a tombstone that says nothing: %+v", got[0].Tomb)
	}
}

func TestCachedKeyIsAskedForAgainAfterItsLease(t *testing.T) {
	p, c := newPlace(t), newClock()
	cfg := p.config()
	cfg.Now = c.now
	v := openWith(t, cfg)
	kid := mint(t, v, request(subject(1)))[0].KID
	open(t, v, kid)
	execSQL(t, p.sql(t), "UPDATE seg_key SET state = 2") // behind the vault's back
	c.at = c.at.Add(4 * time.Second)
	if s := open(t, v, kid)[0].State; s != events.Plain {
		t.Errorf("within the lease: %v, want plain", s)
	}
	c.at = c.at.Add(2 * time.Second)
	if s := open(t, v, kid)[0].State; s != events.Restricted {
		t.Errorf("after the lease: %v, want restricted", s)
	}
}

func TestCacheIsBounded(t *testing.T) {
	cfg := newPlace(t).config()
	cfg.CacheKeys = 10
	v := openWith(t, cfg)
	kids := names(mint(t, v, requests(100, subject(1))...))
	open(t, v, kids...)
	open(t, v, kids[:5]...)
	before := v.Stats().Cached
	open(t, v, kids[:5]...)
	if s := v.Stats(); s.CacheKeys != 10 || s.Cached-before != 5 {
		t.Errorf("%d keys in memory, %d of them used; want 10 and 5", s.CacheKeys, s.Cached-before)
	}
}

func TestEveryOpeningLeavesALine(t *testing.T) {
	p := newPlace(t)
	v := p.open(t)
	kids := names(mint(t, v, requests(3, subject(1))...))
	outbox := events.Principal{Actor: "system:outbox", Role: events.RoleOutbox, Purpose: "promo"}
	view := events.Principal{Actor: "system:tickets", Role: events.RoleView, Purpose: events.PurposeSupport}
	for _, who := range []events.Principal{agent, outbox, view} {
		if _, err := v.Keys(t.Context(), who, kids[:2]); err != nil {
			t.Fatal(err)
		}
	}
	shut(t, v)
	v = p.open(t)
	got, err := v.Accesses(t.Context(), kids[1])
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i].At = time.Time{}
	}
	want := []vault.Access{{Who: agent, Opened: 2}, {Who: outbox, Denied: 2}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("access log (-want +got):\n%s", d)
	}
	if got, err := v.Accesses(t.Context(), kids[2]); err != nil || len(got) != 0 {
		t.Errorf("a key nobody opened has %d lines (%v)", len(got), err)
	}
}

func TestAccessLogLosesNoLineUnderLoad(t *testing.T) {
	v := newPlace(t).open(t)
	kid := mint(t, v, request(subject(1)))[0].KID
	const callers, calls = 4, 3000 // more than the buffer holds
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range calls {
				if _, err := v.Keys(t.Context(), agent, []events.KID{kid}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	got, err := v.Accesses(t.Context(), kid)
	if err != nil || len(got) != callers*calls {
		t.Errorf("%d lines (%v), want %d", len(got), err, callers*calls)
	}
}

func TestOldLinesOfTheAccessLogAreDropped(t *testing.T) {
	p, c := newPlace(t), newClock()
	cfg := p.config()
	cfg.Now = c.now
	v := openWith(t, cfg)
	kid := mint(t, v, request(subject(1)))[0].KID
	open(t, v, kid)
	lines := func() int {
		t.Helper()
		got, err := v.Accesses(t.Context(), kid)
		if err != nil {
			t.Fatal(err)
		}
		return len(got)
	}
	if lines() != 1 {
		t.Fatal("the first line is not there")
	}
	c.at = c.at.AddDate(0, 14, 0)
	open(t, v, kid)
	if n := lines(); n != 1 {
		t.Errorf("%d lines after 14 months, want the new one alone", n)
	}
}
