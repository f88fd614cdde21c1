package rights

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// Consent is where one purpose on one channel stands.
type Consent struct {
	Purpose string
	Channel string
	Live    bool
	Since   time.Time // of the last change
	Text    string    // SHA-256 of what was agreed to
	Method  string
}

// Ledger is what a person agreed to, took back and objected to, folded from the
// clear facts of their stream.
type Ledger struct {
	Customer   events.SubjectID
	Consents   map[string]Consent // by purpose
	Asked      map[string]ask     // consent asked for and not confirmed, by purpose
	Objected   map[string]bool    // undecided or upheld, by purpose
	Restricted bool
	Request    events.RequestID // behind the restriction
	Hold       events.HoldID    // that keeps the data for claims
	Told       bool             // that the restriction is going to be lifted
	Notice     string           // version acknowledged last
	Rectified  bool
}

type ask struct {
	link  events.Hash
	text  string
	until time.Time
}

const every = "all"

// Ledger reads where a person stands.
func (r *Rights) Ledger(ctx context.Context, customer events.SubjectID) (Ledger, error) {
	history, err := r.cfg.Journal.Load(ctx, events.CustomerStream(customer), nil)
	if err != nil {
		return Ledger{}, fmt.Errorf("read ledger: %w", err)
	}
	return foldLedger(customer, history), nil
}

func foldLedger(customer events.SubjectID, history []events.Recorded) Ledger {
	l := Ledger{Customer: customer, Consents: map[string]Consent{}, Asked: map[string]ask{}, Objected: map[string]bool{}}
	for _, rec := range history {
		switch e := rec.Event.(type) {
		case events.NoticeAcknowledged:
			l.Notice = e.Notice
		case events.ConsentRequested:
			l.Asked[e.Purpose] = ask{e.Link, e.Text, e.Expires}
		case events.ConsentGranted:
			delete(l.Asked, e.Purpose)
			delete(l.Objected, e.Purpose)
			l.Consents[e.Purpose] = Consent{e.Purpose, e.Channel, true, rec.Meta.At, e.Text, e.Method}
		case events.ConsentWithdrawn:
			delete(l.Asked, e.Purpose)
			l.Consents[e.Purpose] = Consent{e.Purpose, e.Channel, false, rec.Meta.At, l.Consents[e.Purpose].Text, e.Method}
		case events.ObjectionRaised:
			l.Objected[e.Purpose] = true
		case events.ObjectionDecided:
			l.Objected[e.Purpose] = e.Upheld
		case events.ProcessingRestricted:
			l.Restricted, l.Request, l.Hold = true, e.Request, e.Hold
		case events.RestrictionLifted:
			l.Restricted, l.Hold = false, ""
		case events.ContactRectified:
			l.Rectified = true
		}
	}
	return l
}

// live reports whether there is a live consent to a purpose.
func (l Ledger) live(purpose string) bool {
	return l.Consents[purpose].Live && !l.Objected[purpose] && !l.Objected[every]
}

// Reasons why the gate keeps a message back.
const (
	ReasonRestricted = "restricted" // GDPR art. 18(2)
	ReasonObjection  = "objection"  // GDPR art. 21(3)
	ReasonNoConsent  = "no_consent" // GDPR art. 6(1)(a), policy clause 2.3
)

// Allowed is the gate of the outbox: whether a person may be written to, for a
// kind of message or the code of a purpose. Administrative messages pass whatever
// anybody opted out of (policy clause 2.2); replies pass unless the use of the
// data is restricted; everything else needs a live consent. It reads the person's
// stream anew, so that it says what is true now.
func (r *Rights) Allowed(ctx context.Context, customer events.SubjectID, purpose string) (ok bool, reason string, err error) {
	if customer == "" || purpose == string(events.OutboundAdministrative) {
		return true, "", nil
	}
	l, err := r.Ledger(ctx, customer)
	if err != nil {
		return false, "", fmt.Errorf("ask the gate: %w", err)
	}
	switch purpose {
	case string(events.OutboundReply), string(events.OutboundAcknowledgement):
		if l.Restricted {
			return false, ReasonRestricted, nil
		}
		return true, "", nil
	case string(events.OutboundPromotional):
		purpose = Promo
	}
	switch {
	case l.Restricted:
		return false, ReasonRestricted, nil
	case l.Objected[purpose] || l.Objected[every]:
		return false, ReasonObjection, nil
	case !l.live(purpose):
		return false, ReasonNoConsent, nil
	}
	return true, "", nil
}

