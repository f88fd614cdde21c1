package notifier

import (
	"time"

	"github.com/westshore/hub/events"
)

// Codes of the rules that keep a message back; they stand in MessageHeld and
// MessageCancelled.
const (
	ReasonOwnAddress = "own_address" // it would come back to us (MAIL O19)
	ReasonSuppressed = "suppressed_" // and the kind of suppression (MAIL O13)
	ReasonQuiet      = "quiet_hours" // MAIL O17
)

// mercy is what the suppression list does to a kind of message.
type mercy int

const (
	let  mercy = iota
	hold       // until a person says that it goes all the same
	drop       // for good
)

// suppression decides about a message to a suppressed address (MAIL O13). An
// agent's answer is held, so that the agent can send it all the same; a complaint
// is about what nobody asked for and does not hold it. What the law makes us say
// passes a complaint; anything else is dropped.
func suppression(kind events.OutboundKind, why events.SuppressionKind) mercy {
	switch {
	case kind == events.OutboundReply && why == events.SuppressedComplaint:
		return let
	case kind == events.OutboundReply:
		return hold
	case kind == events.OutboundAdministrative && why == events.SuppressedHard:
		return drop
	case kind == events.OutboundAdministrative && why == events.SuppressedManual:
		return hold
	case kind == events.OutboundAdministrative:
		return let
	}
	return drop
}

// Quiet are the hours in which notices to many wait (MAIL O17). The zero value is
// none.
type Quiet struct {
	// From and To are times of day; From after To goes over midnight.
	From, To time.Duration
	// Zone is where they count; nil is UTC. Zones of single recipients are not
	// known.
	Zone *time.Location
}

// until is when the quiet hours end that now lies in; zero when it lies in none.
func (q Quiet) until(now time.Time) time.Time {
	if q.From == q.To {
		return time.Time{}
	}
	zone := q.Zone
	if zone == nil {
		zone = time.UTC
	}
	local := now.In(zone)
	clock := func(day int, d time.Duration) time.Time {
		return time.Date(local.Year(), local.Month(), local.Day()+day, 0, int(d.Minutes()), 0, 0, zone)
	}
	for day := -1; day <= 0; day++ {
		begin, end := clock(day, q.From), clock(day, q.To)
		if q.From > q.To {
			end = clock(day+1, q.To)
		}
		if !local.Before(begin) && local.Before(end) {
			return end.UTC()
		}
	}
	return time.Time{}
}

// quiets reports whether quiet hours hold for a message: one of many alike does
// not wake anybody; an answer or a letter somebody waits for does not wait.
func quiets(q events.MessageQueued) bool {
	return q.Kind == events.OutboundPromotional || q.Kind == events.OutboundAdministrative && q.Bulk
}

// ages are how long each kind of message is tried (MAIL O7). What the law makes us
// say is tried as long as an agent's answer.
var ages = map[events.OutboundKind]time.Duration{
	events.OutboundReply: 24 * time.Hour, events.OutboundAdministrative: 24 * time.Hour,
	events.OutboundAcknowledgement: 6 * time.Hour, events.OutboundPromotional: 6 * time.Hour,
}

// maxAge is how long a kind is tried.
func maxAge(kind events.OutboundKind) time.Duration {
	if d, ok := ages[kind]; ok {
		return d
	}
	return 24 * time.Hour
}

// expired reports whether a message has been tried for long enough.
func (w way) expired(now time.Time) bool {
	return now.Sub(w.base) > maxAge(w.queued.Kind) || w.tries >= maxTries
}

// delayedAfter is when the writer of an answer is told that it still waits.
const delayedAfter = time.Hour

// Unsure is what is done about an unknown outcome when nothing was found out
// (MAIL O3).
type Unsure string

const (
	// Ask leaves it to a person. It is the default: nobody ever gets two copies.
	Ask Unsure = "ask"
	// Resend sends an agent's answer once more, with the same Message-ID, when the
	// archive does not have it or there is none.
	Resend Unsure = "resend"
)
