package vault_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// TestAccessLogAnswersWhoOpenedWhat
//
// clause: 2.4 S4
func TestAccessLogAnswersWhoOpenedWhat(t *testing.T) {
	p, c := newPlace(t), newClock()
	cfg := p.config()
	cfg.Now = c.now
	v := openWith(t, cfg)
	mine, yours := names(mint(t, v, requests(2, subject(1))...)), names(mint(t, v, request(subject(2))))
	other := events.Principal{Actor: "agent:0b", Role: events.RolePrivacy, Purpose: events.PurposeDSR, Matter: "dsr-1"}
	began := c.at
	for i := range 2500 {
		who, kids := agent, mine[:1]
		switch {
		case i == 100:
			who, kids = other, yours
		case i == 2000:
			who, kids = other, mine
		case i > 2400:
			kids = yours
		}
		c.at = c.at.Add(time.Minute)
		if _, err := v.Keys(t.Context(), who, kids); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(q vault.AccessQuery) []vault.AccessLine {
		t.Helper()
		got, err := v.AccessLog(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	got := ask(vault.AccessQuery{Actor: other.Actor})
	want := []vault.AccessLine{
		{ID: 2001, Access: vault.Access{At: began.Add(2001 * time.Minute), Who: other, Opened: 2}, KIDs: mine},
		{ID: 101, Access: vault.Access{At: began.Add(101 * time.Minute), Who: other, Opened: 1}, KIDs: yours},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("of one actor (-want +got):\n%s", d)
	}
	for what, c := range map[string]struct {
		q    vault.AccessQuery
		want int
	}{
		"a page":             {vault.AccessQuery{}, 100},
		"all":                {vault.AccessQuery{Limit: 5000}, 2500},
		"a person":           {vault.AccessQuery{Subject: subject(2), Limit: 5000}, 100},
		"nobody":             {vault.AccessQuery{Subject: subject(9)}, 0},
		"a key":              {vault.AccessQuery{KIDs: mine[1:]}, 1},
		"a purpose":          {vault.AccessQuery{Purpose: events.PurposeDSR}, 2},
		"a time":             {vault.AccessQuery{From: began.Add(10 * time.Minute), To: began.Add(20 * time.Minute)}, 10},
		"a person at a time": {vault.AccessQuery{Subject: subject(2), To: began.Add(time.Hour * 24)}, 1},
	} {
		if got := ask(c.q); len(got) != c.want {
			t.Errorf("%s: %d lines, want %d", what, len(got), c.want)
		}
	}
	seen := map[string]bool{}
	for before := int64(0); ; {
		page := ask(vault.AccessQuery{Limit: 700, Before: before})
		for _, l := range page {
			seen[fmt.Sprint(l.ID)] = true
			before = l.ID
		}
		if len(page) < 700 {
			break
		}
	}
	if len(seen) != 2500 {
		t.Errorf("pages show %d lines, want 2500", len(seen))
	}
}
