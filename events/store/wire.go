package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/westshore/hub/events"
)

// The lane's messages are written and read by hand, straight from and into what
// the store works with. The numbers are those of BatchAppendReq and
// BatchAppendResp in streams.proto.

// wireCodec passes encoded messages through.
type wireCodec struct{}

// Name is that of the protobuf codec: it is what goes over the wire.
func (wireCodec) Name() string { return "proto" }

// Marshal takes a []byte.
func (wireCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

// Unmarshal copies into a *[]byte.
func (wireCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

func putBytes[V string | []byte](b []byte, field protowire.Number, v V) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(v)))
	return append(b, v...)
}

func putNumber(b []byte, field protowire.Number, v uint64) []byte {
	b = protowire.AppendTag(b, field, protowire.VarintType)
	return protowire.AppendVarint(b, v)
}

// putUUID writes a UUID as two halves.
func putUUID(b []byte, field protowire.Number, id [16]byte) []byte {
	var halves, out [32]byte
	half := putNumber(halves[:0], 1, binary.BigEndian.Uint64(id[:8]))
	half = putNumber(half, 2, binary.BigEndian.Uint64(id[8:]))
	return putBytes(b, field, putBytes(out[:0], 1, half))
}

// laneRequest is a whole append in one BatchAppendReq.
func laneRequest(correlation uint64, stream string, expected events.Revision, data []esdb.EventData) []byte {
	size := 96 + len(stream)
	for i := range data {
		size += len(data[i].Data) + len(data[i].Metadata) + len(data[i].EventType) + 112
	}
	b := putUUID(make([]byte, 0, size), 1, correlationID(correlation))
	options := putBytes(nil, 1, putBytes(nil, 3, stream))
	switch expected {
	case events.NoStream:
		options = putBytes(options, 3, "")
	case events.AnyRevision:
		options = putBytes(options, 4, "")
	default:
		options = putNumber(options, 2, uint64(expected))
	}
	b = putBytes(b, 2, options)
	var head []byte
	for i := range data {
		d := &data[i]
		head = putUUID(head[:0], 1, d.EventID)
		head = putBytes(head, 2, putBytes(putBytes(nil, 1, "type"), 2, d.EventType))
		head = putBytes(head, 2, contentJSON)
		n := len(head) + sizeBytes(d.Metadata) + sizeBytes(d.Data)
		b = protowire.AppendTag(b, 3, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(n))
		b = append(b, head...)
		b = putBytes(b, 3, d.Metadata)
		b = putBytes(b, 4, d.Data)
	}
	return putNumber(b, 4, 1)
}

func sizeBytes(v []byte) int { return protowire.SizeTag(4) + protowire.SizeBytes(len(v)) }

// contentJSON is the pair content-type: application/json.
var contentJSON = putBytes(putBytes(nil, 1, "content-type"), 2, "application/json")

func correlationID(n uint64) (id [16]byte) {
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

// laneReply is a BatchAppendResp.
type laneReply struct {
	correlation uint64
	written     Written
	refused     bool
	code        uint64 // of gRPC
	message     string
	kind        string // of the refusal: the name of its detail's type
	detail      []byte
}

var errGarbled = errors.New("the server's answer makes no sense")

// fields calls fn for each field of a message.
func fields(b []byte, fn func(number int, value uint64, text []byte) error) error {
	for len(b) > 0 {
		number, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errGarbled
		}
		b = b[n:]
		var value uint64
		var text []byte
		switch typ {
		case protowire.VarintType:
			value, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			text, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, typ, b)
		}
		if n < 0 {
			return errGarbled
		}
		if err := fn(int(number), value, text); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func parseLaneReply(b []byte) (r laneReply, err error) {
	answered := false
	err = fields(b, func(number int, _ uint64, text []byte) error {
		switch number {
		case 1:
			return fields(text, func(number int, _ uint64, text []byte) error {
				if number != 1 {
					return nil
				}
				return fields(text, func(number int, value uint64, _ []byte) error {
					if number == 2 {
						r.correlation = value
					}
					return nil
				})
			})
		case 2:
			answered, r.refused = true, true
			return r.parseStatus(text)
		case 3:
			answered = true
			return r.parseSuccess(text)
		}
		return nil
	})
	if err == nil && !answered {
		err = errGarbled
	}
	return r, err
}

func (r *laneReply) parseSuccess(b []byte) error {
	r.written.Revision = events.NoStream
	return fields(b, func(number int, value uint64, text []byte) error {
		switch number {
		case 1:
			r.written.Revision = events.Revision(value)
		case 3:
			return fields(text, func(number int, value uint64, _ []byte) error {
				switch number {
				case 1:
					r.written.Position.Commit = value
				case 2:
					r.written.Position.Prepare = value
				}
				return nil
			})
		}
		return nil
	})
}

// parseStatus reads a google.rpc.Status with one detail.
func (r *laneReply) parseStatus(b []byte) error {
	return fields(b, func(number int, value uint64, text []byte) error {
		switch number {
		case 1:
			r.code = value
		case 2:
			r.message = string(text)
		case 3:
			return fields(text, func(number int, _ uint64, text []byte) error {
				switch number {
				case 1:
					r.kind = string(text)
				case 2:
					r.detail = text
				}
				return nil
			})
		}
		return nil
	})
}

// current reads where the stream is out of a WrongExpectedVersion.
func (r *laneReply) current() events.Revision {
	at := unknownRevision
	err := fields(r.detail, func(number int, value uint64, _ []byte) error {
		switch number {
		case 1:
			at = events.Revision(value)
		case 2:
			at = events.NoStream
		}
		return nil
	})
	if err != nil {
		return unknownRevision
	}
	return at
}

// laneRefusal is an append that the server refused on the lane.
type laneRefusal struct {
	finding
	message string
}

func (e *laneRefusal) Error() string { return e.message }

// err is what a refusal means to the store; nil when there is none.
func (r *laneReply) err() error {
	if !r.refused {
		return nil
	}
	f := finding{kind: Unavailable, retry: true, sent: true}
	const prefix = "type.googleapis.com/event_store.client."
	switch r.kind {
	case prefix + "WrongExpectedVersion":
		f = finding{kind: Conflict, current: r.current()}
	case prefix + "StreamDeleted":
		f = finding{kind: Deleted}
	case prefix + "AccessDenied":
		f = finding{kind: Denied}
	case prefix + "MaximumAppendSizeExceeded":
		f = finding{kind: TooLarge}
	case prefix + "BadRequest":
		f = finding{kind: Invalid}
	}
	return &laneRefusal{f, fmt.Sprintf("refused with code %d: %s", r.code, r.message)}
}
