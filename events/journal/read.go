package journal

import (
	"context"
	"fmt"
	"math"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/store"
)

// Load reads a whole stream, oldest first; an empty slice when there is none.
// Without a principal every segment stays Unopened. Types this build does not
// know are left out: their revisions show as gaps.
func (j *Journal) Load(ctx context.Context, stream events.Stream, as *events.Principal) ([]events.Recorded, error) {
	var raw []store.Recorded
	err := j.store.ReadStream(ctx, string(stream), 0, math.MaxInt32, func(r store.Recorded) error {
		raw = append(raw, r)
		return nil
	})
	if err != nil && !store.IsNotFound(err) {
		return nil, fmt.Errorf("load %s: %w", stream, err)
	}
	return j.decode(ctx, raw, as)
}

// Last reads the newest event of a stream; ok is false when there is none.
func (j *Journal) Last(ctx context.Context, stream events.Stream) (last events.Recorded, ok bool, err error) {
	var raw []store.Recorded
	err = j.store.ReadStreamBackwards(ctx, string(stream), 1, func(r store.Recorded) error {
		raw = append(raw, r)
		return nil
	})
	if err != nil && !store.IsNotFound(err) {
		return last, false, fmt.Errorf("read %s: %w", stream, err)
	}
	out, err := j.decode(ctx, raw, nil)
	if err != nil || len(out) == 0 {
		return last, false, err
	}
	return out[0], true, nil
}

// Head returns the position of the newest event.
func (j *Journal) Head(ctx context.Context) (events.Position, error) { return j.store.Head(ctx) }

// Identity names the event store. A checkpoint taken from another store is worth
// nothing here.
func (j *Journal) Identity(ctx context.Context) (string, error) { return j.store.Identity(ctx) }

// Ping reports whether the store answers.
func (j *Journal) Ping(ctx context.Context) error { return j.store.Ping(ctx) }

// decode turns raw events into typed ones, opening all their segments in one go
// when a principal is given.
func (j *Journal) decode(ctx context.Context, raw []store.Recorded, as *events.Principal) ([]events.Recorded, error) {
	out := make([]events.Recorded, 0, len(raw))
	envs := make([]events.Envelope, 0, len(raw))
	for _, r := range raw {
		if !events.Known(r.Type) {
			if r.Type != identityType {
				j.log.Warn("event type unknown to this build, skipped", "type", r.Type)
			}
			continue
		}
		env, err := events.ParseEnvelope(r.ID, r.Type, events.Stream(r.Stream), r.Data, r.Meta)
		if err != nil {
			return nil, fmt.Errorf("read event %s: %w", r.ID, err)
		}
		rec := events.Recorded{Envelope: env, Revision: r.Revision, Position: r.Position}
		if as == nil {
			if rec.Event, err = events.Join(env, nil); err != nil {
				return nil, fmt.Errorf("read event %s: %w", r.ID, err)
			}
		}
		envs = append(envs, env)
		out = append(out, rec)
	}
	if as == nil {
		return out, nil
	}
	return out, j.open(ctx, *as, envs, out)
}

// open opens the segments of a batch. When the batch as a whole fails because of
// one event whose key is lost or whose bytes were changed, the others are opened
// one by one: the incident is reported and that event is Denied, never skipped
// and never shown as erased (PRIVACY 0.7).
func (j *Journal) open(ctx context.Context, as events.Principal, envs []events.Envelope, out []events.Recorded) error {
	opened, err := j.sealer.Open(ctx, as, envs)
	if err == nil {
		for i := range out {
			out[i].Event = opened[i]
		}
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("open segments: %w", ctx.Err())
	}
	for i, env := range envs {
		one, err := j.sealer.Open(ctx, as, []events.Envelope{env})
		if err == nil {
			out[i].Event = one[0]
			continue
		}
		if !isIncident(err) {
			return fmt.Errorf("open segments: %w", err)
		}
		j.log.Error("privacy incident: a segment cannot be opened and has no tombstone", "event", env.ID.String(), "type", env.Type, "error", err)
		denied := make([]events.Opened, len(env.Sealed))
		for k := range denied {
			denied[k] = events.Opened{State: events.Denied, Why: "incident"}
		}
		if out[i].Event, err = events.Join(env, denied); err != nil {
			return fmt.Errorf("open segments: %w", err)
		}
	}
	return nil
}

// At reads one event of a stream by its revision; ok is false when there is none.
func (j *Journal) At(ctx context.Context, stream events.Stream, revision events.Revision) (rec events.Recorded, ok bool, err error) {
	var raw []store.Recorded
	err = j.store.ReadStream(ctx, string(stream), revision, 1, func(r store.Recorded) error {
		raw = append(raw, r)
		return nil
	})
	if err != nil && !store.IsNotFound(err) {
		return rec, false, fmt.Errorf("read %s: %w", stream, err)
	}
	out, err := j.decode(ctx, raw, nil)
	if err != nil || len(out) == 0 || out[0].Revision != revision {
		return rec, false, err
	}
	return out[0], true, nil
}

// identityType is the one event of ours that is not in the catalogue: the store
// writes it to know itself again.
const identityType = events.TypePrefix + "StoreIdentified"
