package store_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/node"
	"github.com/westshore/hub/events/store"
)

// Close comes while callers are at work: each call ends well or with ErrClosed.
func TestCloseUnderLoad(t *testing.T) { both(t, testCloseUnderLoad) }

func testCloseUnderLoad(t *testing.T, batch bool) {
	t.Parallel()
	n := startNode(t, node.Config{Dir: shortDir(t)})
	for range 10 {
		s := openStore(t, store.Config{Batch: batch, Socket: n.SocketPath()})
		var wg sync.WaitGroup
		var done atomic.Int64
		some := make(chan struct{}, 1)
		subscribed := make(chan error, 1)
		go func() {
			subscribed <- s.Subscribe(context.Background(), store.SubscribeOptions{}, func([]store.Item) error { return nil })
		}()
		for range 32 {
			stream := events.NewUUID().String()
			wg.Go(func() {
				for i := events.NoStream; ; i++ {
					if _, err := s.Append(context.Background(), stream, i, event("1")); err != nil {
						if !errors.Is(err, store.ErrClosed) {
							t.Errorf("got %v", err)
						}
						return
					}
					if done.Add(1) == 200 {
						some <- struct{}{}
					}
				}
			})
		}
		<-some
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if err := <-subscribed; !errors.Is(err, store.ErrClosed) {
			t.Errorf("subscription: %v", err)
		}
	}
}

// The server goes away while callers are at work, and the store is closed
// then: the combination that crashes the client.
func TestCloseWithoutServer(t *testing.T) { both(t, testCloseWithoutServer) }

func testCloseWithoutServer(t *testing.T, batch bool) {
	t.Parallel()
	for range 5 {
		n := startNode(t, node.Config{Dir: shortDir(t)})
		s := openStore(t, store.Config{Batch: batch, Socket: n.SocketPath()})
		f := follow(t, s, store.SubscribeOptions{})
		var wg sync.WaitGroup
		var once sync.Once
		busy := make(chan struct{})
		for range 32 {
			stream := events.NewUUID().String()
			wg.Go(func() {
				for i := events.NoStream; ; i++ {
					if _, err := s.Append(context.Background(), stream, i, event("1")); err != nil {
						return
					}
					once.Do(func() { close(busy) })
				}
			})
		}
		<-busy
		stopNode(t, n)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if err := <-f.done; !errors.Is(err, store.ErrClosed) {
			t.Errorf("subscription: %v", err)
		}
		f.done <- nil
	}
}
