package privacy

import (
	"fmt"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// Schedule is a version of the retention schedule, with when it was decided.
type Schedule struct {
	events.RetentionScheduleChanged
	At time.Time
}

// Limits of a sweep as they are until the controller decides otherwise.
var defaultLimits = events.RetentionLimits{
	AutoKeys: 10_000, AutoFloor: 100, AutoShare: 5_000, ClockStep: 3600, ClockGap: 7 * 24 * 3600,
}

// defaultSchedule is the first schedule: the deletion classes of PRIVACY 2.3.
// Its periods are proposals; the controller decides on them.
func defaultSchedule() events.RetentionScheduleChanged {
	const collected, process, relationship = "collected", "process", "relationship"
	rule := func(class events.Class, anchor, keep, most string, clause events.ClauseID, what string) events.RetentionRule {
		return events.RetentionRule{Class: class, Anchor: anchor, Keep: keep, Max: most, Clause: clause, What: what}
	}
	return events.RetentionScheduleChanged{
		Version: events.ScheduleVersion, Limits: defaultLimits, Reason: "proposed with the product, for the controller to decide",
		Rules: []events.RetentionRule{
			rule(events.ClassComm, process, "P24M", "P5Y", "1.3", "what customers and agents wrote, from the end of the ticket"),
			rule(events.ClassContact, relationship, "P24M", "", "1.1", "names and addresses, from the last activity"),
			rule(events.ClassAccount, relationship, "P30D", "", "1.2", "accounts, from their end"),
			rule(events.ClassUsage, collected, "P30D", "", "1.4", "how the service is used"),
			rule(events.ClassSpecial, collected, "PT24H", "", "1.3", "what must not be kept: card numbers, health slips"),
			rule(events.ClassOut, process, "P30D", "P12M", "2.2", "rendered outgoing messages, from their delivery"),
			rule(events.ClassConsent, relationship, "P3Y", "P10Y", "2.3", "proof of consent, objection and suppression, from the last activity"),
			rule(events.ClassRequester, process, "P30D", "P24M", "2.2", "how to reach who made a request, from its end"),
			rule(events.ClassPack, collected, "P14D", "", "2.2", "copies of data made for their subject"),
			rule(events.ClassFraud, process, "P24M", "P6Y", "2.4", "case files, from the end of the case"),
			rule(events.ClassLegal, process, "P6Y", "P12Y", "3.2", "legal demands and holds, from their end"),
			rule(events.ClassLegalExport, process, "P30D", "P24M", "3.2", "copies made for an authority, from the end of the demand"),
		},
	}
}

// ParseAnchor reads the start of a period as schedules write it.
func ParseAnchor(s string) (vault.Anchor, error) {
	for _, a := range []vault.Anchor{vault.AnchorCollected, vault.AnchorProcess, vault.AnchorRelationship} {
		if s == a.String() {
			return a, nil
		}
	}
	return vault.AnchorNone, fmt.Errorf("start %q: one of collected, process, relationship", s)
}

// Compile turns a schedule into what the vault computes due dates with.
func Compile(s events.RetentionScheduleChanged) (vault.Schedule, error) {
	out := vault.Schedule{Version: s.Version}
	clauses := map[events.ClauseID]bool{}
	for _, id := range ClauseIDs() {
		clauses[id] = true
	}
	seen := map[events.Class]bool{}
	for _, r := range s.Rules {
		var err error
		rule := vault.Rule{Class: r.Class, Clause: string(r.Clause)}
		if rule.Anchor, err = ParseAnchor(r.Anchor); err != nil {
			return out, fmt.Errorf("class %s: %w", r.Class, err)
		}
		if rule.Keep, err = ParsePeriod(r.Keep); err != nil {
			return out, fmt.Errorf("class %s: %w", r.Class, err)
		}
		if rule.MaxFromCollection, err = ParsePeriod(r.Max); err != nil {
			return out, fmt.Errorf("class %s: %w", r.Class, err)
		}
		switch {
		case r.Class == "" || seen[r.Class]:
			return out, fmt.Errorf("class %q stands twice or has no name", r.Class)
		case !clauses[r.Clause]:
			return out, fmt.Errorf("class %s: there is no clause %q", r.Class, r.Clause)
		case rule.Keep == (vault.Period{}):
			return out, fmt.Errorf("class %s: it is never destroyed; personal data need an end (GDPR Art. 5(1)(e))", r.Class)
		}
		seen[r.Class] = true
		out.Rules = append(out.Rules, rule)
	}
	for _, class := range UsedClasses() {
		if !seen[class] {
			return out, fmt.Errorf("class %s of the catalogue of events has no rule", class)
		}
	}
	if len(s.Longer) > 0 {
		out.LongerOK = map[events.Class]string{}
	}
	for _, l := range s.Longer {
		if l.Ground == "" || !seen[l.Class] {
			return out, fmt.Errorf("class %s: keeping old data longer needs a legal ground and a rule", l.Class)
		}
		out.LongerOK[l.Class] = l.Ground
	}
	if l := s.Limits; l.AutoKeys < 0 || l.AutoFloor < 0 || l.AutoShare < 0 || l.AutoShare > 1_000_000 || l.ClockStep <= 0 || l.ClockGap < l.ClockStep {
		return out, fmt.Errorf("limits: out of range")
	}
	return out, nil
}

// UsedClasses lists the deletion classes that events of the catalogue carry, in
// the order of the catalogue.
func UsedClasses() []events.Class {
	var out []events.Class
	seen := map[events.Class]bool{}
	for _, k := range events.Catalogue() {
		for _, s := range k.Segments {
			if !seen[s.Class] {
				seen[s.Class] = true
				out = append(out, s.Class)
			}
		}
	}
	return out
}

// Difference is what a new schedule changes for one class.
type Difference struct {
	Class  events.Class          `json:"class"`
	Kind   string                `json:"kind" enum:"added,removed,changed,longer_allowed"`
	Before *events.RetentionRule `json:"before,omitempty"`
	After  *events.RetentionRule `json:"after,omitempty"`
}

// Compare lists what changes from one schedule to another, in the order of the
// new one's rules, then what it leaves out.
func Compare(before, after events.RetentionScheduleChanged) []Difference {
	old, longer := map[events.Class]*events.RetentionRule{}, map[events.Class]bool{}
	for i := range before.Rules {
		old[before.Rules[i].Class] = &before.Rules[i]
	}
	for _, l := range before.Longer {
		longer[l.Class] = true
	}
	out := []Difference{}
	kept := map[events.Class]bool{}
	for i := range after.Rules {
		r := &after.Rules[i]
		kept[r.Class] = true
		was, had := old[r.Class]
		switch {
		case !had:
			out = append(out, Difference{Class: r.Class, Kind: "added", After: r})
		case was.Anchor != r.Anchor || was.Keep != r.Keep || was.Max != r.Max:
			out = append(out, Difference{Class: r.Class, Kind: "changed", Before: was, After: r})
		}
	}
	for i := range before.Rules {
		if r := &before.Rules[i]; !kept[r.Class] {
			out = append(out, Difference{Class: r.Class, Kind: "removed", Before: r})
		}
	}
	for _, l := range after.Longer {
		if !longer[l.Class] {
			out = append(out, Difference{Class: l.Class, Kind: "longer_allowed"})
		}
	}
	return out
}
