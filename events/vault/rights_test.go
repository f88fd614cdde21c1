package vault_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// TestRestrictedKeysOpenForClaimsConsentLawAndThePersonOnly
//
// clause: 2.4
func TestRestrictedKeysOpenForClaimsConsentLawAndThePersonOnly(t *testing.T) {
	v := newPlace(t).open(t)
	kids := names(mint(t, v, requests(2, subject(1))...))
	other := names(mint(t, v, request(subject(2))))
	open(t, v, kids...) // into the cache
	if err := v.Restrict(t.Context(), subject(1), true, "request-1"); err != nil {
		t.Fatal(err)
	}
	state := func(p events.Principal, kid events.KID) events.State {
		t.Helper()
		r, err := v.Keys(t.Context(), p, []events.KID{kid})
		if err != nil {
			t.Fatal(err)
		}
		return r[0].State
	}
	for p, want := range map[events.Principal]events.State{
		agent: events.Restricted,
		{Actor: "system:worker", Role: events.RoleOutbox, Purpose: events.PurposeSupport}:                 events.Restricted,
		{Actor: "agent:1", Role: events.RoleInvestigator, Purpose: events.PurposeFraud, Matter: "case-1"}: events.Restricted,
		{Actor: "agent:1", Role: events.RoleLegal, Purpose: events.PurposeLegal}:                          events.Plain,
		{Actor: "agent:1", Role: events.RoleDispute, Purpose: events.PurposeDispute, Matter: "dispute-1"}: events.Plain,
		{Actor: "agent:1", Role: events.RolePrivacy, Purpose: events.PurposeDSR}:                          events.Plain,
		{Actor: "agent:1", Role: events.RolePrivacy, Purpose: events.PurposeConsent, Matter: "consent-1"}: events.Plain,
		{Actor: "agent:1", Role: events.RoleAgent, Purpose: events.PurposeDSR}:                            events.Denied,
	} {
		if got := state(p, kids[0]); got != want {
			t.Errorf("%s for %s gets %v, want %v", p.Role, p.Purpose, got, want)
		}
	}
	if got := state(agent, other[0]); got != events.Plain {
		t.Errorf("somebody else's key is %v", got)
	}
	list, err := v.Restrictions(t.Context())
	if err != nil || len(list) != 1 || list[0].Subject != subject(1) || list[0].Why != "request-1" {
		t.Errorf("restrictions %+v (%v)", list, err)
	}
	// A redaction waits, the person's own order does not.
	d, err := v.Destroy(t.Context(), vault.Order{ID: events.NewUUID(), Cause: vault.CauseRedaction}, kids[:1])
	if err != nil || len(d.Deferred) != 1 {
		t.Errorf("redaction of a restricted key: %+v, %v", d, err)
	}
	if d := destroy(t, v, kids[1]); len(d.Killed) != 1 {
		t.Errorf("erasure of a restricted key: %+v", d)
	}
	if err := v.Restrict(t.Context(), subject(1), false, ""); err != nil {
		t.Fatal(err)
	}
	if got := open(t, v, kids...); got[0].State != events.Erased || got[0].Tomb.Cause != vault.CauseRedaction {
		t.Errorf("after the restriction the waiting key is %v", got[0].State)
	}
	tombs, err := v.Tombs(t.Context(), append(kids, other...))
	if err != nil || len(tombs) != 2 || len(tombs[kids[0]].Commit) != 16 || tombs[kids[1]].Cause != vault.CauseSubject {
		t.Errorf("tombstones %+v (%v)", tombs, err)
	}
}

// TestHoldsHaveWindowsReviewsAndFollowBindings
//
// clause: 3.2
func TestHoldsHaveWindowsReviewsAndFollowBindings(t *testing.T) {
	p, c := newPlace(t), newClock()
	cfg := p.config()
	cfg.Now = c.now
	v := openWith(t, cfg)
	aged := func(days int) vault.Request {
		r := request(subject(1))
		r.Collected = c.at.AddDate(0, 0, -days)
		return r
	}
	kids := names(mint(t, v, aged(10), aged(5), aged(0)))
	window := vault.HoldOrder{ID: events.NewUUID(), Authority: "case-1", Since: c.at.AddDate(0, 0, -7), Until: c.at.AddDate(0, 0, -1), Review: c.at.AddDate(0, 1, 0)}
	held, err := v.Hold(t.Context(), window)
	if err != nil || held.Keys != 1 {
		t.Fatalf("held %+v (%v), want the key of five days ago", held, err)
	}
	ticket := events.TicketStream("t1")
	onTicket := vault.HoldOrder{ID: events.NewUUID(), Authority: "case-2", Streams: []events.Stream{ticket}}
	if _, err := v.Hold(t.Context(), onTicket); err != nil {
		t.Fatal(err)
	}
	early, late := aged(0), aged(0)
	bound := names(mint(t, v, early))
	for _, r := range []vault.Request{early, late} {
		if err := v.Move(t.Context(), vault.Move{Ref: string(r.Stream), Bound: string(ticket)}); err != nil {
			t.Fatal(err)
		}
	}
	bound = append(bound, names(mint(t, v, late, aged(3)))...)
	d := destroy(t, v, append(slices.Clone(kids), bound...)...)
	want := vault.Destroyed{Killed: []events.KID{kids[0], kids[2]}, Deferred: []events.KID{kids[1], bound[0], bound[1], bound[2]}}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("destroyed (-want +got):\n%s", diff)
	}
	list, err := v.Holds(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("holds %+v (%v)", list, err)
	}
	for _, h := range list {
		switch h.ID {
		case window.ID:
			if h.Keys != 2 || h.Deferred != 2 || h.Overdue(c.at) || !h.Overdue(c.at.AddDate(0, 2, 0)) || len(h.Scopes) != 1 || !h.Scopes[0].Since.Equal(window.Since) {
				t.Errorf("the window: %+v", h)
			}
		case onTicket.ID:
			if h.Keys != 2 || h.Overdue(c.at.AddDate(9, 0, 0)) {
				t.Errorf("the ticket: %+v", h)
			}
		}
	}
	if _, err := v.Hold(t.Context(), vault.HoldOrder{ID: events.NewUUID(), Authority: "x", Since: c.at, Until: c.at}); err == nil {
		t.Error("a window that ends before it begins was taken")
	}
}

