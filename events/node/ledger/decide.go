package ledger

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// CheckName refuses names that can't be written: ErrInvalid or ErrDenied.
func CheckName(name string) error {
	switch {
	case name == "" || name == metaPrefix:
		return fmt.Errorf("%w: the stream has no name", ErrInvalid)
	case len(name) > MaxNameBytes:
		return fmt.Errorf("%w: the stream's name is longer than %d bytes", ErrInvalid, MaxNameBytes)
	case name == AllStream:
		return fmt.Errorf("%w: %s can only be read", ErrDenied, AllStream)
	case isMeta(name) && isMeta(ownerOf(name)):
		return fmt.Errorf("%w: a metadata stream has no metadata", ErrDenied)
	}
	return nil
}

// decide says what becomes of an append: an error, a repeated success, or
// (write) that it may be written. The order of the rules matters:
//
//  1. A tombstoned stream, and its metadata stream, refuse everything.
//  2. Exists on a soft-deleted stream is refused as deleted.
//  3. Exists on a stream with neither events nor metadata is a wrong revision.
//  4. Any and Exists look the ids up among the recent ones of the same stream:
//     all known is a repeated success, the first known and a later one not is a
//     wrong revision, the first unknown is written.
//  5. An exact revision below the last one (NoStream is -1) is compared with
//     the stored ids that follow it: all equal is a repeated success; if the
//     first differs, NoStream on a soft-deleted stream is written; all else is
//     a wrong revision.
//  6. An exact revision above the last one is a wrong revision.
//  7. An exact revision equal to the last one is written.
func (b *batch) decide(name string, expected Expected, events []Event) (res Result, write bool, err error) {
	h, err := b.header(name)
	if err != nil {
		return res, false, err
	}
	if h.tombstoned() {
		return res, false, &DeletedError{name}
	}
	if isMeta(name) {
		owner, err := b.header(ownerOf(name))
		if err != nil {
			return res, false, err
		}
		if owner.tombstoned() {
			return res, false, &DeletedError{name}
		}
	}
	wrong := &WrongRevisionError{Stream: name, Expected: expected, Current: h.last}
	switch {
	case expected == Exists && h.softDeleted():
		return res, false, &DeletedError{name}
	case expected == Exists && h.last < 0 && !h.hasMetadata():
		return res, false, wrong
	case expected == Any || expected == Exists:
		return b.decideRecent(name, h, events, wrong)
	case int64(expected) < h.last:
		return b.decideStored(h, expected, events, wrong)
	case int64(expected) > h.last:
		return res, false, wrong
	}
	return Result{Revision: h.last}, len(events) > 0, nil
}

// decideRecent is rule 4.
func (b *batch) decideRecent(name string, h *header, events []Event, wrong error) (Result, bool, error) {
	if len(events) == 0 {
		return Result{Revision: h.last}, false, nil
	}
	stream := b.l.hash(name)
	var at placed
	for i := range events {
		p, ok := b.l.recent.find(events[i].ID, stream)
		if !ok && i == 0 {
			return Result{}, true, nil
		}
		if !ok {
			return Result{}, false, wrong
		}
		at = p
	}
	return Result{Revision: at.rev, Position: at.pos, Repeated: true}, false, nil
}

// decideStored is rule 5.
func (b *batch) decideStored(h *header, expected Expected, events []Event, wrong error) (Result, bool, error) {
	if len(events) == 0 {
		return Result{}, false, wrong
	}
	var at placed
	for i := range events {
		rev := int64(expected) + 1 + int64(i)
		if rev > h.last {
			return Result{}, false, wrong
		}
		p, ok, err := b.stored(h.stream, rev)
		if err != nil {
			return Result{}, false, err
		}
		if ok && p.id == events[i].ID {
			at = p
			continue
		}
		if i == 0 && expected == NoStream && h.softDeleted() {
			return Result{}, true, nil
		}
		return Result{}, false, wrong
	}
	return Result{Revision: at.rev, Position: at.pos, Repeated: true}, false, nil
}

// stored finds one event of a stream: in the batch under way, or on disk. An
// event that a scavenge took away is not found.
func (b *batch) stored(stream uint64, rev int64) (placed, bool, error) {
	if pending := b.pending[stream]; len(pending) > 0 && rev >= pending[0].rev {
		return pending[rev-pending[0].rev], true, nil
	}
	entry, ok, err := b.l.getIndex(stream, rev)
	if err != nil || !ok {
		return placed{}, false, err
	}
	value, closer, err := b.l.db.Get(logKey(entry.pos))
	if errors.Is(err, pebble.ErrNotFound) {
		return placed{}, false, nil
	}
	if err != nil {
		return placed{}, false, fmt.Errorf("read event: %w", err)
	}
	defer func() { _ = closer.Close() }()
	r, err := decodeRecord(logKey(entry.pos), value)
	if err != nil {
		return placed{}, false, err
	}
	return placed{id: r.ID, rev: rev, pos: entry.pos}, true, nil
}
