package storetest

import (
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/store"
)

var metadataCases = []testCase{
	{"round trip", func(k *kit) {
		s := k.stream("a")
		m, rev, err := k.s.Metadata(k.ctx, s)
		k.must(err)
		k.equal("none", m, store.Metadata{})
		k.equal("none", rev, events.NoStream)
		want := store.Metadata{MaxCount: 3, MaxAge: time.Hour, TruncateBefore: 4}
		k.must(k.s.SetMetadata(k.ctx, s, events.NoStream, want))
		m, rev, err = k.s.Metadata(k.ctx, s)
		k.must(err)
		k.equal("metadata", m, want)
		k.equal("revision", rev, events.Revision(0))
		err = k.s.SetMetadata(k.ctx, s, events.NoStream, want)
		if current, ok := store.IsConflict(err); !ok || current != 0 {
			k.Fatalf("got %v, want a conflict with 0", err)
		}
	}},
	{"shows its last event only", func(k *kit) {
		s := k.stream("a")
		for rev := range events.Revision(3) {
			k.must(k.s.SetMetadata(k.ctx, s, rev-1, store.Metadata{MaxCount: rev + 1}))
		}
		k.wantRevisions(k.read("$$"+s, 0), 2)
		k.wantRevisions(k.backwards("$$"+s), 2)
	}},
	{"metadata alone is no stream", func(k *kit) {
		k.must(k.s.SetMetadata(k.ctx, k.stream("a"), events.NoStream, store.Metadata{MaxCount: 1}))
		_, err := k.tryRead(k.stream("a"), 0)
		k.wantKind(err, store.NotFound)
		k.append(k.stream("a"), events.NoStream, k.event("1"))
	}},
	{"max count", func(k *kit) {
		s := k.stream("a")
		k.append(s, events.NoStream, k.some(5)...)
		k.must(k.s.SetMetadata(k.ctx, s, events.NoStream, store.Metadata{MaxCount: 2}))
		k.wantRevisions(k.read(s, 0), 3, 4)
		k.wantRevisions(k.read(s, 4), 4)
		k.wantRevisions(k.backwards(s), 4, 3)
		k.append(s, 4, k.event("5"))
		k.wantRevisions(k.read(s, 0), 4, 5)
		k.must(k.s.SetMetadata(k.ctx, s, 0, store.Metadata{MaxCount: 4}))
		k.wantRevisions(k.read(s, 0), 2, 3, 4, 5) // unless a scavenge ran meanwhile
	}},
	{"truncate before", func(k *kit) {
		s := k.stream("a")
		k.append(s, events.NoStream, k.some(5)...)
		k.must(k.s.SetMetadata(k.ctx, s, events.NoStream, store.Metadata{TruncateBefore: 3}))
		k.wantRevisions(k.read(s, 0), 3, 4)
		k.wantRevisions(k.backwards(s), 4, 3)
		k.must(k.s.SetMetadata(k.ctx, s, 0, store.Metadata{TruncateBefore: 1000}))
		k.wantRevisions(k.read(s, 0)) // empty, but there
		k.append(s, 4, k.event("5"))
	}},
	{"max age", func(k *kit) {
		s := k.stream("a")
		k.append(s, events.NoStream, k.some(2)...)
		k.must(k.s.SetMetadata(k.ctx, s, events.NoStream, store.Metadata{MaxAge: time.Second}))
		for len(k.read(s, 0)) > 0 { // ends within the time of the case
			k.must(k.ctx.Err())
		}
		k.append(s, 1, k.event("2"))
		k.wantRevisions(k.read(s, 0), 2)
	}},
	{"malformed is as if there were none", func(k *kit) {
		s := k.stream("a")
		k.append(s, events.NoStream, k.some(3)...)
		k.must(k.s.SetMetadata(k.ctx, s, events.NoStream, store.Metadata{MaxCount: 1}))
		e := k.rawEvent(`{"$maxCount":`)
		e.EventType = "$metadata"
		_, err := k.rawAppend("$$"+s, esdb.Revision(0), e)
		k.must(err)
		k.wantRevisions(k.read(s, 0), 0, 1, 2)
		m, rev, err := k.s.Metadata(k.ctx, s)
		k.must(err)
		k.equal("metadata", m, store.Metadata{})
		k.equal("revision", rev, events.Revision(1))
	}},
}
