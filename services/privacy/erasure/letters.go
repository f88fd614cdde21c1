package erasure

import (
	"context"
	"fmt"
	"strings"

	"github.com/westshore/hub/events"
)

// letterID is the same for the same letter of the same request.
func letterID(s *State, what string) events.MessageID {
	return events.MessageID(events.DeriveUUID("erasure letter", string(s.Request), what, fmt.Sprint(s.Round)).String())
}

// inform tells the requester what came of it. The address was kept apart from
// what was erased.
func (o *Office) inform(ctx context.Context, s *State) error {
	outcome := "done"
	if s.waiting() {
		outcome = "deferred"
	}
	to, err := o.contact(ctx, s)
	if err != nil {
		return err
	}
	e := events.RequesterInformed{Request: s.Request, Outcome: outcome}
	if to.Address != "" {
		l := Letter{ID: letterID(s, "informed"), Request: s.Request, Customer: s.Requester, To: to}
		l.Subject, l.Text = o.answer(s, outcome)
		if err := o.cfg.Send(ctx, l); err != nil {
			return err
		}
	}
	evs := []events.Event{e}
	if outcome == "done" {
		evs = append(evs, events.RequestAnswered{Request: s.Request, Outcome: "erased"})
	}
	return o.say(ctx, s, stepInform, evs...)
}

// contact is the address a request is answered to; empty when there is none.
func (o *Office) contact(ctx context.Context, s *State) (events.Address, error) {
	history, err := o.j.Load(ctx, events.RequestStream(s.Request), &officer)
	if err != nil {
		return events.Address{}, err
	}
	for _, r := range history {
		if e, ok := r.Event.(events.RequestReceived); ok {
			return e.Contact.Value(), nil
		}
	}
	return events.Address{}, nil
}

func (o *Office) answer(s *State, outcome string) (subject, text string) {
	var b strings.Builder
	fmt.Fprintf(&b, "Hello,\n\nyou asked us on %s to erase what we keep about you.\n\n", s.Received.UTC().Format("2 January 2006"))
	n := s.Destroyed.Killed
	if s.Round > 0 {
		n += len(s.Deferral.KIDs)
	}
	fmt.Fprintf(&b, "It is done: %d pieces of data, in messages, answers and contact details, can no longer be read by anybody. "+
		"Their keys were destroyed on %s, and we searched everything we store to make sure.\n\n", n, s.DestroyedAt.UTC().Format("2 January 2006"))
	if outcome == "deferred" {
		fmt.Fprintf(&b, "%d pieces must be kept for now because of a legal matter (%s). They are used for nothing else and are erased by themselves when it ends; we will tell you then.\n\n",
			len(s.Deferral.KIDs), s.Deferral.Article)
	}
	for _, x := range s.Exempted {
		fmt.Fprintf(&b, "We keep: %s (%s), until %s.\n\n", o.cfg.Exempt[x.Class].What, x.Article, o.cfg.Exempt[x.Class].Until)
	}
	fmt.Fprintf(&b, "Backups from before are gone by %s. What was sent to your own mailbox is not in our reach. We keep a record of this request, and this address for 30 days, and use them for nothing else.\n\n",
		s.DestroyedAt.Add(o.cfg.Horizon).UTC().Format("2 January 2006"))
	fmt.Fprintf(&b, "Your certificate has the number %s. This code shows that it is yours, and only you have it: %s\n\n",
		"er_"+s.Scope.Order.String(), o.claim(s.Scope.Order))
	fmt.Fprintf(&b, "If you write to us again, we will not know you from before. If you think we did not do this right, tell us, or complain to your data protection authority.\n\n%s\n", o.cfg.Brand)
	return "Your data were erased", b.String()
}

func recipientLetter(brand string, order events.UUID) Letter {
	return Letter{
		Subject: "Erasure of personal data, order er_" + order.String(),
		Text: fmt.Sprintf("Hello,\n\na person whose messages went through you on our behalf asked us to erase their data (GDPR articles 17 and 19). "+
			"Please erase what you keep of it beyond your statutory duties, and confirm it to us with the order number er_%s.\n\n%s\n", order, brand),
	}
}
