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
//   - who may open what for which purpose is decided here, by the matrix of the
//     privacy policy, and every opening leaves a line in the access log.
//
// It never sees text of a customer: it holds keys, keyed hashes and random ids.
// Nothing in it is a copy of something the log holds, so it has a backup of its
// own; losing it is losing every personal word in the log.
//
// Layers of keys: a data key (DEK) per segment, wrapped with AES-256-GCM by a
// key of an epoch (KEK), wrapped by the root key, which rests in a file of its
// own that only the owner can read. SealEpoch re-wraps all live keys under a
// new epoch and destroys the old one, so that bytes of deleted rows that may
// linger in free pages, logs or backups open nothing any more.
package vault