// askAgain is how long somebody who said no is not asked again (CCPA, Cal. Civ.
// Code s. 1798.135(c)(4): 12 months).
const askAgain = 12

// confirmWithin is how long a link that confirms consent works.
const confirmWithin = 7 * 24 * time.Hour

// Digest is how the text of a consent or notice stands in the ledger.
func Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// AskConsent asks a person for consent to one purpose by a letter with a link
// (double opt-in). Who said no is not asked again for a year.
func (r *Rights) AskConsent(ctx context.Context, by journal.By, customer events.SubjectID, code string) error {
	p, ok := r.purpose(code)
	if !ok {
		return refuse("purpose", "There is no such purpose.")
	}
	id, ok := idOf(string(customer))
	if !ok {
		return ErrNotFound
	}
	to, err := r.cfg.Contact(ctx, customer)
	if err != nil {
		return fmt.Errorf("ask for consent: %w", err)
	}
	now := r.cfg.Now()
	token := r.links.sign(link{kind: linkConfirm, until: now.Add(confirmWithin), id: id, purpose: code})
	letter := letterID("consent", by.Command.String())
	_, err = r.cfg.Journal.Execute(ctx, events.CustomerStream(customer), by, func(history []events.Recorded) ([]events.Event, error) {
		l := foldLedger(customer, history)
		c, said := l.Consents[code]
		switch {
		case l.live(code):
			return nil, refuse("given", "This person has agreed already.")
		case l.Restricted:
			return nil, refuse(ReasonRestricted, "The use of this person's data is restricted.")
		case l.Objected[code] || l.Objected[every]:
			return nil, refuse(ReasonObjection, "This person objected.")
		case said && now.Before(c.Since.AddDate(0, askAgain, 0)):
			return nil, refuse("asked_too_soon", "This person said no less than twelve months ago.")
		}
		return []events.Event{events.ConsentRequested{
			Customer: customer, Purpose: code, Channel: Channel, Text: Digest(p.Text),
			Link: r.cfg.Hash("privacy link", token), Expires: now.Add(confirmWithin), Letter: letter,
		}}, nil
	})
	if err != nil {
		return fmt.Errorf("ask for consent: %w", err)
	}
	return r.write(ctx, by, letter, customer, to, "consent", askLetter(r.cfg.Brand, p, r.cfg.URL()+"/privacy/confirm/"+token))
}

// Confirmable says which purpose a confirmation link is about; ErrLink when it is
// over, was replaced or was used.
func (r *Rights) Confirmable(ctx context.Context, token string) (Purpose, error) {
	k, err := r.links.read(token, linkConfirm, r.cfg.Now())
	if err != nil {
		return Purpose{}, err
	}
	p, ok := r.purpose(k.purpose)
	if !ok {
		return Purpose{}, ErrLink
	}
	l, err := r.Ledger(ctx, k.subject())
	if err != nil {
		return Purpose{}, err
	}
	if !l.live(p.Code) && l.Asked[p.Code].link != r.cfg.Hash("privacy link", token) {
		return Purpose{}, ErrLink
	}
	return p, nil
}

// Confirm grants the consent a confirmation link asks for. Again is the same.
func (r *Rights) Confirm(ctx context.Context, token, locale string) (Purpose, error) {
	p, err := r.Confirmable(ctx, token)
	if err != nil {
		return p, err
	}
	k, err := r.links.read(token, linkConfirm, r.cfg.Now())
	if err != nil {
		return p, err
	}
	by := journal.By{Command: events.DeriveUUID("confirm", token), Actor: system, At: r.cfg.Now()}
	return p, r.grant(ctx, by, k.subject(), p, locale, "link", "confirmed by a link sent to the address on file")
}

