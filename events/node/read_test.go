package node_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

func TestReadStream(t *testing.T) {
	c := dial(t, start(t))
	s := streamName()
	put(t, c, s, esdb.NoStream{}, eventsN("e", 5)...)
	const fwd, back = esdb.Forwards, esdb.Backwards
	for _, r := range []struct {
		name  string
		dir   esdb.Direction
		from  esdb.StreamPosition
		count uint64
		want  []uint64
	}{
		{"start", fwd, esdb.Start{}, 9, []uint64{0, 1, 2, 3, 4}},
		{"count", fwd, esdb.Start{}, 2, []uint64{0, 1}},
		{"inclusive", fwd, esdb.StreamRevision{Value: 3}, 9, []uint64{3, 4}},
		{"beyond the last", fwd, esdb.StreamRevision{Value: 9}, 9, []uint64{}},
		{"far beyond", fwd, esdb.StreamRevision{Value: math.MaxUint64 - 1}, 9, []uint64{}},
		{"end back", back, esdb.End{}, 2, []uint64{4, 3}},
		{"whole back", back, esdb.End{}, math.MaxUint64, []uint64{4, 3, 2, 1, 0}},
		{"inclusive back", back, esdb.StreamRevision{Value: 1}, 9, []uint64{1, 0}},
		{"beyond back", back, esdb.StreamRevision{Value: 99}, 2, []uint64{4, 3}},
		{"start back", back, esdb.Start{}, 9, []uint64{0}},
	} {
		evs, err := readStream(t, c, s, esdb.ReadStreamOptions{Direction: r.dir, From: r.from}, r.count)
		if diff := cmp.Diff(r.want, revisions(evs)); diff != "" || err != nil {
			t.Errorf("%s: %v %s", r.name, err, diff)
		}
	}
	if _, err := readStream(t, c, streamName(), esdb.ReadStreamOptions{}, 1); codeOf(err) != esdb.ErrorCodeResourceNotFound {
		t.Errorf("missing: %v", err)
	}
	if _, err := readStream(t, c, s, esdb.ReadStreamOptions{}, 0); !strings.Contains(err.Error(), "count is 0") {
		t.Errorf("count 0: %v", err)
	}
	if _, err := readStream(t, c, s, esdb.ReadStreamOptions{From: esdb.End{}}, 1); !strings.Contains(err.Error(), "from its end") {
		t.Errorf("forwards from the end: %v", err)
	}
}

func TestReadLongStreamInPages(t *testing.T) {
	c := dial(t, start(t))
	s := streamName()
	const total = 1500
	for n := 0; n < total; n += 500 {
		put(t, c, s, esdb.Any{}, eventsN("e", 500)...)
	}
	want := make([]uint64, total)
	for i := range want {
		want[i] = uint64(i)
	}
	evs, err := readStream(t, c, s, esdb.ReadStreamOptions{}, math.MaxUint64)
	if diff := cmp.Diff(want, revisions(evs)); diff != "" || err != nil {
		t.Error("stream", err, diff)
	}
	evs, err = readAll(t, c, esdb.ReadAllOptions{From: esdb.Start{}}, math.MaxUint64)
	if diff := cmp.Diff(want, revisions(evs)); diff != "" || err != nil {
		t.Error("all", err, diff)
	}
	slices.Reverse(want)
	evs, err = readStream(t, c, s, esdb.ReadStreamOptions{Direction: esdb.Backwards, From: esdb.End{}}, math.MaxUint64)
	if diff := cmp.Diff(want, revisions(evs)); diff != "" || err != nil {
		t.Error("stream back", err, diff)
	}
	evs, err = readAll(t, c, esdb.ReadAllOptions{Direction: esdb.Backwards, From: esdb.End{}}, math.MaxUint64)
	if diff := cmp.Diff(want, revisions(evs)); diff != "" || err != nil {
		t.Error("all back", err, diff)
	}
}

