package storetest

import (
	"encoding/json"
	"math"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/store"
)

var deleteCases = []testCase{
	{"missing stream", func(k *kit) {
		if err := k.rawDelete(k.stream("a"), esdb.Any{}); err == nil {
			k.Fatal("deleted a stream that never was")
		}
	}},
	{"wrong revision", func(k *kit) {
		k.append(k.stream("a"), events.NoStream, k.some(3)...)
		err := k.rawDelete(k.stream("a"), esdb.Revision(1))
		if err == nil || !strings.Contains(err.Error(), "WrongExpectedVersion") || !strings.Contains(err.Error(), "Actual version: 2") {
			k.Fatalf("got %v", err)
		}
		k.wantRevisions(k.read(k.stream("a"), 0), 0, 1, 2)
	}},
	{"hidden, and twice", func(k *kit) {
		k.append(k.stream("a"), events.NoStream, k.some(2)...)
		k.must(k.rawDelete(k.stream("a"), esdb.Revision(1)))
		_, err := k.tryRead(k.stream("a"), 0)
		k.wantKind(err, store.NotFound)
		k.must(k.rawDelete(k.stream("a"), esdb.Any{}))
	}},
	{"written again", func(k *kit) {
		for name, expected := range map[string]events.Revision{
			"none": events.NoStream, "any": events.AnyRevision, "exact": 1,
		} {
			s := k.stream(name)
			k.append(s, events.NoStream, k.some(2)...)
			k.must(k.rawDelete(s, esdb.Any{}))
			w := k.append(s, expected, k.event("new"), k.event("new"))
			k.equal(name+": numbering goes on", w.Revision, events.Revision(3))
			k.wantRevisions(k.read(s, 0), 2, 3)
			k.equal(name+": $tb", k.rawMetadata(s)["$tb"], any(float64(2)))
		}
	}},
	{"wipes the metadata", func(k *kit) {
		s := k.stream("a")
		k.must(k.s.SetMetadata(k.ctx, s, events.NoStream, store.Metadata{MaxCount: 7}))
		k.append(s, events.NoStream, k.event("1"))
		k.must(k.rawDelete(s, esdb.Any{}))
		k.equal("metadata", k.rawMetadata(s), map[string]any{"$tb": float64(math.MaxInt64)})
	}},
	{"metadata brings it back", func(k *kit) {
		s := k.stream("a")
		k.append(s, events.NoStream, k.some(2)...)
		k.must(k.rawDelete(s, esdb.Any{}))
		k.must(k.s.SetMetadata(k.ctx, s, 0, store.Metadata{MaxCount: 7}))
		got, err := k.tryRead(s, 0)
		k.must(err)
		k.wantRevisions(got)
		k.append(s, 1, k.event("new"))
		k.wantRevisions(k.read(s, 0), 2)
	}},
	{"tombstone", tombstone},
	{"tombstone of a stream that never was", func(k *kit) {
		k.must(k.s.Tombstone(k.ctx, k.stream("a"), events.NoStream))
		k.appendFails(store.Deleted, k.stream("a"), events.NoStream, k.event("1"))
	}},
	{"tombstone at a wrong revision", func(k *kit) {
		k.append(k.stream("a"), events.NoStream, k.some(3)...)
		err := k.s.Tombstone(k.ctx, k.stream("a"), 0)
		if current, ok := store.IsConflict(err); !ok || current != 2 {
			k.Fatalf("got %v, want a conflict with 2", err)
		}
		k.wantRevisions(k.read(k.stream("a"), 0), 0, 1, 2)
	}},
	{"tombstone in the whole log", func(k *kit) {
		from := k.head()
		k.append(k.stream("a"), events.NoStream, k.some(2)...)
		k.must(k.s.Tombstone(k.ctx, k.stream("a"), 1))
		var got []store.Recorded
		k.must(k.s.ReadAll(k.ctx, from, 0, func(r store.Recorded) error {
			if r.Stream == k.stream("a") {
				got = append(got, r)
			}
			return nil
		}))
		k.wantRevisions(got, 0, 1, math.MaxInt64)
		k.equal("type", got[2].Type, "$streamDeleted")
	}},
}

func tombstone(k *kit) {
	s := k.stream("a")
	e := k.event("1")
	k.append(s, events.NoStream, e)
	k.must(k.s.Tombstone(k.ctx, s, 0))
	k.wantKind(k.s.Tombstone(k.ctx, s, events.AnyRevision), store.Deleted)
	k.appendFails(store.Deleted, s, events.NoStream, e)
	k.appendFails(store.Deleted, s, 0, k.event("2"))
	k.appendFails(store.Deleted, s, events.AnyRevision, k.event("2"))
	_, err := k.tryRead(s, 0)
	k.wantKind(err, store.Deleted)
	k.wantKind(k.s.ReadStreamBackwards(k.ctx, s, 1, func(store.Recorded) error { return nil }), store.Deleted)
	k.wantKind(k.s.SetMetadata(k.ctx, s, events.NoStream, store.Metadata{MaxCount: 1}), store.Deleted)
	k.equal("delete", code(k.rawDelete(s, esdb.Any{})), esdb.ErrorCodeStreamDeleted)
	if sub, err := k.raw.SubscribeToStream(k.ctx, s, esdb.SubscribeToStreamOptions{From: esdb.Start{}}); code(err) != esdb.ErrorCodeStreamDeleted {
		k.Fatalf("subscribe: got %v, %v, want stream deleted", sub, err)
	}
}

// rawMetadata reads the metadata of a stream as it is stored.
func (k *kit) rawMetadata(stream string) map[string]any {
	k.Helper()
	got := k.read("$$"+stream, 0)
	k.equal("events in the metadata stream", len(got), 1)
	var m map[string]any
	k.must(json.Unmarshal(got[0].Data, &m))
	return m
}