// Grant notes a consent that a person gave after they were recognised: method
// "centre" or "agent".
func (r *Rights) Grant(ctx context.Context, by journal.By, customer events.SubjectID, code, locale, method string) error {
	p, ok := r.purpose(code)
	if !ok {
		return refuse("purpose", "There is no such purpose.")
	}
	return r.grant(ctx, by, customer, p, locale, method, "ticked by the person")
}

func (r *Rights) grant(ctx context.Context, by journal.By, customer events.SubjectID, p Purpose, locale, method, answer string) error {
	_, err := r.cfg.Journal.Execute(ctx, events.CustomerStream(customer), by, func(history []events.Recorded) ([]events.Event, error) {
		if foldLedger(customer, history).live(p.Code) {
			return nil, nil
		}
		return []events.Event{events.ConsentGranted{
			Customer: customer, Purpose: p.Code, Channel: Channel, Text: Digest(p.Text), Locale: locale, Method: method,
			Proof: events.Seal(events.ConsentProof{Text: p.Text, Answer: answer}),
		}}, nil
	})
	if err != nil {
		return fmt.Errorf("grant consent: %w", err)
	}
	return nil
}

// Withdraw takes a consent back; without one it is noted all the same, so that
// nobody is asked for it for a year. Again changes nothing.
func (r *Rights) Withdraw(ctx context.Context, by journal.By, customer events.SubjectID, code, method string) error {
	if _, ok := r.purpose(code); !ok {
		return refuse("purpose", "There is no such purpose.")
	}
	_, err := r.cfg.Journal.Execute(ctx, events.CustomerStream(customer), by, func(history []events.Recorded) ([]events.Event, error) {
		if c, said := foldLedger(customer, history).Consents[code]; said && !c.Live {
			return nil, nil
		}
		return []events.Event{events.ConsentWithdrawn{Customer: customer, Purpose: code, Channel: Channel, Method: method}}, nil
	})
	if err != nil {
		return fmt.Errorf("withdraw consent: %w", err)
	}
	return nil
}

// Unsubscribable says which purpose an unsubscribe link ends.
func (r *Rights) Unsubscribable(token string) (Purpose, error) {
	k, err := r.links.read(token, linkUnsubscribe, r.cfg.Now())
	if err != nil {
		return Purpose{}, err
	}
	p, ok := r.purpose(k.purpose)
	if !ok {
		return Purpose{}, ErrLink
	}
	return p, nil
}

// Unsubscribe ends the purpose of a link at once, without a login and as often as
// it is asked (RFC 8058 section 3.2).
func (r *Rights) Unsubscribe(ctx context.Context, token string) (Purpose, error) {
	p, err := r.Unsubscribable(token)
	if err != nil {
		return p, err
	}
	k, err := r.links.read(token, linkUnsubscribe, r.cfg.Now())
	if err != nil {
		return p, err
	}
	by := journal.By{Command: events.NewUUID(), Actor: system, At: r.cfg.Now()}
	return p, r.Withdraw(ctx, by, k.subject(), p.Code, "one_click")
}

// Present notes that a version of the notice was shown, or, when acknowledged,
// confirmed (policy P0). Neither is consent to anything.
func (r *Rights) Present(ctx context.Context, by journal.By, customer events.SubjectID, version, text, channel, locale string, acknowledged bool) error {
	_, err := r.cfg.Journal.Execute(ctx, events.CustomerStream(customer), by, func([]events.Recorded) ([]events.Event, error) {
		shown := events.NoticePresented{Customer: customer, Notice: version, Digest: Digest(text), Channel: channel, Locale: locale}
		if acknowledged {
			return []events.Event{shown, events.NoticeAcknowledged(shown)}, nil
		}
		return []events.Event{shown}, nil
	})
	if err != nil {
		return fmt.Errorf("note a notice: %w", err)
	}
	return nil
}
