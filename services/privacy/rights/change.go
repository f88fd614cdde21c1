package rights

import (
	"context"
	"fmt"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/vault"
)

// pause does what a request has to cause at once, before anybody decides: an
// objection to direct marketing is absolute (art. 21(3)); any other lets the use
// rest (art. 18(1)(d)), and so does the claim that data are wrong (art. 18(1)(a)).
func (r *Rights) pause(ctx context.Context, by journal.By, customer events.SubjectID, id events.RequestID, kind events.RequestKind, ground string) error {
	switch {
	case kind == events.RequestObjection && ground == "marketing":
		for _, p := range r.cfg.Purposes {
			if err := r.object(ctx, own(by, "object", p.Code), customer, id, p.Code, true); err != nil {
				return err
			}
		}
		return r.answer(ctx, own(by, "answer"), id, "objection_upheld", "from now on you get no promotional messages from us.")
	case kind == events.RequestObjection:
		if err := r.object(ctx, own(by, "object"), customer, id, every, false); err != nil {
			return err
		}
		return r.Restrain(ctx, own(by, "restrain"), customer, id, "objection", false)
	case kind == events.RequestRestriction:
		// Letters b and c of art. 18(1): the person wants the data kept for claims.
		return r.Restrain(ctx, own(by, "restrain"), customer, id, ground, ground == "b" || ground == "c")
	}
	return nil
}

// own derives the command of one step, so that steps repeat with the whole.
func own(by journal.By, parts ...string) journal.By {
	by.Causation = by.Command
	by.Command = events.DeriveUUID(append([]string{"step", by.Command.String()}, parts...)...)
	return by
}

func (r *Rights) object(ctx context.Context, by journal.By, customer events.SubjectID, id events.RequestID, purpose string, absolute bool) error {
	_, err := r.cfg.Journal.Execute(ctx, events.CustomerStream(customer), by, func(history []events.Recorded) ([]events.Event, error) {
		l := foldLedger(customer, history)
		if l.Objected[purpose] {
			return nil, nil
		}
		evs := []events.Event{events.ObjectionRaised{Customer: customer, Purpose: purpose, Absolute: absolute, Request: id}}
		if l.Consents[purpose].Live {
			evs = append(evs, events.ConsentWithdrawn{Customer: customer, Purpose: purpose, Channel: Channel, Method: "objection"})
		}
		return evs, nil
	})
	if err != nil {
		return fmt.Errorf("raise objection: %w", err)
	}
	return nil
}

// Object raises an objection for a person: against direct marketing ("marketing") it
// works at once, against anything else the use rests until DecideObjection.
func (r *Rights) Object(ctx context.Context, by journal.By, id events.RequestID, ground string) error {
	q, err := r.Get(ctx, id)
	if err != nil {
		return err
	}
	return r.pause(ctx, by, q.Customer, id, events.RequestObjection, ground)
}

// DecideObjection says what came of an objection that is not absolute. Upheld, the
// use stays at rest; rejected, on compelling grounds, the person is told, and then
// the restriction is lifted.
func (r *Rights) DecideObjection(ctx context.Context, by journal.By, id events.RequestID, upheld bool, g events.Ground) error {
	q, err := r.Get(ctx, id)
	if err != nil {
		return err
	}
	if !upheld && g == "" {
		return refuse("ground", "A rejected objection needs a ground.")
	}
	_, err = r.cfg.Journal.Execute(ctx, events.CustomerStream(q.Customer), own(by, "decide"), func(history []events.Recorded) ([]events.Event, error) {
		if l := foldLedger(q.Customer, history); !l.Objected[every] {
			return nil, refuse("no_objection", "There is no objection that waits.")
		}
		return []events.Event{events.ObjectionDecided{Customer: q.Customer, Purpose: every, Upheld: upheld, Ground: g, Request: id}}, nil
	})
	if err != nil {
		return fmt.Errorf("decide objection: %w", err)
	}
	if upheld {
		return r.answer(ctx, own(by, "answer"), id, "objection_upheld", "we agree with your objection. Your data are not used any more, except for legal claims.")
	}
	return r.Lift(ctx, own(by, "lift"), id)
}

// Restrain keeps a person's data and lets nobody use them but for claims, consent
// and the person's own rights. With keep the person asked for them to be kept, and
// no schedule deletes them.
func (r *Rights) Restrain(ctx context.Context, by journal.By, customer events.SubjectID, id events.RequestID, ground string, keep bool) error {
	var hold events.HoldID
	if keep {
		var err error
		if hold, err = r.cfg.Keep(ctx, own(by, "keep"), customer, id, true); err != nil {
			return fmt.Errorf("restrict use: %w", err)
		}
	}
	_, err := r.cfg.Journal.Execute(ctx, events.CustomerStream(customer), by, func(history []events.Recorded) ([]events.Event, error) {
		if foldLedger(customer, history).Restricted {
			return nil, nil
		}
		return []events.Event{events.ProcessingRestricted{Customer: customer, Request: id, Ground: ground, Keep: keep, Hold: hold}}, nil
	})
	if err != nil {
		return fmt.Errorf("restrict use: %w", err)
	}
	// The fact first: whoever repeats this finds it and restricts the vault again.
	if err := r.cfg.Restrict(ctx, customer, true, "request "+string(id)); err != nil {
		return fmt.Errorf("restrict use: %w", err)
	}
	return r.tellRecipients(ctx, by, customer, id, changeRestricted)
}

