package projectiontest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
)

// Log is a log of events. It is safe for concurrent use.
type Log struct {
	t testing.TB

	mu       sync.Mutex
	identity string
	all      []events.Recorded // unopened
	revision map[events.Stream]events.Revision
	dead     map[events.KID]bool
	now      time.Time
	grown    chan struct{} // closed and replaced when the log grows
	batch    int
}

// New returns an empty log that begins on 1 March 2026.
func New(t testing.TB) *Log {
	return &Log{
		t: t, identity: "store-1", revision: map[events.Stream]events.Revision{}, dead: map[events.KID]bool{},
		now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), grown: make(chan struct{}), batch: projections.MaxBatch,
	}
}

// Tick moves the clock that stamps events.
func (l *Log) Tick(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = l.now.Add(d)
}

// Now is the time of the next event.
func (l *Log) Now() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// SetIdentity makes it another event store.
func (l *Log) SetIdentity(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.identity = id
}

// SetBatch bounds how many events a subscription hands over at once.
func (l *Log) SetBatch(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.batch = n
}

// Add appends events to a stream and returns the position of the last.
func (l *Log) Add(stream events.Stream, actor events.Actor, evs ...events.Event) events.Position {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range evs {
		rev, ok := l.revision[stream]
		if ok {
			rev++
		}
		l.revision[stream] = rev
		n := uint64(len(l.all)+1) * 3
		env, err := l.seal(stream, rev, actor, e)
		if err != nil {
			l.t.Fatalf("seal %T: %v", e, err)
		}
		unopened, err := events.Join(env, nil)
		if err != nil {
			l.t.Fatalf("join %T: %v", e, err)
		}
		l.all = append(l.all, events.Recorded{Envelope: env, Revision: rev, Position: events.Position{Commit: n, Prepare: n}, Event: unopened})
	}
	close(l.grown)
	l.grown = make(chan struct{})
	return l.all[len(l.all)-1].Position
}

func (l *Log) seal(stream events.Stream, rev events.Revision, actor events.Actor, e events.Event) (events.Envelope, error) {
	wire, version, segs, err := events.Split(e)
	if err != nil {
		return events.Envelope{}, err
	}
	facts, err := events.Facts(e)
	if err != nil {
		return events.Envelope{}, err
	}
	env := events.Envelope{
		ID: events.DeriveUUID("test", string(stream), fmt.Sprint(rev)), Type: wire, Stream: stream, Facts: facts,
		Meta: events.Meta{Version: version, At: l.now, Actor: actor, Policy: events.PolicyVersion, Schedule: events.ScheduleVersion},
	}
	for _, s := range segs {
		kid := events.KID(events.DeriveUUID("kid", env.ID.String(), s.Field).String())
		env.Meta.Segments = append(env.Meta.Segments, events.SegmentRef{
			Field: s.Field, KID: kid, Subject: s.Subject, Category: s.Category, Class: s.Class, Purposes: s.Purposes, Commit: []byte(kid)[:16],
		})
		env.Sealed = append(env.Sealed, mask(kid, s.Plain))
	}
	return env, nil
}

// mask hides bytes, and shows them again.
func mask(kid events.KID, b []byte) []byte {
	key := sha256.Sum256([]byte(kid))
	out := make([]byte, len(b))
	for i := range b {
		out[i] = b[i] ^ key[i%len(key)] ^ byte(i/len(key))
	}
	return out
}

// Destroy destroys the keys of a person's segments that want says; nil: all.
func (l *Log) Destroy(subject events.SubjectID, want func(events.Recorded, events.SegmentRef) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.all {
		for _, s := range r.Meta.Segments {
			if s.Subject == subject && (want == nil || want(r, s)) {
				l.dead[s.KID] = true
			}
		}
	}
}

// Open is a projections.Opener.
func (l *Log) Open(_ context.Context, _ events.Principal, envs []events.Envelope) ([]events.Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]events.Event, len(envs))
	for i, env := range envs {
		e, err := l.open(env)
		if err != nil {
			return nil, err
		}
		out[i] = e
	}
	return out, nil
}

func (l *Log) open(env events.Envelope) (events.Event, error) {
	opened := make([]events.Opened, len(env.Sealed))
	for i, s := range env.Meta.Segments {
		if l.dead[s.KID] {
			opened[i] = events.Opened{State: events.Erased, Tomb: events.Tombstone{Cause: "subject"}}
			continue
		}
		opened[i] = events.Opened{State: events.Plain, Plain: mask(s.KID, env.Sealed[i])}
	}
	return events.Join(env, opened)
}

// Reload is a projections.Reload.
func (l *Log) Reload(_ context.Context, stream events.Stream) ([]events.Recorded, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []events.Recorded
	for _, r := range l.all {
		if r.Stream == stream {
			out = append(out, r)
		}
	}
	return l.opened(out)
}

func (l *Log) opened(rs []events.Recorded) ([]events.Recorded, error) {
	out := slices.Clone(rs)
	for i := range out {
		e, err := l.open(out[i].Envelope)
		if err != nil {
			return nil, err
		}
		out[i].Event = e
	}
	return out, nil
}

// Events returns everything in the log, opened with the keys of today.
func (l *Log) Events() []events.Recorded {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	out, err := l.opened(l.all)
	if err != nil {
		l.t.Fatalf("open events: %v", err)
	}
	return out
}

// Head is the position of the last event.
func (l *Log) Head(context.Context) (events.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) == 0 {
		return events.Start, nil
	}
	return l.all[len(l.all)-1].Position, nil
}

// Identity names the log.
func (l *Log) Identity(context.Context) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.identity, nil
}

// Subscribe hands over the log after from until ctx ends or handle fails.
func (l *Log) Subscribe(ctx context.Context, from events.Position, handle func(context.Context, projections.Batch) error) error {
	live := false
	for {
		b, grown, err := l.after(from)
		if err != nil {
			return err
		}
		if len(b.Events) == 0 && live {
			select {
			case <-grown:
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		live = live || b.Live
		b.Live = live
		if len(b.Events) > 0 {
			from = b.Position
		}
		if err := handle(ctx, b); err != nil {
			return err
		}
	}
}

func (l *Log) after(from events.Position) (projections.Batch, <-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.all, func(r events.Recorded) bool { return from.Before(r.Position) })
	if i < 0 {
		return projections.Batch{Live: true}, l.grown, nil
	}
	end := min(len(l.all), i+l.batch)
	out, err := l.opened(l.all[i:end])
	if err != nil {
		return projections.Batch{}, nil, err
	}
	return projections.Batch{Events: out, Position: out[len(out)-1].Position, Live: end == len(l.all)}, l.grown, nil
}
