package events

import "time"

// The identifiers of this family, random.
type (
	// HoldID names a legal hold.
	HoldID string
	// DemandID names a demand of an authority or a court for data.
	DemandID string
	// CaseID names an investigation or a dispute.
	CaseID string
	// TransferID names a business transfer.
	TransferID string
	// RecipientID is the registered, human-chosen name of who gets data from us
	// ("mail-relay"): an organisation, never a person.
	RecipientID string
)

// HoldStream holds one legal hold.
func HoldStream(id HoldID) Stream { return Stream("hold-" + string(id)) }

// DemandStream holds one demand of an authority.
func DemandStream(id DemandID) Stream { return Stream("demand-" + string(id)) }

// CaseStream holds the file of one investigation; only its own compartment opens it.
func CaseStream(id CaseID) Stream { return Stream("case-" + string(id)) }

// TransferStream holds one business transfer.
func TransferStream(id TransferID) Stream { return Stream("transfer-" + string(id)) }

// RecipientStream is the log of what one recipient was given.
func RecipientStream(id RecipientID) Stream { return Stream("recipient-" + string(id)) }

// Scope says which segments something is about: those of the subjects, and those
// of the tickets, as far as they were recorded within the time. All names are
// random ids. A query is only kept for the record: what it found stands in Tickets.
type Scope struct {
	Subjects []SubjectID `json:"subjects,omitempty"`
	Tickets  []TicketID  `json:"tickets,omitempty"`
	From     time.Time   `json:"from,omitzero"`
	Until    time.Time   `json:"until,omitzero"`
	Query    Hash        `json:"query,omitempty"` // keyed hash of the search that found the tickets
}

// Matter is what a hold or a demand is about, in words.
type Matter struct {
	Title     string `json:"title"`
	Authority string `json:"authority,omitempty"` // who demands
	Reference string `json:"reference,omitempty"` // their file number
	Text      string `json:"text,omitempty"`
}

// LegalHoldProposed asks a second person for what is to be done to a hold: action
// "place", "extend" or "release". A hold that is to be placed keeps its segments
// from here on: what is destroyed while one waits cannot be brought back.
type LegalHoldProposed struct {
	Hold     HoldID         `json:"hold"`
	Action   string         `json:"action" pd:"none,one of three words"`
	Scope    Scope          `json:"scope" pd:"none,random ids and times"`
	Streams  []Stream       `json:"streams,omitempty" pd:"none,names of streams, random by construction"`
	Ground   Ground         `json:"ground" pd:"none,code of a ground"`
	Review   time.Time      `json:"review" pd:"none,when somebody looks at it again"`
	By       AgentID        `json:"by"`
	Owner    SubjectID      `json:"owner"` // stands for the hold itself as the owner of its words
	Keys     int            `json:"keys" pd:"none,counts keys"`
	Missing  int            `json:"missing,omitempty" pd:"none,counts keys that were gone already"`
	Matter   Sealed[Matter] `json:"-" seg:"C-COMM,R-LEGAL,Owner,legal"`
	Customer SubjectID      `json:"customer,omitempty"` // who asked for it, GDPR art. 18(1)(b), (c)
}

// LegalHoldPlaced says that a second person agreed to a hold.
type LegalHoldPlaced struct {
	Hold     HoldID    `json:"hold"`
	Approved AgentID   `json:"approved"`
	Review   time.Time `json:"review" pd:"none,when somebody looks at it again"`
}

// LegalHoldExtended says that a second person agreed to a later review.
type LegalHoldExtended struct {
	Hold     HoldID    `json:"hold"`
	Approved AgentID   `json:"approved"`
	Review   time.Time `json:"review" pd:"none,when somebody looks at it again"`
}

// LegalHoldReleased says that a second person agreed to end a hold, and how many
// keys whose destruction had waited for it were destroyed.
type LegalHoldReleased struct {
	Hold      HoldID  `json:"hold"`
	Approved  AgentID `json:"approved"`
	Destroyed int     `json:"destroyed" pd:"none,counts keys"`
}

// LegalHoldDeclined says that the second person did not agree; a hold that was not
// placed yet ends.
type LegalHoldDeclined struct {
	Hold     HoldID  `json:"hold"`
	Action   string  `json:"action" pd:"none,one of three words"`
	Declined AgentID `json:"declined"`
}

