package rights

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/store"
)

// letterID derives the id of a letter from what it is about, so that it is
// written once however often somebody tries.
func letterID(parts ...string) events.MessageID {
	return events.MessageID(events.DeriveUUID(append([]string{"letter"}, parts...)...).String())
}

// text is a letter before it has a reader.
type text struct{ subject, body string }

// write begins a letter of the house. Customer owns its words: the person, or, for
// the letters of a request, the request itself, so that they outlive an erasure.
// One that was begun already stays as it was.
func (r *Rights) write(ctx context.Context, by journal.By, id events.MessageID, customer events.SubjectID, to events.Address, about string, t text) error {
	e := events.LetterWritten{
		Message: id, Kind: events.OutboundAdministrative, Purpose: "rights", About: about, Customer: customer,
		Letter: events.Seal(events.HouseLetter{To: to, Subject: t.subject, Text: t.body}),
	}
	own := journal.By{Command: events.DeriveUUID("write", string(id)), Actor: by.Actor, At: by.At, Correlation: by.Correlation, Causation: by.Command}
	_, err := r.cfg.Journal.Append(ctx, events.LetterStream(id), events.NoStream, own, e)
	if _, there := store.IsConflict(err); there {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write letter: %w", err)
	}
	return nil
}

func day(t time.Time) string { return t.Format("2 January 2006") }

func letter(brand, subject string, paragraphs ...string) text {
	return text{subject, "Hello,\n\n" + strings.Join(paragraphs, "\n\n") + "\n\n" + brand + "\n"}
}

func linkLetter(brand, url string) text {
	return letter(brand, "Your privacy centre",
		"somebody, probably you, asked for this link. With it you can see which data we hold about you, ask for a copy, a correction or an erasure, and set what we may write to you about:",
		url, "It works for 24 hours. If it was not you, do nothing: without this link nobody can ask anything in your name.")
}

func askLetter(brand string, p Purpose, url string) text {
	return letter(brand, "Please confirm: "+p.Title, "you were asked whether you agree to this:", p.Text,
		"If you do, please confirm it here within seven days:", url, "If you do nothing, nothing is sent.")
}

var kindNames = map[events.RequestKind]string{
	events.RequestAccess: "a copy of your data", events.RequestErasure: "the erasure of your data",
	events.RequestRectification: "a correction of your data", events.RequestRestriction: "a restriction of the use of your data",
	events.RequestObjection: "an objection to the use of your data", events.RequestPortability: "your data in a portable form",
}

func receiptLetter(brand string, e events.RequestReceived, zone *time.Location) text {
	return letter(brand, "We have received your request",
		fmt.Sprintf("your request has reached us: %s. Its reference is %s.", kindNames[e.Kind], Reference(e.Request)),
		fmt.Sprintf("We answer it by %s at the latest. If we need longer, or cannot do what you ask, we tell you why by that day.", day(e.Due.In(zone))),
		"We keep a record of this request for 24 months, and for nothing else.")
}

func packLetter(brand string, id events.RequestID, url string, until time.Time) text {
	return letter(brand, "Your data are ready", fmt.Sprintf("the copy of your data for request %s is ready:", Reference(id)), url,
		fmt.Sprintf("The link works once, until %s. The file holds personal data; please keep it safe.", day(until)))
}

const complaint = "If you do not agree, you can complain to a data protection authority, for example where you live, or go to court."

func refusalLetter(brand string, id events.RequestID, g events.Ground, article string) text {
	return letter(brand, "Your request "+Reference(id), "we cannot do what you asked for.",
		fmt.Sprintf("The ground is: %s (%s).", groundText(g), article), complaint)
}

func extensionLetter(brand string, id events.RequestID, g events.Ground, due time.Time) text {
	return letter(brand, "Your request "+Reference(id),
		fmt.Sprintf("we need longer to answer your request, until %s. The reason is: %s.", day(due), groundText(g)), complaint)
}

func doneLetter(brand string, id events.RequestID, what string) text {
	return letter(brand, "Your request "+Reference(id), what, "A record of this request is kept for 24 months.")
}

func liftLetter(brand string, id events.RequestID) text {
	return letter(brand, "Your request "+Reference(id),
		"the use of your data was restricted at your request. The reason has ended, and the restriction is going to be lifted (GDPR article 18(3)).", complaint)
}

// Reference is what people quote: the first half of the id in groups.
func Reference(id events.RequestID) string {
	s := strings.ToUpper(string(id))
	if len(s) < 12 {
		return s
	}
	s = s[len(s)-12:]
	return s[:4] + "-" + s[4:8] + "-" + s[8:]
}

func groundText(g events.Ground) string {
	switch g {
	case events.GroundIdentity:
		return "we could not make sure that the data are yours"
	case events.GroundClaimDefence, events.GroundClaimMade:
		return "the data are needed for a legal claim"
	case events.GroundExcessive:
		return "the request is manifestly unfounded or excessive"
	case events.GroundInvestigation:
		return "an investigation would be impaired"
	case events.GroundOverriding:
		return "compelling legitimate grounds override it"
	case events.GroundDisproportion:
		return "it would take a disproportionate effort"
	case events.GroundComplexity:
		return "the request is complex"
	case events.GroundNumber:
		return "there are many requests"
	default:
		return "a law obliges us to keep the data"
	}
}
