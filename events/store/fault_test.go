package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/node"
	"github.com/westshore/hub/events/store"
)

// The server goes away for five seconds, under load, and comes back: every
// append succeeds, once, and a subscription sees them all.
func TestServerGoneAndBack(t *testing.T) { both(t, testServerGoneAndBack) }

func testServerGoneAndBack(t *testing.T, batch bool) {
	t.Parallel()
	const writers, each = 8, 60
	dir := shortDir(t)
	n := startNode(t, node.Config{Dir: dir})
	s := openStore(t, store.Config{Batch: batch, Socket: n.SocketPath(), CallTimeout: 20 * time.Second})
	f := follow(t, s, store.SubscribeOptions{TypePrefixes: []string{"test."}})

	var half, all sync.WaitGroup
	half.Add(writers)
	resume := make(chan struct{})
	for w := range writers {
		all.Go(func() {
			stream := fmt.Sprintf("w-%d", w)
			for i := range each {
				if i == each/2 {
					half.Done()
				}
				if _, err := s.Append(context.Background(), stream, int64(i)-1, event("1")); err != nil {
					t.Errorf("%s at %d: %v", stream, i-1, err)
					return
				}
				if i > each/2 { // some of the rest while it is down, some after
					<-resume
				}
			}
		})
	}
	half.Wait()
	stopNode(t, n)
	<-time.After(5 * time.Second)
	if err := s.Ping(within(t, time.Second)); !store.IsUnavailable(err) {
		t.Errorf("ping without a server: %v", err)
	}
	startNode(t, node.Config{Dir: dir})
	close(resume)
	all.Wait()
	f.await(writers * each)
}

// A server that restarts again and again costs no connections: each generation
// is closed when it is replaced.
func TestRestarts(t *testing.T) { both(t, testRestarts) }

func testRestarts(t *testing.T, batch bool) {
	t.Parallel()
	r := newRig(t, store.Config{Batch: batch})
	f := follow(t, r.store, store.SubscribeOptions{TypePrefixes: []string{"test."}})
	for i := range events.Revision(20) {
		if _, err := r.store.Append(within(t, patience), "a", i-1, event("1")); err != nil {
			t.Fatalf("append %d: %v", i, err)
		}
		f.await(int(i) + 1)
		r.proxy.stop()
		r.proxy.start()
	}
	if _, err := r.store.Append(within(t, patience), "a", 19, event("1")); err != nil {
		t.Fatal(err)
	}
	f.await(21)
	open, most := 0, 2
	if batch {
		most = 3
	}
	for end := time.Now().Add(patience); ; {
		open = 0
		r.proxy.each(func(*link) { open++ })
		if open <= most || time.Now().After(end) {
			break
		}
	}
	if open > most {
		t.Errorf("%d connections are open, want one for calls, one for subscriptions, and one for batches", open)
	}
}

// The answer to an append is lost after the server carried it out.
func TestReplyCut(t *testing.T) { both(t, testReplyCut) }

