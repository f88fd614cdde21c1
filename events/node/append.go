package node

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"unicode/utf16"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/westshore/hub/events/node/ledger"
)

const (
	metaType        = "type"
	metaContentType = "content-type"
	metaCreated     = "created"
	jsonContent     = "application/json"
	binaryContent   = "application/octet-stream"

	// maxDrained bounds what is read and thrown away after a refusal.
	maxDrained = 256 << 20
)

// streamServer serves the Streams service from the ledger.
type streamServer struct {
	streams.UnimplementedStreamsServer
	ledger    *ledger.Ledger
	closing   <-chan struct{}
	maxAppend int
}

// Append takes options and events until the client half-closes, then appends
// all or nothing. A refusal that is certain before that reads the rest first:
// the client would see only an end of file otherwise.
func (s *streamServer) Append(stream streams.Streams_AppendServer) error {
	name, expected, events, err := s.collect(stream)
	if err != nil {
		return answer(stream.SetTrailer, err)
	}
	res, err := s.ledger.Append(stream.Context(), name, expected, events)
	var wrong *ledger.WrongRevisionError
	if errors.As(err, &wrong) {
		return stream.SendAndClose(wrongRevision(wrong))
	}
	if err != nil {
		return answer(stream.SetTrailer, err)
	}
	return stream.SendAndClose(appended(res))
}

// collect reads the whole request.
func (s *streamServer) collect(stream streams.Streams_AppendServer) (name string, expected ledger.Expected, events []ledger.Event, err error) {
	first, err := stream.Recv()
	if err != nil {
		return "", 0, nil, received(err)
	}
	name = string(first.GetOptions().GetStreamIdentifier().GetStreamName())
	expected, err = expectedOf(first.GetOptions())
	size := 0
	for err == nil {
		var m *streams.AppendReq
		if m, err = stream.Recv(); err != nil {
			if errors.Is(err, io.EOF) {
				return name, expected, events, nil
			}
			return "", 0, nil, received(err)
		}
		var ev ledger.Event
		if ev, err = proposed(m.GetProposedMessage()); err == nil {
			if size += sizeOf(&ev); size > s.maxAppend {
				err = appendTooLarge(s.maxAppend)
			}
			events = append(events, ev)
		}
	}
	drain(stream)
	return "", 0, nil, err
}

// received explains why the next message could not be had.
func received(err error) error {
	if errors.Is(err, io.EOF) {
		return invalid("the append has no options")
	}
	return err // of the transport, which has answered by itself if it could
}

func drain(stream streams.Streams_AppendServer) {
	for size := 0; size < maxDrained; {
		m, err := stream.Recv()
		if err != nil {
			return
		}
		size += len(m.GetProposedMessage().GetData()) + len(m.GetProposedMessage().GetCustomMetadata()) + 64
	}
}

// sizeOf counts an event as the real server does: data, metadata, and the type
// in UTF-16.
func sizeOf(ev *ledger.Event) int {
	units := 0
	for _, r := range ev.Type {
		units += max(utf16.RuneLen(r), 1)
	}
	return len(ev.Data) + len(ev.Meta) + 2*units
}

// proposed checks one event of an append.
func proposed(m *streams.AppendReq_ProposedMessage) (ev ledger.Event, err error) {
	if m == nil {
		return ev, invalid("an event was expected")
	}
	typ, ok := m.GetMetadata()[metaType]
	if !ok {
		return ev, missingProperty(metaType)
	}
	content, ok := m.GetMetadata()[metaContentType]
	if !ok {
		return ev, missingProperty(metaContentType)
	}
	if typ == "" {
		return ev, invalid("the event has no type")
	}
	if ev.ID, err = eventID(m.GetId()); err != nil {
		return ev, err
	}
	ev.Type, ev.JSON, ev.Data, ev.Meta = typ, content == jsonContent, m.GetData(), m.GetCustomMetadata()
	return ev, nil
}

func eventID(id *shared.UUID) (out [16]byte, err error) {
	switch v := id.GetValue().(type) {
	case *shared.UUID_Structured_:
		binary.BigEndian.PutUint64(out[:8], uint64(v.Structured.GetMostSignificantBits()))
		binary.BigEndian.PutUint64(out[8:], uint64(v.Structured.GetLeastSignificantBits()))
	case *shared.UUID_String_:
		if out, err = uuid.Parse(v.String_); err != nil {
			return out, invalid("the event's id is no uuid")
		}
	}
	if out == [16]byte{} {
		return out, invalid("the event has no id")
	}
	return out, nil
}

func structuredID(id [16]byte) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
		MostSignificantBits:  int64(binary.BigEndian.Uint64(id[:8])),
		LeastSignificantBits: int64(binary.BigEndian.Uint64(id[8:])),
	}}}
}

// expectation is what the options of Append, Delete and Tombstone have in common.
type expectation interface {
	GetRevision() uint64
	GetNoStream() *shared.Empty
	GetAny() *shared.Empty
	GetStreamExists() *shared.Empty
}

