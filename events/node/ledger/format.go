package ledger

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// # Format of the ledger
//
// A ledger is one Pebble store. Numbers are big-endian and unsigned unless said
// otherwise; varints are those of encoding/binary. Five kinds of keys, told
// apart by their first byte:
//
//	'C'                         where a scavenge was stopped; else absent
//	    stream name             the first it did not look at
//
//	'G'                         counters, in every batch
//	    magic      4  "wshl"
//	    format     4  FormatV1
//	    next       8  position of the next event
//	    stream     8  id of the next stream
//	    store     16  random id of this ledger, drawn once
//
//	'L' position:8              one event; the log, in order
//	    version    1  recordV1
//	    flags      1  bit 0: the data is JSON
//	    revision   8  two's complement; MaxInt64 for a tombstone
//	    created    8  ticks of 100 ns since 1970, two's complement
//	    id        16
//	    lengths       varints: stream name, type, metadata
//	    stream name, type, metadata, data (the rest)
//
//	'S' stream id:8 revision:8  index of one stream
//	    position   8
//	    created    8  as above, so that an age limit needs no look at the log
//
//	'N' stream name             header of one stream
//	    version    1  headerV1
//	    stream id  8
//	    last       8  last revision, two's complement: -1 none, MaxInt64 tombstoned
//	    lastpos    8  position of the last event, 0 none
//	    metapos    8  position of the last event of "$$"+name, 0 none
//	    metadata      the data of that event if it is JSON (the rest)
//
// Stream ids are counted up and never reused, so that two names never share an
// index. The first position is 64; the next one is the last one plus the length
// of the record plus 16: positions look like byte offsets and adding 1 to one
// leads nowhere.
//
// A format number is never reused. A ledger with a higher one than formatNewest
// is refused (ErrNewer).
const (
	FormatV1     uint32 = 1
	formatNewest        = FormatV1

	// pebbleFormat is Pebble's own format, raised only together with a new
	// format number of ours.
	pebbleFormat = pebble.FormatTableFormatV6

	recordV1 byte = 1
	headerV1 byte = 1

	flagJSON byte = 1

	prefixCursor   byte = 'C'
	prefixCounters byte = 'G'
	prefixLog      byte = 'L'
	prefixName     byte = 'N'
	prefixIndex    byte = 'S'

	firstPosition   uint64 = 64
	positionPadding uint64 = 16
	firstStream     uint64 = 1
)

var magic = [4]byte{'w', 's', 'h', 'l'}

func cursorKey() []byte { return []byte{prefixCursor} }

func counterKey() []byte { return []byte{prefixCounters} }

func logKey(pos uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefixLog}, pos)
}

func indexKey(stream uint64, rev int64) []byte {
	b := make([]byte, 0, 17)
	b = append(b, prefixIndex)
	b = binary.BigEndian.AppendUint64(b, stream)
	return binary.BigEndian.AppendUint64(b, uint64(rev))
}

// indexRevision reads the revision out of an index key.
func indexRevision(key []byte) int64 {
	return int64(binary.BigEndian.Uint64(key[9:]))
}

func nameKey(name string) []byte {
	return append([]byte{prefixName}, name...)
}

// counters is the value under 'G'.
type counters struct {
	next   uint64
	stream uint64
	store  [16]byte
}

func (c counters) encode() []byte {
	b := make([]byte, 0, 40)
	b = append(b, magic[:]...)
	b = binary.BigEndian.AppendUint32(b, formatNewest)
	b = binary.BigEndian.AppendUint64(b, c.next)
	b = binary.BigEndian.AppendUint64(b, c.stream)
	return append(b, c.store[:]...)
}

// decodeCounters fails with ErrForeign, ErrNewer or ErrCorrupt.
func decodeCounters(b []byte) (c counters, err error) {
	if len(b) < 8 || !bytes.Equal(b[:4], magic[:]) {
		return c, ErrForeign
	}
	if v := binary.BigEndian.Uint32(b[4:]); v > formatNewest {
		return c, fmt.Errorf("%w (its format is %d, known is %d)", ErrNewer, v, formatNewest)
	}
	if len(b) != 40 {
		return c, fmt.Errorf("%w: counters of %d bytes", ErrCorrupt, len(b))
	}
	c.next = binary.BigEndian.Uint64(b[8:])
	c.stream = binary.BigEndian.Uint64(b[16:])
	copy(c.store[:], b[24:])
	return c, nil
}

// encodeRecord makes the value under 'L'.
func encodeRecord(stream string, rev int64, created Ticks, ev *Event) []byte {
	var flags byte
	if ev.JSON {
		flags |= flagJSON
	}
	n := recordFixed + 3*binary.MaxVarintLen32 + len(stream) + len(ev.Type) + len(ev.Meta) + len(ev.Data)
	b := append(make([]byte, 0, n), recordV1, flags)
	b = binary.BigEndian.AppendUint64(b, uint64(rev))
	b = binary.BigEndian.AppendUint64(b, uint64(created))
	b = append(b, ev.ID[:]...)
	b = binary.AppendUvarint(b, uint64(len(stream)))
	b = binary.AppendUvarint(b, uint64(len(ev.Type)))
	b = binary.AppendUvarint(b, uint64(len(ev.Meta)))
	b = append(b, stream...)
	b = append(b, ev.Type...)
	b = append(b, ev.Meta...)
	return append(b, ev.Data...)
}

const recordFixed = 2 + 8 + 8 + 16

// decodeRecord reads a log entry without copying: the record borrows value.
func decodeRecord(key, value []byte) (r Record, err error) {
	if len(key) != 9 || len(value) < recordFixed {
		return r, fmt.Errorf("%w: short record", ErrCorrupt)
	}
	r.Position = binary.BigEndian.Uint64(key[1:])
	if value[0] != recordV1 {
		return r, fmt.Errorf("%w: record version %d", ErrNewer, value[0])
	}
	r.JSON = value[1]&flagJSON != 0
	r.Revision = int64(binary.BigEndian.Uint64(value[2:]))
	r.Created = Ticks(binary.BigEndian.Uint64(value[10:]))
	copy(r.ID[:], value[18:])
	rest := value[recordFixed:]
	var lengths [3]uint64
	for i := range lengths {
		v, n := binary.Uvarint(rest)
		if n <= 0 || v > uint64(len(value)) {
			return r, fmt.Errorf("%w: record lengths", ErrCorrupt)
		}
		lengths[i], rest = v, rest[n:]
	}
	if lengths[0]+lengths[1]+lengths[2] > uint64(len(rest)) {
		return r, fmt.Errorf("%w: record lengths", ErrCorrupt)
	}
	r.Stream, rest = rest[:lengths[0]], rest[lengths[0]:]
	r.Type, rest = rest[:lengths[1]], rest[lengths[1]:]
	r.Meta, r.Data = rest[:lengths[2]], rest[lengths[2]:]
	return r, nil
}

// indexEntry is the value under 'S'.
type indexEntry struct {
	pos     uint64
	created Ticks
}

func (e indexEntry) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 16), e.pos)
	return binary.BigEndian.AppendUint64(b, uint64(e.created))
}

func decodeIndex(b []byte) (e indexEntry, err error) {
	if len(b) != 16 {
		return e, fmt.Errorf("%w: index entry of %d bytes", ErrCorrupt, len(b))
	}
	e.pos = binary.BigEndian.Uint64(b)
	e.created = Ticks(binary.BigEndian.Uint64(b[8:]))
	return e, nil
}
