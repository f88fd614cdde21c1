package node_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/westshore/hub/events/node"
)

// batching is one BatchAppend stream, spoken with the generated stubs.
type batching struct {
	t      *testing.T
	stream streams.Streams_BatchAppendClient
}

func openBatch(t *testing.T, n *node.Node) *batching {
	t.Helper()
	conn, err := grpc.NewClient("unix:"+n.SocketPath(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	stream, err := streams.NewStreamsClient(conn).BatchAppend(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = conn.Close()
	})
	return &batching{t, stream}
}

func textID(id uuid.UUID) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_String_{String_: id.String()}}
}

// part makes one message; with a stream it begins an append.
func part(id uuid.UUID, stream string, expected any, final bool, evs ...esdb.EventData) *streams.BatchAppendReq {
	m := &streams.BatchAppendReq{CorrelationId: textID(id), IsFinal: final}
	if stream != "" {
		m.Options = &streams.BatchAppendReq_Options{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)}}
		switch v := expected.(type) {
		case esdb.NoStream:
			m.Options.ExpectedStreamPosition = &streams.BatchAppendReq_Options_NoStream{NoStream: &emptypb.Empty{}}
		case esdb.Any:
			m.Options.ExpectedStreamPosition = &streams.BatchAppendReq_Options_Any{Any: &emptypb.Empty{}}
		case esdb.StreamExists:
			m.Options.ExpectedStreamPosition = &streams.BatchAppendReq_Options_StreamExists{StreamExists: &emptypb.Empty{}}
		case int:
			m.Options.ExpectedStreamPosition = &streams.BatchAppendReq_Options_StreamPosition{StreamPosition: uint64(v)}
		}
	}
	for _, ev := range evs {
		m.ProposedMessages = append(m.ProposedMessages, &streams.BatchAppendReq_ProposedMessage{
			Id: textID(ev.EventID), Data: ev.Data, CustomMetadata: ev.Metadata,
			Metadata: map[string]string{"type": ev.EventType, "content-type": "application/json"},
		})
	}
	return m
}

