package desk

import (
	"context"

	"github.com/westshore/hub/events"
)

// DeliveryState is where a message to one recipient is.
type DeliveryState string

// The states of a message (MAIL O2).
const (
	Queued    DeliveryState = "queued"
	Sending   DeliveryState = "sending" // claimed, or its bytes are going out
	Accepted  DeliveryState = "accepted"
	Deferred  DeliveryState = "deferred"
	Failed    DeliveryState = "failed"
	Unknown   DeliveryState = "unknown"
	Bounced   DeliveryState = "bounced"
	Cancelled DeliveryState = "cancelled"
)

// deliveryState folds the stream of one message; empty when there is none.
func deliveryState(history []events.Recorded) (s DeliveryState) {
	for _, r := range history {
		switch e := r.Event.(type) {
		case events.MessageQueued, events.DeliveryRetried:
			s = Queued
		case events.DeliveryAttempted, events.DeliveryStarted:
			s = Sending
		case events.DeliveryAccepted:
			s = Accepted
		case events.DeliveryDeferred:
			s = Deferred
		case events.DeliveryFailed:
			s = Failed
		case events.DeliveryUnknown:
			s = Unknown
		case events.DeliveryResolved:
			s = DeliveryState(e.Outcome)
		case events.MessageBounced:
			s = Bounced
		case events.MessageCancelled:
			s = Cancelled
		}
	}
	return s
}

// RetryDelivery puts a message back into the queue. An unknown one may then
// arrive twice: the agent decides that, never the program.
func (d *Desk) RetryDelivery(ctx context.Context, c Command, id events.OutboundID) (Done, error) {
	return d.deliver(ctx, c, id, events.DeliveryRetried{Outbound: id},
		"not_retriable", "Only a deferred, failed, bounced or unknown message can be sent again.", Deferred, Failed, Unknown, Bounced)
}

// CancelDelivery keeps a message from going out.
func (d *Desk) CancelDelivery(ctx context.Context, c Command, id events.OutboundID) (Done, error) {
	return d.deliver(ctx, c, id, events.MessageCancelled{Outbound: id},
		"not_cancellable", "The message is on its way or gone already.", Queued, Deferred, Failed)
}

// ResolveDelivery is an agent's word on an unknown outcome: Accepted or Failed.
func (d *Desk) ResolveDelivery(ctx context.Context, c Command, id events.OutboundID, outcome DeliveryState) (Done, error) {
	if outcome != Accepted && outcome != Failed {
		return Done{}, &Refusal{"bad_outcome", "The outcome is accepted or failed."}
	}
	return d.deliver(ctx, c, id, events.DeliveryResolved{Outbound: id, Outcome: string(outcome), Evidence: "agent"},
		"not_unknown", "Only a message whose outcome is unknown can be settled by hand.", Unknown)
}

func (d *Desk) deliver(ctx context.Context, c Command, id events.OutboundID, e events.Event, code, no string, from ...DeliveryState) (Done, error) {
	w, err := d.j.Execute(ctx, events.OutboundStream(id), c.by(), func(history []events.Recorded) ([]events.Event, error) {
		if len(history) == 0 {
			return nil, ErrNotFound
		}
		state := deliveryState(history)
		for _, ok := range from {
			if state == ok {
				return []events.Event{e}, nil
			}
		}
		return nil, &Refusal{code, no}
	})
	if err != nil {
		return Done{}, err
	}
	done := Done{Revision: w.Revision, Position: w.Position}
	if len(w.Events) > 0 {
		done.Event = w.Events[0]
	}
	return done, nil
}
