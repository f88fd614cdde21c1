package seal_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/seal"
)

// TestMaskedValueShowsAPartOnly: support sees of an account what tells people
// apart, and no more.
//
// clause: 1.2 2.1
func TestMaskedValueShowsAPartOnly(t *testing.T) {
	h := newHouse(t)
	id := events.AgentID(strings.Repeat("0a", 16))
	add := events.AgentAdded{Agent: id, Profile: events.Seal(events.Profile{Name: "Åsa Lindqvist", Email: "asa.l@example.org"})}
	env := h.seal(t, seal.Draft{ID: events.NewUUID(), Stream: events.AgentStream(id), Event: add})[0]
	open := func(p events.Principal) events.AgentAdded {
		t.Helper()
		got, err := h.Open(t.Context(), p, []events.Envelope{env})
		if err != nil {
			t.Fatal(err)
		}
		return got[0].(events.AgentAdded)
	}
	got := open(agent)
	if d := cmp.Diff(events.Profile{Name: "Å***", Email: "a***@e…"}, got.Profile.Value()); d != "" || got.Profile.State() != events.Masked {
		t.Errorf("masked profile is %v (-want +got):\n%s", got.Profile.State(), d)
	}
	view := open(events.Principal{Actor: "system:view", Role: events.RoleView, Purpose: events.PurposeSupport})
	if view.Profile.State() != events.Plain || view.Profile.Value().Email != "asa.l@example.org" {
		t.Errorf("the view gets %v", view.Profile.State())
	}
}

// TestLawOpensWhateverItWasCollectedFor: the purposes of a segment bind those who
// serve the customer, not the person's own rights.
//
// clause: 1.3 3.2
func TestLawOpensWhateverItWasCollectedFor(t *testing.T) {
	h := newHouse(t)
	env := h.seal(t, h.inquiry(t))[0]
	got := h.open(t, events.Principal{Actor: "agent:0b", Role: events.RolePrivacy, Purpose: events.PurposeDSR}, env)
	if got.Letter.State() != events.Plain || got.Contact.State() != events.Plain {
		t.Errorf("the person's own data are %v and %v", got.Letter.State(), got.Contact.State())
	}
	got = h.open(t, events.Principal{Actor: "agent:0b", Role: events.RoleOutbox, Purpose: events.PurposePromotion}, env)
	if got.Letter.State() != events.Denied || got.Contact.State() != events.Denied {
		t.Errorf("for promotion they are %v and %v, want denied: collected for support", got.Letter.State(), got.Contact.State())
	}
}

// TestCiphertextsFallIntoBuckets is the part of acceptance test 19 that is ours:
// of the size of a text an outsider learns the bucket.
//
// clause: S4
func TestCiphertextsFallIntoBuckets(t *testing.T) {
	h := newHouse(t)
	sizes := map[int]int{}
	for n := range 200 {
		d := h.inquiry(t)
		e := d.Event.(events.InquiryReceived)
		e.Letter = events.Seal(events.Letter{Text: strings.Repeat("x", 1000+n)})
		d.Event = e
		sizes[len(h.seal(t, d)[0].Sealed[1])]++
	}
	if len(sizes) > 6 {
		t.Errorf("200 texts of 1,000 to 1,199 letters have %d sizes", len(sizes))
	}
}
