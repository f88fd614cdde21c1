package disclosure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/services/privacy/bundle"
)

// NewDemand is a demand of a court ("court"), an authority ("authority") or about a
// claim ("claim"), as it comes in. Until Gag ends nobody may be told.
type NewDemand struct {
	Kind      string
	Recipient events.RecipientID
	Scope     events.Scope
	Due       time.Time
	Gag       time.Time
	Matter    events.Matter
}

// demand is where a demand stands.
type demand struct {
	received  events.LegalDemandReceived
	reviewed  bool
	valid     bool
	approvals []events.LegalDisclosureApproved
	sealed    events.LegalDisclosureSealed
	delivered bool
	at        time.Time // of the delivery
	waiting   map[events.SubjectID]time.Time
	told      map[events.SubjectID]bool
}

func foldDemand(history []events.Recorded) demand {
	d := demand{waiting: map[events.SubjectID]time.Time{}, told: map[events.SubjectID]bool{}}
	for _, rec := range history {
		switch e := rec.Event.(type) {
		case events.LegalDemandReceived:
			d.received = e
		case events.LegalDemandReviewed:
			d.reviewed, d.valid = true, e.Valid
		case events.LegalDisclosureApproved:
			d.approvals = append(d.approvals, e)
		case events.LegalDisclosureSealed:
			d.sealed = e
		case events.LegalDisclosureDelivered:
			d.delivered, d.at = true, rec.Meta.At
		case events.SubjectNoticeDeferred:
			d.waiting[e.Customer] = e.Until
		case events.SubjectNoticeSent:
			d.told[e.Customer] = true
		}
	}
	return d
}

// approved reports whether two different persons approved the same segments.
func (d demand) approved() bool {
	n := len(d.approvals)
	return n > 1 && d.approvals[n-1].Digest == d.approvals[n-2].Digest && d.approvals[n-1].By != d.approvals[n-2].By
}

// ReceiveDemand takes a demand, and holds what it is about at once: nothing of it may
// go while it is looked at.
func (o *Office) ReceiveDemand(ctx context.Context, by journal.By, agent events.AgentID, n NewDemand) (events.DemandID, error) {
	switch {
	case !slices.Contains([]string{"court", "authority", "claim"}, n.Kind):
		return "", refuse("kind", "A demand comes from a court or an authority, or is about a claim.")
	case !goodRecipient.MatchString(string(n.Recipient)):
		return "", refuse("recipient", "Name who demands it in lower-case letters, digits and dashes, such as court-hamburg.")
	case len(n.Scope.Subjects)+len(n.Scope.Tickets) == 0:
		return "", refuse("empty_scope", "Say which people or requests it is about.")
	case n.Matter.Title == "":
		return "", refuse("matter", "Say what it is about.")
	}
	id := events.DemandID(fresh("demand", by))
	hold, err := o.ProposeHold(ctx, step(by, "hold"), agent, NewHold{
		Scope: n.Scope, Ground: events.GroundLegallyExempt, Matter: n.Matter, Review: o.cfg.Now().AddDate(0, 6, 0),
	})
	if err != nil {
		return "", err
	}
	e := events.LegalDemandReceived{
		Demand: id, Kind: n.Kind, Recipient: n.Recipient, Scope: n.Scope, Due: n.Due, Gag: n.Gag, Hold: hold, By: agent,
		Owner: events.SubjectID(id), Matter: events.Seal(n.Matter),
	}
	_, err = o.j.Execute(ctx, events.DemandStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		if len(history) > 0 {
			return nil, nil
		}
		return []events.Event{e}, nil
	})
	if err != nil {
		return "", fmt.Errorf("receive demand: %w", err)
	}
	return id, nil
}

func (o *Office) demand(ctx context.Context, id events.DemandID) (demand, error) {
	if !valid(string(id)) {
		return demand{}, ErrNotFound
	}
	history, err := o.j.Load(ctx, events.DemandStream(id), nil)
	if err != nil {
		return demand{}, fmt.Errorf("read demand: %w", err)
	}
	d := foldDemand(history)
	if d.received.Demand == "" {
		return d, ErrNotFound
	}
	return d, nil
}

