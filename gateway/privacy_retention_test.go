package gateway_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/gateway/api"
)

// at moves the retention engine's clock; a person accepts what a machine would
// not.
func (h *house) at(when time.Time) {
	h.Helper()
	h.mu.Lock()
	h.wall = when
	h.mu.Unlock()
	c, err := h.engine.Tick(h.Context())
	h.must(err)
	if c.Suspended != "" {
		h.ok(h.login("ada@desk.example").post("/privacy/clock/accept", nil), nil)
	}
}

// findsBytes lists the files below a folder that hold some bytes.
func (h *house) findsBytes(dir, needle string) (found []string) {
	h.Helper()
	h.must(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err == nil && bytes.Contains(b, []byte(needle)) {
			found = append(found, path)
		}
		return err
	}))
	return found
}

// TestAfterTwoYearsOnlyFactsAreLeft is the whole way of a letter: by a form into a
// ticket, answered, resolved, and two years later destroyed. Its number, its times
// and the statistics stay; its words are nowhere, in no view and in no file.
//
// clause: 1.1 1.3 S4
func TestAfterTwoYearsOnlyFactsAreLeft(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.login("ada@desk.example"), h.login("bob@desk.example")
	const canary = "Zyxwvut-Quagga-7731"
	tk := bob.ticket("Lamp " + canary)
	other := bob.ticket("Kettle")
	h.ok(bob.post("/tickets/1/reply", map[string]any{"text": "About " + canary + ": sorry.", "resolve": true}), nil)
	var before struct {
		api.Ticket
		Messages []api.Message
	}
	h.eventually("a date on every message", func() bool {
		h.ok(bob.get("/tickets/"+tk.ID), &before)
		for _, m := range before.Messages {
			if m.Kind != "auto" && (m.KeepUntil == nil || m.KeepUntil.After(time.Now().AddDate(2, 0, 2))) {
				return false
			}
		}
		return before.Status == "resolved" && len(before.Messages) == 3 // the acknowledgement has no words of anybody
	})
	if want := before.UpdatedAt.AddDate(2, 0, 0); before.Messages[0].KeepUntil.Sub(want).Abs() > 48*time.Hour {
		t.Errorf("kept until %s, want about %s", before.Messages[0].KeepUntil, want)
	}
	var counts api.Counts
	h.ok(bob.get("/tickets/counts"), &counts)
	if len(h.findsBytes(filepath.Join(h.kit.Dir, "views"), canary)) == 0 {
		t.Fatal("the views do not show the words that will be looked for: the test is blind")
	}

	h.at(time.Now().AddDate(2, 0, 2))
	var preview struct {
		Due   api.Sweep
		Clock api.RetentionClock
	}
	h.ok(ada.get("/privacy/preview"), &preview)
	if !preview.Due.Auto || preview.Due.Keys < 4 || preview.Due.Digest == "" {
		t.Fatalf("preview %+v", preview.Due)
	}
	var swept api.Sweep
	h.ok(ada.post("/privacy/sweeps", nil), &swept)
	if swept.State != "swept" || swept.Destroyed != preview.Due.Keys || swept.Archived != 1 {
		t.Fatalf("swept %+v", swept)
	}

	left := func(when string) {
		t.Helper()
		var after struct {
			api.Ticket
			Messages []api.Message
		}
		h.ok(bob.get("/tickets/1"), &after)
		for _, m := range after.Messages {
			if m.Kind != "auto" && m.State != "erased" || m.Text != "" || m.Subject != "" || m.From.Address != "" || m.KeepUntil != nil {
				t.Errorf("%s: a %s is %s: %+v", when, m.Kind, m.State, m)
			}
		}
		if after.Number != before.Number || after.Status != before.Status || !after.CreatedAt.Equal(before.CreatedAt) || !after.Erased || after.Subject != "" ||
			after.Customer.Name != "" || after.Customer.Address != "" || len(after.Messages) != len(before.Messages) {
			t.Errorf("%s: what is left of the ticket: %+v", when, after.Ticket)
		}
		var later api.Counts
		if h.ok(bob.get("/tickets/counts"), &later); counts != later {
			t.Errorf("%s: counts were %+v and are %+v", when, counts, later)
		}
	}
	left("after the sweep")
	for _, r := range h.runners {
		h.must(r.Rebuild(h.Context())) // the log holds nothing of the ticket but its archive
	}
	left("after a rebuild")
	recs, err := h.kit.Load(h.Context(), events.TicketStream(events.TicketID(tk.ID)), nil)
	h.must(err)
	if e, ok := recs[0].Event.(events.TicketArchived); len(recs) != 1 || !ok || e.Number != before.Number {
		t.Errorf("the ticket's stream holds %d events", len(recs))
	}

	for _, q := range []string{"quagga", canary, "lamp"} {
		var page struct{ Items []api.Ticket }
		if h.ok(bob.get("/tickets?q="+q), &page); len(page.Items) != 0 {
			t.Errorf("searching %q still finds %d", q, len(page.Items))
		}
	}
	if found := h.findsBytes(h.kit.Dir, canary); len(found) > 0 {
		t.Errorf("the words still stand in %v", found)
	}
	var after struct{ Messages []api.Message }
	h.ok(bob.get("/tickets/"+other.ID), &after)
	if after.Messages[0].State != "plain" || after.Messages[0].Text == "" {
		t.Errorf("an open ticket's message is %s", after.Messages[0].State)
	}
	var list struct{ Items []api.Sweep }
	if h.ok(ada.get("/privacy/sweeps"), &list); len(list.Items) != 1 {
		t.Errorf("%d sweeps on record", len(list.Items))
	}
}

