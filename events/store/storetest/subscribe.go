package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/store"
)

var subscribeCases = []testCase{
	{"from the start", func(k *kit) {
		k.append(k.stream("a"), events.NoStream, k.some(3)...)
		f := k.subscribe(store.SubscribeOptions{TypePrefixes: []string{k.tag}})
		k.wantRevisions(f.events(3), 0, 1, 2)
		f.caughtUp()
		k.append(k.stream("a"), 2, k.event("3"))
		k.wantRevisions(f.events(1), 3)
		start := events.Start
		f = k.subscribe(store.SubscribeOptions{From: &start, TypePrefixes: []string{k.tag}})
		k.wantRevisions(f.events(4), 0, 1, 2, 3)
	}},
	{"after a position", func(k *kit) {
		k.append(k.stream("a"), events.NoStream, k.some(2)...)
		w := k.append(k.stream("a"), 1, k.event("2"))
		k.append(k.stream("a"), 2, k.event("3"))
		f := k.subscribe(store.SubscribeOptions{From: &w.Position, TypePrefixes: []string{k.tag}})
		k.wantRevisions(f.events(1), 3)
	}},
	{"after the end", func(k *kit) {
		w := k.append(k.stream("a"), events.NoStream, k.some(2)...)
		f := k.subscribe(store.SubscribeOptions{From: &w.Position, TypePrefixes: []string{k.tag}})
		f.caughtUp()
		k.append(k.stream("a"), 1, k.event("2"))
		k.wantRevisions(f.events(1), 2)
	}},
	{"no filter", func(k *kit) {
		from := k.head()
		f := k.subscribe(store.SubscribeOptions{From: &from})
		k.append(k.stream("a"), events.NoStream, k.some(3)...)
		var mine []store.Recorded
		for len(mine) < 3 {
			if e := f.events(1)[0]; e.Stream == k.stream("a") {
				mine = append(mine, e)
			}
		}
		k.wantRevisions(mine, 0, 1, 2)
	}},
	{"by type, by stream, by both", filters},
	{"writers while catching up", writers},
	{"checkpoints without a match", func(k *kit) {
		from := k.head()
		f := k.subscribe(store.SubscribeOptions{From: &from, TypePrefixes: []string{k.tag + "never"}, CheckpointEvery: 10})
		last := from
		for range 3 {
			k.append(k.stream("a"), events.AnyRevision, k.some(20)...)
			at := f.checkpoint()
			if !last.Before(at) {
				k.Fatalf("checkpoint %v after %v", at, last)
			}
			last = at
		}
	}},
	{"resuming from each checkpoint", resume},
	{"slow reader", slowReader},
	{"an error of the handler ends it", func(k *kit) {
		k.append(k.stream("a"), events.NoStream, k.some(3)...)
		stop := errors.New("enough")
		err := k.s.Subscribe(k.ctx, store.SubscribeOptions{TypePrefixes: []string{k.tag}}, func([]store.Item) error { return stop })
		if err != stop { //nolint:errorlint // unchanged is the promise
			k.Fatalf("got %v", err)
		}
	}},
	{"tombstone while live", func(k *kit) {
		k.append(k.stream("a"), events.NoStream, k.event("0"))
		sub, err := k.raw.SubscribeToStream(k.ctx, k.stream("a"), esdb.SubscribeToStreamOptions{From: esdb.Start{}})
		k.must(err)
		defer func() { _ = sub.Close() }()
		for sub.Recv().EventAppeared == nil { //nolint:revive // skip to the event
		}
		k.must(k.s.Tombstone(k.ctx, k.stream("a"), 0))
		var seen []string
		for {
			e := sub.Recv()
			if e.SubscriptionDropped != nil {
				break
			}
			if e.EventAppeared != nil {
				seen = append(seen, fmt.Sprint(e.EventAppeared.Event.EventType, e.EventAppeared.Event.EventNumber == math.MaxInt64))
			}
		}
		k.equal("seen", seen, []string{"$streamDeletedtrue"})
	}},
	{"a stream, from everywhere", streamSubscription},
	{"idle", idle},
}

