package rights

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

const (
	askedMax   = 256            // questions for a link that wait at once
	centreLife = 24 * time.Hour // of a link into the centre
	perDay     = 4              // links one person gets in a day
	apart      = 10 * time.Minute
)

// asked is somebody's question for a link.
type asked struct {
	address string
	at      time.Time
}

// AskLink takes a question for a link into the privacy centre. What happens then
// happens later and unseen: the answer, and the time it takes, are the same whether
// the address is known or not. It fails when a network asks too often.
func (r *Rights) AskLink(client, address string) error {
	if err := r.limit.admit(client); err != nil {
		return err
	}
	select {
	case r.asked <- asked{strings.TrimSpace(address), r.cfg.Now()}:
	default: // a flood; whoever is real asks again
		r.log.Warn("question for a privacy link dropped, too many wait")
	}
	return nil
}

// sendLink writes a link to the address on file of whoever has this address.
func (r *Rights) sendLink(ctx context.Context, a asked) error {
	if len(a.address) > 320 || !strings.Contains(a.address, "@") {
		return nil
	}
	customer, known, err := r.cfg.Lookup(ctx, a.address)
	if err != nil || !known {
		return err
	}
	to, err := r.cfg.Contact(ctx, customer)
	if errors.Is(err, ErrNoContact) {
		return nil
	}
	if err != nil {
		return err
	}
	id, ok := idOf(string(customer))
	if !ok {
		return nil
	}
	slot, free, err := r.slot(ctx, customer, a.at)
	if err != nil || !free {
		return err
	}
	by := journal.By{Command: events.NewUUID(), Actor: system, At: r.cfg.Now()}
	url := r.link("/privacy/", link{kind: linkCentre, until: r.cfg.Now().Add(centreLife), id: id})
	return r.write(ctx, by, slot, customer, to, "centre", linkLetter(r.cfg.Brand, url))
}

// slot finds the id of the next letter with a link that a person may get: so many a
// day, and some time apart. Otherwise a stranger could fill somebody's mailbox.
func (r *Rights) slot(ctx context.Context, customer events.SubjectID, at time.Time) (events.MessageID, bool, error) {
	for n := range perDay {
		id := letterID("centre", string(customer), at.UTC().Format(time.DateOnly), strconv.Itoa(n))
		last, there, err := r.cfg.Journal.Last(ctx, events.LetterStream(id))
		if err != nil {
			return "", false, err
		}
		if !there {
			return id, true, nil
		}
		if at.Sub(last.Meta.At) < apart {
			return "", false, nil
		}
	}
	return "", false, nil
}

// Centre is what the privacy centre shows to one person.
type Centre struct {
	Customer    events.SubjectID
	Address     string // shortened, for recognition
	Preferences []Preference
	Restricted  bool
}

// Preference is one purpose and where it stands.
type Preference struct {
	Purpose
	Live bool
}

// Enter opens the privacy centre for the holder of a link.
func (r *Rights) Enter(ctx context.Context, token string) (Centre, error) {
	k, err := r.links.read(token, linkCentre, r.cfg.Now())
	if err != nil {
		return Centre{}, err
	}
	l, err := r.Ledger(ctx, k.subject())
	if err != nil {
		return Centre{}, err
	}
	to, err := r.cfg.Contact(ctx, k.subject())
	if errors.Is(err, ErrNoContact) {
		return Centre{}, ErrLink
	}
	if err != nil {
		return Centre{}, err
	}
	c := Centre{Customer: k.subject(), Address: shorten(to.Address), Restricted: l.Restricted}
	for _, p := range r.cfg.Purposes {
		c.Preferences = append(c.Preferences, Preference{p, l.live(p.Code)})
	}
	return c, nil
}

// shorten leaves of an address what its owner recognises.
func shorten(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 1 {
		return "***"
	}
	return address[:1] + "***" + address[at:]
}

// AskByLink makes a request in the name of the holder of a link. The same form sent
// twice within a minute is one request.
func (r *Rights) AskByLink(ctx context.Context, token string, kind events.RequestKind, wish events.Wish, ground, locale string) (events.RequestID, error) {
	c, err := r.Enter(ctx, token)
	if err != nil {
		return "", err
	}
	now := r.cfg.Now()
	by := journal.By{
		Command: events.DeriveUUID("centre", token, string(kind), wish.Text, wish.Name, wish.Address, ground, now.UTC().Truncate(time.Minute).String()),
		Actor:   system, At: now,
	}
	id, err := r.Receive(ctx, by, Intake{
		Kind: kind, Customer: c.Customer, Channel: "page", Ground: ground, Locale: locale, Wish: wish, Verified: "link",
	})
	if err != nil {
		return "", err
	}
	return id, r.pause(ctx, by, c.Customer, id, kind, ground)
}

// SetByLink changes the preferences of the holder of a link: on is what they ticked.
func (r *Rights) SetByLink(ctx context.Context, token, locale string, on map[string]bool) error {
	c, err := r.Enter(ctx, token)
	if err != nil {
		return err
	}
	for _, p := range c.Preferences {
		by := journal.By{Command: events.NewUUID(), Actor: system, At: r.cfg.Now()}
		switch {
		case on[p.Code] && !p.Live:
			err = r.Grant(ctx, by, c.Customer, p.Code, locale, "centre")
		case !on[p.Code] && p.Live:
			err = r.Withdraw(ctx, by, c.Customer, p.Code, "centre")
		}
		if err != nil {
			return err
		}
	}
	return nil
}
