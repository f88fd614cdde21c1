package desk

import (
	"context"
	"errors"
	"fmt"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// Recall takes back an answer that has not gone out (MAIL O16). Each of its
// messages is cancelled on its own stream, where the dispatcher's claim is written
// too: one of both comes first. A message that is not queued yet is cancelled
// before it exists. When some went out the others are kept back, and the refusal
// says so.
func (d *Desk) Recall(ctx context.Context, c Command, of events.TicketID, id events.MessageID) (Done, error) {
	answer, err := d.written(ctx, c, of, id)
	if err != nil {
		return Done{}, err
	}
	n := 1 // erased: nobody can tell how many, and nothing goes out
	if answer.Envelope.State() == events.Plain {
		n = len(answer.Envelope.Value().To) + len(answer.Envelope.Value().Cc)
	}
	gone := 0
	for i := range n {
		err := d.recallOne(ctx, c, events.DeriveOutbound(id, i))
		if errors.Is(err, errGone) {
			gone++
			continue
		}
		if err != nil {
			return Done{}, err
		}
	}
	switch {
	case gone == n:
		return Done{}, &Refusal{"too_late", "The answer is on its way or gone already."}
	case gone > 0:
		return Done{}, &Refusal{"partly_sent", fmt.Sprintf("The answer has gone to %d of %d recipients; the others do not get it.", gone, n)}
	}
	done, err := d.change(ctx, c, of, func(t *ticket) ([]events.Event, error) {
		evs := []events.Event{events.ReplyRecalled{Ticket: of, Message: id, Agent: c.Agent}}
		if t.resolved { // the customer has no answer
			evs = append(evs, events.TicketReopened{Ticket: of, Cause: "agent"})
		}
		return evs, nil
	}, func(e events.Event) bool {
		was, ok := e.(events.ReplyRecalled)
		return ok && was.Message == id
	})
	done.Message = id
	return done, err
}

// written finds an answer in its ticket.
func (d *Desk) written(ctx context.Context, c Command, of events.TicketID, id events.MessageID) (events.ReplyWritten, error) {
	as := events.Principal{Actor: events.AgentActor(c.Agent), Role: events.RoleDesk, Purpose: events.PurposeSupport}
	history, err := d.j.Load(ctx, events.TicketStream(of), &as)
	if err != nil {
		return events.ReplyWritten{}, err
	}
	for _, r := range history {
		if e, ok := r.Event.(events.ReplyWritten); ok && e.Message == id {
			return e, nil
		}
	}
	return events.ReplyWritten{}, ErrNotFound
}

var errGone = errors.New("on its way or gone")

func (d *Desk) recallOne(ctx context.Context, c Command, id events.OutboundID) error {
	by := journal.By{Command: events.DeriveUUID("recall", c.ID.String(), string(id)), Actor: events.AgentActor(c.Agent), At: c.At}
	_, err := d.j.Execute(ctx, events.OutboundStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		switch deliveryState(history) {
		case "", Queued, Held, Deferred:
			return []events.Event{events.MessageCancelled{Outbound: id, Reason: "recalled"}}, nil
		case Cancelled:
			return nil, nil
		case Sending, Accepted, Failed, Unknown, Bounced:
		}
		return nil, errGone
	})
	return err
}

// Suppress puts an address of a person on the suppression list, or takes it off
// (MAIL O13). address is its keyed hash.
func (d *Desk) Suppress(ctx context.Context, c Command, who events.SubjectID, address events.Hash, on bool) (Done, error) {
	w, err := d.j.Execute(ctx, events.CustomerStream(who), c.by(), func([]events.Recorded) ([]events.Event, error) {
		if on {
			return []events.Event{events.AddressSuppressed{Customer: who, Address: address, Kind: events.SuppressedManual, Agent: c.Agent}}, nil
		}
		return []events.Event{events.AddressUnsuppressed{Customer: who, Address: address, Cause: "agent", Agent: c.Agent}}, nil
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
