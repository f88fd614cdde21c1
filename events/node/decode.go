package node

import (
	"encoding/binary"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/westshore/hub/events/node/ledger"
)

// Requests of an append are read by hand, as the answers of a read are written:
// they are most of what a busy node decodes, and the generated code builds a
// map and six objects for each event. The numbers are those of streams.proto.

// wireMessage is a received message as it came. It belongs to the receiver.
type wireMessage []byte

// errMalformed answers bytes that are no message of the protocol.
var errMalformed = invalid("the message can't be decoded")

// field is one field of a message: a number, or bytes that borrow from it.
type field struct {
	number protowire.Number
	isText bool // of length-delimited type
	text   []byte
	value  uint64
}

// nextField reads the first field of b and returns the rest. Fields of types
// that the protocol does not use here are passed over by their numbers.
func nextField(b []byte) (f field, rest []byte, err error) {
	number, typ, n := protowire.ConsumeTag(b)
	if n < 0 {
		return f, nil, errMalformed
	}
	f.number, b = number, b[n:]
	switch typ {
	case protowire.VarintType:
		f.value, n = protowire.ConsumeVarint(b)
	case protowire.BytesType:
		f.isText = true
		f.text, n = protowire.ConsumeBytes(b)
	default:
		f.number = 0
		n = protowire.ConsumeFieldValue(number, typ, b)
	}
	if n < 0 {
		return f, nil, errMalformed
	}
	return f, b[n:], nil
}

// appendHeader is the first message of an append.
type appendHeader struct {
	stream   string
	expected ledger.Expected
	given    bool // the expectation
}

// openAppend returns the content of an AppendReq: options or a proposed message.
func openAppend(m wireMessage) (options, proposal []byte, err error) {
	for b := []byte(m); len(b) > 0; {
		var f field
		if f, b, err = nextField(b); err != nil {
			return nil, nil, err
		}
		switch {
		case f.number == 1 && f.isText:
			options, proposal = f.text, nil
		case f.number == 2 && f.isText:
			options, proposal = nil, f.text
		}
	}
	return options, proposal, nil
}

// parseAppendOptions reads AppendReq.Options.
func parseAppendOptions(b []byte) (h appendHeader, err error) {
	for len(b) > 0 {
		var f field
		if f, b, err = nextField(b); err != nil {
			return h, err
		}
		switch {
		case f.number == 1 && f.isText:
			if h.stream, err = parseStreamID(f.text); err != nil {
				return h, err
			}
		case f.number == 2 && !f.isText:
			h.expected, h.given = exactly(f.value), true
		case f.number == 3 && f.isText:
			h.expected, h.given = ledger.NoStream, true
		case f.number == 4 && f.isText:
			h.expected, h.given = ledger.Any, true
		case f.number == 5 && f.isText:
			h.expected, h.given = ledger.Exists, true
		}
	}
	if !h.given {
		return h, invalid("the expected revision is missing")
	}
	return h, nil
}

func parseStreamID(b []byte) (name string, err error) {
	for len(b) > 0 {
		var f field
		if f, b, err = nextField(b); err != nil {
			return "", err
		}
		if f.number == 3 && f.isText {
			name = string(f.text)
		}
	}
	return name, nil
}

// parseProposal reads AppendReq.ProposedMessage, whose fields are also those of
// BatchAppendReq.ProposedMessage. The event borrows from b.
func parseProposal(b []byte) (ev ledger.Event, err error) {
	var hasType, hasContent bool
	for len(b) > 0 {
		var f field
		if f, b, err = nextField(b); err != nil {
			return ev, err
		}
		if !f.isText {
			continue
		}
		switch int(f.number) {
		case 1:
			if ev.ID, err = parseID(f.text); err != nil {
				return ev, err
			}
		case 2:
			key, value, err := parsePair(f.text)
			if err != nil {
				return ev, err
			}
			switch string(key) {
			case metaType:
				ev.Type, hasType = string(value), true
			case metaContentType:
				ev.JSON, hasContent = string(value) == jsonContent, true
			}
		case 3:
			ev.Meta = f.text
		case 4:
			ev.Data = f.text
		}
	}
	switch {
	case !hasType:
		return ev, missingProperty(metaType)
	case !hasContent:
		return ev, missingProperty(metaContentType)
	case ev.Type == "":
		return ev, invalid("the event has no type")
	case ev.ID == [16]byte{}:
		return ev, invalid("the event has no id")
	}
	return ev, nil
}

// parsePair reads one entry of a map.
func parsePair(b []byte) (key, value []byte, err error) {
	for len(b) > 0 {
		var f field
		if f, b, err = nextField(b); err != nil {
			return nil, nil, err
		}
		switch {
		case f.number == 1 && f.isText:
			key = f.text
		case f.number == 2 && f.isText:
			value = f.text
		}
	}
	return key, value, nil
}

// parseID reads a UUID in either of its forms.
func parseID(b []byte) (id [16]byte, err error) {
	for len(b) > 0 {
		var f field
		if f, b, err = nextField(b); err != nil {
			return id, err
		}
		switch {
		case f.number == 1 && f.isText:
			if id, err = parseHalves(f.text); err != nil {
				return id, err
			}
		case f.number == 2 && f.isText:
			if id, err = uuid.ParseBytes(f.text); err != nil {
				return id, invalid("the event's id is no uuid")
			}
		}
	}
	return id, nil
}

func parseHalves(b []byte) (id [16]byte, err error) {
	for len(b) > 0 {
		var f field
		if f, b, err = nextField(b); err != nil {
			return id, err
		}
		switch {
		case f.number == 1 && !f.isText:
			binary.BigEndian.PutUint64(id[:8], f.value)
		case f.number == 2 && !f.isText:
			binary.BigEndian.PutUint64(id[8:], f.value)
		}
	}
	return id, nil
}
