// Package mail reads and writes Internet mail: it turns raw bytes into a
// Message, says what kind of mail it is, makes the tokens that tie an answer to
// its ticket, and renders what the hub sends.
//
// It promises:
//
//   - Parse never fails and never panics. Whatever the bytes are, a Message
//     comes back; what could not be understood is a warning with a stable code
//     and, where there is content, an attachment that holds it untouched.
//   - Parse takes time linear in the size of its input, with fixed limits
//     (limits.go): a hostile mail costs no more than an honest one of its size.
//   - Attachment content is never copied: an Attachment is a byte range of the
//     raw message and the way to the file in it, also where a container holds it
//     (winmail.dat, signed S/MIME, uuencoded text), and DecodePart gives the file
//     back from that.
//   - Compose is a pure function: the same Outgoing gives the same bytes, so a
//     mail is rendered once and every attempt sends the same thing. No value of
//     a customer can add a header.
//   - Tokens are bound to one instance key and one purpose, carry at least 80
//     bits of HMAC-SHA256, and are compared in constant time.
//
// It never does I/O, reads no clock, keeps no state, logs nothing, decrypts
// nothing, unpacks no archive and follows no link.
//
// Message-IDs are kept and printed bare, without angle brackets. Addresses are
// kept as the sender wrote them; Address.Key is the form for comparison.
package mail
