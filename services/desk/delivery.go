package desk

import (
	"context"
	"slices"
	"strings"

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
	Held      DeliveryState = "held" // kept back until a person says more
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
		case events.MessageCancelled, events.MessageRedirected:
			s = Cancelled
		case events.MessageHeld:
			if s = Held; !e.Until.IsZero() {
				s = Queued
			}
		}
	}
	return s
}

// RetryDelivery puts a message back into the queue. An unknown one may then
// arrive twice, and a held one goes though the suppression list has its address:
// the agent decides that, never the program.
func (d *Desk) RetryDelivery(ctx context.Context, c Command, id events.OutboundID) (Done, error) {
	return d.deliver(ctx, c, id, "not_retriable", "Only a deferred, held, failed, bounced or unknown message can be sent again.",
		func(s DeliveryState, _ events.MessageQueued) []events.Event {
			return []events.Event{events.DeliveryRetried{Outbound: id, Override: s == Held}}
		}, Deferred, Held, Failed, Unknown, Bounced)
}

// CancelDelivery keeps a message from going out, and puts away one that failed.
func (d *Desk) CancelDelivery(ctx context.Context, c Command, id events.OutboundID) (Done, error) {
	return d.deliver(ctx, c, id, "not_cancellable", "The message is on its way or gone already.",
		func(DeliveryState, events.MessageQueued) []events.Event {
			return []events.Event{events.MessageCancelled{Outbound: id}}
		}, Queued, Held, Deferred, Failed, Bounced)
}

// ResolveDelivery is an agent's word on an unknown outcome: Accepted or Failed,
// with the reason in the agent's words, which rests sealed.
func (d *Desk) ResolveDelivery(ctx context.Context, c Command, id events.OutboundID, outcome DeliveryState, reason string) (Done, error) {
	if outcome != Accepted && outcome != Failed {
		return Done{}, &Refusal{"bad_outcome", "The outcome is accepted or failed."}
	}
	return d.deliver(ctx, c, id, "not_unknown", "Only a message whose outcome is unknown can be settled by hand.",
		func(_ DeliveryState, q events.MessageQueued) []events.Event {
			evs := []events.Event{events.DeliveryResolved{Outbound: id, Outcome: string(outcome), Evidence: "agent"}}
			if reason != "" {
				evs = append(evs, events.DeliveryExplained{
					Outbound: id, Customer: q.Customer, Agent: c.Agent, Reason: events.Seal(events.Answer{Text: reason}),
				})
			}
			return evs
		}, Unknown)
}

// RedirectDelivery sends an answer that did not arrive to another address of the
// same person; the message that failed is put away (MAIL O8).
func (d *Desk) RedirectDelivery(ctx context.Context, c Command, id events.OutboundID, to events.Address) (Done, events.OutboundID, error) {
	if at := strings.LastIndexByte(to.Address, '@'); at < 1 || at == len(to.Address)-1 || strings.ContainsAny(to.Address, " \r\n<>,;") {
		return Done{}, "", &Refusal{"bad_address", "This is no mail address."}
	}
	if d.cfg.Own(to.Address) {
		return Done{}, "", &Refusal{"own_address", "This address is one of ours."}
	}
	fresh := events.OutboundID(events.DeriveUUID("outbound", "redirect", c.ID.String()).String())
	done, err := d.deliver(ctx, c, id, "not_redirectable", "Only an answer that was held, failed or came back can go to another address.",
		func(_ DeliveryState, q events.MessageQueued) []events.Event {
			if q.Kind != events.OutboundReply {
				return nil
			}
			return []events.Event{events.MessageRedirected{
				Outbound: id, New: fresh, Customer: q.Customer, Agent: c.Agent, To: events.Seal(to),
			}}
		}, Held, Failed, Bounced)
	return done, fresh, err
}

// deliver writes what say makes of a message that is in one of the states; nil is
// the refusal.
func (d *Desk) deliver(ctx context.Context, c Command, id events.OutboundID, code, no string,
	say func(DeliveryState, events.MessageQueued) []events.Event, from ...DeliveryState,
) (Done, error) {
	w, err := d.j.Execute(ctx, events.OutboundStream(id), c.by(), func(history []events.Recorded) ([]events.Event, error) {
		if len(history) == 0 {
			return nil, ErrNotFound
		}
		state := deliveryState(history)
		q, _ := history[0].Event.(events.MessageQueued)
		if slices.Contains(from, state) {
			if evs := say(state, q); len(evs) > 0 {
				return evs, nil
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
