package retention

import (
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

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
func read(r events.Recorded) []vault.Move {
	ends := []vault.Move{{Ref: string(r.Stream), At: r.Meta.At}}
	goesOn := []vault.Move{{Ref: string(r.Stream)}}
	heardOf := func(who events.SubjectID) []vault.Move {
		if who == "" {
			return nil
		}
		return []vault.Move{{Ref: string(who), At: endOfDay(r.Meta.At)}}
	}
	switch e := r.Event.(type) {
	case events.TicketResolved:
		return ends
	case events.TicketReopened:
		return goesOn
	case events.MessageAttached:
		return []vault.Move{{Ref: string(events.InquiryStream(e.Inquiry)), Bound: string(events.TicketStream(e.Ticket))}}

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
		return []vault.Move{{Ref: string(e.Agent)}}
	case events.AgentDeactivated:
		return []vault.Move{{Ref: string(e.Agent), At: r.Meta.At}}
	}
	return nil
}