// TestOrphansAreSweptAndNothingElse is F26: keys without an event go after a
// while; those of events in the log or on the bus, and young ones, stay.
//
// clause: S4
func TestOrphansAreSweptAndNothingElse(t *testing.T) {
	p, c := newPlace(t), newClock()
	cfg := p.config()
	cfg.Now = c.now
	v := openWith(t, cfg)
	reqs := requests(2500, subject(1))
	kids := names(mint(t, v, reqs...))
	written := map[events.UUID]bool{}
	for i := range reqs {
		if i%5 != 0 {
			written[reqs[i].Event] = true
		}
	}
	asked := 0
	exists := func(_ context.Context, ids []events.UUID) (map[events.UUID]bool, error) {
		asked += len(ids)
		out := map[events.UUID]bool{}
		for _, id := range ids {
			if written[id] {
				out[id] = true
			}
		}
		return out, nil
	}
	sweep := func(want int) {
		t.Helper()
		if n, err := v.Orphans(t.Context(), time.Hour, exists); err != nil || n != want {
			t.Fatalf("%d orphans destroyed (%v), want %d", n, err, want)
		}
	}
	sweep(0)
	c.at = c.at.Add(2 * time.Hour)
	young := names(mint(t, v, requests(3, subject(1))...))
	away := errors.New("the log is away")
	if _, err := v.Orphans(t.Context(), time.Hour, func(context.Context, []events.UUID) (map[events.UUID]bool, error) { return nil, away }); !errors.Is(err, away) {
		t.Fatalf("with the log away: %v", err)
	}
	sweep(500)
	if asked != 2500 {
		t.Errorf("asked for %d events, want each once", asked)
	}
	shut(t, v)
	v = openWith(t, cfg)
	sweep(0)
	if asked != 2500 {
		t.Errorf("asked again for events it knew: %d", asked)
	}
	for i, r := range open(t, v, kids...) {
		if want := i%5 == 0; (r.State == events.Erased) != want {
			t.Fatalf("key %d is %v", i, r.State)
		} else if want && r.Tomb.Cause != vault.CauseOrphan {
			t.Fatalf("key %d has the cause %q", i, r.Tomb.Cause)
		}
	}
	open(t, v, young...)
}

