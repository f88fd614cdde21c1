package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// Difference is a mail that the rules of today would put elsewhere than it is.
type Difference struct {
	Inquiry events.InquiryID
	From    events.TicketID
	To      events.TicketID
	New     bool // To does not exist yet
	// Was and Why are the codes of the rules that decided then and decide now.
	Was, Why string
	// Unverified is how it would be marked. Where From and To are the same, only
	// this differs.
	Unverified bool
	Related    events.TicketID
	Rules      int // version of the rules that decided then; 0: before versions

	half bool // begun by an earlier run and not finished
}

// Rethread decides again, over the whole log, whose ticket each mail is, and
// hands over what differs, in the order of the log. It writes nothing. Decisions
// that a person made, that a brake made, or that are about no ticket are left
// alone.
func (d *Desk) Rethread(ctx context.Context, each func(Difference) error) error {
	w := &world{
		waiting: map[events.InquiryID]events.InquiryReceived{}, tickets: map[events.TicketID]*ticket{}, bound: map[events.Hash]events.ThreadBound{},
		place: map[events.InquiryID]events.TicketID{}, numbers: map[int64]events.TicketID{}, found: map[events.InquiryID]*Difference{},
		moved: map[events.InquiryID]events.InquiryRerouted{}, untouched: map[events.InquiryID]bool{},
	}
	reading := journal.Reading{Types: []string{
		"hub.InquiryReceived", "hub.InquiryQuarantined", "hub.InquiryRouted", "hub.InquiryRerouted", "hub.ThreadBound", "hub.TicketNumberTaken",
		"hub.TicketOpened", "hub.MessageAttached", "hub.MessageDetached", "hub.TicketResolved", "hub.TicketReopened",
	}}
	err := d.j.Subscribe(ctx, reading, func(ctx context.Context, b journal.Batch) error {
		for _, rec := range b.Events {
			if err := w.apply(ctx, rec); err != nil {
				return err
			}
		}
		if b.Live {
			return errReplayed
		}
		return nil
	})
	if !errors.Is(err, errReplayed) {
		return fmt.Errorf("decide again: %w", err)
	}
	for _, diff := range w.differences() {
		if err := each(diff); err != nil {
			return err
		}
	}
	return nil
}

var errReplayed = errors.New("replayed to the end")

// world is what the rules see while the log is replayed: what the router saw
// then, with the decisions of today.
type world struct {
	waiting   map[events.InquiryID]events.InquiryReceived // not decided yet
	tickets   map[events.TicketID]*ticket
	bound     map[events.Hash]events.ThreadBound
	place     map[events.InquiryID]events.TicketID // whose ticket each mail is, by the rules of today
	numbers   map[int64]events.TicketID
	found     map[events.InquiryID]*Difference
	order     []events.InquiryID
	moved     map[events.InquiryID]events.InquiryRerouted // corrected before
	untouched map[events.InquiryID]bool                   // a person decided
}

func (w *world) apply(ctx context.Context, rec events.Recorded) error {
	switch e := rec.Event.(type) {
	case events.InquiryReceived:
		e.Raw, e.Files = events.Blob{}, nil
		e.Letter, e.Contact = events.Sealed[events.Letter]{}, events.Sealed[events.Address]{}
		w.waiting[e.Inquiry] = e
	case events.InquiryQuarantined:
		w.untouched[e.Inquiry] = true
	case events.InquiryRouted:
		return w.decide(ctx, e)
	case events.InquiryRerouted:
		w.rerouted(rec, e)
	case events.ThreadBound:
		w.bound[e.Key] = e
	case events.TicketNumberTaken:
		w.numbers[rec.Revision+1] = e.Ticket
	case events.TicketOpened:
		w.ticket(e.Ticket).evolve(rec)
	case events.MessageAttached:
		w.ticket(e.Ticket).evolve(rec)
	case events.MessageDetached:
		w.ticket(e.Ticket).evolve(rec)
	case events.TicketResolved:
		w.ticket(e.Ticket).evolve(rec)
	case events.TicketReopened:
		w.ticket(e.Ticket).evolve(rec)
	}
	return nil
}

