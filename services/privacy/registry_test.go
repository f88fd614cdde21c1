package privacy_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/services/privacy"
)

func TestRegistryIsFoundedOnce(t *testing.T) {
	k, c := journaltest.New(t), &clock{monday}
	open(t, k, c)
	r := open(t, k, c)
	if n := len(r.Now().Policies) + len(r.Now().Schedules); n != 2 {
		t.Errorf("%d policies and schedules after two starts, want 2", n)
	}
	if p := r.Now().Policies[0]; p.Policy != events.PolicyVersion || hash([]byte(p.Text)) != p.SHA256 {
		t.Errorf("founded with %s, whose hash is not that of its text", p.Policy)
	}
}

func nextPolicy(effective time.Time) events.PolicyVersionPublished {
	return events.PolicyVersionPublished{Policy: "WSPP/2027-01-01", Effective: effective, Text: strings.Repeat("We keep what you write for a year. ", 10), Material: true}
}

// TestEventsCarryThePolicyInForceAtTheirTime is PRIVACY test 30: one second before
// and after the switch, whenever they are written.
//
// clause: PE
func TestEventsCarryThePolicyInForceAtTheirTime(t *testing.T) {
	k, c := journaltest.New(t), &clock{monday}
	var inForce []string
	r := open(t, k, c, func(cfg *privacy.Config) {
		cfg.InForce = func(_ context.Context, p events.PolicyVersionPublished) error {
			inForce = append(inForce, p.Policy)
			return nil
		}
	})
	k.StampWith(r.Stamp)
	at := monday.AddDate(0, 1, 8)
	must(t, r.Publish(t.Context(), by(), nextPolicy(at)))
	c.now = at.Add(time.Hour)
	must(t, r.Announce(t.Context()))
	must(t, r.Announce(t.Context()))
	for _, e := range []struct {
		at   time.Time
		want string
	}{{at.Add(-time.Second), events.PolicyVersion}, {at, "WSPP/2027-01-01"}, {at.Add(time.Second), "WSPP/2027-01-01"}, {time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), events.PolicyVersion}} {
		id := events.TicketID(events.NewUUID().String())
		_, err := k.Append(t.Context(), events.TicketStream(id), events.NoStream, journal.By{Command: events.NewUUID(), Actor: "agent:1", At: e.at}, events.TicketResolved{Ticket: id})
		must(t, err)
		recs, err := k.Load(t.Context(), events.TicketStream(id), nil)
		must(t, err)
		if got := recs[0].Meta.Policy; got != e.want {
			t.Errorf("event of %s carries %s, want %s", e.at, got, e.want)
		}
	}
	history, err := k.Load(t.Context(), events.RegistryStream, nil)
	must(t, err)
	announced := 0
	for _, h := range history {
		if e, ok := h.Event.(events.PolicyVersionEffective); ok && e.Policy == "WSPP/2027-01-01" && e.Since.Equal(at) {
			announced++
		}
	}
	if announced != 1 {
		t.Errorf("announced %d times, want 1", announced)
	}
	if diff := cmp.Diff([]string{events.PolicyVersion, "WSPP/2027-01-01"}, inForce); diff != "" {
		t.Errorf("versions passed on as in force: %s", diff)
	}
}

// TestMaterialChangeIsPassedOnBeforeItIsInForce is the last part of PRIVACY test
// 30; that one notice goes to each person is the notices' own promise.
//
// clause: PE 2.2
func TestMaterialChangeIsPassedOnBeforeItIsInForce(t *testing.T) {
	k, c := journaltest.New(t), &clock{monday}
	var told []string
	r := open(t, k, c, func(cfg *privacy.Config) {
		cfg.Material = func(_ context.Context, p events.PolicyVersionPublished) error {
			told = append(told, p.Policy)
			return nil
		}
	})
	must(t, r.Announce(t.Context()))
	must(t, r.Publish(t.Context(), by(), nextPolicy(monday.AddDate(0, 1, 0))))
	must(t, r.Announce(t.Context()))
	if diff := cmp.Diff([]string{"WSPP/2027-01-01"}, told); diff != "" {
		t.Error(diff)
	}
}

