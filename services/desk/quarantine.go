package desk

import (
	"context"

	"github.com/westshore/hub/events"
)

// Release lets an inquiry out of quarantine; the router then finds its ticket.
func (d *Desk) Release(ctx context.Context, c Command, id events.InquiryID) (Done, error) {
	return d.settle(ctx, c, id, events.InquiryReleased{Inquiry: id})
}

// Discard decides that a quarantined inquiry becomes no ticket. Its raw message
// stays until its retention ends.
func (d *Desk) Discard(ctx context.Context, c Command, id events.InquiryID) (Done, error) {
	return d.settle(ctx, c, id, events.InquiryDiscarded{Inquiry: id})
}

// Reread settles a quarantined inquiry whose mail was read once more, as again.
func (d *Desk) Reread(ctx context.Context, c Command, id, again events.InquiryID) (Done, error) {
	return d.settle(ctx, c, id, events.InquiryDiscarded{Inquiry: id, Again: again})
}

func (d *Desk) settle(ctx context.Context, c Command, id events.InquiryID, verdict events.Event) (Done, error) {
	w, err := d.j.Execute(ctx, events.InquiryStream(id), c.by(), func(history []events.Recorded) ([]events.Event, error) {
		if len(history) == 0 {
			return nil, ErrNotFound
		}
		held := false
		for _, r := range history {
			switch r.Event.(type) {
			case events.InquiryQuarantined:
				held = true
			case events.InquiryReleased, events.InquiryDiscarded:
				held = false
			}
		}
		if !held {
			return nil, &Refusal{"not_quarantined", "This message is not in quarantine any more."}
		}
		return []events.Event{verdict}, nil
	})
	if err != nil {
		return Done{}, err
	}
	done := Done{Revision: w.Revision, Position: w.Position}
	if len(w.Events) > 0 {
		done.Event = w.Events[0]
	}
	return done, nil
}
