package notifier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/internal/mail"
)

// attachMost is how many bytes of files travel inside an answer: with base64 and
// text it stays below what most mail servers take.
const attachMost = 10 << 20

// draft is an agent's answer, rendered but for its recipient.
type draft struct {
	out   mail.Outgoing
	s     Sender
	links bool // no file travels inside
}

// compose renders an answer for its recipients but for what is each one's own.
// Files of at most so many bytes together travel inside, the smallest first; the
// others are linked (MAIL O21).
func (c *Clerk) compose(ctx context.Context, e events.ReplyWritten, at time.Time, inside int64) (draft, error) {
	env, answer, s := e.Envelope.Value(), e.Answer.Value(), c.Marks.sender(e.Mailbox)
	d := draft{s: s, out: mail.Outgoing{
		From: mail.Address{Name: s.Name, Address: s.Address}, To: addresses(env.To), Cc: addresses(env.Cc),
		Subject: tagged(env.Subject, e.Number), Date: at, MessageID: e.MessageID,
		InReplyTo: env.InReplyTo, References: env.References, Text: answer.Text, HTML: answer.HTML,
		Extra: mail.ThreadFields(env.ThreadIndex, env.ThreadTopic, e.MessageID),
	}}
	var list, items strings.Builder
	var until time.Time
	for _, i := range c.order(e, answer) {
		f := answer.Files[i]
		if f.Size <= inside || c.Links == nil {
			content, state, err := c.OpenBlob(ctx, clerkPrincipal, e.Files[i])
			if err != nil || state != events.Plain {
				return d, errors.Join(err, fmt.Errorf("open file of message %s: %s", e.Message, state))
			}
			inside -= f.Size
			d.out.Attachments = append(d.out.Attachments, mail.OutgoingFile{Name: f.Name, Type: f.Type, Content: content})
			continue
		}
		url, end, err := c.Links.Make(e.Ticket, e.Message, i, later(at, e.NotBefore))
		if err != nil {
			return d, err
		}
		until = end
		size := fmt.Sprintf("%.1f MB", float64(f.Size)/(1<<20))
		fmt.Fprintf(&list, "\n%s (%s)\n%s\n", f.Name, size, url)
		fmt.Fprintf(&items, `<li><a href="%s">%s</a> (%s)</li>`, url, html.EscapeString(f.Name), size)
	}
	if list.Len() > 0 {
		d.out.Text += "\n\nFiles, to be fetched until " + until.Format("2 January 2006") + ":\n" + list.String()
		if d.out.HTML != "" {
			d.out.HTML += "<p>Files, to be fetched until " + until.Format("2 January 2006") + ":</p><ul>" + items.String() + "</ul>"
		}
	}
	d.links = len(answer.Files) > 0 && len(d.out.Attachments) == 0
	c.mark(&d.out, e.Ticket)
	return d, nil
}

// order lists the files of an answer, the smallest first.
func (c *Clerk) order(e events.ReplyWritten, a events.Answer) []int {
	order := make([]int, min(len(e.Files), len(a.Files)))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(a.Files[x].Size, a.Files[y].Size) })
	return order
}

// mark ends the text with what people quote when they answer, so that a thread
// survives relays and mail programs that change headers (MAIL I33, FIELD 1.25).
func (c *Clerk) mark(out *mail.Outgoing, t events.TicketID) {
	m := c.Marks.body(t)
	if m == "" {
		return
	}
	out.Text = strings.TrimRight(out.Text, "\n") + "\n\n" + m + "\n"
	if out.HTML != "" {
		out.HTML += `<p style="color:#767676;font-size:11px">` + m + `</p>`
	}
}

// send queues a rendered answer for one recipient.
func (c *Clerk) send(ctx context.Context, rec events.Recorded, d draft, q events.MessageQueued, to events.Address) error {
	q.Kind, q.Channel, q.Mailbox, q.Links = events.OutboundReply, events.Email, d.s.ID, d.links
	d.out.ReplyTo = []mail.Address{{Name: d.s.Name, Address: c.Marks.replyTo(d.s, q.Ticket, to.Address)}}
	return c.put(ctx, rec, q, d.out, c.Marks.envelope(d.s, q.Outbound, to, d.out.Subject, false))
}

// reply queues an agent's answer.
func (c *Clerk) reply(ctx context.Context, rec events.Recorded, e events.ReplyWritten) error {
	if e.Envelope.State() != events.Plain || e.Answer.State() != events.Plain {
		c.Logger.Warn("reply was erased before it was queued, not sent", "message", e.Message, "state", e.Envelope.State().String())
		return nil
	}
	d, err := c.compose(ctx, e, rec.Meta.At, cmp.Or(c.Attach, attachMost))
	if err != nil {
		return err
	}
	env := e.Envelope.Value()
	for i, to := range slices.Concat(env.To, env.Cc) {
		q := events.MessageQueued{
			Outbound: events.DeriveOutbound(e.Message, i), Ticket: e.Ticket, Message: e.Message, Customer: e.Customer,
			MessageID: e.MessageID, NotBefore: later(rec.Meta.At.Add(c.Undo), e.NotBefore),
		}
		if err := c.send(ctx, rec, d, q, to); err != nil {
			return err
		}
	}
	return nil
}
