package vault_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// TestHoldsSweepsAndErasuresAgree is acceptance test 16: holds, releases, sweeps
// and erasures come at random, several at once. No held key is ever destroyed;
// when the last hold goes, what waited goes within that call; counts balance.
//
// clause: 3.2
func TestHoldsSweepsAndErasuresAgree(t *testing.T) {
	p, c := newPlace(t), newClock()
	cfg := p.config()
	cfg.Now = c.now
	v := openWith(t, cfg)
	if err := v.SetSchedule(t.Context(), vault.Schedule{Version: 1, Rules: []vault.Rule{{Class: events.ClassComm, Anchor: vault.AnchorCollected, Keep: vault.Period{Days: 1}}}}); err != nil {
		t.Fatal(err)
	}
	person := 0
	rapid.Check(t, func(rt *rapid.T) {
		person++
		who := subject(person)
		stream := events.TicketStream(events.TicketID(fmt.Sprint(person)))
		reqs := requests(6, who)
		for i := range reqs[:3] {
			reqs[i].Stream = stream
		}
		kids := names(mint(t, v, reqs...))
		holds := map[events.UUID]map[events.KID]bool{} // in force, and what each keeps
		ordered := map[events.KID]bool{}               // to be destroyed
		dead := map[events.KID]bool{}
		held := func(kid events.KID) bool {
			for _, keeps := range holds {
				if keeps[kid] {
					return true
				}
			}
			return false
		}
		due := c.at.AddDate(0, 0, 2)
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			// One or two acts, at the same time when they are two.
			var wg sync.WaitGroup
			acts := rapid.SampledFrom([][]string{{"hold"}, {"release"}, {"sweep"}, {"erase"}, {"hold", "sweep"}, {"hold", "erase"}, {"release", "erase"}}).Draw(rt, "acts")
			id := events.NewUUID()
			h := vault.HoldOrder{ID: id, Authority: "case"}
			switch rapid.IntRange(0, 2).Draw(rt, "scope") {
			case 0:
				h.Subjects = []events.SubjectID{who}
			case 1:
				h.Streams = []events.Stream{stream}
			case 2:
				h.KIDs = kids[:rapid.IntRange(1, len(kids)).Draw(rt, "named")]
			}
			covers := func(i int) bool {
				return h.Subjects != nil || h.Streams != nil && i < 3 || slices.Contains(h.KIDs, kids[i])
			}
			var release events.UUID
			for id := range holds {
				if release.IsZero() || id.String() < release.String() {
					release = id
				}
			}
			target := kids[rapid.IntRange(0, 5).Draw(rt, "from"):]
			var placed, released bool
			var did vault.Destroyed
			var freed vault.Destroyed
			for _, act := range acts {
				wg.Go(func() {
					var err error
					switch act {
					case "hold":
						placed = true
						_, err = v.Hold(t.Context(), h)
					case "release":
						released = true
						freed, err = v.Release(t.Context(), release)
					case "sweep":
						did, err = v.Destroy(t.Context(), vault.Order{ID: events.NewUUID(), Cause: vault.CauseRetention, Due: due}, target)
					case "erase":
						did, err = v.Destroy(t.Context(), vault.Order{ID: events.NewUUID(), Cause: vault.CauseSubject}, target)
					}
					if err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			for _, kid := range slices.Concat(did.Killed, freed.Killed) {
				// A hold of the same moment may have come too late; one from before may not.
				if !dead[kid] && held(kid) && (!released || !holds[release][kid] || count(holds, kid) > 1) {
					rt.Fatalf("held key %s was destroyed", kid)
				}
				dead[kid] = true
			}
			for _, kid := range did.Deferred {
				ordered[kid] = true
			}
			if n := len(did.Killed) + len(did.Deferred) + len(did.Spared); slices.Contains(acts, "sweep") || slices.Contains(acts, "erase") {
				if n != len(target) {
					rt.Fatalf("an order about %d keys accounts for %d", len(target), n)
				}
			}
			if released {
				delete(holds, release)
			}
			if placed {
				holds[id] = map[events.KID]bool{}
				for i, kid := range kids {
					if covers(i) && !dead[kid] {
						holds[id][kid] = true
					}
				}
			}
			for _, kid := range kids {
				if ordered[kid] && !dead[kid] && !held(kid) {
					rt.Fatalf("key %s waits for nothing and is still there", kid)
				}
			}
			for i, r := range open(t, v, kids...) {
				switch {
				case dead[kids[i]] != (r.State == events.Erased):
					rt.Fatalf("key %d is %v, destroyed: %v", i, r.State, dead[kids[i]])
				case held(kids[i]) && r.State == events.Erased:
					rt.Fatalf("key %d is held and erased", i)
				}
			}
		}
		list, err := v.Holds(t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		for _, h := range list {
			if keeps := holds[h.ID]; keeps != nil && h.Keys != len(keeps) {
				rt.Fatalf("a hold counts %d keys, it keeps %d", h.Keys, len(keeps))
			}
		}
		for id := range holds {
			if _, err := v.Release(t.Context(), id); err != nil {
				rt.Fatal(err)
			}
		}
		infos, err := v.SubjectKeys(t.Context(), who)
		if err != nil {
			rt.Fatal(err)
		}
		for _, i := range infos {
			if i.Holds != 0 || i.State != vault.Live || ordered[i.KID] {
				rt.Fatalf("after the last release a key has %d holds and is %v", i.Holds, i.State)
			}
		}
	})
}

func count(holds map[events.UUID]map[events.KID]bool, kid events.KID) (n int) {
	for _, keeps := range holds {
		if keeps[kid] {
			n++
		}
	}
	return n
}

// TestRandomInterleavingsOfWritersAndFences is acceptance test 5, drawn at
// random: a writer's steps (begin, resolve, mint) and an erasure's (fence, list,
// destroy) in any order. Nothing is readable under the fenced subject.
//
// clause: 1.3
func TestRandomInterleavingsOfWritersAndFences(t *testing.T) {
	v := newPlace(t).open(t)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		addr := []string{fmt.Sprintf("p%d@example.org", round)}
		old, err := v.Subjects(t.Context(), addr)
		if err != nil {
			rt.Fatal(err)
		}
		order := rapid.Permutation([]int{0, 0, 0, 1, 1, 1}).Draw(rt, "order") // 0 the writer, 1 the erasure
		var u vault.UnitOfWork
		who := old
		var minted []vault.Key
		fenced := false
		var doomed []events.KID
		writer := []func(){
			func() { u = v.Begin() },
			func() { who, err = v.Subjects(t.Context(), addr) },
			func() {
				minted, err = v.Mint(t.Context(), u, requests(1, who[0]))
				if errors.Is(err, vault.ErrFenced) { // as every door does: again, with a new unit
					if who[0] == old[0] != fenced {
						rt.Fatal("fenced without a fence")
					}
					u = v.Begin()
					if who, err = v.Subjects(t.Context(), addr); err != nil {
						return
					}
					if who[0] == old[0] {
						rt.Fatal("the address still resolves to the fenced subject")
					}
					minted, err = v.Mint(t.Context(), u, requests(1, who[0]))
				}
			},
		}
		erasure := []func(){
			func() { fenced = true; err = v.Fence(t.Context(), old[0]) },
			func() { doomed, err = v.KeysOf(t.Context(), old[0]) },
			func() {
				_, err = v.Destroy(t.Context(), vault.Order{ID: events.NewUUID(), Cause: vault.CauseSubject}, doomed)
			},
		}
		for _, which := range order {
			steps := &writer
			if which == 1 {
				steps = &erasure
			}
			(*steps)[0]()
			if err != nil {
				rt.Fatal(err)
			}
			*steps = (*steps)[1:]
		}
		if left, err := v.KeysOf(t.Context(), old[0]); err != nil || len(left) > 0 {
			rt.Fatalf("%d keys of the fenced subject are left (%v)", len(left), err)
		}
		want := events.Plain
		if slices.Contains(doomed, minted[0].KID) {
			want = events.Erased
		}
		if got := open(t, v, minted[0].KID)[0].State; got != want {
			rt.Fatalf("the writer's key is %v, want %v", got, want)
		}
	})
}

// TestWarmCachesAreDrained is acceptance test 12: openers that hold the key in
// memory or were just handed it. After Drained nobody has it.
//
// clause: S4
func TestWarmCachesAreDrained(t *testing.T) {
	v := newPlace(t).open(t)
	kid := mint(t, v, request(subject(1)))[0].KID
	before := v.Generation()
	const openers = 3
	var wg sync.WaitGroup
	handed, finish := make(chan struct{}, openers), make(chan struct{})
	var mu sync.Mutex
	var still int // openers that hold the key
	for range openers {
		wg.Go(func() {
			open(t, v, kid)
			done := v.Reading()
			if open(t, v, kid)[0].State == events.Plain {
				mu.Lock()
				still++
				mu.Unlock()
			}
			handed <- struct{}{}
			<-finish
			mu.Lock()
			still--
			mu.Unlock()
			done()
		})
	}
	for range openers {
		<-handed
	}
	destroy(t, v, kid)
	if g := v.Generation(); g != before+1 {
		t.Errorf("generation %d, want %d", g, before+1)
	}
	if s := open(t, v, kid)[0].State; s != events.Erased {
		t.Errorf("a new opener gets %v", s)
	}
	drained := make(chan error, 2)
	for range 2 { // both wait, the second one too
		go func() { drained <- v.Drained(t.Context()) }()
	}
	select {
	case err := <-drained:
		t.Fatalf("drained (%v) while three openers hold the key", err)
	case <-time.After(30 * time.Millisecond):
	}
	close(finish)
	for range 2 {
		if err := <-drained; err != nil {
			t.Fatal(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if still != 0 {
		t.Errorf("%d openers hold the key after Drained", still)
	}
	wg.Wait()
	if err := v.Drained(t.Context()); err != nil {
		t.Errorf("with nobody reading: %v", err)
	}
}

func TestGenerationOutlivesARestart(t *testing.T) {
	p := newPlace(t)
	v := p.open(t)
	for i := range 3 {
		destroy(t, v, names(mint(t, v, request(subject(i))))...)
	}
	want := v.Generation()
	shut(t, v)
	if v = p.open(t); v.Generation() != want || want != 3 {
		t.Errorf("generation %d after a restart, want %d", v.Generation(), want)
	}
}
