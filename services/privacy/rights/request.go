package rights

import (
	"context"
	"fmt"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// Request is where a request stands, folded from its stream.
type Request struct {
	events.RequestReceived
	Verified  bool
	Doubted   time.Time // since when the clock stands still; zero: it runs
	Extended  bool
	Answered  string
	Refused   bool
	Closed    bool
	Reminded  map[string]bool
	Pack      events.PackSealed
	PackKey   events.KID
	PackAt    events.Revision
	Fetched   bool
	AckSent   bool
	Revision  events.Revision
	Beginning events.UUID
}

func foldRequest(history []events.Recorded) Request {
	q := Request{Reminded: map[string]bool{}, Revision: events.NoStream}
	for _, rec := range history {
		q.Revision = rec.Revision
		switch e := rec.Event.(type) {
		case events.RequestReceived:
			q.RequestReceived, q.Beginning = e, rec.ID
		case events.RequestAcknowledged:
			q.AckSent = true
		case events.RequesterVerified:
			q.Verified, q.Doubted = true, time.Time{}
		case events.RequesterDoubted:
			q.Doubted = rec.Meta.At
		case events.RequestClockResumed:
			q.Doubted, q.Due, q.ExtendBy = time.Time{}, e.Due, e.ExtendBy
		case events.RequestExtended:
			q.Extended, q.Due = true, e.Due
		case events.RequestReminded:
			q.Reminded[reminder(e.What, e.Due, e.Overdue)] = true
		case events.RequestAnswered:
			q.Answered = e.Outcome
		case events.RequestRefused:
			q.Refused = true
		case events.PackSealed:
			q.Pack, q.PackAt, q.Fetched = e, rec.Revision, false
			q.PackKey = e.Pack.KID
		case events.PackFetched:
			q.Fetched = true
		case events.RequestClosed:
			q.Closed = true
		}
	}
	return q
}

func reminder(what string, due time.Time, overdue bool) string {
	return fmt.Sprint(what, due.Unix(), overdue)
}

// Get reads where a request stands. It fails with ErrNotFound.
func (r *Rights) Get(ctx context.Context, id events.RequestID) (Request, error) {
	return r.load(ctx, id, nil)
}

func (r *Rights) load(ctx context.Context, id events.RequestID, as *events.Principal) (Request, error) {
	if _, ok := idOf(string(id)); !ok {
		return Request{}, ErrNotFound
	}
	history, err := r.cfg.Journal.Load(ctx, events.RequestStream(id), as)
	if err != nil {
		return Request{}, fmt.Errorf("read request: %w", err)
	}
	q := foldRequest(history)
	if q.Request == "" {
		return q, ErrNotFound
	}
	return q, nil
}

// Intake is a request as it comes in.
type Intake struct {
	Kind     events.RequestKind
	Customer events.SubjectID
	Channel  string // page, mail, agent or shell
	Ground   string
	Locale   string
	Ticket   events.TicketID
	Contact  events.Address // where the answer goes; empty: the address on file
	Wish     events.Wish
	Received time.Time // zero: now
	// Verified is how the requester is known already: link or desk; empty: not yet.
	Verified string
}

// Receive takes a request, confirms its receipt to the requester and returns its
// id. The same command again is the same request.
func (r *Rights) Receive(ctx context.Context, by journal.By, n Intake) (events.RequestID, error) {
	if _, known := kindNames[n.Kind]; !known {
		return "", &Refusal{code: "invalid", Reason: "kind", Sentence: "There is no such kind of request."}
	}
	if n.Contact.Address == "" {
		var err error
		if n.Contact, err = r.cfg.Contact(ctx, n.Customer); err != nil {
			return "", fmt.Errorf("receive request: %w", err)
		}
	}
	now := r.cfg.Now()
	if n.Received.IsZero() {
		n.Received = now
	}
	id := events.RequestID(events.DeriveUUID("request", by.Command.String()).String())
	due := events.Due(r.cfg.Law, n.Received, r.cfg.Zone, r.cfg.Holiday)
	e := events.RequestReceived{
		Request: id, Kind: n.Kind, Law: r.cfg.Law, Ground: n.Ground, Channel: n.Channel, Locale: n.Locale, Ticket: n.Ticket,
		Customer: n.Customer, Requester: id.RequesterID(), Zone: r.cfg.Zone.String(), ReceivedAt: n.Received.UTC(),
		Acknowledge: due.Acknowledge.UTC(), Due: due.Answer.UTC(), ExtendBy: due.Extended.UTC(),
		Contact: events.Seal(n.Contact), Wish: events.Seal(n.Wish),
	}
	receipt := letterID("receipt", string(id))
	_, err := r.cfg.Journal.Execute(ctx, events.RequestStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		if len(history) > 0 {
			return nil, nil
		}
		evs := []events.Event{e, events.RequestAcknowledged{Request: id, Outbound: receipt.Outbound()}}
		if n.Verified != "" {
			evs = append(evs, verified(id, n.Verified))
		}
		return evs, nil
	})
	if err != nil {
		return "", fmt.Errorf("receive request: %w", err)
	}
	return id, r.write(ctx, by, receipt, id.RequesterID(), n.Contact, string(id), receiptLetter(r.cfg.Brand, e, r.cfg.Zone))
}

func verified(id events.RequestID, method string) events.RequesterVerified {
	v := events.RequesterVerified{Request: id, Method: method, Assurance: "address"}
	if method == "desk" {
		v.Assurance = "officer"
	}
	return v
}

