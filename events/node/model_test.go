package node_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/westshore/hub/events/node"
)

// readModel is what a client must see of a log: NODE 3.3 to 3.6 written down a
// second time, over slices. What may be written at all is the other model's
// task, see events/node/ledger.
type readModel struct {
	log     []modelEvent
	streams map[string]*modelStream
}

type modelEvent struct {
	Stream, Type string
	Revision     uint64
	Position     esdb.Position
}

type modelStream struct {
	last       int64 // of the events, -1 none
	metadata   int64 // last revision of the metadata stream
	tb, max    int64
	tombstoned bool
}

const modelForever = math.MaxInt64

func (m *readModel) stream(name string) *modelStream {
	if m.streams[name] == nil {
		m.streams[name] = &modelStream{last: -1, metadata: -1}
	}
	return m.streams[name]
}

func (m *readModel) wrote(stream, typ string, revision int64) {
	m.log = append(m.log, modelEvent{Stream: stream, Type: typ, Revision: uint64(revision)})
}

func (m *readModel) setMetadata(name string, tb, count int64) {
	s := m.stream(name)
	s.metadata++
	s.tb, s.max = tb, count
	m.wrote("$$"+name, "$metadata", s.metadata)
}

// visible lists what a reader of a stream sees, oldest first.
func (m *readModel) visible(name string) (out []modelEvent) {
	s := m.stream(name)
	first := s.tb
	if s.max > 0 {
		first = max(first, s.last-s.max+1)
	}
	for _, e := range m.log {
		if e.Stream == name && int64(e.Revision) >= first {
			out = append(out, e)
		}
	}
	return out
}

// modelRun is one log that is written and then read in many ways.
type modelRun struct {
	*rapid.T
	ctx context.Context
	c   *esdb.Client
	m   *readModel
}

func TestReadersSeeWhatTheModelSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		n, err := node.Start(ctx, node.Config{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = n.Stop(context.Background()) }()
		conf, err := esdb.ParseConnectionString(n.ConnectionString())
		if err != nil {
			rt.Fatal(err)
		}
		conf.Address, conf.Logger = "unix:"+n.SocketPath(), esdb.NoopLogging()
		c, err := esdb.NewClient(conf)
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		r := &modelRun{T: rt, ctx: ctx, c: c, m: &readModel{streams: map[string]*modelStream{}}}
		for range rapid.IntRange(1, 12).Draw(rt, "writes") {
			r.write()
		}
		r.locate()
		for range 3 {
			r.readStream()
			r.readAll()
			r.subscribeAll()
		}
		r.subscribeStream()
	})
}

func (r *modelRun) name() string {
	return rapid.SampledFrom([]string{"a-1", "a-2", "b-1"}).Draw(r.T, "stream")
}

func (r *modelRun) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// write does one thing that every server allows.
func (r *modelRun) write() {
	name := r.name()
	s := r.m.stream(name)
	if s.tombstoned {
		return
	}
	deleted := s.tb == modelForever
	switch kind := rapid.IntRange(0, 19).Draw(r.T, "kind"); {
	case kind < 13:
		typ := rapid.SampledFrom([]string{"x.a", "x.b", "y.a"}).Draw(r.T, "type")
		evs := eventsN("", rapid.IntRange(1, 30).Draw(r.T, "events"))
		before := s.last
		for i := range evs {
			evs[i].EventType = typ
			s.last++
			r.m.wrote(name, typ, s.last)
		}
		_, err := r.c.AppendToStream(r.ctx, name, esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, evs...)
		r.must(err)
		if deleted {
			r.m.setMetadata(name, before+1, s.max)
		}
	case kind < 17:
		meta := esdb.StreamMetadata{}
		count, tb := rapid.Int64Range(0, 9).Draw(r.T, "count"), rapid.Int64Range(0, 20).Draw(r.T, "tb")
		if count > 0 {
			meta.SetMaxCount(uint64(count))
		}
		meta.SetTruncateBefore(uint64(tb))
		_, err := r.c.SetStreamMetadata(r.ctx, name, esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, meta)
		r.must(err)
		r.m.setMetadata(name, tb, count)
		if deleted {
			r.m.setMetadata(name, s.last+1, count)
		}
	case kind < 19 && (s.last >= 0 || s.metadata >= 0):
		_, err := r.c.DeleteStream(r.ctx, name, esdb.DeleteStreamOptions{ExpectedRevision: esdb.Any{}})
		r.must(err)
		r.m.setMetadata(name, modelForever, 0)
	case kind == 19:
		_, err := r.c.TombstoneStream(r.ctx, name, esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}})
		r.must(err)
		s.tombstoned = true
		r.m.wrote(name, "$streamDeleted", math.MaxInt64)
	}
}

