package node_test

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestSubscribeToAll(t *testing.T) {
	c := dial(t, start(t))
	sub := func(opts esdb.SubscribeToAllOptions) *subscription {
		raw, err := c.SubscribeToAll(t.Context(), opts)
		return listen(t, raw, err)
	}
	empty := sub(esdb.SubscribeToAllOptions{From: esdb.Start{}})
	empty.caughtUp()
	put(t, c, "a", esdb.NoStream{}, eventsN("a", 3)...)
	var at []esdb.Position
	for i := range 3 {
		e := empty.event()
		if e.EventNumber != uint64(i) {
			t.Errorf("revision %d, want %d", e.EventNumber, i)
		}
		at = append(at, e.Position)
	}
	after := sub(esdb.SubscribeToAllOptions{From: at[1]})
	if e := after.event(); e.EventNumber != 2 {
		t.Errorf("after position: revision %d", e.EventNumber)
	}
	after.caughtUp()
	end := sub(esdb.SubscribeToAllOptions{From: esdb.End{}})
	end.caughtUp()
	beyond := sub(esdb.SubscribeToAllOptions{From: esdb.Position{Commit: 1 << 40, Prepare: 1 << 40}})
	beyond.caughtUp()
	put(t, c, "b", esdb.NoStream{}, event("b"))
	for name, s := range map[string]*subscription{"empty": empty, "after": after, "end": end} {
		if e := s.event(); e.StreamID != "b" {
			t.Errorf("%s: %s", name, e.StreamID)
		}
	}
}

func TestSubscribeToStream(t *testing.T) {
	c := dial(t, start(t))
	sub := func(s string, from esdb.StreamPosition) *subscription {
		raw, err := c.SubscribeToStream(t.Context(), s, esdb.SubscribeToStreamOptions{From: from})
		return listen(t, raw, err)
	}
	s := streamName()
	missing := sub(s, esdb.Start{})
	missing.caughtUp()
	put(t, c, s, esdb.NoStream{}, eventsN("a", 4)...)
	for i := range 4 {
		if e := missing.event(); e.EventNumber != uint64(i) {
			t.Errorf("revision %d, want %d", e.EventNumber, i)
		}
	}
	after, end, beyond := sub(s, esdb.Revision(1)), sub(s, esdb.End{}), sub(s, esdb.Revision(5))
	for i := 2; i < 4; i++ {
		if e := after.event(); e.EventNumber != uint64(i) {
			t.Errorf("exclusive start: revision %d, want %d", e.EventNumber, i)
		}
	}
	after.caughtUp()
	end.caughtUp()
	beyond.caughtUp()
	// Limits hold while catching up, not live.
	setMetadata(t, c, s, esdb.NoStream{}, `{"$maxCount":1}`)
	limited := sub(s, esdb.Start{})
	if e := limited.event(); e.EventNumber != 3 {
		t.Errorf("limited: revision %d", e.EventNumber)
	}
	limited.caughtUp()
	put(t, c, s, esdb.Revision(3), eventsN("b", 3)...)
	for name, sub := range map[string]*subscription{"after": after, "end": end, "limited": limited, "beyond": beyond} {
		first := uint64(4)
		if name == "beyond" {
			first = 6
		}
		for i := first; i < 7; i++ {
			if e := sub.event(); e.EventNumber != i {
				t.Errorf("%s: revision %d, want %d", name, e.EventNumber, i)
			}
		}
	}
	// Soft deletion hides, and what comes later is delivered.
	if _, err := c.DeleteStream(t.Context(), s, esdb.DeleteStreamOptions{}); err != nil {
		t.Fatal(err)
	}
	gone := sub(s, esdb.Start{})
	gone.caughtUp()
	put(t, c, s, esdb.Any{}, event("again"))
	if e := gone.event(); e.EventNumber != 7 {
		t.Errorf("after undelete: revision %d", e.EventNumber)
	}
	// A tombstone is delivered and ends it.
	if _, err := c.TombstoneStream(t.Context(), s, esdb.TombstoneStreamOptions{}); err != nil {
		t.Fatal(err)
	}
	if e := gone.event(); e.EventType != "$streamDeleted" || e.EventNumber != math.MaxInt64 {
		t.Errorf("tombstone: %s %d", e.EventType, e.EventNumber)
	}
	if err := gone.dropped(); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("end: %v", err)
	}
}

