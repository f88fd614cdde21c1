package journal

import (
	"context"
	"errors"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/seal"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/events/vault"
)

// Reading says what to read of the log.
type Reading struct {
	// From is exclusive; events.Start is the beginning.
	From events.Position
	// Types are prefixes of wire types; none is everything of the hub.
	Types []string
	// Wanted are the wire types to hand over; others only move the position. Nil is
	// all that Types let through.
	Wanted map[string]bool
	// Principal opens segments; nil leaves them Unopened.
	Principal *events.Principal
}

// Batch is what was ready in the log: maybe no event, only progress.
type Batch struct {
	Events []events.Recorded
	// Position is the last that was considered; going on from here misses nothing.
	Position events.Position
	// Live says that the head of the log was reached at least once.
	Live bool
}

// Subscribe hands the log to the handler in order, from r.From on, until ctx
// ends or the handler fails. It survives whatever happens to the store. A batch
// holds what is ready, up to some hundred events, and never waits to fill.
func (j *Journal) Subscribe(ctx context.Context, r Reading, handle func(context.Context, Batch) error) error {
	if len(r.Types) == 0 {
		r.Types = []string{events.TypePrefix}
	}
	opts := store.SubscribeOptions{TypePrefixes: r.Types}
	if r.From != events.Start {
		opts.From = &r.From
	}
	live, at := false, r.From
	return j.store.Subscribe(ctx, opts, func(items []store.Item) error {
		raw := make([]store.Recorded, 0, len(items))
		for _, it := range items {
			switch {
			case it.Event != nil:
				if r.Wanted == nil || r.Wanted[it.Event.Type] {
					raw = append(raw, *it.Event)
				}
				at = it.Event.Position
			case it.Checkpoint != nil:
				at = *it.Checkpoint
			case it.CaughtUp:
				live = true
			}
		}
		evs, err := j.decode(ctx, raw, r.Principal)
		if err != nil {
			return err
		}
		return handle(ctx, Batch{Events: evs, Position: at, Live: live})
	})
}

// isIncident recognises a lost key and changed bytes.
func isIncident(err error) bool {
	var missing *vault.KeyMissingError
	return errors.As(err, &missing) || errors.Is(err, seal.ErrTamper)
}
