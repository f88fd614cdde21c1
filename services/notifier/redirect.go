package notifier

import (
	"context"
	"fmt"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/internal/mail"
)

// redirect renders an answer once more, to another address of the same person
// (MAIL O8): a message of its own with marks of its own, under the Message-ID of
// the answer, which the first address never got.
func (c *Clerk) redirect(ctx context.Context, rec events.Recorded, e events.MessageRedirected) error {
	history, err := c.Journal.Load(ctx, events.OutboundStream(e.Outbound), nil)
	if err != nil {
		return err
	}
	was := foldWay(history).queued
	answer, ok, err := c.answer(ctx, was.Ticket, was.Message)
	if err != nil {
		return err
	}
	if !ok || e.To.State() != events.Plain || answer.Envelope.State() != events.Plain || answer.Answer.State() != events.Plain {
		c.Logger.Warn("redirected message cannot be rendered again, not sent", "outbound", e.Outbound)
		return nil
	}
	env, text, to, s := answer.Envelope.Value(), answer.Answer.Value(), e.To.Value(), c.Marks.sender(answer.Mailbox)
	out := mail.Outgoing{
		From: mail.Address{Name: s.Name, Address: s.Address}, To: []mail.Address{mail.Address(to)},
		ReplyTo: []mail.Address{{Name: s.Name, Address: c.Marks.replyTo(s, answer.Ticket, to.Address)}},
		Subject: tagged(env.Subject, answer.Number), Date: rec.Meta.At, MessageID: answer.MessageID,
		InReplyTo: env.InReplyTo, References: env.References, Text: text.Text, HTML: text.HTML,
	}
	q := events.MessageQueued{
		Outbound: e.New, Kind: events.OutboundReply, Channel: events.Email, Ticket: answer.Ticket, Message: answer.Message,
		Mailbox: s.ID, Customer: e.Customer, MessageID: answer.MessageID, NotBefore: rec.Meta.At,
	}
	return c.put(ctx, rec, q, out, events.Parcel{MailFrom: c.Marks.bounceTo(s, q.Outbound), RcptTo: to.Address, To: to, Subject: out.Subject})
}

// answer finds what an agent wrote.
func (c *Clerk) answer(ctx context.Context, ticket events.TicketID, id events.MessageID) (e events.ReplyWritten, ok bool, err error) {
	history, err := c.Journal.Load(ctx, events.TicketStream(ticket), &clerkPrincipal)
	if err != nil {
		return e, false, fmt.Errorf("find answer: %w", err)
	}
	for _, r := range history {
		if e, ok = r.Event.(events.ReplyWritten); ok && e.Message == id {
			return e, true, nil
		}
	}
	return events.ReplyWritten{}, false, nil
}
