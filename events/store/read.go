package store

import (
	"context"
	"errors"
	"io"
	"math"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/westshore/hub/events"
)

// Reads go in pages: a page is one bounded call, held in memory before anybody
// looks at it, so a slow reader holds nothing on the server and a broken
// connection costs one page.
const (
	maxPage      = 500
	maxPageBytes = 4 << 20
)

// ReadStream reads a stream forwards from revision from (inclusive) and calls
// fn for each event, at most limit times; limit <= 0 reads to the end. A stream
// that exists but has nothing at from or after it gives no event and no error.
//
// Errors: NotFound, Deleted, Denied, Unavailable; an error of fn is returned
// unchanged and ends the read.
func (s *Store) ReadStream(ctx context.Context, stream string, from events.Revision, limit int, fn func(Recorded) error) error {
	if err := checkRead("read stream", stream); err != nil {
		return err
	}
	next := from
	if next < 0 {
		next = 0
	}
	return s.read(ctx, "read stream", stream, limit, fn,
		func(n int) pageCall { return streamPage(stream, next, n) },
		func(last Recorded) bool {
			next = last.Revision + 1
			return last.Revision != math.MaxInt64
		})
}

// ReadStreamBackwards reads a stream from its newest event down, at most limit
// events; limit <= 0 reads to its first. Errors as for ReadStream.
func (s *Store) ReadStreamBackwards(ctx context.Context, stream string, limit int, fn func(Recorded) error) error {
	if err := checkRead("read stream", stream); err != nil {
		return err
	}
	next := events.Revision(-1) // from the end
	return s.read(ctx, "read stream", stream, limit, fn,
		func(n int) pageCall { return backwardsPage(stream, next, n) },
		func(last Recorded) bool {
			next = last.Revision - 1
			return next >= 0
		})
}

// ReadAll reads the whole log forwards, the events after position from
// (exclusive; events.Start reads everything), and calls fn for each, at most
// limit times; limit <= 0 reads to the end as of now. It shows everything the
// server holds: events of its own, streams that were deleted, tombstones.
//
// Errors: Denied, Unavailable; an error of fn is returned unchanged.
func (s *Store) ReadAll(ctx context.Context, from events.Position, limit int, fn func(Recorded) error) error {
	after := from
	return s.read(ctx, "read all", "", limit, fn,
		func(n int) pageCall { return allPage(after, n) },
		func(last Recorded) bool {
			after = last.Position
			return true
		})
}

func checkRead(op, stream string) error {
	if stream == "" {
		return &Error{Kind: Invalid, Op: op, Err: errors.New("no stream name")}
	}
	return nil
}

// read calls fn for the events of page after page. next makes the call for a
// page of n events; advance moves behind the last event seen and reports
// whether there can be more.
func (s *Store) read(ctx context.Context, op, stream string, limit int, fn func(Recorded) error,
	next func(n int) pageCall, advance func(last Recorded) bool,
) error {
	left := limit
	if limit <= 0 {
		left = math.MaxInt
	}
	p := s.patience()
	for left > 0 {
		n := min(left, maxPage)
		got, err := s.page(ctx, &p, next(n))
		if err != nil {
			if !classify(err).retry || !p.wait(ctx) {
				return s.fail(ctx, op, stream, err, false)
			}
			continue
		}
		for _, e := range got.events {
			if err := fn(e); err != nil {
				return err
			}
		}
		left -= len(got.events)
		if got.end || len(got.events) > 0 && !advance(got.events[len(got.events)-1]) {
			return nil
		}
		p.progress()
	}
	return nil
}

// page is what one call of a read brought; end says that there is no more.
type page struct {
	events []Recorded
	end    bool
}

// pageCall opens the read of a page and says how many events it asked for;
// those at or before skip are not wanted.
type pageCall struct {
	open func(context.Context, *esdb.Client) (*esdb.ReadStream, error)
	want int
	skip *events.Position
}

func streamPage(stream string, from events.Revision, n int) pageCall {
	opts := esdb.ReadStreamOptions{Direction: esdb.Forwards, From: esdb.Revision(uint64(from))}
	return pageCall{want: n, open: func(ctx context.Context, c *esdb.Client) (*esdb.ReadStream, error) {
		return c.ReadStream(ctx, stream, opts, uint64(n))
	}}
}

// backwardsPage reads down from a revision, or from the end when it is negative.
func backwardsPage(stream string, from events.Revision, n int) pageCall {
	opts := esdb.ReadStreamOptions{Direction: esdb.Backwards, From: esdb.End{}}
	if from >= 0 {
		opts.From = esdb.Revision(uint64(from))
	}
	return pageCall{want: n, open: func(ctx context.Context, c *esdb.Client) (*esdb.ReadStream, error) {
		return c.ReadStream(ctx, stream, opts, uint64(n))
	}}
}

// allPage reads after a position. The server counts from that position
// inclusive, so one more is asked for and the first is dropped.
func allPage(after events.Position, n int) pageCall {
	call := pageCall{want: n}
	opts := esdb.ReadAllOptions{Direction: esdb.Forwards, From: esdb.Start{}}
	if after != events.Start {
		opts.From = esdb.Position{Commit: after.Commit, Prepare: after.Prepare}
		call.want++
		call.skip = &after
	}
	call.open = func(ctx context.Context, c *esdb.Client) (*esdb.ReadStream, error) {
		return c.ReadAll(ctx, opts, uint64(call.want))
	}
	return call
}

// headLook is how many of the newest events are looked at for one that is not
// the server's own.
const headLook = 16

// headPage reads the newest events of the log.
func headPage() pageCall {
	opts := esdb.ReadAllOptions{Direction: esdb.Backwards, From: esdb.End{}}
	return pageCall{want: headLook, open: func(ctx context.Context, c *esdb.Client) (*esdb.ReadStream, error) {
		return c.ReadAll(ctx, opts, headLook)
	}}
}

// page makes one attempt at a page.
func (s *Store) page(ctx context.Context, p *patience, call pageCall) (page, error) {
	ctx, cancel := p.attempt(ctx)
	defer cancel()
	return do(ctx, s.calls, call.run)
}

func (call pageCall) run(ctx context.Context, c *esdb.Client) (page, error) {
	stream, err := call.open(ctx, c)
	if err != nil {
		return page{}, err
	}
	defer stream.Close()
	var got page
	seen, size := 0, 0
	for size < maxPageBytes {
		e, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			got.end = seen < call.want
			return got, nil
		}
		if err != nil {
			return page{}, err
		}
		seen++
		r := e.Event
		if r == nil || call.skip != nil && !call.skip.Before(position(r)) {
			continue
		}
		size += len(r.Data) + len(r.UserMetadata)
		got.events = append(got.events, recorded(r))
	}
	return got, nil // full by bytes
}

func recorded(r *esdb.RecordedEvent) Recorded {
	return Recorded{
		Event: Event{
			ID:   events.UUID(r.EventID),
			Type: r.EventType,
			Data: r.Data,
			Meta: r.UserMetadata,
		},
		Stream:   r.StreamID,
		Revision: events.Revision(r.EventNumber), // a tombstone's is math.MaxInt64
		Position: position(r),
		Created:  r.CreatedDate,
	}
}

func position(r *esdb.RecordedEvent) events.Position {
	return events.Position{Commit: r.Position.Commit, Prepare: r.Position.Prepare}
}