func testReplyCut(t *testing.T, batch bool) {
	t.Parallel()
	r := newRig(t, store.Config{Batch: batch})
	for name, expected := range map[string]events.Revision{
		"none": events.NoStream, "exact": 0, "any": events.AnyRevision, "any-again": events.AnyRevision,
	} {
		before := 0
		if name == "exact" || name == "any-again" {
			before = 1
			if _, err := r.store.Append(within(t, patience), name, events.NoStream, event("0")); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.store.Ping(within(t, patience)); err != nil {
			t.Fatal(err)
		}
		r.proxy.swallowReplies()
		done := make(chan error, 1)
		var w store.Written
		go func() {
			var err error
			w, err = r.store.Append(within(t, patience), name, expected, event("1"), event("2"))
			done <- err
		}()
		awaitEvents(t, r.direct, name, before+2)
		r.proxy.cut()
		if err := <-done; err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := revisions(t, r.direct, name)
		if len(got) != before+2 || w.Revision != got[len(got)-1] || w.Position == events.Start {
			t.Errorf("%s: stream holds %v, append returned %+v", name, got, w)
		}
	}
}

// A request is lost before the server saw it: it is sent again.
func TestRequestCut(t *testing.T) { both(t, testRequestCut) }

func testRequestCut(t *testing.T, batch bool) {
	t.Parallel()
	r := newRig(t, store.Config{Batch: batch})
	fill(t, r.store, "warm", 1)
	for name, expected := range map[string]events.Revision{"none": events.NoStream, "any": events.AnyRevision} {
		if err := r.store.Ping(within(t, patience)); err != nil {
			t.Fatal(err)
		}
		r.proxy.blackhole()
		done := make(chan error, 1)
		go func() {
			_, err := r.store.Append(within(t, patience), name, expected, event("1"))
			done <- err
		}()
		select {
		case err := <-done:
			t.Fatalf("append through nothing: %v", err)
		case <-time.After(100 * time.Millisecond):
		}
		r.proxy.cut()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if got := revisions(t, r.direct, name); len(got) != 1 {
			t.Errorf("%s: stream holds %v", name, got)
		}
	}
}

// Nobody answers any more, in time: the caller learns that the outcome is not
// known, and repeats the append safely.
func TestOutcomeUnknown(t *testing.T) { both(t, testOutcomeUnknown) }

func testOutcomeUnknown(t *testing.T, batch bool) {
	t.Parallel()
	r := newRig(t, store.Config{Batch: batch, CallTimeout: time.Second})
	if err := r.store.Ping(within(t, patience)); err != nil {
		t.Fatal(err)
	}
	r.proxy.swallowReplies()
	r.proxy.setDeaf(true)
	e := event("1")
	begin := time.Now()
	_, err := r.store.Append(context.Background(), "a", events.NoStream, e)
	if !store.IsOutcomeUnknown(err) {
		t.Fatalf("got %v", err)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
	r.proxy.setDeaf(false)
	r.proxy.cut()
	var w store.Written
	for end := time.Now().Add(patience); ; {
		if w, err = r.store.Append(within(t, patience), "a", events.NoStream, e); err == nil || time.Now().After(end) {
			break
		}
	}
	if err != nil || w.Revision != 0 {
		t.Fatalf("repeated: %+v, %v", w, err)
	}
	if got := revisions(t, r.direct, "a"); len(got) != 1 {
		t.Errorf("stream holds %v", got)
	}
}

// The connection leads nowhere, but a new one works: the call outlives it.
func TestBlackHole(t *testing.T) { both(t, testBlackHole) }

func testBlackHole(t *testing.T, batch bool) {
	t.Parallel()
	r := newRig(t, store.Config{Batch: batch, CallTimeout: 2 * time.Second})
	fill(t, r.store, "a", 1)
	r.proxy.blackhole()
	if _, err := r.store.Append(context.Background(), "a", 0, event("1")); err != nil {
		t.Errorf("append: %v", err)
	}
	r.proxy.blackhole()
	if got := revisions(t, r.store, "a"); len(got) != 2 {
		t.Errorf("stream holds %v", got)
	}
}

// Exact revisions stay idempotent over a restart of the server, which forgets
// what it knew of recent ids.
func TestRepeatedAfterRestart(t *testing.T) { both(t, testRepeatedAfterRestart) }

func testRepeatedAfterRestart(t *testing.T, batch bool) {
	t.Parallel()
	dir := shortDir(t)
	n := startNode(t, node.Config{Dir: dir})
	s := openStore(t, store.Config{Batch: batch, Socket: n.SocketPath()})
	evs := []store.Event{event("0"), event("1"), event("2")}
	first, err := s.Append(within(t, patience), "a", events.NoStream, evs...)
	if err != nil {
		t.Fatal(err)
	}
	id, err := s.Identity(within(t, patience))
	if err != nil {
		t.Fatal(err)
	}
	stopNode(t, n)
	startNode(t, node.Config{Dir: dir})
	again, err := s.Append(within(t, patience), "a", events.NoStream, evs...)
	if err != nil || again != first {
		t.Errorf("got %+v, %v, want %+v", again, err, first)
	}
	if same, err := s.Identity(within(t, patience)); err != nil || same != id {
		t.Errorf("identity was %s and is %s, %v", id, same, err)
	}
}

// Calls end with their context whatever the connection does.
func TestContextEndsCalls(t *testing.T) { both(t, testContextEndsCalls) }

func testContextEndsCalls(t *testing.T, batch bool) {
	t.Parallel()
	r := newRig(t, store.Config{Batch: batch})
	fill(t, r.store, "warm", 1)
	if err := r.store.Ping(within(t, patience)); err != nil {
		t.Fatal(err)
	}
	r.proxy.blackhole()
	calls := map[string]func(context.Context) error{
		"append": func(ctx context.Context) error {
			_, err := r.store.Append(ctx, "a", events.NoStream, event("1"))
			return err
		},
		"read": func(ctx context.Context) error {
			return r.store.ReadStream(ctx, "a", 0, 0, func(store.Recorded) error { return nil })
		},
		"head":      func(ctx context.Context) error { _, err := r.store.Head(ctx); return err },
		"ping":      r.store.Ping,
		"tombstone": func(ctx context.Context) error { return r.store.Tombstone(ctx, "a", 0) },
	}
	var wg sync.WaitGroup
	for name, call := range calls {
		wg.Go(func() {
			begin := time.Now()
			err := call(within(t, 200*time.Millisecond))
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", name, err)
			}
			if took := time.Since(begin); took > 2*time.Second {
				t.Errorf("%s took %v", name, took)
			}
		})
	}
	wg.Wait()
	r.proxy.cut() // so that Close has nothing to wait for
}

// Nobody is there from the beginning: all callers hear so in time, and the
// same store works when somebody comes.
func TestDiscoveryFails(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"refused", "deaf", "cut"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, store.Config{CallTimeout: 2 * time.Second})
			stop := make(chan struct{})
			var cutter sync.WaitGroup
			switch how {
			case "refused":
				r.proxy.stop()
			case "deaf":
				r.proxy.setDeaf(true)
			case "cut": // while it connects
				r.proxy.setDeaf(true)
				cutter.Go(func() {
					for {
						select {
						case <-stop:
							return
						case <-time.After(time.Millisecond):
							r.proxy.cut()
						}
					}
				})
			}
			var wg sync.WaitGroup
			begin := time.Now()
			for i := range 32 {
				wg.Go(func() {
					_, err := r.store.Append(context.Background(), fmt.Sprintf("a-%d", i), events.NoStream, event("1"))
					if !store.IsUnavailable(err) {
						t.Errorf("got %v", err)
					}
				})
			}
			wg.Wait()
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			close(stop)
			cutter.Wait()
			r.proxy.setDeaf(false)
			if how == "refused" {
				r.proxy.start()
			}
			r.proxy.cut()
			s, err := r.store.Append(within(t, patience), "a-0", events.NoStream, event("1"))
			if err != nil || s.Revision != 0 {
				t.Fatalf("got %+v, %v", s, err)
			}
		})
	}
}
