// Package erasure makes people's data unreadable for good, and proves it.
//
// The ledger is the redo log of every destruction: an intent stands on it, chained
// by hashes and anchored apart from it, before a key goes; a vault restored from
// a backup repeats what it has forgotten before it opens anything.
//
// The saga carries one request from its verification to its certificate: scope,
// approval, fence, outbox, intent, destruction, caches, views and files, a
// tombstone in every stream, residue, recipients, verification, certificate,
// answer, backup horizon. Its state is the request's own stream and nothing else.
//
// It promises that every step may be interrupted anywhere and repeated; that
// nothing is destroyed before the scope was shown and approved, and no later than
// the fence by anything new; that a hold defers and never refuses, and what was
// deferred completes by itself; and that a certificate never names a level that
// was not reached.
//
// It never opens a text except to make the needles of a later scan, in memory,
// and to find the address that a request is answered to.
package erasure