func filters(k *kit) {
	from := k.head()
	typed := func(name string) store.Event { e := k.event("1"); e.Type = k.typ(name); return e }
	k.append(k.stream("a"), events.NoStream, typed("One"), typed("Two"))
	k.append(k.stream("b"), events.NoStream, typed("Two"), typed("Three"))
	k.append(k.stream("end"), events.NoStream, typed("Two"))
	for _, c := range []struct {
		name           string
		types, streams []string
		want           []string
	}{
		{"type", []string{k.typ("Tw")}, nil, []string{"a Two", "b Two", "end Two"}},
		{"types", []string{k.typ("Tw"), k.typ("One")}, nil, []string{"a One", "a Two", "b Two", "end Two"}},
		{"stream", nil, []string{k.stream("b"), k.stream("end")}, []string{"b Two", "b Three", "end Two"}},
		{"both", []string{k.typ("Two")}, []string{k.stream("b"), k.stream("end")}, []string{"b Two", "end Two"}},
	} {
		f := k.subscribe(store.SubscribeOptions{From: &from, TypePrefixes: c.types, StreamPrefixes: c.streams})
		var got []string
		for _, e := range f.events(len(c.want)) {
			got = append(got, strings.TrimPrefix(e.Stream, k.stream(""))+" "+strings.TrimPrefix(e.Type, k.typ("")))
		}
		k.equal(c.name, got, c.want)
	}
}

// writers: ten of them write before, while and after a subscription catches
// up. It misses nothing, sees nothing twice, and keeps the order of the log.
func writers(k *kit) {
	const each = 100
	from := k.head()
	f := k.subscribe(store.SubscribeOptions{From: &from, StreamPrefixes: []string{k.tag}})
	var wg sync.WaitGroup
	for w := range 10 {
		s := k.stream(fmt.Sprint(w))
		wg.Go(func() {
			for i := range each {
				if _, err := k.s.Append(k.ctx, s, int64(i)-1, k.event("1")); err != nil {
					k.Errorf("append: %v", err)
					return
				}
			}
		})
	}
	late := k.subscribe(store.SubscribeOptions{From: &from, StreamPrefixes: []string{k.tag}})
	for _, f := range []*feed{f, late} {
		next := map[string]events.Revision{}
		last := from
		for _, e := range f.events(10 * each) {
			if e.Revision != next[e.Stream] || !last.Before(e.Position) {
				k.Fatalf("%s: revision %d at %v, want %d after %v", e.Stream, e.Revision, e.Position, next[e.Stream], last)
			}
			next[e.Stream]++
			last = e.Position
		}
	}
	wg.Wait()
}

// resume: a subscription that begins at a checkpoint sees every event that the
// first one saw after it.
func resume(k *kit) {
	from := k.head()
	for i := range 30 {
		k.append(k.stream("other"), events.Revision(i*7-1), k.some(7)...)
		k.append(k.stream("mine"), events.Revision(i-1), k.event("1"))
	}
	opts := store.SubscribeOptions{From: &from, StreamPrefixes: []string{k.stream("mine")}, CheckpointEvery: 15} // not a multiple of 8: one at an event tells nothing new
	f := k.subscribe(opts)
	type mark struct {
		at   events.Position
		seen int
	}
	var marks []mark
	seen := 0
	last := from
	for seen < 30 {
		switch it := f.next(); {
		case it.Event != nil:
			seen++
		case it.Checkpoint != nil:
			if !last.Before(*it.Checkpoint) {
				k.Fatalf("checkpoint %v after %v", it.Checkpoint, last)
			}
			last = *it.Checkpoint
			marks = append(marks, mark{last, seen})
		}
	}
	if len(marks) < 5 {
		k.Fatalf("%d checkpoints in more than 240 events, one is due in 15", len(marks))
	}
	step := 1 + len(marks)/20 // others write too, there may be many
	for i := 0; i < len(marks); i += step {
		m := marks[i]
		if m.seen == 30 {
			break
		}
		opts.From = &m.at
		f := k.subscribe(opts)
		got := f.events(30 - m.seen)
		f.stop()
		k.equal(fmt.Sprintf("first after checkpoint %v", m.at), got[0].Revision, events.Revision(m.seen))
	}
}