func expectedOf(o expectation) (ledger.Expected, error) {
	switch v := o.(type) {
	case *streams.AppendReq_Options:
		if v == nil {
			return 0, invalid("the first message has no options")
		}
		if _, ok := v.GetExpectedStreamRevision().(*streams.AppendReq_Options_Revision); ok {
			return exactly(v.GetRevision()), nil
		}
	case *streams.DeleteReq_Options:
		if _, ok := v.GetExpectedStreamRevision().(*streams.DeleteReq_Options_Revision); ok {
			return exactly(v.GetRevision()), nil
		}
	case *streams.TombstoneReq_Options:
		if _, ok := v.GetExpectedStreamRevision().(*streams.TombstoneReq_Options_Revision); ok {
			return exactly(v.GetRevision()), nil
		}
	}
	switch {
	case o.GetAny() != nil:
		return ledger.Any, nil
	case o.GetNoStream() != nil:
		return ledger.NoStream, nil
	case o.GetStreamExists() != nil:
		return ledger.Exists, nil
	}
	return 0, invalid("the expected revision is missing")
}

func exactly(revision uint64) ledger.Expected {
	return ledger.Expected(min(revision, math.MaxInt64))
}

func appended(res ledger.Result) *streams.AppendResp {
	ok := &streams.AppendResp_Success{
		CurrentRevisionOption: &streams.AppendResp_Success_NoStream{NoStream: &shared.Empty{}},
		PositionOption:        &streams.AppendResp_Success_NoPosition{NoPosition: &shared.Empty{}},
	}
	if res.Revision >= 0 {
		ok.CurrentRevisionOption = &streams.AppendResp_Success_CurrentRevision{CurrentRevision: uint64(res.Revision)}
	}
	if res.Position > 0 {
		ok.PositionOption = &streams.AppendResp_Success_Position{Position: &streams.AppendResp_Position{
			CommitPosition: res.Position, PreparePosition: res.Position,
		}}
	}
	return &streams.AppendResp{Result: &streams.AppendResp_Success_{Success: ok}}
}

// wrongRevision fills the fields of today and those of version 20.6.
func wrongRevision(e *ledger.WrongRevisionError) *streams.AppendResp {
	type body = streams.AppendResp_WrongExpectedVersion
	w, empty := &body{}, &shared.Empty{}
	if e.Current < 0 {
		w.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentNoStream{CurrentNoStream: empty}
		w.CurrentRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_NoStream_20_6_0{NoStream_20_6_0: empty}
	} else {
		current := uint64(e.Current)
		w.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: current}
		w.CurrentRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_CurrentRevision_20_6_0{CurrentRevision_20_6_0: current}
	}
	switch e.Expected {
	case ledger.Any:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedAny{ExpectedAny: empty}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_Any_20_6_0{Any_20_6_0: empty}
	case ledger.Exists:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: empty}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_StreamExists_20_6_0{StreamExists_20_6_0: empty}
	case ledger.NoStream:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: empty}
	default:
		revision := uint64(e.Expected)
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision{ExpectedRevision: revision}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision_20_6_0{ExpectedRevision_20_6_0: revision}
	}
	return &streams.AppendResp{Result: &streams.AppendResp_WrongExpectedVersion_{WrongExpectedVersion: w}}
}

// Delete soft-deletes a stream.
func (s *streamServer) Delete(ctx context.Context, req *streams.DeleteReq) (*streams.DeleteResp, error) {
	pos, err := s.remove(ctx, req.GetOptions(), req.GetOptions().GetStreamIdentifier(), s.ledger.Delete)
	if err != nil {
		return nil, err
	}
	return &streams.DeleteResp{PositionOption: &streams.DeleteResp_Position_{
		Position: &streams.DeleteResp_Position{CommitPosition: pos, PreparePosition: pos},
	}}, nil
}

// Tombstone deletes a stream for good.
func (s *streamServer) Tombstone(ctx context.Context, req *streams.TombstoneReq) (*streams.TombstoneResp, error) {
	pos, err := s.remove(ctx, req.GetOptions(), req.GetOptions().GetStreamIdentifier(), s.ledger.Tombstone)
	if err != nil {
		return nil, err
	}
	return &streams.TombstoneResp{PositionOption: &streams.TombstoneResp_Position_{
		Position: &streams.TombstoneResp_Position{CommitPosition: pos, PreparePosition: pos},
	}}, nil
}

type remover func(ctx context.Context, stream string, expected ledger.Expected) (ledger.Result, error)

func (s *streamServer) remove(ctx context.Context, o expectation, id *shared.StreamIdentifier, do remover) (uint64, error) {
	set := func(md metadata.MD) { _ = grpc.SetTrailer(ctx, md) } // fails only outside of a call
	expected, err := expectedOf(o)
	if err != nil {
		return 0, answer(set, err)
	}
	res, err := do(ctx, string(id.GetStreamName()), expected)
	var wrong *ledger.WrongRevisionError
	if errors.As(err, &wrong) {
		err = deleteWrongRevision(wrong)
	}
	if err != nil {
		return 0, answer(set, err)
	}
	return res.Position, nil
}
