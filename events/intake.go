package events

// MessageComplained says that the recipient called a message of ours unwanted
// (RFC 5965), proved by the signed envelope address of that message.
type MessageComplained struct {
	Outbound OutboundID `json:"outbound"`
	Inquiry  InquiryID  `json:"inquiry"`
	Kind     string     `json:"kind" pd:"none,feedback type of RFC 5965: abuse, fraud, virus, not-spam or other"`
}

// InquiryRerouted corrects an earlier decision: the rules of today, or a person,
// say that an inquiry belongs to another ticket. What was decided before stays
// in the log; MessageDetached and MessageAttached (or TicketOpened) follow on
// the two tickets.
type InquiryRerouted struct {
	Inquiry    InquiryID `json:"inquiry"`
	From       TicketID  `json:"from"`
	Ticket     TicketID  `json:"ticket"`
	New        bool      `json:"new,omitempty"`
	Number     int64     `json:"number,omitempty" pd:"none,ticket number"`
	Why        string    `json:"why" pd:"none,code of a rule"`
	Unverified bool      `json:"unverified,omitempty"`
	Related    TicketID  `json:"related,omitempty"`
	Rules      int       `json:"rules" pd:"none,version of the rules"`
}

// MessageDetached takes a message out of a ticket's conversation, because it
// belongs to another one.
type MessageDetached struct {
	Ticket  TicketID  `json:"ticket"`
	Inquiry InquiryID `json:"inquiry"`
	To      TicketID  `json:"to"`
	Why     string    `json:"why" pd:"none,code of a rule"`
}

// ReasonCount counts what waits for one reason.
type ReasonCount struct {
	Reason string `json:"reason"`
	N      int    `json:"n"`
}

// MailboxReconciled is one comparison of what a mail server holds with what the
// house holds, UID by UID.
type MailboxReconciled struct {
	Mailbox     MailboxID     `json:"mailbox"`
	UIDValidity uint32        `json:"uidvalidity" pd:"none,number given by the mail server"`
	Server      int           `json:"server" pd:"none,counts mails on the server"`
	Held        int           `json:"held" pd:"none,counts mails taken under this UIDVALIDITY"`
	Gone        int           `json:"gone" pd:"none,counts mails taken that the server no longer has"`
	Quarantined []ReasonCount `json:"quarantined,omitempty" pd:"none,counts by code of a rule"`
	Missing     int           `json:"missing" pd:"none,counts mails on the server that were not held"`
	Fetched     int           `json:"fetched" pd:"none,counts missing mails that were fetched then"`
	UIDs        []uint32      `json:"uids,omitempty" pd:"none,the first missing numbers given by the mail server"`
}
