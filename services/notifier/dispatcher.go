package notifier

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/bus"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/projections/outbox"
)

// Dispatcher looks which messages are due, claims each for one attempt, and puts
// a task for a worker on the bus. Whether a claim holds is decided by the
// message's stream alone: the view only says where to look.
type Dispatcher struct {
	Journal *journal.Journal
	Bus     *bus.Bus
	Outbox  *outbox.View
	// Changed returns a channel that is closed when the outbox may have changed.
	Changed func() <-chan struct{}
	// Worker is the name claims are made under.
	Worker string
	// Alone says that no other process works on this outbox, so that what a dead
	// one had claimed can be settled at once instead of when its lease ends.
	Alone bool
	// CaughtUp returns when the outbox shows all that the log holds now. Without
	// it, what a dead process had claimed could be missing from the one look at
	// it, and would wait for its lease.
	CaughtUp func(context.Context) error
	// Gate is asked again before a message is claimed; nil lets everything through.
	Gate Gate
	// Lease is how long a claim holds. Zero is 11 min: longer than a mail server
	// may take to answer the final dot (RFC 5321 section 4.5.3.2.6).
	Lease  time.Duration
	Now    func() time.Time
	Logger *slog.Logger

	log *slog.Logger
}

const (
	dispatchBatch    = 128
	dispatchParallel = 16
	// lookEvery bounds how long a change that nobody announced goes unseen.
	lookEvery = 5 * time.Second
)

// Run dispatches until ctx ends.
func (d *Dispatcher) Run(ctx context.Context) error {
	d.log = d.Logger.With("room", "notifier", "part", "dispatcher")
	if d.Lease == 0 {
		d.Lease = 11 * time.Minute
	}
	settled := !d.Alone
	for ctx.Err() == nil {
		changed := d.Changed()
		if !settled {
			settled = d.try(ctx, "settle what an earlier run left", d.settle)
		}
		d.try(ctx, "give up what is stuck", d.giveUp)
		full := false
		d.try(ctx, "dispatch", func(ctx context.Context) (err error) {
			full, err = d.dispatch(ctx)
			return err
		})
		if full {
			continue
		}
		d.wait(ctx, changed)
	}
	return nil
}

func (d *Dispatcher) try(ctx context.Context, what string, do func(context.Context) error) bool {
	err := do(ctx)
	if err != nil && ctx.Err() == nil {
		d.log.Warn("will try again", "what", what, "error", err)
	}
	return err == nil
}

// wait sleeps until something changed, something falls due, or a while is over.
func (d *Dispatcher) wait(ctx context.Context, changed <-chan struct{}) {
	pause := lookEvery
	if at, ok, err := d.Outbox.NextDue(ctx); err == nil && ok {
		pause = min(pause, max(at.Sub(d.Now()), 20*time.Millisecond))
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-changed:
	case <-t.C:
	}
}

// dispatch claims what is due; full says that there may be more.
func (d *Dispatcher) dispatch(ctx context.Context) (full bool, err error) {
	due, err := d.Outbox.Due(ctx, d.Now(), dispatchBatch)
	if err != nil || len(due) == 0 {
		return false, err
	}
	claimed := make([]bool, len(due))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(dispatchParallel)
	for i, item := range due {
		g.Go(func() (err error) {
			claimed[i], err = d.claim(gctx, item.ID)
			return err
		})
	}
	err = g.Wait()
	for _, c := range claimed {
		full = full || c && len(due) == dispatchBatch
	}
	return full, err
}

// claim takes one message for one attempt and hands it out. False means that
// somebody else has it, or that the view lags behind the log.
func (d *Dispatcher) claim(ctx context.Context, id events.OutboundID) (bool, error) {
	stream := events.OutboundStream(id)
	history, err := d.Journal.Load(ctx, stream, nil)
	if err != nil {
		return false, err
	}
	w := foldWay(history)
	now := d.Now()
	if w.revision == events.NoStream || w.final || now.Before(w.until) || w.open && (w.started || now.Before(w.lease)) {
		return false, nil
	}
	if ok, reason, err := d.Gate.ask(ctx, w.queued); err != nil || !ok {
		if err == nil {
			err = d.stop(ctx, id, w.revision, reason)
		}
		return false, err
	}
	e := events.DeliveryAttempted{Outbound: id, Attempt: w.attempts + 1, Worker: d.Worker, Lease: now.Add(d.Lease)}
	by := journal.By{Command: events.DeriveUUID("claim", string(id), fmt.Sprint(e.Attempt), d.Worker), Actor: "system:dispatcher", At: now}
	if _, err := d.Journal.Append(ctx, stream, w.revision, by, e); err != nil {
		if _, stale := store.IsConflict(err); stale {
			return false, nil
		}
		return false, err
	}
	return true, d.hand(ctx, w.queued, e.Attempt)
}