// soak is how long the cases of stillness last, when HUB_SOAK=1 asks for them.
const soak = time.Minute

func soaking() bool { return os.Getenv("HUB_SOAK") != "" }

// slowReader: the server waits for a reader that is held up, and drops nothing.
func slowReader(k *kit) {
	n, until := 40*500, time.Now()
	if soaking() {
		n, until = 200*500, until.Add(soak)
	}
	from := k.head()
	hold := make(chan struct{})
	f := k.subscribeHeld(store.SubscribeOptions{From: &from, StreamPrefixes: []string{k.tag}}, hold)
	evs := make([]store.Event, 500)
	for done := 0; done < n; done += len(evs) {
		for i := range evs {
			evs[i] = k.event(`"some more data, to fill what is between the two ends"`)
		}
		k.append(k.stream("a"), events.Revision(done-1), evs...)
	}
	select {
	case <-time.After(time.Until(until)):
	case <-k.ctx.Done():
	}
	close(hold)
	for i, e := range f.events(n) {
		if e.Revision != int64(i) {
			k.Fatalf("event %d has revision %d", i, e.Revision)
		}
	}
}

func streamSubscription(k *kit) {
	s := k.stream("a")
	k.append(s, events.NoStream, k.some(3)...)
	for _, c := range []struct {
		from esdb.StreamPosition
		want uint64
	}{{esdb.Start{}, 0}, {esdb.Revision(1), 2}, {esdb.Revision(2), 3}, {esdb.End{}, 3}} {
		ctx, cancel := context.WithCancel(k.ctx)
		sub, err := k.raw.SubscribeToStream(ctx, s, esdb.SubscribeToStreamOptions{From: c.from})
		k.must(err)
		if _, end := c.from.(esdb.End); end {
			k.append(s, 2, k.event("3"))
		}
		if c.want == 3 && c.from == esdb.Revision(2) {
			cancel()
			continue // legal, waits
		}
		for {
			e := sub.Recv()
			if e.SubscriptionDropped != nil {
				k.Fatalf("from %v: %v", c.from, e.SubscriptionDropped.Error)
			}
			if e.EventAppeared != nil {
				k.equal(fmt.Sprintf("first from %v", c.from), e.EventAppeared.Event.EventNumber, c.want)
				break
			}
		}
		cancel()
	}
}

// idle: a connection on which nothing happens stays up. A server that takes
// the client's pings for abuse closes it after half a minute.
func idle(k *kit) {
	if !soaking() {
		k.Skip("takes a minute: set HUB_SOAK=1 to run it")
	}
	k.append(k.stream("a"), events.NoStream, k.event("0"))
	sub, err := k.raw.SubscribeToStream(k.ctx, k.stream("a"), esdb.SubscribeToStreamOptions{From: esdb.End{}})
	k.must(err)
	defer func() { _ = sub.Close() }()
	got := make(chan *esdb.SubscriptionEvent)
	go func() {
		defer close(got)
		for {
			e := sub.Recv()
			if e.CaughtUp == nil {
				got <- e
				return
			}
		}
	}()
	select {
	case e := <-got:
		k.Fatalf("got %+v while nothing happened", e.SubscriptionDropped)
	case <-time.After(soak):
	}
	k.append(k.stream("a"), 0, k.event("1"))
	if e := <-got; e.EventAppeared == nil {
		k.Fatalf("got %+v, want the event", e.SubscriptionDropped)
	}
}
