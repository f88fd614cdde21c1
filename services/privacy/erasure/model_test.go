package erasure_test

import "testing"

// world is one state of the model: a person with two keys, of which a late writer
// mints the second; a saga, a hold, a cache, a backup of the vault, and the ledger
// that a restored vault repeats. It is small enough to look at every state.
type world struct {
	key    [2]uint8 // the vault: none, live, deferred, dead
	cached [2]bool  // some process still holds it
	known  bool     // the address resolves to the person
	held   bool
	saga   uint8
	writer uint8
	intent [2]bool // the ledger: destruction of a key
	fenced bool    // the ledger: the fence
	backup [2]uint8
	bknown bool
	saved  bool // there is a backup
	gated  bool // a restored vault that has not repeated the ledger

	// What the world remembers, to judge by.
	erased    [2]bool
	certified bool
	read      bool // a dead key was read
	lost      bool // a held key was destroyed

	holds, restores, sweeps uint8
}

const (
	none, live, deferred, dead = 0, 1, 2, 3

	waiting, approved, walled, intended, destroyed, drained, done, parked, withdrawn = 0, 1, 2, 3, 4, 5, 6, 7, 8

	idle, began, wrote, refused = 0, 1, 2, 3
)

// flaws are the mistakes that the model must catch.
type flaws struct{ noFence, noGate, noDrain, noHold, noLedger bool }

func (w world) destroy(k int, f flaws) world {
	switch {
	case w.key[k] == none || w.key[k] == dead:
	case w.held && !f.noHold:
		w.key[k] = deferred
	default:
		w.lost = w.lost || w.held
		w.key[k], w.erased[k] = dead, true
	}
	return w
}

// edge is one step of somebody, and where it leads.
type edge struct {
	name string
	to   world
}

// next lists every state that one step of anybody leads to.
func (w world) next(f flaws) (out []edge) {
	add := func(name string, can bool, step func(*world)) {
		if can {
			n := w
			step(&n)
			out = append(out, edge{name, n})
		}
	}
	open := !w.gated
	// The saga.
	add("approve", w.saga == waiting, func(n *world) { n.saga = approved })
	add("withdraw", w.saga == waiting || w.saga == approved, func(n *world) { n.saga = withdrawn })
	add("fence", w.saga == approved && open, func(n *world) {
		n.saga = walled
		if !f.noFence {
			n.known, n.fenced = false, !f.noLedger
		}
	})
	add("intend", w.saga == walled && open, func(n *world) {
		n.saga = intended
		for k := range n.key {
			n.intent[k] = n.intent[k] || !f.noLedger && (n.key[k] == live || n.key[k] == deferred)
		}
	})
	add("destroy", w.saga == intended && open, func(n *world) {
		for k := range n.key {
			if n.intent[k] || f.noLedger {
				*n = n.destroy(k, f)
			}
		}
		n.saga = destroyed
	})
	add("drain", w.saga == destroyed && open, func(n *world) {
		n.saga = drained
		for k := range n.key {
			if !f.noDrain && n.key[k] != live {
				n.cached[k] = false
			}
		}
	})
	add("certify", w.saga == drained && open, func(n *world) {
		n.saga = done
		for _, k := range n.key {
			if k == deferred {
				n.saga = parked
			}
		}
		n.certified = n.saga == done
	})
	add("complete", w.saga == parked && open && w.key[0] != deferred && w.key[1] != deferred, func(n *world) { n.saga = destroyed })
	// Others.
	add("hold", open && !w.held && w.holds > 0, func(n *world) { n.held, n.holds = true, n.holds-1 })
	add("release", open && w.held, func(n *world) {
		n.held = false
		for k := range n.key {
			if n.key[k] == deferred {
				*n = n.destroy(k, f)
				n.cached[k] = false
			}
		}
	})
	add("sweep", open && w.sweeps > 0 && w.key[0] == live && !w.held, func(n *world) {
		n.sweeps--
		n.intent[0] = true
		*n = n.destroy(0, f)
		n.cached[0] = false
	})
	add("begin", w.writer == idle && w.known, func(n *world) { n.writer = began })
	add("write", w.writer == began && open && w.known, func(n *world) { n.writer, n.key[1] = wrote, live })
	add("refuse", w.writer == began && open && !w.known, func(n *world) { n.writer = refused })
	for k := range w.key {
		add("cache", open && w.key[k] == live && !w.cached[k], func(n *world) { n.cached[k] = true })
		add("read cached", w.cached[k] && w.erased[k] && w.certified, func(n *world) { n.read = true })
		add("read", open && w.key[k] == live && w.erased[k], func(n *world) { n.read = true })
	}
	add("backup", open && !w.saved, func(n *world) { n.saved, n.backup, n.bknown = true, n.key, n.known })
	add("restore", w.saved && w.restores > 0, func(n *world) {
		n.restores--
		n.key, n.known, n.cached, n.gated = n.backup, n.bknown, [2]bool{}, !f.noGate
	})
	add("admit", w.gated, func(n *world) {
		n.gated = false
		n.known = n.known && !n.fenced
		for k := range n.key {
			if n.intent[k] && n.key[k] == none {
				n.key[k] = dead // younger than the backup: a tombstone all the same
			}
			if n.intent[k] && n.erased[k] && n.key[k] != none {
				n.key[k] = dead // it went before whatever holds it now
			} else if n.intent[k] {
				*n = n.destroy(k, f)
			}
		}
	})
	return out
}

