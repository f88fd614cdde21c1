package rights

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/vault"
)

// Config is what the desk works with. Funcs are other rooms, passed by main.
type Config struct {
	Journal *journal.Journal
	// Hash is the vault's keyed hash.
	Hash func(domain string, parts ...string) events.Hash
	// Key signs the links into the privacy centre, 32 bytes.
	Key []byte
	// Lookup finds the person behind an address; nobody is made.
	Lookup func(ctx context.Context, address string) (events.SubjectID, bool, error)
	// Contact is a person's address on file. It fails with ErrNoContact when there
	// is none, or none that may be read any more.
	Contact func(context.Context, events.SubjectID) (events.Address, error)
	// Restrict makes the vault refuse a person's segments for ordinary use, or lifts it.
	Restrict func(ctx context.Context, customer events.SubjectID, on bool, why string) error
	// Keep places a hold on a person's data that they asked to be kept for claims
	// (GDPR art. 18(1)(b), (c)), or ends it.
	Keep func(ctx context.Context, by journal.By, customer events.SubjectID, request events.RequestID, on bool) (events.HoldID, error)
	// Destroy destroys keys by an order on the ledger.
	Destroy func(ctx context.Context, order events.UUID, cause string, keys []vault.Info) error
	// Keys lists the live keys that were minted for a person.
	Keys func(context.Context, events.SubjectID) ([]vault.Info, error)
	// OpenBlob opens a file of an event.
	OpenBlob func(context.Context, events.Principal, events.Blob) ([]byte, events.State, error)
	// Staff lists the names and addresses of the agents, to be left out of copies.
	Staff func(context.Context) ([]events.Address, error)
	// Own reports whether an address is one of the house's.
	Own func(address string) bool
	// Part takes one attachment out of a raw mail.
	Part func(raw []byte, a events.Attachment) ([]byte, error)
	// Recipients lists who was given a person's data.
	Recipients func(context.Context, events.SubjectID) ([]Recipient, error)
	// Relay is who carries our mail: a recipient of everything that was sent.
	Relay func() Recipient
	// Open lists requests that are not closed and whose deadline is before a time.
	Open func(ctx context.Context, before time.Time) ([]events.RequestID, error)
	// URL is where the public pages are, without a slash at its end.
	URL   func() string
	Brand string
	// Purposes are what consent can be given to; nil is DefaultPurposes.
	Purposes []Purpose
	// Law and Zone say how deadlines are counted; zero is GDPR in UTC.
	Law     events.Law
	Zone    *time.Location
	Holiday func(time.Time) bool // nil: events.EuropeanHoliday
	Now     func() time.Time     // nil: time.Now
	Logger  *slog.Logger
}

// By says who does something, and under which command (see journal.By).
type By = journal.By

// Recipient is who was given data, and what for.
type Recipient struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Purposes   []string `json:"purposes"`
	Categories []string `json:"categories"`
	Country    string   `json:"country,omitempty"`
	Safeguard  string   `json:"safeguard,omitempty"`
	Times      int      `json:"times"`
	Last       string   `json:"last,omitempty"`
	Write      string   `json:"-"` // mail address for changes (GDPR art. 19); empty: an operator tells them
	About      []string `json:"-"` // references of what was given
}

// Purpose is something that consent can be given to.
type Purpose struct {
	Code  string // "promo"
	Title string // of the preference, as the person reads it
	Text  string // what is agreed to, whole: its digest stands in the ledger
}

// Promo is the code of promotional mail.
const Promo = "promo"

// DefaultPurposes are those of the published policy, clause 2.3.
func DefaultPurposes(brand string) []Purpose {
	return []Purpose{
		{Promo, "News and offers by email", "I would like to get news and offers from " + brand + " by email. I can end this at any time, with one click in every such message."},
		{"personalise", "Offers that fit me", brand + " may use what I wrote to choose which news and offers I get. I can end this at any time."},
	}
}

// Channel is the one channel consent is asked for in this release.
const Channel = "email"

// ErrNoContact says that no address of a person is on file.
var ErrNoContact = errors.New("no address on file")

// ErrNotFound is returned when there is no such request.
var ErrNotFound = &Refusal{code: "not_found", Reason: "unknown", Sentence: "There is no such request."}

// Refusal is a business "no": a stable reason and a sentence for a person.
type Refusal struct {
	code     string
	Reason   string
	Sentence string
}

// Error tells the reason.
func (r *Refusal) Error() string { return "refused: " + r.Reason }

// Code is the kind of problem, as the gateway knows them.
func (r *Refusal) Code() string {
	if r.code == "" {
		return "conflict"
	}
	return r.code
}

// Detail is the sentence.
func (r *Refusal) Detail() string { return r.Sentence }

func refuse(reason, sentence string) error { return &Refusal{Reason: reason, Sentence: sentence} }

// Rights is the desk. It is safe for concurrent use.
type Rights struct {
	cfg   Config
	log   *slog.Logger
	links links
	asked chan asked
	limit *limiter
}

// New returns a desk. Run must run for links to be sent and deadlines to be watched.
func New(c Config) *Rights {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Holiday == nil {
		c.Holiday = events.EuropeanHoliday
	}
	if c.Law == "" {
		c.Law = events.GDPR
	}
	if c.Purposes == nil {
		c.Purposes = DefaultPurposes(c.Brand)
	}
	return &Rights{
		cfg: c, log: c.Logger.With("room", "privacy", "part", "rights"), links: links{key: c.Key},
		asked: make(chan asked, askedMax), limit: newLimiter(perClient, window, c.Now),
	}
}

// Purposes lists what consent can be given to.
func (r *Rights) Purposes() []Purpose { return r.cfg.Purposes }

func (r *Rights) purpose(code string) (Purpose, bool) {
	for _, p := range r.cfg.Purposes {
		if p.Code == code {
			return p, true
		}
	}
	return Purpose{}, false
}

// system is who does what nobody asked for.
const system events.Actor = "system:privacy"

// officer opens a person's segments to answer them.
var officer = events.Principal{Actor: system, Role: events.RolePrivacy, Purpose: events.PurposeDSR}
