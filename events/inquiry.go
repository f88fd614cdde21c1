package events

import "time"

// Channel is the way an inquiry came in.
type Channel string

// The channels of this release.
const (
	Email Channel = "email"
	Form  Channel = "form"
)

// MailClass is what a mail is, by the ladder of MAIL I26. Only MailHuman may
// cause an automatic mail or a reopening (I27).
type MailClass string

// The classes of mail.
const (
	MailHuman     MailClass = "human"
	MailAuto      MailClass = "auto"
	MailBounce    MailClass = "bounce"
	MailComplaint MailClass = "complaint"
	MailReceipt   MailClass = "receipt"
	MailList      MailClass = "list"
	MailLoop      MailClass = "loop"
	// MailSent is what an agent wrote from a mail program: it stands in the
	// mailbox's folder of sent mail.
	MailSent MailClass = "sent"
)

// Address is a person's mail address with the name shown beside it.
type Address struct {
	Name    string `json:"name,omitempty"`
	Address string `json:"address"`
}

// Attachment is one file of a letter. A part of a mail is a byte range of the
// raw message; a file of a form is a blob of its own.
type Attachment struct {
	ID        string `json:"id"` // unique within the letter
	Name      string `json:"name"`
	Type      string `json:"type"` // as sniffed, RFC 2046
	Size      int64  `json:"size"` // decoded bytes
	SHA256    string `json:"sha256"`
	Inline    bool   `json:"inline,omitempty"`
	ContentID string `json:"cid,omitempty"`      // RFC 2392, without brackets
	Offset    int64  `json:"offset,omitempty"`   // of the encoded part in the raw mail
	Length    int64  `json:"length,omitempty"`   // encoded bytes
	Encoding  string `json:"encoding,omitempty"` // base64, quoted-printable, 7bit, …
	File      int    `json:"file,omitempty"`     // 1-based index into Files; 0: part of Raw
}

// Letter is what somebody wrote to us: everything an agent reads.
type Letter struct {
	Subject     string            `json:"subject"`
	Text        string            `json:"text"`
	HTML        string            `json:"html,omitempty"`
	QuoteFrom   int               `json:"quote_from"` // byte offset in Text of the folded quote, -1 none
	ReplyTo     []Address         `json:"reply_to,omitempty"`
	To          []Address         `json:"to,omitempty"`
	Cc          []Address         `json:"cc,omitempty"`
	MessageID   string            `json:"message_id,omitempty"` // bare, RFC 5322 3.6.4
	References  []string          `json:"references,omitempty"` // bare, oldest first, with In-Reply-To last
	Date        time.Time         `json:"date,omitzero"`
	Attachments []Attachment      `json:"attachments,omitempty"`
	Fields      map[string]string `json:"fields,omitempty"`       // further fields of a form
	Cut         bool              `json:"cut,omitempty"`          // text or HTML was cut to fit; the raw mail has all
	ThreadIndex string            `json:"thread_index,omitempty"` // Outlook's place in the conversation, sent back (MAIL O11)
	ThreadTopic string            `json:"thread_topic,omitempty"`
}

