package vault_test

import (
	"errors"
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// clerk may take keys to another house.
var clerk = events.Principal{Actor: "agent:1", Role: events.RoleLegal, Purpose: events.PurposeLegal, Matter: "transfer"}

// requests are three segments of three people.
func threeKeys(t *testing.T, v *vault.Vault) (kids []events.KID, people []events.SubjectID) {
	t.Helper()
	var reqs []vault.Request
	for range 3 {
		who := events.SubjectID(events.NewUUID().String())
		people = append(people, who)
		reqs = append(reqs, vault.Request{Event: events.NewUUID(), Stream: "inquiry-1", Subject: who, Category: events.Communication, Class: "R-COMM"})
	}
	keys, err := v.Mint(t.Context(), v.Begin(), reqs)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		kids = append(kids, k.KID)
	}
	return kids, people
}

// What is destroyed in either house stays destroyed in the receiving one, what the
// person restricted does not travel, and taking the same twice changes nothing.
//
// clause: 3.3
func TestKeysTravelAndTombstonesToo(t *testing.T) {
	ctx := t.Context()
	from, to := newPlace(t).open(t), newPlace(t).open(t)
	kids, people := threeKeys(t, from)
	if _, err := from.Destroy(ctx, vault.Order{ID: events.NewUUID(), Cause: vault.CauseSubject}, kids[:1]); err != nil {
		t.Fatal(err)
	}
	if err := from.Restrict(ctx, people[1], true, "request"); err != nil {
		t.Fatal(err)
	}
	c, err := from.Carry(ctx, clerk, kids)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Keys) != 1 || c.Keys[0].KID != kids[2] || len(c.Kept) != 1 || c.Kept[0] != kids[1] || c.Tombs[kids[0]].Cause != vault.CauseSubject {
		t.Fatalf("carried %d keys, kept %v, tombs %v", len(c.Keys), c.Kept, c.Tombs)
	}
	first, err := to.Adopt(ctx, c.Keys, c.Tombs)
	if err != nil || first.New != 1 || first.Entombed != 1 {
		t.Fatalf("adopted %+v, %v", first, err)
	}
	again, err := to.Adopt(ctx, c.Keys, c.Tombs)
	if err != nil || again.New != 0 || again.Known != 1 || again.Entombed != 0 {
		t.Fatalf("adopted again: %+v, %v", again, err)
	}
	state := func(kid events.KID) events.State {
		r, err := to.Keys(ctx, clerk, []events.KID{kid})
		if err != nil {
			t.Fatal(err)
		}
		return r[0].State
	}
	if state(kids[0]) != events.Erased || state(kids[2]) != events.Plain {
		t.Errorf("erased one %s, live one %s", state(kids[0]), state(kids[2]))
	}
	// A key that was destroyed by the receiver is refused for good.
	if _, err := to.Destroy(ctx, vault.Order{ID: events.NewUUID(), Cause: vault.CauseSubject}, kids[2:]); err != nil {
		t.Fatal(err)
	}
	if last, err := to.Adopt(ctx, c.Keys, nil); err != nil || last.Refused != 1 || state(kids[2]) != events.Erased {
		t.Errorf("a destroyed key came back: %+v, %v", last, err)
	}
}

// A person whom the receiver erased stays erased: neither a key that comes later nor
// the address makes them known again.
func TestErasedPersonIsNotIntroducedAgain(t *testing.T) {
	ctx := t.Context()
	from, to := newPlace(t).open(t), newPlace(t).open(t)
	kids, people := threeKeys(t, from)
	for range 2 {
		if who, err := to.Introduce(ctx, people[0], "Ada@customer.example"); err != nil || who != people[0] {
			t.Fatalf("introduced as %q, %v", who, err)
		}
	}
	if who, _ := to.Introduce(ctx, people[1], "ada@customer.example"); who != people[0] {
		t.Errorf("an address is known for %q now", who)
	}
	if err := to.Fence(ctx, people[0]); err != nil {
		t.Fatal(err)
	}
	if who, err := to.Introduce(ctx, people[0], "ada@customer.example"); err != nil || who != "" {
		t.Errorf("somebody who was erased is known again: %q, %v", who, err)
	}
	c, err := from.Carry(ctx, clerk, kids)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := to.Adopt(ctx, c.Keys, nil); err != nil || a.New != 2 || a.Refused != 1 {
		t.Errorf("adopted %+v, %v", a, err)
	}
	if _, err := to.Adopt(ctx, []vault.Carried{{KID: kids[0]}}, nil); err == nil {
		t.Error("half a key was taken")
	}
	var missing *vault.KeyMissingError
	if _, err := from.Carry(ctx, clerk, []events.KID{"00000000000000000000000000000000"}); !errors.As(err, &missing) {
		t.Errorf("a missing key: %v", err)
	}
}
