package notifier

import (
	"time"

	"github.com/westshore/hub/events"
)

// way is where a message is, folded from its stream.
type way struct {
	queued   events.MessageQueued
	at       time.Time // when it was queued
	attempts int
	tries    int // attempts that the recipient's side answered, for the cap
	worker   string
	lease    time.Time
	started  bool
	open     bool // claimed, without a result
	final    bool // nothing more happens unless a person says so
	until    time.Time
	revision events.Revision
}

func foldWay(history []events.Recorded) way {
	w := way{revision: events.NoStream}
	for _, r := range history {
		w.revision = r.Revision
		switch e := r.Event.(type) {
		case events.MessageQueued:
			w.queued, w.at, w.until = e, r.Meta.At, e.NotBefore
		case events.DeliveryAttempted:
			w.attempts, w.worker, w.lease, w.open, w.started = e.Attempt, e.Worker, e.Lease, true, false
		case events.DeliveryStarted:
			w.started = true
		case events.DeliveryDeferred:
			w.open, w.until = false, e.Until
			if e.Class != ClassHost && e.Class != ClassLogin {
				w.tries++
			}
		case events.DeliveryRetried:
			w.open, w.final, w.until, w.at, w.tries = false, false, time.Time{}, r.Meta.At, 0
		case events.DeliveryAccepted, events.DeliveryFailed, events.DeliveryUnknown,
			events.DeliveryResolved, events.MessageBounced, events.MessageCancelled:
			w.open, w.final = false, true
		}
	}
	return w
}