func (o *Office) onDemand(ctx context.Context, by journal.By, id events.DemandID, decide func(demand) ([]events.Event, error)) error {
	_, err := o.j.Execute(ctx, events.DemandStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		d := foldDemand(history)
		if d.received.Demand == "" {
			return nil, ErrNotFound
		}
		return decide(d)
	})
	if err != nil {
		return fmt.Errorf("change demand: %w", err)
	}
	return nil
}

// ReviewDemand says whether a demand is valid, with the reason's code.
func (o *Office) ReviewDemand(ctx context.Context, by journal.By, agent events.AgentID, id events.DemandID, isValid bool, reason string) error {
	if reason == "" {
		return refuse("reason", "Say why.")
	}
	if _, err := o.demand(ctx, id); err != nil {
		return err
	}
	return o.onDemand(ctx, by, id, func(d demand) ([]events.Event, error) {
		if d.reviewed {
			return nil, refuse("reviewed", "This demand was looked at already.")
		}
		return []events.Event{events.LegalDemandReviewed{Demand: id, Valid: isValid, Reason: reason, By: agent}}, nil
	})
}

// within reports whether one scope asks for nothing beyond another.
func within(sc, limit events.Scope) bool {
	for _, s := range sc.Subjects {
		if !slices.Contains(limit.Subjects, s) {
			return false
		}
	}
	for _, t := range sc.Tickets {
		if !slices.Contains(limit.Tickets, t) {
			return false
		}
	}
	return (limit.From.IsZero() || !sc.From.Before(limit.From)) &&
		(limit.Until.IsZero() || !sc.Until.IsZero() && !sc.Until.After(limit.Until))
}

// ApproveDisclosure says what is to be handed out: no more than was demanded. It
// takes two persons who approve the same segments.
func (o *Office) ApproveDisclosure(ctx context.Context, by journal.By, agent events.AgentID, id events.DemandID, sc events.Scope) error {
	d, err := o.demand(ctx, id)
	if err != nil {
		return err
	}
	switch {
	case !d.valid:
		return refuse("not_valid", "A demand is looked at, and found valid, first.")
	case len(sc.Subjects)+len(sc.Tickets) == 0 || !within(sc, d.received.Scope):
		return refuse("over_collection", "This is more than was demanded.")
	}
	keys, err := o.keys(ctx, sc)
	if err != nil {
		return fmt.Errorf("approve disclosure: %w", err)
	}
	return o.onDemand(ctx, by, id, func(d demand) ([]events.Event, error) {
		n := len(d.approvals)
		if d.sealed.Demand != "" {
			return nil, refuse("sealed", "The package is made already.")
		}
		if n > 0 && d.approvals[n-1].Digest == digestOf(keys) {
			if err := o.second(ctx, d.approvals[n-1].By, agent); err != nil {
				return nil, err
			}
		}
		return []events.Event{events.LegalDisclosureApproved{Demand: id, By: agent, Scope: sc, Segments: len(keys), Digest: digestOf(keys)}}, nil
	})
}

// digestOf names a set of keys, which is sorted.
func digestOf(keys []vault.Info) string {
	var b []byte
	for _, k := range keys {
		b = append(append(b, k.KID...), '\n')
	}
	return bundle.Digest(b)
}

