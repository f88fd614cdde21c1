// Package forms is the front door for web forms: it knows the configured forms,
// judges a submission and turns it into an inquiry.
//
// It promises that what a visitor was thanked for is durable: Submit returns an
// inquiry's id only after the Take function said so, and it never pretends. A
// submission that looks like a program's is refused with a sentence, not
// swallowed. The same submission sent twice (a double click, a retry with the
// same Idempotency-Key) is the same inquiry; another text is another inquiry,
// whatever key it carries, so that nobody can silence somebody else by guessing
// keys.
//
// It is bounded: fields, files and the memory of the rate limits have caps, and
// files never touch a disk here.
//
// It never does HTTP, never writes to a log what a visitor wrote, and never
// sends anything back to the address a visitor claims.
package forms
