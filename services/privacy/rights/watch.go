package rights

import (
	"context"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

const (
	// early is how long before a deadline somebody is reminded of it.
	early = 5 * 24 * time.Hour
	// lookEvery is how often deadlines are looked at.
	lookEvery = time.Hour
)

// Run sends the links that were asked for and watches deadlines, until ctx ends.
func (r *Rights) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	r.watch(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case a := <-r.asked:
			if err := r.sendLink(ctx, a); err != nil && ctx.Err() == nil {
				r.log.Warn("privacy link not sent", "error", err)
			}
		case <-tick.C:
			r.watch(ctx)
		}
	}
}

func (r *Rights) watch(ctx context.Context) {
	if err := r.Watch(ctx); err != nil && ctx.Err() == nil {
		r.log.Warn("deadlines not looked at", "error", err)
	}
}

// Watch reminds of every deadline that is five days away or past, once for each.
func (r *Rights) Watch(ctx context.Context) error {
	now := r.cfg.Now()
	open, err := r.cfg.Open(ctx, now.Add(early))
	if err != nil {
		return err
	}
	for _, id := range open {
		if err := r.remind(ctx, id, now); err != nil {
			return err
		}
	}
	return nil
}

func (r *Rights) remind(ctx context.Context, id events.RequestID, now time.Time) error {
	by := journal.By{Command: events.NewUUID(), Actor: system, At: now}
	_, err := r.cfg.Journal.Execute(ctx, events.RequestStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		q := foldRequest(history)
		if q.Closed || q.Request == "" || !q.Doubted.IsZero() {
			return nil, nil
		}
		var evs []events.Event
		for what, due := range map[string]time.Time{"ack": q.Acknowledge, "due": q.Due} {
			overdue := now.After(due)
			if now.Before(due.Add(-early)) || what == "ack" && q.AckSent || q.Reminded[reminder(what, due, overdue)] {
				continue
			}
			r.log.Warn("a request about personal data is near its deadline", "request", string(id), "what", what, "due", due, "overdue", overdue)
			evs = append(evs, events.RequestReminded{Request: id, What: what, Due: due, Overdue: overdue})
		}
		return evs, nil
	})
	return err
}
