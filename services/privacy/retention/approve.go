package retention

import (
	"context"
	"fmt"
	"slices"

	"github.com/westshore/hub/events"
)

// Approve is one person's word for a preview that is above the limits; the digest
// says which list they looked at. With the second person's the sweep goes on.
func (e *Engine) Approve(ctx context.Context, by By, id events.UUID, digest events.Hash) (*Sweep, error) {
	err := e.decide(ctx, by, id, func(w *Sweep) ([]events.Event, error) {
		switch {
		case digest != w.Digest:
			return nil, refuse("digest", "That is not the list this preview is about. Look at it again.")
		case slices.Contains(w.Approvals, by.Agent):
			return nil, refuse("same_person", "You approved this already; a second person has to look at it.")
		}
		for _, before := range w.Approvals {
			if err := e.cfg.Independent(ctx, before, by.Agent); err != nil {
				return nil, err
			}
		}
		return []events.Event{events.RetentionApproved{Sweep: id, Digest: digest, Agent: by.Agent}}, nil
	})
	if err != nil {
		return nil, fmt.Errorf("approve sweep: %w", err)
	}
	select {
	case e.wake <- struct{}{}:
	default: // it will look anyway
	}
	return e.find(ctx, id)
}

// Decline is one person's word that a preview must not be carried out.
func (e *Engine) Decline(ctx context.Context, by By, id events.UUID) (*Sweep, error) {
	err := e.decide(ctx, by, id, func(*Sweep) ([]events.Event, error) {
		return []events.Event{events.RetentionDeclined{Sweep: id, Agent: by.Agent}}, nil
	})
	if err != nil {
		return nil, fmt.Errorf("decline sweep: %w", err)
	}
	return e.find(ctx, id)
}

// decide takes a decision on a preview that waits.
func (e *Engine) decide(ctx context.Context, by By, id events.UUID, fn func(*Sweep) ([]events.Event, error)) error {
	_, err := e.j.Execute(ctx, events.SweepsStream, e.person(by), func(history []events.Recorded) ([]events.Event, error) {
		w := foldSweeps(history).find(id)
		switch {
		case w == nil:
			return nil, ErrUnknown
		case w.State() != "waiting":
			return nil, refuse("not_waiting", "This preview does not wait for a decision: it is %s.", w.State())
		}
		return fn(w)
	})
	return err
}

func (e *Engine) find(ctx context.Context, id events.UUID) (*Sweep, error) {
	s, err := e.load(ctx)
	if err != nil {
		return nil, err
	}
	if w := s.find(id); w != nil {
		return w, nil
	}
	return nil, ErrUnknown
}
