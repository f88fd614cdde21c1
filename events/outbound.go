package events

import "time"

// SuppressionKind is why we do not write to an address (MAIL O13).
type SuppressionKind string

// The kinds of suppression.
const (
	SuppressedHard      SuppressionKind = "hard"      // there is no such mailbox
	SuppressedSoft      SuppressionKind = "soft"      // it was full three times in a week
	SuppressedComplaint SuppressionKind = "complaint" // its owner called a message unwanted
	SuppressedManual    SuppressionKind = "manual"    // a person said so
)

// AddressSuppressed puts an address on the suppression list. The address itself
// stands nowhere: only its keyed hash.
type AddressSuppressed struct {
	Customer SubjectID       `json:"customer"`
	Address  Hash            `json:"address"`
	Kind     SuppressionKind `json:"kind" pd:"none,one of four words"`
	Outbound OutboundID      `json:"outbound,omitempty"` // the message that showed it
	Agent    AgentID         `json:"agent,omitempty"`    // who said so
}

// AddressUnsuppressed takes it off again.
type AddressUnsuppressed struct {
	Customer SubjectID `json:"customer"`
	Address  Hash      `json:"address"`
	Cause    string    `json:"cause" pd:"none,wrote or agent"`
	Inquiry  InquiryID `json:"inquiry,omitempty"` // what it wrote to us
	Agent    AgentID   `json:"agent,omitempty"`
}

// ReplyRecalled says that an answer was taken back before it went out (MAIL O16).
// It stands after the cancellation of every message that carried it.
type ReplyRecalled struct {
	Ticket  TicketID  `json:"ticket"`
	Message MessageID `json:"message"`
	Agent   AgentID   `json:"agent"`
}

// MessageHeld keeps a message back: until a time, or until a person says more.
type MessageHeld struct {
	Outbound OutboundID `json:"outbound"`
	Reason   string     `json:"reason" pd:"none,code of a rule"`
	Until    time.Time  `json:"until,omitzero" pd:"none,when it may go; zero: when a person says so"`
}

// MessageDelayed tells that a message waits for longer than people expect, once
// (MAIL O7).
type MessageDelayed struct {
	Outbound OutboundID `json:"outbound"`
	Class    string     `json:"class,omitempty" pd:"none,class of MAIL O6 of the last refusal"`
}

// MessageRedirected sends what could not be delivered to another address of the
// same person, as a message of its own (MAIL O8). It ends this one.
type MessageRedirected struct {
	Outbound OutboundID      `json:"outbound"`
	New      OutboundID      `json:"new"`
	Customer SubjectID       `json:"customer"`
	Agent    AgentID         `json:"agent"`
	To       Sealed[Address] `json:"-" seg:"C-CONTACT,R-OUT,Customer,support,admin-message"`

	Cause string `json:"cause,omitempty" pd:"none,code of the rule that said so; empty: a person"`
}

// DeliveryExplained is what an agent says about a decision on a message: why an
// unknown outcome is taken for one or the other (MAIL O8). It follows the decision
// in the same append.
type DeliveryExplained struct {
	Outbound OutboundID     `json:"outbound"`
	Customer SubjectID      `json:"customer"`
	Agent    AgentID        `json:"agent"`
	Reason   Sealed[Answer] `json:"-" seg:"C-COMM,R-OUT,Customer,support"`
}

func (DeliveryExplained) event()   {}
func (AddressSuppressed) event()   {}
func (AddressUnsuppressed) event() {}
func (ReplyRecalled) event()       {}
func (MessageHeld) event()         {}
func (MessageDelayed) event()      {}
func (MessageRedirected) event()   {}
