package events

// LetterStream holds one letter of the house to one person.
func LetterStream(id MessageID) Stream { return Stream("letter-" + string(id)) }

// Outbound is the way of a letter to its one recipient.
func (id MessageID) Outbound() OutboundID {
	return OutboundID(DeriveUUID("outbound", string(id), "0").String())
}

// HouseLetter is what the house itself writes to one person.
type HouseLetter struct {
	To      Address `json:"to"`
	Subject string  `json:"subject"`
	Text    string  `json:"text"`
}

// LetterWritten is a letter of the house to one person: a link into the privacy
// centre, the answer to a request, a notice. The clerk renders and queues it once;
// the first letter of a stream is its only one, so that whoever derives the id
// writes it exactly once.
type LetterWritten struct {
	Message   MessageID           `json:"message"`
	Kind      OutboundKind        `json:"kind" pd:"none,administrative or promotional"`
	Purpose   string              `json:"purpose" pd:"none,code of a purpose: which consent it needs, or what it is about"`
	About     string              `json:"about,omitempty" pd:"none,id of the request, notice or transfer it belongs to"`
	Mailbox   MailboxID           `json:"mailbox,omitempty"`
	Customer  SubjectID           `json:"customer"`
	MessageID string              `json:"message_id" pd:"none,our own signed Message-ID"`
	Letter    Sealed[HouseLetter] `json:"-" seg:"C-COMM,R-OUT,Customer,support,admin-message,dsr"`
}

func (LetterWritten) event() {}
