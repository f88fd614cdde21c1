package node

import (
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"

	"github.com/westshore/hub/events/node/ledger"
)

const (
	metaType        = "type"
	metaContentType = "content-type"
	metaCreated     = "created"
	jsonContent     = "application/json"
	binaryContent   = "application/octet-stream"

	// What is read and thrown away after a refusal; less for a stranger.
	maxDrained         = 256 << 20
	maxDrainedStranger = 32 << 20
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
	drain(stream, maxDrained)
	return "", 0, nil, err
}

// received explains why the next message could not be had.
func received(err error) error {
	if errors.Is(err, io.EOF) {
		return invalid("the append has no options")
	}
	return err // of the transport, which has answered by itself if it could
}

// drain reads the rest of a request and throws it away, up to limit bytes.
func drain(stream grpc.ServerStream, limit int) {
	for size := 0; size < limit; {
		var n skipped
		if err := stream.RecvMsg(&n); err != nil {
			return
		}
		size += int(n) + 64
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
