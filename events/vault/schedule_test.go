package vault_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

func day(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		panic(err)
	}
	return t
}

// TestMonthsEndAsTheLawCountsThem is the table of acceptance test 18.
//
// clause: PE
func TestMonthsEndAsTheLawCountsThem(t *testing.T) {
	for _, c := range []struct {
		from string
		p    vault.Period
		want string
	}{
		{"2026-01-31 09:00", vault.Period{Months: 1}, "2026-02-28 09:00"},
		{"2028-01-31 09:00", vault.Period{Months: 1}, "2028-02-29 09:00"},
		{"2026-01-31 09:00", vault.Period{Months: 3}, "2026-04-30 09:00"},
		{"2026-08-31 09:00", vault.Period{Months: 6}, "2027-02-28 09:00"},
		{"2026-10-31 09:00", vault.Period{Months: 13}, "2027-11-30 09:00"},
		{"2028-02-29 23:59", vault.Period{Years: 1}, "2029-02-28 23:59"},
		{"2028-02-29 23:59", vault.Period{Years: 4}, "2032-02-29 23:59"},
		{"2028-02-29 00:00", vault.Period{Months: 24}, "2030-02-28 00:00"},
		{"2026-12-31 12:00", vault.Period{Months: 2}, "2027-02-28 12:00"},
		{"2026-12-31 12:00", vault.Period{Years: 1, Months: 2, Days: 1}, "2028-03-01 12:00"},
		{"2026-03-29 00:30", vault.Period{Days: 1}, "2026-03-30 00:30"}, // the clocks of Europe change that night
		{"2026-10-25 00:30", vault.Period{Hours: 24}, "2026-10-26 00:30"},
		{"2026-11-22 09:00", vault.Period{Hours: 1}, "2026-11-22 10:00"},
		{"2026-11-22 09:00", vault.Period{}, "2026-11-22 09:00"},
	} {
		if got := c.p.After(day(c.from)); !got.Equal(day(c.want)) {
			t.Errorf("%+v after %s = %s, want %s", c.p, c.from, got.Format("2006-01-02 15:04"), c.want)
		}
	}
	berlin := time.FixedZone("CET", 3600)
	if got := (vault.Period{Months: 1}).After(day("2026-01-31 23:30").In(berlin)); !got.Equal(day("2026-02-28 23:30")) {
		t.Errorf("the zone of the moment moved its end to %s", got)
	}
}

func TestScheduleThatMakesNoSenseIsRefused(t *testing.T) {
	v := newPlace(t).open(t)
	for name, s := range map[string]vault.Schedule{
		"version 0":         {},
		"class twice":       {Version: 1, Rules: []vault.Rule{{Class: "R-A"}, {Class: "R-A"}}},
		"class unnamed":     {Version: 1, Rules: []vault.Rule{{}}},
		"negative period":   {Version: 1, Rules: []vault.Rule{{Class: "R-A", Keep: vault.Period{Days: -1}}}},
		"anchor, no period": {Version: 1, Rules: []vault.Rule{{Class: "R-A", Anchor: vault.AnchorProcess}}},
		"longer, no ground": {Version: 1, Rules: []vault.Rule{{Class: "R-A"}}, LongerOK: map[events.Class]string{"R-A": ""}},
		"longer, no rule":   {Version: 1, LongerOK: map[events.Class]string{"R-A": "law"}},
	} {
		if err := v.SetSchedule(t.Context(), s); err == nil {
			t.Errorf("a schedule with %s was taken", name)
		}
	}
	good := vault.Schedule{Version: 3, Rules: []vault.Rule{{Class: "R-A", Anchor: vault.AnchorCollected, Keep: vault.Period{Days: 1}}}}
	for range 2 {
		if err := v.SetSchedule(t.Context(), good); err != nil {
			t.Fatal(err)
		}
	}
	good.Rules[0].Keep.Days = 2
	if err := v.SetSchedule(t.Context(), good); err == nil {
		t.Error("a version was changed")
	}
	if got := v.ScheduleVersion(); got != 3 {
		t.Errorf("version %d governs, want 3", got)
	}
}