// TestNoGapAndNoDuplicate subscribes while ten writers are at work, so that
// every subscription crosses from catching up to live under way.
func TestNoGapAndNoDuplicate(t *testing.T) {
	n := start(t)
	c := dial(t, n)
	const writers, each = 10, 60
	const total = writers * each * 3
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				_, err := c.AppendToStream(t.Context(), fmt.Sprintf("w-%d", w), esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}},
					eventsN(fmt.Sprintf("%d.", i), 3)...)
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	subscriber := dial(t, n)
	for range 8 {
		raw, err := subscriber.SubscribeToAll(t.Context(), esdb.SubscribeToAllOptions{From: esdb.Start{}})
		s := listen(t, raw, err)
		wg.Go(func() {
			last, next := uint64(0), map[string]uint64{}
			for got := 0; got < total; {
				ev := s.next()
				if ev.EventAppeared == nil {
					continue
				}
				e := ev.EventAppeared.Event
				if e.Position.Commit <= last || e.EventNumber != next[e.StreamID] {
					t.Errorf("position %d after %d; %s: revision %d, want %d", e.Position.Commit, last, e.StreamID, e.EventNumber, next[e.StreamID])
					return
				}
				last, next[e.StreamID] = e.Position.Commit, e.EventNumber+1
				got++
			}
		})
	}
	wg.Wait()
}

func TestFilters(t *testing.T) {
	c := dial(t, start(t))
	put(t, c, "ticket-1", esdb.NoStream{}, event("x.a"), event("y.b"))
	put(t, c, "mail-1", esdb.NoStream{}, event("x.c"), event("z.d"))
	for name, r := range map[string]struct {
		filter esdb.SubscriptionFilter
		want   []string
	}{
		"type prefix":   {esdb.SubscriptionFilter{Type: esdb.EventFilterType, Prefixes: []string{"test.x", "test.z"}}, []string{"x.a", "x.c", "z.d", "x.live"}},
		"type regex":    {esdb.SubscriptionFilter{Type: esdb.EventFilterType, Regex: `\.(b|c|live)$`}, []string{"y.b", "x.c", "x.live"}},
		"stream prefix": {esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{"mail-"}}, []string{"x.c", "z.d", "x.live"}},
		"stream regex":  {esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Regex: "^(mail|other)-"}, []string{"x.c", "z.d", "x.live"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := "mail-" + streamName()
			raw, err := c.SubscribeToAll(t.Context(), esdb.SubscribeToAllOptions{
				From: esdb.Start{}, Filter: &r.filter, MaxSearchWindow: 1000, CheckpointInterval: 1,
			})
			sub := listen(t, raw, err)
			var got []string
			for len(got) < len(r.want) {
				ev := sub.next()
				switch {
				case ev.CaughtUp != nil:
					put(t, c, s, esdb.NoStream{}, event("x.live"))
				case ev.EventAppeared != nil && !strings.HasPrefix(ev.EventAppeared.Event.StreamID, "mail-test-"),
					ev.EventAppeared != nil && ev.EventAppeared.Event.StreamID == s:
					got = append(got, strings.TrimPrefix(ev.EventAppeared.Event.EventType, "test."))
				}
			}
			if diff := cmp.Diff(r.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCheckpoints: they come without any match, only move forward, and
// resuming from each loses nothing.
func TestCheckpoints(t *testing.T) {
	c := dial(t, start(t))
	const total, every = 200, 10
	for i := range total {
		name := "no"
		if i%7 == 0 {
			name = "yes"
		}
		put(t, c, "s", esdb.Any{}, event(name))
	}
	follow := func(from esdb.AllPosition, prefix string) (matches []uint64, checkpoints []esdb.Position, before []int) {
		raw, err := c.SubscribeToAll(t.Context(), esdb.SubscribeToAllOptions{
			From: from, MaxSearchWindow: every, CheckpointInterval: 1,
			Filter: &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Prefixes: []string{prefix}},
		})
		sub := listen(t, raw, err)
		for {
			switch ev := sub.next(); {
			case ev.CaughtUp != nil:
				return matches, checkpoints, before
			case ev.EventAppeared != nil:
				matches = append(matches, ev.EventAppeared.Event.EventNumber)
			case ev.CheckPointReached != nil:
				checkpoints = append(checkpoints, *ev.CheckPointReached)
				before = append(before, len(matches))
			}
		}
	}
	want, checkpoints, before := follow(esdb.Start{}, "test.yes")
	if len(checkpoints) != total/every+1 {
		t.Errorf("%d checkpoints", len(checkpoints))
	}
	for i, p := range checkpoints {
		if i > 0 && p.Commit < checkpoints[i-1].Commit {
			t.Errorf("checkpoint %d went back from %d to %d", i, checkpoints[i-1].Commit, p.Commit)
		}
		if i%5 != 0 {
			continue
		}
		rest, _, _ := follow(p, "test.yes")
		if diff := cmp.Diff(want[before[i]:], append([]uint64{}, rest...)); diff != "" {
			t.Errorf("resumed from checkpoint %d: %s", i, diff)
		}
	}
	if none, cps, _ := follow(esdb.Start{}, "nothing"); len(none) != 0 || len(cps) != total/every+1 {
		t.Errorf("no match: %d events, %d checkpoints", len(none), len(cps))
	}
	// Live, without a match.
	raw, err := c.SubscribeToAll(t.Context(), esdb.SubscribeToAllOptions{
		From: esdb.End{}, MaxSearchWindow: every, CheckpointInterval: 2,
		Filter: &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Prefixes: []string{"nothing"}},
	})
	live := listen(t, raw, err)
	live.caughtUp()
	res := put(t, c, "s", esdb.Any{}, eventsN("no", 2*every)...)
	if ev := live.next(); ev.CheckPointReached == nil || ev.CheckPointReached.Commit != res.CommitPosition {
		t.Errorf("live: %s, want a checkpoint at %d", describe(ev), res.CommitPosition)
	}
}

// TestStalledReadersCostNothing: subscribers that stop reading are held by flow
// control. The node keeps one page of each and no more while 100,000 events
// arrive, others are served on the same connection and on another one, and who
// reads on has missed nothing.
func TestStalledReadersCostNothing(t *testing.T) {
	n := start(t)
	stalled, writer, brisk := dial(t, n), dial(t, n), dial(t, n)
	const readers, calls, each = 8, 200, 500
	var subs []*esdb.Subscription
	for range readers {
		sub, err := stalled.SubscribeToAll(t.Context(), esdb.SubscribeToAllOptions{From: esdb.Start{}})
		if err != nil {
			t.Fatal(err)
		}
		defer sub.Close()
		subs = append(subs, sub)
	}
	opts := esdb.SubscribeToAllOptions{
		From: esdb.Start{}, MaxSearchWindow: 10_000, CheckpointInterval: 1,
		Filter: &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Prefixes: []string{"test.last"}},
	}
	var last []*subscription
	for _, c := range []*esdb.Client{stalled, brisk} { // a stalled connection has room for others
		raw, err := c.SubscribeToAll(t.Context(), opts)
		last = append(last, listen(t, raw, err))
	}
	before := heap()
	body := []byte(`"` + strings.Repeat("x", 200) + `"`)
	for range calls {
		evs := eventsN("e", each)
		for i := range evs {
			evs[i].Data = body
		}
		put(t, writer, "s", esdb.Any{}, evs...)
	}
	put(t, writer, "s", esdb.Any{}, event("last"))
	for _, s := range last {
		for ev := s.next(); ev.EventAppeared == nil; ev = s.next() {
			continue // checkpoints
		}
	}
	// The ring of newest events, two pages of each reader and what gRPC buffers at
	// both ends; the events themselves are some 30 MB for each.
	if grown, limit := heap()-before, int64(readers*2<<20+24<<20); grown > limit {
		t.Errorf("%d stalled readers hold %d MiB, want at most %d", readers, grown>>20, limit>>20)
	}
	for next := uint64(0); next < calls*each; {
		ev := subs[0].Recv()
		if ev.SubscriptionDropped != nil {
			t.Fatalf("dropped after %d: %v", next, ev.SubscriptionDropped.Error)
		}
		if ev.EventAppeared == nil {
			continue
		}
		if got := ev.EventAppeared.Event.EventNumber; got != next {
			t.Fatalf("revision %d, want %d", got, next)
		}
		next++
	}
}

