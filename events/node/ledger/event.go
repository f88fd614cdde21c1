package ledger

import (
	"math"
	"slices"
	"strings"
	"time"
)

// Expected is what the caller believes about a stream: an exact last revision
// (0 and up) or one of the constants below.
type Expected int64

// The expectations that are no revision. The numbers are those EventStoreDB
// prints in its error texts.
const (
	NoStream Expected = -1 // the stream has no events
	Any      Expected = -2 // nothing is expected
	Exists   Expected = -4 // the stream has events or metadata
)

const (
	// Tombstoned is the last revision of a stream that was deleted for good.
	Tombstoned int64 = math.MaxInt64
	// AllStream is the name under which everything can be read. It can't be written.
	AllStream = "$all"
	// MaxNameBytes bounds the name of a stream.
	MaxNameBytes = 4096

	metaPrefix    = "$$"
	typeMetadata  = "$metadata"
	typeTombstone = "$streamDeleted"
)

// Event is one event to append.
type Event struct {
	ID   [16]byte
	Type string
	JSON bool   // content type application/json; otherwise octet-stream
	Data []byte // may be empty
	Meta []byte // the caller's own metadata; may be empty
}

// Result tells where an append ended.
type Result struct {
	// Revision of the last event of the call, or the stream's last revision
	// when there were no events (-1: the stream has none).
	Revision int64
	// Position of that event, 0 when nothing was appended and nothing found.
	Position uint64
	// Repeated is set when the events were there already: nothing was written.
	Repeated bool
}

// Record is one stored event. The slices belong to the scan that produced the
// record and are valid only until the callback returns; Clone keeps them.
type Record struct {
	Position uint64
	Revision int64 // Tombstoned for a tombstone
	Created  Ticks
	ID       [16]byte
	JSON     bool
	Stream   []byte
	Type     []byte
	Meta     []byte
	Data     []byte
}

// Size is roughly the memory of the record in bytes.
func (r *Record) Size() int {
	return len(r.Stream) + len(r.Type) + len(r.Meta) + len(r.Data) + 128
}

// Clone returns a copy that may be kept.
func (r Record) Clone() Record {
	n := len(r.Stream) + len(r.Type) + len(r.Meta) + len(r.Data)
	buf := make([]byte, 0, n)
	keep := func(b []byte) []byte {
		buf = append(buf, b...)
		return slices.Clip(buf[len(buf)-len(b):])
	}
	r.Stream, r.Type, r.Meta, r.Data = keep(r.Stream), keep(r.Type), keep(r.Meta), keep(r.Data)
	return r
}

// Ticks counts 100-nanosecond steps since 1 January 1970 UTC, the unit in which
// the protocol gives the time of an event.
type Ticks int64

// TicksOf converts a time.
func TicksOf(t time.Time) Ticks { return Ticks(t.UnixNano() / 100) }

// Time converts back.
func (t Ticks) Time() time.Time { return time.Unix(0, int64(t)*100).UTC() }

// isMeta reports whether the name is that of a metadata stream.
func isMeta(name string) bool { return strings.HasPrefix(name, metaPrefix) }

// metaOf is the name of the metadata stream of a stream.
func metaOf(name string) string { return metaPrefix + name }

// ownerOf is the stream that a metadata stream describes.
func ownerOf(meta string) string { return strings.TrimPrefix(meta, metaPrefix) }