// InquiryReceived is a mail or a form submission, sealed at the door. Its stream
// is named by an id derived from where it came from, so that the same mail
// fetched again is the same event.
//
// Everything the desk needs to decide whose ticket it is stands in the clear as
// keyed hashes and verdicts, so that folds never open anything (PRIVACY 0.6).
type InquiryReceived struct {
	Inquiry      InquiryID   `json:"inquiry"`
	Channel      Channel     `json:"channel" pd:"none,one of two words"`
	Mailbox      MailboxID   `json:"mailbox,omitempty"`
	UIDValidity  uint32      `json:"uidvalidity,omitempty" pd:"none,number given by the mail server"`
	UID          uint32      `json:"uid,omitempty" pd:"none,number given by the mail server"`
	Form         FormID      `json:"form,omitempty"`
	ArrivedAt    time.Time   `json:"arrived_at" pd:"none,when the server took it"`
	Customer     SubjectID   `json:"customer"`
	Participants []SubjectID `json:"participants,omitempty"` // others in To and Cc
	SenderDomain Hash        `json:"sender_domain,omitempty"`
	Class        MailClass   `json:"class" pd:"none,verdict of a rule"`
	ClassRule    string      `json:"class_rule,omitempty" pd:"none,name of a rule"`
	MessageKey   Hash        `json:"message_key,omitempty"`  // of its Message-ID
	ContentKey   Hash        `json:"content_key,omitempty"`  // of the logical message (MAIL I7)
	References   []Hash      `json:"refs,omitempty"`         // best evidence first (MAIL I33)
	ReplyTicket  TicketID    `json:"reply_ticket,omitempty"` // proved by a signed reply address
	ReplySubject SubjectID   `json:"reply_subject,omitempty"`
	SignedTicket TicketID    `json:"signed_ticket,omitempty"` // proved by a signed Message-ID of ours in References
	TagNumber    int64       `json:"tag_number,omitempty" pd:"none,ticket number in the subject line, proves nothing"`
	Bounced      OutboundID  `json:"bounced,omitempty"` // proved by a signed bounce address
	BounceCode   string      `json:"bounce_code,omitempty" pd:"none,status code of RFC 3463"`
	BounceAction string      `json:"bounce_action,omitempty" pd:"none,failed, delayed or relayed (RFC 3464)"`
	Auth         string      `json:"auth,omitempty" pd:"none,verdict of our own mail server: pass, fail or none"`
	NoAnswer     bool        `json:"no_answer,omitempty"` // an automatic answer is not wanted (MAIL I27)
	Warnings     []string    `json:"warnings,omitempty" pd:"none,codes of the parser's repairs"`
	Size         int64       `json:"size" pd:"none,counts bytes"`
	Raw          Blob        `json:"raw" blob:"Letter"`
	Files        []Blob      `json:"files,omitempty" blob:"Letter"`

	QuotedTicket  TicketID  `json:"quoted_ticket,omitempty"`  // proved by a signed mark in the quoted text (MAIL I33)
	SignedMessage MessageID `json:"signed_message,omitempty"` // the message of SignedTicket
	SubjectKey    Hash      `json:"subject_key,omitempty"`    // of the subject without Re: and tags (MAIL I38)
	Agent         AgentID   `json:"agent,omitempty"`          // the author's address is this agent's: believed only with Auth pass (MAIL I35)
	Forwarded     bool      `json:"forwarded,omitempty"`      // the agent forwarded it: Customer is who wrote it first (MAIL I40)
	SPF           string    `json:"spf,omitempty" pd:"none,verdict word of RFC 8601 by our own mail server"`
	DKIM          string    `json:"dkim,omitempty" pd:"none,verdict word of RFC 8601 by our own mail server"`
	DMARC         string    `json:"dmarc,omitempty" pd:"none,verdict word of RFC 8601 by our own mail server"`
	Complaint     string    `json:"complaint,omitempty" pd:"none,feedback type of RFC 5965"`
	Again         InquiryID `json:"again,omitempty"`        // this is that inquiry, read once more
	Conversation  Hash      `json:"conversation,omitempty"` // of Outlook's conversation: a hint, which anybody can copy (MAIL I33)

	Contact Sealed[Address] `json:"-" seg:"C-CONTACT,R-CONT,Customer,support,admin-message"`
	Letter  Sealed[Letter]  `json:"-" seg:"C-COMM,R-COMM,Customer,support"`
}

// InquiryQuarantined says that an inquiry waits for a person, and why. It
// follows InquiryReceived in the same stream.
type InquiryQuarantined struct {
	Inquiry InquiryID `json:"inquiry"`
	Reason  string    `json:"reason" pd:"none,code of a rule"`
	Detail  string    `json:"detail,omitempty" pd:"none,sentence made of codes and numbers"`
}

// InquiryReleased says that a person let an inquiry out of quarantine.
type InquiryReleased struct {
	Inquiry InquiryID `json:"inquiry"`
}

// InquiryDiscarded says that a person decided that an inquiry becomes no ticket.
type InquiryDiscarded struct {
	Inquiry InquiryID `json:"inquiry"`
	Again   InquiryID `json:"again,omitempty"` // it was read once more, as that one
}

// InquiryRouted is the decision whose ticket an inquiry belongs to, with its
// evidence. Nothing is written to a ticket before this stands in the log.
type InquiryRouted struct {
	Inquiry     InquiryID `json:"inquiry"`
	Ticket      TicketID  `json:"ticket,omitempty"` // empty: it becomes no ticket (a bounce, a loop)
	New         bool      `json:"new,omitempty"`
	Number      int64     `json:"number,omitempty" pd:"none,ticket number"`
	Why         string    `json:"why" pd:"none,code of a rule"`
	Unverified  bool      `json:"unverified,omitempty"` // the sender is no participant
	Related     TicketID  `json:"related,omitempty"`    // may belong to this one
	Acknowledge bool      `json:"acknowledge,omitempty"`
	Brake       string    `json:"brake,omitempty" pd:"none,code of the rule that kept the acknowledgement back"`
	Rules       int       `json:"rules,omitempty" pd:"none,version of the rules"`
}