// broken names the promise that a state breaks.
func (w world) broken() string {
	switch {
	case w.lost:
		return "a held key was destroyed"
	case w.read:
		return "what was erased was read again"
	case w.certified && !w.gated && (w.key[0] == live || w.key[1] == live):
		return "a certificate was issued over a live key"
	}
	return ""
}

// over says that nothing more has to happen to the request.
func (w world) over() bool {
	return w.saga == done || w.saga == withdrawn || w.saga == parked && w.held
}

// start is a person with one key, whose erasure was asked for.
var start = world{key: [2]uint8{live, none}, known: true, holds: 2, restores: 2, sweeps: 1}

// explore looks at every state, and says what is broken and whether every state
// leads to an end.
func explore(f flaws) (states int, broken string, stuck bool) {
	seen, order := map[world]bool{start: true}, []world{start}
	back := map[world][]world{}
	for i := 0; i < len(order); i++ {
		w := order[i]
		if why := w.broken(); why != "" {
			return len(order), why, false
		}
		for _, e := range w.next(f) {
			back[e.to] = append(back[e.to], w)
			if !seen[e.to] {
				seen[e.to] = true
				order = append(order, e.to)
			}
		}
	}
	var ends []world
	good := map[world]bool{}
	for _, w := range order {
		if w.over() {
			good[w] = true
			ends = append(ends, w)
		}
	}
	for i := 0; i < len(ends); i++ {
		for _, b := range back[ends[i]] {
			if !good[b] {
				good[b] = true
				ends = append(ends, b)
			}
		}
	}
	return len(order), "", len(good) != len(order)
}

// TestModelKeepsItsPromises is acceptance test 34: every state of saga, hold,
// sweep, late writer, cache and restore is looked at. Held means the key is there,
// certified means no key and no cache, erased is never read again, and every
// request can end; and each rule of the design is needed: without it the search
// finds a broken promise.
//
// clause: 3.2 S4
func TestModelKeepsItsPromises(t *testing.T) {
	t.Parallel()
	states, broken, stuck := explore(flaws{})
	if broken != "" || stuck || states < 1000 {
		t.Errorf("%d states: %s, stuck %t", states, broken, stuck)
	}
	for name, f := range map[string]flaws{
		"no fence": {noFence: true}, "no gate": {noGate: true}, "no drain": {noDrain: true}, "no hold": {noHold: true}, "no ledger": {noLedger: true},
	} {
		if _, broken, _ := explore(f); broken == "" {
			t.Errorf("with the flaw %q nothing breaks: the model sees nothing", name)
		}
	}
	t.Logf("%d states", states)
}
