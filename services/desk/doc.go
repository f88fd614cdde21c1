// Package desk is where tickets are decided: which ticket an inquiry belongs to,
// what an agent's command does, and whether it may.
//
// It promises that a command appends all its events or none and does so once
// however often it is sent, that a reply written on a stale conversation is
// refused with what is new, and that nothing is written to a ticket before the
// decision whose it is stands in the log with its evidence.
//
// It decides from its own streams only, never from a view, so that rebuilding a
// view never changes a decision; and its folds never open a sealed segment.
package desk
