package rights_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/privacy/rights"
)

// Whoever asks at the privacy centre learns nothing about whom we know; the link goes
// to the address on file, few times a day.
//
// clause: 1.1 2.2
func TestLinksGoToTheAddressOnFile(t *testing.T) {
	h := newHouse(t)
	h.ada()
	h.run()
	known, unknown := h.rights.AskLink("1", "ADA@customer.example"), h.rights.AskLink("1", "eve@evil.example")
	if known != nil || unknown != nil {
		t.Fatalf("answers differ: %v, %v", known, unknown)
	}
	for range 3 {
		check(t, h.rights.AskLink("1", "ada@customer.example"))
	}
	ctx := t.Context()
	var list []events.LetterWritten
	for deadline := time.Now().Add(10 * time.Second); len(list) == 0 && time.Now().Before(deadline) && ctx.Err() == nil; {
		list = h.letters()
	}
	// Everything asked so far is handled in order, so one more round settles it.
	check(t, h.rights.AskLink("1", "nobody@customer.example"))
	list = h.letters()
	if len(list) != 1 {
		t.Fatalf("%d letters for one person in a minute", len(list))
	}
	if to := list[0].Letter.Value().To.Address; to != "ada@customer.example" {
		t.Errorf("the link went to %s", to)
	}
	centre, err := h.rights.Enter(ctx, h.token("/privacy/"))
	check(t, err)
	if centre.Address != "a***@customer.example" || len(centre.Preferences) != 2 {
		t.Errorf("centre %+v", centre)
	}
	h.tick(25 * time.Hour)
	if _, err := h.rights.Enter(ctx, h.token("/privacy/")); err == nil {
		t.Error("a link works after a day")
	}
	for range 30 {
		if err = h.rights.AskLink("2", "ada@customer.example"); err != nil {
			break
		}
	}
	if err == nil {
		t.Error("a network may ask without end")
	}
}

// centre opens the privacy centre for somebody.
func (h *house) centre(address string) string {
	h.t.Helper()
	before := len(h.letters())
	h.run()
	check(h.t, h.rights.AskLink("1", address))
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if len(h.letters()) > before {
			return h.token("/privacy/")
		}
	}
	h.t.Fatal("no link came")
	return ""
}

// A request by link is one request however often its form is sent, is verified by the
// link, and its receipt is confirmed.
//
// clause: 1.1 2.2
func TestRequestByLink(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	h.ada()
	token := h.centre("ada@customer.example")
	var ids []events.RequestID
	for range 2 {
		id, err := h.rights.AskByLink(ctx, token, events.RequestAccess, events.Wish{}, "", "en")
		check(t, err)
		ids = append(ids, id)
	}
	if ids[0] != ids[1] {
		t.Error("a form sent twice is two requests")
	}
	q, err := h.rights.Get(ctx, ids[0])
	check(t, err)
	if !q.Verified || !q.AckSent || q.Due.Format(time.DateOnly) != "2026-12-10" {
		t.Errorf("request %+v", q)
	}
	list := h.letters()
	last := list[len(list)-1]
	if last.Customer != ids[0].RequesterID() || !strings.Contains(last.Letter.Value().Text, "10 December 2026") {
		t.Errorf("receipt for %s: %s", last.Customer, last.Letter.Value().Text)
	}
}

// PRIVACY 6, test 31, the alarm: five days before a deadline and once more when it is
// past, each once; a doubt about who asks stops the clock.
//
// clause: 1.1
func TestDeadlinesAreWatched(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	ada := h.ada()
	id, err := h.rights.Receive(ctx, h.by(), rights.Intake{Kind: events.RequestErasure, Customer: ada, Channel: "agent"})
	check(t, err)
	h.open = []events.RequestID{id}
	reminded := func() (n int) {
		for range 2 {
			check(t, h.rights.Watch(ctx))
		}
		history, err := h.Load(ctx, events.RequestStream(id), nil)
		check(t, err)
		for _, rec := range history {
			if rec.Type == "hub.RequestReminded" {
				n++
			}
		}
		return n
	}
	h.tick(24 * 24 * time.Hour) // 4 December
	if n := reminded(); n != 0 {
		t.Errorf("%d reminders six days before", n)
	}
	h.tick(2 * 24 * time.Hour)
	if n := reminded(); n != 1 {
		t.Errorf("%d reminders four days before", n)
	}
	h.tick(6 * 24 * time.Hour)
	if n := reminded(); n != 2 {
		t.Errorf("%d reminders after the deadline", n)
	}
	if got := reasonOf(h.rights.Extend(ctx, h.by(), id, events.GroundComplexity)); got != "too_late" {
		t.Errorf("extended after the deadline: %q", got)
	}
	other, err := h.rights.Receive(ctx, h.by(), rights.Intake{Kind: events.RequestErasure, Customer: ada, Channel: "agent"})
	check(t, err)
	before, err := h.rights.Get(ctx, other)
	check(t, err)
	check(t, h.rights.Doubt(ctx, h.by(), other, "address"))
	h.tick(7 * 24 * time.Hour)
	check(t, h.rights.Verify(ctx, h.by(), other, "desk"))
	after, err := h.rights.Get(ctx, other)
	check(t, err)
	if days := after.Due.Sub(before.Due); days < 6*24*time.Hour || days > 10*24*time.Hour {
		t.Errorf("a week's doubt moved the deadline by %s", days)
	}
	check(t, h.rights.Extend(ctx, h.by(), other, events.GroundComplexity))
	check(t, h.rights.Refuse(ctx, h.by(), other, events.GroundExcessive, "GDPR 12(5)(b)"))
	list := h.letters()
	if last := list[len(list)-1].Letter.Value().Text; !strings.Contains(last, "12(5)(b)") || !strings.Contains(last, "data protection authority") {
		t.Errorf("a refusal without its ground and the way to complain: %s", last)
	}
	if got := reasonOf(h.rights.Verify(ctx, h.by(), other, "desk")); got != "closed" {
		t.Errorf("a closed request was changed: %q", got)
	}
}

