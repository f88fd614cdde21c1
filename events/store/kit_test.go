package store_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/node"
	"github.com/westshore/hub/events/store"
)

// TestMain fails when a goroutine of the store or of its client outlives the
// tests: every store they opened was closed.
func TestMain(m *testing.M) {
	status := m.Run()
	if left := leftOver(5 * time.Second); left != "" {
		fmt.Fprintf(os.Stderr, "goroutines left over:\n%s\n", left)
		status = 1
	}
	os.Exit(status)
}

// leftOver waits until no goroutine of the store is left, and returns those
// that are after all.
func leftOver(patience time.Duration) string {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		buf := make([]byte, 4<<20)
		var left []string
		for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(g, "hub/events/store.") || strings.Contains(g, "EventStore-Client-Go") {
				left = append(left, g)
			}
		}
		if len(left) == 0 || time.Now().After(end) {
			return strings.Join(left, "\n\n")
		}
	}
}

// shortDir makes a folder whose path leaves room for a socket's name.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// rig is a node, a proxy before it, a store behind the proxy, and a store
// that talks to the node directly.
type rig struct {
	node   *node.Node
	proxy  *proxy
	store  *store.Store
	direct *store.Store
}

// both runs a test with appends as calls, as on a server, and on one stream, as
// on the embedded node.
func both(t *testing.T, test func(t *testing.T, batch bool)) {
	t.Run("calls", func(t *testing.T) { test(t, false) })
	t.Run("batch", func(t *testing.T) { test(t, true) })
}

func newRig(t *testing.T, cfg store.Config) *rig {
	t.Helper()
	n := startNode(t, node.Config{Dir: shortDir(t)})
	p := newProxy(t, n.SocketPath())
	cfg.Socket = p.socket
	r := &rig{node: n, proxy: p}
	r.direct = openStore(t, store.Config{Socket: n.SocketPath()})
	r.store = openStore(t, cfg)
	return r
}

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func event(data string) store.Event {
	return store.Event{ID: events.NewUUID(), Type: "test.Happened", Data: []byte(data)}
}

// revisions reads what a stream holds.
func revisions(t testing.TB, s *store.Store, stream string) []events.Revision {
	t.Helper()
	var got []events.Revision
	err := s.ReadStream(within(t, patience), stream, 0, 0, func(r store.Recorded) error {
		got = append(got, r.Revision)
		return nil
	})
	if err != nil && !store.IsNotFound(err) {
		t.Fatal(err)
	}
	return got
}

// awaitEvents waits until a stream holds n events.
func awaitEvents(t testing.TB, s *store.Store, stream string, n int) {
	t.Helper()
	ctx := within(t, patience)
	for len(revisions(t, s, stream)) < n {
		if ctx.Err() != nil {
			t.Fatalf("%s never got %d events", stream, n)
		}
	}
}

// follower collects what a subscription delivers.
type follower struct {
	t      testing.TB
	mu     sync.Mutex
	events []store.Recorded
	moved  chan struct{}
	done   chan error
	cancel context.CancelFunc
}

func follow(t testing.TB, s *store.Store, opts store.SubscribeOptions) *follower {
	t.Helper()
	f := &follower{t: t, moved: make(chan struct{}, 1), done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	f.cancel = cancel
	go func() {
		f.done <- s.Subscribe(ctx, opts, func(items []store.Item) error {
			f.mu.Lock()
			for _, it := range items {
				if it.Event != nil {
					f.events = append(f.events, *it.Event)
				}
			}
			f.mu.Unlock()
			select {
			case f.moved <- struct{}{}:
			default:
			}
			return nil
		})
	}()
	t.Cleanup(func() {
		cancel()
		<-f.done
	})
	return f
}

// await waits for n events in all and checks that they are those of the log:
// in order, each once, no revision missing.
func (f *follower) await(n int) {
	f.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		f.mu.Lock()
		got := len(f.events)
		f.mu.Unlock()
		if got >= n {
			break
		}
		select {
		case <-f.moved:
		case <-limit.C:
			f.t.Fatalf("got %d events, want %d", got, n)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.events) > n {
		f.t.Fatalf("got %d events, want %d", len(f.events), n)
	}
	next := map[string]events.Revision{}
	last := events.Start
	for _, e := range f.events {
		if e.Revision != next[e.Stream] || !last.Before(e.Position) {
			f.t.Fatalf("%s: revision %d at %v, want %d after %v", e.Stream, e.Revision, e.Position, next[e.Stream], last)
		}
		next[e.Stream]++
		last = e.Position
	}
}
