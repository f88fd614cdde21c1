package rights

import "time"

// PackSchema names the format of a copy of a person's data. schema/access-pack.json
// describes it (JSON Schema 2020-12) and travels with every copy.
const PackSchema = "westshore-hub/access-pack/1"

// Pack is data/data.json of a copy: everything GDPR art. 15(1) asks for.
type Pack struct {
	Schema     string          `json:"schema"`
	Request    string          `json:"request"`
	Made       time.Time       `json:"made"`
	Position   string          `json:"position"` // place in the log up to which it goes
	Controller string          `json:"controller"`
	Person     PackPerson      `json:"person"`
	Purposes   []PackPurpose   `json:"purposes"`
	Messages   []PackMessage   `json:"messages"`
	Other      []PackOther     `json:"other"` // what is no message: contacts, proofs of consent, requests
	Consents   []PackConsent   `json:"consents"`
	Recipients []Recipient     `json:"recipients"`
	Retention  []PackRetention `json:"retention"`
	Automated  []PackDecision  `json:"automated_decisions"`
	Withheld   []PackWithheld  `json:"withheld"`
	Rights     string          `json:"rights"`
}

// PackPerson is whom the copy is about.
type PackPerson struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Address string `json:"address"`
}

// PackPurpose is what data are used for, with the legal basis and the purpose in the
// Data Privacy Vocabulary.
type PackPurpose struct {
	Purpose string `json:"purpose"`
	Basis   string `json:"basis"`
	DPV     string `json:"dpv"`
}

// PackMessage is one message from, to or about the person. Masked counts what was
// left out because it belongs to others; Portable says that it is part of the
// portable subset (GDPR art. 20): given by the person, on consent or contract.
type PackMessage struct {
	ID        string     `json:"id"`
	Event     string     `json:"event"`
	At        time.Time  `json:"at"`
	Direction string     `json:"direction"` // from_you, to_you or about_you
	From      string     `json:"from"`
	To        []string   `json:"to"`
	Subject   string     `json:"subject"`
	Text      string     `json:"text"`
	Files     []PackFile `json:"files"`
	Segment   string     `json:"segment"` // key's name, as in retention
	Masked    int        `json:"masked"`
	Portable  bool       `json:"portable"`
}

// PackFile is a file of a message, as it stands under attachments/.
type PackFile struct {
	Name   string `json:"name"`
	Path   string `json:"path"`
	Type   string `json:"type"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// PackOther is a segment that is no message.
type PackOther struct {
	Event    string    `json:"event"`
	Field    string    `json:"field"`
	At       time.Time `json:"at"`
	Segment  string    `json:"segment"`
	Content  any       `json:"content"`
	Portable bool      `json:"portable"`
}

// PackConsent is where one consent stands.
type PackConsent struct {
	Purpose string    `json:"purpose"`
	Channel string    `json:"channel"`
	Live    bool      `json:"live"`
	Since   time.Time `json:"since"`
	Method  string    `json:"method"`
}

// PackRetention is how long one segment is kept: the vault's own date. Without one
// the period has not begun.
type PackRetention struct {
	Segment  string     `json:"segment"`
	Category string     `json:"category"`
	Class    string     `json:"class"`
	Until    *time.Time `json:"until"`
	Held     bool       `json:"held"`
}

// PackDecision is an automated decision about a message: the rule that said whose
// request it belongs to, or what kind of mail it is. None has a legal effect.
type PackDecision struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
	Rule string    `json:"rule"`
}

// PackWithheld counts what is not in the copy, and why.
type PackWithheld struct {
	What   string `json:"what"`
	N      int    `json:"n"`
	Reason string `json:"reason"`
}

const yourRights = "You may ask for a correction, an erasure or a restriction of the use of your data, object to their use, take back a consent, " +
	"and complain to a data protection authority (GDPR articles 15(1)(e) and (f), 16 to 18, 21, 77)."

// basis of each purpose, as in the register of processing.
var packPurposes = []PackPurpose{
	{"support: to answer what you write to us", "GDPR 6(1)(b), (f)", "https://w3id.org/dpv#CommunicationForCustomerCare"},
	{"administrative messages", "GDPR 6(1)(b), (c)", "https://w3id.org/dpv#CustomerCare"},
	{"news and offers, with your consent only", "GDPR 6(1)(a)", "https://w3id.org/dpv#DirectMarketing"},
	{"security, fraud and disputes", "GDPR 6(1)(f)", "https://w3id.org/dpv#FraudPreventionAndDetection"},
	{"legal duties", "GDPR 6(1)(c)", "https://w3id.org/dpv#LegalCompliance"},
}