// change decides on the state of a request.
func (r *Rights) change(ctx context.Context, by journal.By, id events.RequestID, decide func(Request) ([]events.Event, error)) error {
	if _, ok := idOf(string(id)); !ok {
		return ErrNotFound
	}
	_, err := r.cfg.Journal.Execute(ctx, events.RequestStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		q := foldRequest(history)
		switch {
		case q.Request == "":
			return nil, ErrNotFound
		case q.Closed:
			return nil, refuse("closed", "This request is closed.")
		}
		return decide(q)
	})
	if err != nil {
		return fmt.Errorf("change request: %w", err)
	}
	return nil
}

// tell writes to whoever made a request, as long as their address may be read.
func (r *Rights) tell(ctx context.Context, by journal.By, id events.RequestID, what string, t func(Request) text) error {
	q, err := r.load(ctx, id, &officer)
	if err != nil {
		return err
	}
	to, state := q.Contact.Open()
	if state != events.Plain {
		return fmt.Errorf("write to the requester: the address is %s", state)
	}
	return r.write(ctx, by, letterID(what, string(id), by.Command.String()), id.RequesterID(), to, string(id), t(q))
}

// Verify notes how the requester was recognised; a doubt ends with it, and the
// deadlines move on by the days it lasted.
func (r *Rights) Verify(ctx context.Context, by journal.By, id events.RequestID, method string) error {
	return r.change(ctx, by, id, func(q Request) ([]events.Event, error) {
		if q.Verified && q.Doubted.IsZero() {
			return nil, nil
		}
		evs := []events.Event{}
		if !q.Doubted.IsZero() {
			d := events.Deadlines{Answer: q.Due, Extended: q.ExtendBy}.Stopped(q.Doubted, r.cfg.Now(), r.cfg.Zone, r.cfg.Holiday)
			evs = append(evs, events.RequestClockResumed{Request: id, Due: d.Answer.UTC(), ExtendBy: d.Extended.UTC()})
		}
		return append(evs, verified(id, method)), nil
	})
}

// Doubt stops the clock because there is reasonable doubt who asks (art. 12(6)).
func (r *Rights) Doubt(ctx context.Context, by journal.By, id events.RequestID, reason string) error {
	return r.change(ctx, by, id, func(q Request) ([]events.Event, error) {
		if !q.Doubted.IsZero() {
			return nil, nil
		}
		return []events.Event{events.RequesterDoubted{Request: id, Reason: reason}}, nil
	})
}

// Extend uses the longer time, once and within the first, and tells the requester
// why (art. 12(3)).
func (r *Rights) Extend(ctx context.Context, by journal.By, id events.RequestID, g events.Ground) error {
	if g != events.GroundComplexity && g != events.GroundNumber {
		return refuse("ground", "A request may take longer because it is complex, or because there are many.")
	}
	note := letterID("extend", string(id), by.Command.String())
	err := r.change(ctx, by, id, func(q Request) ([]events.Event, error) {
		switch {
		case q.Extended:
			return nil, refuse("extended", "This request was extended already.")
		case r.cfg.Now().After(q.Due):
			return nil, refuse("too_late", "The first deadline is past.")
		}
		return []events.Event{
			events.RequestExtended{Request: id, Ground: g, Due: q.ExtendBy},
			events.RequesterInformed{Request: id, Outcome: "extended", Outbound: note.Outbound()},
		}, nil
	})
	if err != nil {
		return err
	}
	return r.tell(ctx, by, id, "extend", func(q Request) text {
		return extensionLetter(r.cfg.Brand, id, g, q.Due.In(r.cfg.Zone))
	})
}

// Refuse says no, with a ground, the article that allows it and the way to
// complain (art. 12(4)), and closes the request.
func (r *Rights) Refuse(ctx context.Context, by journal.By, id events.RequestID, g events.Ground, article string) error {
	if g == "" || article == "" {
		return refuse("ground", "A refusal needs a ground and an article.")
	}
	if _, err := r.load(ctx, id, nil); err != nil {
		return err
	}
	// The letter first: a request is never closed without its answer on the way.
	if err := r.tell(ctx, by, id, "refuse", func(Request) text { return refusalLetter(r.cfg.Brand, id, g, article) }); err != nil {
		return err
	}
	note := letterID("refuse", string(id), by.Command.String())
	return r.change(ctx, by, id, func(Request) ([]events.Event, error) {
		return []events.Event{
			events.RequestRefused{Request: id, Ground: g, Article: article},
			events.RequesterInformed{Request: id, Outcome: "refused", Outbound: note.Outbound()},
			events.RequestClosed{Request: id, Outcome: "refused"},
		}, nil
	})
}

// WithdrawRequest notes that the requester does not want it any more.
func (r *Rights) WithdrawRequest(ctx context.Context, by journal.By, id events.RequestID) error {
	return r.change(ctx, by, id, func(Request) ([]events.Event, error) {
		return []events.Event{events.RequestWithdrawn{Request: id}, events.RequestClosed{Request: id, Outcome: "withdrawn"}}, nil
	})
}

// answer tells what was done and closes the request.
func (r *Rights) answer(ctx context.Context, by journal.By, id events.RequestID, outcome, sentence string) error {
	if err := r.tell(ctx, by, id, outcome, func(Request) text { return doneLetter(r.cfg.Brand, id, sentence) }); err != nil {
		return err
	}
	note := letterID(outcome, string(id), by.Command.String())
	return r.change(ctx, by, id, func(Request) ([]events.Event, error) {
		return []events.Event{
			events.RequestAnswered{Request: id, Outcome: outcome},
			events.RequesterInformed{Request: id, Outcome: "done", Outbound: note.Outbound()},
			events.RequestClosed{Request: id, Outcome: "done"},
		}, nil
	})
}
