package storetest

import (
	"bytes"
	"strings"
	"sync"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/store"
)

var appendCases = []testCase{
	{"no stream, twice the same id", func(k *kit) {
		e := k.event("1")
		first := k.append(k.stream("a"), events.NoStream, e)
		k.equal("second", k.append(k.stream("a"), events.NoStream, e), first)
		k.wantRevisions(k.read(k.stream("a"), 0), 0)
	}},
	{"no stream, other id", func(k *kit) {
		k.append(k.stream("a"), events.NoStream, k.some(3)...)
		k.conflicts(2, k.stream("a"), events.NoStream, k.event("x"))
	}},
	{"exact revision repeated", exactRepeated},
	{"any repeated", func(k *kit) {
		evs := k.some(2)
		first := k.append(k.stream("a"), events.AnyRevision, evs...)
		k.equal("second", k.append(k.stream("a"), events.AnyRevision, evs...), first)
		k.wantRevisions(k.read(k.stream("a"), 0), 0, 1)
	}},
	{"any partly repeated", func(k *kit) {
		a, b := k.event("a"), k.event("b")
		k.append(k.stream("a"), events.AnyRevision, a)
		k.appendFails(store.Conflict, k.stream("a"), events.AnyRevision, a, b)
		k.append(k.stream("a"), events.AnyRevision, b, a) // the first is new
		k.wantRevisions(k.read(k.stream("a"), 0), 0, 1, 2)
	}},
	{"stream exists", streamExists},
	{"beyond the end", func(k *kit) {
		k.append(k.stream("a"), events.NoStream, k.event("1"))
		k.conflicts(0, k.stream("a"), 1, k.event("2"))
		k.conflicts(0, k.stream("a"), 1000, k.event("2"))
		k.conflicts(events.NoStream, k.stream("missing"), 0, k.event("2"))
	}},
	{"same id in two streams", func(k *kit) {
		e := k.event("1")
		one := k.append(k.stream("a"), events.NoStream, e)
		two := k.append(k.stream("b"), events.NoStream, e)
		if !one.Position.Before(two.Position) {
			k.Fatalf("positions %v, %v: the second was not written", one.Position, two.Position)
		}
	}},
	{"as many as allowed", func(k *kit) {
		evs := k.some(store.MaxAppendEvents)
		w := k.append(k.stream("a"), events.NoStream, evs...)
		k.equal("last revision", w.Revision, events.Revision(store.MaxAppendEvents-1))
		got := k.read(k.stream("a"), 0)
		k.equal("events", len(got), store.MaxAppendEvents)
		for i, r := range got {
			if r.ID != evs[i].ID || r.Revision != int64(i) {
				k.Fatalf("event %d: id %v, revision %d", i, r.ID, r.Revision)
			}
		}
		k.equal("last position", got[len(got)-1].Position, w.Position)
		k.appendFails(store.TooLarge, k.stream("b"), events.NoStream, k.some(store.MaxAppendEvents+1)...)
	}},
	{"size rule of the store", func(k *kit) {
		e := k.event("")
		e.Data = bytes.Repeat([]byte{'1'}, store.MaxAppendBytes-len(e.Meta)-2*len(e.Type))
		k.append(k.stream("a"), events.NoStream, e)
		k.equal("data", k.read(k.stream("a"), 0)[0].Data, e.Data)
		e.Data, e.ID = append(e.Data, '1'), events.NewUUID()
		k.appendFails(store.TooLarge, k.stream("b"), events.NoStream, e)
	}},
	{"size rule of the server", serverSize},
	{"nothing is written of a refused append", func(k *kit) {
		var evs []esdb.EventData
		for range 5 {
			evs = append(evs, k.rawEvent(strings.Repeat("1", 300<<10)))
		}
		if _, err := k.rawAppend(k.stream("a"), esdb.NoStream{}, evs...); err == nil {
			k.Fatal("1.5 MiB were taken")
		}
		_, err := k.tryRead(k.stream("a"), 0)
		k.wantKind(err, store.NotFound)
	}},
	{"events that cannot be", func(k *kit) {
		noID, noType := k.event("1"), k.event("1")
		noID.ID, noType.Type = events.UUID{}, ""
		k.appendFails(store.Invalid, k.stream("a"), events.NoStream, noID)
		k.appendFails(store.Invalid, k.stream("a"), events.NoStream, noType)
		k.appendFails(store.Invalid, k.stream("a"), events.NoStream)
		k.appendFails(store.Invalid, "", events.NoStream, k.event("1"))
	}},
	{"one of many writers wins", oneWins},
}