func (b *batching) send(parts ...*streams.BatchAppendReq) {
	b.t.Helper()
	for _, p := range parts {
		if err := b.stream.Send(p); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *batching) next() *streams.BatchAppendResp {
	b.t.Helper()
	r, err := b.stream.Recv()
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// detail is the one thing that an error says.
func detail[M proto.Message](t *testing.T, r *streams.BatchAppendResp, into M) M {
	t.Helper()
	details := r.GetError().GetDetails()
	if len(details) != 1 {
		t.Fatalf("want one detail, have %v", r)
	}
	if err := details[0].UnmarshalTo(into); err != nil {
		t.Fatal(err)
	}
	return into
}

func TestBatchAppend(t *testing.T) {
	n := start(t)
	c, b := dial(t, n), openBatch(t, n)
	one, two := uuid.New(), uuid.New()
	evs := eventsN("e", 4)
	b.send( // two appends, each in parts, one within the other
		part(one, "a", esdb.NoStream{}, false, evs[0]),
		part(two, "b", esdb.Any{}, true, event("x")),
		part(one, "", nil, false, evs[1], evs[2]),
		part(one, "", nil, true, evs[3]),
	)
	first, second := b.next(), b.next()
	if first.GetSuccess() == nil || first.GetAny() == nil || !bytes.Equal(first.GetStreamIdentifier().GetStreamName(), []byte("b")) {
		t.Errorf("first answer: %v", first)
	}
	if second.GetSuccess().GetCurrentRevision() != 3 || second.GetNoStream() == nil {
		t.Errorf("second answer: %v", second)
	}
	got, err := readStream(t, c, "a", esdb.ReadStreamOptions{}, math.MaxUint64)
	if err != nil || len(got) != 4 || got[3].EventID != evs[3].EventID || string(got[3].Data) != string(evs[3].Data) ||
		string(got[3].UserMetadata) != string(evs[3].Metadata) || got[3].ContentType != "application/json" {
		t.Fatalf("read back %d: %v", len(got), err)
	}
	if p := second.GetSuccess().GetPosition().GetCommitPosition(); p != got[3].Position.Commit {
		t.Errorf("answered position %d, stored at %d", p, got[3].Position.Commit)
	}
	b.send(part(one, "a", esdb.NoStream{}, true, evs...)) // again
	if r := b.next(); !proto.Equal(r.GetSuccess(), second.GetSuccess()) {
		t.Errorf("repeated: %v", r)
	}
	if err := b.stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
}

func TestBatchAppendRefusals(t *testing.T) {
	n := start(t)
	c, b := dial(t, n), openBatch(t, n)
	put(t, c, "a", esdb.NoStream{}, eventsN("e", 3)...)
	put(t, c, "gone", esdb.NoStream{}, event("e"))
	if _, err := c.TombstoneStream(t.Context(), "gone", esdb.TombstoneStreamOptions{}); err != nil {
		t.Fatal(err)
	}
	ask := func(m *streams.BatchAppendReq) *streams.BatchAppendResp {
		t.Helper()
		b.send(m)
		return b.next()
	}
	r := ask(part(uuid.New(), "a", 1, true, event("x")))
	if w := detail(t, r, &shared.WrongExpectedVersion{}); w.GetCurrentStreamRevision() != 2 || w.GetExpectedStreamPosition() != 1 || r.GetStreamPosition() != 1 {
		t.Errorf("wrong revision: %v", r)
	}
	r = ask(part(uuid.New(), "missing", esdb.StreamExists{}, true, event("x")))
	if w := detail(t, r, &shared.WrongExpectedVersion{}); w.GetCurrentNoStream() == nil || w.GetExpectedStreamExists() == nil {
		t.Errorf("must exist: %v", r)
	}
	if w := detail(t, ask(part(uuid.New(), "a", esdb.NoStream{}, true, event("x"))), &shared.WrongExpectedVersion{}); w.GetExpectedNoStream() == nil {
		t.Errorf("no stream: %v", w)
	}
	if d := detail(t, ask(part(uuid.New(), "gone", esdb.Any{}, true, event("x"))), &shared.StreamDeleted{}); string(d.GetStreamIdentifier().GetStreamName()) != "gone" {
		t.Errorf("tombstoned: %v", d)
	}
	detail(t, ask(part(uuid.New(), "$all", esdb.Any{}, true, event("x"))), &shared.AccessDenied{})
	large := event("x")
	large.Data = make([]byte, 700<<10)
	again := large
	again.EventID = uuid.New()
	id := uuid.New()
	b.send(part(id, "large", esdb.Any{}, false, large))
	if m := detail(t, ask(part(id, "", nil, true, again)), &shared.MaximumAppendSizeExceeded{}); m.GetMaxAppendSize() != node.DefaultMaxAppendBytes {
		t.Errorf("too large: %v", m)
	}
	bad := event("x")
	bad.EventType = ""
	detail(t, ask(part(uuid.New(), "bad", esdb.Any{}, true, bad)), &shared.BadRequest{})
	detail(t, ask(part(uuid.New(), "a", nil, true, event("x"))), &shared.BadRequest{}) // nothing expected
	late := part(uuid.New(), "late", esdb.Any{}, true, event("x"))
	late.Options.DeadlineOption = &streams.BatchAppendReq_Options_Deadline{Deadline: durationpb.New(-time.Second)}
	detail(t, ask(late), &shared.Timeout{})
	if r := ask(part(uuid.New(), "a", 2, true, event("x"))); r.GetSuccess().GetCurrentRevision() != 3 {
		t.Errorf("after all refusals: %v", r)
	}
}

// TestBatchAppendMisuse: what belongs to no append ends the stream.
func TestBatchAppendMisuse(t *testing.T) {
	n := start(t)
	id := uuid.New()
	for name, parts := range map[string][]*streams.BatchAppendReq{
		"no options":    {part(id, "", nil, true, event("x"))},
		"options twice": {part(id, "a", esdb.Any{}, false, event("x")), part(id, "a", esdb.Any{}, true, event("y"))},
	} {
		b := openBatch(t, n)
		b.send(parts...)
		if _, err := b.stream.Recv(); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBatchAppendWhileStopping: what was taken is answered, then the stream ends
// with Unavailable.
func TestBatchAppendWhileStopping(t *testing.T) {
	n := start(t)
	b := openBatch(t, n)
	const total = 200
	var sent sync.WaitGroup
	sent.Go(func() {
		for range total {
			if b.stream.Send(part(uuid.New(), streamName(), esdb.NoStream{}, true, event("x"))) != nil {
				return
			}
		}
	})
	if r := b.next(); r.GetSuccess() == nil {
		t.Fatal(r)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- n.Stop(context.Background()) }()
	for {
		r, err := b.stream.Recv()
		if err != nil {
			if status.Code(err) != codes.Unavailable {
				t.Errorf("the stream ended with %v", err)
			}
			break
		}
		if r.GetSuccess() == nil {
			t.Errorf("refused while stopping: %v", r)
		}
	}
	sent.Wait()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
