package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/westshore/hub/events"
)

// The size rule of one append. The server's own limit is 1 MiB, counted the
// same way; the difference is left for what a proxy or a cluster adds.
const (
	// MaxAppendEvents is the most events in one append.
	MaxAppendEvents = 500
	// MaxAppendBytes is the most bytes in one append: the sum of EventSize.
	MaxAppendBytes = 900 << 10
)

// EventSize is what an event counts for the size rule: its data, its metadata,
// and twice the length of its type in UTF-16.
func EventSize(e Event) int {
	n := len(e.Data) + len(e.Meta)
	for _, r := range e.Type {
		n += 2
		if r > 0xFFFF {
			n += 2
		}
	}
	return n
}

// Append writes evs to a stream, all or none, and returns when they are
// durable. expected is the revision of the last event the caller knows, or
// events.NoStream; events.AnyRevision is only for write-once streams keyed by
// the event's id.
//
// The same append repeated (same ids, same expected revision) succeeds again
// and writes nothing. Append makes use of that: while ctx and
// Config.CallTimeout allow, it reads the stream again and repeats itself until
// the outcome is known.
//
// Errors: Conflict, Deleted, Denied, TooLarge, Invalid; Unavailable when
// nothing was written; OutcomeUnknown when that could not be found out.
func (s *Store) Append(ctx context.Context, stream string, expected events.Revision, evs ...Event) (Written, error) {
	if err := checkAppend(stream, expected, evs); err != nil {
		return Written{}, err
	}
	a := appending{s: s, op: "append", stream: stream, expected: expected, data: proposed(evs)}
	return a.run(ctx)
}

func checkAppend(stream string, expected events.Revision, evs []Event) error {
	refuse := func(k Kind, format string, args ...any) error {
		return &Error{Kind: k, Op: "append", Stream: stream, Err: fmt.Errorf(format, args...)}
	}
	switch {
	case stream == "":
		return refuse(Invalid, "no stream name")
	case expected < events.AnyRevision:
		return refuse(Invalid, "expected revision %d", expected)
	case len(evs) == 0:
		return refuse(Invalid, "no events")
	case len(evs) > MaxAppendEvents:
		return refuse(TooLarge, "%d events, at most %d", len(evs), MaxAppendEvents)
	}
	size := 0
	for i, e := range evs {
		if e.ID.IsZero() || e.Type == "" {
			return refuse(Invalid, "event %d has no id or no type", i)
		}
		size += EventSize(e)
	}
	if size > MaxAppendBytes {
		return refuse(TooLarge, "%d bytes, at most %d", size, MaxAppendBytes)
	}
	return nil
}

func proposed(evs []Event) []esdb.EventData {
	data := make([]esdb.EventData, len(evs))
	for i, e := range evs {
		data[i] = esdb.EventData{
			EventID:     uuid.UUID(e.ID),
			EventType:   e.Type,
			ContentType: esdb.ContentTypeJson,
			Data:        e.Data,
			Metadata:    e.Meta,
		}
	}
	return data
}

// maxBlind is how often an append is sent that the server refuses without a
// reason: the client reports an early refusal like a cut connection.
const maxBlind = 3

// appending is one append on its way.
type appending struct {
	s        *Store
	op       string
	stream   string
	expected events.Revision
	data     []esdb.EventData
	any      bool // the caller expected nothing
	sent     bool // an attempt may have been carried out
	blind    int
}

func (a *appending) run(ctx context.Context) (Written, error) {
	p := a.s.patience()
	a.any = a.expected == events.AnyRevision
	for {
		w, err := a.try(ctx, &p)
		if err == nil {
			return w, nil
		}
		f := classify(err)
		a.sent = a.sent || f.sent
		open := a.sent && (f.retry || f.kind == Conflict) // an answer was lost: is it done?
		again := f.retry || open && a.any                 // a narrowed one may have been narrowed wrong
		if again && !p.wait(ctx) {
			return Written{}, a.end(ctx, err, f)
		}
		if open {
			if w, ok := a.resolve(ctx, &p); ok {
				return w, nil
			}
		}
		if f.blind {
			a.blind++
		}
		if !again || a.blind == maxBlind {
			return Written{}, a.end(ctx, err, f)
		}
	}
}

func (a *appending) try(ctx context.Context, p *patience) (Written, error) {
	ctx, cancel := p.attempt(ctx)
	defer cancel()
	if a.s.lane != nil {
		return a.s.lane.append(ctx, a.stream, a.expected, a.data)
	}
	return do(ctx, a.s.calls, func(ctx context.Context, c *esdb.Client) (Written, error) {
		opts := esdb.AppendToStreamOptions{ExpectedRevision: expectedRevision(a.expected)}
		r, err := c.AppendToStream(ctx, a.stream, opts, a.data...)
		if err != nil {
			return Written{}, err
		}
		if len(a.data) > 0 && r.CommitPosition == 0 && r.PreparePosition == 0 {
			// The client takes an answer that says nothing for a success.
			return Written{}, status.Error(codes.Unknown, "the server's answer says neither success nor failure")
		}
		return Written{
			Revision: events.Revision(r.NextExpectedVersion), // despite its name: the last one written
			Position: events.Position{Commit: r.CommitPosition, Prepare: r.PreparePosition},
		}, nil
	})
}

// end makes the error of an append that is not tried again.
func (a *appending) end(ctx context.Context, err error, f finding) error {
	if f.kind == Conflict && f.current == unknownRevision {
		f.current = a.s.lastRevision(ctx, a.stream)
		return &Error{Kind: Conflict, Op: a.op, Stream: a.stream, Current: f.current, Err: err}
	}
	return a.s.fail(ctx, a.op, a.stream, err, a.sent)
}

func expectedRevision(r events.Revision) esdb.ExpectedRevision {
	switch r {
	case events.NoStream:
		return esdb.NoStream{}
	case events.AnyRevision:
		return esdb.Any{}
	default:
		return esdb.Revision(uint64(r))
	}
}

// resolve looks in the stream for the events of an attempt whose answer was
// lost. false means: not there, or not known; the append is then repeated,
// which is safe with an exact revision. An append that expected nothing is
// narrowed to what the stream is now, so that its repetition is exact too.
func (a *appending) resolve(ctx context.Context, p *patience) (Written, bool) {
	if a.any {
		return a.resolveAny(ctx, p)
	}
	page, err := a.s.page(ctx, p, streamPage(a.stream, a.expected+1, len(a.data)))
	if err != nil {
		return Written{}, false
	}
	return a.match(page.events)
}

// resolveAny searches the newest events of the stream: it is write-once, so
// there are few.
func (a *appending) resolveAny(ctx context.Context, p *patience) (Written, bool) {
	page, err := a.s.page(ctx, p, backwardsPage(a.stream, -1, len(a.data)+maxPage))
	if err != nil {
		if classify(err).kind == NotFound {
			a.expected = events.NoStream
		}
		return Written{}, false
	}
	found := page.events
	slices.Reverse(found)
	for i := range found {
		if w, ok := a.match(found[i:]); ok {
			return w, true
		}
	}
	if len(found) > 0 {
		a.expected = found[len(found)-1].Revision
	}
	return Written{}, false
}

// match reports whether found begins with the events of the append.
func (a *appending) match(found []Recorded) (Written, bool) {
	if len(found) < len(a.data) {
		return Written{}, false
	}
	for i, d := range a.data {
		if found[i].ID != events.UUID(d.EventID) {
			return Written{}, false
		}
	}
	last := found[len(a.data)-1]
	return Written{Revision: last.Revision, Position: last.Position}, true
}
