package events

import (
	"strconv"
	"time"
)

type (
	// NoticeID names one notice: one text to many people.
	NoticeID string
	// TemplateID names one template of notices.
	TemplateID string
)

// OutboundPromotional is a message that wants something of its reader. It needs
// the reader's consent; the other kinds do not.
const OutboundPromotional OutboundKind = "promotional"

// NoticeText is what a notice says in one language. Names of values stand in
// double braces where the values go; no person is named.
type NoticeText struct {
	Language string `json:"language"` // BCP 47, lower case: "en", "pt-br"
	Subject  string `json:"subject"`
	Text     string `json:"text"`
	HTML     string `json:"html,omitempty"`
}

// NoticeValue is a value that is the same for every reader of one notice.
type NoticeValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// NoticeAudience says who gets a notice: everybody who ever had a ticket, less
// what the fields leave out. Customers, when given, names them one by one.
type NoticeAudience struct {
	Mailbox   MailboxID   `json:"mailbox,omitempty"`   // who wrote to it
	Since     time.Time   `json:"since,omitzero"`      // who wrote since
	Customers []SubjectID `json:"customers,omitempty"` // only these
}

// NoticeDrafted says what a notice is. The first begins it; a later one replaces
// all of it and ends an approval.
type NoticeDrafted struct {
	Notice   NoticeID       `json:"notice"`
	Kind     OutboundKind   `json:"kind" pd:"none,administrative or promotional"`
	Topic    string         `json:"topic" pd:"none,one of a few words"`
	Title    string         `json:"title" pd:"none,what agents call it"`
	Mailbox  MailboxID      `json:"mailbox,omitempty"` // whose name it goes out in; empty: the one its reader wrote to
	Agent    AgentID        `json:"agent"`
	Template TemplateID     `json:"template,omitempty"`
	Texts    []NoticeText   `json:"texts" pd:"none,the same text to everybody, first language first"`
	Values   []NoticeValue  `json:"values,omitempty" pd:"none,the same values for everybody"`
	Audience NoticeAudience `json:"audience" pd:"none,a rule or random ids"`
	Rate     int            `json:"rate" pd:"none,messages a minute"`
}

// NoticeApproved is a second person's yes to the draft at a revision.
type NoticeApproved struct {
	Notice NoticeID `json:"notice"`
	Agent  AgentID  `json:"agent"`
	Draft  Revision `json:"draft" pd:"none,revision of the draft in this stream"`
}

// NoticeStarted sends an approved notice off.
type NoticeStarted struct {
	Notice NoticeID `json:"notice"`
	Agent  AgentID  `json:"agent"`
}

// RecipientsListed freezes a part of those who get a notice, in a stream of their
// own. The parts count from 0.
type RecipientsListed struct {
	Notice    NoticeID    `json:"notice"`
	Part      int         `json:"part" pd:"none,counts parts"`
	Customers []SubjectID `json:"customers"`
}

// NoticeListed says that the list of those who get it is complete.
type NoticeListed struct {
	Notice     NoticeID `json:"notice"`
	Recipients int      `json:"recipients" pd:"none,counts people"`
	Parts      int      `json:"parts" pd:"none,counts parts of the list"`
}

// NoticePaused holds a notice. Cause is "agent", or "failures" when too many of
// its messages failed.
type NoticePaused struct {
	Notice NoticeID `json:"notice"`
	Agent  AgentID  `json:"agent,omitempty"`
	Cause  string   `json:"cause" pd:"none,one of two words"`
}

// NoticeResumed lets it go on.
type NoticeResumed struct {
	Notice NoticeID `json:"notice"`
	Agent  AgentID  `json:"agent"`
}

// NoticeCancelled ends it: whoever has not got it does not get it.
type NoticeCancelled struct {
	Notice NoticeID `json:"notice"`
	Agent  AgentID  `json:"agent"`
}

// NoticeProgressed says how many of the list have been looked at: a bookmark, so
// that a restart need not look at all of them again.
type NoticeProgressed struct {
	Notice NoticeID `json:"notice"`
	Done   int      `json:"done" pd:"none,counts people"`
}

// NoticeFinished says that everybody on the list has a message of their own, or
// a reason for none. Their delivery may still be going on.
type NoticeFinished struct {
	Notice NoticeID `json:"notice"`
}

// MessageSkipped says that a person on a notice's list gets no message, and why.
// It stands where the message would: in the stream of that one message.
type MessageSkipped struct {
	Outbound OutboundID `json:"outbound"`
	Notice   NoticeID   `json:"notice"`
	Customer SubjectID  `json:"customer"`
	Reason   string     `json:"reason" pd:"none,code of a rule"`
}

// TemplateWritten says what a template is. The first begins it; a later one
// replaces all of it. Notices drafted from it keep the text they were drafted with.
type TemplateWritten struct {
	Template TemplateID   `json:"template"`
	Name     string       `json:"name" pd:"none,what agents call it"`
	Kind     OutboundKind `json:"kind" pd:"none,administrative or promotional"`
	Topic    string       `json:"topic" pd:"none,one of a few words"`
	Agent    AgentID      `json:"agent"`
	Texts    []NoticeText `json:"texts" pd:"none,the same text to everybody, first language first"`
}

// TemplateRetired takes a template out of use.
type TemplateRetired struct {
	Template TemplateID `json:"template"`
	Agent    AgentID    `json:"agent"`
}

// NoticeStream holds one notice.
func NoticeStream(id NoticeID) Stream { return Stream("notice-" + string(id)) }

// NoticeListStream holds the list of those who get one notice.
func NoticeListStream(id NoticeID) Stream { return Stream("noticelist-" + string(id)) }

// TemplateStream holds one template.
func TemplateStream(id TemplateID) Stream { return Stream("template-" + string(id)) }

// DeriveOutbound derives the id of the way of a message to its i-th recipient.
func DeriveOutbound(m MessageID, i int) OutboundID {
	return OutboundID(DeriveUUID("outbound", string(m), strconv.Itoa(i)).String())
}

// DeriveNoticeOutbound derives the id of the way of a notice to one person:
// whoever tries to queue it again finds it there. Its MessageQueued carries the
// notice's id as Message, and no ticket.
func DeriveNoticeOutbound(n NoticeID, c SubjectID) OutboundID {
	return OutboundID(DeriveUUID("outbound", "notice", string(n), string(c)).String())
}

func (NoticeDrafted) event()    {}
func (NoticeApproved) event()   {}
func (NoticeStarted) event()    {}
func (RecipientsListed) event() {}
func (NoticeListed) event()     {}
func (NoticePaused) event()     {}
func (NoticeResumed) event()    {}
func (NoticeCancelled) event()  {}
func (NoticeProgressed) event() {}
func (NoticeFinished) event()   {}
func (MessageSkipped) event()   {}
func (TemplateWritten) event()  {}
func (TemplateRetired) event()  {}
