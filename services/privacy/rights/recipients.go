package rights

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// Changes that recipients are told of (GDPR art. 19).
const (
	changeRectified  = "rectification"
	changeRestricted = "restriction"
	changeLifted     = "lifted"
)

// tellRecipients tells everybody who was given a person's data of a change, each
// once: by mail where the register knows an address for it, else it is noted that an
// operator has to. Nobody else is told.
func (r *Rights) tellRecipients(ctx context.Context, by journal.By, customer events.SubjectID, id events.RequestID, change string) error {
	list, err := r.cfg.Recipients(ctx, customer)
	if err != nil {
		return fmt.Errorf("tell recipients: %w", err)
	}
	// The relay carries everything that was sent, and keeps none of it for long.
	if relay := r.cfg.Relay(); relay.Write != "" {
		list = append(list, relay)
	}
	for _, rec := range list {
		e := events.RecipientTold{Request: id, Recipient: rec.ID, Change: change, Method: "operator"}
		if rec.Write != "" {
			note := letterID("recipient", string(id), rec.ID, change)
			e.Method, e.Outbound = "mail", note.Outbound()
			if err := r.write(ctx, own(by, "letter", rec.ID), note, id.RequesterID(), events.Address{Address: rec.Write}, string(id), recipientLetter(r.cfg.Brand, id, change, rec.About)); err != nil {
				return fmt.Errorf("tell recipients: %w", err)
			}
		}
		_, err := r.cfg.Journal.Execute(ctx, events.RequestStream(id), own(by, "told", change, rec.ID), func(history []events.Recorded) ([]events.Event, error) {
			if toldOf(history, rec.ID, change) {
				return nil, nil
			}
			return []events.Event{e}, nil
		})
		if err != nil {
			return fmt.Errorf("tell recipients: %w", err)
		}
	}
	return nil
}

func toldOf(history []events.Recorded, recipient, change string) bool {
	return slices.ContainsFunc(history, func(rec events.Recorded) bool {
		e, told := rec.Event.(events.RecipientTold)
		return told && e.Recipient == recipient && e.Change == change
	})
}

// RecipientDone notes that a recipient did everything it was told for a request.
func (r *Rights) RecipientDone(ctx context.Context, by journal.By, id events.RequestID, recipient string) error {
	if _, ok := idOf(string(id)); !ok {
		return ErrNotFound
	}
	_, err := r.cfg.Journal.Execute(ctx, events.RequestStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		open := map[string]bool{}
		var evs []events.Event
		told := false
		for _, rec := range history {
			switch e := rec.Event.(type) {
			case events.RecipientTold:
				if e.Recipient == recipient {
					told, open[e.Change] = true, true
				}
			case events.RecipientConfirmed:
				if e.Recipient == recipient {
					delete(open, e.Change)
				}
			}
		}
		for _, change := range []string{changeRectified, changeRestricted, changeLifted} {
			if open[change] {
				evs = append(evs, events.RecipientConfirmed{Request: id, Recipient: recipient, Change: change})
			}
		}
		if !told {
			return nil, refuse("not_told", "This recipient was told nothing.")
		}
		return evs, nil
	})
	if err != nil {
		return fmt.Errorf("note confirmation: %w", err)
	}
	return nil
}

// recipientLetter names what was given by its references, and no data: a mail is no
// place for them.
func recipientLetter(brand string, id events.RequestID, change string, about []string) text {
	what := map[string]string{
		changeRectified:  "a person has had data corrected that we gave you (GDPR article 19). Please correct or delete what you hold of it, and ask us for the right entry.",
		changeRestricted: "a person has restricted the use of data that we gave you (GDPR articles 18 and 19). Please keep them, and do not use them until we write again.",
		changeLifted:     "the use of data that we gave you was restricted (GDPR article 18). The restriction is lifted.",
	}[change]
	which := "It concerns everything of this person that you hold from us."
	if len(about) > 0 {
		which = "We gave you the data under these references: " + strings.Join(about, ", ") + "."
	}
	return letter(brand, "Data that we gave you: "+Reference(id), what, which, "Please confirm in a reply.")
}
