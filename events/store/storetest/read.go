package storetest

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/store"
)

var readCases = []testCase{
	{"missing", func(k *kit) {
		_, err := k.tryRead(k.stream("a"), 0)
		k.wantKind(err, store.NotFound)
		err = k.s.ReadStreamBackwards(k.ctx, k.stream("a"), 1, func(store.Recorded) error { return nil })
		k.wantKind(err, store.NotFound)
	}},
	{"what was written", func(k *kit) {
		e := k.event(`{"text":"é"}`)
		w := k.append(k.stream("a"), events.NoStream, e)
		got := k.read(k.stream("a"), 0)[0]
		if got.Created.IsZero() || got.Created.Location().String() != "UTC" {
			k.Fatalf("created %v", got.Created)
		}
		want := store.Recorded{Event: e, Stream: k.stream("a"), Position: w.Position, Created: got.Created}
		k.equal("event", got, want)
	}},
	{"nothing in it", func(k *kit) {
		e := k.event("")
		e.Data, e.Meta = nil, nil
		k.append(k.stream("a"), events.NoStream, e)
		got := k.read(k.stream("a"), 0)[0]
		k.equal("sizes", []int{len(got.Data), len(got.Meta)}, []int{0, 0})
	}},
	{"names", func(k *kit) {
		for _, name := range []string{"with space", "a/b?c#d", "größe-你好-🙂", strings.Repeat("x", 1000-len(k.stream("")))} {
			k.append(k.stream(name), events.NoStream, k.event("1"))
			k.equal("name", k.read(k.stream(name), 0)[0].Stream, k.stream(name))
		}
	}},
	{"from and how many", fromAndHowMany},
	{"more than a page", morePages},
	{"an error of the reader ends it", func(k *kit) {
		k.append(k.stream("a"), events.NoStream, k.some(3)...)
		stop, seen := errors.New("enough"), 0
		err := k.s.ReadStream(k.ctx, k.stream("a"), 0, 0, func(store.Recorded) error { seen++; return stop })
		if err != stop || seen != 1 { //nolint:errorlint // unchanged is the promise
			k.Fatalf("got %v after %d", err, seen)
		}
	}},
	{"the whole log", wholeLog},
	{"content types", func(k *kit) {
		e := k.rawEvent("\x00\xff")
		e.ContentType = esdb.ContentTypeBinary
		_, err := k.rawAppend(k.stream("a"), esdb.NoStream{}, e, k.rawEvent("{}"))
		k.must(err)
		var types []string
		for _, r := range k.rawRead(k.stream("a"), esdb.Forwards, esdb.Start{}) {
			types = append(types, r.ContentType)
		}
		k.equal("content types", types, []string{"application/octet-stream", "application/json"})
	}},
	{"ends of a stream", func(k *kit) {
		k.append(k.stream("a"), events.NoStream, k.some(3)...)
		down := k.rawRead(k.stream("a"), esdb.Backwards, esdb.Start{})
		k.equal("backwards from the start", len(down), 1)
		k.equal("backwards from the start", down[0].EventNumber, uint64(0))
		k.equal("backwards from beyond", len(k.rawRead(k.stream("a"), esdb.Backwards, esdb.Revision(100))), 3)
		k.equal("backwards from 1", len(k.rawRead(k.stream("a"), esdb.Backwards, esdb.Revision(1))), 2)
	}},
	{"count zero", func(k *kit) {
		k.append(k.stream("a"), events.NoStream, k.event("1"))
		r, err := k.raw.ReadStream(k.ctx, k.stream("a"), esdb.ReadStreamOptions{}, 0)
		k.must(err)
		defer r.Close()
		if _, err := r.Recv(); err == nil || errors.Is(err, io.EOF) {
			k.Fatalf("got %v, want a refusal", err)
		}
	}},
}

