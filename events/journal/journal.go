package journal

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/seal"
	"github.com/westshore/hub/events/store"
)

// Config gives a journal what it stands on.
type Config struct {
	Store  *store.Store
	Sealer *seal.Sealer
	Now    func() time.Time
	Logger *slog.Logger
}

// Journal is the typed, sealed log. It is safe for concurrent use.
type Journal struct {
	store  *store.Store
	sealer *seal.Sealer
	now    func() time.Time
	log    *slog.Logger
	stamp  atomic.Pointer[Stamp]
}

// Stamp says which version of the privacy policy and which retention schedule
// were in force at a time.
type Stamp func(at time.Time) (policy string, schedule int)

// StampWith has every event drafted from now on carry the versions that were in
// force at its own time, not at the time of writing. Without it they are those
// that the program was built with.
func (j *Journal) StampWith(s Stamp) { j.stamp.Store(&s) }

// New returns a journal on an open store and sealer, which it does not own.
func New(cfg Config) *Journal {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Journal{store: cfg.Store, sealer: cfg.Sealer, now: cfg.Now, log: cfg.Logger.With("room", "journal")}
}

// By says who does something and under which command. Event ids are derived from
// Command, so that a repeated command is the same events. A zero At is now.
type By struct {
	Command     events.UUID
	Actor       events.Actor
	At          time.Time
	Correlation events.UUID // zero: the command itself
	Causation   events.UUID // zero: the command itself
}

// Written says where an append ended.
type Written struct {
	Revision events.Revision // of the last event
	Position events.Position // of the last event; zero when Repeated
	Events   []events.UUID
	Repeated bool // the command had been done before; nothing was written
}

// EventID is the id of the n-th event that a command writes to a stream.
func EventID(command events.UUID, stream events.Stream, n int) events.UUID {
	return events.DeriveUUID("event", command.String(), string(stream), strconv.Itoa(n))
}

// Drafts prepares events for sealing, with ids and metadata as Append gives them.
func (j *Journal) Drafts(stream events.Stream, by By, evs ...events.Event) []seal.Draft {
	if by.At.IsZero() {
		by.At = j.now()
	}
	if by.Correlation.IsZero() {
		by.Correlation = by.Command
	}
	if by.Causation.IsZero() {
		by.Causation = by.Command
	}
	policy, schedule := events.PolicyVersion, events.ScheduleVersion
	if s := j.stamp.Load(); s != nil {
		policy, schedule = (*s)(by.At)
	}
	drafts := make([]seal.Draft, len(evs))
	for i, e := range evs {
		drafts[i] = seal.Draft{
			ID: EventID(by.Command, stream, i), Stream: stream, Event: e,
			Meta: events.Meta{
				At: by.At.UTC(), Actor: by.Actor, Correlation: by.Correlation, Causation: by.Causation,
				Policy: policy, Schedule: schedule,
			},
		}
	}
	return drafts
}

// Seal seals events that will be recorded later, by somebody else: a door seals
// before anything touches a disk.
func (j *Journal) Seal(ctx context.Context, drafts []seal.Draft) ([]events.Envelope, error) {
	return j.sealer.Seal(ctx, drafts)
}

// Record appends events that are sealed already.
func (j *Journal) Record(ctx context.Context, expected events.Revision, envs ...events.Envelope) (Written, error) {
	raw := make([]store.Event, len(envs))
	ids := make([]events.UUID, len(envs))
	for i, env := range envs {
		meta, err := env.Metadata()
		if err != nil {
			return Written{}, fmt.Errorf("encode %s: %w", env.Type, err)
		}
		raw[i], ids[i] = store.Event{ID: env.ID, Type: env.Type, Data: env.Data(), Meta: meta}, env.ID
	}
	w, err := j.store.Append(ctx, string(envs[0].Stream), expected, raw...)
	if err != nil {
		return Written{}, err
	}
	return Written{Revision: w.Revision, Position: w.Position, Events: ids}, nil
}

// Append seals and appends events at an expected revision. A refused append
// leaves no keys behind; one whose outcome is unknown does, for the orphan sweep.
func (j *Journal) Append(ctx context.Context, stream events.Stream, expected events.Revision, by By, evs ...events.Event) (Written, error) {
	envs, err := j.sealer.Seal(ctx, j.Drafts(stream, by, evs...))
	if err != nil {
		return Written{}, fmt.Errorf("append %s: %w", stream, err)
	}
	w, err := j.Record(ctx, expected, envs...)
	if err != nil {
		if !store.IsOutcomeUnknown(err) && ctx.Err() == nil {
			if abandoned := j.sealer.Abandon(ctx, envs); abandoned != nil {
				j.log.Warn("keys of a refused append not abandoned", "stream_family", stream.Family(), "error", abandoned)
			}
		}
		return Written{}, fmt.Errorf("append %s: %w", stream, err)
	}
	return w, nil
}

// attempts bounds how often Execute decides again on a fresh stream.
const attempts = 25

// Execute loads a stream unopened, lets decide say what happens, and appends it
// at the revision that was loaded; when somebody else was faster it begins
// again. A command that was done before is not done again. A decide that returns
// no events changes nothing.
func (j *Journal) Execute(ctx context.Context, stream events.Stream, by By, decide func(history []events.Recorded) ([]events.Event, error)) (Written, error) {
	first := EventID(by.Command, stream, 0)
	for try := 0; ; try++ {
		history, err := j.Load(ctx, stream, nil)
		if err != nil {
			return Written{}, err
		}
		revision := events.NoStream
		done := Written{}
		for i, r := range history {
			revision = r.Revision
			if r.ID == first {
				done = repeated(history[i:], by.Command, stream)
			}
		}
		if done.Repeated {
			return done, nil
		}
		evs, err := decide(history)
		if err != nil {
			return Written{}, err
		}
		if len(evs) == 0 {
			return Written{Revision: revision}, nil
		}
		w, err := j.Append(ctx, stream, revision, by, evs...)
		if _, stale := store.IsConflict(err); !stale || try == attempts {
			return w, err
		}
	}
}

// repeated finds the events that a command wrote when it was done.
func repeated(history []events.Recorded, command events.UUID, stream events.Stream) Written {
	w := Written{Repeated: true}
	for i, r := range history {
		if r.ID != EventID(command, stream, i) {
			break
		}
		w.Revision, w.Position, w.Events = r.Revision, r.Position, append(w.Events, r.ID)
	}
	return w
}
