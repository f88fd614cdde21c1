package events

import "time"

// ClauseID names a clause of the published policy: "1.1" to "3.3", "S4", "S5",
// "P0" and "PE". Ids are given once and never renumbered.
type ClauseID string

// PolicyClause is a clause with its heading as published.
type PolicyClause struct {
	ID    ClauseID `json:"id"`
	Title string   `json:"title"`
}

// PolicyGrant says how far a role may open a category for a purpose: "open" or
// "masked". What no grant names is denied (PRIVACY 1.2). Matter wants the case or
// reason to be named, Two a second person.
type PolicyGrant struct {
	Purpose  Purpose  `json:"purpose"`
	Role     Role     `json:"role"`
	Category Category `json:"category"`
	Level    string   `json:"level"`
	Matter   bool     `json:"matter,omitempty"`
	Two      bool     `json:"two,omitempty"`
}

// PolicyVersionPublished adds a version of the privacy policy to the registry.
// It is in force from Effective on, until a later version is.
type PolicyVersionPublished struct {
	Policy     string         `json:"policy" pd:"none,name of a published document"`
	Effective  time.Time      `json:"effective" pd:"none,date printed on a published document"`
	SHA256     Hash           `json:"sha256"`
	Text       string         `json:"text" pd:"none,a published document"`
	Supersedes string         `json:"supersedes,omitempty" pd:"none,name of a published document"`
	Material   bool           `json:"material,omitempty"` // people are told before it is in force
	Clauses    []PolicyClause `json:"clauses" pd:"none,headings of a published document"`
	Matrix     []PolicyGrant  `json:"matrix" pd:"none,purposes, roles and categories"`
}

// PolicyVersionEffective says that a published version is in force now.
type PolicyVersionEffective struct {
	Policy string    `json:"policy" pd:"none,name of a published document"`
	Since  time.Time `json:"since" pd:"none,date printed on a published document"`
}

// RetentionRule is one deletion class of a schedule in the sense of ISO/IEC
// 27555: how long after what. Periods are ISO 8601 durations ("P24M", "PT24H").
type RetentionRule struct {
	Class  Class    `json:"class"`
	Anchor string   `json:"anchor"` // collected, process or relationship
	Keep   string   `json:"keep"`
	Max    string   `json:"max,omitempty"` // from collection, whatever the anchor says
	Clause ClauseID `json:"clause"`
	What   string   `json:"what,omitempty"` // for people: what the class holds
}

// RetentionGround is the recorded legal ground to keep data of a class longer
// than the schedule under which they were collected said.
type RetentionGround struct {
	Class  Class  `json:"class"`
	Ground string `json:"ground"`
}

// RetentionLimits bound what a sweep does without asking anybody.
type RetentionLimits struct {
	AutoKeys  int64 `json:"auto_keys"`       // at most so many keys
	AutoFloor int64 `json:"auto_floor"`      // so many are never too large a share
	AutoShare int64 `json:"auto_share_ppm"`  // at most so many of a million live keys
	ClockStep int64 `json:"clock_step_s"`    // seconds the retention clock moves at most at a time
	ClockGap  int64 `json:"clock_max_gap_s"` // seconds it may be behind before a person has to look
}

// RetentionScheduleChanged is a new version of the retention schedule, whole.
type RetentionScheduleChanged struct {
	Version int               `json:"version" pd:"none,counts schedules"`
	Rules   []RetentionRule   `json:"rules" pd:"none,deletion classes and periods"`
	Longer  []RetentionGround `json:"longer,omitempty" pd:"none,legal grounds, named by article"`
	Limits  RetentionLimits   `json:"limits" pd:"none,limits in numbers"`
	Reason  string            `json:"reason,omitempty" pd:"none,why the controller changed it"`
}

// ProcessorID names a service provider in the register: lower-case letters,
// digits and dashes, such as "mail-relay".
type ProcessorID string

// ProcessorRegistered puts a service provider on the register of recipients
// (policy clause 3.1, GDPR Art. 28 and 30), or changes its entry.
type ProcessorRegistered struct {
	Processor  ProcessorID `json:"processor" pd:"none,short name of a company"`
	Name       string      `json:"name" pd:"none,name of a company"`
	Service    string      `json:"service" pd:"none,what the company does"`
	Hosts      []string    `json:"hosts,omitempty" pd:"none,names of a company's servers"`
	Categories []Category  `json:"categories" pd:"none,kinds of data"`
	Purposes   []Purpose   `json:"purposes" pd:"none,purposes of the policy"`
	Country    string      `json:"country" pd:"none,ISO 3166 code"`
	Safeguard  string      `json:"safeguard,omitempty" pd:"none,article and instrument"`
	Agreement  string      `json:"agreement" pd:"none,reference of a contract"`
	Erasure    string      `json:"erasure" pd:"none,how the company erases on request"`
}

// ProcessorSuspended says that a provider gets nothing any more.
type ProcessorSuspended struct {
	Processor ProcessorID `json:"processor" pd:"none,short name of a company"`
	Reason    string      `json:"reason" pd:"none,sentence of the privacy officer about a company"`
}

// Purposes of the policy that no event is collected for in this release: what
// stands in the registry must be denied until it is.
const (
	PurposeImprove   Purpose = "improve" // clause 2.1: aggregates only
	PurposePromotion Purpose = "promo"   // clause 2.3: with live consent only
)

// Usage is what is known of how somebody uses our services (policy clause 1.4);
// Special is what must not be kept at all: card numbers, health slips.
const (
	Usage   Category = "C-USAGE"
	Special Category = "C-SPECIAL"
)

// The classes of the two.
const (
	ClassUsage   Class = "R-TEL"     // 30 days after collection
	ClassSpecial Class = "R-SPECIAL" // 24 hours after collection
)
