// Package worker is the contract with workers outside the process, in any
// language, from both sides.
//
// Inside is the Hatch: tasks of the outbox are handed out over HTTP to whoever
// asks for the next one; the message itself is fetched with a claim that works
// once, for seconds, for that worker alone; what came of it is handed in with
// the same claim. A worker that dies gives its task back: before it fetched the
// message at once, afterwards when the lease of the attempt ends. The hatch also
// reads out what changed in tickets: ids, types and positions, no word of anybody.
//
// Outside are a Client of that contract and the two workers of `hub worker`: Mail,
// which delivers messages, and Webhook, which tells another system what changed:
// signed, tried again with growing pauses, in order for each ticket, from any
// position of the log.
//
// It promises that no plaintext of a message rests on the bus, that one attempt
// is started by one worker only (the log decides), and that a worker learns
// nothing it was not configured for. It never lets a worker read tickets, and it
// never believes a result without the claim it belongs to.
//
// The messages are described by JSON Schemas in events/schema/worker; a worker in
// another language is in deploy/worker-example.
package worker
