package events

// CustomerIdentified says that a person is known under a random id, since the
// inquiry that it names. The address stands, sealed, in that inquiry.
type CustomerIdentified struct {
	Customer SubjectID `json:"customer"`
	Inquiry  InquiryID `json:"inquiry"`
}

// TicketRequested counts a new ticket against the brakes of MAIL I28: how often
// one person may cause a ticket, and how often an acknowledgement.
type TicketRequested struct {
	Customer     SubjectID `json:"customer"`
	Inquiry      InquiryID `json:"inquiry"`
	Ticket       TicketID  `json:"ticket"`
	Mailbox      MailboxID `json:"mailbox,omitempty"`
	Acknowledged bool      `json:"acknowledged,omitempty"`
	Domain       Hash      `json:"domain,omitempty"` // of the sender's address, for the brake on a domain
}