// TestPublishedVersionsNeverChange: a policy cannot be changed after the fact, lose
// a clause or reuse a name.
//
// clause: PE
func TestPublishedVersionsNeverChange(t *testing.T) {
	k, c := journaltest.New(t), &clock{monday}
	r := open(t, k, c)
	later := nextPolicy(monday.AddDate(0, 1, 0))
	must(t, r.Publish(t.Context(), by(), later))
	refuse := func(field string, change func(*events.PolicyVersionPublished)) {
		t.Helper()
		p := nextPolicy(monday.AddDate(0, 2, 0))
		p.Policy = "WSPP/2027-02-01"
		change(&p)
		var rule *privacy.RuleError
		if err := r.Publish(t.Context(), by(), p); !errors.As(err, &rule) || rule.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	refuse("policy", func(p *events.PolicyVersionPublished) { p.Policy = later.Policy })
	refuse("effective", func(p *events.PolicyVersionPublished) { p.Effective = monday.Add(-time.Second) })
	refuse("effective", func(p *events.PolicyVersionPublished) { p.Effective = later.Effective })
	refuse("clauses", func(p *events.PolicyVersionPublished) {
		p.Clauses = []events.PolicyClause{{ID: "1.1", Title: "Contact"}}
	})
	refuse("matrix", func(p *events.PolicyVersionPublished) {
		p.Matrix = []events.PolicyGrant{{Purpose: "curiosity", Role: "agent", Category: "C-COMM", Level: "open"}}
	})
	refuse("text", func(p *events.PolicyVersionPublished) { p.Text = "soon" })
}

// TestStricterPolicyGovernsOldDataAndLaxerDoesNot is the middle part of PRIVACY
// test 30: the vault judges by the version at collection and by the one in force.
//
// clause: PE 2.1
func TestStricterPolicyGovernsOldDataAndLaxerDoesNot(t *testing.T) {
	k, c := journaltest.New(t), &clock{monday}
	r := open(t, k, c, func(cfg *privacy.Config) {
		cfg.InForce = func(ctx context.Context, p events.PolicyVersionPublished) error {
			return k.Vault.SetPolicy(ctx, privacy.Matrix(p))
		}
	})
	mint := func(class events.Category) events.KID {
		keys, err := k.Vault.Mint(t.Context(), k.Vault.Begin(), []vault.Request{{
			Event: events.NewUUID(), Stream: "ticket-1", Subject: "00112233445566778899aabbccddeeff", Category: class, Class: events.ClassComm,
		}})
		must(t, err)
		return keys[0].KID
	}
	state := func(kid events.KID, role events.Role, purpose events.Purpose) events.State {
		out, err := k.Vault.Keys(t.Context(), events.Principal{Actor: "agent:1", Role: role, Purpose: purpose}, []events.KID{kid})
		must(t, err)
		return out[0].State
	}
	old, oldUsage := mint(events.Communication), mint(events.Usage)
	if s := state(old, events.RoleAgent, events.PurposeSupport); s != events.Plain {
		t.Fatalf("an agent gets %s of a message", s)
	}
	next := nextPolicy(monday.AddDate(0, 1, 0))
	for _, g := range r.Now().Policies[0].Matrix {
		if g.Role == events.RoleAdmin && g.Category == events.Communication {
			continue // stricter: admins read no messages any more
		}
		next.Matrix = append(next.Matrix, g)
	}
	next.Matrix = append(next.Matrix, events.PolicyGrant{Purpose: events.PurposeSupport, Role: events.RoleAgent, Category: events.Usage, Level: "open"}) // laxer
	must(t, r.Publish(t.Context(), by(), next))
	if s := state(old, events.RoleAdmin, events.PurposeSupport); s != events.Plain {
		t.Errorf("published, not in force: an admin gets %s, want plain", s)
	}
	c.now = next.Effective
	must(t, r.Announce(t.Context()))
	if s := state(old, events.RoleAdmin, events.PurposeSupport); s != events.Denied {
		t.Errorf("stricter rule: an admin gets %s of old data, want denied", s)
	}
	if s := state(oldUsage, events.RoleAgent, events.PurposeSupport); s != events.Denied {
		t.Errorf("laxer rule: an agent gets %s of old data, want denied", s)
	}
	if s := state(mint(events.Usage), events.RoleAgent, events.PurposeSupport); s != events.Plain {
		t.Errorf("laxer rule: an agent gets %s of new data, want plain", s)
	}
}

// TestImproveSeesAggregatesOnly: nobody may open what customers wrote to improve
// the service, and numbers about fewer than ten people are taken out.
//
// clause: 2.1
func TestImproveSeesAggregatesOnly(t *testing.T) {
	for _, g := range privacyMatrix(t) {
		if g.Purpose == events.PurposeImprove && (g.Category != events.Usage || g.Role != events.RoleStats) {
			t.Errorf("role %s may open %s to improve the service", g.Role, g.Category)
		}
	}
	for _, c := range []struct {
		cells map[string]int64
		want  map[string]int64
		gone  int
	}{
		{map[string]int64{"a": 10, "b": 11}, map[string]int64{"a": 10, "b": 11}, 0},
		{map[string]int64{"a": 9, "b": 3, "c": 40}, map[string]int64{"c": 40}, 2},
		{map[string]int64{"a": 9, "b": 12, "c": 40}, map[string]int64{"c": 40}, 2}, // or the total gives a away
		{map[string]int64{"a": 1}, map[string]int64{}, 1},
		{map[string]int64{"a": 0, "b": 40}, map[string]int64{"b": 40}, 0},
	} {
		got, gone := privacy.Suppress(privacy.MinimumGroup, c.cells)
		if diff := cmp.Diff(c.want, got); diff != "" || gone != c.gone {
			t.Errorf("%v: %d suppressed, want %d: %s", c.cells, gone, c.gone, diff)
		}
	}
}

func privacyMatrix(t *testing.T) []events.PolicyGrant {
	t.Helper()
	r := open(t, journaltest.New(t), &clock{monday})
	return r.Now().Policies[0].Matrix
}

func TestChangesOfOtherProcessesArrive(t *testing.T) {
	k, c := journaltest.New(t), &clock{monday}
	mine, theirs := open(t, k, c), open(t, k, c)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- mine.Run(ctx) }()
	must(t, theirs.Register(t.Context(), by(), relay()))
	deadline, tick := time.After(10*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for len(mine.Now().Processors) == 0 {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("a processor registered elsewhere did not arrive")
		}
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("stopped with %v", err)
	}
}
