// Package outbox is the view of outgoing mail: one row for each message to one
// recipient, in what state it is, and which are due.
//
// It promises that a message is due only while its events say so: queued or
// deferred and its time has come, or claimed by a worker whose lease ended before
// the bytes went out. One whose lease ended after that is never due but stuck:
// nobody can tell whether it was taken. What is due is shared out fairly among
// recipients' domains.
//
// The notifier decides from the message's own stream, never from this view: a
// view that is late costs a look, not a second mail. Recipient and subject are
// readable in the file and are taken back by Erase.
package outbox
