package node

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"time"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registers the codec that frameCodec wraps
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/westshore/hub/events/node/ledger"
)

// Messages of a read are written by hand with protowire, straight from the
// ledger's bytes: no reflection, one copy. The numbers are the field numbers of
// streams.proto and shared.proto.

// frame is a message that is encoded already.
type frame []byte

// skipped takes a message that nobody wants; it becomes its size in bytes.
type skipped int

// frameCodec sends frames as they are and everything else as protobuf.
type frameCodec struct{}

// Name is that of the protobuf codec: the wire format is the same.
func (frameCodec) Name() string { return "proto" }

// Marshal encodes a message.
func (frameCodec) Marshal(v any) (mem.BufferSlice, error) {
	if f, ok := v.(frame); ok {
		return mem.BufferSlice{mem.SliceBuffer(f)}, nil
	}
	return encoding.GetCodecV2("proto").Marshal(v)
}

// Unmarshal decodes a message, copies it as it is, or only measures it.
func (frameCodec) Unmarshal(data mem.BufferSlice, v any) error {
	switch m := v.(type) {
	case *skipped:
		*m = skipped(data.Len())
		return nil
	case *wireMessage:
		*m = data.Materialize()
		return nil
	}
	return encoding.GetCodecV2("proto").Unmarshal(data, v)
}

// Fields of ReadResp.
const (
	respEvent        = 1
	respConfirmation = 2
	respCheckpoint   = 3
	respNotFound     = 4
	respCaughtUp     = 8
)

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendBytes(b, v)
}

func appendText(b []byte, field protowire.Number, v string) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendString(b, v)
}

func appendNumber(b []byte, field protowire.Number, v uint64) []byte {
	b = protowire.AppendTag(b, field, protowire.VarintType)
	return protowire.AppendVarint(b, v)
}

// appendPair appends one entry of the map event.metadata.
func appendPair[V string | []byte](b []byte, key string, value V) []byte {
	n := protowire.SizeTag(1) + protowire.SizeBytes(len(key)) + protowire.SizeTag(2) + protowire.SizeBytes(len(value))
	b = protowire.AppendTag(b, 6, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(n))
	b = appendText(b, 1, key)
	b = protowire.AppendTag(b, 2, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(value)))
	return append(b, value...)
}

// encoder builds the frames of one call.
type encoder struct {
	textIDs bool // the client asked for ids as text
	scratch []byte
}

// event appends ReadResp{event{event, commit_position}}.
func (e *encoder) event(b []byte, r *ledger.Record) []byte {
	rec := e.recorded(e.scratch[:0], r)
	e.scratch = rec
	n := protowire.SizeTag(1) + protowire.SizeBytes(len(rec)) +
		protowire.SizeTag(3) + protowire.SizeVarint(r.Position)
	b = protowire.AppendTag(b, respEvent, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(n))
	b = appendBytes(b, 1, rec)
	return appendNumber(b, 3, r.Position)
}

// link is ReadResp{event{event, link, commit_position}}; the event is left out
// when the link points to nothing.
func (e *encoder) link(link, event *ledger.Record) frame {
	var inner []byte
	if event != nil {
		inner = appendBytes(inner, 1, e.recorded(nil, event))
	}
	inner = appendBytes(inner, 2, e.recorded(nil, link))
	return appendBytes(nil, respEvent, appendNumber(inner, 3, link.Position))
}

// recorded appends the fields of RecordedEvent.
func (e *encoder) recorded(b []byte, r *ledger.Record) []byte {
	b = e.id(b, r.ID)
	b = appendStreamID(b, 2, r.Stream)
	b = appendNumber(b, 3, uint64(r.Revision))
	b = appendNumber(b, 4, r.Position)
	b = appendNumber(b, 5, r.Position)
	content := binaryContent
	if r.JSON {
		content = jsonContent
	}
	b = appendPair(b, metaType, r.Type)
	b = appendPair(b, metaContentType, content)
	// The client ends the process when this is missing.
	b = appendPair(b, metaCreated, strconv.FormatInt(int64(r.Created), 10))
	b = appendBytes(b, 7, r.Meta)
	return appendBytes(b, 8, r.Data)
}

// id appends field 1, UUID.
func (e *encoder) id(b []byte, id [16]byte) []byte {
	var inner []byte
	if e.textIDs {
		inner = appendText(nil, 2, dashed(id))
	} else {
		var halves [24]byte
		half := appendNumber(halves[:0], 1, binary.BigEndian.Uint64(id[:8]))
		half = appendNumber(half, 2, binary.BigEndian.Uint64(id[8:]))
		var out [32]byte
		inner = appendBytes(out[:0], 1, half)
	}
	return appendBytes(b, 1, inner)
}

func appendStreamID(b []byte, field protowire.Number, name []byte) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(protowire.SizeTag(3)+protowire.SizeBytes(len(name))))
	return appendBytes(b, 3, name)
}

// Clients newer than v4.2.0 read the time of a checkpoint and of caught_up, and
// where the latter was reached; Kurrent's gives back an empty event without the
// time. Older ones skip fields that they don't know.

// checkpoint appends ReadResp{checkpoint{commit, prepare, timestamp}}.
func checkpoint(b []byte, pos uint64, now time.Time) []byte {
	var space [64]byte
	inner := appendPosition(space[:0], pos)
	return appendBytes(b, respCheckpoint, appendTime(inner, 3, now))
}

// caughtUpAll is ReadResp{caught_up{timestamp, position}}; the position is left
// out while the log is empty.
func caughtUpAll(now time.Time, pos uint64) frame {
	inner := appendTime(nil, 1, now)
	if pos > 0 {
		inner = appendBytes(inner, 3, appendPosition(nil, pos))
	}
	return appendBytes(nil, respCaughtUp, inner)
}

// caughtUpStream is ReadResp{caught_up{timestamp, stream_revision}}; the revision
// is left out while the stream is empty.
func caughtUpStream(now time.Time, revision int64) frame {
	inner := appendTime(nil, 1, now)
	if revision >= 0 {
		inner = appendNumber(inner, 2, uint64(revision))
	}
	return appendBytes(nil, respCaughtUp, inner)
}

func appendPosition(b []byte, pos uint64) []byte {
	return appendNumber(appendNumber(b, 1, pos), 2, pos)
}

// appendTime appends a google.protobuf.Timestamp.
func appendTime(b []byte, field protowire.Number, t time.Time) []byte {
	var space [24]byte
	inner := appendNumber(space[:0], 1, uint64(t.Unix()))
	return appendBytes(b, field, appendNumber(inner, 2, uint64(t.Nanosecond())))
}

func confirmation(id string) frame {
	return appendBytes(nil, respConfirmation, appendText(nil, 1, id))
}

func notFound(name string) frame {
	return appendBytes(nil, respNotFound, appendStreamID(nil, 1, []byte(name)))
}

// dashed prints a UUID in the form of RFC 9562.
func dashed(id [16]byte) string {
	h := hex.EncodeToString(id[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
