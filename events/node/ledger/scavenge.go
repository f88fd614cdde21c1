package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Bounds of a scavenge, so that it never holds up appends for long.
const (
	scavengeNames = 256
	scavengeBatch = 512
	scavengePause = 2 * time.Millisecond
)

// ScavengeReport counts what a scavenge did.
type ScavengeReport struct {
	Streams int // streams looked at
	Events  int // events removed
}

// Scavenge removes the events that readers of streams can't see any more:
// those below the lowest readable revision and those that expired. Of a
// soft-deleted stream and of a metadata stream the last event stays, of a
// tombstoned one the tombstone; the last event of any stream stays, so that
// numbering goes on. Positions of what stays don't change. It works in small
// batches beside appends and reads, and ends by handing the space back.
//
// It looks at every stream once. When ctx ends, the ledger closes or the process
// is killed, it stops between two batches, and the next one begins with the
// streams that this one did not get to. progress, which may be nil, is called
// after every stream.
func (l *Ledger) Scavenge(ctx context.Context, progress func(ScavengeReport)) (ScavengeReport, error) {
	if progress == nil {
		progress = func(ScavengeReport) {}
	}
	var report ScavengeReport
	stopped, err := l.scavengeCursor()
	if err != nil {
		return report, err
	}
	if err := l.scavengeRange(ctx, stopped, "", &report, progress); err != nil {
		return report, err
	}
	if stopped != "" {
		if err := l.scavengeRange(ctx, "", stopped, &report, progress); err != nil {
			return report, err
		}
	}
	if report.Events > 0 || stopped != "" {
		l.mu.Lock()
		l.ring.forget(l.durable)
		l.mu.Unlock()
		if err := l.compact(ctx); err != nil {
			return report, err
		}
	}
	return report, l.setScavengeCursor("")
}

// scavengeRange does the streams from a name up to another one, or to the last
// one when that is empty.
func (l *Ledger) scavengeRange(ctx context.Context, from, to string, report *ScavengeReport, progress func(ScavengeReport)) error {
	for {
		names, err := l.names(from, to)
		if err != nil || len(names) == 0 {
			return err
		}
		for _, name := range names {
			if err := l.scavengeStream(ctx, name, report); err != nil {
				return err
			}
			report.Streams++
			progress(*report)
		}
		from = names[len(names)-1] + "\x00"
		if err := l.setScavengeCursor(from); err != nil {
			return err
		}
	}
}

// scavengeCursor is the stream to begin with: "" unless a scavenge was stopped.
func (l *Ledger) scavengeCursor() (string, error) {
	leave, err := l.enter()
	if err != nil {
		return "", err
	}
	defer leave()
	value, closer, err := l.db.Get(cursorKey())
	if errors.Is(err, pebble.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read scavenge cursor: %w", err)
	}
	return string(value), closer.Close()
}

// setScavengeCursor remembers it, without a sync: what is lost is looked at again.
func (l *Ledger) setScavengeCursor(name string) error {
	leave, err := l.enter()
	if err != nil {
		return err
	}
	defer leave()
	set := func() error { return l.db.Set(cursorKey(), []byte(name), pebble.NoSync) }
	if name == "" {
		set = func() error { return l.db.Delete(cursorKey(), pebble.NoSync) }
	}
	if err := errors.Join(set(), l.Err()); err != nil {
		return fmt.Errorf("write scavenge cursor: %w", err)
	}
	return nil
}

// names returns the next streams at or after from and before to, in byte order.
func (l *Ledger) names(from, to string) (names []string, err error) {
	leave, err := l.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	upper := []byte{prefixName + 1}
	if to != "" {
		upper = nameKey(to)
	}
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: nameKey(from), UpperBound: upper})
	if err != nil {
		return nil, fmt.Errorf("list streams: %w", err)
	}
	for ok := it.First(); ok && len(names) < scavengeNames; ok = it.Next() {
		names = append(names, string(it.Key()[1:]))
	}
	if err := it.Close(); err != nil {
		return nil, fmt.Errorf("list streams: %w", err)
	}
	return names, nil
}

// scavengeStream removes what of one stream may go, batch by batch.
func (l *Ledger) scavengeStream(ctx context.Context, name string, report *ScavengeReport) error {
	s, err := l.Stream(name)
	if err != nil || s.Last < 0 {
		return err
	}
	keep, end := s.First, s.Last // below keep goes, up to end only what expired
	switch {
	case s.Tombstoned && s.Last < Tombstoned: // metadata of a tombstoned stream
		keep, end = s.Last+1, s.Last+1
	case s.SoftDeleted, s.Tombstoned:
		keep = s.Last
	default:
		keep = min(keep, s.Last)
	}
	if keep <= 0 && s.Oldest == 0 {
		return nil
	}
	for from := int64(0); from < end; {
		removed, next, err := l.scavengeSome(s, from, keep, end)
		report.Events += removed
		if err != nil {
			return err
		}
		from = next
		if removed == 0 {
			continue
		}
		select {
		case <-time.After(scavengePause):
		case <-l.closing:
			return ErrClosed
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// scavengeSome removes up to one batch of the revisions in [from, end).
func (l *Ledger) scavengeSome(s Stream, from, keep, end int64) (removed int, next int64, err error) {
	leave, err := l.enter()
	if err != nil {
		return 0, from, err
	}
	defer leave()
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: indexKey(s.id, from), UpperBound: indexKey(s.id, end)})
	if err != nil {
		return 0, from, fmt.Errorf("read index: %w", err)
	}
	b := l.db.NewBatch()
	defer func() { _ = b.Close() }()
	next = end
	for ok := it.First(); ok; ok = it.Next() {
		rev := indexRevision(it.Key())
		if removed == scavengeBatch {
			next = rev
			break
		}
		entry, err := decodeIndex(it.Value())
		if err != nil {
			return 0, from, errors.Join(err, it.Close())
		}
		if rev >= keep && entry.created >= s.Oldest {
			if s.Metadata.MaxAge == 0 {
				break
			}
			continue
		}
		if err := errors.Join(b.Delete(it.Key(), nil), b.Delete(logKey(entry.pos), nil)); err != nil {
			return 0, from, errors.Join(err, it.Close())
		}
		removed++
	}
	if err := it.Close(); err != nil {
		return 0, from, fmt.Errorf("read index: %w", err)
	}
	if removed == 0 {
		return 0, next, nil
	}
	if err := errors.Join(b.Commit(pebble.NoSync), l.Err()); err != nil {
		return 0, from, fmt.Errorf("remove events: %w", err)
	}
	return removed, next, nil
}

// compact rewrites the parts of the store that held removed events.
func (l *Ledger) compact(ctx context.Context) error {
	leave, err := l.enter()
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	defer close(done)
	go func() { // ends with done, at the latest when compact returns
		select {
		case <-l.closing:
			cancel()
		case <-done:
		}
	}()
	for _, prefix := range []byte{prefixLog, prefixIndex} {
		if err := l.db.Compact(ctx, []byte{prefix}, []byte{prefix + 1}, false); err != nil {
			return fmt.Errorf("hand back space: %w", err)
		}
	}
	return nil
}
