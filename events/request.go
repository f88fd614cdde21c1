package events

import "time"

// RequestID names one request of a person about their own data (a data subject
// request), at random.
type RequestID string

// RequesterID is the person of a request as the request knows them. It is not the
// person's own id: the address an answer goes to must outlive the erasure it
// answers, and is destroyed 30 days after the request was closed (PRIVACY F27).
func (id RequestID) RequesterID() SubjectID { return SubjectID(id) }

// RequestStream holds one request from its receipt to its end.
func RequestStream(id RequestID) Stream { return Stream("dsr-" + string(id)) }

// RequestKind is what somebody asks for.
type RequestKind string

// The kinds of requests: GDPR articles 15, 16, 17, 18, 20 and 21.
const (
	RequestAccess        RequestKind = "access"
	RequestRectification RequestKind = "rectification"
	RequestErasure       RequestKind = "erasure"
	RequestRestriction   RequestKind = "restriction"
	RequestPortability   RequestKind = "portability"
	RequestObjection     RequestKind = "objection"
)

// Ground is a code of why something is refused, deferred or exempted: one of the
// Data Privacy Vocabulary's justifications (PRIVACY 2.4).
type Ground string

// Grounds of this release.
const (
	GroundIdentity      Ground = "IdentityVerificationFailure"
	GroundLegallyExempt Ground = "LegallyExempted"
	GroundClaimDefence  Ground = "LegalClaimDefenceImpaired"
	GroundClaimMade     Ground = "LegalClaimEstablishmentImpaired"
	GroundOverriding    Ground = "LegitimateInterestOverride"
	GroundDisproportion Ground = "DisproportionateEffortRequired"
	GroundExcessive     Ground = "ProcessExcessive"
	GroundInvestigation Ground = "CrimeInvestigationImpaired"
	GroundComplexity    Ground = "ComplexityOfRequest" // of an extension, art. 12(3)
	GroundNumber        Ground = "NumberOfRequests"    // of an extension, art. 12(3)
)

// Wish is what a request says in the requester's words.
type Wish struct {
	Text    string `json:"text,omitempty"`
	Name    string `json:"name,omitempty"`    // of a rectification: how the name is right
	Address string `json:"address,omitempty"` // of a rectification: the right mail address
}

// RequestReceived begins a request.
type RequestReceived struct {
	Request     RequestID       `json:"request"`
	Kind        RequestKind     `json:"kind" pd:"none,one of six words"`
	Law         Law             `json:"law" pd:"none,gdpr or ccpa"`
	Ground      string          `json:"ground,omitempty" pd:"none,letter of GDPR art. 17(1) or 18(1)"`
	Channel     string          `json:"channel" pd:"none,how it came: page, mail, agent or shell"`
	Locale      string          `json:"locale,omitempty" pd:"none,language tag of the answer"`
	Customer    SubjectID       `json:"customer"`
	Requester   SubjectID       `json:"requester"`        // Request.RequesterID(), whose keys end with the request
	Ticket      TicketID        `json:"ticket,omitempty"` // where it was asked
	Zone        string          `json:"zone,omitempty" pd:"none,name of a time zone of the desk"`
	ReceivedAt  time.Time       `json:"received_at" pd:"none,when it reached us"`
	Acknowledge time.Time       `json:"ack_due" pd:"none,computed deadline"`
	Due         time.Time       `json:"due" pd:"none,computed deadline"`
	ExtendBy    time.Time       `json:"extended_due" pd:"none,computed deadline of an extension"`
	Contact     Sealed[Address] `json:"-" seg:"C-CONTACT,R-DSRC,Requester,dsr,admin-message"`
	Wish        Sealed[Wish]    `json:"-" seg:"C-COMM,R-DSRC,Requester,dsr"`
}

// RequestAcknowledged says that receipt was confirmed to the requester.
type RequestAcknowledged struct {
	Request  RequestID  `json:"request"`
	Outbound OutboundID `json:"outbound,omitempty"`
}

// VerificationAsked says that the address on file was asked whether the request
// is theirs; the answer counts until it expires.
type VerificationAsked struct {
	Request  RequestID  `json:"request"`
	Outbound OutboundID `json:"outbound,omitempty"`
	Expires  time.Time  `json:"expires" pd:"none,deadline of the answer"`
}

// RequesterVerified says that the request is the person's own, and how that is
// known: link and reply prove the address on file, desk is an officer's word.
type RequesterVerified struct {
	Request   RequestID `json:"request"`
	Method    string    `json:"method" pd:"none,link, reply or desk"`
	Assurance string    `json:"assurance" pd:"none,address or officer"`
}

// RequesterDoubted stops the clock until the requester proves who they are
// (GDPR art. 12(6)).
type RequesterDoubted struct {
	Request RequestID `json:"request"`
	Reason  string    `json:"reason" pd:"none,code of the doubt"`
}