// LegalHoldReviewDue says that a hold's review is near or past. It is written once
// for each review date.
type LegalHoldReviewDue struct {
	Hold   HoldID    `json:"hold"`
	Review time.Time `json:"review" pd:"none,when somebody should have looked"`
}

// LegalDemandReceived begins a demand: kind "court", "authority" or "claim". Until
// Gag ends the person may not be told.
type LegalDemandReceived struct {
	Demand    DemandID       `json:"demand"`
	Kind      string         `json:"kind" pd:"none,one of three words"`
	Recipient RecipientID    `json:"recipient" pd:"none,name of an organisation"`
	Scope     Scope          `json:"scope" pd:"none,random ids and times"`
	Due       time.Time      `json:"due,omitzero" pd:"none,when the answer is wanted"`
	Gag       time.Time      `json:"gag,omitzero" pd:"none,until when nobody may be told"`
	Hold      HoldID         `json:"hold,omitempty"`
	By        AgentID        `json:"by"`
	Owner     SubjectID      `json:"owner"` // stands for the demand itself as the owner of its words
	Matter    Sealed[Matter] `json:"-" seg:"C-COMM,R-LEGAL,Owner,legal"`
}

// LegalDemandReviewed is the outcome of looking whether it is valid.
type LegalDemandReviewed struct {
	Demand DemandID `json:"demand"`
	Valid  bool     `json:"valid,omitempty"`
	Reason string   `json:"reason" pd:"none,code of the outcome"`
	By     AgentID  `json:"by"`
}

// LegalDisclosureApproved says what is to be handed out, by one person; a second,
// different one must say the same.
type LegalDisclosureApproved struct {
	Demand   DemandID `json:"demand"`
	By       AgentID  `json:"by"`
	Scope    Scope    `json:"scope" pd:"none,random ids and times"`
	Segments int      `json:"segments" pd:"none,counts segments"`
	Digest   string   `json:"digest" pd:"none,SHA-256 over the names of the approved keys"`
}

// LegalDisclosureSealed says that the package is made.
type LegalDisclosureSealed struct {
	Demand   DemandID         `json:"demand"`
	Owner    SubjectID        `json:"owner"`
	Segments int              `json:"segments" pd:"none,counts segments"`
	Withheld int              `json:"withheld,omitempty" pd:"none,counts segments that could not be opened"`
	Root     string           `json:"root" pd:"none,Merkle root of the package's files"`
	Digest   string           `json:"digest" pd:"none,SHA-256 of the package"`
	Package  Blob             `json:"package" blob:"Info"`
	Info     Sealed[PackInfo] `json:"-" seg:"C-COMM,R-LEGALX,Owner,legal"`
}

// LegalDisclosureDelivered says that it was handed to who demanded it.
type LegalDisclosureDelivered struct {
	Demand    DemandID    `json:"demand"`
	Recipient RecipientID `json:"recipient" pd:"none,name of an organisation"`
	By        AgentID     `json:"by"`
	Digest    string      `json:"digest" pd:"none,SHA-256 of the package"`
}

// SubjectNoticeDeferred says that telling a person waits until then.
type SubjectNoticeDeferred struct {
	Demand   DemandID  `json:"demand"`
	Customer SubjectID `json:"customer"`
	Until    time.Time `json:"until" pd:"none,when the person is told"`
}

// SubjectNoticeSent says that the person was told of a disclosure.
type SubjectNoticeSent struct {
	Demand   DemandID  `json:"demand"`
	Customer SubjectID `json:"customer"`
	Letter   MessageID `json:"letter"`
}

// DataDisclosed is one entry of the disclosure log: what of a person's data a
// recipient was given, for which purpose.
type DataDisclosed struct {
	Recipient  RecipientID `json:"recipient" pd:"none,name of an organisation"`
	Customer   SubjectID   `json:"customer"`
	Purpose    Purpose     `json:"purpose" pd:"none,code of a purpose"`
	Categories []Category  `json:"categories" pd:"none,codes of categories"`
	KIDs       []KID       `json:"kids,omitempty"`
	Digest     string      `json:"digest,omitempty" pd:"none,SHA-256 of what was given"`
	About      string      `json:"about,omitempty" pd:"none,id of the message, demand or transfer"`
	Silent     time.Time   `json:"silent,omitzero" pd:"none,until when the person may not be told"`
}

