// Package privacy is the registry of the privacy office: which versions of the
// published policy there are and from when on each is in force, what its clauses
// are called, which purpose may use which category of data in which role, how
// long each class of data is kept, and which service providers may get any.
//
// All of it is data, and every change of it is an event on the stream
// "registry"; a hub that starts for the first time begins with the founding
// policy and a default schedule, whose periods are proposals for the controller
// to decide on. The record of processing activities (GDPR Art. 30) is generated
// from it and from the catalogue of events.
//
// It promises that a published version and a schedule never change once they
// stand in the log, that ids of clauses are never renumbered, that an event is
// stamped with the version in force at its own time, and that a provider gets
// only the categories it is registered for.
//
// It never opens a sealed segment and never destroys anything: that is the work
// of the rooms below it (retention, erasure, rights, disclosure).
package privacy