func exactRepeated(k *kit) {
	s := k.stream("a")
	k.append(s, events.NoStream, k.some(3)...)
	d, e := k.event("d"), k.event("e")
	first := k.append(s, 2, d, e)
	k.equal("revision", first.Revision, events.Revision(4))
	k.equal("whole", k.append(s, 2, d, e), first)
	prefix := k.append(s, 2, d)
	k.equal("prefix", prefix.Revision, events.Revision(3))
	k.equal("prefix position", prefix.Position, k.read(s, 3)[0].Position)
	k.conflicts(4, s, 2, d, e, k.event("f"))
	k.conflicts(4, s, 2, d, k.event("x"))
	k.conflicts(4, s, 2, k.event("x"), e)
	k.append(s, 4, k.event("g"))
	k.equal("whole, after more", k.append(s, 2, d, e), first)
	k.wantRevisions(k.read(s, 0), 0, 1, 2, 3, 4, 5)
}

func streamExists(k *kit) {
	_, err := k.rawAppend(k.stream("missing"), esdb.StreamExists{}, k.rawEvent("1"))
	k.equal("missing", code(err), esdb.ErrorCodeWrongExpectedVersion)

	k.must(k.s.SetMetadata(k.ctx, k.stream("meta"), events.NoStream, store.Metadata{MaxCount: 5}))
	_, err = k.rawAppend(k.stream("meta"), esdb.StreamExists{}, k.rawEvent("1"))
	k.must(err)

	k.append(k.stream("gone"), events.NoStream, k.event("1"))
	k.must(k.rawDelete(k.stream("gone"), esdb.Any{}))
	_, err = k.rawAppend(k.stream("gone"), esdb.StreamExists{}, k.rawEvent("1"))
	k.equal("soft-deleted", code(err), esdb.ErrorCodeStreamDeleted)
}

// The server counts data, metadata, and the type double; its default limit is
// 1 MiB.
func serverSize(k *kit) {
	e := k.rawEvent("")
	e.Data = bytes.Repeat([]byte{'1'}, 1<<20-2*len(e.EventType))
	_, err := k.rawAppend(k.stream("a"), esdb.NoStream{}, e)
	k.must(err)
	for _, size := range []int{len(e.Data) + 1, 5 << 20, 18 << 20} {
		e := k.rawEvent("")
		e.Data = bytes.Repeat([]byte{'1'}, size)
		if _, err := k.rawAppend(k.stream("b"), esdb.NoStream{}, e); err == nil {
			k.Fatalf("%d bytes were taken", size)
		}
	}
	_, err = k.tryRead(k.stream("b"), 0)
	k.wantKind(err, store.NotFound)
}

// oneWins: of many writers at the same revision exactly one succeeds.
func oneWins(k *kit) {
	s := k.stream("a")
	k.append(s, events.NoStream, k.event("0"))
	for rev := range events.Revision(5) {
		var wg sync.WaitGroup
		errs := make([]error, 16)
		for i := range errs {
			e := k.event("x")
			wg.Go(func() { _, errs[i] = k.s.Append(k.ctx, s, rev, e) })
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if current, ok := store.IsConflict(err); err == nil {
				won++
			} else if !ok || current != rev+1 {
				k.Fatalf("at %d: %v", rev, err)
			}
		}
		k.equal("winners", won, 1)
	}
}