// RequestClockResumed ends a doubt and moves the deadlines.
type RequestClockResumed struct {
	Request  RequestID `json:"request"`
	Due      time.Time `json:"due" pd:"none,computed deadline"`
	ExtendBy time.Time `json:"extended_due" pd:"none,computed deadline of an extension"`
}

// RequestExtended moves the answer's deadline, once, with its reason; the requester
// is told within the first (GDPR art. 12(3)).
type RequestExtended struct {
	Request RequestID `json:"request"`
	Ground  Ground    `json:"ground" pd:"none,code of the reason"`
	Due     time.Time `json:"due" pd:"none,computed deadline"`
}

// RequestReminded says that a deadline comes near, or is past, and nothing was
// answered yet. It is written once for each deadline.
type RequestReminded struct {
	Request RequestID `json:"request"`
	What    string    `json:"what" pd:"none,ack or due"`
	Due     time.Time `json:"due" pd:"none,computed deadline"`
	Overdue bool      `json:"overdue,omitempty"`
}

// RequestWithdrawn says that the requester does not want it any more.
type RequestWithdrawn struct {
	Request RequestID `json:"request"`
}

// RequestRefused says that nothing is done, and on what ground.
type RequestRefused struct {
	Request RequestID `json:"request"`
	Ground  Ground    `json:"ground" pd:"none,code of a ground"`
	Article string    `json:"article" pd:"none,the article that allows it"`
}

// RequestAnswered says what was done about it: "exported", "rectified",
// "restricted", "unrestricted", "objection_upheld", "objection_rejected".
type RequestAnswered struct {
	Request RequestID `json:"request"`
	Outcome string    `json:"outcome" pd:"none,one word"`
}

// RequesterInformed says that the person was told what came of the request.
type RequesterInformed struct {
	Request  RequestID  `json:"request"`
	Outcome  string     `json:"outcome" pd:"none,done, refused, deferred, extended or withdrawn"`
	Outbound OutboundID `json:"outbound,omitempty"`
}

// RequestClosed ends a request. The requester's address is kept for 30 days from
// here, the record for 24 months.
type RequestClosed struct {
	Request RequestID `json:"request"`
	Outcome string    `json:"outcome" pd:"none,done, refused, deferred or withdrawn"`
}

// RequesterForgotten says that the address to answer to was destroyed.
type RequesterForgotten struct {
	Request RequestID `json:"request"`
}

// PackInfo is what an access pack or a disclosure package is called.
type PackInfo struct {
	Name string `json:"name"`
}

// PackSealed says that the copy of a person's data is made. It can be fetched
// once, through a link whose keyed hash stands here, until it expires.
type PackSealed struct {
	Request    RequestID        `json:"request"`
	Requester  SubjectID        `json:"requester"`
	Link       Hash             `json:"link"`
	Expires    time.Time        `json:"expires" pd:"none,when the link ends"`
	Position   string           `json:"position" pd:"none,place in the log up to which the pack goes"`
	Digest     string           `json:"digest" pd:"none,SHA-256 of the pack"`
	Files      int              `json:"files" pd:"none,counts files"`
	Recipients []string         `json:"recipients,omitempty" pd:"none,ids of registered recipients"`
	Pack       Blob             `json:"pack" blob:"Info"`
	Info       Sealed[PackInfo] `json:"-" seg:"C-COMM,R-PACK,Requester,dsr"`
}

// PackFetched says that the pack was handed over: its link is used up and its key
// is destroyed.
type PackFetched struct {
	Request RequestID `json:"request"`
}

// Deletion classes of requests (PRIVACY 2.3).
const (
	ClassRequester Class = "R-DSRC" // the requester's contact, 30 days after the request was closed
	ClassPack      Class = "R-PACK" // access packs, 14 days
)

// PurposeDSR is answering people about their own data (GDPR art. 6(1)(c)), which
// is what the privacy officer does.
const (
	PurposeDSR  Purpose = "dsr"
	RolePrivacy Role    = "privacy"
)

func (RequestReceived) event()     {}
func (RequestAcknowledged) event() {}
func (VerificationAsked) event()   {}
func (RequesterVerified) event()   {}
func (RequesterDoubted) event()    {}
func (RequestClockResumed) event() {}
func (RequestExtended) event()     {}
func (RequestReminded) event()     {}
func (RequestWithdrawn) event()    {}
func (RequestRefused) event()      {}
func (RequestAnswered) event()     {}
func (RequesterInformed) event()   {}
func (RequestClosed) event()       {}
func (RequesterForgotten) event()  {}
func (PackSealed) event()          {}
func (PackFetched) event()         {}
