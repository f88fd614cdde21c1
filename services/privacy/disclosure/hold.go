package disclosure

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/vault"
)

// What may be proposed about a hold.
const (
	place   = "place"
	extend  = "extend"
	release = "release"
)

// NewHold is a hold as it is proposed. Query, when given, is searched now: what it
// finds is held by ticket, and a keyed hash of it is kept for the record.
type NewHold struct {
	Scope  events.Scope
	Query  string
	Ground events.Ground
	Matter events.Matter
	Review time.Time
}

// hold is where a hold stands.
type hold struct {
	first   events.LegalHoldProposed
	state   string // "", proposed, placed, released, declined
	pending events.LegalHoldProposed
	review  time.Time
	alarmed map[int64]bool
}

func foldHold(history []events.Recorded) hold {
	h := hold{alarmed: map[int64]bool{}}
	for _, rec := range history {
		switch e := rec.Event.(type) {
		case events.LegalHoldProposed:
			if e.Action == place {
				h.first, h.state, h.review = e, "proposed", e.Review
			}
			h.pending = e
		case events.LegalHoldPlaced:
			h.state, h.pending = "placed", events.LegalHoldProposed{}
		case events.LegalHoldExtended:
			h.review, h.pending = e.Review, events.LegalHoldProposed{}
		case events.LegalHoldReleased:
			h.state, h.pending = "released", events.LegalHoldProposed{}
		case events.LegalHoldDeclined:
			if h.pending = (events.LegalHoldProposed{}); e.Action == place {
				h.state = "declined"
			}
		case events.LegalHoldReviewDue:
			h.alarmed[e.Review.Unix()] = true
		}
	}
	return h
}

// ProposeHold begins a hold. Its segments are kept from here on, since what is
// destroyed while a second person thinks about it cannot be brought back.
func (o *Office) ProposeHold(ctx context.Context, by journal.By, agent events.AgentID, n NewHold) (events.HoldID, error) {
	if n.Query != "" {
		found, err := o.cfg.Search(ctx, n.Query)
		if err != nil {
			return "", fmt.Errorf("propose hold: %w", err)
		}
		n.Scope.Tickets, n.Scope.Query = append(n.Scope.Tickets, found...), o.cfg.Hash("hold query", n.Query)
	}
	switch {
	case len(n.Scope.Subjects)+len(n.Scope.Tickets) == 0 && n.Scope.From.IsZero() && n.Scope.Until.IsZero():
		return "", refuse("empty_scope", "The hold covers nothing: name people, requests or a time.")
	case n.Ground == "" || n.Matter.Title == "":
		return "", refuse("ground", "A hold needs a ground and says what it is about.")
	case n.Review.IsZero() || n.Review.Before(o.cfg.Now()):
		return "", refuse("review", "Say when somebody looks at it again.")
	}
	return o.placeHold(ctx, by, agent, "", n)
}

func (o *Office) placeHold(ctx context.Context, by journal.By, agent events.AgentID, customer events.SubjectID, n NewHold) (events.HoldID, error) {
	id := events.HoldID(fresh("hold", by))
	streams, err := o.streams(ctx, n.Scope.Tickets)
	if err != nil {
		return "", fmt.Errorf("propose hold: %w", err)
	}
	held, err := o.cfg.Hold(ctx, o.order(id, n.Scope, streams, n.Review))
	if err != nil {
		return "", fmt.Errorf("propose hold: %w", err)
	}
	e := events.LegalHoldProposed{
		Hold: id, Action: place, Scope: n.Scope, Streams: streams, Ground: n.Ground, Review: n.Review.UTC(), By: agent,
		Owner: events.SubjectID(id), Keys: held.Keys, Missing: len(held.Missing), Customer: customer, Matter: events.Seal(n.Matter),
	}
	_, err = o.j.Execute(ctx, events.HoldStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		if len(history) > 0 {
			return nil, nil
		}
		return []events.Event{e}, nil
	})
	if err != nil {
		return "", fmt.Errorf("propose hold: %w", err)
	}
	return id, nil
}

// order is a hold as the vault takes it.
func (o *Office) order(id events.HoldID, sc events.Scope, streams []events.Stream, review time.Time) vault.HoldOrder {
	u, _ := events.ParseUUID(string(id)) // ids of holds are made by fresh
	return vault.HoldOrder{
		ID: u, Authority: "hold " + string(id), Review: review, Subjects: sc.Subjects, Streams: streams, Since: sc.From, Until: sc.Until,
	}
}

