package node

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"github.com/westshore/hub/events/node/ledger"
)

// TestFramesAreTheMessages decodes what frame.go writes by hand and compares it
// with the messages of the protocol.
func TestFramesAreTheMessages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		blob := rapid.SliceOfN(rapid.Byte(), 0, 300)
		r := ledger.Record{
			Position: rapid.Uint64().Draw(t, "position"), Revision: rapid.Int64Min(0).Draw(t, "revision"),
			Created: ledger.Ticks(rapid.Int64().Draw(t, "created")), JSON: rapid.Bool().Draw(t, "json"),
			Stream: []byte(rapid.String().Draw(t, "stream")), Type: []byte(rapid.String().Draw(t, "type")),
			Meta: blob.Draw(t, "meta"), Data: blob.Draw(t, "data"),
		}
		copy(r.ID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		e := encoder{textIDs: rapid.Bool().Draw(t, "text")}
		id, content := structuredID(r.ID), binaryContent
		if e.textIDs {
			id = &shared.UUID{Value: &shared.UUID_String_{String_: dashed(r.ID)}}
		}
		if r.JSON {
			content = jsonContent
		}
		same(t, e.event(nil, &r), &streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{
			Position: &streams.ReadResp_ReadEvent_CommitPosition{CommitPosition: r.Position},
			Event: &streams.ReadResp_ReadEvent_RecordedEvent{
				Id: id, StreamIdentifier: &shared.StreamIdentifier{StreamName: r.Stream},
				StreamRevision: uint64(r.Revision), CommitPosition: r.Position, PreparePosition: r.Position,
				Metadata: map[string]string{
					"type": string(r.Type), "content-type": content, "created": strconv.FormatInt(int64(r.Created), 10),
				},
				CustomMetadata: r.Meta, Data: r.Data,
			},
		}}})
		at := time.Unix(1_800_000_000, 7)
		known := sameKnown(t, checkpoint(nil, r.Position, at), &streams.ReadResp{Content: &streams.ReadResp_Checkpoint_{
			Checkpoint: &streams.ReadResp_Checkpoint{CommitPosition: r.Position, PreparePosition: r.Position},
		}})
		if !bytes.Equal(known, appendTime(nil, 3, at)) {
			t.Fatalf("the checkpoint's time: %x", known)
		}
	})
	at := time.Unix(1_800_000_000, 7)
	stamp, err := proto.Marshal(timestamppb.New(at))
	if err != nil || !bytes.Equal(appendTime(nil, 1, at), appendBytes(nil, 1, stamp)) {
		t.Errorf("time: %x, want %x, %v", appendTime(nil, 1, at), stamp, err)
	}
	none := &streams.ReadResp{Content: &streams.ReadResp_CaughtUp_{CaughtUp: &streams.ReadResp_CaughtUp{}}}
	for name, c := range map[string]struct {
		frame frame
		more  []byte
	}{
		"empty log":    {caughtUpAll(at, 0), nil},
		"log":          {caughtUpAll(at, 99), appendBytes(nil, 3, appendPosition(nil, 99))},
		"empty stream": {caughtUpStream(at, -1), nil},
		"stream":       {caughtUpStream(at, 4), appendNumber(nil, 2, 4)},
	} {
		if more := sameKnown(t, c.frame, none); !bytes.Equal(more, append(appendTime(nil, 1, at), c.more...)) {
			t.Errorf("caught up, %s: %x", name, more)
		}
	}
	same(t, confirmation("x"), &streams.ReadResp{Content: &streams.ReadResp_Confirmation{
		Confirmation: &streams.ReadResp_SubscriptionConfirmation{SubscriptionId: "x"},
	}})
	same(t, notFound("s"), &streams.ReadResp{Content: &streams.ReadResp_StreamNotFound_{
		StreamNotFound: &streams.ReadResp_StreamNotFound{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("s")}},
	}})
}

// TestAppendsAreDecoded compares what decode.go reads by hand with what the
// generated code reads, from what the generated code wrote.
func TestAppendsAreDecoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		blob := rapid.SliceOfN(rapid.Byte(), 0, 300)
		id := [16]byte{}
		copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		id[0] |= 1 // not all zero
		m := &streams.AppendReq_ProposedMessage{
			Id: structuredID(id), CustomMetadata: blob.Draw(t, "meta"), Data: blob.Draw(t, "data"),
			Metadata: map[string]string{
				metaType: rapid.StringN(1, 40, -1).Draw(t, "type"), rapid.String().Draw(t, "key"): "other",
				metaContentType: rapid.SampledFrom([]string{jsonContent, binaryContent, ""}).Draw(t, "content"),
			},
		}
		if rapid.Bool().Draw(t, "text") {
			m.Id = &shared.UUID{Value: &shared.UUID_String_{String_: dashed(id)}}
		}
		wire, err := proto.Marshal(&streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: m}})
		if err != nil {
			t.Fatal(err)
		}
		ev, err := proposed(wire)
		if err != nil {
			t.Fatal(err)
		}
		if ev.ID != id || ev.Type != m.Metadata[metaType] || ev.JSON != (m.Metadata[metaContentType] == jsonContent) ||
			!bytes.Equal(ev.Meta, m.CustomMetadata) || !bytes.Equal(ev.Data, m.Data) {
			t.Fatalf("have %+v\nwant %v", ev, m)
		}
		o := &streams.AppendReq_Options{StreamIdentifier: &shared.StreamIdentifier{StreamName: blob.Draw(t, "stream")}}
		want := rapid.SampledFrom([]ledger.Expected{ledger.NoStream, ledger.Any, ledger.Exists, 0, 7, math.MaxInt64}).Draw(t, "expected")
		switch want {
		case ledger.NoStream:
			o.ExpectedStreamRevision = &streams.AppendReq_Options_NoStream{NoStream: &shared.Empty{}}
		case ledger.Any:
			o.ExpectedStreamRevision = &streams.AppendReq_Options_Any{Any: &shared.Empty{}}
		case ledger.Exists:
			o.ExpectedStreamRevision = &streams.AppendReq_Options_StreamExists{StreamExists: &shared.Empty{}}
		default:
			o.ExpectedStreamRevision = &streams.AppendReq_Options_Revision{Revision: uint64(want)}
		}
		if wire, err = proto.Marshal(&streams.AppendReq{Content: &streams.AppendReq_Options_{Options: o}}); err != nil {
			t.Fatal(err)
		}
		options, proposal, err := openAppend(wire)
		if err != nil || proposal != nil {
			t.Fatal(proposal, err)
		}
		h, err := parseAppendOptions(options)
		if err != nil || h.stream != string(o.StreamIdentifier.StreamName) || h.expected != want {
			t.Fatalf("have %+v, %v, want %v", h, err, o)
		}
	})
}

