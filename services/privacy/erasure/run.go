package erasure

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

const reactor = "erasure"

// news wakes whoever waits for a request to move.
type news struct {
	mu sync.Mutex
	ch chan struct{}
}

func newNews() *news { return &news{ch: make(chan struct{})} }

func (n *news) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.ch)
	n.ch = make(chan struct{})
}

func (n *news) next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ch
}

// open is one request that is not over.
type open struct {
	since events.Position // everything of it comes after this
	wake  time.Time       // when to look next; zero: when something happens
}

// manager drives the requests that are open.
type manager struct {
	o    *Office
	mu   sync.Mutex
	open map[events.RequestID]*open
	poke chan struct{}
	at   events.Position
}

// Run carries out every request until ctx ends. It begins where the oldest open
// request does, so that after a crash all of them go on.
func (o *Office) Run(ctx context.Context) error {
	from, err := o.j.Checkpoint(ctx, reactor)
	if err != nil {
		return err
	}
	m := &manager{o: o, open: map[events.RequestID]*open{}, poke: make(chan struct{}, 1), at: from}
	o.pendingMu.Lock()
	o.manager = m
	o.pendingMu.Unlock()
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	wg.Go(func() { m.work(ctx) })
	err = o.j.Subscribe(ctx, journal.Reading{From: from, Types: []string{
		"hub.Request", "hub.Erasure", "hub.LegalHoldReleased", "hub.RecipientErasureAcked",
	}}, m.read)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // told to end
	}
	return err
}

// read notes what happened; the work is done elsewhere, so that reading goes on.
func (m *manager) read(_ context.Context, b journal.Batch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.at
	for _, r := range b.Events {
		switch e := r.Event.(type) {
		case events.RequestReceived:
			if e.Kind == events.RequestErasure && m.open[e.Request] == nil {
				m.open[e.Request] = &open{since: before, wake: time.Unix(0, 0)}
			}
		case events.RequesterForgotten:
			delete(m.open, e.Request)
		case events.LegalHoldReleased:
			for _, x := range m.open {
				x.wake = time.Unix(0, 0)
			}
		default:
			if x := m.open[events.RequestID(r.Stream.Key())]; x != nil && r.Stream.Family() == "dsr" {
				x.wake = time.Unix(0, 0)
			}
		}
	}
	if m.at.Before(b.Position) {
		m.at = b.Position
	}
	select {
	case m.poke <- struct{}{}:
	default:
	}
	return nil
}

// work takes whatever is due, one request at a time.
func (m *manager) work(ctx context.Context) {
	saved := events.Start
	pause := time.Duration(0)
	for ctx.Err() == nil {
		id, next := m.due()
		if id == "" {
			saved = m.save(ctx, saved)
			m.wait(ctx, next)
			continue
		}
		wake, over, err := m.o.Advance(ctx, id)
		if err != nil && ctx.Err() == nil {
			pause = min(max(2*pause, 200*time.Millisecond), time.Minute)
			wake = m.o.now().Add(pause)
			m.o.log.Warn("an erasure stands still, will try again", "request", string(id), "pause", pause, "error", err)
		} else {
			pause = 0
		}
		m.mu.Lock()
		if x := m.open[id]; x != nil && over {
			delete(m.open, id)
		} else if x != nil && x.wake.Equal(time.Unix(1, 0)) { // nothing came meanwhile
			x.wake = wake
		}
		m.mu.Unlock()
		m.o.news.tell()
	}
}

// due picks a request to work on, or says when the next one is due.
func (m *manager) due() (id events.RequestID, next time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.o.now()
	for r, x := range m.open {
		switch {
		case x.wake.IsZero():
		case !x.wake.After(now):
			x.wake = time.Unix(1, 0)
			return r, next
		case next.IsZero() || x.wake.Before(next):
			next = x.wake
		}
	}
	return "", next
}

// look bounds how long a change of the clock goes unseen.
const look = time.Minute

func (m *manager) wait(ctx context.Context, next time.Time) {
	pause := look
	if !next.IsZero() {
		pause = min(look, max(next.Sub(m.o.now()), 10*time.Millisecond))
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-m.poke:
	case <-t.C:
	}
}

// save moves the checkpoint up to where the oldest open request begins.
func (m *manager) save(ctx context.Context, saved events.Position) events.Position {
	m.mu.Lock()
	at := m.at
	for _, x := range m.open {
		if x.since.Before(at) {
			at = x.since
		}
	}
	m.mu.Unlock()
	if !saved.Before(at) || at == events.Start {
		return saved
	}
	if err := m.o.j.Advance(ctx, reactor, at); err != nil {
		if ctx.Err() == nil {
			m.o.log.Warn("checkpoint not saved, requests would be looked at again", "error", err)
		}
		return saved
	}
	return at
}

// Await waits until a request is where the caller wants it.
func (o *Office) Await(ctx context.Context, id events.RequestID, there func(*State) bool) (*State, error) {
	for {
		changed := o.news.next()
		s, err := o.load(ctx, id)
		if err != nil || there(s) {
			return s, err
		}
		t := time.NewTimer(2 * time.Second) // another process may work on it
		select {
		case <-changed:
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return s, fmt.Errorf("wait for erasure: %w", ctx.Err())
		}
		t.Stop()
	}
}

// Pending returns the requests that Run looks after, oldest first: those that are
// not over, be it only that a backup has still to expire.
func (o *Office) Pending(ctx context.Context) ([]*State, error) {
	o.pendingMu.Lock()
	m := o.manager
	o.pendingMu.Unlock()
	if m == nil {
		return nil, nil
	}
	m.mu.Lock()
	ids := slices.Collect(maps.Keys(m.open))
	m.mu.Unlock()
	var out []*State
	for _, id := range ids {
		s, err := o.load(ctx, id)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *State) int { return a.Received.Compare(b.Received) })
	return out, nil
}