// ProposeExtension asks for a later review of a hold in force.
func (o *Office) ProposeExtension(ctx context.Context, by journal.By, agent events.AgentID, id events.HoldID, review time.Time) error {
	if review.Before(o.cfg.Now()) {
		return refuse("review", "The review has to be in the future.")
	}
	return o.propose(ctx, by, id, events.LegalHoldProposed{Action: extend, Review: review.UTC(), By: agent})
}

// ProposeRelease asks for the end of a hold in force.
func (o *Office) ProposeRelease(ctx context.Context, by journal.By, agent events.AgentID, id events.HoldID) error {
	return o.propose(ctx, by, id, events.LegalHoldProposed{Action: release, By: agent})
}

func (o *Office) propose(ctx context.Context, by journal.By, id events.HoldID, e events.LegalHoldProposed) error {
	return o.onHold(ctx, by, id, func(h hold) ([]events.Event, error) {
		switch {
		case h.state != "placed":
			return nil, refuse("not_placed", "This hold is not in force.")
		case h.pending.Action != "":
			return nil, refuse("pending", "Something about this hold waits for a second person already.")
		}
		e.Hold, e.Owner, e.Ground = id, h.first.Owner, h.first.Ground
		if e.Review.IsZero() {
			e.Review = h.review
		}
		return []events.Event{e}, nil
	})
}

func (o *Office) onHold(ctx context.Context, by journal.By, id events.HoldID, decide func(hold) ([]events.Event, error)) error {
	if !valid(string(id)) {
		return ErrNotFound
	}
	_, err := o.j.Execute(ctx, events.HoldStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		h := foldHold(history)
		if h.state == "" {
			return nil, ErrNotFound
		}
		return decide(h)
	})
	if err != nil {
		return fmt.Errorf("change hold: %w", err)
	}
	return nil
}

// Agree is the second person's yes to what was proposed about a hold. Releasing
// destroys what waited for it alone.
func (o *Office) Agree(ctx context.Context, by journal.By, agent events.AgentID, id events.HoldID) error {
	h, err := o.hold(ctx, id)
	if err != nil {
		return err
	}
	if h.pending.Action == "" {
		return refuse("nothing_pending", "Nothing about this hold waits for a second person.")
	}
	if err := o.second(ctx, h.pending.By, agent); err != nil {
		return err
	}
	var done events.Event
	switch h.pending.Action {
	case place:
		done = events.LegalHoldPlaced{Hold: id, Approved: agent, Review: h.pending.Review}
	case extend:
		u, err := events.ParseUUID(string(id))
		if err != nil {
			return ErrNotFound
		}
		// Placing it again adds nothing but the new date.
		if _, err := o.cfg.Hold(ctx, vault.HoldOrder{ID: u, Authority: "hold " + string(id), Review: h.pending.Review}); err != nil {
			return fmt.Errorf("extend hold: %w", err)
		}
		done = events.LegalHoldExtended{Hold: id, Approved: agent, Review: h.pending.Review}
	default:
		freed, err := o.lift(ctx, id)
		if err != nil {
			return err
		}
		done = events.LegalHoldReleased{Hold: id, Approved: agent, Destroyed: freed}
	}
	action := h.pending.Action
	return o.onHold(ctx, by, id, func(h hold) ([]events.Event, error) {
		if h.pending.Action != action {
			return nil, nil // somebody else agreed at the same time
		}
		return []events.Event{done}, nil
	})
}

// Decline is the second person's no. A hold that was not in force yet ends.
func (o *Office) Decline(ctx context.Context, by journal.By, agent events.AgentID, id events.HoldID) error {
	h, err := o.hold(ctx, id)
	if err != nil {
		return err
	}
	if h.pending.Action == "" {
		return refuse("nothing_pending", "Nothing about this hold waits for a second person.")
	}
	if err := o.second(ctx, h.pending.By, agent); err != nil {
		return err
	}
	if h.pending.Action == place {
		if _, err := o.lift(ctx, id); err != nil {
			return err
		}
	}
	return o.onHold(ctx, by, id, func(h hold) ([]events.Event, error) {
		if h.pending.Action == "" {
			return nil, nil
		}
		return []events.Event{events.LegalHoldDeclined{Hold: id, Action: h.pending.Action, Declined: agent}}, nil
	})
}

