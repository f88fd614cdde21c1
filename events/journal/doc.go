// Package journal is the log as everybody above it sees it: typed events, sealed
// on the way in, opened on the way out as far as the reader's principal allows,
// lifted to today's schema.
//
// It promises that an append writes all its events or none, once however often a
// command is repeated (event ids are derived from the command), that a decision
// made on a stale stream is made again on a fresh one a bounded number of times,
// and that a subscription goes on after whatever happens to the store.
//
// It never opens a segment for a reader that named no principal: a fold sees
// facts only, so a replay gives the same state whatever was erased.
package journal
