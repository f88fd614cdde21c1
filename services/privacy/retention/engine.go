package retention

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/vault"
)

// Source is a clock beside the machine's: the event store's, the bus's.
type Source struct {
	Name string
	Time func(context.Context) (time.Time, error)
}

// Config gives the engine what it needs of other rooms, as functions: rooms do
// not import each other.
type Config struct {
	Journal *journal.Journal
	Vault   *vault.Vault
	Anchors *Anchors
	// Schedule is the retention schedule in force.
	Schedule func() events.RetentionScheduleChanged
	// Destroy writes the intent to the privacy ledger and has the vault carry it
	// out; an order that was interrupted is repeated. Keys that are not due at the
	// given time any more are spared.
	Destroy func(ctx context.Context, order events.UUID, due time.Time, keys []vault.Info) (vault.Destroyed, error)
	// Purge brings what every view keeps of these people to what a rebuild with
	// today's keys would give.
	Purge func(context.Context, []events.SubjectID) error
	// Reclaim frees what archived tickets took in the log and in files. nil:
	// tickets are not archived.
	Reclaim *Reclaim
	// Sources are asked before the clock moves. One that does not answer keeps it
	// where it is.
	Sources []Source
	// Independent refuses the word of one agent beside that of the one who proposed
	// when both accounts are in one hand.
	Independent func(ctx context.Context, proposed, agrees events.AgentID) error
	Tick        time.Duration // between steps of the clock; 0: 10 minutes
	Hour        int           // of the day, UTC, from which the nightly sweep runs
	Now         func() time.Time
	Logger      *slog.Logger
}

// Engine is the retention engine. It is safe for concurrent use.
type Engine struct {
	cfg  Config
	j    *journal.Journal
	now  func() time.Time
	log  *slog.Logger
	wake chan struct{} // something was approved

	sweeping sync.Mutex // one sweep at a time
	ticking  sync.Mutex // one step of the clock at a time
	clock    Clock
	read     bool      // the clock was read from the log
	stored   time.Time // how far the log knows the clock
}

// New returns an engine.
func New(cfg Config) *Engine {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Tick == 0 {
		cfg.Tick = 10 * time.Minute
	}
	return &Engine{cfg: cfg, j: cfg.Journal, now: cfg.Now, log: cfg.Logger.With("room", "retention"), wake: make(chan struct{}, 1)}
}

// By says who does something, under which command.
type By struct {
	Command events.UUID
	Agent   events.AgentID
}

// RefusedError is a business "no": a stable code and a sentence.
type RefusedError struct{ Why, Sentence string }

func (e *RefusedError) Error() string { return e.Sentence }

// Code tells reception what kind of error it is.
func (e *RefusedError) Code() string { return "conflict" }

// Reason is the stable code of the refusal.
func (e *RefusedError) Reason() string { return e.Why }

// Detail is the sentence for whoever asked.
func (e *RefusedError) Detail() string { return e.Sentence }

func refuse(code, format string, a ...any) error {
	return &RefusedError{code, fmt.Sprintf(format, a...)}
}

// unknownError is ErrUnknown's type: reception answers it with not_found.
type unknownError struct{}

func (unknownError) Error() string { return "no such sweep" }

// Code tells reception what kind of error it is.
func (unknownError) Code() string { return "not_found" }

// ErrUnknown says that there is no such sweep.
var ErrUnknown error = unknownError{}

// Run moves the clock, takes up what was approved, and sweeps once a day, until
// ctx ends.
func (e *Engine) Run(ctx context.Context) error {
	tick := time.NewTicker(e.cfg.Tick)
	defer tick.Stop()
	for {
		if err := e.round(ctx); err != nil && ctx.Err() == nil {
			e.log.Error("retention did not get through its round; it will try again", "error", err)
		}
		select {
		case <-tick.C:
		case <-e.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

// round is what is done at every tick.
func (e *Engine) round(ctx context.Context) error {
	clock, err := e.Tick(ctx)
	if err != nil || clock.Suspended != "" {
		return err
	}
	if err := e.TakeUp(ctx); err != nil {
		return err
	}
	state, err := e.load(ctx)
	if err != nil || !e.nightly(state, clock.At) {
		return err
	}
	_, err = e.Sweep(ctx)
	return err
}

// waitAtMost is how long a preview waits for approval before a new one takes its
// place.
const waitAtMost = 7 * 24 * time.Hour

// nightly reports whether today's sweep is still to come.
func (e *Engine) nightly(s *sweeps, at time.Time) bool {
	if at.UTC().Hour() < e.cfg.Hour {
		return false
	}
	if w := s.waiting(); w != nil && at.Sub(w.At) < waitAtMost {
		return false
	}
	if len(s.list) == 0 {
		return true
	}
	return s.list[len(s.list)-1].At.UTC().Format(time.DateOnly) != at.UTC().Format(time.DateOnly)
}

func (e *Engine) load(ctx context.Context) (*sweeps, error) {
	history, err := e.j.Load(ctx, events.SweepsStream, nil)
	if err != nil {
		return nil, err
	}
	return foldSweeps(history), nil
}

// Sweeps lists sweeps, the newest first.
func (e *Engine) Sweeps(ctx context.Context, limit int) ([]*Sweep, error) {
	s, err := e.load(ctx)
	if err != nil {
		return nil, fmt.Errorf("list sweeps: %w", err)
	}
	slices.Reverse(s.list)
	return s.list[:min(limit, len(s.list))], nil
}

func (e *Engine) system(parts ...string) journal.By {
	return journal.By{Command: events.DeriveUUID(append([]string{"retention"}, parts...)...), Actor: "system:retention", At: e.now()}
}

func (e *Engine) person(by By) journal.By {
	return journal.By{Command: by.Command, Actor: events.AgentActor(by.Agent), At: e.now()}
}
