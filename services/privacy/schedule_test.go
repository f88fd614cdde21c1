package privacy_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/services/privacy"
)

// TestEverySealedFieldIsInTheRegistersWords is PRIVACY test 33 (static): every
// sealed field of every event has a category, a purpose and a class with a rule.
//
// clause: 1.1 1.2 1.3 1.4
func TestEverySealedFieldIsInTheRegistersWords(t *testing.T) {
	r := open(t, journaltest.New(t), &clock{monday})
	categories, purposes, rules := map[events.Category]bool{}, map[events.Purpose]bool{}, map[events.Class]bool{}
	for _, c := range privacy.Categories() {
		categories[c.ID] = true
	}
	for _, p := range privacy.Purposes() {
		purposes[p.ID] = true
	}
	for _, rule := range r.Now().Schedule().Rules {
		rules[rule.Class] = true
	}
	for _, k := range events.Catalogue() {
		for _, s := range k.Segments {
			if !categories[s.Category] {
				t.Errorf("%s.%s: category %s is not in the registry (services/privacy/purpose.go)", k.Name, s.Field, s.Category)
			}
			if !rules[s.Class] {
				t.Errorf("%s.%s: class %s has no rule in the schedule (services/privacy/schedule.go)", k.Name, s.Field, s.Class)
			}
			for _, p := range s.Purposes {
				if !purposes[p] {
					t.Errorf("%s.%s: purpose %s is not in the registry (services/privacy/purpose.go)", k.Name, s.Field, p)
				}
			}
		}
	}
	// The four categories of the policy's first section are there whether or not an
	// event carries them yet.
	for clause, category := range map[events.ClauseID]events.Category{"1.1": events.Contact, "1.2": events.Account, "1.3": events.Communication, "1.4": events.Usage} {
		if !categories[category] {
			t.Errorf("clause %s: category %s is missing", clause, category)
		}
	}
}

func TestPeriods(t *testing.T) {
	for text, want := range map[string]vault.Period{
		"": {}, "P24M": {Months: 24}, "P5Y": {Years: 5}, "PT24H": {Hours: 24}, "P1Y6M10DT2H": {Years: 1, Months: 6, Days: 10, Hours: 2},
	} {
		if got, err := privacy.ParsePeriod(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"P", "24M", "P24", "PT24M", "P1W", "PT", "P-1D", "P99999Y", "PM", "PTT1H"} {
		if got, err := privacy.ParsePeriod(text); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

// TestPeriodsEndOnTheRightDay is the month table of PRIVACY test 18 (Regulation
// 1182/71 article 3): leap day, ends of months, both changes of summer time.
//
// clause: PE
func TestPeriodsEndOnTheRightDay(t *testing.T) {
	for _, c := range []struct{ from, period, want string }{
		{"2026-01-31T10:00:00Z", "P1M", "2026-02-28T10:00:00Z"},
		{"2028-01-31T10:00:00Z", "P1M", "2028-02-29T10:00:00Z"},
		{"2024-02-29T00:00:00Z", "P24M", "2026-02-28T00:00:00Z"},
		{"2024-02-29T00:00:00Z", "P4Y", "2028-02-29T00:00:00Z"},
		{"2026-03-31T23:59:59Z", "P1M", "2026-04-30T23:59:59Z"},
		{"2026-10-24T22:30:00+02:00", "P1D", "2026-10-25T20:30:00Z"}, // clocks go back that night
		{"2026-03-28T22:30:00+01:00", "P1D", "2026-03-29T21:30:00Z"}, // and forward that one
		{"2026-12-31T23:00:00Z", "PT24H", "2027-01-01T23:00:00Z"},
	} {
		from, err := time.Parse(time.RFC3339, c.from)
		must(t, err)
		p, err := privacy.ParsePeriod(c.period)
		must(t, err)
		if got := p.After(from).Format(time.RFC3339); got != c.want {
			t.Errorf("%s from %s ends %s, want %s", c.period, c.from, got, c.want)
		}
	}
}

// TestScheduleChangesAreVersionsAndPassedOn: the vault gets every version in
// order, a stale preview is refused, keeping longer needs a recorded ground.
//
// clause: 1.3 PE
func TestScheduleChangesAreVersionsAndPassedOn(t *testing.T) {
	k, c := journaltest.New(t), &clock{monday}
	var told []int
	config := func(cfg *privacy.Config) {
		cfg.Scheduled = func(ctx context.Context, s events.RetentionScheduleChanged) error {
			told = append(told, s.Version)
			compiled, err := privacy.Compile(s)
			if err != nil {
				return err
			}
			return k.Vault.SetSchedule(ctx, compiled)
		}
	}
	r := open(t, k, c, config)
	change := events.RetentionScheduleChanged{Rules: []events.RetentionRule{{Class: events.ClassComm, Anchor: "process", Keep: "P12M", Max: "P5Y"}}, Reason: "the controller decided"}
	draft, err := r.Draft(change)
	must(t, err)
	diff := privacy.Compare(r.Now().Schedule().RetentionScheduleChanged, draft)
	if len(diff) != 1 || diff[0].Kind != "changed" || diff[0].Before.Keep != "P24M" || diff[0].After.Keep != "P12M" || diff[0].After.Clause != "1.3" {
		t.Errorf("difference %+v", diff)
	}
	must(t, r.ChangeSchedule(t.Context(), by(), draft.Version, change))
	var rule *privacy.RuleError
	if err := r.ChangeSchedule(t.Context(), by(), draft.Version, change); !errors.As(err, &rule) || rule.Field != "version" {
		t.Errorf("a stale preview was taken: %v", err)
	}
	for _, bad := range []events.RetentionScheduleChanged{
		{Rules: []events.RetentionRule{{Class: "R-X", Anchor: "process", Keep: "P1M", Clause: "9.9"}}},
		{Rules: []events.RetentionRule{{Class: events.ClassComm, Anchor: "someday", Keep: "P1M"}}},
		{Rules: []events.RetentionRule{{Class: events.ClassComm, Anchor: "process", Keep: ""}}},
		{Longer: []events.RetentionGround{{Class: events.ClassComm}}},
	} {
		if _, err := r.Draft(bad); !errors.As(err, &rule) {
			t.Errorf("%+v was taken: %v", bad, err)
		}
	}
	if got := k.Vault.ScheduleVersion(); got != 2 {
		t.Errorf("the vault has schedule %d, want 2", got)
	}
	told = nil
	open(t, k, c, config)
	if diff := cmp.Diff([]int{1, 2}, told); diff != "" {
		t.Errorf("after a restart: %s", diff)
	}
	if _, sv := r.Stamp(monday.Add(time.Second)); sv != 2 {
		t.Errorf("events carry schedule %d, want 2", sv)
	}
}