// PRIVACY 6, test 28: a restriction makes agents get Restricted and stops the outbox;
// it ends only after the person was written to; who wants the data kept for a claim
// gets a hold.
//
// clause: 1.1 1.3 2.4
func TestRestriction(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	ada, inquiry := h.writes(events.Address{Name: "Ada Byron", Address: "ada@customer.example"}, events.Letter{Text: "my words"}, "raw")
	token := h.centre("ada@customer.example")
	id, err := h.rights.AskByLink(ctx, token, events.RequestRestriction, events.Wish{Text: "I need it for a claim"}, "c", "en")
	check(t, err)
	agent := events.Principal{Actor: "agent:1", Role: events.RoleAgent, Purpose: events.PurposeSupport}
	state := func() events.State {
		history, err := h.Load(ctx, events.InquiryStream(inquiry), &agent)
		check(t, err)
		return history[0].Event.(events.InquiryReceived).Letter.State()
	}
	if got := state(); got != events.Restricted {
		t.Errorf("an agent gets %s", got)
	}
	if got := h.allowed(ada, "reply"); got != rights.ReasonRestricted {
		t.Errorf("a reply may go out: %s", got)
	}
	if got := h.allowed(ada, "administrative"); got != "yes" {
		t.Errorf("the person cannot be told: %s", got)
	}
	if !h.held[id] {
		t.Error("what the person needs for a claim is not held")
	}
	before := len(h.letters())
	check(t, h.rights.Lift(ctx, h.by(), id))
	list := h.letters()
	if len(list) != before+1 || !strings.Contains(list[before].Letter.Value().Text, "18(3)") {
		t.Error("the restriction was lifted without telling the person first")
	}
	if state() != events.Plain || h.allowed(ada, "reply") != "yes" || h.held[id] {
		t.Error("the restriction is not lifted")
	}
	history, err := h.Load(ctx, events.CustomerStream(ada), nil)
	check(t, err)
	for _, rec := range history {
		if e, ok := rec.Event.(events.RestrictionLifted); ok && e.Letter != list[before].Message {
			t.Error("the record names no letter")
		}
	}
}

// PRIVACY 6, test 28, objections: against marketing at once and for good; against
// another use it rests until decided.
//
// clause: 2.3 2.4
func TestObjection(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	ada := h.ada()
	check(t, h.rights.Grant(ctx, h.by(), ada, rights.Promo, "en", "agent"))
	token := h.centre("ada@customer.example")
	marketing, err := h.rights.AskByLink(ctx, token, events.RequestObjection, events.Wish{}, "marketing", "en")
	check(t, err)
	if got := h.allowed(ada, "promotional"); got != rights.ReasonObjection {
		t.Errorf("after an objection to marketing: %s", got)
	}
	q, err := h.rights.Get(ctx, marketing)
	check(t, err)
	if !q.Closed || q.Answered != "objection_upheld" {
		t.Errorf("an absolute objection waits for somebody: %+v", q)
	}
	if got := reasonOf(h.rights.AskConsent(ctx, h.by(), ada, rights.Promo)); got != rights.ReasonObjection && got != "asked_too_soon" {
		t.Errorf("somebody who objected is asked again: %q", got)
	}
	h.tick(2 * time.Minute)
	other, err := h.rights.AskByLink(ctx, token, events.RequestObjection, events.Wish{Text: "my situation"}, "other", "en")
	check(t, err)
	if got := h.allowed(ada, "reply"); got != rights.ReasonRestricted {
		t.Errorf("while an objection waits: %s", got)
	}
	if got := reasonOf(h.rights.DecideObjection(ctx, h.by(), other, false, "")); got != "ground" {
		t.Errorf("rejected without a ground: %q", got)
	}
	check(t, h.rights.DecideObjection(ctx, h.by(), other, false, events.GroundClaimDefence))
	if got := h.allowed(ada, "reply"); got != "yes" {
		t.Errorf("after the objection was rejected: %s", got)
	}
}

