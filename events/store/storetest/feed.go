package storetest

import (
	"context"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/store"
)

// feed is a running subscription of a case.
type feed struct {
	k     *kit
	stop  func()
	items chan store.Item
	done  chan error
}

func (k *kit) subscribe(opts store.SubscribeOptions) *feed {
	hold := make(chan struct{})
	close(hold)
	return k.subscribeHeld(opts, hold)
}

// subscribeHeld subscribes with a handler that does nothing until hold closes.
func (k *kit) subscribeHeld(opts store.SubscribeOptions, hold <-chan struct{}) *feed {
	f := &feed{k: k, items: make(chan store.Item), done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(k.ctx)
	f.stop = func() {
		cancel()
		for range f.done { // until it is closed
		}
	}
	k.Cleanup(f.stop)
	go func() {
		err := k.s.Subscribe(ctx, opts, func(items []store.Item) error {
			<-hold
			for _, it := range items {
				select {
				case f.items <- it:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
		f.done <- err
		close(f.done)
	}()
	return f
}

func (f *feed) next() store.Item {
	f.k.Helper()
	select {
	case it := <-f.items:
		return it
	case err := <-f.done:
		f.k.Fatalf("subscription ended: %v", err)
	case <-f.k.ctx.Done():
		f.k.Fatal("subscription has nothing more to say")
	}
	return store.Item{}
}

// events returns the next n events.
func (f *feed) events(n int) []store.Recorded {
	f.k.Helper()
	got := make([]store.Recorded, 0, n)
	for len(got) < n {
		if it := f.next(); it.Event != nil {
			got = append(got, *it.Event)
		}
	}
	return got
}

func (f *feed) caughtUp() {
	f.k.Helper()
	for !f.next().CaughtUp {
		continue
	}
}

func (f *feed) checkpoint() events.Position {
	f.k.Helper()
	for {
		if it := f.next(); it.Checkpoint != nil {
			return *it.Checkpoint
		}
	}
}
