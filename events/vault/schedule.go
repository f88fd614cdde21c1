package vault

import (
	"fmt"
	"time"

	"github.com/westshore/hub/events"
)

// Anchor is what a retention period runs from (ISO/IEC 27555:2021 knows three
// starts): the collection itself, the end of a process, or the end of a
// relationship.
type Anchor uint8

// The starts of a retention period. As part of a Request, AnchorNone leaves the
// choice to the schedule's rule for the class.
const (
	AnchorNone         Anchor = iota
	AnchorCollected           // when the data were collected
	AnchorProcess             // when the stream they stand in, or the one it is bound to, came to its end
	AnchorRelationship        // when the person was last heard of
)

// String names the anchor as the registry writes it.
func (a Anchor) String() string {
	switch a {
	case AnchorCollected:
		return "collected"
	case AnchorProcess:
		return "process"
	case AnchorRelationship:
		return "relationship"
	default:
		return "none"
	}
}

// Period is a length of time as laws count it: calendar years and months first,
// then days, then hours.
type Period struct {
	Years  int `json:"years,omitempty"`
	Months int `json:"months,omitempty"`
	Days   int `json:"days,omitempty"`
	Hours  int `json:"hours,omitempty"`
}

// IsZero reports whether no period is given.
func (p Period) IsZero() bool { return p == Period{} }

// After returns the moment the period ends that began at t, in UTC. Years and
// months end on the day of the same number, or on the last day of a month that
// has none (Regulation 1182/71 article 3(2)(c)): a month after 31 January is 28
// or 29 February, a year after 29 February is 28 February.
func (p Period) After(t time.Time) time.Time {
	t = t.UTC()
	if m := p.Years*12 + p.Months; m != 0 {
		year, month, day := t.Date()
		first := time.Date(year, month+time.Month(m), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
		last := first.AddDate(0, 1, -1).Day()
		t = first.AddDate(0, 0, min(day, last)-1)
	}
	return t.AddDate(0, 0, p.Days).Add(time.Duration(p.Hours) * time.Hour)
}

// Rule is one deletion class of the retention schedule: how long its data are
// kept, and from when on. MaxFromCollection ends data whose start never comes;
// zero is no such end. A rule with neither period keeps for ever.
type Rule struct {
	Class             events.Class `json:"class"`
	Anchor            Anchor       `json:"anchor"`
	Keep              Period       `json:"keep,omitzero"`
	MaxFromCollection Period       `json:"max,omitzero"`
	Clause            string       `json:"clause,omitempty"`
}

// Schedule is one version of the retention schedule. Versions count up from 1
// and are never changed.
//
// Data are judged by the rule of their collection and by the rule of today, and
// the earlier end counts: a longer period does not extend what was collected
// under a shorter one. LongerOK lifts that for a class, with the recorded legal
// ground as its value.
type Schedule struct {
	Version  int                     `json:"version"`
	Rules    []Rule                  `json:"rules"`
	LongerOK map[events.Class]string `json:"longer_ok,omitempty"`
}

func (s *Schedule) check() error {
	if s.Version < 1 {
		return fmt.Errorf("schedule %d: versions count from 1", s.Version)
	}
	seen := map[events.Class]bool{}
	for _, r := range s.Rules {
		keeps, most := r.Keep, r.MaxFromCollection
		switch {
		case r.Class == "" || seen[r.Class]:
			return fmt.Errorf("schedule %d: class %q stands twice or has no name", s.Version, r.Class)
		case r.Anchor > AnchorRelationship:
			return fmt.Errorf("schedule %d: class %s has an unknown anchor", s.Version, r.Class)
		case min(keeps.Years, keeps.Months, keeps.Days, keeps.Hours, most.Years, most.Months, most.Days, most.Hours) < 0:
			return fmt.Errorf("schedule %d: class %s has a negative period", s.Version, r.Class)
		case r.Anchor != AnchorNone && r.Keep.IsZero():
			return fmt.Errorf("schedule %d: class %s has an anchor and no period", s.Version, r.Class)
		}
		seen[r.Class] = true
	}
	for c, ground := range s.LongerOK {
		if !seen[c] || ground == "" {
			return fmt.Errorf("schedule %d: class %s may not be kept longer without a rule and a recorded ground", s.Version, c)
		}
	}
	return nil
}

// plan is every version of the schedule, for computing when keys end. A value
// is never changed.
type plan struct {
	now    *Schedule                     // nil before the first SetSchedule
	rules  map[int]map[events.Class]Rule // by version
	stored map[int]string                // the versions as they rest
}

func (p *plan) with(s *Schedule, doc string) *plan {
	next := &plan{now: p.now, rules: map[int]map[events.Class]Rule{}, stored: map[int]string{}}
	for v, r := range p.rules {
		next.rules[v], next.stored[v] = r, p.stored[v]
	}
	byClass := make(map[events.Class]Rule, len(s.Rules))
	for _, r := range s.Rules {
		byClass[r.Class] = r
	}
	next.rules[s.Version], next.stored[s.Version] = byClass, doc
	if next.now == nil || s.Version > next.now.Version {
		next.now = s
	}
	return next
}

// version is what keys minted now are stamped with.
func (p *plan) version() int {
	if p.now == nil {
		return events.ScheduleVersion
	}
	return p.now.Version
}

// span is what the end of a key depends on, besides the schedule.
type span struct {
	class     events.Class
	anchor    Anchor // the request's own, or AnchorNone
	version   int    // of the schedule at collection
	collected time.Time
	process   time.Time // zero while it goes on
	relation  time.Time // zero when nothing is known
}

// end returns when a key is due, zero when there is no date (yet).
func (p *plan) end(s *span) time.Time {
	if p.now == nil {
		return time.Time{}
	}
	today, ruled := p.rules[p.now.Version][s.class]
	var end time.Time
	if ruled {
		end = today.end(s)
	}
	then, was := p.rules[s.version][s.class]
	if !was || s.version == p.now.Version || p.now.LongerOK[s.class] != "" && ruled {
		return end
	}
	return earlier(end, then.end(s))
}

// end is the end by one rule. Data that were collected after the start that the
// rule names, such as a note in a closed ticket, have their period from their
// own collection.
func (r *Rule) end(s *span) time.Time {
	anchor := r.Anchor
	if s.anchor != AnchorNone {
		anchor = s.anchor
	}
	var start, end time.Time
	switch anchor {
	case AnchorCollected:
		start = s.collected
	case AnchorProcess:
		start = s.process
	case AnchorRelationship:
		start = s.relation
	case AnchorNone:
	}
	if !start.IsZero() && !r.Keep.IsZero() {
		if start.Before(s.collected) {
			start = s.collected
		}
		end = r.Keep.After(start)
	}
	if !r.MaxFromCollection.IsZero() {
		end = earlier(end, r.MaxFromCollection.After(s.collected))
	}
	return end
}

// earlier is the earlier of two moments; a zero one does not count.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
