package notifier

import (
	"time"

	"github.com/westshore/hub/events"
)

// way is where a message is, folded from its stream.
type way struct {
	queued   events.MessageQueued
	at       time.Time // when it was queued
	base     time.Time // when it could have gone at the earliest: its age counts from here
	attempts int
	tries    int // attempts that the recipient's side answered, for the cap
	away     int // attempts in a row that never got that far
	worker   string
	lease    time.Time
	started  bool
	archived bool // the archive is a recipient of the newest attempt
	open     bool // claimed, without a result
	unknown  bool // the outcome of the newest attempt
	final    bool // nothing more happens unless a person says so
	override bool // a person sends it though the suppression list holds it
	delayed  bool // its writer was told that it waits
	resent   bool // sent again by rule, which is done once
	restored bool // kept back, or unknown, because a backup was restored
	class    string
	until    time.Time
	revision events.Revision
}

func foldWay(history []events.Recorded) way {
	w := way{revision: events.NoStream}
	for _, r := range history {
		w.revision = r.Revision
		w.evolve(r)
	}
	return w
}

func (w *way) evolve(r events.Recorded) {
	switch e := r.Event.(type) {
	case events.MessageQueued:
		w.queued, w.at, w.until, w.base = e, r.Meta.At, e.NotBefore, later(e.NotBefore, r.Meta.At)
	case events.DeliveryAttempted:
		w.attempts, w.worker, w.lease, w.open, w.started, w.archived = e.Attempt, e.Worker, e.Lease, true, false, false
	case events.DeliveryStarted:
		w.started, w.archived = true, e.Archived
		if !e.Lease.IsZero() {
			w.lease = e.Lease
		}
	case events.DeliveryDeferred:
		w.open, w.until, w.class = false, e.Until, e.Class
		if e.Class != ClassHost && e.Class != ClassLogin {
			w.tries++
			w.away = 0
		} else {
			w.away++
		}
	case events.DeliveryRetried:
		w.open, w.final, w.unknown, w.delayed, w.until, w.base = false, false, false, false, time.Time{}, r.Meta.At
		w.tries, w.away = 0, 0
		w.override = w.override || e.Override && !w.restored // only the suppression list is overridden
		w.restored = false
		w.resent = w.resent || e.Cause != ""
	case events.MessageHeld:
		w.final, w.until, w.restored = e.Until.IsZero(), e.Until, e.Reason == ReasonRestored
		if !w.final {
			w.base = e.Until
		}
	case events.MessageDelayed:
		w.delayed = true
	case events.DeliveryUnknown:
		w.open, w.final, w.unknown, w.restored = false, true, true, e.Class == ReasonRestored
	case events.DeliveryAccepted, events.DeliveryFailed, events.DeliveryResolved, events.MessageBounced,
		events.MessageCancelled, events.MessageRedirected, events.MessageSkipped:
		w.open, w.final, w.unknown = false, true, false
	}
}

// waits reports whether a message is there and waits for an attempt.
func (w way) waits() bool { return w.queued.Outbound != "" && !w.open && !w.final }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