func TestReadAll(t *testing.T) {
	c := dial(t, start(t))
	put(t, c, "a", esdb.NoStream{}, eventsN("a", 2)...)
	setMetadata(t, c, "a", esdb.NoStream{}, `{"$tb":1}`) // hides a 0 from readers of the stream only
	put(t, c, "b", esdb.NoStream{}, eventsN("b", 2)...)
	whole, err := readAll(t, c, esdb.ReadAllOptions{From: esdb.Start{}}, 99)
	if err != nil || len(whole) != 5 {
		t.Fatal(len(whole), err)
	}
	at := func(i int) esdb.Position { return whole[i].Position }
	for i := 1; i < len(whole); i++ {
		if at(i).Commit <= at(i-1).Commit+1 {
			t.Errorf("positions %d and %d", at(i-1).Commit, at(i).Commit)
		}
	}
	between := at(2)
	between.Commit++
	between.Prepare++
	const fwd, back = esdb.Forwards, esdb.Backwards
	for _, r := range []struct {
		name  string
		dir   esdb.Direction
		from  esdb.AllPosition
		count uint64
		want  []string
	}{
		{"inclusive", fwd, at(2), 9, []string{"$metadata", "test.b0", "test.b1"}},
		{"count", fwd, at(2), 1, []string{"$metadata"}},
		{"between two records", fwd, between, 9, []string{"test.b0", "test.b1"}},
		{"end", fwd, esdb.End{}, 9, []string{}},
		{"end back", back, esdb.End{}, 2, []string{"test.b1", "test.b0"}},
		{"exclusive back", back, at(2), 9, []string{"test.a1", "test.a0"}},
		{"start back", back, esdb.Start{}, 9, []string{}},
	} {
		evs, err := readAll(t, c, esdb.ReadAllOptions{Direction: r.dir, From: r.from}, r.count)
		types := []string{}
		for _, e := range evs {
			types = append(types, e.EventType)
		}
		if diff := cmp.Diff(r.want, types); diff != "" || err != nil {
			t.Errorf("%s: %v %s", r.name, err, diff)
		}
	}
	if _, err := readAll(t, c, esdb.ReadAllOptions{From: esdb.Start{}}, 0); err == nil {
		t.Error("count 0 was served")
	}
}

func TestMetadata(t *testing.T) {
	c := dial(t, start(t))
	s := streamName()
	put(t, c, s, esdb.NoStream{}, eventsN("e", 5)...)
	expect := func(name string, opts esdb.ReadStreamOptions, want ...uint64) {
		t.Helper()
		evs, err := readStream(t, c, s, opts, 9)
		if diff := cmp.Diff(append([]uint64{}, want...), revisions(evs)); diff != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	end := esdb.ReadStreamOptions{Direction: esdb.Backwards, From: esdb.End{}}
	meta := esdb.StreamMetadata{}
	meta.SetMaxCount(2)
	if _, err := c.SetStreamMetadata(t.Context(), s, esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, meta); err != nil {
		t.Fatal(err)
	}
	expect("max count", esdb.ReadStreamOptions{}, 3, 4)
	expect("max count back", end, 4, 3)
	expect("from inside", esdb.ReadStreamOptions{From: esdb.StreamRevision{Value: 1}}, 3, 4)
	expect("below, back", esdb.ReadStreamOptions{Direction: esdb.Backwards, From: esdb.StreamRevision{Value: 2}})
	got, err := c.GetStreamMetadata(t.Context(), s, esdb.ReadStreamOptions{})
	if err != nil || got.MaxCount() == nil || *got.MaxCount() != 2 {
		t.Errorf("metadata %v, %v", got, err)
	}
	setMetadata(t, c, s, esdb.Revision(0), `{"$maxCount":4,"$tb":2}`)
	expect("raised again, and truncated", esdb.ReadStreamOptions{}, 2, 3, 4)
	setMetadata(t, c, s, esdb.Revision(1), `{"$tb":77}`)
	expect("truncated beyond the last", esdb.ReadStreamOptions{})
	setMetadata(t, c, s, esdb.Revision(2), `{"$maxAge":3600}`)
	expect("max age", esdb.ReadStreamOptions{}, 0, 1, 2, 3, 4)
	setMetadata(t, c, s, esdb.Revision(3), `{"$maxCount":2`)
	expect("malformed", esdb.ReadStreamOptions{}, 0, 1, 2, 3, 4)
	evs, err := readStream(t, c, "$$"+s, esdb.ReadStreamOptions{}, 9)
	if diff := cmp.Diff([]uint64{4}, revisions(evs)); diff != "" || err != nil {
		t.Errorf("the metadata stream shows %s, %v", diff, err)
	}
	if _, err := c.GetStreamMetadata(t.Context(), streamName(), esdb.ReadStreamOptions{}); err == nil {
		t.Error("metadata of a missing stream")
	}
	// Access lists are kept and given back (NODE 3.7), whoever reads.
	const list = `{"$acl":{"$r":["$admins","clerks"],"$w":"clerks"},"own":1}`
	setMetadata(t, c, s, esdb.Revision(4), list)
	if evs, err = readStream(t, c, "$$"+s, esdb.ReadStreamOptions{}, 1); err != nil || string(evs[0].Data) != list {
		t.Errorf("access list %v, %v", evs, err)
	}
	expect("with an access list", esdb.ReadStreamOptions{}, 0, 1, 2, 3, 4)
}

func allRequest() *streams.ReadReq {
	return &streams.ReadReq{Options: &streams.ReadReq_Options{
		StreamOption: &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{
			AllOption: &streams.ReadReq_Options_AllOptions_Start{Start: &shared.Empty{}},
		}},
		CountOption:  &streams.ReadReq_Options_Count{Count: 100},
		FilterOption: &streams.ReadReq_Options_NoFilter{NoFilter: &shared.Empty{}},
		UuidOption:   &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_String_{String_: &shared.Empty{}}},
	}}
}

