package events

// RecipientTold says that somebody who was given a person's data was told of a
// change (GDPR art. 19): by mail, or that an operator has to do it.
type RecipientTold struct {
	Request   RequestID  `json:"request"`
	Recipient string     `json:"recipient" pd:"none,id of a recipient in the register or the disclosure log"`
	Change    string     `json:"change" pd:"none,rectification, restriction or lifted"`
	Method    string     `json:"method" pd:"none,mail or operator"`
	Outbound  OutboundID `json:"outbound,omitempty"`
}

// RecipientConfirmed says that the recipient did what it was told.
type RecipientConfirmed struct {
	Request   RequestID `json:"request"`
	Recipient string    `json:"recipient" pd:"none,id of a recipient in the register or the disclosure log"`
	Change    string    `json:"change" pd:"none,rectification, restriction or lifted"`
}

func (RecipientTold) event()      {}
func (RecipientConfirmed) event() {}
