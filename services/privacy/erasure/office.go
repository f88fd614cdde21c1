package erasure

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"sync"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/services/privacy/scan"
)

// Order is what a store purges: whose text, under which order.
type Order struct {
	ID       events.UUID
	Subjects []events.SubjectID
}

// Store is a place that keeps readable text of people: a view, a cache.
type Store struct {
	ID string
	// Purge brings the store to what a rebuild with today's keys would give and
	// returns how many rows it looked at. It may be called again.
	Purge func(context.Context, Order) (rows int, err error)
	// Probe counts what the store still shows of a person; nil: it has no rows by
	// person.
	Probe func(context.Context, events.SubjectID) (int, error)
	// Inventory lists every path at which its bytes may rest.
	Inventory func() []string
}

// Recipient is somebody outside who was given data of the person.
type Recipient struct {
	ID string
	// Write is the address to tell them at; empty: an operator does.
	Write string
}

// Exemption is why segments of a class stay (GDPR 17(3)).
type Exemption struct {
	Ground  events.Ground
	Article string
	What    string // for the certificate
	Until   string
}

// Letter is what the house writes to one address.
type Letter struct {
	ID       events.MessageID // the same id is the same letter
	Request  events.RequestID
	Customer events.SubjectID // whose segment the letter is
	To       events.Address
	Subject  string
	Text     string
}

// Config is what the office works with.
type Config struct {
	Journal *journal.Journal
	Vault   *vault.Vault
	Ledger  *Ledger
	Stores  []Store
	// Begin starts a unit of work: seal.Sealer.Begin.
	Begin func(context.Context) context.Context
	// Outbound lists what was queued of a reply.
	Outbound func(context.Context, events.MessageID) ([]events.OutboundID, error)
	// Forget deletes a sealed file whose key is gone.
	Forget func(context.Context, events.Hash) error
	// Scan searches every place where bytes rest; control must be found. It
	// returns the report with the ids of the stores it read.
	Scan func(ctx context.Context, needles, control *scan.Needles) (scan.Report, error)
	// Control gives a text of somebody else that stands in a store, empty when there
	// is nobody else; a scan must find it. Others hands over what others wrote.
	Control func(ctx context.Context, not []events.SubjectID) (string, error)
	Others  func(ctx context.Context, not []events.SubjectID, record func([]byte) error) error
	// Recipients tells who was given data of these people, or data that stand in these
	// streams.
	Recipients func(ctx context.Context, people []events.SubjectID, streams []events.Stream) ([]Recipient, error)
	// Send writes a letter, once for each id.
	Send func(context.Context, Letter) error
	// Exempt are the classes that stay.
	Exempt map[events.Class]Exemption
	// Signer signs certificates; Claim makes claim codes.
	Signer ed25519.PrivateKey
	Claim  []byte
	// Tenant and Tool stand on certificates; Brand in letters.
	Tenant, Tool, Brand string
	// Horizon is how long after a destruction a backup may still exist that was
	// made before it; 0 is 8 days (PRIVACY 4.5).
	Horizon time.Duration
	// Unattended approves every scope by itself: for drills.
	Unattended bool
	Now        func() time.Time
	Logger     *slog.Logger
}

// Office carries out erasures and redactions.
type Office struct {
	cfg  Config
	j    *journal.Journal
	now  func() time.Time
	log  *slog.Logger
	news *news

	pendingMu sync.Mutex
	manager   *manager

	// stop, in tests, ends the process before or after a step.
	stop func(step string) error
}

// contactDays is how long the requester's address is kept after a request.
const contactDays = 30 * 24 * time.Hour

// New returns an office.
func New(cfg Config) *Office {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Horizon == 0 {
		cfg.Horizon = 8 * 24 * time.Hour
	}
	if cfg.Exempt == nil {
		cfg.Exempt = DefaultExemptions()
	}
	return &Office{
		cfg: cfg, j: cfg.Journal, now: cfg.Now, log: cfg.Logger.With("room", "erasure"), news: newNews(),
		stop: func(string) error { return nil },
	}
}

// DefaultExemptions are the classes that an erasure leaves, each with its ground.
func DefaultExemptions() map[events.Class]Exemption {
	claims := func(what, until string) Exemption {
		return Exemption{Ground: events.GroundClaimDefence, Article: "GDPR 17(3)(e)", What: what, Until: until}
	}
	legal := func(what, until string) Exemption {
		return Exemption{Ground: events.GroundLegallyExempt, Article: "GDPR 17(3)(b)", What: what, Until: until}
	}
	return map[events.Class]Exemption{
		"R-CONSENT": claims("proof of consent", "3 years after the relationship"),
		"R-DISP":    claims("dispute file", "6 years after the dispute"),
		"R-FRAUD":   claims("fraud file", "24 months after the case"),
		"R-LEGAL":   claims("legal hold and disclosure record", "end of the matter"),
		"R-LEGALX":  claims("copy of a disclosure package", "end of the matter"),
		"R-AUDIT":   legal("access log", "13 months"),
	}
}

// missing is the error of something that is not there.
type missing string

func (m missing) Error() string { return string(m) }

// Code is the stable code of the API.
func (missing) Code() string { return "not_found" }

// What is not there.
const (
	// ErrNotFound says that there is no such request, or that it is none for
	// erasure, or no such message.
	ErrNotFound = missing("there is no such erasure request or message")
	// ErrNobody says that nobody is known by an address.
	ErrNobody = missing("nobody is known by this address")
)

// Refusal is a business "no": a stable rule and a sentence for the officer.
type Refusal struct{ Rule, Sentence string }

func (r *Refusal) Error() string { return r.Sentence }

// Code is the stable code of the API.
func (r *Refusal) Code() string { return "conflict" }

// Reason is the rule behind it.
func (r *Refusal) Reason() string { return r.Rule }

// Detail is the sentence for a person.
func (r *Refusal) Detail() string { return r.Sentence }

// officer is who the office opens things as: to answer people about their data.
var officer = events.Principal{Actor: "system:privacy", Role: events.RolePrivacy, Purpose: events.PurposeDSR}
