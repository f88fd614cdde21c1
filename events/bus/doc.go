// Package bus carries what is on its way: inquiries from the doors to the
// recorder, outgoing messages from the outbox to the workers, and the workers'
// results back. It is NATS with JetStream, embedded or by URL.
//
// It promises that a message Publish returned nil for is on disk (the embedded
// server syncs every write) and is handed out until somebody acknowledges it,
// and that one poison message never holds up the others: after a number of
// deliveries it goes to the dead-letter stream.
//
// It never carries personal data in the clear: what doors publish is sealed, and
// subjects and message ids are made of random ids only.
package bus
