package projections

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/sqldb"
)

// Config is what a runner works with.
type Config struct {
	Projection Projection
	Source     Source
	Feed       *Feed            // nil: nobody is told of changes
	Now        func() time.Time // for Lag only; nil: the wall clock
	Logger     *slog.Logger
}

// Runner keeps one view up to date.
type Runner struct {
	p      Projection
	src    Source
	out    *outlet
	now    func() time.Time
	log    *slog.Logger
	wants  map[string]bool
	apply  sync.Mutex // held while rows change: by a batch, a purge, a swap
	erased map[events.SubjectID]int
	gen    int // counts purges

	mu      sync.Mutex
	at      checkpoint      // what the rows hold
	seen    events.Position // what was considered, at or after at
	live    bool
	last    time.Time // when the last applied event was recorded
	ready   bool
	moved   chan struct{} // closed and replaced when seen moves
	hurry   chan struct{} // holds one when somebody waits
	rebuild sync.Mutex
}

// NewRunner returns a runner, which does nothing before Run.
func NewRunner(cfg Config) *Runner {
	r := &Runner{
		p: cfg.Projection, src: cfg.Source, now: clock(cfg.Now), wants: map[string]bool{},
		log:    cfg.Logger.With("room", "projections", "view", cfg.Projection.Name()),
		erased: map[events.SubjectID]int{}, moved: make(chan struct{}), hurry: make(chan struct{}, 1),
	}
	if cfg.Feed != nil {
		r.out = cfg.Feed.join()
	}
	for _, t := range r.p.Types() {
		r.wants[events.TypePrefix+t] = true
	}
	return r
}

// Name of the view.
func (r *Runner) Name() string { return r.p.Name() }

// Run keeps the view up to date until ctx ends or a batch cannot be applied.
func (r *Runner) Run(ctx context.Context) error { return Run(ctx, r.src, r) }

// prepare finds out where the view stands, and throws its rows away when they
// were made of another event store.
func (r *Runner) prepare(ctx context.Context, store string) error {
	r.apply.Lock()
	defer r.apply.Unlock()
	var at checkpoint
	if err := r.p.DB().Read(ctx, func(tx *sqldb.Tx) error { return at.load(tx) }); err != nil {
		return fmt.Errorf("view %s: read checkpoint: %w", r.p.Name(), err)
	}
	if at.store != "" && at.store != store {
		r.log.Warn("rows were made of another event store, reading anew")
		if err := r.p.DB().Reset(ctx); err != nil {
			return fmt.Errorf("view %s: %w", r.p.Name(), err)
		}
		at = checkpoint{}
	}
	at.store = store
	r.advance(at, at.at, false, time.Time{})
	r.mu.Lock()
	r.ready = true
	r.mu.Unlock()
	r.out.begin(at.at)
	return nil
}

// take applies what is new in a batch and says so.
func (r *Runner) take(ctx context.Context, b Batch) error {
	r.apply.Lock()
	defer r.apply.Unlock()
	at := r.state()
	fresh := r.pick(b.Events, at.at)
	for len(fresh) > 0 {
		n := min(len(fresh), MaxBatch)
		at.at = fresh[n-1].Position
		changes, err := r.write(ctx, fresh[:n], at)
		if err != nil {
			return fmt.Errorf("view %s: apply events up to %s: %w", r.p.Name(), at.at, err)
		}
		r.advance(at, at.at, b.Live && n == len(fresh), fresh[n-1].Meta.At)
		r.out.publish(changes, at.at)
		fresh = fresh[n:]
	}
	r.advance(at, b.Position, b.Live, time.Time{})
	r.out.publish(nil, b.Position)
	return nil
}

// pick keeps the events that the view wants and that are not in the rows yet.
func (r *Runner) pick(batch []events.Recorded, after events.Position) []events.Recorded {
	out := make([]events.Recorded, 0, len(batch))
	for _, e := range batch {
		if r.wants[e.Type] && after.Before(e.Position) {
			out = append(out, e)
		}
	}
	return out
}

// write applies events and saves the checkpoint in one transaction. A batch may
// have been opened before a person was purged, so the rows of such a person are
// brought to today's keys again before anybody sees them.
func (r *Runner) write(ctx context.Context, batch []events.Recorded, at checkpoint) (changes []Change, err error) {
	err = r.p.DB().Write(ctx, func(tx *sqldb.Tx) error {
		if changes, err = r.p.Apply(tx.Context(), tx, batch); err != nil {
			return err
		}
		if purger, ok := r.p.(Purger); ok && len(r.erased) > 0 {
			for _, s := range r.touched(batch) {
				if _, err := purger.Erase(tx.Context(), tx, s); err != nil {
					return err
				}
			}
		}
		return at.save(tx)
	})
	return changes, err
}

// touched lists the purged persons of whom a batch holds segments.
func (r *Runner) touched(batch []events.Recorded) []events.SubjectID {
	var out []events.SubjectID
	had := map[events.SubjectID]bool{}
	for _, e := range batch {
		for _, seg := range e.Meta.Segments {
			if _, ok := r.erased[seg.Subject]; ok && !had[seg.Subject] {
				had[seg.Subject] = true
				out = append(out, seg.Subject)
			}
		}
	}
	return out
}

func (r *Runner) state() checkpoint {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at
}

func (r *Runner) started() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ready
}

func (r *Runner) advance(at checkpoint, seen events.Position, live bool, last time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = at
	if !last.IsZero() {
		r.last = last
	}
	if live && !r.live {
		r.live = true
		r.log.Info("view is live", "position", at.at.String())
	}
	if r.seen.Before(seen) {
		r.seen = seen
		close(r.moved)
		r.moved = make(chan struct{})
	}
}

// Position is how far the log is in the view.
func (r *Runner) Position() events.Position {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen
}

// Live reports whether the view has reached the head of the log once.
func (r *Runner) Live() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.live
}

// Wait returns when everything up to p is in the view, or with ctx's error.
func (r *Runner) Wait(ctx context.Context, p events.Position) error {
	for {
		r.mu.Lock()
		there, moved := !r.seen.Before(p), r.moved
		r.mu.Unlock()
		if there {
			return nil
		}
		select {
		case r.hurry <- struct{}{}:
		default:
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("wait for view %s: %w", r.p.Name(), ctx.Err())
		}
	}
}

// Lag says how far a view is behind the log.
type Lag struct {
	Name     string
	Position events.Position
	Head     events.Position
	// Events is how far the log's own counter is ahead: with the embedded node
	// the number of events, with a cluster no more than an impression. 0 when the
	// view has all.
	Events int64
	// Seconds since the last event in the view was recorded; 0 when it has all.
	Seconds float64
}

// Lag compares the view with the log.
func (r *Runner) Lag(ctx context.Context) (Lag, error) {
	head, err := r.src.Head(ctx)
	if err != nil {
		return Lag{}, fmt.Errorf("lag of view %s: %w", r.p.Name(), err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	lag := Lag{Name: r.p.Name(), Position: r.seen, Head: head}
	if r.seen.Before(head) {
		lag.Events = int64(head.Commit - r.seen.Commit)
		if !r.last.IsZero() {
			lag.Seconds = max(0, r.now().Sub(r.last).Seconds())
		}
	}
	return lag, nil
}
