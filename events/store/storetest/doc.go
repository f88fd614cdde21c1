// Package storetest is the conformance suite of an event store: what the hub
// relies on, checked against a live server through package store, and through
// the official client where the store does not go. The embedded node and a
// real cluster must both pass it.
//
// It leaves what it wrote on the server, in streams whose names begin with
// "storetest", and it never assumes that it is alone there.
package storetest