// locate reads the whole log once: the model can't know positions.
func (r *modelRun) locate() {
	stream, err := r.c.ReadAll(r.ctx, esdb.ReadAllOptions{From: esdb.Start{}}, math.MaxUint64)
	r.must(err)
	got, err := drain(stream)
	r.must(err)
	if len(got) == len(r.m.log) {
		for i, e := range got {
			r.m.log[i].Position = e.Position
		}
	}
	r.equal("the log", got, r.m.log)
}

func (r *modelRun) equal(what string, got []*esdb.RecordedEvent, want []modelEvent) {
	r.Helper()
	have := []modelEvent{}
	for _, e := range got {
		have = append(have, modelEvent{e.StreamID, e.EventType, e.EventNumber, e.Position})
	}
	if diff := cmp.Diff(append([]modelEvent{}, want...), have); diff != "" {
		r.Fatalf("%s (-model +node):\n%s", what, diff)
	}
}

// refused checks the answers to reads of streams that are not there.
func (r *modelRun) refused(name string, err error) (done bool) {
	r.Helper()
	s, want := r.m.stream(name), esdb.ErrorCode(-1)
	switch {
	case s.tombstoned:
		want = esdb.ErrorCodeStreamDeleted
	case s.last < 0 || s.tb == modelForever:
		want = esdb.ErrorCodeResourceNotFound
	}
	if got := codeOf(err); got != want {
		r.Fatalf("%s: code %v, want %v: %v", name, got, want, err)
	}
	return err != nil
}

func (r *modelRun) readStream() {
	name, count := r.name(), rapid.Uint64Range(1, 40).Draw(r.T, "count")
	at := rapid.Uint64Range(0, 60).Draw(r.T, "from")
	back := rapid.Bool().Draw(r.T, "backwards")
	opts := esdb.ReadStreamOptions{From: esdb.Revision(at)}
	want := slices.DeleteFunc(r.m.visible(name), func(e modelEvent) bool {
		return !back && e.Revision < at || back && e.Revision > at
	})
	if back {
		slices.Reverse(want)
		opts.Direction = esdb.Backwards
	}
	stream, err := r.c.ReadStream(r.ctx, name, opts, count)
	r.must(err)
	got, err := drain(stream)
	if !r.refused(name, err) {
		r.equal(fmt.Sprintf("%s from %d, backwards %v", name, at, back), got, want[:min(len(want), int(count))])
	}
}

// place draws an event of the log, or -1 for its start and len for its end.
func (r *modelRun) place() (i int, from esdb.AllPosition) {
	i = rapid.IntRange(-1, len(r.m.log)).Draw(r.T, "place")
	switch i {
	case -1:
		return i, esdb.Start{}
	case len(r.m.log):
		return i, esdb.End{}
	}
	return i, r.m.log[i].Position
}

func (r *modelRun) readAll() {
	i, from := r.place()
	count := rapid.Uint64Range(1, 90).Draw(r.T, "count")
	opts, want := esdb.ReadAllOptions{From: from}, r.m.log[max(i, 0):]
	if rapid.Bool().Draw(r.T, "backwards") {
		opts.Direction = esdb.Backwards
		want = slices.Clone(r.m.log[:max(i, 0)])
		slices.Reverse(want)
	}
	stream, err := r.c.ReadAll(r.ctx, opts, count)
	r.must(err)
	got, err := drain(stream)
	r.must(err)
	r.equal(fmt.Sprintf("$all from %d", i), got, want[:min(len(want), int(count))])
}

