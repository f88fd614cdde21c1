package notifier

import (
	"cmp"
	"context"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// Causes of MessageRedirected that are rules (MAIL O6).
const (
	causeSize = "size" // once more with links instead of files
	causeUTF8 = "utf8" // once more to the person's ASCII address
)

// redirect renders an answer once more, to another address of the same person
// (MAIL O8) or with links instead of files: a message of its own with marks of its
// own, under the Message-ID of the answer, which the first address never got.
func (c *Clerk) redirect(ctx context.Context, rec events.Recorded, e events.MessageRedirected) error {
	history, err := c.Journal.Load(ctx, events.OutboundStream(e.Outbound), nil)
	if err != nil {
		return err
	}
	was := foldWay(history).queued
	answer, ok, err := written(ctx, c.Journal, was.Ticket, was.Message)
	if err != nil {
		return err
	}
	if !ok || e.To.State() != events.Plain || answer.Envelope.State() != events.Plain || answer.Answer.State() != events.Plain {
		c.Logger.Warn("redirected message cannot be rendered again, not sent", "outbound", e.Outbound)
		return nil
	}
	inside := cmp.Or(c.Attach, attachMost)
	if e.Cause == causeSize || was.Links {
		inside = 0
	}
	d, err := c.compose(ctx, answer, rec.Meta.At, inside)
	if err != nil {
		return err
	}
	to := e.To.Value()
	if e.Cause != causeSize {
		d.out.To, d.out.Cc = addresses([]events.Address{to}), nil
	}
	return c.send(ctx, rec, d, events.MessageQueued{
		Outbound: e.New, Ticket: answer.Ticket, Message: answer.Message, Customer: e.Customer, MessageID: answer.MessageID, NotBefore: rec.Meta.At,
	}, to)
}

// again offers an answer that was refused in another form, where a rule knows one:
// too big, with links instead of files; an address that the server cannot take,
// the person's ASCII address (MAIL O6). It does so once for each message.
func (c *Clerk) again(ctx context.Context, rec events.Recorded, e events.DeliveryFailed) error {
	if e.Class != ClassSize && e.Class != ClassUTF8 || c.old(rec) { // of a backup: done already, or a person sees it
		return nil
	}
	history, err := c.Journal.Load(ctx, events.OutboundStream(e.Outbound), &clerkPrincipal)
	if err != nil {
		return err
	}
	q := foldWay(history).queued
	if q.Kind != events.OutboundReply || q.Parcel.State() != events.Plain {
		return nil
	}
	r := events.MessageRedirected{Outbound: e.Outbound, Customer: q.Customer, Cause: causeSize}
	to := q.Parcel.Value().To
	if e.Class == ClassSize {
		a, ok, err := written(ctx, c.Journal, q.Ticket, q.Message)
		if err != nil || !ok || q.Links || len(a.Files) == 0 || c.Links == nil {
			return err
		}
	} else {
		r.Cause = causeUTF8
		if c.Contact == nil {
			return nil
		}
		other, err := c.Contact(ctx, q.Customer)
		if err != nil || other.Address == "" || !ascii(other.Address) || ascii(to.Address) {
			return err
		}
		to = other
	}
	r.New = events.OutboundID(events.DeriveUUID("outbound", r.Cause, string(e.Outbound)).String())
	r.To = events.Seal(to)
	by := journal.By{Command: events.DeriveUUID("clerk", r.Cause, rec.ID.String()), Actor: "system:clerk", Causation: rec.ID}
	_, err = c.Journal.Execute(ctx, events.OutboundStream(e.Outbound), by, func(history []events.Recorded) ([]events.Event, error) {
		if last := history[len(history)-1]; last.ID != rec.ID {
			return nil, nil // a person was faster
		}
		return []events.Event{r}, nil
	})
	return err
}
