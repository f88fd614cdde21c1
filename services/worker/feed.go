package worker

import (
	"context"
	"errors"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// Bounds of a page of the feed.
const (
	maxPage  = 500
	pageSize = 100
)

// now asks for the place where the log ends.
const now = "now"

// changes are the types of the feed: what happens to tickets. prefixes are the
// same, for the store, so that it sends nothing else.
var changes, prefixes = func() (m map[string]bool, list []string) {
	m = map[string]bool{}
	for _, k := range events.Catalogue() {
		if k.Family == "ticket" {
			m[events.TypePrefix+k.Name] = true
			list = append(list, events.TypePrefix+k.Name)
		}
	}
	return m, list
}()

// FeedQuery asks for a page of the feed.
type FeedQuery struct {
	After string // a position; empty is the beginning, "now" the end
	Limit int    // 1 to 500; zero is 100
	Wait  int    // seconds the answer may take when there is nothing, 0 to 30
}

// errEnough ends a reading.
var errEnough = errors.New("enough")

// Changes reads a page of the feed. It waits when there is nothing yet, and
// answers a further position then.
func (h *Hatch) Changes(ctx context.Context, worker string, q FeedQuery) (p Page, err error) {
	if !h.accounts[worker].Feed {
		return p, &ForbiddenError{"read what changes"}
	}
	if q.Limit == 0 {
		q.Limit = pageSize
	}
	if q.Limit < 1 || q.Limit > maxPage || q.Wait < 0 || q.Wait > 30 {
		return p, &InvalidError{"The limit is 1 to 500, the wait 0 to 30 seconds."}
	}
	if p.Store, err = h.cfg.Journal.Identity(ctx); err != nil {
		return p, err
	}
	p.Events = []CloudEvent[Change]{}
	from := events.Start
	switch q.After {
	case "":
	case now:
		from, err = h.cfg.Journal.Head(ctx)
		p.Position = from.String()
		return p, err
	default:
		if from, err = events.ParsePosition(q.After); err != nil {
			return p, &InvalidError{"After is a position, or now."}
		}
	}
	at, err := h.gather(ctx, &p, q, from)
	p.Position = at.String()
	return p, err
}

// gather reads until the page is full, or the end of the log was reached and there
// is something, or the time is over.
func (h *Hatch) gather(ctx context.Context, p *Page, q FeedQuery, from events.Position) (at events.Position, err error) {
	at = from
	reading, stop := context.WithTimeout(ctx, max(time.Duration(q.Wait)*time.Second, 200*time.Millisecond))
	defer stop()
	err = h.cfg.Journal.Subscribe(reading, journal.Reading{From: from, Types: prefixes, Wanted: changes}, func(_ context.Context, b journal.Batch) error {
		for _, r := range b.Events {
			p.Events = append(p.Events, change(r, p.Store))
			if at = r.Position; len(p.Events) == q.Limit {
				return errEnough
			}
		}
		if at.Before(b.Position) {
			at = b.Position
		}
		if b.Live && (len(p.Events) > 0 || q.Wait == 0) {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) || reading.Err() != nil && ctx.Err() == nil {
		err = nil
	}
	return at, err
}

// change tells of an event without saying anything about anybody.
func change(r events.Recorded, store string) CloudEvent[Change] {
	return CloudEvent[Change]{
		SpecVersion: "1.0", ID: r.ID.String(), Source: "/hub/" + store, Type: r.Type, Subject: "ticket/" + r.Stream.Key(),
		Time: r.Meta.At.UTC(), ContentType: "application/json", Position: r.Position.String(),
		Data: Change{Ticket: events.TicketID(r.Stream.Key()), Revision: r.Revision, Version: r.Meta.Version},
	}
}
