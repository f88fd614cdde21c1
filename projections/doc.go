// Package projections turns the log into views: what people look at. It reads
// the log once for any number of views, hands each the events it wants, keeps
// how far each has come, and tells the live feed what changed.
//
// It promises that rows and checkpoint commit in one transaction, that a rebuild
// gives the same rows as reading on (a view is a pure function of the events and
// of the keys that are left), and that replaying never has side effects: nobody
// is written to, nothing is decided. A checkpoint is worth something only for
// the event store and the version of the view it was made with; otherwise the
// view is read again from the start.
//
// It never asks the clock or the network while it applies events, and never
// keeps the text of an erased segment: see Runner.Purge.
package projections
