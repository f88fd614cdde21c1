package ledger

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// header is the state of one stream. Headers are immutable once published: the
// writer replaces them, readers share them.
type header struct {
	stream   uint64 // id, 0 when the stream was never written
	last     int64
	lastPos  uint64
	metaPos  uint64
	metaJSON []byte
	meta     Metadata // parsed from metaJSON
}

// noHeader is the state of a stream nobody ever wrote.
var noHeader = &header{last: -1}

func (h *header) tombstoned() bool  { return h.last == Tombstoned }
func (h *header) hasMetadata() bool { return h.metaPos != 0 }
func (h *header) softDeleted() bool { return h.meta.TruncateBefore == math.MaxInt64 }

// touched is the position of the newest event that changed the header.
func (h *header) touched() uint64 { return max(h.lastPos, h.metaPos) }

func (h *header) encode() []byte {
	b := make([]byte, 0, 33+len(h.metaJSON))
	b = append(b, headerV1)
	b = binary.BigEndian.AppendUint64(b, h.stream)
	b = binary.BigEndian.AppendUint64(b, uint64(h.last))
	b = binary.BigEndian.AppendUint64(b, h.lastPos)
	b = binary.BigEndian.AppendUint64(b, h.metaPos)
	return append(b, h.metaJSON...)
}

// decodeHeader copies what it keeps.
func decodeHeader(b []byte) (*header, error) {
	if len(b) < 33 {
		return nil, fmt.Errorf("%w: header of %d bytes", ErrCorrupt, len(b))
	}
	if b[0] != headerV1 {
		return nil, fmt.Errorf("%w: header version %d", ErrNewer, b[0])
	}
	h := &header{
		stream:   binary.BigEndian.Uint64(b[1:]),
		last:     int64(binary.BigEndian.Uint64(b[9:])),
		lastPos:  binary.BigEndian.Uint64(b[17:]),
		metaPos:  binary.BigEndian.Uint64(b[25:]),
		metaJSON: bytes.Clone(b[33:]),
	}
	h.meta = parseMetadata(h.metaJSON)
	return h, nil
}

// Metadata is what the ledger honours of a stream's metadata. Access lists and
// every other key are kept in the JSON and given back, not looked at.
type Metadata struct {
	MaxCount       int64         // 0: no limit
	MaxAge         time.Duration // 0: no limit; whole seconds
	TruncateBefore int64         // first readable revision; MaxInt64: soft-deleted
}

// parseMetadata reads the JSON of a metadata event. Anything malformed counts
// as no metadata at all, as on the real server.
func parseMetadata(data []byte) (m Metadata) {
	var keys map[string]json.RawMessage
	if len(data) == 0 || json.Unmarshal(data, &keys) != nil {
		return m
	}
	var seconds, caching int64
	for name, into := range map[string]any{
		"$maxCount": &m.MaxCount, "$maxAge": &seconds, "$tb": &m.TruncateBefore,
		"$cacheControl": &caching, "$acl": &map[string]roles{},
	} {
		if raw, ok := keys[name]; ok && json.Unmarshal(raw, into) != nil {
			return Metadata{}
		}
	}
	m.MaxCount, m.TruncateBefore = max(m.MaxCount, 0), max(m.TruncateBefore, 0)
	m.MaxAge = time.Duration(min(max(seconds, 0), math.MaxInt64/int64(time.Second))) * time.Second
	return m
}

// roles is one entry of an access list: a name or several.
type roles []string

// UnmarshalJSON reads either.
func (r *roles) UnmarshalJSON(data []byte) error {
	*r = make(roles, 1)
	if json.Unmarshal(data, &(*r)[0]) == nil {
		return nil
	}
	return json.Unmarshal(data, (*[]string)(r))
}

// withTruncate returns the JSON with "$tb" replaced and every other key kept.
func withTruncate(data []byte, revision int64) []byte {
	keys := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &keys); err != nil || keys == nil {
		keys = map[string]json.RawMessage{}
	}
	keys["$tb"] = json.RawMessage(fmt.Appendf(nil, "%d", revision))
	out, err := json.Marshal(keys)
	if err != nil { // the values were just parsed, so this can't happen
		return fmt.Appendf(nil, `{"$tb":%d}`, revision)
	}
	return out
}
