// Package node is an event server for one machine: it speaks the gRPC protocol
// of EventStoreDB to the official client, with the semantics of EventStoreDB,
// and keeps the events in events/node/ledger. The hub starts one inside itself
// when it is given no server; "hub node" runs one on its own. A hub that
// outgrows one machine is pointed at a cluster by its connection string and
// nothing else changes.
//
// It promises:
//   - What it acknowledged is on disk (fsync) and readable at once.
//   - A subscription gets every event once, in order, with no gap and no
//     duplicate where catching up ends and live begins. A slow reader is held by
//     flow control and never dropped; it pins no resource of the log.
//   - Nothing is open to the network unless asked for: by default it listens on
//     a Unix-domain socket in a folder that only the owner may enter.
//   - A disk error fails the node, not the process: every call then answers
//     Unavailable and Failed is closed.
//
// It serves Streams (Append, BatchAppend, Read, Delete, Tombstone), Gossip and
// ServerFeatures. It never runs projections or persistent subscriptions and has no
// users, and says UNIMPLEMENTED with a sentence to who asks. Access lists in stream
// metadata are stored and given back, not enforced: there is one principal.
// Regular expressions of filters are RE2.
package node