func (w *world) ticket(id events.TicketID) *ticket {
	t := w.tickets[id]
	if t == nil {
		t = fold(nil)
		w.tickets[id] = t
	}
	return t
}

// rerouted remembers a correction. One by a person is never corrected again.
func (w *world) rerouted(rec events.Recorded, e events.InquiryRerouted) {
	w.moved[e.Inquiry] = e
	if rec.Meta.Actor != rethreadActor {
		w.untouched[e.Inquiry] = true
	}
	if d := w.found[e.Inquiry]; d != nil && (d.To == e.Ticket && d.Unverified == e.Unverified || w.untouched[e.Inquiry]) {
		delete(w.found, e.Inquiry)
	} else if d != nil {
		d.From, d.Was, d.Rules = e.Ticket, e.Why, e.Rules
	}
	if w.untouched[e.Inquiry] {
		w.place[e.Inquiry] = e.Ticket
	}
}

func (w *world) past() evidence {
	return evidence{
		ticket: func(_ context.Context, id events.TicketID) (*ticket, error) { return w.tickets[id], nil },
		thread: func(_ context.Context, key events.Hash) (events.TicketID, error) {
			b, ok := w.bound[key]
			if !ok {
				return "", nil
			}
			if id := w.place[b.Inquiry]; id != "" {
				return id, nil
			}
			return b.Ticket, nil
		},
		number: func(_ context.Context, n int64) (events.TicketID, error) { return w.numbers[n], nil },
	}
}

// byRule are the decisions that the rules make, and so may make again.
var byRule = []string{"new", "follow_up", whyReplyAddress, whyMessageID, whyReferences, whyQuotedMark, whySubjectTag}

// decide compares one decision with that of today.
func (w *world) decide(ctx context.Context, e events.InquiryRouted) error {
	in, ok := w.waiting[e.Inquiry]
	delete(w.waiting, e.Inquiry)
	w.place[e.Inquiry] = e.Ticket
	if !ok || in.Channel != events.Email || w.untouched[e.Inquiry] || !slices.Contains(byRule, e.Why) {
		return nil
	}
	m, err := choose(ctx, in, w.past())
	if err != nil || m.hold != "" {
		return err
	}
	d := Difference{Inquiry: e.Inquiry, From: e.Ticket, To: m.ticket, Was: e.Why, Why: m.why, Unverified: m.unverified, Related: m.related, Rules: e.Rules}
	if m.ticket == "" {
		d.To, d.New = ticketOf(e.Inquiry), true
	}
	if d.To == d.From && (d.Unverified == e.Unverified || e.New) {
		return nil
	}
	w.found[e.Inquiry] = &d
	w.order = append(w.order, e.Inquiry)
	w.place[e.Inquiry] = d.To
	if d.New && d.To != d.From { // what comes later may belong to it
		t := w.ticket(d.To)
		t.exists, t.id, t.customer = true, d.To, in.Customer
		for _, p := range append([]events.SubjectID{in.Customer}, in.Participants...) {
			t.participants[p] = true
		}
	}
	return nil
}

// differences lists what was found, and what an earlier run left half done.
func (w *world) differences() []Difference {
	var out []Difference
	for _, id := range w.order {
		if d := w.found[id]; d != nil {
			out = append(out, *d)
		}
	}
	for id, e := range w.moved {
		if to := w.tickets[e.Ticket]; w.found[id] == nil && (to == nil || !to.inquiries[id] || e.From != e.Ticket && w.ticket(e.From).inquiries[id]) {
			out = append(out, Difference{
				Inquiry: id, From: e.From, To: e.Ticket, New: e.New, Why: e.Why, Was: e.Why, Unverified: e.Unverified, Related: e.Related, Rules: e.Rules, half: true,
			})
		}
	}
	return out
}

// rethreadActor is who corrects decisions by the rules of today.
const rethreadActor = events.Actor("system:rethread")

