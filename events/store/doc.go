// Package store keeps raw events in an event store that speaks the
// EventStoreDB protocol: the embedded node, or a cluster. It is the only
// importer of the official client, and the guard around it.
//
// What it promises:
//
//   - No call hangs or crashes the process. Every call into the client runs in
//     a goroutine of its own, ends with its context or a hard cap
//     (Config.CallTimeout), and a panic inside the client becomes an error.
//   - The store outlives the server. A client that lost its server is replaced
//     by a fresh one; calls wait and try again while their context and the cap
//     allow; subscriptions go on after the last position they delivered.
//   - An append happens once or not at all. Events carry ids set by the caller;
//     when the answer to an append was lost, the stream is read again, and the
//     same events are sent again with the same ids and an exact revision. Only
//     where the time ran out first does the caller see OutcomeUnknown, and may
//     then repeat the very same append safely.
//   - Every error that comes from the server has one of a few kinds (see Kind).
//
// What it never does: it does not look into events, it never invents or
// calculates positions, it writes nothing to standard output, and it never puts
// event data into errors or logs.
//
// # How the client is held
//
// The official client (v4.2.0) ends for good when its server stays away for a
// second, and then leaves callers waiting on a channel nobody reads. So a
// client is used here as one connection and nothing more, called a generation:
// it is built by a single probe before anybody may use it, and the first sign
// of trouble retires it. A retired generation takes no new calls and is closed
// when its last call has ended. See pool.go and seam.go.
//
// Calls and subscriptions use separate generations, because a server may allow
// no more than 100 streams on a connection.
//
// # On a cluster
//
// The client connects to the leader when it discovers, and stays where it is
// until something fails; after an election it may read from a member that is a
// little behind. So read-your-writes means waiting until a view has reached the
// position of the write, never that a read follows an append. The user must be
// allowed to read the whole log.
package store
