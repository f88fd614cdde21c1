package disclosure

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/events/vault"
)

// Config is what the office works with. Funcs are other rooms, passed by main.
type Config struct {
	Journal *journal.Journal
	// Hash is the vault's keyed hash.
	Hash func(domain string, parts ...string) events.Hash
	// Key signs packages, 32 bytes.
	Key []byte
	// Hold and Release place and end holds in the vault, by way of the ledger.
	Hold    func(context.Context, vault.HoldOrder) (vault.Held, error)
	Release func(context.Context, events.UUID) (vault.Destroyed, error)
	// SubjectKeys and StreamKeys list live keys.
	SubjectKeys func(context.Context, events.SubjectID) ([]vault.Info, error)
	StreamKeys  func(context.Context, events.Stream) ([]vault.Info, error)
	// OpenBlob opens a file of an event.
	OpenBlob func(context.Context, events.Principal, events.Blob) ([]byte, events.State, error)
	// Search finds the tickets a query is about.
	Search func(ctx context.Context, query string) ([]events.TicketID, error)
	// Contact is a person's address on file; ErrNoContact when there is none any more.
	Contact func(context.Context, events.SubjectID) (events.Address, error)
	// People lists everybody the house knows, a page after an id at a time.
	People func(ctx context.Context, after events.SubjectID, limit int) ([]events.SubjectID, error)
	// Covers decides by the register whether a recipient may get this; the error is
	// a *privacy.RefusedError.
	Covers func(to events.RecipientID, host string, categories []events.Category, purpose events.Purpose) error
	// Open lists the holds and demands that are not done: kind "hold", "demand" or "transfer".
	Open func(ctx context.Context, kind string) ([]string, error)
	// Independent refuses the word of one agent beside that of the one who proposed
	// when both accounts are in one hand.
	Independent func(ctx context.Context, proposed, agrees events.AgentID) error
	Brand       string
	Now         func() time.Time // nil: time.Now
	Logger      *slog.Logger
}

// Office is the office. It is safe for concurrent use.
type Office struct {
	cfg Config
	j   *journal.Journal
	log *slog.Logger
}

// New returns an office.
func New(c Config) *Office {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Office{cfg: c, j: c.Journal, log: c.Logger.With("room", "privacy", "part", "disclosure")}
}

const system events.Actor = "system:privacy"

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

// ErrNoContact says that no address of a person is on file.
var ErrNoContact = errors.New("no address on file")

// ErrNotFound is returned when there is no such thing.
var ErrNotFound = &Refusal{code: "not_found", Reason: "unknown", Sentence: "There is no such thing here."}

// second keeps one person from being both of two.
func (o *Office) second(ctx context.Context, proposed, agrees events.AgentID) error {
	if proposed == agrees {
		return refuse("same_person", "A second, different person has to agree.")
	}
	return o.cfg.Independent(ctx, proposed, agrees)
}

// step derives the command of one step, so that steps repeat with the whole.
func step(by journal.By, parts ...string) journal.By {
	by.Causation = by.Command
	by.Command = events.DeriveUUID(append([]string{"step", by.Command.String()}, parts...)...)
	return by
}

// fresh makes the id of something that a command begins: the same for the same
// command.
func fresh(kind string, by journal.By) string {
	return events.DeriveUUID(kind, by.Command.String()).String()
}

func valid(id string) bool {
	u, err := events.ParseUUID(id)
	return err == nil && u.String() == id
}

// signer signs packages.
func (o *Office) signer() ed25519.PrivateKey {
	seed := sha256.Sum256(append([]byte("privacy bundles 1\x00"), o.cfg.Key...))
	return ed25519.NewKeyFromSeed(seed[:])
}

// PublicKey is what packages are checked with.
func (o *Office) PublicKey() ed25519.PublicKey { return o.signer().Public().(ed25519.PublicKey) }

// streams lists the streams of tickets with those of their inquiries and of what was
// sent.
func (o *Office) streams(ctx context.Context, tickets []events.TicketID) ([]events.Stream, error) {
	var out []events.Stream
	for _, t := range tickets {
		if !valid(string(t)) {
			return nil, ErrNotFound
		}
		history, err := o.j.Load(ctx, events.TicketStream(t), nil)
		if err != nil {
			return nil, err
		}
		if len(history) == 0 {
			return nil, ErrNotFound
		}
		out = append(out, events.TicketStream(t))
		for _, rec := range history {
			switch e := rec.Event.(type) {
			case events.MessageAttached:
				out = append(out, events.InquiryStream(e.Inquiry))
			case events.ReplyWritten:
				if out, err = o.ways(ctx, out, e.Message); err != nil {
					return nil, err
				}
			case events.AcknowledgementWritten:
				if out, err = o.ways(ctx, out, e.Message); err != nil {
					return nil, err
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// ways adds the streams of the ways of one message to its recipients.
func (o *Office) ways(ctx context.Context, out []events.Stream, m events.MessageID) ([]events.Stream, error) {
	for i := 0; ; i++ {
		s := events.OutboundStream(events.OutboundID(events.DeriveUUID("outbound", string(m), fmt.Sprint(i)).String()))
		_, there, err := o.j.Last(ctx, s)
		if err != nil || !there {
			return out, err
		}
		out = append(out, s)
	}
}

// keys lists the live keys a scope covers: those of its people and of its streams,
// as far as they were made within its time.
func (o *Office) keys(ctx context.Context, sc events.Scope) ([]vault.Info, error) {
	streams, err := o.streams(ctx, sc.Tickets)
	if err != nil {
		return nil, err
	}
	var all []vault.Info
	for _, s := range sc.Subjects {
		list, err := o.cfg.SubjectKeys(ctx, s)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	for _, s := range streams {
		list, err := o.cfg.StreamKeys(ctx, s)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	all = slices.DeleteFunc(all, func(k vault.Info) bool {
		return !sc.From.IsZero() && k.Minted.Before(sc.From) || !sc.Until.IsZero() && !k.Minted.Before(sc.Until) || k.Category == events.Fraud
	})
	slices.SortFunc(all, func(a, b vault.Info) int { return compare(string(a.KID), string(b.KID)) })
	return slices.CompactFunc(all, func(a, b vault.Info) bool { return a.KID == b.KID }), nil
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// letter writes to a person once; the id says what about.
func (o *Office) letter(ctx context.Context, by journal.By, id events.MessageID, customer events.SubjectID, to events.Address, about, subject, text string) error {
	e := events.LetterWritten{
		Message: id, Kind: events.OutboundAdministrative, Purpose: "notice", About: about, Customer: customer,
		Letter: events.Seal(events.HouseLetter{To: to, Subject: subject, Text: text}),
	}
	own := journal.By{Command: events.DeriveUUID("write", string(id)), Actor: by.Actor, At: by.At, Causation: by.Command}
	_, err := o.j.Append(ctx, events.LetterStream(id), events.NoStream, own, e)
	if _, there := store.IsConflict(err); there {
		return nil
	}
	return err
}

// lookEvery is how often reviews, gags and transfers are looked at.
const lookEvery = time.Minute

// Run watches reviews and gags, and writes to people, until ctx ends.
func (o *Office) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := errors.Join(o.Reviews(ctx), o.Gags(ctx), o.Transfers(ctx)); err != nil && ctx.Err() == nil {
			o.log.Warn("holds and gags not looked at", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