func copyOf(req *streams.ReadReq) *streams.ReadReq { return proto.CloneOf(req) }

func TestReadRequestsTheClientCanNotMake(t *testing.T) {
	n := start(t)
	c := dial(t, n)
	put(t, c, "a", esdb.NoStream{}, event("one"), event("two"), event("three"))
	raw := rawStreams(t, n)
	recv := func(req *streams.ReadReq) (out []*streams.ReadResp, err error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		r, err := raw.Read(ctx, req)
		for err == nil {
			var m *streams.ReadResp
			if m, err = r.Recv(); err == nil {
				out = append(out, m)
			}
		}
		return out, err
	}
	// A filtered read, with ids as text: the count counts matches.
	req := allRequest()
	req.Options.CountOption = &streams.ReadReq_Options_Count{Count: 1}
	req.Options.FilterOption = &streams.ReadReq_Options_Filter{Filter: &streams.ReadReq_Options_FilterOptions{
		Filter: &streams.ReadReq_Options_FilterOptions_EventType{EventType: &streams.ReadReq_Options_FilterOptions_Expression{Prefix: []string{"test.t"}}},
		Window: &streams.ReadReq_Options_FilterOptions_Count{Count: &shared.Empty{}}, CheckpointIntervalMultiplier: 1,
	}}
	out, _ := recv(req)
	if len(out) != 1 || out[0].GetEvent().GetEvent().GetMetadata()["type"] != "test.two" || len(out[0].GetEvent().GetEvent().GetId().GetString_()) != 36 {
		t.Errorf("filtered read: %v", out)
	}
	for name, spoil := range map[string]func(*streams.ReadReq_Options){
		"no options":       func(o *streams.ReadReq_Options) { *o = streams.ReadReq_Options{} },
		"no uuid option":   func(o *streams.ReadReq_Options) { o.UuidOption = nil },
		"no filter option": func(o *streams.ReadReq_Options) { o.FilterOption = nil },
		"no count option":  func(o *streams.ReadReq_Options) { o.CountOption = nil },
		"no stream option": func(o *streams.ReadReq_Options) { o.StreamOption = nil },
		"backwards subscription": func(o *streams.ReadReq_Options) {
			o.ReadDirection = streams.ReadReq_Options_Backwards
			o.CountOption = &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}}
		},
		"filter on a stream": func(o *streams.ReadReq_Options) {
			o.FilterOption = copyOf(req).Options.FilterOption
			o.StreamOption = &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
				StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("a")},
			}}
		},
		"checkpoint interval 0": func(o *streams.ReadReq_Options) {
			o.FilterOption = copyOf(req).Options.FilterOption
			o.GetFilter().CheckpointIntervalMultiplier = 0
		},
		"bad regex": func(o *streams.ReadReq_Options) {
			o.FilterOption = copyOf(req).Options.FilterOption
			o.GetFilter().GetEventType().Regex = "("
		},
	} {
		bad := allRequest()
		spoil(bad.Options)
		if _, err := recv(bad); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLinksAreResolvedForWhoAsks (NODE 3.5): the event the link points to comes
// with the link; a link to nothing that may be seen comes alone.
func TestLinksAreResolvedForWhoAsks(t *testing.T) {
	n := start(t)
	c := dial(t, n)
	put(t, c, "far", esdb.NoStream{}, eventsN("far", 3)...)
	put(t, c, "cut", esdb.NoStream{}, eventsN("cut", 3)...)
	setMetadata(t, c, "cut", esdb.NoStream{}, `{"$tb":2}`)
	put(t, c, "soft", esdb.NoStream{}, event("soft"))
	put(t, c, "hard", esdb.NoStream{}, event("hard"))
	if _, err := c.DeleteStream(t.Context(), "soft", esdb.DeleteStreamOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.TombstoneStream(t.Context(), "hard", esdb.TombstoneStreamOptions{}); err != nil {
		t.Fatal(err)
	}
	evs, want := []esdb.EventData{event("plain")}, []string{"test.plain -"}
	for _, l := range [][2]string{
		{"1@far", "test.far1 $>"},
		{"2@cut", "test.cut2 $>"},
		{"1@cut", "- $>"},
		{"3@far", "- $>"},
		{"-1@far", "- $>"},
		{"0@missing", "- $>"},
		{"0@soft", "- $>"},
		{"0@hard", "- $>"},
		{"far", "- $>"},
		{"x@far", "- $>"},
	} {
		ev := event(l[0])
		ev.EventType, ev.Data = "$>", []byte(l[0])
		evs, want = append(evs, ev), append(want, l[1])
	}
	put(t, c, "links", esdb.NoStream{}, evs...)
	show := func(e *esdb.ResolvedEvent) string {
		text := []string{"-", "-"}
		for i, r := range []*esdb.RecordedEvent{e.Event, e.Link} {
			if r != nil {
				text[i] = r.EventType
			}
		}
		if l := e.Link; l != nil && (l.StreamID != "links" || e.Commit == nil || *e.Commit != l.Position.Commit) {
			t.Errorf("link of %s at %v, commit %v", l.StreamID, l.Position, e.Commit)
		}
		return strings.Join(text, " ")
	}
	r, err := c.ReadStream(t.Context(), "links", esdb.ReadStreamOptions{ResolveLinkTos: true}, 99)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var got []string
	for e, err := r.Recv(); err == nil; e, err = r.Recv() {
		got = append(got, show(e))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("stream", diff)
	}
	raw, err := c.SubscribeToAll(t.Context(), esdb.SubscribeToAllOptions{
		From: esdb.Start{}, ResolveLinkTos: true, Filter: &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{"links"}},
	})
	sub := listen(t, raw, err)
	got = nil
	for len(got) < len(want) {
		if ev := sub.next(); ev.EventAppeared != nil {
			got = append(got, show(ev.EventAppeared))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("subscription", diff)
	}
	if evs, err := readStream(t, c, "links", esdb.ReadStreamOptions{From: esdb.Revision(1)}, 1); err != nil || evs[0].EventType != "$>" {
		t.Errorf("who does not ask gets %v, %v", evs, err)
	}
}

// TestAppendRefusalsTheClientCanNotProvoke checks codes and trailers.
func TestAppendRefusalsTheClientCanNotProvoke(t *testing.T) {
	raw := rawStreams(t, start(t))
	good := func() *streams.AppendReq_ProposedMessage {
		return &streams.AppendReq_ProposedMessage{
			Id:       &shared.UUID{Value: &shared.UUID_String_{String_: "8d6c6bf4-6f0b-5c53-9d3f-2c1a7e0b9a41"}},
			Metadata: map[string]string{"type": "t", "content-type": "application/json", "ignored": "x"},
		}
	}
	for name, c := range map[string]struct {
		spoil     func(*streams.AppendReq_ProposedMessage)
		exception string
	}{
		"fine":            {func(*streams.AppendReq_ProposedMessage) {}, ""},
		"no type":         {func(m *streams.AppendReq_ProposedMessage) { delete(m.Metadata, "type") }, "missing-required-metadata-property"},
		"no content type": {func(m *streams.AppendReq_ProposedMessage) { delete(m.Metadata, "content-type") }, "missing-required-metadata-property"},
		"id of zeros": {func(m *streams.AppendReq_ProposedMessage) {
			m.Id = &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{}}}
		}, "-"},
		"id that is none": {func(m *streams.AppendReq_ProposedMessage) {
			m.Id = &shared.UUID{Value: &shared.UUID_String_{String_: "x"}}
		}, "-"},
		"no id":           {func(m *streams.AppendReq_ProposedMessage) { m.Id = nil }, "-"},
		"larger than all": {func(m *streams.AppendReq_ProposedMessage) { m.Data = make([]byte, 2<<20) }, "maximum-append-size-exceeded"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		a, err := raw.Append(ctx)
		if err != nil {
			t.Fatal(err)
		}
		m := good()
		c.spoil(m)
		sendErr := a.Send(&streams.AppendReq{Content: &streams.AppendReq_Options_{Options: &streams.AppendReq_Options{
			StreamIdentifier:       &shared.StreamIdentifier{StreamName: []byte(streamName())},
			ExpectedStreamRevision: &streams.AppendReq_Options_Any{Any: &shared.Empty{}},
		}}})
		for _, m := range []*streams.AppendReq_ProposedMessage{m, good(), good()} {
			if err := a.Send(&streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: m}}); err != nil {
				sendErr = err
			}
		}
		_, err = a.CloseAndRecv()
		cancel()
		if c.exception == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if sendErr != nil || status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v, while sending %v", name, err, sendErr)
		}
		if got := strings.Join(a.Trailer().Get("exception"), ","); got != strings.TrimPrefix(c.exception, "-") {
			t.Errorf("%s: trailer %q", name, got)
		}
		for exception, more := range map[string][2]string{
			"maximum-append-size-exceeded":       {"maximum-append-size", "1048576"},
			"missing-required-metadata-property": {"required-metadata-properties", "type,content-type"},
		} {
			if got := a.Trailer().Get(more[0]); c.exception == exception && (len(got) != 1 || got[0] != more[1]) {
				t.Errorf("%s: trailer %s is %q", name, more[0], got)
			}
		}
	}
}
