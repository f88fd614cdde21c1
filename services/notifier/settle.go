package notifier

import (
	"context"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/bus"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/projections/outbox"
)

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
// unknown, what was not is handed out again under the same attempt. It looks once,
// so the view must have read everything that process wrote.
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
				if err := d.inherit(ctx, item); err != nil {
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

func (d *Dispatcher) inherit(ctx context.Context, item outbox.Item) error {
	history, err := d.Journal.Load(ctx, events.OutboundStream(item.ID), nil)
	if err != nil {
		return err
	}
	w := foldWay(history)
	switch {
	case !w.open || w.worker == d.Worker:
		return nil
	case w.started:
		return d.unknown(ctx, item.ID, func(w way) bool { return w.worker != d.Worker })
	}
	d.pace.take(item.ID, item.Domain, d.Now(), w.lease)
	return d.hand(ctx, w.queued, w.attempts)
}
