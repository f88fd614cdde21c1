package events

import "time"

// OutboundKind is why a message goes out.
type OutboundKind string

// The kinds of outgoing messages.
const (
	OutboundReply           OutboundKind = "reply"
	OutboundAcknowledgement OutboundKind = "acknowledgement"
	OutboundAdministrative  OutboundKind = "administrative"
)

// Parcel is the sealed half of a queued message: what the outbox shows and the
// frozen SMTP envelope (MAIL O1).
type Parcel struct {
	MailFrom string  `json:"mail_from"` // VERP address, empty for the null sender
	RcptTo   string  `json:"rcpt_to"`   // one recipient a transaction (MAIL O4)
	To       Address `json:"to"`
	Subject  string  `json:"subject"`
	EnvID    string  `json:"envid,omitempty"` // signed ENVID (RFC 3461 section 4.4)
}

// MessageQueued begins the way of one message to one recipient. The message is
// rendered once, here; every attempt sends these bytes.
type MessageQueued struct {
	Outbound  OutboundID     `json:"outbound"`
	Kind      OutboundKind   `json:"kind" pd:"none,one of three words"`
	Channel   Channel        `json:"channel" pd:"none,one word"`
	Ticket    TicketID       `json:"ticket,omitempty"`
	Message   MessageID      `json:"message,omitempty"`
	Mailbox   MailboxID      `json:"mailbox,omitempty"`
	Customer  SubjectID      `json:"customer"`
	Domain    Hash           `json:"domain"` // of the recipient's domain, for queueing by domain
	MessageID string         `json:"message_id" pd:"none,our own signed Message-ID"`
	NotBefore time.Time      `json:"not_before" pd:"none,when it may go"`
	Rendered  Blob           `json:"rendered" blob:"Parcel"`
	Parcel    Sealed[Parcel] `json:"-" seg:"C-COMM,R-OUT,Customer,support,admin-message"`

	Address Hash `json:"address,omitempty"` // of the recipient's address, for the suppression list
	Bulk    bool `json:"bulk,omitempty"`    // one of many alike: quiet hours hold for it (MAIL O17)
	Links   bool `json:"links,omitempty"`   // its files go as links, all of them (MAIL O21)
}

// DeliveryAttempted claims a message for one attempt until the lease ends.
type DeliveryAttempted struct {
	Outbound OutboundID `json:"outbound"`
	Attempt  int        `json:"attempt" pd:"none,counts attempts from 1"`
	Worker   string     `json:"worker" pd:"none,random name of a process"`
	Lease    time.Time  `json:"lease" pd:"none,when the claim ends"`
}

// DeliveryStarted says that the message's bytes are about to go out: from here
// until the next event the outcome cannot be known after a crash (MAIL O3).
type DeliveryStarted struct {
	Outbound OutboundID `json:"outbound"`
	Attempt  int        `json:"attempt" pd:"none,counts attempts from 1"`
	Archived bool       `json:"archived,omitempty"` // the archive is a recipient of the same transaction: what it holds is evidence
	Lease    time.Time  `json:"lease,omitzero" pd:"none,when the claim ends, renewed"`
}

// DeliveryAccepted says that the next hop took the message: not that anybody
// read it (MAIL O22).
type DeliveryAccepted struct {
	Outbound OutboundID `json:"outbound"`
	Attempt  int        `json:"attempt" pd:"none,counts attempts from 1"`
	Code     string     `json:"code" pd:"none,SMTP reply code and enhanced status"`
	Queue    string     `json:"queue,omitempty" pd:"none,queue id of the next hop"`
}

// DeliveryDeferred says that it was refused for now.
type DeliveryDeferred struct {
	Outbound OutboundID `json:"outbound"`
	Attempt  int        `json:"attempt" pd:"none,counts attempts from 1"`
	Class    string     `json:"class" pd:"none,class of MAIL O6"`
	Code     string     `json:"code" pd:"none,SMTP reply code and enhanced status"`
	Until    time.Time  `json:"until" pd:"none,when to try again"`
}

// DeliveryFailed says that it was refused for good.
type DeliveryFailed struct {
	Outbound OutboundID `json:"outbound"`
	Attempt  int        `json:"attempt" pd:"none,counts attempts from 1"`
	Class    string     `json:"class" pd:"none,class of MAIL O6"`
	Code     string     `json:"code" pd:"none,SMTP reply code and enhanced status"`
}

// DeliveryUnknown says that nobody can tell whether the next hop took it. It is
// a state of its own and never retried by itself.
type DeliveryUnknown struct {
	Outbound OutboundID `json:"outbound"`
	Attempt  int        `json:"attempt" pd:"none,counts attempts from 1"`
	Class    string     `json:"class" pd:"none,what was lost: crash, connection"`
}

// DeliveryResolved is a person's or a rule's word on an unknown outcome:
// accepted or failed.
type DeliveryResolved struct {
	Outbound OutboundID `json:"outbound"`
	Outcome  string     `json:"outcome" pd:"none,accepted or failed"`
	Evidence string     `json:"evidence" pd:"none,code of the evidence"`
}

// DeliveryRetried puts a failed, deferred or unknown message back into the queue
// because a person said so.
type DeliveryRetried struct {
	Outbound OutboundID `json:"outbound"`
	Cause    string     `json:"cause,omitempty" pd:"none,code of the rule that said so; empty: a person"`
	Override bool       `json:"override,omitempty"` // though the suppression list held it
}

// MessageBounced says that a later hop gave it back, proved by a signed address.
type MessageBounced struct {
	Outbound OutboundID `json:"outbound"`
	Inquiry  InquiryID  `json:"inquiry"`
	Code     string     `json:"code" pd:"none,status code of RFC 3463"`
	Action   string     `json:"action" pd:"none,action field of RFC 3464"`
	Class    string     `json:"class,omitempty" pd:"none,what the code means: hard, full, policy or other"`
}

// MessageCancelled says that it does not go out. Without a reason a person said so.
type MessageCancelled struct {
	Outbound OutboundID `json:"outbound"`
	Reason   string     `json:"reason,omitempty" pd:"none,code of a rule"`
}
