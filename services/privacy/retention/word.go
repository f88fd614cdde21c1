package retention

import (
	"context"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// word is one thing to tell the vault: that a matter ended (at), goes on (zero
// at), is bound to another one, or that a person was heard of.
type word struct {
	ref    string // stream or person
	at     time.Time
	bound  string
	person bool
}

func (w word) key() string {
	if w.bound != "" {
		return "b" + w.ref
	}
	return "a" + w.ref
}

func (w word) tell(ctx context.Context, v *vault.Vault) error {
	switch {
	case w.bound != "":
		return v.Bind(ctx, events.Stream(w.ref), w.bound) //nolint:forbidigo // it was made by events.InquiryStream
	case w.at.IsZero():
		return v.ClearAnchor(ctx, w.ref)
	}
	return v.SetAnchor(ctx, w.ref, w.at)
}

// endOfDay is the midnight (UTC) after a moment. The day of an event does not
// count (Regulation 1182/71 article 3(1)), so that a person who is heard of ten
// times a day moves the start of a period once.
func endOfDay(t time.Time) time.Time {
	year, month, day := t.UTC().Date()
	return time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
}

// anchorTypes are the wire types of the events that read knows.
var anchorTypes = wireTypes(
	events.TicketResolved{}, events.TicketReopened{}, events.MessageAttached{},
	events.InquiryReceived{}, events.InquiryRouted{}, events.InquiryDiscarded{}, events.InquiryReleased{},
	events.DeliveryAccepted{}, events.DeliveryFailed{}, events.DeliveryResolved{}, events.DeliveryRetried{},
	events.MessageBounced{}, events.MessageCancelled{}, events.MessageSkipped{},
	events.ReplyWritten{}, events.LetterWritten{}, events.ContactRectified{},
	events.ConsentRequested{}, events.ConsentGranted{}, events.ConsentWithdrawn{}, events.ObjectionRaised{},
	events.RequestClosed{}, events.LegalHoldReleased{}, events.LegalDisclosureDelivered{},
	events.InvestigationOpened{}, events.InvestigationClosed{}, events.AgentAdded{}, events.AgentDeactivated{},
)

func wireTypes(list ...events.Event) map[string]bool {
	out := map[string]bool{}
	for _, e := range list {
		out[events.WireType(e)] = true
	}
	return out
}

// read says what an event means for periods: the starts of ISO/IEC 27555 that are
// no collection.
func read(r events.Recorded) []word {
	ends := []word{{ref: string(r.Stream), at: r.Meta.At}}
	goesOn := []word{{ref: string(r.Stream)}}
	heardOf := func(who events.SubjectID) []word {
		if who == "" {
			return nil
		}
		return []word{{ref: string(who), at: endOfDay(r.Meta.At), person: true}}
	}
	switch e := r.Event.(type) {
	case events.TicketResolved:
		return ends
	case events.TicketReopened:
		return goesOn
	case events.MessageAttached:
		return []word{{ref: string(events.InquiryStream(e.Inquiry)), bound: string(events.TicketStream(e.Ticket))}}

	case events.InquiryReceived:
		if e.Class == events.MailHuman || e.Class == "" {
			return heardOf(e.Customer)
		}
	case events.InquiryRouted:
		if e.Ticket == "" { // a bounce, a loop: it becomes no ticket
			return ends
		}
	case events.InquiryDiscarded:
		return ends
	case events.InquiryReleased:
		return goesOn

	case events.DeliveryAccepted, events.DeliveryFailed, events.DeliveryResolved, events.MessageBounced, events.MessageCancelled, events.MessageSkipped:
		return ends
	case events.DeliveryRetried:
		return goesOn
	case events.ReplyWritten:
		return heardOf(e.Customer)
	case events.LetterWritten:
		return ends

	case events.ContactRectified, events.ConsentRequested, events.ConsentGranted, events.ConsentWithdrawn, events.ObjectionRaised:
		return heardOf(events.SubjectID(r.Stream.Key()))

	case events.RequestClosed, events.LegalHoldReleased, events.LegalDisclosureDelivered, events.InvestigationClosed:
		return ends
	case events.InvestigationOpened:
		return goesOn

	case events.AgentAdded:
		return []word{{ref: string(e.Agent)}}
	case events.AgentDeactivated:
		return []word{{ref: string(e.Agent), at: r.Meta.At}}
	}
	return nil
}
