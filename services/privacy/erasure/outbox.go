package erasure

import (
	"context"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// clearOutbox stops what is still to go out to the person. What is going out at
// this moment cannot be stopped; it is counted, and its text goes with the rest.
func (o *Office) clearOutbox(ctx context.Context, s *State) error {
	sc, err := o.scope(ctx, s.Scope.Subjects)
	if err != nil {
		return err
	}
	out := events.OutboxCleared{Request: s.Request, Order: s.Scope.Order}
	var seen []events.Stream
	for _, i := range sc.destroy {
		if i.Stream.Family() != "outbound" || slices.Contains(seen, i.Stream) {
			continue
		}
		seen = append(seen, i.Stream)
		by := journal.By{Command: events.DeriveUUID("erasure cancels", s.Scope.Order.String(), string(i.Stream)), Actor: "system:privacy"}
		w, err := o.j.Execute(ctx, i.Stream, by, func(history []events.Recorded) ([]events.Event, error) {
			waits, going := way(history)
			if going {
				out.Left++
			}
			if !waits {
				return nil, nil
			}
			return []events.Event{events.MessageCancelled{Outbound: events.OutboundID(i.Stream.Key())}}, nil
		})
		if err != nil {
			return err
		}
		if len(w.Events) > 0 {
			out.Cancelled++
		}
	}
	return o.say(ctx, s, stepOutbox, out)
}

// way says whether a message waits for its next attempt, or is in one.
func way(history []events.Recorded) (waits, going bool) {
	for _, r := range history {
		switch r.Event.(type) {
		case events.MessageQueued, events.DeliveryDeferred, events.DeliveryRetried:
			waits, going = true, false
		case events.DeliveryAttempted, events.DeliveryStarted:
			waits, going = false, true
		case events.DeliveryAccepted, events.DeliveryFailed, events.DeliveryUnknown, events.DeliveryResolved, events.MessageBounced, events.MessageCancelled, events.MessageSkipped:
			waits, going = false, false
		}
	}
	return waits, going
}
