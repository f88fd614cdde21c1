package accounts_test

import (
	"errors"
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/accounts"
)

// TestTwoPersonsAreTwo: what one administrator is able to sign in as is no second
// person, whichever way round, over others, and whatever its owner changed since; a
// password set by somebody who has no part in it makes it one again.
func TestTwoPersonsAreTwo(t *testing.T) {
	a, _, ada := setup(t)
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	add := func(by events.Actor, name, password string) events.AgentID {
		t.Helper()
		id, err := a.Add(ctx, by, accounts.New{Name: name, Email: name + "@desk.example", Role: events.RoleAdmin, Password: password})
		must(err)
		return id
	}
	set := func(by events.Actor, id events.AgentID) {
		t.Helper()
		must(a.SetPassword(ctx, by, id, password+" again"))
	}
	check := func(what string, one, other events.AgentID, want bool) {
		t.Helper()
		for range 2 { // whoever of the two proposes
			err := a.Independent(ctx, one, other)
			if _, refused := errors.AsType[*accounts.NotIndependentError](err); refused == want || err != nil && !refused {
				t.Errorf("%s: %v", what, err)
			}
			one, other = other, one
		}
	}
	bob, cyn := add(root, "bob", password), add(root, "cyn", password)
	check("one person", ada, ada, false)
	check("two whom the shell added", ada, bob, true)
	check("nobody's proposal", "", bob, true)

	set(events.AgentActor(ada), bob)
	check("a password set by the other", ada, bob, false)
	check("a third person", ada, cyn, true)
	set(events.AgentActor(bob), bob)
	check("changed by who signed in with it", ada, bob, false)
	set(events.AgentActor(cyn), bob)
	check("set by a third person", ada, bob, true)
	check("that third person", bob, cyn, false)

	set(events.AgentActor(ada), cyn)
	check("the third one taken over later, who never knew this password from then on", ada, bob, true)
	set(events.AgentActor(cyn), bob)
	check("set by who was taken over", ada, bob, false)
	set(root, cyn)
	check("given back, but not what was set before", ada, bob, false)
	check("given back", ada, cyn, true)
	set(root, bob)
	check("reset in the shell", ada, bob, true)

	dan, eve := add(events.AgentActor(ada), "dan", ""), add(events.AgentActor(ada), "eve", password)
	check("added without a password", ada, dan, false)
	check("two of one hand", dan, eve, false)
	check("another one", bob, eve, true)
	set(events.AgentActor(bob), dan)
	check("a first password from somebody else", ada, dan, true)
	check("no longer of one hand", dan, eve, true)
}
