package ledger

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// ScanAll calls fn for the events at or after from, in log order, up to what was
// durable when it began. fn returns false to stop after the record it got. It
// must be quick and must not call the ledger: it runs inside an iterator.
// next is where to go on: behind the last record seen, or Head at the end (then
// end is set). A position between two records means the next record.
func (l *Ledger) ScanAll(from uint64, fn func(Record) bool) (next uint64, end bool, err error) {
	leave, err := l.enter()
	if err != nil {
		return from, false, err
	}
	defer leave()
	head := l.Head()
	next, stopped, err := l.scanRing(from, head, fn)
	if next < head && !stopped && err == nil { // too far back for the ring
		next, stopped, err = l.scanLog(next, head, fn)
	}
	return next, !stopped && err == nil, err
}

// scanRing does what the ring of newest events has of a scan up to head.
func (l *Ledger) scanRing(from, head uint64, fn func(Record) bool) (next uint64, stopped bool, err error) {
	var space [ringPage]ringEntry
	next = from
	for next < head {
		l.mu.Lock()
		page, ok := l.ring.after(next, space[:0])
		l.mu.Unlock()
		if !ok {
			return next, false, nil
		}
		for _, e := range page {
			if e.pos >= head {
				return head, false, nil
			}
			r, err := l.decodeEntry(e)
			if err != nil {
				return next, false, err
			}
			if next = e.pos + 1; !fn(r) {
				return next, true, nil
			}
		}
		if len(page) < len(space) {
			return head, false, nil
		}
	}
	return next, false, nil
}

// scanLog scans the store from a position up to head.
func (l *Ledger) scanLog(from, head uint64, fn func(Record) bool) (next uint64, stopped bool, err error) {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: logKey(from), UpperBound: logKey(head)})
	if err != nil {
		return from, false, fmt.Errorf("read log: %w", err)
	}
	next = from
	for ok := it.First(); ok && !stopped; ok = it.Next() {
		r, err := l.decode(it.Key(), it.Value())
		if err != nil {
			return next, false, errors.Join(err, it.Close())
		}
		next, stopped = r.Position+1, !fn(r)
	}
	if err := it.Close(); err != nil {
		return next, false, fmt.Errorf("read log: %w", err)
	}
	if !stopped {
		next = head
	}
	return next, stopped, nil
}

// ScanAllBack calls fn for the events before the given position, newest first.
// next is the position to give to go on, 0 at the beginning of the log.
func (l *Ledger) ScanAllBack(before uint64, fn func(Record) bool) (next uint64, err error) {
	leave, err := l.enter()
	if err != nil {
		return before, err
	}
	defer leave()
	upper := min(before, l.Head())
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: logKey(0), UpperBound: logKey(upper)})
	if err != nil {
		return before, fmt.Errorf("read log: %w", err)
	}
	next = 0
	for ok := it.Last(); ok; ok = it.Prev() {
		r, err := l.decode(it.Key(), it.Value())
		if err != nil {
			return before, errors.Join(err, it.Close())
		}
		if !fn(r) {
			next = r.Position
			break
		}
	}
	if err := it.Close(); err != nil {
		return before, fmt.Errorf("read log: %w", err)
	}
	return next, nil
}

// decode reads a log entry. One that can't be read is damage that Pebble's
// checksums did not see: the ledger fails.
func (l *Ledger) decode(key, value []byte) (Record, error) {
	r, err := decodeRecord(key, value)
	if err != nil {
		l.fail(err)
	}
	return r, err
}

// latestHeader is the writer's view of a stream: everything committed so far.
func (l *Ledger) latestHeader(name string) (*header, error) {
	l.mu.Lock()
	h, ok := l.cache.get(name)
	l.mu.Unlock()
	if ok {
		return h, nil
	}
	h, err := l.getHeader(name)
	if err != nil || h == noHeader {
		return h, err
	}
	l.mu.Lock()
	l.cache.put(name, h)
	l.mu.Unlock()
	return h, nil
}

// readHeader is a reader's view of a stream: the durable state. What Pebble
// shows may be ahead of it while a batch is being synced; the state before the
// batch is in inflight then.
func (l *Ledger) readHeader(name string) (*header, error) {
	for {
		l.mu.Lock()
		h, ok := l.inflight[name]
		if !ok {
			h, ok = l.cache.get(name)
		}
		durable, epoch := l.durable, l.epoch
		l.mu.Unlock()
		if ok {
			return h, nil
		}
		h, err := l.getHeader(name)
		if err != nil {
			return nil, err
		}
		if h.touched() >= durable {
			continue // a batch was begun or published meanwhile
		}
		l.mu.Lock()
		if h != noHeader && l.epoch == epoch {
			l.cache.put(name, h)
		}
		l.mu.Unlock()
		return h, nil
	}
}

func (l *Ledger) getHeader(name string) (*header, error) {
	value, closer, err := l.db.Get(nameKey(name))
	if errors.Is(err, pebble.ErrNotFound) {
		return noHeader, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read stream header: %w", err)
	}
	defer func() { _ = closer.Close() }()
	return decodeHeader(value)
}

func (l *Ledger) getIndex(stream uint64, rev int64) (indexEntry, bool, error) {
	value, closer, err := l.db.Get(indexKey(stream, rev))
	if errors.Is(err, pebble.ErrNotFound) {
		return indexEntry{}, false, nil
	}
	if err != nil {
		return indexEntry{}, false, fmt.Errorf("read index: %w", err)
	}
	defer func() { _ = closer.Close() }()
	entry, err := decodeIndex(value)
	return entry, err == nil, err
}

// loadRecent fills the ring of recent ids from the tail of the log. Only the
// writer calls it, between batches.
func (l *Ledger) loadRecent() error {
	var tail []placed
	_, err := l.ScanAllBack(l.count.next, func(r Record) bool {
		tail = append(tail, placed{id: r.ID, stream: l.hash(string(r.Stream)), rev: r.Revision, pos: r.Position})
		return len(tail) < recentIDs
	})
	if err != nil {
		return fmt.Errorf("load recent ids: %w", err)
	}
	for i := len(tail) - 1; i >= 0; i-- {
		l.recent.add(tail[i])
	}
	l.recent.loaded = true
	return nil
}
