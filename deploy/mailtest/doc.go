// Package mailtest is a throw-away mail system for tests and benchmarks: a real
// Dovecot and a real Postfix on loopback, in a folder of their own, on free
// ports, so that any number of them run side by side.
//
// It offers IMAP with STARTTLS, IMAPS, LMTP, SMTP in the role of an MX, and
// submission with STARTTLS and with implicit TLS; the mailboxes support@,
// sales@ and bounces@hub.test and alice@ and bob@cust.test, all with the
// password "secret", "+token" delivered to the user; XOAUTH2 and OAUTHBEARER
// with tokens made by Token; CONDSTORE, QRESYNC, MOVE, UIDPLUS and IDLE. Some
// recipients at cust.test always refuse:
//
//	grey@ 450 4.7.1   full@ 452 4.2.2   slow@ 421 4.3.2   nobody@ 550 5.1.1   spam@ 554 5.7.1
//
// Any other unknown address there is accepted and bounced with a delivery
// status notification (RFC 3464). Mail to the outside is impossible.
//
// Proxy stands between a client and a server and breaks the connection in the
// ways networks do.
//
// What it needs: root, because Dovecot and Postfix drop privileges, and the
// Debian packages that install.sh installs. Where they are missing, Run skips
// the test with the reason, unless the environment variable HUB_REQUIRE names
// dovecot or postfix: then it fails.
package mailtest
