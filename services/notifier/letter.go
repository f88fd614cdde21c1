package notifier

import (
	"context"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/internal/mail"
)

// letter queues a letter of the house to one person. An answer comes back to the
// mailbox it was written from, as a new inquiry. One that asks for something
// carries the way out that mail programs show as a button (RFC 2369, RFC 8058).
func (c *Clerk) letter(ctx context.Context, rec events.Recorded, e events.LetterWritten) error {
	l := e.Letter.Value()
	if e.Letter.State() != events.Plain || l.To.Address == "" {
		c.Logger.Warn("letter was erased before it was queued, not sent", "message", e.Message, "state", e.Letter.State().String())
		return nil
	}
	s := c.Marks.sender(e.Mailbox)
	id := e.MessageID
	if id == "" {
		_, domain := split(s.Address)
		id = string(e.Message) + "@" + domain
	}
	out := mail.Outgoing{
		From: mail.Address{Name: s.Name, Address: s.Address}, To: []mail.Address{mail.Address(l.To)},
		Subject: l.Subject, Date: rec.Meta.At, MessageID: id, Text: l.Text,
		Automatic: "auto-generated", LoopMark: c.Marks.loop(e.Message),
	}
	if e.Kind == events.OutboundPromotional && c.Unsubscribe != nil {
		if url := c.Unsubscribe(e.Customer, e.Purpose); url != "" {
			out.Extra = append(out.Extra,
				mail.Field{Name: "List-Unsubscribe", Value: "<" + url + ">"},
				mail.Field{Name: "List-Unsubscribe-Post", Value: "List-Unsubscribe=One-Click"})
		}
	}
	q := events.MessageQueued{
		Outbound: e.Message.Outbound(), Kind: e.Kind, Channel: events.Email, Message: e.Message, Mailbox: s.ID,
		Customer: e.Customer, MessageID: id, NotBefore: rec.Meta.At,
	}
	rec, err := c.dated(ctx, rec, e)
	if err != nil {
		return err
	}
	return c.put(ctx, rec, q, out, c.Marks.envelope(s, q.Outbound, l.To, out.Subject, false))
}
