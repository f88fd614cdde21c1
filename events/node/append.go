package node

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"unicode/utf16"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
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
	readers   *sync.WaitGroup // of batch appends; they end soon after their stream
}

// Append takes options and events until the client half-closes, then appends
// all or nothing. A refusal that is certain before that reads the rest first:
// the client would see only an end of file otherwise.
func (s *streamServer) Append(stream streams.Streams_AppendServer) error {
	header, events, err := s.collect(stream)
	if err != nil {
		return answer(stream.SetTrailer, err)
	}
	res, err := s.ledger.Append(stream.Context(), header.stream, header.expected, events)
	var wrong *ledger.WrongRevisionError
	if errors.As(err, &wrong) {
		return stream.SendAndClose(wrongRevision(wrong))
	}
	if err != nil {
		return answer(stream.SetTrailer, err)
	}
	return stream.SendMsg(appended(res))
}

// collect reads the whole request.
func (s *streamServer) collect(stream streams.Streams_AppendServer) (header appendHeader, events []ledger.Event, err error) {
	var m wireMessage
	if err := stream.RecvMsg(&m); err != nil {
		return header, nil, received(err)
	}
	options, _, err := openAppend(m)
	if err == nil && options == nil {
		err = invalid("the first message has no options")
	}
	if err == nil {
		header, err = parseAppendOptions(options)
	}
	if err == nil {
		err = ledger.CheckName(header.stream)
	}
	size := 0
	for err == nil {
		if err = stream.RecvMsg(&m); err != nil {
			if errors.Is(err, io.EOF) {
				return header, events, nil
			}
			return header, nil, received(err)
		}
		var ev ledger.Event
		if ev, err = proposed(m); err == nil {
			if size += sizeOf(&ev); size > s.maxAppend {
				err = appendTooLarge(s.maxAppend)
			}
			events = append(events, ev)
		}
	}
	drain(stream, maxDrained)
	return header, nil, err
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

// proposed reads and checks one event of an append.
func proposed(m wireMessage) (ledger.Event, error) {
	_, proposal, err := openAppend(m)
	if err != nil {
		return ledger.Event{}, err
	}
	if proposal == nil {
		return ledger.Event{}, invalid("an event was expected")
	}
	return parseProposal(proposal)
}

func structuredID(id [16]byte) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
		MostSignificantBits:  int64(binary.BigEndian.Uint64(id[:8])),
		LeastSignificantBits: int64(binary.BigEndian.Uint64(id[8:])),
	}}}
}
