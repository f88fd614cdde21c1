package events

import "time"

// Event is something that happened: one of the structs in the catalogue.
type Event interface{ event() }

// Actor says who or what did it: "agent:<id>", "system:desk", "door:mailbox".
type Actor string

// AgentActor is the actor that stands for an agent.
func AgentActor(id AgentID) Actor { return Actor("agent:" + string(id)) }

// Principal is who asks to open a segment, as what, and what for. The vault
// decides by role, purpose and category, and keeps a record (PRIVACY 0.12).
type Principal struct {
	Actor   Actor
	Role    Role
	Purpose Purpose
	Matter  string // the case, demand or request it is for: an id or a code, where the matrix wants one
	Second  Actor  // who stands by, where the matrix wants two persons
}

// Role is a column of the matrix in PRIVACY 1.2.
type Role string

// Purpose is a row of the matrix in PRIVACY 1.2.
type Purpose string

// Roles and purposes of this release.
const (
	RoleAgent  Role = "agent"
	RoleAdmin  Role = "admin"
	RoleOutbox Role = "outbox"
	RoleView   Role = "view" // a projection that keeps what agents see
	RoleDesk   Role = "desk"

	PurposeSupport Purpose = "support"
	PurposeAdmin   Purpose = "admin-message"
)

// Meta is the clear metadata of an event. It holds no personal data.
type Meta struct {
	Version     int          `json:"v"`
	At          time.Time    `json:"at"`
	Actor       Actor        `json:"actor"`
	Correlation UUID         `json:"corr"`
	Causation   UUID         `json:"cause"`
	Policy      string       `json:"pv"`
	Schedule    int          `json:"sv"`
	Segments    []SegmentRef `json:"segs,omitempty"`
}

// PolicyVersion is the version of the published privacy policy that new events
// are collected under, and ScheduleVersion that of the retention schedule.
const (
	PolicyVersion   = "WSPP/2023-04-30"
	ScheduleVersion = 1
)

// SegmentRef describes one sealed segment, in the clear: whose, what kind, how
// long, what for, and the key's name and commitment (PRIVACY 4.2).
type SegmentRef struct {
	Field    string    `json:"f"`
	KID      KID       `json:"kid"`
	Subject  SubjectID `json:"subj"`
	Category Category  `json:"cat"`
	Class    Class     `json:"cls"`
	Purposes []Purpose `json:"pur,omitempty"`
	Commit   []byte    `json:"kc"`
}

// Category is a kind of personal data in the policy's terms (PRIVACY 1.1).
type Category string

// Class is a deletion class in the sense of ISO/IEC 27555 (PRIVACY 2.3).
type Class string

// Categories and deletion classes.
const (
	Contact       Category = "C-CONTACT" // policy clause 1.1
	Account       Category = "C-ACCOUNT" // policy clause 1.2
	Communication Category = "C-COMM"    // policy clause 1.3

	ClassComm    Class = "R-COMM" // 24 months after the ticket closed
	ClassContact Class = "R-CONT" // 24 months after the last activity
	ClassAccount Class = "R-ACCT" // 30 days after the account ended
	ClassOut     Class = "R-OUT"  // 30 days after delivery
)

// Envelope is an event as it travels and rests: clear facts, sealed segments
// and clear metadata.
type Envelope struct {
	ID     UUID
	Type   string // with TypePrefix
	Stream Stream
	Meta   Meta
	Facts  []byte   // JSON object
	Sealed [][]byte // one per Meta.Segments, in order
	Files  [][]byte // ciphertext of the small files that travel along (Blob.Carried)
}

// Recorded is an event as it was read back.
type Recorded struct {
	Envelope
	Revision Revision
	Position Position
	Event    Event // segments opened as far as the reader's principal allows
}
