package tickets

import (
	"time"

	"github.com/westshore/hub/events"
)

// Status of a ticket.
type Status string

// The statuses. This release's events lead to Open and Resolved only.
const (
	Open     Status = "open"
	Pending  Status = "pending"
	Resolved Status = "resolved"
	Closed   Status = "closed"
)

// Kind says what a message of a conversation is.
type Kind string

// The kinds of messages.
const (
	Inbound Kind = "inbound"
	Reply   Kind = "reply"
	Note    Kind = "note"
	Auto    Kind = "auto" // an acknowledgement
)

// Customer is the person a ticket is for.
type Customer struct {
	ID      events.SubjectID
	Name    string
	Address string
}

// Agent is one of the desk's people.
type Agent struct {
	ID     events.AgentID
	Name   string
	Email  string
	Role   events.Role
	Active bool
}

// Ticket is one line of a list.
type Ticket struct {
	ID         events.TicketID
	Number     int64
	Subject    string
	Snippet    string // first words of the last message, at most 160 characters
	Status     Status
	Priority   events.Priority
	Channel    events.Channel
	Mailbox    events.MailboxID
	Form       events.FormID
	Customer   Customer
	Assignee   *Agent // nil: nobody
	Tags       []string
	Related    events.TicketID // may belong to this one
	CreatedAt  time.Time
	UpdatedAt  time.Time
	ResolvedAt time.Time // zero while it is not resolved
	Revision   events.Revision
	Unverified bool // a message came from somebody who is no participant
	LastKind   Kind // of the last message that is not Auto
	Erased     bool // the inquiry that opened it can no longer be read
}

// Message is one entry of a conversation.
type Message struct {
	ID             string // an events.InquiryID or an events.MessageID
	Kind           Kind
	From           events.Address // of a reply or note: the agent's name, no address
	To, Cc         []events.Address
	At             time.Time // of an inbound mail: when the server took it
	Subject        string
	Text           string
	HTML           string // as it came, not sanitised; empty when there is none
	QuoteFrom      int    // byte offset in Text of the folded quote, -1 none
	Fields         map[string]string
	Cut            bool // Text or HTML was cut to fit; the raw mail has all
	Attachments    []events.Attachment
	State          events.State // Plain, Erased, Restricted or Denied
	Redacted       bool         // words of it, or all, were taken out
	Unverified     bool
	KIDs           []events.KID // of the keys that its text is sealed with: they know how long it is kept
	Delivery       string       // queued, accepted, deferred, held, failed, unknown, bounced, cancelled; empty for what is not sent
	DeliveryDetail string       // reply code of the mail server
	SendAt         time.Time    // while Delivery is queued: when it goes out at the earliest
	Class          events.MailClass
	Warnings       []string
	Why            string // code of the rule that put it here
	Agent          *Agent
	Raw            bool // the mail as it came can be fetched with File 0
	Position       events.Position
}

// Line is one line of a ticket's history, readable, without customers' text.
type Line struct {
	Position events.Position
	At       time.Time
	Type     string // wire type without prefix
	Actor    string // an agent's name, or the actor as recorded
	Text     string
}

// Quarantined is an inquiry that waits, or waited, for a person.
type Quarantined struct {
	ID         events.InquiryID
	Mailbox    events.MailboxID
	Form       events.FormID
	Reason     string
	Detail     string
	From       events.Address
	Subject    string
	Size       int64
	ReceivedAt time.Time
	State      string // held, released, discarded
}

// Counts are the numbers beside the lists.
type Counts struct {
	Open, Mine, Unassigned, Resolved, All int64
	Quarantine                            int64 // held
}
