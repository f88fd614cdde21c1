package storetest

import (
	"context"
	"errors"
	"sync"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/store"
)

var storeCases = []testCase{
	{"ping", func(k *kit) { k.must(k.s.Ping(k.ctx)) }},
	{"head is what was written last", func(k *kit) {
		before := k.head()
		w := k.append(k.stream("a"), events.NoStream, k.event("1"))
		if after := k.head(); after.Before(w.Position) || !before.Before(after) {
			k.Fatalf("head was %v and is %v, written at %v", before, after, w.Position)
		}
	}},
	{"one identity", func(k *kit) {
		ids := make([]string, 8)
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() {
				id, err := k.s.Identity(k.ctx)
				if err != nil {
					k.Error(err)
				}
				ids[i] = id
			})
		}
		wg.Wait()
		for _, id := range ids {
			if id != ids[0] || len(id) != 32 {
				k.Fatalf("identities %v", ids)
			}
		}
	}},
	{"a cancelled call", func(k *kit) {
		ctx, cancel := context.WithCancel(k.ctx)
		cancel()
		err := k.s.ReadStream(ctx, k.stream("a"), 0, 0, func(store.Recorded) error { return nil })
		if !errors.Is(err, context.Canceled) {
			k.Fatalf("got %v", err)
		}
		if _, err := k.s.Append(ctx, k.stream("a"), events.NoStream, k.event("1")); !errors.Is(err, context.Canceled) {
			k.Fatalf("got %v", err)
		}
	}},
	{"many callers at once", func(k *kit) {
		var wg sync.WaitGroup
		for range 200 {
			s := k.stream(events.NewUUID().String())
			wg.Go(func() {
				for i := range events.Revision(5) {
					if _, err := k.s.Append(k.ctx, s, i-1, k.event("1")); err != nil {
						k.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}},
	{"more subscriptions than a connection carries", func(k *kit) {
		from := k.head()
		var feeds []*feed
		for range 100 {
			feeds = append(feeds, k.subscribe(store.SubscribeOptions{From: &from, StreamPrefixes: []string{k.tag}}))
		}
		k.append(k.stream("a"), events.NoStream, k.event("1"))
		for _, f := range feeds {
			k.wantRevisions(f.events(1), 0)
		}
	}},
}
