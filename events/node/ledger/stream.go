package ledger

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Stream is the durable state of one stream at one moment, and what of it may
// be read: revisions First to Last that are not older than Oldest.
type Stream struct {
	Name        string
	Last        int64 // -1: no events; Tombstoned: deleted for good
	First       int64 // lowest revision that metadata lets readers see
	Oldest      Ticks // events created before are expired; 0: no limit
	SoftDeleted bool
	Tombstoned  bool // the stream, or the one whose metadata it holds
	Metadata    Metadata

	id uint64
}

// Missing reports whether a reader is told that there is no such stream.
func (s *Stream) Missing() bool { return !s.Tombstoned && (s.Last < 0 || s.SoftDeleted) }

// Unlimited returns the stream without the limits of its metadata, as live
// subscriptions see it.
func (s Stream) Unlimited() Stream {
	s.First, s.Oldest = 0, 0
	return s
}

// Stream returns the state of a stream; one that was never written is not an error.
func (l *Ledger) Stream(name string) (Stream, error) {
	leave, err := l.enter()
	if err != nil {
		return Stream{}, err
	}
	defer leave()
	h, err := l.readHeader(name)
	if err != nil {
		return Stream{}, err
	}
	s := Stream{
		Name: name, Last: h.last, SoftDeleted: h.softDeleted(), Tombstoned: h.tombstoned(),
		Metadata: h.meta, id: h.stream,
	}
	if isMeta(name) {
		s.Metadata = Metadata{MaxCount: 1}
		owner, err := l.readHeader(ownerOf(name))
		if err != nil {
			return Stream{}, err
		}
		s.Tombstoned = owner.tombstoned()
	}
	s.First = s.Metadata.TruncateBefore
	if s.Metadata.MaxCount > 0 {
		s.First = max(s.First, s.Last-s.Metadata.MaxCount+1)
	}
	if s.Metadata.MaxAge > 0 {
		s.Oldest = TicksOf(l.now().Add(-s.Metadata.MaxAge))
	}
	return s, nil
}

// ScanStream calls fn for the readable events of s from revision from upwards.
// As for ScanAll, fn returns false to stop, must be quick, and must not call the
// ledger. next is the revision to go on with.
func (l *Ledger) ScanStream(s Stream, from int64, fn func(Record) bool) (next int64, end bool, err error) {
	leave, err := l.enter()
	if err != nil {
		return from, false, err
	}
	defer leave()
	low := max(from, s.First, 0)
	if s.Last < low {
		return max(from, s.Last+1), true, nil
	}
	upper := indexKey(s.id+1, 0)
	if s.Last < Tombstoned {
		upper = indexKey(s.id, s.Last+1)
	}
	next, end = low, true
	err = l.scanIndex(s, indexKey(s.id, low), upper, false, func(r Record) bool {
		next = r.Revision
		if next < Tombstoned {
			next++
		}
		end = fn(r)
		return end
	})
	if end && s.Last < Tombstoned {
		next = s.Last + 1
	}
	return next, end, err
}

// ScanStreamBack calls fn for the readable events of s from revision from
// downwards. next is the revision to go on with, -1 at the end.
func (l *Ledger) ScanStreamBack(s Stream, from int64, fn func(Record) bool) (next int64, err error) {
	leave, err := l.enter()
	if err != nil {
		return from, err
	}
	defer leave()
	from = min(from, s.Last)
	if from < max(s.First, 0) {
		return -1, nil
	}
	upper := indexKey(s.id+1, 0)
	if from < Tombstoned {
		upper = indexKey(s.id, from+1)
	}
	next = -1
	err = l.scanIndex(s, indexKey(s.id, max(s.First, 0)), upper, true, func(r Record) bool {
		if fn(r) {
			return true
		}
		next = r.Revision - 1
		return false
	})
	return next, err
}

// scanIndex walks a part of a stream's index and fetches each event from the
// log. Expired events and such that a scavenge just took are passed over.
func (l *Ledger) scanIndex(s Stream, lower, upper []byte, back bool, fn func(Record) bool) error {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return fmt.Errorf("read index: %w", err)
	}
	ok, step := it.First, it.Next
	if back {
		ok, step = it.Last, it.Prev
	}
	for valid, goOn := ok(), true; valid && goOn; valid = step() {
		entry, err := decodeIndex(it.Value())
		if err == nil && entry.created >= s.Oldest {
			goOn, err = l.fetch(entry.pos, fn)
		}
		if err != nil {
			return errors.Join(err, it.Close())
		}
		if !goOn {
			break
		}
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("read index: %w", err)
	}
	return nil
}

func (l *Ledger) fetch(pos uint64, fn func(Record) bool) (goOn bool, err error) {
	key := logKey(pos)
	value, closer, err := l.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("read event: %w", err)
	}
	defer func() { _ = closer.Close() }()
	r, err := l.decode(key, value)
	if err != nil {
		return false, err
	}
	return fn(r), nil
}