// FuzzAppendDecoding: no bytes make decode.go panic, and what it takes the
// generated code takes too.
func FuzzAppendDecoding(f *testing.F) {
	wire, _ := proto.Marshal(&streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: &streams.AppendReq_ProposedMessage{
		Id: structuredID([16]byte{1}), Metadata: map[string]string{metaType: "t", metaContentType: jsonContent}, Data: []byte("{}"),
	}}})
	f.Add(wire)
	f.Add([]byte{0x0a, 0x02, 0x1a, 0x00})
	f.Add([]byte{0xff})
	f.Fuzz(func(t *testing.T, wire []byte) {
		if _, err := proposed(wire); err == nil && proto.Unmarshal(wire, &streams.AppendReq{}) != nil {
			t.Error("taken, but it is no message")
		}
		if options, _, err := openAppend(wire); err == nil {
			_, _ = parseAppendOptions(options)
		}
	})
}

func same(t interface{ Fatalf(string, ...any) }, f []byte, want *streams.ReadResp) {
	have := &streams.ReadResp{}
	if err := proto.Unmarshal(f, have); err != nil {
		t.Fatalf("decode: %v", err)
	}
	if !proto.Equal(want, have) {
		t.Fatalf("have %v\nwant %v", have, want)
	}
}

// sameKnown compares as same does, but for fields that the client of today does
// not know, which it returns.
func sameKnown(t interface{ Fatalf(string, ...any) }, f []byte, want *streams.ReadResp) (unknown []byte) {
	have := &streams.ReadResp{}
	if err := proto.Unmarshal(f, have); err != nil {
		t.Fatalf("decode: %v", err)
	}
	var inner proto.Message = have.GetCheckpoint()
	if have.GetCaughtUp() != nil {
		inner = have.GetCaughtUp()
	}
	unknown = inner.ProtoReflect().GetUnknown()
	inner.ProtoReflect().SetUnknown(nil)
	if !proto.Equal(want, have) {
		t.Fatalf("have %v\nwant %v", have, want)
	}
	return unknown
}

func TestStatusOfLedgerErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		want codes.Code
	}{
		{nil, codes.OK},
		{fmt.Errorf("read: %w", ledger.ErrFailed), codes.Unavailable},
		{fmt.Errorf("%w: %w", ledger.ErrFailed, ledger.ErrDiskFull), codes.Unavailable},
		{ledger.ErrDiskFull, codes.Unavailable},
		{ledger.ErrClosed, codes.Unavailable},
		{ledger.ErrBusy, codes.Unavailable},
		{ledger.ErrDenied, codes.PermissionDenied},
		{ledger.ErrInvalid, codes.InvalidArgument},
		{&ledger.DeletedError{Stream: "s"}, codes.FailedPrecondition},
		{context.DeadlineExceeded, codes.DeadlineExceeded},
		{context.Canceled, codes.Canceled},
		{ledger.ErrCorrupt, codes.Internal},
		{status.Error(codes.ResourceExhausted, "x"), codes.ResourceExhausted},
	} {
		if have := status.Code(statusOf(c.err)); have != c.want {
			t.Errorf("%v: %v, want %v", c.err, have, c.want)
		}
	}
}

func TestPanicOfACallIsItsError(t *testing.T) {
	g := guard{slog.New(slog.DiscardHandler)}
	_, err := g.unary(t.Context(), nil, &grpc.UnaryServerInfo{}, func(context.Context, any) (any, error) { panic("x") })
	if status.Code(err) != codes.Internal {
		t.Error(err)
	}
	err = g.stream(nil, nil, &grpc.StreamServerInfo{}, func(any, grpc.ServerStream) error { panic("x") })
	if status.Code(err) != codes.Internal {
		t.Error(err)
	}
}

func TestHeaderText(t *testing.T) {
	if have := headerText("a b\n%ü"); have != "a b%0A%25%C3%BC" {
		t.Error(have)
	}
}
