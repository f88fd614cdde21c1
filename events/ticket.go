package events

import "time"

// Priority of a ticket.
type Priority string

// The priorities, lowest first.
const (
	Low    Priority = "low"
	Normal Priority = "normal"
	High   Priority = "high"
	Urgent Priority = "urgent"
)

// TicketOpened begins a ticket. The message that caused it follows in the same
// append as MessageAttached.
type TicketOpened struct {
	Ticket       TicketID    `json:"ticket"`
	Number       int64       `json:"number" pd:"none,counts tickets"`
	Channel      Channel     `json:"channel" pd:"none,one of two words"`
	Mailbox      MailboxID   `json:"mailbox,omitempty"`
	Form         FormID      `json:"form,omitempty"`
	Customer     SubjectID   `json:"customer"`
	Participants []SubjectID `json:"participants,omitempty"`
	Related      TicketID    `json:"related,omitempty"`
}

// MessageAttached adds an inquiry to a ticket's conversation.
type MessageAttached struct {
	Ticket     TicketID  `json:"ticket"`
	Inquiry    InquiryID `json:"inquiry"`
	Customer   SubjectID `json:"customer"`
	Class      MailClass `json:"class" pd:"none,verdict of a rule"`
	Why        string    `json:"why" pd:"none,code of the rule that matched"`
	Unverified bool      `json:"unverified,omitempty"`
	MessageKey Hash      `json:"message_key,omitempty"`

	Agent        AgentID     `json:"agent,omitempty"`           // an agent wrote it by mail, proved (MAIL I35)
	Participants []SubjectID `json:"participants,omitempty"`    // whom a participant wrote it to besides us (MAIL I34)
	NewSubject   bool        `json:"subject_changed,omitempty"` // it looks like another matter (MAIL I38)
	SubjectKey   Hash        `json:"subject_key,omitempty"`
}

// AcknowledgementWritten asks the notifier to tell the customer that the inquiry
// arrived, at the address the inquiry came from. It carries no text of the
// customer's (FIELD 3.6).
type AcknowledgementWritten struct {
	Ticket    TicketID  `json:"ticket"`
	Message   MessageID `json:"message"`
	Inquiry   InquiryID `json:"inquiry"`
	Number    int64     `json:"number" pd:"none,ticket number"`
	Mailbox   MailboxID `json:"mailbox,omitempty"`
	Customer  SubjectID `json:"customer"`
	MessageID string    `json:"message_id" pd:"none,our own signed Message-ID"`
}

// ReplyEnvelope is what was decided about an answer when it was written: to
// whom, on which thread. It never changes afterwards (MAIL O1, FIELD 2.8).
type ReplyEnvelope struct {
	To         []Address `json:"to"`
	Cc         []Address `json:"cc,omitempty"`
	Subject    string    `json:"subject"`
	InReplyTo  string    `json:"in_reply_to,omitempty"`
	References []string  `json:"references,omitempty"`

	ThreadIndex string `json:"thread_index,omitempty"` // of the mail that is answered
	ThreadTopic string `json:"thread_topic,omitempty"`
}

// Answer is the text of a reply or a note.
type Answer struct {
	Text  string       `json:"text"`
	HTML  string       `json:"html,omitempty"`
	Files []AnswerFile `json:"files,omitempty"` // of ReplyWritten.Files, in the same order
}

// AnswerFile describes a file that goes with an answer.
type AnswerFile struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Size int64  `json:"size"`
}

// ReplyWritten is an agent's answer to the customer. The notifier sends it.
type ReplyWritten struct {
	Ticket    TicketID  `json:"ticket"`
	Message   MessageID `json:"message"`
	Number    int64     `json:"number" pd:"none,ticket number"`
	Mailbox   MailboxID `json:"mailbox,omitempty"`
	Agent     AgentID   `json:"agent"`
	Customer  SubjectID `json:"customer"`
	MessageID string    `json:"message_id" pd:"none,our own signed Message-ID"`

	Envelope Sealed[ReplyEnvelope] `json:"-" seg:"C-COMM,R-COMM,Customer,support,admin-message"`
	Answer   Sealed[Answer]        `json:"-" seg:"C-COMM,R-COMM,Customer,support,admin-message"`

	NotBefore time.Time `json:"not_before,omitzero" pd:"none,when the agent wants it to go"`
	Files     []Blob    `json:"files,omitempty" blob:"Answer"`
}

// NoteAdded is a remark for colleagues. It is never sent.
type NoteAdded struct {
	Ticket   TicketID       `json:"ticket"`
	Message  MessageID      `json:"message"`
	Agent    AgentID        `json:"agent"`
	Customer SubjectID      `json:"customer"`
	Note     Sealed[Answer] `json:"-" seg:"C-COMM,R-COMM,Customer,support"`
}

// TicketAssigned gives a ticket to an agent.
type TicketAssigned struct {
	Ticket TicketID `json:"ticket"`
	Agent  AgentID  `json:"agent"`
}

// TicketUnassigned takes it from whoever had it.
type TicketUnassigned struct {
	Ticket TicketID `json:"ticket"`
}

// PriorityChanged sets how urgent a ticket is.
type PriorityChanged struct {
	Ticket   TicketID `json:"ticket"`
	Priority Priority `json:"priority" pd:"none,one of four words"`
}

// TagAdded puts a tag on a ticket.
type TagAdded struct {
	Ticket TicketID `json:"ticket"`
	Tag    string   `json:"tag" pd:"none,label chosen by agents from the desk's list"`
}

// TagRemoved takes a tag off.
type TagRemoved struct {
	Ticket TicketID `json:"ticket"`
	Tag    string   `json:"tag" pd:"none,label chosen by agents from the desk's list"`
}

// TicketResolved says that the customer's inquiry is answered.
type TicketResolved struct {
	Ticket TicketID `json:"ticket"`
}

// TicketReopened says that it is not. Cause is "agent", "message" (the customer
// wrote again) or "delivery" (our answer did not arrive).
type TicketReopened struct {
	Ticket TicketID `json:"ticket"`
	Cause  string   `json:"cause" pd:"none,one of three words"`
}

// ThreadBound binds the keyed hash of a Message-ID, or of a conversation of
// Outlook's, to a ticket, once. Content tells a second copy of the same mail from
// another mail with the same id (MAIL I7, I8).
type ThreadBound struct {
	Key     Hash      `json:"key"`
	Ticket  TicketID  `json:"ticket"`
	Inquiry InquiryID `json:"inquiry"`
	Content Hash      `json:"content,omitempty"`
}

// TicketNumberTaken counts one ticket.
type TicketNumberTaken struct {
	Ticket TicketID `json:"ticket"`
}
