// Package vault keeps one key for every sealed segment of every event, apart
// from the log, and is the only place that knows which address belongs to which
// random subject id.
//
// It promises:
//   - a key is durable before Mint returns it, so an event that stands in the
//     log can be read for as long as its key lives;
//   - a destroyed key is a durable fact (a tombstone), never an absent row: a
//     key that is missing without a tombstone is an incident and reported as
//     *KeyMissingError, not as an erasure;
//   - after Destroy returned, no call of Keys gives the key any more, whatever
//     was cached, and a fence keeps late writers from minting new keys for the
//     person;
//   - a held key is not destroyed: its destruction is deferred and happens when
//     the last hold is released;
//   - every key knows when it ends: the retention schedule in force at its
//     collection and the one of today are both kept to, a longer period extends
//     nothing without a recorded ground, and a sweep destroys only what is still
//     due, not held and not restricted when its turn comes;
//   - a vault that was restored neither mints nor opens before the privacy ledger
//     is carried out (Admit), and never with a ledger that is not complete;
//   - who may open what for which purpose is decided here, by the matrix of the
//     privacy policy at collection and of today, the stricter of both, and every
//     opening leaves a line in the access log;
//   - after Drained, nobody in this process holds a key destroyed before it.
//
// It never sees text of a customer: it holds keys, keyed hashes and random ids.
// Nothing in it is a copy of something the log holds, so it has a backup of its
// own; losing it is losing every personal word in the log.
//
// Layers of keys: a data key (DEK) per segment, wrapped with AES-256-GCM by a
// key of an epoch (KEK), wrapped by the root key, which rests in a file of its
// own that only the owner can read, or with a key management service. SealEpoch
// re-wraps all live keys under a new epoch and destroys the old one, so that bytes
// of deleted rows that may linger in free pages or logs open nothing any more.
// Backups of the vault hold their own epochs, wrapped under the root key of their
// time: RotateRoot and, once the horizon has passed, ForgetRoots end them too.
//
// The layout of the database is schema.sql; migrate2.sql brings files of the
// first release up to it when they are opened.
package vault