// Correct carries one difference out, as correcting events: the decision first,
// then the message leaves one ticket and joins the other. A ticket that loses its
// last message is resolved. Doing it again, or after a crash, finishes it once;
// when somebody moved the message meanwhile, nothing happens.
func (d *Desk) Correct(ctx context.Context, diff Difference) error {
	history, err := d.j.Load(ctx, events.InquiryStream(diff.Inquiry), nil)
	if err != nil {
		return fmt.Errorf("correct: %w", err)
	}
	if len(history) == 0 {
		return ErrNotFound
	}
	in, ok := history[0].Event.(events.InquiryReceived)
	if !ok {
		return ErrNotFound
	}
	now, moved := decided(history)
	if !diff.half {
		if now.Ticket != diff.From {
			return nil
		}
		moved = events.InquiryRerouted{
			Inquiry: diff.Inquiry, From: diff.From, Ticket: diff.To, New: diff.New, Why: diff.Why, Unverified: diff.Unverified, Related: diff.Related, Rules: RulesVersion,
		}
		if diff.New {
			if moved.Number, err = (&numbers{j: d.j}).take(ctx, diff.To); err != nil {
				return err
			}
		}
		by := d.correcting(diff, "decision")
		if _, err := d.j.Append(ctx, events.InquiryStream(diff.Inquiry), history[len(history)-1].Revision, by, moved); err != nil {
			return fmt.Errorf("correct: %w", err)
		}
	}
	if moved.Inquiry == "" {
		return nil
	}
	return d.move(ctx, diff, in, moved)
}

// decided is the newest decision about an inquiry, and the correction it is,
// if it is one.
func decided(history []events.Recorded) (now events.InquiryRouted, moved events.InquiryRerouted) {
	for _, rec := range history {
		switch e := rec.Event.(type) {
		case events.InquiryRouted:
			now = e
		case events.InquiryRerouted:
			now.Ticket, now.Why, now.Unverified, now.Related, moved = e.Ticket, e.Why, e.Unverified, e.Related, e
		}
	}
	return now, moved
}

func (d *Desk) correcting(diff Difference, step string) journal.By {
	return journal.By{
		Command: events.DeriveUUID("correct", step, string(diff.Inquiry), string(diff.From), string(diff.To), fmt.Sprint(RulesVersion)),
		Actor:   rethreadActor, Correlation: events.DeriveUUID("inquiry", string(diff.Inquiry)),
	}
}

func (d *Desk) move(ctx context.Context, diff Difference, in events.InquiryReceived, m events.InquiryRerouted) error {
	_, err := d.j.Execute(ctx, events.TicketStream(m.From), d.correcting(diff, "detach"), func(history []events.Recorded) ([]events.Event, error) {
		t := fold(history)
		if !t.inquiries[m.Inquiry] {
			return nil, nil
		}
		evs := []events.Event{events.MessageDetached{Ticket: m.From, Inquiry: m.Inquiry, To: m.Ticket, Why: m.Why}}
		if len(t.inquiries) == 1 && !t.resolved && m.From != m.Ticket {
			evs = append(evs, events.TicketResolved{Ticket: m.From})
		}
		return evs, nil
	})
	if err != nil {
		return fmt.Errorf("correct: %w", err)
	}
	decision := events.InquiryRouted{Inquiry: m.Inquiry, Ticket: m.Ticket, New: m.New, Number: m.Number, Why: m.Why, Unverified: m.Unverified, Related: m.Related}
	_, err = d.j.Execute(ctx, events.TicketStream(m.Ticket), d.correcting(diff, "attach"), func(history []events.Recorded) ([]events.Event, error) {
		t := fold(history)
		switch {
		case t.inquiries[m.Inquiry]:
			return nil, nil
		case t.exists:
			return []events.Event{joined(in, decision, t)}, nil
		}
		return []events.Event{events.TicketOpened{
			Ticket: m.Ticket, Number: m.Number, Channel: in.Channel, Mailbox: in.Mailbox, Form: in.Form,
			Customer: in.Customer, Participants: in.Participants, Related: m.Related,
		}, attached(in, decision)}, nil
	})
	if err != nil {
		return fmt.Errorf("correct: %w", err)
	}
	return nil
}