// TestPrivacyOfficeIsForOfficers: an agent sees none of it.
//
// clause: 2.4 S4
func TestPrivacyOfficeIsForOfficers(t *testing.T) {
	h := newHouse(t)
	bob := h.login("bob@desk.example")
	for _, path := range []string{"registry", "schedule", "preview", "sweeps", "approvals", "processors", "ropa"} {
		if a := bob.get("/privacy/" + path); a.StatusCode != 403 {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	for _, path := range []string{"policies", "schedule", "sweeps", "processors", "clock/accept", "approvals/" + events.NewUUID().String()} {
		if a := bob.post("/privacy/"+path, map[string]any{}); a.StatusCode != 403 && a.StatusCode != 422 {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
}

// TestScheduleIsTriedThenTaken: what a change does is shown before it is made, and
// the record of processing follows it.
//
// clause: 1.3 PE
func TestScheduleIsTriedThenTaken(t *testing.T) {
	h := newHouse(t)
	ada := h.login("ada@desk.example")
	change := map[string]any{"rules": []map[string]any{{"class": "R-COMM", "anchor": "process", "keep": "P12M", "max": "P5Y", "clause": "1.3"}}}
	var tried struct {
		Version     int
		Differences []struct{ Class, Kind string }
	}
	h.ok(ada.post("/privacy/schedule/preview", change), &tried)
	if tried.Version != 2 || len(tried.Differences) != 1 || tried.Differences[0].Kind != "changed" {
		t.Fatalf("tried %+v", tried)
	}
	change["version"] = tried.Version
	if a := ada.post("/privacy/schedule", change); a.StatusCode != 422 {
		t.Errorf("a change without a reason: %d %s", a.StatusCode, a.body)
	}
	change["reason"] = "the controller decided"
	var s struct {
		Version int
		Rules   []api.RetentionRuleShown
		History []api.ScheduleVersion
	}
	h.ok(ada.post("/privacy/schedule", change), &s)
	if s.Version != 2 || s.Rules[0].Sentence != "12 months from the end of the matter, at most 5 years from collection" || len(s.History) != 2 {
		t.Errorf("schedule %+v", s)
	}
	var ropa struct{ Markdown string }
	h.ok(ada.get("/privacy/ropa?format=markdown"), &ropa)
	if !bytes.Contains([]byte(ropa.Markdown), []byte("| 12 months from the end of the matter")) {
		t.Error("the record of processing does not follow the schedule")
	}
	var list struct{ Items []api.Processor }
	h.ok(ada.post("/privacy/processors", map[string]any{
		"processor": "mail-relay", "name": "Relay GmbH", "service": "sends mail", "categories": []string{"C-CONTACT"}, "purposes": []string{"support"},
		"country": "DE", "agreement": "DPA 1", "erasure": "by notice",
	}), &list)
	if len(list.Items) != 1 || list.Items[0].Name != "Relay GmbH" {
		t.Errorf("processors %+v", list.Items)
	}
	if a := ada.post("/privacy/processors/nobody/suspend", map[string]any{"reason": "x"}); a.StatusCode != 404 {
		t.Errorf("suspend a stranger: %d", a.StatusCode)
	}
}
