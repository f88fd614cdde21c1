package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/store"
)

// Run checks the server behind the store that open returns; it opens once for
// the whole suite. open registers its own clean-up with t.
func Run(t *testing.T, open func(t *testing.T) *store.Store) {
	s := open(t)
	raw := rawClient(t, s.Config())
	for _, group := range []struct {
		name  string
		cases []testCase
	}{
		{"append", appendCases},
		{"delete", deleteCases},
		{"metadata", metadataCases},
		{"read", readCases},
		{"subscribe", subscribeCases},
		{"store", storeCases},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
					defer cancel()
					c.run(&kit{T: t, ctx: ctx, s: s, raw: raw, tag: "storetest" + events.NewUUID().String()[16:]})
				})
			}
		})
	}
}

type testCase struct {
	name string
	run  func(k *kit)
}

// kit is what a case works with.
type kit struct {
	*testing.T
	ctx context.Context
	s   *store.Store
	raw *esdb.Client
	tag string // begins every stream and event type of this case
}

// rawClient connects to the same server without the guard.
func rawClient(t *testing.T, cfg store.Config) *esdb.Client {
	t.Helper()
	url := cfg.URL
	if url == "" {
		url = "esdb://localhost?tls=false"
	}
	conf, err := esdb.ParseConnectionString(url)
	if err != nil {
		t.Fatalf("parse connection string of the store: %v", errors.Unwrap(err))
	}
	if cfg.Socket != "" {
		conf.Address, conf.GossipSeeds, conf.DnsDiscover, conf.DisableTLS = "unix:"+cfg.Socket, nil, false, true
	}
	conf.Logger = esdb.NoopLogging()
	c, err := esdb.NewClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (k *kit) stream(name string) string { return k.tag + "_" + name }

func (k *kit) typ(name string) string { return k.tag + "." + name }

func (k *kit) event(data string) store.Event {
	return store.Event{ID: events.NewUUID(), Type: k.typ("Happened"), Data: []byte(data), Meta: []byte(`{"m":1}`)}
}

// some makes n events with the data 0, 1, …
func (k *kit) some(n int) []store.Event {
	evs := make([]store.Event, n)
	for i := range evs {
		evs[i] = k.event(fmt.Sprint(i))
	}
	return evs
}

// append must succeed.
func (k *kit) append(stream string, expected events.Revision, evs ...store.Event) store.Written {
	k.Helper()
	w, err := k.s.Append(k.ctx, stream, expected, evs...)
	if err != nil {
		k.Fatalf("append at %d: %v", expected, err)
	}
	return w
}

func (k *kit) appendFails(want store.Kind, stream string, expected events.Revision, evs ...store.Event) {
	k.Helper()
	_, err := k.s.Append(k.ctx, stream, expected, evs...)
	k.wantKind(err, want)
}

func (k *kit) conflicts(current events.Revision, stream string, expected events.Revision, evs ...store.Event) {
	k.Helper()
	_, err := k.s.Append(k.ctx, stream, expected, evs...)
	if got, ok := store.IsConflict(err); !ok || got != current {
		k.Fatalf("append at %d: got %v, want a conflict with %d", expected, err, current)
	}
}

func (k *kit) wantKind(err error, want store.Kind) {
	k.Helper()
	if got := store.KindOf(err); got != want {
		k.Fatalf("got error %v (%v), want %v", err, got, want)
	}
}

// read returns what a stream shows from revision from on.
func (k *kit) read(stream string, from events.Revision) []store.Recorded {
	k.Helper()
	got, err := k.tryRead(stream, from)
	if err != nil {
		k.Fatalf("read %s: %v", stream, err)
	}
	return got
}

func (k *kit) tryRead(stream string, from events.Revision) ([]store.Recorded, error) {
	var got []store.Recorded
	err := k.s.ReadStream(k.ctx, stream, from, 0, func(r store.Recorded) error {
		got = append(got, r)
		return nil
	})
	return got, err
}

func (k *kit) backwards(stream string) []store.Recorded {
	k.Helper()
	var got []store.Recorded
	if err := k.s.ReadStreamBackwards(k.ctx, stream, 0, func(r store.Recorded) error {
		got = append(got, r)
		return nil
	}); err != nil {
		k.Fatalf("read %s backwards: %v", stream, err)
	}
	return got
}

func (k *kit) wantRevisions(got []store.Recorded, want ...events.Revision) {
	k.Helper()
	if diff := cmp.Diff(want, revisions(got)); diff != "" {
		k.Fatalf("revisions (-want +got):\n%s", diff)
	}
}

func (k *kit) equal(what string, got, want any) {
	k.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		k.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func revisions(rs []store.Recorded) []events.Revision {
	var out []events.Revision
	for _, r := range rs {
		out = append(out, r.Revision)
	}
	return out
}

// head returns the end of the log, for what begins there.
func (k *kit) head() events.Position {
	k.Helper()
	p, err := k.s.Head(k.ctx)
	if err != nil {
		k.Fatal(err)
	}
	return p
}

// rawAppend appends one event with the official client.
func (k *kit) rawAppend(stream string, expected esdb.ExpectedRevision, evs ...esdb.EventData) (*esdb.WriteResult, error) {
	return k.raw.AppendToStream(k.ctx, stream, esdb.AppendToStreamOptions{ExpectedRevision: expected}, evs...)
}

func (k *kit) rawEvent(data string) esdb.EventData {
	return esdb.EventData{
		EventID: uuid.New(), EventType: k.typ("Happened"), ContentType: esdb.ContentTypeJson, Data: []byte(data),
	}
}

func (k *kit) rawDelete(stream string, expected esdb.ExpectedRevision) error {
	_, err := k.raw.DeleteStream(k.ctx, stream, esdb.DeleteStreamOptions{ExpectedRevision: expected})
	return err
}

func (k *kit) must(err error) {
	k.Helper()
	if err != nil {
		k.Fatal(err)
	}
}

// code returns the client's code of an error, wrapped or not.
func code(err error) esdb.ErrorCode {
	var e *esdb.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return esdb.ErrorCodeUnknown
}