// stop cancels a message whose reader must not be written to any more.
func (d *Dispatcher) stop(ctx context.Context, id events.OutboundID, at events.Revision, reason string) error {
	by := journal.By{Command: events.DeriveUUID("gate", string(id), fmt.Sprint(at)), Actor: "system:dispatcher", At: d.Now()}
	_, err := d.Journal.Append(ctx, events.OutboundStream(id), at, by, events.MessageCancelled{Outbound: id, Reason: reason})
	if _, stale := store.IsConflict(err); stale {
		return nil
	}
	return err
}

// hand puts the task on the bus. A task that is lost is found again: by the next
// run when it settles, else when the lease ends.
func (d *Dispatcher) hand(ctx context.Context, q events.MessageQueued, attempt int) error {
	msg, err := bus.TaskMessage(bus.Task{Outbound: q.Outbound, Attempt: attempt, Channel: q.Channel}, d.Worker, d.Now())
	if err != nil {
		return err
	}
	return d.Bus.Publish(ctx, msg)
}

// giveUp calls unknown what was going out when its lease ended (MAIL O3).
func (d *Dispatcher) giveUp(ctx context.Context) error {
	stuck, err := d.Outbox.Stuck(ctx, d.Now(), dispatchBatch)
	if err != nil {
		return err
	}
	for _, item := range stuck {
		if err := d.unknown(ctx, item.ID, func(w way) bool { return !d.Now().Before(w.lease) }); err != nil {
			return err
		}
	}
	return nil
}

func (d *Dispatcher) unknown(ctx context.Context, id events.OutboundID, over func(way) bool) error {
	by := journal.By{Command: events.NewUUID(), Actor: "system:dispatcher", At: d.Now()}
	_, err := d.Journal.Execute(ctx, events.OutboundStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		w := foldWay(history)
		if !w.open || !w.started || !over(w) {
			return nil, nil
		}
		d.log.Warn("outcome of a delivery is unknown; it waits for evidence or a person", "outbound", id, "attempt", w.attempts)
		return []events.Event{events.DeliveryUnknown{Outbound: id, Attempt: w.attempts, Class: ClassCrash}}, nil
	})
	return err
}

// settle deals with the claims of a process that is gone: what was going out is
// unknown, what was not is handed out again under the same attempt.
func (d *Dispatcher) settle(ctx context.Context) error {
	d.drained(ctx)
	if err := d.CaughtUp(ctx); err != nil {
		return err
	}
	for after := ""; ; {
		page, err := d.Outbox.List(ctx, outbox.ListQuery{State: outbox.Sending, Limit: 200, After: after})
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			if item.Worker != d.Worker {
				if err := d.inherit(ctx, item.ID); err != nil {
					return err
				}
			}
		}
		if after = page.Next; after == "" {
			return nil
		}
	}
}

// drained waits for results that were still on the bus, for a while: a result
// that came is better than an unknown outcome.
func (d *Dispatcher) drained(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookEvery)
	defer cancel()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		if n, err := d.Bus.Depth(ctx, bus.Deliveries); err != nil || n == 0 {
			tick.Stop()
			return
		}
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
	}
}

func (d *Dispatcher) inherit(ctx context.Context, id events.OutboundID) error {
	history, err := d.Journal.Load(ctx, events.OutboundStream(id), nil)
	if err != nil {
		return err
	}
	w := foldWay(history)
	switch {
	case !w.open || w.worker == d.Worker:
		return nil
	case w.started:
		return d.unknown(ctx, id, func(w way) bool { return w.worker != d.Worker })
	}
	return d.hand(ctx, w.queued, w.attempts)
}