// TestKeysMintedWhileAScheduleComesInGetItsDate: none slips by between the old
// schedule and the new one.
//
// clause: 1.3
func TestKeysMintedWhileAScheduleComesInGetItsDate(t *testing.T) {
	v := newPlace(t).open(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var kids []events.KID
	stop := make(chan struct{})
	for i := range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				keys, err := v.Mint(t.Context(), v.Begin(), requests(1, subject(i)))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				kids = append(kids, keys[0].KID)
				mu.Unlock()
			}
		})
	}
	for version := 1; version <= 5; version++ {
		if err := v.SetSchedule(t.Context(), vault.Schedule{Version: version, Rules: []vault.Rule{
			{Class: events.ClassComm, Anchor: vault.AnchorCollected, Keep: vault.Period{Days: 85 - version}},
		}}); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
	seen := 0
	for i := range 4 {
		list, err := v.SubjectKeys(t.Context(), subject(i))
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range list {
			if seen++; !x.Expires.Equal(x.Minted.AddDate(0, 0, 80)) {
				t.Fatalf("a key minted %s ends %s, want 80 days later", x.Minted, x.Expires)
			}
		}
	}
	if seen != len(kids) || seen == 0 {
		t.Errorf("%d keys are there, %d were minted", seen, len(kids))
	}
}

// book is what a test knows of keys: enough to compute their ends in another way.
type book struct {
	class     events.Class
	collected time.Time
	version   int
	closed    time.Time
}

// TestRandomSchedulesNeverEndAKeyEarlyOrLate is acceptance test 17, as far as the
// vault computes it: nothing is destroyed before its effective end, everything
// eligible goes in the next run, a longer period neither revives nor extends
// silently, reopening clears the anchor, and no more is destroyed than approved.
//
// clause: 1.1 1.2 1.3 1.4
func TestRandomSchedulesNeverEndAKeyEarlyOrLate(t *testing.T) {
	p := newPlace(t)
	classes := []events.Class{"R-A", "R-B", "R-C"}
	rapid.Check(t, func(rt *rapid.T) {
		c := newClock()
		cfg := place{dir: p.dir + fmt.Sprint(time.Now().UnixNano()), key: p.key}.config()
		cfg.Now = c.now
		v, err := vault.Open(t.Context(), cfg)
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = v.Close() }()
		books, dead := map[events.KID]*book{}, map[events.KID]bool{}
		schedules := map[int]vault.Schedule{}
		stream := func(i int) events.Stream { return events.TicketStream(events.TicketID(fmt.Sprint(i))) }
		streams := map[events.KID]int{}
		anchors := map[int]time.Time{}
		must := func(err error) {
			if err != nil {
				rt.Fatal(err)
			}
		}
		version := 0
		steps := rapid.IntRange(3, 14).Draw(rt, "steps")
		for range steps {
			switch rapid.SampledFrom([]string{"schedule", "mint", "mint", "close", "reopen", "pass", "sweep"}).Draw(rt, "do") {
			case "schedule":
				version++
				s := vault.Schedule{Version: version, LongerOK: map[events.Class]string{}}
				for _, class := range classes {
					if rapid.Bool().Draw(rt, "ruled") {
						r := vault.Rule{Class: class, Anchor: vault.Anchor(rapid.IntRange(1, 2).Draw(rt, "anchor")), Keep: vault.Period{Months: rapid.IntRange(1, 30).Draw(rt, "months")}}
						if rapid.Bool().Draw(rt, "max") {
							r.MaxFromCollection = vault.Period{Years: rapid.IntRange(1, 3).Draw(rt, "years")}
						}
						s.Rules = append(s.Rules, r)
						if rapid.IntRange(0, 4).Draw(rt, "longer") == 0 {
							s.LongerOK[class] = "ground"
						}
					}
				}
				schedules[version] = s
				must(v.SetSchedule(t.Context(), s))
			case "mint":
				i := rapid.IntRange(0, 3).Draw(rt, "ticket")
				r := request(subject(i))
				r.Stream, r.Class = stream(i), rapid.SampledFrom(classes).Draw(rt, "class")
				keys, err := v.Mint(t.Context(), v.Begin(), []vault.Request{r})
				must(err)
				at := version
				if at == 0 {
					at = events.ScheduleVersion
				}
				books[keys[0].KID], streams[keys[0].KID] = &book{class: r.Class, collected: c.at, version: at}, i
			case "close":
				i := rapid.IntRange(0, 3).Draw(rt, "ticket")
				anchors[i] = c.at
				must(v.Move(t.Context(), vault.Move{Ref: string(stream(i)), At: c.at}))
			case "reopen":
				i := rapid.IntRange(0, 3).Draw(rt, "ticket")
				delete(anchors, i)
				must(v.Move(t.Context(), vault.Move{Ref: string(stream(i))}))
			case "pass":
				c.at = c.at.AddDate(0, rapid.IntRange(0, 20).Draw(rt, "months"), rapid.IntRange(0, 40).Draw(rt, "days"))
			case "sweep":
				want := map[events.KID]bool{}
				for kid, b := range books {
					b.closed = anchors[streams[kid]]
					if end := expect(b, schedules, version); !dead[kid] && !end.IsZero() && !end.After(c.at) {
						want[kid] = true
					}
				}
				preview, err := v.DueDigest(t.Context(), c.at)
				must(err)
				due, err := v.Due(t.Context(), c.at, 1000)
				must(err)
				kids := make([]events.KID, len(due))
				for i, d := range due {
					kids[i] = d.KID
				}
				if digest, _ := vault.Digest(kids); digest != preview.Digest || preview.N != len(kids) {
					rt.Fatal("the list is not the one of the preview")
				}
				d, err := v.Destroy(t.Context(), vault.Order{ID: events.NewUUID(), Cause: vault.CauseRetention, Due: c.at}, kids)
				must(err)
				got := map[events.KID]bool{}
				for _, kid := range d.Killed {
					got[kid], dead[kid] = true, true
				}
				if diff := cmp.Diff(want, got); diff != "" {
					rt.Fatalf("destroyed at %s (-want +got):\n%s", c.at, diff)
				}
			}
		}
		var live []events.KID
		for kid := range books {
			if !dead[kid] {
				live = append(live, kid)
			}
		}
		ends, err := v.Expiries(t.Context(), live)
		must(err)
		for _, kid := range live {
			b := books[kid]
			b.closed = anchors[streams[kid]]
			if want := expect(b, schedules, version); !ends[kid].Equal(want) {
				rt.Fatalf("a key of %s collected %s under %d, closed %s, ends %s, want %s", b.class, b.collected, b.version, b.closed, ends[kid], want)
			}
		}
	})
}

