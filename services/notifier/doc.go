// Package notifier is the back door: it renders what goes out, once; claims each
// message for one attempt at a time; hands it to the mail server; and says what
// came of it.
//
// The way of a message to one recipient is a stream of its own:
//
//	MessageQueued      rendered bytes and envelope, frozen
//	DeliveryAttempted  claimed by one worker until the lease ends
//	DeliveryStarted    everything is offered, the final dot comes next
//	DeliveryAccepted | DeliveryDeferred | DeliveryFailed | DeliveryUnknown
//
// It promises that what it did is in the journal before the next attempt, that an
// accepted message is never sent again, and that a crash or a lost connection
// after the final dot is a state of its own, not a retry (RFC 1047, RFC 5321
// section 6.1): before DeliveryStarted is written nothing can have been accepted,
// so trying again is safe; after it nobody tries again unless a person says so.
//
// It never decides whether a message should be written, never changes its
// recipients, and never looks an address up at sending time.
package notifier
