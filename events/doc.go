// Package events is the vocabulary of the house: what can happen, what it is
// called on the wire, and which parts of it are about a person.
//
// Everybody imports this package and it imports nothing of ours. It promises
// that a name or a field written once can be read for ever: wire names are
// literals in one table (catalog.go), versions are upcast on the decoded
// document (upcast.go), and a golden file per version is never edited.
//
// It never does input or output, never encrypts, and never prints personal
// data: a Sealed value and a Blob print "[sealed]" whatever verb is used.
package events