// heap is what this process holds.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestStopEndsSubscriptionsWithUnavailable(t *testing.T) {
	n := start(t)
	c := dial(t, n)
	put(t, c, "s", esdb.NoStream{}, event("a"))
	all, err := c.SubscribeToAll(t.Context(), esdb.SubscribeToAllOptions{From: esdb.End{}})
	one := listen(t, all, err)
	stream, err := c.SubscribeToStream(t.Context(), "s", esdb.SubscribeToStreamOptions{From: esdb.End{}})
	two := listen(t, stream, err)
	one.caughtUp()
	two.caughtUp()
	began := time.Now()
	if err := n.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("stopping took %v", took)
	}
	for _, s := range []*subscription{one, two} {
		if err := s.dropped(); status.Code(err) != codes.Unavailable {
			t.Errorf("end: %v", err)
		}
	}
}

// TestStopCutsAStalledReader: a subscriber that never reads holds up a stop only
// as long as the caller allows.
func TestStopCutsAStalledReader(t *testing.T) {
	n := start(t)
	c := dial(t, n)
	sub, err := c.SubscribeToAll(t.Context(), esdb.SubscribeToAllOptions{From: esdb.Start{}})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	for range 16 { // more than the client's windows take
		evs := eventsN("e", 8)
		for i := range evs {
			evs[i].Data = make([]byte, 100<<10)
		}
		put(t, c, "s", esdb.Any{}, evs...)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := n.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("stopping took %v", took)
	}
}
