// Package sandbox is the mail system built into `hub demo`: an SMTP server and
// an IMAP server on loopback that need nothing installed, so that the hub can
// be tried, and tested, with mail that really arrives.
//
// What it promises
//
//   - A mail answered with 250 is on disk, one file per mail, with the file and
//     its folder fsynced, and survives kill -9 and a power cut.
//   - It comes back over IMAP byte for byte: the trace fields added at delivery
//     (Return-Path, Delivered-To, X-Original-To, Received; RFC 5321 section
//     4.4), then exactly what came between DATA and the final dot.
//   - UIDs and UIDVALIDITY stay the same over restarts; the UID of an expunged
//     mail is never given out again (RFC 9051 section 2.3.1.1).
//   - IDLE announces a mail at once.
//
// It takes mail for any address. Every address is a mailbox on its IMAP, all
// with the same password, so what a customer receives can be read there.
// A mail to a plus-address (support+token@example.com) is delivered to the base
// address (support@example.com), with the address it was sent to kept in
// Delivered-To and X-Original-To, and can be read under the plus-address too.
// The view under the plus-address is a convenience: it is as durable against
// kill -9, but only the base mailbox is fsynced.
//
// Recipients for trying what goes wrong, all under the domain refuse.test:
//
//	grey@    450 4.7.1  try again later (greylisting)
//	full@    452 4.2.2  mailbox full
//	slow@    421 4.3.2  service not available
//	nobody@  550 5.1.1  no such user
//	spam@    554 5.7.1  rejected as spam
//	cut@     the mail is taken, then the connection is closed without an answer
//
// What it never does: send mail anywhere, talk TLS, listen beyond what its
// Config says. It is for loopback.
//
// # On disk
//
//	DIR/lock                            flock: one process per folder
//	DIR/mail/ADDRESS/validity           the last UIDVALIDITY given out, decimal
//	DIR/mail/ADDRESS/FOLDER/validity    UIDVALIDITY of this folder, decimal
//	DIR/mail/ADDRESS/FOLDER/journal     one line per fact, see journal.go
//	DIR/mail/ADDRESS/FOLDER/UID-SECONDS-SIZE.eml
//
// ADDRESS and FOLDER are lower-cased (folders are not) and percent-encoded; UID
// has ten digits; SECONDS is the internal date in Unix time; SIZE is in bytes.
package sandbox
