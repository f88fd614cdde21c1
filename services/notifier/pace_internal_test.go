package notifier

import (
	"fmt"
	"testing"
	"time"

	"github.com/westshore/hub/events"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func id(n int) events.OutboundID { return events.OutboundID(fmt.Sprint(n)) }

// claimAll takes as many messages of a domain as there is room for.
func claimAll(p *pace, d events.Hash, from int, now time.Time) (ids []events.OutboundID) {
	for n := p.room(d, now); n > 0; n = p.room(d, now) {
		for range n {
			if p.take(id(from+len(ids)), d, now, now.Add(time.Minute)) {
				ids = append(ids, id(from+len(ids)))
			}
		}
	}
	return ids
}

// TestO9DomainStartsSlowlyAndGrows: two at a time and twenty a minute, more with
// every success, never all places.
func TestO9DomainStartsSlowlyAndGrows(t *testing.T) {
	p := newPace(Pacing{InFlight: 16})
	if got := len(claimAll(p, "a", 0, noon)); got != 2 {
		t.Fatalf("%d under way at first, want 2", got)
	}
	p.learn(id(0), "", time.Time{}, noon)
	p.learn(id(1), "", time.Time{}, noon)
	sent, now := 2, noon
	for sent < 20 { // the rest of the first minute's tokens
		batch := claimAll(p, "a", sent, now)
		if len(batch) == 0 {
			break
		}
		for _, m := range batch {
			p.learn(m, "", time.Time{}, now)
		}
		sent += len(batch)
	}
	if sent != 20 {
		t.Errorf("%d in the first moment, want 20", sent)
	}
	for range 200 {
		now = now.Add(time.Second)
		for _, m := range claimAll(p, "a", sent, now) {
			p.learn(m, "", time.Time{}, now)
			sent++
		}
	}
	k := p.domains["a"]
	if k.rate < 100*20 || k.parallel != 8 {
		t.Errorf("after %d successes %.0f a minute and %d at a time, want faster and half of 16", sent, k.rate, k.parallel)
	}
}

// TestO6TooFastHalves: "too fast" halves rate and concurrency of that domain
// alone.
func TestO6TooFastHalves(t *testing.T) {
	p := newPace(Pacing{Start: 40, Parallel: 4})
	ids := claimAll(p, "a", 0, noon)
	p.learn(ids[0], ClassRate, noon.Add(15*time.Minute), noon)
	if k := p.domains["a"]; k.rate != 20 || k.parallel != 2 {
		t.Errorf("%.0f a minute and %d at a time, want 20 and 2", k.rate, k.parallel)
	}
	if p.room("a", noon.Add(time.Second)) != 0 || p.room("b", noon) == 0 {
		t.Error("the domain gets mail at once, or another one does not")
	}
	for _, m := range ids[1:] {
		p.back(m)
	}
	if p.room("a", noon.Add(2*restTime)) == 0 {
		t.Error("the domain gets nothing after its rest")
	}
}

// TestO9SlowDomainLeavesPlaces: a domain that never answers cannot take every
// place.
func TestO9SlowDomainLeavesPlaces(t *testing.T) {
	p := newPace(Pacing{InFlight: 8, Parallel: 2})
	now := noon
	for n := range 200 { // it was fast, and got as much as there is
		now = now.Add(time.Second)
		for _, m := range claimAll(p, "slow", 10*n, now) {
			p.learn(m, "", time.Time{}, now)
		}
	}
	stuck := len(claimAll(p, "slow", 5000, now))
	if stuck != 4 || p.room("fast", now) == 0 {
		t.Errorf("%d of 8 places taken, %d left for others", stuck, p.room("fast", now))
	}
}

// TestO6ServerAwayIsProbed: when the server is away nothing but one message tries
// it again, and that one opens the way for all.
func TestO6ServerAwayIsProbed(t *testing.T) {
	p := newPace(Pacing{})
	claimAll(p, "a", 0, noon)
	p.learn(id(0), ClassHost, noon.Add(10*time.Second), noon)
	p.back(id(1))
	if !p.full(noon.Add(9*time.Second)) || !p.stopped() {
		t.Error("claims go on while the server is away")
	}
	now := noon.Add(10 * time.Second)
	if got := len(claimAll(p, "b", 10, now)) + len(claimAll(p, "c", 20, now)); got != 1 {
		t.Errorf("%d probes, want 1", got)
	}
	p.learn(id(10), ClassGreylist, now.Add(5*time.Minute), now)
	if p.full(now) || p.stopped() || p.room("c", now) == 0 {
		t.Error("an answer did not open the way")
	}
}

// TestLostResultGivesItsPlaceBack when the lease is over.
func TestLostResultGivesItsPlaceBack(t *testing.T) {
	p := newPace(Pacing{InFlight: 2})
	claimAll(p, "a", 0, noon)
	if !p.full(noon) {
		t.Fatal("not full")
	}
	if p.full(noon.Add(2 * time.Minute)) {
		t.Error("a lost result holds its place")
	}
}
