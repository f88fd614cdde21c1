package events

// MailboxAdvanced is the bookmark of a mailbox: every UID below Next was taken
// (RFC 9051 section 2.3.1.1). It stands in a checkpoint stream.
type MailboxAdvanced struct {
	Mailbox     MailboxID `json:"mailbox"`
	UIDValidity uint32    `json:"uidvalidity" pd:"none,number given by the mail server"`
	Next        uint32    `json:"next" pd:"none,number given by the mail server"`
}

// MailboxReset says that the server began to number anew, so that what it holds
// is compared with what the house holds (MAIL I3).
type MailboxReset struct {
	Mailbox MailboxID `json:"mailbox"`
	Old     uint32    `json:"old" pd:"none,number given by the mail server"`
	New     uint32    `json:"new" pd:"none,number given by the mail server"`
}

// MailAdopted says that a mail taken before is the same mail under a new number:
// it is not taken again (MAIL I3).
type MailAdopted struct {
	Mailbox     MailboxID `json:"mailbox"`
	UIDValidity uint32    `json:"uidvalidity" pd:"none,number given by the mail server"`
	UID         uint32    `json:"uid" pd:"none,number given by the mail server"`
	Inquiry     InquiryID `json:"inquiry"`
}

// ReactorAdvanced is the checkpoint of something that reads the log and acts.
type ReactorAdvanced struct {
	Reactor  string   `json:"reactor" pd:"none,name of a part of the program"`
	Store    string   `json:"store" pd:"none,identity of the event store the position belongs to"`
	Position Position `json:"position"`
}
