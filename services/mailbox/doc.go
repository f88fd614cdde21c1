// Package mailbox is the front door for mail: it watches one folder of one
// IMAP account and hands over every mail that arrives there, once and surely.
//
// What it promises
//
//   - A mail counts as taken only after Take returned nil for it; the bookmark
//     moves after that, never before. A crash anywhere means that some mails
//     are handed over again, never that one is missed. Take must therefore be
//     idempotent, by UIDVALIDITY and UID or by content.
//   - Mails are named by (UIDVALIDITY, UID) (RFC 9051 section 2.3.1.1). When a
//     server starts a new UIDVALIDITY, what Known recognises is adopted under
//     the new names and only the rest is taken.
//   - A mail that cannot be fetched, or that Take cannot digest, stops nobody:
//     the others pass it, and it is handed over as a fault in the end.
//   - A dead server is noticed: every wait for an answer has an end.
//   - One sick account never stops another: nothing is shared between two.
//
// What it never does: look into a mail while fetching it (the Door does, inside
// Take, and nothing it finds can stop the fetching), mark mails as read, delete
// them, ask for ENVELOPE or BODYSTRUCTURE, write an address, a subject or a
// password into a log or an error.
//
// # How it runs
//
// Run is a supervisor. It connects, catches up with everything from the
// bookmark on, waits in IDLE (RFC 2177) or polls, and begins again; when a
// connection ends it waits a moment and connects anew. Within a connection one
// goroutine sends all commands and keeps two FETCH commands under way, each of
// which has a goroutine that reads its answers; and one goroutine hands over
// what has come in, so that fetching and storing overlap. Between them is a
// queue bounded in bytes. A mail never waits for others to fill a batch: the
// taker takes whatever is there.
package mailbox