// DisclosureRefused says that the egress did not let something out, and why:
// "unknown_recipient", "suspended", "category", "purpose" or "host".
type DisclosureRefused struct {
	Recipient  RecipientID `json:"recipient" pd:"none,name of an organisation"`
	Customer   SubjectID   `json:"customer"`
	Purpose    Purpose     `json:"purpose" pd:"none,code of a purpose"`
	Categories []Category  `json:"categories" pd:"none,codes of categories"`
	Reason     string      `json:"reason" pd:"none,code of the rule"`
}

// BusinessTransferAnnounced begins a business transfer (policy 3.3).
type BusinessTransferAnnounced struct {
	Transfer  TransferID  `json:"transfer"`
	Acquirer  RecipientID `json:"acquirer" pd:"none,name of an organisation"`
	Effective time.Time   `json:"effective" pd:"none,when it takes effect"`
	ObjectBy  time.Time   `json:"object_by" pd:"none,end of the time to object"`
	Notice    string      `json:"notice" pd:"none,SHA-256 of the notice's text"`
	Subject   string      `json:"subject" pd:"none,published title of the notice"`
	Text      string      `json:"text" pd:"none,published text of the notice"`
	By        AgentID     `json:"by"`
}

// TransferNoticed says that every live person was written to.
type TransferNoticed struct {
	Transfer TransferID `json:"transfer"`
	Queued   int        `json:"queued" pd:"none,counts people"`
	Skipped  int        `json:"skipped,omitempty" pd:"none,counts people without an address on file"`
}

// TenantExportSealed says what was handed to the acquirer.
type TenantExportSealed struct {
	Transfer   TransferID `json:"transfer"`
	Events     int        `json:"events" pd:"none,counts events"`
	Streams    int        `json:"streams" pd:"none,counts streams"`
	Keys       int        `json:"keys" pd:"none,counts keys"`
	Tombstones int        `json:"tombstones" pd:"none,counts destroyed keys"`
	Root       string     `json:"root" pd:"none,Merkle root of the streams' hash chains"`
	State      string     `json:"state" pd:"none,SHA-256 of what folding the log gives"`
	Digest     string     `json:"digest" pd:"none,SHA-256 of the export's manifest"`
	By         AgentID    `json:"by"`
	To         string     `json:"to,omitempty" pd:"none,public keys of the acquirer's hub"`
	Kept       int        `json:"kept,omitempty" pd:"none,counts keys that did not travel because their use is restricted"`
	// Mailboxes are what a part of the business is made of; none is all of it.
	Mailboxes []MailboxID `json:"mailboxes,omitempty"`
	Through   Position    `json:"through,omitzero" pd:"none,place in this log up to which it reaches"`
}

// TransferCompleted says that the acquirer reached the same state.
type TransferCompleted struct {
	Transfer TransferID `json:"transfer"`
	State    string     `json:"state" pd:"none,SHA-256 of what folding the log gives"`
	By       AgentID    `json:"by"`
}

// TransferImported stands in the acquirer's log: where its first events come from.
type TransferImported struct {
	Transfer   TransferID `json:"transfer"`
	Events     int        `json:"events" pd:"none,counts events"`
	Keys       int        `json:"keys" pd:"none,counts keys"`
	Tombstones int        `json:"tombstones" pd:"none,counts destroyed keys"`
	Refused    int        `json:"refused,omitempty" pd:"none,counts keys refused because they were destroyed"`
	State      string     `json:"state" pd:"none,SHA-256 of what folding the log gives"`
	Root       string     `json:"root,omitempty" pd:"none,Merkle root of the streams' hash chains"`
	Digest     string     `json:"digest,omitempty" pd:"none,SHA-256 of the export's manifest"`
	Longer     string     `json:"longer,omitempty" pd:"none,legal ground to keep data longer than their sender"`
}