// TestPlacesInTheLogRestWithTheVault
func TestPlacesInTheLogRestWithTheVault(t *testing.T) {
	p := newPlace(t)
	v := p.open(t)
	if b, err := v.Checkpoint(t.Context(), "anchors"); b != nil || err != nil {
		t.Errorf("before: %q, %v", b, err)
	}
	for _, s := range []string{"1", "2"} {
		if err := v.SetCheckpoint(t.Context(), "anchors", []byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	shut(t, v)
	v = p.open(t)
	if b, err := v.Checkpoint(t.Context(), "anchors"); string(b) != "2" || err != nil {
		t.Errorf("after a restart: %q, %v", b, err)
	}
}

// TestMatrixIsThatOfThePolicy is acceptance test 3: every cell of PRIVACY 1.2,
// written out by hand. What is not listed is denied. + opens, m opens a part, and
// a star wants the case or reason, two stars a second person as well.
//
// clause: 2.1 2.2 2.3 2.4
func TestMatrixIsThatOfThePolicy(t *testing.T) {
	v := newPlace(t).open(t)
	categories := []events.Category{events.Contact, events.Account, events.Communication, events.Usage, events.Special, events.Fraud}
	table := `
agent support              +  m  +   -  m*  -
admin support              +  m  +   -  m*  -
view support               +  +  +   -  -   -
desk support               +  +  +   -  -   -
outbox support             +  -  +   -  -   -
outbox admin-message       +  -  -   -  -   -
outbox promo               +  -  -   m  -   -
outbox personalise         +  -  -   m  -   -
stats improve              -  -  -   +  -   -
investigator fraud         +  +  +*  +  -   +**
dispute dispute            +  m  +*  -  -   m
legal legal                +* +  +   +  +*  +
privacy dsr                +  +  +   +  +   +*
privacy consent            +* -  +*  -  -   -`
	want := map[string]string{}
	for line := range strings.Lines(strings.TrimSpace(table)) {
		f := strings.Fields(line)
		for i, c := range categories {
			want[f[0]+" "+f[1]+" "+string(c)] = f[2+i]
		}
	}
	kids := map[events.Category]events.KID{}
	for _, c := range categories {
		r := request(subject(1))
		r.Category = c
		kids[c] = mint(t, v, r)[0].KID
	}
	roles := []events.Role{events.RoleAgent, events.RoleAdmin, events.RoleView, events.RoleDesk, events.RoleOutbox, events.RoleStats, events.RoleInvestigator, events.RoleDispute, events.RoleLegal, events.RolePrivacy, ""}
	purposes := []events.Purpose{events.PurposeSupport, events.PurposeAdmin, events.PurposePromotion, events.PurposePersonalise, events.PurposeImprove, events.PurposeFraud, events.PurposeDispute, events.PurposeLegal, events.PurposeDSR, events.PurposeConsent, ""}
	opened := 0
	for _, role := range roles {
		for _, purpose := range purposes {
			for _, c := range categories {
				cell := want[string(role)+" "+string(purpose)+" "+string(c)]
				for _, p := range []events.Principal{
					{Actor: "agent:1", Role: role, Purpose: purpose},
					{Actor: "agent:1", Role: role, Purpose: purpose, Matter: "case-1"},
					{Actor: "agent:1", Role: role, Purpose: purpose, Matter: "case-1", Second: "agent:1"},
					{Actor: "agent:1", Role: role, Purpose: purpose, Matter: "case-1", Second: "agent:2"},
				} {
					state := events.Denied
					stars := strings.Count(cell, "*")
					if cell != "" && cell[0] != '-' && (stars == 0 || p.Matter != "" && (stars == 1 || p.Second == "agent:2")) {
						state = map[byte]events.State{'+': events.Plain, 'm': events.Masked}[cell[0]]
						opened++
					}
					r, err := v.Keys(t.Context(), p, []events.KID{kids[c]})
					if err != nil {
						t.Fatal(err)
					}
					if r[0].State != state {
						t.Errorf("%s %s %s, matter %q, second %q: %v, want %v", role, purpose, c, p.Matter, p.Second, r[0].State, state)
					}
					if r[0].State == events.Denied && (r[0].DEK != [32]byte{} || !strings.Contains(r[0].Why, string(c)) || !strings.Contains(r[0].Why, events.PolicyVersion)) {
						t.Errorf("%s %s %s: a denial with a key, or without its rule: %q", role, purpose, c, r[0].Why)
					}
				}
			}
		}
	}
	if opened < 100 {
		t.Errorf("only %d openings were allowed: the table was not read", opened)
	}
	lines, err := v.Accesses(t.Context(), kids[events.Fraud])
	if err != nil {
		t.Fatal(err)
	}
	with := slices.IndexFunc(lines, func(a vault.Access) bool {
		return a.Who.Second == "agent:2" && a.Opened == 1 && a.Who.Purpose == events.PurposeFraud
	})
	if with < 0 || lines[with].Who.Matter != "case-1" {
		t.Error("the log does not say for which case and with whom a file was opened")
	}
}

// TestLaxerPolicyDoesNotWidenOldData: segments are judged by the policy of their
// collection and by the one of today.
//
// clause: PE
func TestLaxerPolicyDoesNotWidenOldData(t *testing.T) {
	p := newPlace(t)
	v := p.open(t)
	old := mint(t, v, request(subject(1)))[0].KID
	usage := request(subject(1))
	usage.Category = events.Usage
	oldUsage := mint(t, v, usage)[0].KID
	next := vault.FoundingPolicy()
	next.Version = "WSPP/2027-01-01"
	next.Cells = slices.DeleteFunc(next.Cells, func(c vault.Cell) bool {
		return c.Role == events.RoleAgent && c.Category == events.Communication // stricter
	})
	next.Cells = append(next.Cells, vault.Cell{Role: events.RoleAgent, Purpose: events.PurposeSupport, Category: events.Usage, Give: vault.All}) // laxer
	for range 2 {
		if err := v.SetPolicy(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		newUsage := mint(t, v, usage)[0].KID
		got := open(t, v, old, oldUsage, newUsage)
		for i, want := range []events.State{events.Denied, events.Denied, events.Plain} {
			if got[i].State != want {
				t.Errorf("segment %d is %v (%s), want %v", i, got[i].State, got[i].Why, want)
			}
		}
		shut(t, v)
		v = p.open(t)
	}
	next.Cells = nil
	if err := v.SetPolicy(t.Context(), next); err == nil {
		t.Error("a version of the policy was changed")
	}
}