func (o *Office) hold(ctx context.Context, id events.HoldID) (hold, error) {
	if !valid(string(id)) {
		return hold{}, ErrNotFound
	}
	history, err := o.j.Load(ctx, events.HoldStream(id), nil)
	if err != nil {
		return hold{}, fmt.Errorf("read hold: %w", err)
	}
	h := foldHold(history)
	if h.state == "" {
		return h, ErrNotFound
	}
	return h, nil
}

func (o *Office) lift(ctx context.Context, id events.HoldID) (int, error) {
	u, err := events.ParseUUID(string(id))
	if err != nil {
		return 0, ErrNotFound
	}
	freed, err := o.cfg.Release(ctx, u)
	if err != nil {
		return 0, fmt.Errorf("release hold: %w", err)
	}
	return len(freed.Killed), nil
}

// Keep holds everything of a person because they asked for it, for a claim of their
// own (GDPR art. 18(1)(b), (c)), or ends that. It is the person's decision, so no
// second one of ours is asked for.
func (o *Office) Keep(ctx context.Context, by journal.By, customer events.SubjectID, request events.RequestID, on bool) (events.HoldID, error) {
	asked := journal.By{Command: events.DeriveUUID("keep", string(request)), Actor: by.Actor, At: by.At, Causation: by.Command}
	id := events.HoldID(fresh("hold", asked))
	if !on {
		freed, err := o.lift(ctx, id)
		if err != nil {
			return id, err
		}
		return id, o.onHold(ctx, by, id, func(h hold) ([]events.Event, error) {
			if h.state == "released" {
				return nil, nil
			}
			return []events.Event{events.LegalHoldReleased{Hold: id, Destroyed: freed}}, nil
		})
	}
	review := o.cfg.Now().AddDate(1, 0, 0)
	_, err := o.placeHold(ctx, asked, "", customer, NewHold{
		Scope: events.Scope{Subjects: []events.SubjectID{customer}}, Ground: events.GroundClaimMade, Review: review,
		Matter: events.Matter{Title: "kept at the person's own request", Reference: string(request)},
	})
	if err != nil {
		return id, err
	}
	return id, o.onHold(ctx, step(asked, "placed"), id, func(h hold) ([]events.Event, error) {
		if h.state != "proposed" {
			return nil, nil
		}
		return []events.Event{events.LegalHoldPlaced{Hold: id, Review: review.UTC()}}, nil
	})
}

// Matter reads what a hold is about, for the privacy office.
func (o *Office) Matter(ctx context.Context, agent events.AgentID, stream events.Stream) (events.Matter, error) {
	if !slices.Contains([]string{"hold", "demand"}, stream.Family()) || !valid(stream.Key()) {
		return events.Matter{}, ErrNotFound
	}
	history, err := o.j.Load(ctx, stream, o.legal(agent, stream.Key()))
	if err != nil {
		return events.Matter{}, fmt.Errorf("read matter: %w", err)
	}
	for _, rec := range history {
		switch e := rec.Event.(type) {
		case events.LegalHoldProposed:
			return e.Matter.Value(), nil
		case events.LegalDemandReceived:
			return e.Matter.Value(), nil
		}
	}
	return events.Matter{}, ErrNotFound
}

// legal is somebody who acts for the law, for one matter.
func (o *Office) legal(agent events.AgentID, matter string) *events.Principal {
	p := events.Principal{Actor: events.AgentActor(agent), Role: events.RoleLegal, Purpose: events.PurposeLegal, Matter: matter}
	if agent == "" {
		p.Actor = system
	}
	return &p
}

// reviewEarly is how long before a review somebody is reminded.
const reviewEarly = 5 * 24 * time.Hour

// Reviews says of every hold whose review is near or past that it is, once for each
// date.
func (o *Office) Reviews(ctx context.Context) error {
	ids, err := o.cfg.Open(ctx, "hold")
	if err != nil {
		return err
	}
	for _, id := range ids {
		by := journal.By{Command: events.NewUUID(), Actor: system, At: o.cfg.Now()}
		err := o.onHold(ctx, by, events.HoldID(id), func(h hold) ([]events.Event, error) {
			if h.state != "placed" || o.cfg.Now().Before(h.review.Add(-reviewEarly)) || h.alarmed[h.review.Unix()] {
				return nil, nil
			}
			o.log.Warn("a legal hold is to be reviewed", "hold", id, "review", h.review)
			return []events.Event{events.LegalHoldReviewDue{Hold: events.HoldID(id), Review: h.review}}, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