// expect computes the end of a key the slow way: every date that some rule gives.
func expect(b *book, schedules map[int]vault.Schedule, now int) time.Time {
	ends := func(version int) (out []time.Time) {
		s, ok := schedules[version]
		i := slices.IndexFunc(s.Rules, func(r vault.Rule) bool { return r.Class == b.class })
		if !ok || i < 0 {
			return nil
		}
		r := s.Rules[i]
		start := b.collected
		if r.Anchor == vault.AnchorProcess && b.closed.After(start) {
			start = b.closed
		}
		if r.Anchor == vault.AnchorCollected || !b.closed.IsZero() {
			out = append(out, r.Keep.After(start))
		}
		if !r.MaxFromCollection.IsZero() {
			out = append(out, r.MaxFromCollection.After(b.collected))
		}
		return out
	}
	if now == 0 {
		return time.Time{}
	}
	all := ends(now)
	ruled := slices.ContainsFunc(schedules[now].Rules, func(r vault.Rule) bool { return r.Class == b.class })
	if !ruled || schedules[now].LongerOK[b.class] == "" {
		all = append(all, ends(b.version)...)
	}
	if len(all) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(all, time.Time.Compare)
}

// TestKeysKnowWhenTheyEnd goes through the ways a key gets its date.
//
// clause: 1.3
func TestKeysKnowWhenTheyEnd(t *testing.T) {
	p, c := newPlace(t), newClock()
	cfg := p.config()
	cfg.Now = c.now
	v := openWith(t, cfg)
	set := func(s vault.Schedule) {
		t.Helper()
		if err := v.SetSchedule(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	months := func(n int) vault.Period { return vault.Period{Months: n} }
	rules := []vault.Rule{
		{Class: events.ClassComm, Anchor: vault.AnchorProcess, Keep: months(24), MaxFromCollection: vault.Period{Years: 5}},
		{Class: events.ClassContact, Anchor: vault.AnchorRelationship, Keep: months(24)},
		{Class: "R-TEL", Anchor: vault.AnchorCollected, Keep: vault.Period{Days: 30}},
		{Class: "R-EVER"},
	}
	mail, ticket := request(subject(1)), events.TicketStream("t1")
	contact, usage, ever, other := mail, mail, mail, mail
	contact.Class, usage.Class, ever.Class = events.ClassContact, "R-TEL", "R-EVER"
	usage.Collected = c.at.AddDate(0, 0, -10)
	other.Ref = "case-7" // runs from something else than its own stream
	early := names(mint(t, v, mail, contact, usage, ever, other))
	if got := ends(t, v, early); len(got) != 0 {
		t.Fatalf("keys have ends before there is a schedule: %v", got)
	}
	set(vault.Schedule{Version: 1, Rules: rules})
	collected := c.at
	want := map[events.KID]time.Time{early[0]: collected.AddDate(5, 0, 0), early[2]: collected.AddDate(0, 0, 20), early[4]: collected.AddDate(5, 0, 0)}
	check := func(what string) {
		t.Helper()
		if d := cmp.Diff(want, ends(t, v, early)); d != "" {
			t.Fatalf("%s (-want +got):\n%s", what, d)
		}
	}
	check("under the first schedule")
	c.at = c.at.AddDate(0, 1, 0)
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(v.Move(t.Context(), vault.Move{Ref: string(ticket), At: c.at}))
	check("the ticket closed, and nothing is bound to it")
	do(v.Move(t.Context(), vault.Move{Ref: string(mail.Stream), Bound: string(ticket)}))
	want[early[0]] = c.at.AddDate(0, 24, 0)
	check("the inquiry belongs to a closed ticket")
	do(v.Move(t.Context(), vault.Move{Ref: string(ticket)}))
	want[early[0]] = collected.AddDate(5, 0, 0)
	check("the ticket was reopened")
	do(v.Move(t.Context(), vault.Move{Ref: string(subject(1)), At: c.at}))
	want[early[1]] = c.at.AddDate(0, 24, 0)
	check("the person was heard of")
	do(v.Move(t.Context(), vault.Move{Ref: "case-7", At: c.at}))
	want[early[4]] = c.at.AddDate(0, 24, 0)
	check("the case was closed")
	shut(t, v)
	v = openWith(t, cfg)
	check("after a restart")

	// A key minted after its process ended runs from its own collection.
	do(v.Move(t.Context(), vault.Move{Ref: string(ticket), At: c.at}))
	want[early[0]] = c.at.AddDate(0, 24, 0)
	c.at = c.at.AddDate(0, 6, 0)
	late := mint(t, v, mail)[0].KID
	early = append(early, late)
	want[late] = c.at.AddDate(0, 24, 0)
	check("a note in a closed ticket")

	// Shorter holds for all; longer for new keys only, unless the law says so.
	rules[0].Keep = months(12)
	set(vault.Schedule{Version: 2, Rules: rules})
	want[early[0]], want[early[4]] = want[early[0]].AddDate(-1, 0, 0), want[early[4]].AddDate(-1, 0, 0)
	want[late] = want[late].AddDate(-1, 0, 0)
	check("shorter")
	rules[0].Keep = months(36)
	set(vault.Schedule{Version: 3, Rules: rules})
	for _, kid := range []events.KID{early[0], early[4], late} {
		want[kid] = want[kid].AddDate(1, 0, 0)
	}
	check("longer does not extend what was promised")
	set(vault.Schedule{Version: 4, Rules: rules, LongerOK: map[events.Class]string{events.ClassComm: "tax law"}})
	for _, kid := range []events.KID{early[0], early[4], late} {
		want[kid] = want[kid].AddDate(1, 0, 0)
	}
	check("longer with a recorded ground")
}

func ends(t testing.TB, v *vault.Vault, kids []events.KID) map[events.KID]time.Time {
	t.Helper()
	got, err := v.Expiries(t.Context(), kids)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestDueSparesWhatIsHeldRestrictedOrReopened: a preview lists what a sweep may
// destroy, and a sweep destroys nothing that is not due when its turn comes.
//
// clause: 1.3 3.2
func TestDueSparesWhatIsHeldRestrictedOrReopened(t *testing.T) {
	p, c := newPlace(t), newClock()
	cfg := p.config()
	cfg.Now = c.now
	v := openWith(t, cfg)
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(v.SetSchedule(t.Context(), vault.Schedule{Version: 1, Rules: []vault.Rule{{Class: events.ClassComm, Anchor: vault.AnchorProcess, Keep: vault.Period{Months: 1}}}}))
	reqs := []vault.Request{request(subject(1)), request(subject(2)), request(subject(3)), request(subject(4)), request(subject(5))}
	kids := names(mint(t, v, reqs...))
	for i := range reqs[:4] {
		do(v.Move(t.Context(), vault.Move{Ref: string(reqs[i].Stream), At: c.at}))
	}
	_, err := v.Hold(t.Context(), vault.HoldOrder{ID: events.NewUUID(), Authority: "case", Streams: []events.Stream{reqs[0].Stream}})
	do(err)
	do(v.Restrict(t.Context(), subject(2), true, "request 1"))
	c.at = c.at.AddDate(0, 2, 0)
	preview, err := v.DueDigest(t.Context(), c.at)
	do(err)
	if preview.N != 2 || preview.ByClass[events.ClassComm] != 2 || !preview.Oldest.Equal(c.at.AddDate(0, -1, 0)) {
		t.Errorf("preview %+v, want two keys", preview)
	}
	do(v.Move(t.Context(), vault.Move{Ref: string(reqs[3].Stream)})) // after the approval
	d, err := v.Destroy(t.Context(), vault.Order{ID: events.NewUUID(), Cause: vault.CauseRetention, Due: c.at}, kids)
	do(err)
	want := vault.Destroyed{Killed: kids[2:3], Deferred: kids[:1], Spared: []events.KID{kids[1], kids[3], kids[4]}}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("swept (-want +got):\n%s", diff)
	}
	due, err := v.Due(t.Context(), c.at, 10)
	if err != nil || len(due) != 0 {
		t.Errorf("still due: %v (%v)", due, err)
	}
	infos, err := v.SubjectKeys(t.Context(), subject(1))
	if err != nil || len(infos) != 1 || infos[0].State != vault.Deferred || infos[0].Holds != 1 || infos[0].Stream != reqs[0].Stream || infos[0].Event != reqs[0].Event {
		t.Errorf("the held key is %+v (%v)", infos, err)
	}
	infos, err = v.StreamKeys(t.Context(), reqs[1].Stream)
	if err != nil || len(infos) != 1 || infos[0].State != vault.Restricted || infos[0].Subject != subject(2) {
		t.Errorf("the restricted key is %+v (%v)", infos, err)
	}
}

// TestScheduleCutShortIsTakenUpAgain: while ends are computed, nothing is due.
//
// clause: S4
func TestScheduleCutShortIsTakenUpAgain(t *testing.T) {
	p, c := newPlace(t), newClock()
	cfg := p.config()
	cfg.Now = c.now
	v := openWith(t, cfg)
	for range 12 {
		mint(t, v, requests(500, subject(1))...)
	}
	shut(t, v)
	rules := []vault.Rule{{Class: events.ClassComm, Anchor: vault.AnchorCollected, Keep: vault.Period{Days: 1}}}
	doc := `{"version":1,"rules":[{"class":"R-COMM","anchor":1,"keep":{"days":1}}]}`
	db := p.sql(t)
	execSQL(t, db, "INSERT INTO schedule (version, doc, at) VALUES (1, ?, 0)", doc)
	execSQL(t, db, "INSERT INTO mark (k, v) VALUES ('dating', x'01')")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	v = openWith(t, cfg)
	c.at = c.at.AddDate(0, 0, 2)
	if _, err := v.Due(t.Context(), c.at, 10); !errors.Is(err, vault.ErrUnsettled) {
		t.Fatalf("due while ends are being computed: %v, want ErrUnsettled", err)
	}
	kids := names(mint(t, v, request(subject(2))))
	if _, err := v.Destroy(t.Context(), vault.Order{ID: events.NewUUID(), Cause: vault.CauseRetention, Due: c.at}, kids); !errors.Is(err, vault.ErrUnsettled) {
		t.Fatalf("a sweep while ends are being computed: %v, want ErrUnsettled", err)
	}
	destroy(t, v, kids...)
	if err := v.SetSchedule(t.Context(), vault.Schedule{Version: 1, Rules: rules}); err != nil {
		t.Fatal(err)
	}
	got, err := v.DueDigest(t.Context(), c.at)
	if err != nil || got.N != 6000 || !maps.Equal(got.ByClass, map[events.Class]int{events.ClassComm: 6000}) {
		t.Errorf("due %+v (%v), want 6000", got, err)
	}
}
