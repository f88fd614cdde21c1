package ledger

// recentIDs is how many event ids are remembered for appends that expect
// nothing in particular. The real server remembers 60,000 to 100,000.
const recentIDs = 100_000

// recent remembers the newest event ids. Only the writer uses it. It is filled
// from the tail of the log at its first use, so that a ledger whose callers
// always give an exact revision pays neither time nor memory for it.
type recent struct {
	loaded bool
	ring   []placed
	next   int
	byID   map[[16]byte]int // index into ring
}

// placed says where an event id was written.
type placed struct {
	id     [16]byte
	stream uint64
	rev    int64
	pos    uint64
}

// add remembers an id; an older entry of the same id gives way.
func (r *recent) add(p placed) {
	if r.byID == nil {
		r.byID = map[[16]byte]int{}
	}
	if len(r.ring) < recentIDs {
		r.byID[p.id] = len(r.ring)
		r.ring = append(r.ring, p)
		return
	}
	old := &r.ring[r.next]
	if r.byID[old.id] == r.next {
		delete(r.byID, old.id)
	}
	*old = p
	r.byID[p.id] = r.next
	r.next = (r.next + 1) % recentIDs
}

// find looks an id up in one stream.
func (r *recent) find(id [16]byte, stream uint64) (placed, bool) {
	i, ok := r.byID[id]
	if !ok || r.ring[i].stream != stream {
		return placed{}, false
	}
	return r.ring[i], true
}
