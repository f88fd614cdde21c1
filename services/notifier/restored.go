package notifier

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// ReasonRestored is why a message is held, or its outcome unknown, in a house that
// goes on from a backup: it may have gone out since. A person who knows better lets
// it go, or puts it away.
const ReasonRestored = "restored"

// HoldRestored keeps back what a restored log shows as waiting, and calls unknown
// what it shows as on its way. It runs before anything is sent. An outcome that was
// unknown at the backup is marked too, so that no rule sends it once more. It folds
// the streams of the messages; doing it again adds nothing. held and unknown count
// what it wrote.
func HoldRestored(ctx context.Context, j *journal.Journal) (held, unknown int64, err error) {
	waiting, err := unsettled(ctx, j)
	if err != nil {
		return 0, 0, fmt.Errorf("look for messages that wait: %w", err)
	}
	var h, u atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(dispatchParallel)
	for stream := range waiting {
		g.Go(func() error {
			by := journal.By{Command: events.NewUUID(), Actor: "system:restore"}
			var counter *atomic.Int64
			_, err := j.Execute(ctx, stream, by, func(history []events.Recorded) ([]events.Event, error) {
				w := foldWay(history)
				id := w.queued.Outbound
				switch counter = nil; {
				case w.open || w.unknown && !w.restored:
					counter = &u
					return []events.Event{events.DeliveryUnknown{Outbound: id, Attempt: w.attempts, Class: ReasonRestored}}, nil
				case w.waits():
					counter = &h
					return []events.Event{events.MessageHeld{Outbound: id, Reason: ReasonRestored}}, nil
				}
				return nil, nil
			})
			if err == nil && counter != nil {
				counter.Add(1)
			}
			return err
		})
	}
	err = g.Wait()
	return h.Load(), u.Load(), err
}

var errRead = errors.New("the log is read")

// unsettled reads the whole log and keeps the streams of messages that are neither
// over nor with a person.
func unsettled(ctx context.Context, j *journal.Journal) (map[events.Stream]way, error) {
	ways := map[events.Stream]way{}
	reading := journal.Reading{From: events.Start, Types: []string{
		"hub.MessageQueued", "hub.DeliveryAttempted", "hub.DeliveryStarted", "hub.DeliveryAccepted", "hub.DeliveryDeferred", "hub.DeliveryFailed",
		"hub.DeliveryUnknown", "hub.DeliveryResolved", "hub.DeliveryRetried", "hub.MessageHeld", "hub.MessageBounced", "hub.MessageCancelled",
		"hub.MessageRedirected", "hub.MessageSkipped",
	}}
	err := j.Subscribe(ctx, reading, func(_ context.Context, b journal.Batch) error {
		for _, rec := range b.Events {
			w := ways[rec.Stream]
			w.evolve(rec)
			w.queued = events.MessageQueued{} // its bytes may be long
			if ways[rec.Stream] = w; w.final && (!w.unknown || w.restored) {
				delete(ways, rec.Stream)
			}
		}
		if b.Live {
			return errRead
		}
		return nil
	})
	if errors.Is(err, errRead) {
		err = nil
	}
	return ways, err
}

// remember reads whether, and up to where, the house goes on from a backup.
func (c *Clerk) remember(ctx context.Context) error {
	last, ok, err := c.Journal.Last(ctx, events.RestoresStream)
	if err != nil || !ok {
		return err
	}
	if e, ok := last.Event.(events.HubRestored); ok {
		c.restored = e.Head
	}
	return nil
}

// old reports whether an event stood in the backup that the house goes on from:
// what the clerk makes of it may have gone out.
func (c *Clerk) old(rec events.Recorded) bool {
	return c.restored != events.Start && !c.restored.Before(rec.Position)
}

// dated dates a letter that the house writes by itself back to where its matter
// began: in a house that goes on from a backup, the one that was lost may have
// written it already. What a person decides is new.
func (c *Clerk) dated(ctx context.Context, rec events.Recorded, e events.LetterWritten) (events.Recorded, error) {
	if c.restored == events.Start || e.About == "" || !strings.HasPrefix(string(rec.Meta.Actor), "system:") {
		return rec, nil
	}
	for _, matter := range []events.Stream{
		events.RequestStream(events.RequestID(e.About)), events.DemandStream(events.DemandID(e.About)), events.TransferStream(events.TransferID(e.About)),
	} {
		first, ok, err := c.Journal.At(ctx, matter, 0)
		if err != nil {
			return rec, err
		}
		if ok {
			rec.Position = first.Position
			return rec, nil
		}
	}
	if e.Purpose != "notice" {
		return rec, nil
	}
	versions, err := c.Journal.Load(ctx, events.RegistryStream, nil)
	for _, v := range versions {
		if p, ok := v.Event.(events.PolicyVersionPublished); ok && p.Policy == e.About {
			rec.Position = v.Position
		}
	}
	return rec, err
}
