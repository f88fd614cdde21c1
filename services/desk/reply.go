package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/westshore/hub/events"
)

// Reply is an agent's answer to the customer.
type Reply struct {
	Ticket events.TicketID
	Text   string
	HTML   string           // optional; Text is always sent
	Seen   *events.Revision // what the agent saw; nil sends whatever happened since
	SendAt time.Time        // when it goes out; zero: now
	Files  []File           // what goes with it
	// Resolve also resolves the ticket, in the same append.
	Resolve bool
}

// maxAhead is how far ahead an answer may be timed.
const maxAhead = 90 * 24 * time.Hour

// Reply writes an answer, with its recipients frozen as of now. It is refused
// with a StaleError when somebody wrote since the revision the agent saw.
func (d *Desk) Reply(ctx context.Context, c Command, r Reply) (Done, error) {
	if err := checkText(r.Text); err != nil {
		return Done{}, err
	}
	if len(r.HTML) > maxText {
		return Done{}, &Refusal{"text_too_long", "The text is longer than 256 KB."}
	}
	if r.SendAt.After(c.At.Add(maxAhead)) {
		return Done{}, &Refusal{"send_at_too_far", "An answer can be sent at most 90 days later."}
	}
	r.Text, r.HTML = withoutCards(r.Text), withoutCards(r.HTML)
	files, blobs, err := pack(r.Files)
	if err != nil {
		return Done{}, err
	}
	msg := messageID(c.ID, r.Ticket)
	done, err := d.change(ctx, c, r.Ticket, func(t *ticket) ([]events.Event, error) {
		if r.Seen != nil && t.spoken > *r.Seen {
			return nil, &StaleError{Revision: t.revision, Seen: *r.Seen}
		}
		envelope, err := d.envelope(ctx, c, t)
		if err != nil {
			return nil, err
		}
		mailbox := t.mailbox
		if mailbox == "" {
			mailbox = d.cfg.Mailbox
		}
		evs := []events.Event{events.ReplyWritten{
			Ticket: t.id, Message: msg, Number: t.number, Mailbox: mailbox, Agent: c.Agent, Customer: t.customer,
			MessageID: d.cfg.MessageID(t.id, msg, mailbox),
			Envelope:  events.Seal(envelope), Answer: events.Seal(events.Answer{Text: r.Text, HTML: r.HTML, Files: files}), NotBefore: r.SendAt.UTC(),
			Files: blobs,
		}}
		if r.Resolve && !t.resolved {
			evs = append(evs, events.TicketResolved{Ticket: t.id})
		}
		return evs, nil
	}, func(e events.Event) bool {
		was, ok := e.(events.ReplyWritten)
		return ok && said(was.Answer, r.Text, r.HTML) && len(was.Files) == len(files) && was.NotBefore.Equal(r.SendAt)
	})
	done.Message = msg
	return done, err
}

// envelope opens the message being answered and decides who gets the answer.
func (d *Desk) envelope(ctx context.Context, c Command, t *ticket) (events.ReplyEnvelope, error) {
	as := events.Principal{Actor: events.AgentActor(c.Agent), Role: events.RoleDesk, Purpose: events.PurposeSupport}
	history, err := d.j.Load(ctx, events.InquiryStream(t.inbound), &as)
	if err != nil {
		return events.ReplyEnvelope{}, err
	}
	if len(history) == 0 {
		return events.ReplyEnvelope{}, fmt.Errorf("answer ticket %s: inquiry %s is missing", t.id, t.inbound)
	}
	in, ok := history[0].Event.(events.InquiryReceived)
	if !ok || in.Contact.State() != events.Plain {
		return events.ReplyEnvelope{}, &Refusal{"no_address", "The customer's address is no longer available, so there is nobody to answer."}
	}
	return Answering(in.Contact.Value(), in.Letter.Value(), d.cfg.Own)
}

// Answering decides from the letter being answered, and from nothing else, who
// gets the answer and on which thread: Reply-To before From (RFC 5322 section
// 3.6.2), everybody in To and Cc but ourselves, nobody twice.
func Answering(from events.Address, letter events.Letter, own func(string) bool) (events.ReplyEnvelope, error) {
	env := events.ReplyEnvelope{
		Subject: replySubject(letter.Subject), InReplyTo: letter.MessageID, ThreadIndex: letter.ThreadIndex, ThreadTopic: letter.ThreadTopic,
	}
	env.References = slices.Clone(letter.References)
	if letter.MessageID != "" && !slices.Contains(env.References, letter.MessageID) {
		env.References = append(env.References, letter.MessageID)
	}
	seen := map[string]bool{}
	pick := func(list []events.Address) (out []events.Address) {
		for _, a := range list {
			key := strings.ToLower(a.Address)
			if !strings.Contains(key, "@") || own(a.Address) || seen[key] {
				continue
			}
			seen[key] = true
			out = append(out, a)
		}
		return out
	}
	if env.To = pick(letter.ReplyTo); len(env.To) == 0 {
		env.To = pick([]events.Address{from})
	}
	if len(env.To) == 0 {
		return env, &Refusal{"no_address", "This request has no address that can be answered."}
	}
	env.Cc = pick(slices.Concat(letter.To, letter.Cc))
	if len(env.Cc) > maxCopies {
		env.Cc = env.Cc[:maxCopies]
	}
	return env, nil
}

// maxCopies bounds whom a stranger's Cc list can make us write to (FIELD 3.5).
const maxCopies = 20

func replySubject(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) >= 3 && strings.EqualFold(s[:3], "re:") {
		return s
	}
	return strings.TrimSpace("Re: " + s)
}