func fromAndHowMany(k *kit) {
	s := k.stream("a")
	k.append(s, events.NoStream, k.some(5)...)
	k.wantRevisions(k.read(s, 2), 2, 3, 4)
	k.wantRevisions(k.read(s, 4), 4)
	k.wantRevisions(k.read(s, 5))
	k.wantRevisions(k.read(s, 500))
	k.wantRevisions(k.backwards(s), 4, 3, 2, 1, 0)
	for limit, want := range map[int]int{1: 1, 4: 4, 5: 5, 6: 5, 0: 5, -1: 5} {
		up, down := 0, 0
		k.must(k.s.ReadStream(k.ctx, s, 0, limit, func(store.Recorded) error { up++; return nil }))
		k.must(k.s.ReadStreamBackwards(k.ctx, s, limit, func(store.Recorded) error { down++; return nil }))
		k.equal(fmt.Sprintf("at most %d", limit), []int{up, down}, []int{want, want})
	}
}

func morePages(k *kit) {
	const n = 1203
	s := k.stream("a")
	for done := 0; done < n; {
		m := min(n-done, store.MaxAppendEvents)
		k.append(s, events.Revision(done-1), k.some(m)...)
		done += m
	}
	for i, r := range k.read(s, 0) {
		if r.Revision != int64(i) {
			k.Fatalf("event %d has revision %d", i, r.Revision)
		}
	}
	down := k.backwards(s)
	for i, r := range down {
		if r.Revision != int64(n-1-i) {
			k.Fatalf("backwards, event %d has revision %d", i, r.Revision)
		}
	}
	k.equal("backwards", len(down), n)
	seen := 0
	k.must(k.s.ReadStream(k.ctx, s, 3, 1000, func(store.Recorded) error { seen++; return nil }))
	k.equal("1,000 of them", seen, 1000)
}

func wholeLog(k *kit) {
	from := k.head()
	a := k.append(k.stream("a"), events.NoStream, k.some(2)...)
	b := k.append(k.stream("b"), events.NoStream, k.some(2)...)
	mine := func(from events.Position) (got []events.Position) {
		k.must(k.s.ReadAll(k.ctx, from, 0, func(r store.Recorded) error {
			if strings.HasPrefix(r.Stream, k.tag) {
				got = append(got, r.Position)
			}
			return nil
		}))
		return got
	}
	all := mine(from)
	k.equal("events", len(all), 4)
	k.equal("ends", []events.Position{all[1], all[3]}, []events.Position{a.Position, b.Position})
	k.equal("after the second", mine(all[1]), all[2:])
	k.equal("after the last", len(mine(all[3])), 0)
	for i := range all[1:] {
		if !all[i].Before(all[i+1]) {
			k.Fatalf("positions %v are not in order", all)
		}
	}
	if head := k.head(); head.Before(all[3]) {
		k.Fatalf("head %v is before %v", head, all[3])
	}
	var got []events.Position
	for _, r := range k.rawAll(esdb.Backwards, esdb.Position(all[2]), 1) {
		got = append(got, events.Position(r.Position))
	}
	if len(got) != 1 || !got[0].Before(all[2]) {
		k.Fatalf("backwards from %v: got %v, want one before it", all[2], got)
	}
	k.equal("forwards from the end", len(k.rawAll(esdb.Forwards, esdb.End{}, 10)), 0)
	k.equal("backwards from the start", len(k.rawAll(esdb.Backwards, esdb.Start{}, 10)), 0)
}

// rawRead reads up to 10 events, more than its streams hold.
func (k *kit) rawRead(stream string, d esdb.Direction, from esdb.StreamPosition) []*esdb.RecordedEvent {
	k.Helper()
	r, err := k.raw.ReadStream(k.ctx, stream, esdb.ReadStreamOptions{Direction: d, From: from}, 10)
	k.must(err)
	return k.rest(r)
}

func (k *kit) rawAll(d esdb.Direction, from esdb.AllPosition, n uint64) []*esdb.RecordedEvent {
	k.Helper()
	r, err := k.raw.ReadAll(k.ctx, esdb.ReadAllOptions{Direction: d, From: from}, n)
	k.must(err)
	return k.rest(r)
}

func (k *kit) rest(r *esdb.ReadStream) []*esdb.RecordedEvent {
	k.Helper()
	defer r.Close()
	var got []*esdb.RecordedEvent
	for {
		e, err := r.Recv()
		if errors.Is(err, io.EOF) {
			return got
		}
		k.must(err)
		got = append(got, e.Event)
	}
}
