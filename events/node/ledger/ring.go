package ledger

import (
	"encoding/binary"
	"slices"
	"sort"
)

// Bounds of the ring: what is evicted is read from the store.
const (
	ringEvents = 4096
	ringBytes  = 8 << 20
	ringPage   = 64 // events taken out under the lock at once
)

// ring keeps the newest durable events as they were written, so that many
// subscribers that are up to date need no iterator of the store each. The
// ledger's mutex guards it; the values are never changed and may be used
// without it.
type ring struct {
	entries []ringEntry // in log order; entries[first:] are kept
	first   int
	bytes   int
	from    uint64 // every durable event at or after this position is kept
}

// ringEntry is one record of the log.
type ringEntry struct {
	pos   uint64
	value []byte
}

// add appends the events of a batch and evicts the oldest ones.
func (r *ring) add(batch []ringEntry) {
	r.entries = append(r.entries, batch...)
	for _, e := range batch {
		r.bytes += len(e.value)
	}
	for len(r.entries)-r.first > ringEvents || r.bytes > ringBytes {
		e := &r.entries[r.first]
		r.bytes -= len(e.value)
		r.from = e.pos + 1
		e.value = nil
		r.first++
	}
	if r.first > ringEvents {
		r.entries = slices.Clone(r.entries[r.first:])
		r.first = 0
	}
}

// after appends to dst the events at or after from, up to its capacity; fewer
// means that there are no more. ok is false when the ring does not reach back
// that far.
func (r *ring) after(from uint64, dst []ringEntry) (_ []ringEntry, ok bool) {
	if from < r.from {
		return dst, false
	}
	kept := r.entries[r.first:]
	kept = kept[sort.Search(len(kept), func(i int) bool { return kept[i].pos >= from }):]
	return append(dst, kept[:min(len(kept), cap(dst))]...), true
}

// forget empties the ring; everything before head is then read from the store.
func (r *ring) forget(head uint64) { *r = ring{from: head} }

// decodeEntry reads an entry of the ring.
func (l *Ledger) decodeEntry(e ringEntry) (Record, error) {
	var key [9]byte
	key[0] = prefixLog
	binary.BigEndian.PutUint64(key[1:], e.pos)
	return l.decode(key[:], e.value)
}