// A rectification seals the right words anew and destroys the old ones.
//
// clause: 1.1
func TestRectification(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	ada := h.ada()
	token := h.centre("ada@customer.example")
	id, err := h.rights.AskByLink(ctx, token, events.RequestRectification, events.Wish{Name: "Ada Lovelace"}, "", "en")
	check(t, err)
	old, err := h.Vault.SubjectKeys(ctx, ada)
	check(t, err)
	by := h.by()
	for range 2 {
		err = h.rights.Rectify(ctx, by, id, events.Address{Name: "Ada Lovelace"})
	}
	if err != nil && reasonOf(err) != "closed" {
		t.Fatal(err)
	}
	got, err := h.contact(ctx, ada)
	check(t, err)
	if got != (events.Address{Name: "Ada Lovelace", Address: "ada@customer.example"}) {
		t.Errorf("on file: %+v", got)
	}
	for _, k := range old {
		if k.Category != events.Contact {
			continue
		}
		tombs, err := h.Vault.Tombs(ctx, []events.KID{k.KID})
		check(t, err)
		if tombs[k.KID].Cause != "rectified" {
			t.Errorf("the old entry lives: %+v", tombs[k.KID])
		}
	}
}

// PRIVACY 6, test 26, corrections and restrictions: every recipient in the disclosure
// log is told, once and nobody else; the letter names references and no data; who
// confirms is noted.
//
// clause: 3.1
func TestRecipientsAreToldOfChanges(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	ada := h.ada()
	h.to = []rights.Recipient{{ID: "parcels", Write: "privacy@parcels.example", About: []string{"ref-1"}}, {ID: "court-hamburg"}}
	told := func(id events.RequestID) map[string]string {
		history, err := h.Load(ctx, events.RequestStream(id), nil)
		check(t, err)
		out := map[string]string{}
		for _, rec := range history {
			switch e := rec.Event.(type) {
			case events.RecipientTold:
				if out[e.Recipient+" "+e.Change] != "" {
					t.Errorf("%s was told twice", e.Recipient)
				}
				out[e.Recipient+" "+e.Change] = e.Method
			case events.RecipientConfirmed:
				out[e.Recipient+" "+e.Change] = "confirmed"
			}
		}
		return out
	}
	ask := func(kind events.RequestKind, ground string) events.RequestID {
		id, err := h.rights.Receive(ctx, h.by(), rights.Intake{Kind: kind, Customer: ada, Channel: "agent", Ground: ground, Verified: "desk"})
		check(t, err)
		return id
	}
	fix := ask(events.RequestRectification, "")
	check(t, h.rights.Rectify(ctx, h.by(), fix, events.Address{Name: "Ada King"}))
	check(t, h.rights.RecipientDone(ctx, h.by(), fix, "parcels"))
	if d := cmp.Diff(map[string]string{"parcels rectification": "confirmed", "court-hamburg rectification": "operator"}, told(fix)); d != "" {
		t.Error(d)
	}
	if got := reasonOf(h.rights.RecipientDone(ctx, h.by(), fix, "stranger")); got != "not_told" {
		t.Errorf("a stranger confirms: %s", got)
	}
	rest := ask(events.RequestRestriction, "b")
	by := h.by()
	for range 2 {
		check(t, h.rights.Restrain(ctx, by, ada, rest, "b", true))
	}
	check(t, h.rights.Lift(ctx, h.by(), rest))
	want := map[string]string{"parcels restriction": "mail", "court-hamburg restriction": "operator", "parcels lifted": "mail", "court-hamburg lifted": "operator"}
	if d := cmp.Diff(want, told(rest)); d != "" {
		t.Error(d)
	}
	n := 0
	for _, l := range h.letters() {
		if x := l.Letter.Value(); x.To.Address == "privacy@parcels.example" {
			n++
			if !strings.Contains(x.Text, "ref-1") || strings.Contains(x.Text+x.Subject, "Ada") || strings.Contains(x.Text, "customer.example") {
				t.Errorf("the letter says %q", x.Text)
			}
		}
	}
	if n != 3 {
		t.Errorf("%d letters", n)
	}
}
