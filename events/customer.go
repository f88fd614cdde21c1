package events

// CustomerIdentified says that a person is known under a random id, with the
// address the id was made for.
type CustomerIdentified struct {
	Customer SubjectID       `json:"customer"`
	Contact  Sealed[Address] `seg:"C-CONTACT,R-CONT,Customer,support,admin-message"`
}

// TicketRequested counts a new ticket against the brakes of MAIL I28: how often
// one person may cause a ticket, and how often an acknowledgement.
type TicketRequested struct {
	Customer     SubjectID `json:"customer"`
	Inquiry      InquiryID `json:"inquiry"`
	Ticket       TicketID  `json:"ticket"`
	Mailbox      MailboxID `json:"mailbox,omitempty"`
	Acknowledged bool      `json:"acknowledged,omitempty"`
}
