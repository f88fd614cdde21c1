package store

import (
	"bytes"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
	"pgregory.net/rapid"

	"github.com/westshore/hub/events"
)

// TestLaneSpeaksTheProtocol decodes what the lane writes by hand with the
// generated code.
func TestLaneSpeaksTheProtocol(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		blob := rapid.SliceOfN(rapid.Byte(), 0, 300)
		var data []esdb.EventData
		for range rapid.IntRange(0, 4).Draw(t, "events") {
			var id uuid.UUID
			copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
			data = append(data, esdb.EventData{
				EventID: id, EventType: rapid.String().Draw(t, "type"), Data: blob.Draw(t, "data"), Metadata: blob.Draw(t, "meta"),
			})
		}
		stream := rapid.String().Draw(t, "stream")
		expected := rapid.SampledFrom([]events.Revision{events.NoStream, events.AnyRevision, 0, 9}).Draw(t, "expected")
		var got streams.BatchAppendReq
		if err := proto.Unmarshal(laneRequest(77, stream, expected, data), &got); err != nil {
			t.Fatal(err)
		}
		o := got.GetOptions()
		if string(o.GetStreamIdentifier().GetStreamName()) != stream || !got.GetIsFinal() ||
			got.GetCorrelationId().GetStructured().GetLeastSignificantBits() != 77 {
			t.Fatalf("got %v", &got)
		}
		switch expected {
		case events.NoStream:
			if o.GetNoStream() == nil {
				t.Fatal(o)
			}
		case events.AnyRevision:
			if o.GetAny() == nil {
				t.Fatal(o)
			}
		default:
			if v, ok := o.GetExpectedStreamPosition().(*streams.BatchAppendReq_Options_StreamPosition); !ok || v.StreamPosition != uint64(expected) {
				t.Fatal(o)
			}
		}
		if len(got.GetProposedMessages()) != len(data) {
			t.Fatalf("%d events", len(got.GetProposedMessages()))
		}
		for i, m := range got.GetProposedMessages() {
			d := data[i]
			if !bytes.Equal(m.GetData(), d.Data) || !bytes.Equal(m.GetCustomMetadata(), d.Metadata) || m.GetMetadata()["type"] != d.EventType ||
				m.GetMetadata()["content-type"] != "application/json" || len(m.GetMetadata()) != 2 {
				t.Fatalf("event %d: %v", i, m)
			}
			if got := putUUID(nil, 1, d.EventID); !proto.Equal(m, &streams.BatchAppendReq_ProposedMessage{
				Id: m.GetId(), Metadata: m.GetMetadata(), Data: m.GetData(), CustomMetadata: m.GetCustomMetadata(),
			}) || !bytes.Contains(laneRequest(77, stream, expected, data[i:i+1]), got) {
				t.Fatalf("event %d: %v", i, m)
			}
		}
	})
}

// TestLaneReads: what the generated code writes, and damage.
func TestLaneReads(t *testing.T) {
	pack := func(m proto.Message) []*anypb.Any {
		a, err := anypb.New(m)
		if err != nil {
			t.Fatal(err)
		}
		return []*anypb.Any{a}
	}
	id := &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{LeastSignificantBits: 77}}}
	refused := func(m proto.Message) *streams.BatchAppendResp {
		return &streams.BatchAppendResp{CorrelationId: id, Result: &streams.BatchAppendResp_Error{Error: &status.Status{Code: 9, Message: "no", Details: pack(m)}}}
	}
	for _, c := range []struct {
		name string
		resp *streams.BatchAppendResp
		want finding
	}{
		{"written", &streams.BatchAppendResp{CorrelationId: id, Result: &streams.BatchAppendResp_Success_{Success: &streams.BatchAppendResp_Success{
			CurrentRevisionOption: &streams.BatchAppendResp_Success_CurrentRevision{CurrentRevision: 5},
			PositionOption:        &streams.BatchAppendResp_Success_Position{Position: &shared.AllStreamPosition{CommitPosition: 8, PreparePosition: 9}},
		}}}, finding{}},
		{"conflict", refused(&shared.WrongExpectedVersion{CurrentStreamRevisionOption: &shared.WrongExpectedVersion_CurrentStreamRevision{CurrentStreamRevision: 3}}), finding{kind: Conflict, current: 3}},
		{"no stream", refused(&shared.WrongExpectedVersion{CurrentStreamRevisionOption: &shared.WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &emptypb.Empty{}}}), finding{kind: Conflict, current: events.NoStream}},
		{"conflict without more", refused(&shared.WrongExpectedVersion{}), finding{kind: Conflict, current: unknownRevision}},
		{"deleted", refused(&shared.StreamDeleted{}), finding{kind: Deleted}},
		{"denied", refused(&shared.AccessDenied{}), finding{kind: Denied}},
		{"too large", refused(&shared.MaximumAppendSizeExceeded{}), finding{kind: TooLarge}},
		{"invalid", refused(&shared.BadRequest{}), finding{kind: Invalid}},
		{"timeout", refused(&shared.Timeout{}), finding{kind: Unavailable, retry: true, sent: true}},
		{"unknown", refused(&shared.Unknown{}), finding{kind: Unavailable, retry: true, sent: true}},
	} {
		wire, err := proto.Marshal(c.resp)
		if err != nil {
			t.Fatal(err)
		}
		r, err := parseLaneReply(wire)
		if err != nil || r.correlation != 77 {
			t.Fatalf("%s: %+v, %v", c.name, r, err)
		}
		if r.err() == nil {
			if c.want != (finding{}) || r.written != (Written{Revision: 5, Position: events.Position{Commit: 8, Prepare: 9}}) {
				t.Errorf("%s: %+v", c.name, r)
			}
			continue
		}
		if got := classify(r.err()); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		for cut := range wire { // no part of it makes it panic, and none is taken for success
			if r, err := parseLaneReply(wire[:cut]); err == nil && r.err() == nil {
				t.Errorf("%s: %d bytes of %d are a success", c.name, cut, len(wire))
			}
		}
	}
}
