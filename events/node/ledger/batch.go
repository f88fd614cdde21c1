package ledger

import (
	"crypto/rand"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"
)

// batch is one group commit being put together by the writer. Later requests
// of a batch see what earlier ones wrote.
type batch struct {
	l       *Ledger
	out     *pebble.Batch
	count   counters
	now     Ticks
	headers map[string]*header  // as they will be
	before  map[string]*header  // as they are for readers until the commit
	pending map[uint64][]placed // events of this batch by stream id, in order
	newest  []ringEntry         // events of this batch, for the ring
}

func (l *Ledger) newBatch() *batch {
	return &batch{
		l: l, out: l.db.NewBatch(), count: l.count, now: TicksOf(l.now()),
		headers: map[string]*header{}, before: map[string]*header{}, pending: map[uint64][]placed{},
	}
}

// header is the state of a stream as this batch leaves it so far.
func (b *batch) header(name string) (*header, error) {
	if h, ok := b.headers[name]; ok {
		return h, nil
	}
	h, err := b.l.latestHeader(name)
	if err != nil {
		return nil, err
	}
	b.headers[name] = h
	return h, nil
}

// setHeader replaces the state of a stream.
func (b *batch) setHeader(name string, h *header) error {
	if _, ok := b.before[name]; !ok {
		b.before[name] = b.headers[name]
	}
	b.headers[name] = h
	return b.out.Set(nameKey(name), h.encode(), nil)
}

// append runs one Append request.
func (b *batch) append(name string, expected Expected, events []Event) (Result, error) {
	res, write, err := b.decide(name, expected, events)
	if err != nil || !write {
		return res, err
	}
	visible := name
	if isMeta(name) {
		visible = ownerOf(name)
	}
	old := b.headers[visible]
	last, err := b.write(name, events)
	if err != nil {
		return Result{}, err
	}
	// Undelete: a soft-deleted stream that gets events, or metadata that does
	// not delete it again, shows what comes after the deletion.
	now := b.headers[visible]
	if old.softDeleted() && (visible == name || !now.softDeleted()) {
		err = b.writeMetadata(visible, withTruncate(now.metaJSON, old.last+1))
	}
	return Result{Revision: last.rev, Position: last.pos}, err
}

// delete runs one Delete request: it replaces the stream's metadata.
func (b *batch) delete(name string, expected Expected) (Result, error) {
	if err := b.mayDelete(name, expected); err != nil {
		return Result{}, err
	}
	h := b.headers[name]
	if h.last < 0 && !h.hasMetadata() {
		return Result{}, &WrongRevisionError{Stream: name, Expected: expected, Current: h.last}
	}
	err := b.writeMetadata(name, fmt.Appendf(nil, `{"$tb":%d}`, int64(math.MaxInt64)))
	return Result{Revision: h.last, Position: b.headers[name].metaPos}, err
}

// tombstone runs one Tombstone request.
func (b *batch) tombstone(name string, expected Expected) (Result, error) {
	if err := b.mayDelete(name, expected); err != nil {
		return Result{}, err
	}
	h := b.numbered(name)
	ev := Event{ID: newID(), Type: typeTombstone}
	p, err := b.put(h.stream, name, Tombstoned, &ev)
	if err != nil {
		return Result{}, err
	}
	h.last, h.lastPos = Tombstoned, p.pos
	return Result{Revision: Tombstoned, Position: p.pos}, b.setHeader(name, &h)
}

// mayDelete runs the decision table with an id that nobody has.
func (b *batch) mayDelete(name string, expected Expected) error {
	if isMeta(name) {
		return fmt.Errorf("%w: a metadata stream can't be deleted", ErrDenied)
	}
	_, _, err := b.decide(name, expected, []Event{{ID: newID()}})
	return err
}

// writeMetadata appends one $metadata event to the metadata stream of name.
func (b *batch) writeMetadata(name string, data []byte) error {
	if _, err := b.header(metaOf(name)); err != nil {
		return err
	}
	_, err := b.write(metaOf(name), []Event{{ID: newID(), Type: typeMetadata, JSON: true, Data: data}})
	return err
}

// numbered returns a copy of the header with a stream id; the header was loaded before.
func (b *batch) numbered(name string) header {
	h := *b.headers[name]
	if h.stream == 0 {
		h.stream = b.count.stream
		b.count.stream++
	}
	return h
}

// write appends events without asking, and keeps the owner's header up to date
// when they are metadata.
func (b *batch) write(name string, events []Event) (last placed, err error) {
	h := b.numbered(name)
	for i := range events {
		h.last++
		if last, err = b.put(h.stream, name, h.last, &events[i]); err != nil {
			return last, err
		}
	}
	h.lastPos = last.pos
	if err := b.setHeader(name, &h); err != nil || !isMeta(name) {
		return last, err
	}
	if _, err := b.header(ownerOf(name)); err != nil {
		return last, err
	}
	owner := b.numbered(ownerOf(name))
	owner.metaPos, owner.metaJSON = last.pos, nil
	if newest := &events[len(events)-1]; newest.JSON {
		owner.metaJSON = newest.Data
	}
	owner.meta = parseMetadata(owner.metaJSON)
	return last, b.setHeader(ownerOf(name), &owner)
}

// put writes one event at the end of the log.
func (b *batch) put(stream uint64, name string, rev int64, ev *Event) (placed, error) {
	value := encodeRecord(name, rev, b.now, ev)
	p := placed{id: ev.ID, stream: b.l.hash(name), rev: rev, pos: b.count.next}
	b.count.next += uint64(len(value)) + positionPadding
	if err := b.out.Set(logKey(p.pos), value, nil); err != nil {
		return p, fmt.Errorf("write event: %w", err)
	}
	b.newest = append(b.newest, ringEntry{p.pos, value})
	if err := b.out.Set(indexKey(stream, rev), indexEntry{p.pos, b.now}.encode(), nil); err != nil {
		return p, fmt.Errorf("write index: %w", err)
	}
	b.pending[stream] = append(b.pending[stream], p)
	if b.l.recent.loaded {
		b.l.recent.add(p)
	}
	return p, nil
}

// newID draws a random event id (RFC 9562 version 4) for events the ledger
// writes by itself.
func newID() (id [16]byte) {
	_, _ = rand.Read(id[:]) // never fails, see crypto/rand
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}
