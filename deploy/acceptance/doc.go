// Package acceptance drives the built hub as its users do: over IMAP, SMTP, HTTP
// and a browser, with nothing of its inside in reach. TestMain builds the binary
// once, as a release is built, or takes the one that -binary names.
//
// What it shows
//
//   - A mail or a form becomes a ticket, the answer reaches the customer, and the
//     customer's answer comes back to the same ticket; strangers do not get in
//     (TestMail, against a real Dovecot and Postfix; TestConsole, in Chromium).
//   - However often the hub is killed, every mail is there once and every answer
//     is sent once or says that nobody knows (TestCrash).
//   - Bad input is seen and stops nobody (TestBadMail, TestForms, TestMisuse), and
//     what the hub stands on may be away, or full, and come back (TestAway…,
//     TestFullDisk).
//
// It never asserts how fast anything is: it waits with long patience and logs what
// it measured. Everything listens on free ports of 127.0.0.1, and every process
// that a test starts ends with it.
//
// Tests that need Dovecot, Postfix or Chromium are skipped with the reason where
// these are missing, and fail instead when the environment variable HUB_REQUIRE
// names them (dovecot, postfix, chromium). With -short the crash test is smaller.
package acceptance
