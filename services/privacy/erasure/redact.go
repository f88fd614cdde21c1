package erasure

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/vault"
)

// Redaction takes one message out of a ticket, or words out of it: a card number
// somebody pasted, a neighbour who is named (PRIVACY F11).
type Redaction struct {
	Ticket  events.TicketID
	Message string // an inquiry's or a message's id
	// Words are taken out wherever they stand in the subject and the text; none:
	// the whole message goes.
	Words  []string
	Reason string // third_party, payment, health or other
}

// mark stands where words were.
const mark = "[redacted]"

// Redact supersedes and shreds: what stays is sealed anew on the ticket, then the
// key of the old text, of its raw mail with every attachment, and of what was
// rendered of it, is destroyed. Doing it again under the same command changes
// nothing.
func (o *Office) Redact(ctx context.Context, by journal.By, r Redaction) error {
	if !slices.Contains([]string{"third_party", "payment", "health", "other"}, r.Reason) {
		return &Refusal{"no_reason", "Say why: third_party, payment, health or other."}
	}
	for _, w := range r.Words {
		if strings.TrimSpace(w) == "" {
			return &Refusal{"no_words", "There are no words to take out."}
		}
	}
	order := events.DeriveUUID("redaction", by.Command.String())
	m, err := o.message(ctx, r, order)
	if err != nil {
		return fmt.Errorf("redact message: %w", err)
	}
	e := events.MessageRedacted{
		Ticket: r.Ticket, Message: events.MessageID(r.Message), Order: order, Customer: m.customer, Spans: len(r.Words), Reason: r.Reason,
	}
	if m.readable && !m.said {
		if len(r.Words) > 0 {
			rest, found := takeOut(m.text, r.Words)
			if !found {
				return &Refusal{"not_there", "These words do not stand in the message."}
			}
			e.Rest = events.Seal(rest)
		}
		// Within a unit of work of its own: the person may be erased meanwhile.
		if _, err := o.j.Execute(o.cfg.Begin(ctx), events.TicketStream(r.Ticket), by, func([]events.Recorded) ([]events.Event, error) {
			return []events.Event{e}, nil
		}); err != nil {
			return fmt.Errorf("redact message: %w", err)
		}
	}
	if err := o.stop("redact:said"); err != nil {
		return err
	}
	if err := o.shred(ctx, order, vault.CauseRedaction, []events.SubjectID{m.customer}, m.targets); err != nil {
		return fmt.Errorf("redact message: %w", err)
	}
	return nil
}

// shred destroys keys and everything that shows what they sealed, short of
// looking for it.
func (o *Office) shred(ctx context.Context, order events.UUID, cause string, subjects []events.SubjectID, list []Target) error {
	began := o.now().Add(-24 * time.Hour)
	had, _, err := o.cfg.Ledger.Of(ctx, order, began)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(slices.Clone(list), func(t Target) bool { return slices.Contains(had, t) })
	if _, err := o.cfg.Ledger.Destroy(ctx, order, cause, time.Time{}, list); err != nil {
		return err
	}
	gone, _, err := o.cfg.Ledger.Of(ctx, order, began)
	if err != nil {
		return err
	}
	if err := o.cfg.Vault.Drained(ctx); err != nil {
		return err
	}
	for _, st := range o.cfg.Stores {
		if _, err := st.Purge(ctx, Order{ID: order, Subjects: subjects}); err != nil {
			return fmt.Errorf("purge %s: %w", st.ID, err)
		}
	}
	if _, err := forget(ctx, o.j, o.cfg.Forget, gone); err != nil {
		return err
	}
	if err := tombstones(ctx, o.j, order, cause, o.now(), gone); err != nil {
		return err
	}
	_, err = o.cfg.Vault.SealEpoch(ctx)
	return err
}

// message is what a redaction needs to know of one.
type message struct {
	customer events.SubjectID
	text     events.Redacted
	readable bool // false when it was redacted or erased before
	said     bool // this very redaction was begun before
	targets  []Target
}

// message finds one by its id on the ticket.
func (o *Office) message(ctx context.Context, r Redaction, order events.UUID) (message, error) {
	var m message
	history, err := o.j.Load(ctx, events.TicketStream(r.Ticket), &officer)
	if err != nil {
		return m, err
	}
	found := false
	for _, rec := range history {
		switch e := rec.Event.(type) {
		case events.MessageAttached:
			if string(e.Inquiry) == r.Message {
				found = true
				if err := o.inquiry(ctx, e.Inquiry, &m); err != nil {
					return m, err
				}
			}
		case events.ReplyWritten:
			if string(e.Message) == r.Message {
				found = true
				m.take(rec, e.Customer, "", e.Answer, "Answer")
				if err := o.rendered(ctx, e.Message, &m); err != nil {
					return m, err
				}
			}
		case events.NoteAdded:
			if string(e.Message) == r.Message {
				found = true
				m.take(rec, e.Customer, "", e.Note, "Note")
			}
		case events.MessageRedacted:
			if e.Order == order {
				m.said = true
				return m, nil
			}
			// What stayed the last time is what is redacted now.
			if string(e.Message) == r.Message {
				m.text, m.readable = e.Rest.Value(), e.Rest.State() == events.Plain
				m.add(rec, "Rest")
			}
		}
	}
	if !found {
		return m, ErrNotFound
	}
	return m, nil
}

func (m *message) take(rec events.Recorded, customer events.SubjectID, subject string, answer events.Sealed[events.Answer], field string) {
	m.customer, m.readable = customer, answer.State() == events.Plain
	m.text = events.Redacted{Subject: subject, Text: answer.Value().Text}
	m.add(rec, field)
}

// add takes the key of one segment of an event.
func (m *message) add(rec events.Recorded, field string) {
	for _, ref := range rec.Meta.Segments {
		if ref.Field == field {
			m.targets = append(m.targets, Target{ref.KID, rec.Stream})
		}
	}
}

func (o *Office) inquiry(ctx context.Context, id events.InquiryID, m *message) error {
	history, err := o.j.Load(ctx, events.InquiryStream(id), &officer)
	if err != nil {
		return err
	}
	for _, rec := range history {
		if e, ok := rec.Event.(events.InquiryReceived); ok {
			l := e.Letter.Value()
			m.customer, m.text, m.readable = e.Customer, events.Redacted{Subject: l.Subject, Text: l.Text}, e.Letter.State() == events.Plain
			m.add(rec, "Letter")
		}
	}
	return nil
}

// rendered adds what was made of a reply to be sent.
func (o *Office) rendered(ctx context.Context, id events.MessageID, m *message) error {
	if o.cfg.Outbound == nil {
		return nil
	}
	list, err := o.cfg.Outbound(ctx, id)
	if err != nil {
		return err
	}
	for _, out := range list {
		history, err := o.j.Load(ctx, events.OutboundStream(out), nil)
		if err != nil {
			return err
		}
		if waits, going := way(history); waits || going {
			return &Refusal{"going_out", "This answer is still on its way. Cancel it in the outbox first."}
		}
		for _, rec := range history {
			if _, ok := rec.Event.(events.MessageQueued); ok {
				m.add(rec, "Parcel")
			}
		}
	}
	return nil
}

// takeOut replaces words, as they are written.
func takeOut(t events.Redacted, words []string) (events.Redacted, bool) {
	found := false
	for _, w := range words {
		w = strings.TrimSpace(w)
		found = found || strings.Contains(t.Text, w) || strings.Contains(t.Subject, w)
		t.Subject, t.Text = strings.ReplaceAll(t.Subject, w, mark), strings.ReplaceAll(t.Text, w, mark)
	}
	return t, found
}
