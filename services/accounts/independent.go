package accounts

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/westshore/hub/events"
)

// NotIndependentError says that two accounts are in one hand, so that their two
// words are one person's.
type NotIndependentError struct{}

func (*NotIndependentError) Error() string { return "the two accounts are in one hand" }

// Code names the error for the HTTP API.
func (*NotIndependentError) Code() string { return "conflict" }

// Reason is the stable code of the refusal.
func (*NotIndependentError) Reason() string { return "not_independent" }

// Detail is the sentence for whoever wanted to agree, and says what to do.
func (*NotIndependentError) Detail() string {
	return "Your account and that of the person who proposed this are in one hand: one of you, or the same administrator, added them or set their password last. " +
		"An administrator who has no part in it has to set your password, or whoever runs the hub (hub agent reset); then agree again."
}

// Independent reports by its error whether the words of two accounts may count as
// those of two persons: nil, or a *NotIndependentError. Every act that takes two
// persons asks it, of who proposed and who agrees: agreeing and declining about
// holds, disclosures, access to cases and their extension, sweeps above the limits,
// notices, and the destruction of what was handed over.
//
// An account is in the hand of its own agent and of the agent who last set its
// password, or added it without one, and so on from there: whoever held the setter's
// account at that time is able to sign in as well. A password that the agent changed
// afterwards frees nobody, since the setter could have signed in and done just that.
// What frees an account is a password set by somebody else, which also ends its
// sessions and tokens. Two accounts are independent when no agent has a hand on both.
//
// Whoever works in the shell of the hub's machine, and the hub itself, are nobody's
// hand: they are beyond what two accounts can guard against. What counts is how the
// accounts stand when the second one agrees. It is folded from the log alone, so
// accounts of any age are judged, and a lost accounts.db changes nothing.
func (a *Accounts) Independent(ctx context.Context, proposed, agrees events.AgentID) error {
	if proposed == "" { // the hub's own proposal, or a person's
		return nil
	}
	one, err := a.hands(ctx, proposed)
	if err != nil {
		return fmt.Errorf("judge independence: %w", err)
	}
	other, err := a.hands(ctx, agrees)
	if err != nil {
		return fmt.Errorf("judge independence: %w", err)
	}
	if slices.ContainsFunc(other, func(by events.AgentID) bool { return slices.Contains(one, by) }) {
		return &NotIndependentError{}
	}
	return nil
}

// hands lists the agents an account is in the hand of, itself first. Every step goes
// back in the log, so it ends.
func (a *Accounts) hands(ctx context.Context, id events.AgentID) ([]events.AgentID, error) {
	all := []events.AgentID{id}
	var until *events.Position // when the one before was set; nil: now
	for {
		history, err := a.journal.Load(ctx, events.AgentStream(id), nil)
		if err != nil {
			return nil, err
		}
		history = slices.DeleteFunc(history, func(rec events.Recorded) bool {
			return rec.Meta.Actor == events.AgentActor(id) || !opens(rec.Event) || until != nil && !rec.Position.Before(*until)
		})
		if len(history) == 0 {
			return all, nil
		}
		last := history[len(history)-1]
		setter, agent := strings.CutPrefix(string(last.Meta.Actor), string(events.AgentActor("")))
		if !agent {
			return all, nil
		}
		id, until = events.AgentID(setter), &last.Position
		all = append(all, id)
	}
}

// opens reports whether who wrote an event can sign in as its agent from then on.
func opens(e events.Event) bool {
	switch e := e.(type) {
	case events.AgentAdded:
		return true
	case events.CredentialChanged:
		return e.Kind == "password"
	}
	return false
}
