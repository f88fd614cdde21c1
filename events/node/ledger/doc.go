// Package ledger is the log behind the embedded event node: every event ever
// appended, in one order, on one disk, kept in a Pebble store.
//
// It promises:
//   - An append is atomic. All its events, the index, the stream's header and
//     the counters travel in one Pebble batch: after a crash all of them are
//     there or none.
//   - An append is answered after the disk said it is stored (fsync). What was
//     answered survives kill -9 and power loss.
//   - No reader sees an event that a crash could take back: every read stops at
//     the durable watermark, which moves only after the fsync.
//   - The decision whether an append is allowed is taken by one goroutine, the
//     writer, against the state that all earlier appends left. The rules are
//     those of EventStoreDB (see decide.go).
//   - Positions grow, are never reused and never change, also not by a scavenge.
//   - After the first error of the disk the ledger is failed: nothing more is
//     written, every call says so, and Failed is closed. The process goes on.
//
// It never talks to a network, never looks into the data of an event except the
// JSON of a metadata stream, and never logs names or contents of streams.
//
// The layout on disk is described byte by byte in format.go.
package ledger
