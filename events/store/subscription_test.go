package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/store"
)

// fill writes n events to a stream.
func fill(t testing.TB, s *store.Store, stream string, n int) {
	t.Helper()
	evs := make([]store.Event, 0, 500)
	for done := 0; done < n; done += len(evs) {
		evs = evs[:0]
		for range min(500, n-done) {
			evs = append(evs, event(`"some data to fill what is between the two ends of a connection"`))
		}
		if _, err := s.Append(within(t, patience), stream, int64(done)-1, evs...); err != nil {
			t.Fatal(err)
		}
	}
}

// The connection is cut again and again while a subscription catches up.
func TestSubscriptionCut(t *testing.T) {
	t.Parallel()
	const n = 20_000
	r := newRig(t, store.Config{})
	fill(t, r.direct, "a", n)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	seen, cuts, next := 0, 0, events.Revision(0)
	err := r.store.Subscribe(ctx, store.SubscribeOptions{TypePrefixes: []string{"test."}}, func(items []store.Item) error {
		if len(items) == 0 || len(items) > store.MaxBatch {
			t.Errorf("a batch of %d", len(items))
		}
		for _, it := range items {
			if it.Event == nil {
				continue
			}
			if it.Event.Revision != next {
				t.Fatalf("revision %d, want %d", it.Event.Revision, next)
			}
			next++
			if seen++; seen%2500 == 0 && cuts < 6 {
				cuts++
				r.proxy.cut()
			}
		}
		if seen == n {
			cancel()
		}
		return nil
	})
	if seen != n || ctx.Err() == nil {
		t.Fatalf("saw %d of %d: %v", seen, n, err)
	}
	if r.proxy.connections() < 3 {
		t.Errorf("%d connections: it was not cut", r.proxy.connections())
	}
}

// The server is there no more, but nobody says so: a live subscription finds
// out by itself.
func TestSubscriptionBlackHole(t *testing.T) {
	t.Parallel()
	r := newRig(t, store.Config{CallTimeout: 2 * time.Second, IdleCheck: 200 * time.Millisecond})
	fill(t, r.direct, "a", 3)
	f := follow(t, r.store, store.SubscribeOptions{TypePrefixes: []string{"test."}})
	f.await(3)
	r.proxy.blackhole()
	if _, err := r.direct.Append(within(t, patience), "a", 2, event("1")); err != nil {
		t.Fatal(err)
	}
	f.await(4)
}

// A subscription that has been quiet for long is asked after, and stays.
func TestSubscriptionIdle(t *testing.T) {
	t.Parallel()
	r := newRig(t, store.Config{IdleCheck: 20 * time.Millisecond})
	f := follow(t, r.store, store.SubscribeOptions{TypePrefixes: []string{"test."}})
	fill(t, r.direct, "a", 1)
	f.await(1)
	<-time.After(500 * time.Millisecond)
	before := r.proxy.connections()
	fill(t, r.direct, "b", 1)
	f.await(2)
	if before != 1 || r.proxy.connections() != 1 {
		t.Errorf("%d connections, want one", r.proxy.connections())
	}
}

// Nobody is there when a subscription begins.
func TestSubscriptionBeforeServer(t *testing.T) {
	t.Parallel()
	r := newRig(t, store.Config{})
	r.proxy.stop()
	f := follow(t, r.store, store.SubscribeOptions{TypePrefixes: []string{"test."}})
	fill(t, r.direct, "a", 3)
	<-time.After(300 * time.Millisecond)
	r.proxy.start()
	f.await(3)
}

// A handler that takes its time holds the server back, not memory.
func TestSubscriptionEndsWithHandler(t *testing.T) {
	t.Parallel()
	r := newRig(t, store.Config{})
	fill(t, r.direct, "a", 5000)
	ctx, cancel := context.WithCancel(context.Background())
	err := r.store.Subscribe(ctx, store.SubscribeOptions{}, func([]store.Item) error {
		cancel()
		<-ctx.Done()
		return nil
	})
	if err == nil || ctx.Err() == nil {
		t.Fatalf("got %v", err)
	}
}
