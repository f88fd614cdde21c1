package events

import "time"

// NoticePresented says that a version of the privacy notice was shown to a
// person. It is evidence of information (GDPR art. 13), never of consent.
type NoticePresented struct {
	Customer SubjectID `json:"customer"`
	Notice   string    `json:"notice" pd:"none,version of a published notice"`
	Digest   string    `json:"digest" pd:"none,SHA-256 of the published text"`
	Channel  string    `json:"channel" pd:"none,one word"`
	Locale   string    `json:"locale,omitempty" pd:"none,language tag"`
}

// NoticeAcknowledged says that the person confirmed having seen it (policy P0).
// It satisfies no check for consent.
type NoticeAcknowledged struct {
	Customer SubjectID `json:"customer"`
	Notice   string    `json:"notice" pd:"none,version of a published notice"`
	Digest   string    `json:"digest" pd:"none,SHA-256 of the published text"`
	Channel  string    `json:"channel" pd:"none,one word"`
	Locale   string    `json:"locale,omitempty" pd:"none,language tag"`
}

// ConsentProof is what shows that consent was given: what was asked, in the
// person's language, and how it was answered.
type ConsentProof struct {
	Text   string `json:"text"`   // as it was shown
	Answer string `json:"answer"` // what was done: "ticked", "confirmed by link"
}

// ConsentRequested asks for consent to one purpose on one channel. It counts for
// nothing until the person confirms through the link whose keyed hash stands here
// (double opt-in).
type ConsentRequested struct {
	Customer SubjectID `json:"customer"`
	Purpose  string    `json:"purpose" pd:"none,code of a purpose"`
	Channel  string    `json:"channel" pd:"none,one word"`
	Text     string    `json:"text" pd:"none,SHA-256 of the text that was shown"`
	Link     Hash      `json:"link"`
	Expires  time.Time `json:"expires" pd:"none,when the link ends"`
	Letter   MessageID `json:"letter,omitempty"`
}

// ConsentGranted says that a person agrees, actively, to one purpose on one
// channel (GDPR art. 7).
type ConsentGranted struct {
	Customer SubjectID            `json:"customer"`
	Purpose  string               `json:"purpose" pd:"none,code of a purpose"`
	Channel  string               `json:"channel" pd:"none,one word"`
	Text     string               `json:"text" pd:"none,SHA-256 of the text that was shown"`
	Locale   string               `json:"locale,omitempty" pd:"none,language tag"`
	Method   string               `json:"method" pd:"none,one word: link, centre or agent"`
	Proof    Sealed[ConsentProof] `json:"-" seg:"C-COMM,R-CONSENT,Customer,consent,dsr"`
}

// ConsentWithdrawn takes it back. Method "one_click" is RFC 8058.
type ConsentWithdrawn struct {
	Customer SubjectID  `json:"customer"`
	Purpose  string     `json:"purpose" pd:"none,code of a purpose"`
	Channel  string     `json:"channel" pd:"none,one word"`
	Method   string     `json:"method" pd:"none,one word: one_click, centre, agent or objection"`
	Outbound OutboundID `json:"outbound,omitempty"` // the message whose link was used
}

// ObjectionRaised objects to a use of data (GDPR art. 21). Against direct marketing
// it is absolute and works at once; against anything else the use rests until the
// objection is decided.
type ObjectionRaised struct {
	Customer SubjectID `json:"customer"`
	Purpose  string    `json:"purpose" pd:"none,code of a purpose, or all"`
	Absolute bool      `json:"absolute,omitempty"`
	Request  RequestID `json:"request,omitempty"`
}

// ObjectionDecided says what came of an objection that is not absolute.
type ObjectionDecided struct {
	Customer SubjectID `json:"customer"`
	Purpose  string    `json:"purpose" pd:"none,code of a purpose, or all"`
	Upheld   bool      `json:"upheld,omitempty"`
	Ground   Ground    `json:"ground,omitempty" pd:"none,code of a ground"`
	Request  RequestID `json:"request,omitempty"`
}

// ContactRectified puts a person's contact right. What was known before is
// destroyed under the cause "rectified" (GDPR art. 16).
type ContactRectified struct {
	Customer SubjectID       `json:"customer"`
	Request  RequestID       `json:"request,omitempty"`
	Fields   []string        `json:"fields" pd:"none,names of what changed: name, address"`
	Contact  Sealed[Address] `json:"-" seg:"C-CONTACT,R-CONT,Customer,support,admin-message"`
}

// ProcessingRestricted keeps a person's data without using it, except for claims
// and for the person (GDPR art. 18). Keep says that the person asked for the data
// to be kept for claims, so that no schedule deletes it.
type ProcessingRestricted struct {
	Customer SubjectID `json:"customer"`
	Request  RequestID `json:"request"`
	Ground   string    `json:"ground" pd:"none,letter of GDPR art. 18(1), or objection"`
	Keep     bool      `json:"keep,omitempty"`
	Hold     HoldID    `json:"hold,omitempty"` // the hold that keeps it
}

// RestrictionLifted ends it. The person was told before (GDPR art. 18(3)), by the
// letter named here.
type RestrictionLifted struct {
	Customer SubjectID `json:"customer"`
	Request  RequestID `json:"request"`
	Letter   MessageID `json:"letter"`
}

// PurposeConsent is keeping the proof of consent.
const PurposeConsent Purpose = "consent"

// ClassConsent is the proof of consent, 3 years after the relationship ended.
const ClassConsent Class = "R-CONSENT"

func (NoticePresented) event()      {}
func (NoticeAcknowledged) event()   {}
func (ConsentRequested) event()     {}
func (ConsentGranted) event()       {}
func (ConsentWithdrawn) event()     {}
func (ObjectionRaised) event()      {}
func (ObjectionDecided) event()     {}
func (ContactRectified) event()     {}
func (ProcessingRestricted) event() {}
func (RestrictionLifted) event()    {}
