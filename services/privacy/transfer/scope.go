package transfer

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/store"
)

// families are the streams of a business; all others are the house's own.
var families = []string{"ticket", "inquiry", "thread", "customer", "outbound", "letter", "number", "hold", "recipient"}

// scope decides which streams and events travel.
type scope struct {
	all     bool
	streams map[events.Stream]bool
	people  map[events.SubjectID]bool
	tickets map[events.TicketID]bool
}

// has reports whether an event travels. Streams that many people share (the count of
// tickets, the log of a recipient) travel by event.
func (s *scope) has(r *store.Recorded) (bool, error) {
	stream := events.Stream(r.Stream)
	family := stream.Family()
	if !slices.Contains(families, family) || !events.Known(r.Type) {
		return false, nil
	}
	if s.all || s.streams[stream] {
		return true, nil
	}
	if family != "number" && family != "recipient" {
		return false, nil
	}
	e, err := typed(r)
	if err != nil {
		return false, err
	}
	switch e := e.(type) {
	case events.TicketNumberTaken:
		return s.tickets[e.Ticket], nil
	case events.DataDisclosed:
		return s.people[e.Customer], nil
	}
	return false, nil
}

func typed(r *store.Recorded) (events.Event, error) {
	env, err := events.ParseEnvelope(r.ID, r.Type, events.Stream(r.Stream), r.Data, r.Meta)
	if err != nil {
		return nil, err
	}
	return events.Join(env, nil)
}

// part looks through the log for what belongs to some mailboxes: their tickets and
// inquiries, the people in them, what was written to them, and holds on any of it.
type part struct {
	mailboxes []events.MailboxID
	tickets   map[events.TicketID]bool
	ticketOf  map[events.InquiryID]events.TicketID
	lost      map[events.InquiryID]events.SubjectID // of these mailboxes, in no ticket
	about     map[events.TicketID][]events.SubjectID
	messages  map[events.OutboundID]events.MessageQueued
	letters   map[events.MessageID]events.LetterWritten
	threads   map[events.Stream]events.TicketID
	holds     map[events.HoldID]events.LegalHoldProposed
}

func (o *Office) scope(ctx context.Context, mailboxes []events.MailboxID, through events.Position) (*scope, error) {
	if len(mailboxes) == 0 {
		return &scope{all: true}, nil
	}
	p := part{
		mailboxes: mailboxes, tickets: map[events.TicketID]bool{}, ticketOf: map[events.InquiryID]events.TicketID{}, lost: map[events.InquiryID]events.SubjectID{},
		about: map[events.TicketID][]events.SubjectID{}, messages: map[events.OutboundID]events.MessageQueued{}, letters: map[events.MessageID]events.LetterWritten{},
		threads: map[events.Stream]events.TicketID{}, holds: map[events.HoldID]events.LegalHoldProposed{},
	}
	err := o.read(ctx, through, func(r *store.Recorded) error {
		stream := events.Stream(r.Stream)
		if !slices.Contains(families, stream.Family()) || !events.Known(r.Type) {
			return nil
		}
		e, err := typed(r)
		if err == nil {
			p.note(stream, e)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find what belongs to the mailboxes: %w", err)
	}
	return p.scope(), nil
}

func (p *part) note(stream events.Stream, e events.Event) {
	switch e := e.(type) {
	case events.TicketOpened:
		p.tickets[e.Ticket] = slices.Contains(p.mailboxes, e.Mailbox)
		p.about[e.Ticket] = append(append(p.about[e.Ticket], e.Customer), e.Participants...)
	case events.TicketArchived:
		p.tickets[e.Ticket] = slices.Contains(p.mailboxes, e.Mailbox)
		p.about[e.Ticket] = append(p.about[e.Ticket], e.Customer)
	case events.MessageAttached:
		p.ticketOf[e.Inquiry] = e.Ticket
		p.about[e.Ticket] = append(append(p.about[e.Ticket], e.Customer), e.Participants...)
	case events.InquiryReceived:
		if slices.Contains(p.mailboxes, e.Mailbox) {
			p.lost[e.Inquiry] = e.Customer
		}
	case events.MessageQueued:
		p.messages[e.Outbound] = e
	case events.LetterWritten:
		p.letters[e.Message] = e
	case events.ThreadBound:
		p.threads[stream] = e.Ticket
	case events.LegalHoldProposed:
		if e.Action == "place" {
			p.holds[e.Hold] = e
		}
	}
}

func (p *part) scope() *scope {
	s := &scope{streams: map[events.Stream]bool{}, people: map[events.SubjectID]bool{}, tickets: map[events.TicketID]bool{}}
	for t, in := range p.tickets {
		if !in {
			continue
		}
		s.tickets[t], s.streams[events.TicketStream(t)] = true, true
		for _, who := range p.about[t] {
			s.people[who] = true
		}
	}
	for i, t := range p.ticketOf {
		delete(p.lost, i)
		if s.tickets[t] {
			s.streams[events.InquiryStream(i)] = true
		}
	}
	for i, who := range p.lost {
		s.streams[events.InquiryStream(i)], s.people[who] = true, true
	}
	for stream, t := range p.threads {
		s.streams[stream] = s.tickets[t]
	}
	for id, m := range p.messages {
		s.streams[events.OutboundStream(id)] = s.tickets[m.Ticket] || m.Ticket == "" && slices.Contains(p.mailboxes, m.Mailbox)
	}
	for id, l := range p.letters {
		s.streams[events.LetterStream(id)] = slices.Contains(p.mailboxes, l.Mailbox)
	}
	for who := range s.people {
		s.streams[events.CustomerStream(who)] = true
	}
	for id, h := range p.holds {
		s.streams[events.HoldStream(id)] = slices.ContainsFunc(h.Streams, func(x events.Stream) bool { return s.streams[x] }) ||
			slices.ContainsFunc(h.Scope.Subjects, func(x events.SubjectID) bool { return s.people[x] })
	}
	return s
}

// read goes over the log up to a place.
func (o *Office) read(ctx context.Context, through events.Position, handle func(*store.Recorded) error) error {
	return o.cfg.Store.ReadAll(ctx, events.Start, math.MaxInt32, func(r store.Recorded) error {
		if through.Before(r.Position) {
			return nil
		}
		return handle(&r)
	})
}