// Lift ends a restriction, after the person was written to (art. 18(3)), and closes
// the request behind it.
func (r *Rights) Lift(ctx context.Context, by journal.By, id events.RequestID) error {
	q, err := r.Get(ctx, id)
	if err != nil {
		return err
	}
	l, err := r.Ledger(ctx, q.Customer)
	if err != nil {
		return err
	}
	if !l.Restricted || l.Request != id {
		return refuse("not_restricted", "This request restricts nothing.")
	}
	note := letterID("lift", string(id), by.Command.String())
	if err := r.tell(ctx, by, id, "lift", func(Request) text { return liftLetter(r.cfg.Brand, id) }); err != nil {
		return err
	}
	if l.Hold != "" {
		if _, err := r.cfg.Keep(ctx, own(by, "keep"), q.Customer, id, false); err != nil {
			return fmt.Errorf("lift restriction: %w", err)
		}
	}
	if err := r.cfg.Restrict(ctx, q.Customer, false, "request "+string(id)); err != nil {
		return fmt.Errorf("lift restriction: %w", err)
	}
	_, err = r.cfg.Journal.Execute(ctx, events.CustomerStream(q.Customer), own(by, "lifted"), func(history []events.Recorded) ([]events.Event, error) {
		if !foldLedger(q.Customer, history).Restricted {
			return nil, nil
		}
		return []events.Event{events.RestrictionLifted{Customer: q.Customer, Request: id, Letter: note}}, nil
	})
	if err != nil {
		return fmt.Errorf("lift restriction: %w", err)
	}
	if err := r.tellRecipients(ctx, by, q.Customer, id, changeLifted); err != nil {
		return err
	}
	return r.change(ctx, own(by, "close"), id, func(Request) ([]events.Event, error) {
		return []events.Event{
			events.RequestAnswered{Request: id, Outcome: "unrestricted"},
			events.RequesterInformed{Request: id, Outcome: "done", Outbound: note.Outbound()},
			events.RequestClosed{Request: id, Outcome: "done"},
		}, nil
	})
}

// Rectify puts a person's contact right: the new words are sealed anew, and the keys
// of the old ones are destroyed under the cause "rectified".
func (r *Rights) Rectify(ctx context.Context, by journal.By, id events.RequestID, right events.Address) error {
	q, err := r.Get(ctx, id)
	if err != nil {
		return err
	}
	if right.Name == "" && right.Address == "" {
		return refuse("empty", "Say how the name or the address is right.")
	}
	if q.Kind != events.RequestRectification {
		return refuse("kind", "This request asks for no correction.")
	}
	was, err := r.cfg.Contact(ctx, q.Customer)
	if err != nil {
		return fmt.Errorf("rectify: %w", err)
	}
	e := events.ContactRectified{Customer: q.Customer, Request: id}
	if right.Name == "" {
		right.Name = was.Name
	} else {
		e.Fields = append(e.Fields, "name")
	}
	if right.Address == "" {
		right.Address = was.Address
	} else {
		e.Fields = append(e.Fields, "address")
	}
	e.Contact = events.Seal(right)
	old, err := r.contactKeys(ctx, q.Customer)
	if err != nil {
		return fmt.Errorf("rectify: %w", err)
	}
	w, err := r.cfg.Journal.Execute(ctx, events.CustomerStream(q.Customer), own(by, "rectify"), func([]events.Recorded) ([]events.Event, error) {
		return []events.Event{e}, nil
	})
	if err != nil {
		return fmt.Errorf("rectify: %w", err)
	}
	gone := slices.DeleteFunc(old, func(k vault.Info) bool {
		return slices.Contains(w.Events, k.Event) // a repeat must not destroy the new one
	})
	if err := r.cfg.Destroy(ctx, events.DeriveUUID("rectify", by.Command.String()), "rectified", gone); err != nil {
		return fmt.Errorf("rectify: %w", err)
	}
	if err := r.tellRecipients(ctx, by, q.Customer, id, changeRectified); err != nil {
		return err
	}
	return r.answer(ctx, own(by, "answer"), id, "rectified", "your data were corrected as you asked. The old entry was destroyed.")
}

func (r *Rights) contactKeys(ctx context.Context, customer events.SubjectID) ([]vault.Info, error) {
	all, err := r.cfg.Keys(ctx, customer)
	return slices.DeleteFunc(all, func(k vault.Info) bool { return k.Category != events.Contact }), err
}
