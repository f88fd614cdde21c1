package disclosure

import (
	"context"
	"errors"
	"fmt"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

const peoplePage = 200

// everybody writes to every live person about something, once: the id of a letter
// comes from what it is about and the person, so that a second run, or two at once,
// find what was written. Who has no address on file any more is counted, not written
// to.
func (o *Office) everybody(ctx context.Context, by journal.By, kind, about, subject, text string) (queued, skipped int, err error) {
	for after := events.SubjectID(""); ; {
		page, err := o.cfg.People(ctx, after, peoplePage)
		if err != nil {
			return queued, skipped, err
		}
		for _, p := range page {
			to, err := o.cfg.Contact(ctx, p)
			if errors.Is(err, ErrNoContact) {
				skipped++
				continue
			}
			if err != nil {
				return queued, skipped, err
			}
			note := events.MessageID(events.DeriveUUID("letter", kind, about, string(p)).String())
			if err := o.letter(ctx, by, note, p, to, about, subject, text); err != nil {
				return queued, skipped, err
			}
			queued++
		}
		if len(page) < peoplePage {
			return queued, skipped, nil
		}
		after = page[len(page)-1]
	}
}

// TellPolicy writes to every live person of a version of the privacy policy that
// changes what may be done with their data, before it is in force (clause PE). Done,
// it is noted in the registry, and not done again.
func (o *Office) TellPolicy(ctx context.Context, p events.PolicyVersionPublished) error {
	by := journal.By{Command: events.DeriveUUID("policy noticed", p.Policy), Actor: system, At: o.cfg.Now()}
	history, err := o.j.Load(ctx, events.RegistryStream, nil)
	if err != nil {
		return fmt.Errorf("tell of a policy: %w", err)
	}
	for _, rec := range history {
		if e, is := rec.Event.(events.PolicyNoticed); is && e.Policy == p.Policy {
			return nil
		}
	}
	text := fmt.Sprintf("Hello,\n\nour privacy policy changes on %s. You need not do anything. If you do not agree, you can object, or ask for the erasure of your data, "+
		"in the privacy centre on our website.\n\nThis is the new text:\n\n%s\n\n%s\n", p.Effective.Format("2 January 2006"), p.Text, o.cfg.Brand)
	queued, skipped, err := o.everybody(ctx, by, "policy", p.Policy, "Our privacy policy changes", text)
	if err != nil {
		return fmt.Errorf("tell of a policy: %w", err)
	}
	_, err = o.j.Execute(ctx, events.RegistryStream, by, func([]events.Recorded) ([]events.Event, error) {
		return []events.Event{events.PolicyNoticed{Policy: p.Policy, Queued: queued, Skipped: skipped}}, nil
	})
	if err != nil {
		return fmt.Errorf("tell of a policy: %w", err)
	}
	return nil
}
