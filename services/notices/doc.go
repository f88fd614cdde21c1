// Package notices writes to many: a change of policy, an incident, a transfer of
// business, or, to those who agreed, an offer.
//
// A notice is drafted, previewed to oneself, approved by somebody who wrote no
// word of it, started, and goes out at its own pace; it can be paused, resumed
// and cancelled at any moment:
//
//	NoticeDrafted     texts with placeholders, values, audience, pace; again: a new draft, to be approved anew
//	NoticeApproved    by a second person, of one revision of the draft
//	NoticeStarted     from now on the draft is frozen
//	RecipientsListed  whom it goes to, in parts, in a stream of its own
//	NoticeListed      the list is complete
//	NoticePaused, NoticeResumed
//	NoticeFinished | NoticeCancelled
//
// It promises that a person on the list gets one message or one reason for none,
// however often the process dies: both begin the same stream, whose name comes
// from the notice and the person. It promises that what a person or a draft puts
// into a placeholder is data (FIELD 19, 20): it is never read as a placeholder
// again, is escaped in HTML, has no line breaks in a header, and a name that
// looks like a link or an address is not used at all. Nothing starts while a
// value could be missing.
//
// Who may be written to is asked for each person at the moment of writing: the
// erased and restricted drop out, so do suppressed addresses, and promotional
// notices need consent that is alive. The same is asked again before delivery.
//
// It never delivers anything itself: what it queues goes the way of all mail.
package notices
