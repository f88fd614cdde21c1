package notifier

import (
	"context"
	"fmt"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/projections/outbox"
)

// late ends what was tried for long enough, also while nothing is tried at all
// because the mail server is away, and tells once whoever wrote an answer that it
// still waits (MAIL O7).
func (d *Dispatcher) late(ctx context.Context) error {
	now := d.Now()
	for _, kind := range []events.OutboundKind{
		events.OutboundReply, events.OutboundAcknowledgement, events.OutboundAdministrative, events.OutboundPromotional,
	} {
		old, err := d.Outbox.Late(ctx, kind, now.Add(-maxAge(kind)), false, dispatchBatch)
		if err != nil {
			return err
		}
		for _, item := range old {
			if err := d.decide(ctx, item.ID, "expired", func(w way) events.Event {
				if !w.waits() || !w.expired(now) {
					return nil
				}
				d.log.Warn("a message was tried for as long as its kind is, and failed", "outbound", item.ID, "kind", kind, "class", w.class)
				return events.DeliveryFailed{Outbound: item.ID, Attempt: w.attempts, Class: ClassExpired}
			}); err != nil {
				return err
			}
		}
	}
	slow, err := d.Outbox.Late(ctx, events.OutboundReply, now.Add(-delayedAfter), true, dispatchBatch)
	if err != nil {
		return err
	}
	for _, item := range slow {
		if err := d.decide(ctx, item.ID, "delayed", func(w way) events.Event {
			if !w.waits() || w.delayed || now.Sub(w.base) < delayedAfter {
				return nil
			}
			return events.MessageDelayed{Outbound: item.ID, Class: w.class}
		}); err != nil {
			return err
		}
	}
	return nil
}

// Archive looks for a message of ours in the archive of what was sent, by the
// delivery header that only this copy carries.
type Archive func(ctx context.Context, outbound events.OutboundID) (found bool, err error)

// askEvery is how often the archive is asked about one message.
const askEvery = 5 * time.Minute

// evidence looks into outcomes that have been unknown for a while (MAIL O3): the
// archive is a recipient of the same transaction, so what it holds was accepted.
// Without proof the kind decides: an automatic answer is not worth a second copy,
// an agent's is sent once more where that was asked for, and everything else
// stays as it is, in sight.
func (d *Dispatcher) evidence(ctx context.Context) error {
	open, err := d.Outbox.Unsettled(ctx, d.Now().Add(-d.Patience), dispatchBatch)
	if err != nil {
		return err
	}
	for _, item := range open {
		if err := d.prove(ctx, item); err != nil {
			return err
		}
	}
	return nil
}

func (d *Dispatcher) prove(ctx context.Context, item outbox.Item) error {
	if now := d.Now(); now.Sub(d.asked[item.ID]) < askEvery {
		return nil
	}
	found, asked := false, d.Evidence != nil && item.Archived
	if asked {
		var err error
		if found, err = d.Evidence(ctx, item.ID); err != nil {
			return fmt.Errorf("search archive: %w", err)
		}
	}
	if len(d.asked) > dispatchBatch {
		clear(d.asked)
	}
	d.asked[item.ID] = d.Now()
	return d.decide(ctx, item.ID, "evidence", func(w way) events.Event {
		switch {
		case !w.unknown:
			return nil
		case found:
			return events.DeliveryResolved{Outbound: item.ID, Outcome: string(outbox.Accepted), Evidence: "archive"}
		case item.Kind == events.OutboundAcknowledgement:
			return events.DeliveryResolved{Outbound: item.ID, Outcome: string(outbox.Failed), Evidence: "not_resent"}
		case item.Kind == events.OutboundReply && d.Unsure == Resend && !w.resent && !w.restored:
			cause := "no_evidence"
			if asked {
				cause = "not_in_archive"
			}
			d.log.Warn("outcome of a delivery is unknown and was not proved; the message goes once more", "outbound", item.ID, "cause", cause)
			return events.DeliveryRetried{Outbound: item.ID, Cause: cause}
		}
		return nil
	})
}

// decide writes what a rule says about a message as it is now, if anything.
func (d *Dispatcher) decide(ctx context.Context, id events.OutboundID, rule string, what func(way) events.Event) error {
	by := journal.By{Command: events.NewUUID(), Actor: events.Actor("system:" + rule), At: d.Now()}
	_, err := d.Journal.Execute(ctx, events.OutboundStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		if e := what(foldWay(history)); e != nil {
			return []events.Event{e}, nil
		}
		return nil, nil
	})
	return err
}