// DeliverPackage hands the package out to who demanded it, notes it in the disclosure
// log, and tells everybody it is about: at once, or when the gag ends.
func (o *Office) DeliverPackage(ctx context.Context, by journal.By, agent events.AgentID, id events.DemandID) ([]byte, error) {
	d, err := o.demand(ctx, id)
	if err != nil {
		return nil, err
	}
	if d.sealed.Demand == "" {
		return nil, refuse("not_sealed", "The package is not made yet.")
	}
	raw, state, err := o.cfg.OpenBlob(ctx, *o.legal(agent, string(id)), d.sealed.Package)
	if err != nil {
		return nil, fmt.Errorf("deliver package: %w", err)
	}
	if state != events.Plain {
		return nil, refuse("gone", "The package cannot be read any more.")
	}
	scope := d.approvals[len(d.approvals)-1].Scope
	people, kids, categories, err := o.about(ctx, scope)
	if err != nil {
		return nil, fmt.Errorf("deliver package: %w", err)
	}
	var told, logged []events.Event
	for _, p := range people {
		logged = append(logged, events.DataDisclosed{
			Recipient: d.received.Recipient, Customer: p, Purpose: events.PurposeLegal, Categories: categories[p], KIDs: kids[p],
			Digest: d.sealed.Digest, About: string(id), Silent: d.received.Gag,
		})
		until := d.received.Gag
		if until.Before(o.cfg.Now()) {
			until = o.cfg.Now().UTC()
		}
		told = append(told, events.SubjectNoticeDeferred{Demand: id, Customer: p, Until: until})
	}
	own := journal.By{Command: events.DeriveUUID("disclosed", string(id)), Actor: by.Actor, At: by.At, Causation: by.Command}
	_, err = o.j.Execute(ctx, events.RecipientStream(d.received.Recipient), own, func([]events.Recorded) ([]events.Event, error) { return logged, nil })
	if err != nil {
		return nil, fmt.Errorf("note disclosure: %w", err)
	}
	err = o.onDemand(ctx, by, id, func(now demand) ([]events.Event, error) {
		evs := []events.Event{events.LegalDisclosureDelivered{Demand: id, Recipient: d.received.Recipient, By: agent, Digest: d.sealed.Digest}}
		if now.delivered {
			return evs, nil // handed out once more; the notices are on their way already
		}
		return append(evs, told...), nil
	})
	if err != nil {
		return nil, err
	}
	return raw, o.notices(ctx, id)
}

// about lists whose segments a scope covers, with their keys and categories.
func (o *Office) about(ctx context.Context, sc events.Scope) ([]events.SubjectID, map[events.SubjectID][]events.KID, map[events.SubjectID][]events.Category, error) {
	keys, err := o.keys(ctx, sc)
	if err != nil {
		return nil, nil, nil, err
	}
	var people []events.SubjectID
	kids, categories := map[events.SubjectID][]events.KID{}, map[events.SubjectID][]events.Category{}
	for _, k := range keys {
		if kids[k.Subject] == nil {
			people = append(people, k.Subject)
		}
		kids[k.Subject] = append(kids[k.Subject], k.KID)
		if !slices.Contains(categories[k.Subject], k.Category) {
			categories[k.Subject] = append(categories[k.Subject], k.Category)
		}
	}
	slices.Sort(people)
	return people, kids, categories, nil
}

// Gags tells people of disclosures whose gag is over.
func (o *Office) Gags(ctx context.Context) error {
	ids, err := o.cfg.Open(ctx, "demand")
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := o.notices(ctx, events.DemandID(id)); err != nil {
			return err
		}
	}
	return nil
}

// notices tells everybody of one demand who may be told now. Nobody is told twice.
func (o *Office) notices(ctx context.Context, id events.DemandID) error {
	d, err := o.demand(ctx, id)
	if err != nil {
		return err
	}
	for customer, until := range d.waiting {
		if d.told[customer] || o.cfg.Now().Before(until) {
			continue
		}
		note := events.MessageID(events.DeriveUUID("letter", "disclosed", string(id), string(customer)).String())
		by := journal.By{Command: events.DeriveUUID("told", string(id), string(customer)), Actor: system, At: o.cfg.Now()}
		// Somebody without an address on file, or erased since, cannot be told; that they
		// were looked for stands in the stream all the same.
		to, err := o.cfg.Contact(ctx, customer)
		if err != nil && !errors.Is(err, ErrNoContact) {
			return fmt.Errorf("tell of a disclosure: %w", err)
		}
		if err == nil {
			text := fmt.Sprintf("Hello,\n\non %s we had to give data about you to %s, because a law obliges us to (our privacy policy, section 3.2).\n\n"+
				"You may ask us for details and for a copy of your data at any time.\n\n%s\n", d.at.Format("2 January 2006"), d.received.Recipient, o.cfg.Brand)
			if err := o.letter(ctx, by, note, customer, to, string(id), "We had to disclose data about you", text); err != nil {
				return fmt.Errorf("tell of a disclosure: %w", err)
			}
		}
		err = o.onDemand(ctx, by, id, func(d demand) ([]events.Event, error) {
			if d.told[customer] {
				return nil, nil
			}
			return []events.Event{events.SubjectNoticeSent{Demand: id, Customer: customer, Letter: note}}, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