// CaseNote is one entry of a case's file.
type CaseNote struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// InvestigationOpened begins a case: kind "fraud" or "dispute". Its file opens only
// for those who were granted it by a second person.
type InvestigationOpened struct {
	Case     CaseID           `json:"case"`
	Kind     string           `json:"kind" pd:"none,one of two words"`
	Subjects []SubjectID      `json:"subjects,omitempty"`
	Tickets  []TicketID       `json:"tickets,omitempty"`
	By       AgentID          `json:"by"`
	Owner    SubjectID        `json:"owner"` // stands for the case itself as the owner of its words
	Until    time.Time        `json:"until" pd:"none,when it ends unless it is extended"`
	Note     Sealed[CaseNote] `json:"-" seg:"C-FRAUD,R-FRAUD,Owner,fraud,dispute"`
}

// CaseNoteAdded adds to the file.
type CaseNoteAdded struct {
	Case  CaseID           `json:"case"`
	By    AgentID          `json:"by"`
	Owner SubjectID        `json:"owner"`
	Note  Sealed[CaseNote] `json:"-" seg:"C-FRAUD,R-FRAUD,Owner,fraud,dispute"`
}

// CaseAccessAsked asks for access to a case's file, with a reason's code.
type CaseAccessAsked struct {
	Case   CaseID    `json:"case"`
	By     AgentID   `json:"by"`
	Reason string    `json:"reason" pd:"none,code of a reason"`
	Until  time.Time `json:"until" pd:"none,when the access ends"`
}

// CaseAccessGranted gives it, by a second person, until it expires.
type CaseAccessGranted struct {
	Case     CaseID    `json:"case"`
	Agent    AgentID   `json:"agent"`
	Approved AgentID   `json:"approved"`
	Until    time.Time `json:"until" pd:"none,when the access ends"`
}

// DataAccessed is one reading of a case's file.
type DataAccessed struct {
	Case     CaseID  `json:"case"`
	By       AgentID `json:"by"`
	Segments int     `json:"segments" pd:"none,counts segments"`
}

// InvestigationExtended lets a case go on; every further month is one of these.
type InvestigationExtended struct {
	Case     CaseID    `json:"case"`
	Approved AgentID   `json:"approved"`
	Until    time.Time `json:"until" pd:"none,when it ends unless it is extended"`
}

// InvestigationClosed ends a case. Outcome is a code; an enforcement names the
// clause it rests on, and a person looked at it (GDPR art. 22).
type InvestigationClosed struct {
	Case    CaseID  `json:"case"`
	Outcome string  `json:"outcome" pd:"none,code of the outcome"`
	Clause  string  `json:"clause,omitempty" pd:"none,clause of the policy"`
	By      AgentID `json:"by"`
}

// Fraud is the category of a case's file (policy 2.4).
const Fraud Category = "C-FRAUD"

// Deletion classes of this family (PRIVACY 2.3).
const (
	ClassLegal       Class = "R-LEGAL"  // the matter of a hold or demand, 6 years after its end
	ClassLegalExport Class = "R-LEGALX" // disclosure packages, until the demand is done
	ClassFraud       Class = "R-FRAUD"  // case files, 24 months after the case was closed
)

// Roles and purposes of this family.
const (
	RoleLegal        Role = "legal"
	RoleInvestigator Role = "investigator"

	PurposeLegal   Purpose = "legal"
	PurposeFraud   Purpose = "fraud"
	PurposeDispute Purpose = "dispute"
)

func (LegalHoldProposed) event()         {}
func (LegalHoldPlaced) event()           {}
func (LegalHoldExtended) event()         {}
func (LegalHoldReleased) event()         {}
func (LegalHoldDeclined) event()         {}
func (LegalHoldReviewDue) event()        {}
func (LegalDemandReceived) event()       {}
func (LegalDemandReviewed) event()       {}
func (LegalDisclosureApproved) event()   {}
func (LegalDisclosureSealed) event()     {}
func (LegalDisclosureDelivered) event()  {}
func (SubjectNoticeDeferred) event()     {}
func (SubjectNoticeSent) event()         {}
func (DataDisclosed) event()             {}
func (DisclosureRefused) event()         {}
func (BusinessTransferAnnounced) event() {}
func (TransferNoticed) event()           {}
func (TenantExportSealed) event()        {}
func (TransferCompleted) event()         {}
func (TransferImported) event()          {}
func (InvestigationOpened) event()       {}
func (CaseNoteAdded) event()             {}
func (CaseAccessAsked) event()           {}
func (CaseAccessGranted) event()         {}
func (DataAccessed) event()              {}
func (InvestigationExtended) event()     {}
func (InvestigationClosed) event()       {}
