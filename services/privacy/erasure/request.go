package erasure

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// By says who does something and under which command.
type By = journal.By

// Opening begins a request for erasure that an officer took, for somebody whose
// identity the officer vouches for when Verified is set. The same id is the same
// request.
type Opening struct {
	ID       events.RequestID
	Customer events.SubjectID
	Contact  events.Address // to answer to; empty: nobody is told
	Law      events.Law
	Channel  string // page, mail, agent or shell
	Ticket   events.TicketID
	Verified bool
}

// Open writes a request. Where the general queue takes requests, it does; this
// is for the shell, for the API's short way, and for drills.
func (o *Office) Open(ctx context.Context, by journal.By, n Opening) (events.RequestID, error) {
	if n.Law == "" {
		n.Law = events.GDPR
	}
	if n.ID == "" {
		n.ID = events.RequestID(events.DeriveUUID("erasure request", by.Command.String()).String())
	}
	at := by.At
	if at.IsZero() {
		at = o.now()
	}
	due := events.Due(n.Law, at, time.UTC, nil)
	evs := []events.Event{events.RequestReceived{
		Request: n.ID, Kind: events.RequestErasure, Law: n.Law, Channel: n.Channel, Customer: n.Customer, Requester: n.ID.RequesterID(), Ticket: n.Ticket,
		Zone: "UTC", ReceivedAt: at.UTC(), Acknowledge: due.Acknowledge, Due: due.Answer, ExtendBy: due.Extended,
		Contact: events.Seal(n.Contact), Wish: events.Seal(events.Wish{}),
	}}
	if n.Verified {
		evs = append(evs, events.RequesterVerified{Request: n.ID, Method: "desk", Assurance: "officer"})
	}
	_, err := o.j.Execute(ctx, events.RequestStream(n.ID), by, func(history []events.Recorded) ([]events.Event, error) {
		if len(history) > 0 {
			return nil, nil
		}
		return evs, nil
	})
	if err != nil {
		return "", fmt.Errorf("open request: %w", err)
	}
	o.news.tell()
	return n.ID, nil
}

// change writes what an officer decided about a request, on its state as it is.
func (o *Office) change(ctx context.Context, by journal.By, id events.RequestID, decide func(*State) ([]events.Event, error)) error {
	_, err := o.j.Execute(ctx, events.RequestStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		s := fold(history)
		if !s.exists || s.Kind != events.RequestErasure {
			return nil, ErrNotFound
		}
		return decide(s)
	})
	o.news.tell()
	return err
}

// Identify says that the requester proved to be the person: by a link or a reply
// from the address on file, or by an officer's word.
func (o *Office) Identify(ctx context.Context, by journal.By, id events.RequestID, method string) error {
	return o.change(ctx, by, id, func(s *State) ([]events.Event, error) {
		switch {
		case !s.Verified.IsZero():
			return nil, nil
		case s.Refused || s.Withdrawn:
			return nil, &Refusal{"closed", "The request is closed."}
		}
		assurance := "officer"
		if method != "desk" {
			assurance = "address"
		}
		return []events.Event{events.RequesterVerified{Request: id, Method: method, Assurance: assurance}}, nil
	})
}

// Approve lets a scope be destroyed that the officer saw: named by its digest.
func (o *Office) Approve(ctx context.Context, by journal.By, id events.RequestID, digest events.Hash) error {
	return o.change(ctx, by, id, func(s *State) ([]events.Event, error) {
		switch {
		case s.Approved && s.Scope.Digest == digest:
			return nil, nil
		case s.Refused || s.Withdrawn:
			return nil, &Refusal{"closed", "The request is closed."}
		case s.Scope == nil:
			return nil, &Refusal{"no_preview", "There is no preview to approve yet."}
		case s.Scope.Digest != digest:
			return nil, &Refusal{"other_preview", "The preview changed since you saw it."}
		}
		return []events.Event{events.ErasureApproved{Request: id, Order: s.Scope.Order, Digest: digest}}, nil
	})
}

// Withdraw ends a request that the person does not want any more. From the fence
// on there is no way back.
func (o *Office) Withdraw(ctx context.Context, by journal.By, id events.RequestID) error {
	return o.change(ctx, by, id, func(s *State) ([]events.Event, error) {
		switch {
		case s.Withdrawn || s.Refused:
			return nil, nil
		case !s.Fenced.IsZero():
			return nil, &Refusal{"under_way", "The erasure is under way and cannot be taken back."}
		}
		return []events.Event{events.RequestWithdrawn{Request: id}}, nil
	})
}

// Refuse says no, with the ground. The requester is told by the general queue.
func (o *Office) Refuse(ctx context.Context, by journal.By, id events.RequestID, ground events.Ground, article string) error {
	return o.change(ctx, by, id, func(s *State) ([]events.Event, error) {
		switch {
		case s.Refused:
			return nil, nil
		case !s.Fenced.IsZero():
			return nil, &Refusal{"under_way", "The erasure is under way and cannot be refused."}
		case !slices.Contains(grounds, ground):
			return nil, &Refusal{"no_ground", "This is no ground of law."}
		}
		return []events.Event{events.RequestRefused{Request: id, Ground: ground, Article: article}}, nil
	})
}

var grounds = []events.Ground{
	events.GroundIdentity, events.GroundLegallyExempt, events.GroundClaimDefence, events.GroundClaimMade, events.GroundOverriding,
	events.GroundDisproportion, events.GroundExcessive, events.GroundInvestigation,
}