// subscribeAll compares every message up to caught up, and the events after it.
func (r *modelRun) subscribeAll() {
	i, from := r.place()
	window := rapid.IntRange(1, 12).Draw(r.T, "window")
	opts := esdb.SubscribeToAllOptions{From: from, MaxSearchWindow: window, CheckpointInterval: 1}
	match := func(modelEvent) bool { return true }
	switch rapid.IntRange(0, 4).Draw(r.T, "filter") {
	case 1:
		opts.Filter = &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Prefixes: []string{"x.", "$m"}}
		match = func(e modelEvent) bool { return strings.HasPrefix(e.Type, "x.") || strings.HasPrefix(e.Type, "$m") }
	case 2:
		opts.Filter = &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{"a-"}}
		match = func(e modelEvent) bool { return strings.HasPrefix(e.Stream, "a-") }
	case 3:
		opts.Filter = &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Regex: `\.a$`}
		match = func(e modelEvent) bool { return regexp.MustCompile(`\.a$`).MatchString(e.Type) }
	case 4:
		opts.Filter = &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Regex: "^nobody"}
		match = func(modelEvent) bool { return false }
	}
	var want []string
	considered := r.m.log[min(i+1, len(r.m.log)):]
	for k, e := range considered {
		if match(e) {
			want = append(want, fmt.Sprint(e))
		}
		if opts.Filter != nil && (k+1)%window == 0 {
			want = append(want, fmt.Sprint("checkpoint ", e.Position))
		}
	}
	if opts.Filter != nil && len(considered) > 0 {
		want = append(want, fmt.Sprint("checkpoint ", considered[len(considered)-1].Position))
	}
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	sub, err := r.c.SubscribeToAll(ctx, opts)
	r.must(err)
	r.messages(fmt.Sprintf("subscription from %d, %+v", i, opts.Filter), sub, want)
}

func (r *modelRun) subscribeStream() {
	name := r.name()
	at := rapid.Int64Range(-1, 60).Draw(r.T, "after")
	opts := esdb.SubscribeToStreamOptions{From: esdb.Start{}}
	if at >= 0 {
		opts.From = esdb.Revision(uint64(at))
	}
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	sub, err := r.c.SubscribeToStream(ctx, name, opts)
	if s := r.m.stream(name); s.tombstoned {
		if codeOf(err) != esdb.ErrorCodeStreamDeleted {
			r.Fatalf("subscription to a dead stream: %v", err)
		}
		return
	}
	r.must(err)
	var want []string
	for _, e := range r.m.visible(name) {
		if int64(e.Revision) > at {
			want = append(want, fmt.Sprint(e))
		}
	}
	r.messages(fmt.Sprintf("subscription to %s after %d", name, at), sub, want)
}

// messages compares what a subscription says until it has caught up.
func (r *modelRun) messages(what string, sub *esdb.Subscription, want []string) {
	r.Helper()
	defer func() { _ = sub.Close() }()
	var got []string
	for caughtUp := false; !caughtUp; {
		switch ev := sub.Recv(); {
		case ev.EventAppeared != nil:
			e := ev.EventAppeared.Event
			got = append(got, fmt.Sprint(modelEvent{e.StreamID, e.EventType, e.EventNumber, e.Position}))
		case ev.CheckPointReached != nil:
			got = append(got, fmt.Sprint("checkpoint ", *ev.CheckPointReached))
		case ev.CaughtUp != nil:
			caughtUp = true
		case ev.SubscriptionDropped != nil:
			r.Fatalf("%s: dropped: %v", what, ev.SubscriptionDropped.Error)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		r.Fatalf("%s (-model +node):\n%s", what, diff)
	}
}
