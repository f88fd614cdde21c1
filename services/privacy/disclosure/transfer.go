package disclosure

import (
	"context"
	"fmt"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/services/privacy/bundle"
)

// NewTransfer is a business transfer as it is announced (policy clause 3.3).
type NewTransfer struct {
	Acquirer  events.RecipientID
	Effective time.Time
	ObjectBy  time.Time
	Subject   string
	Text      string
}

// objectionTime is the least time people get to object.
const objectionTime = 14 * 24 * time.Hour

// Announce begins a business transfer. Everybody is written to by Notify, which Run
// calls until it is done.
func (o *Office) Announce(ctx context.Context, by journal.By, agent events.AgentID, n NewTransfer) (events.TransferID, error) {
	now := o.cfg.Now()
	switch {
	case !goodRecipient.MatchString(string(n.Acquirer)):
		return "", refuse("acquirer", "Name the acquirer in lower-case letters, digits and dashes.")
	case n.Subject == "" || n.Text == "":
		return "", refuse("text", "Say what people are told.")
	case n.ObjectBy.Before(now.Add(objectionTime)) || n.Effective.Before(n.ObjectBy):
		return "", refuse("time", "People need two weeks to object, before it takes effect.")
	}
	id := events.TransferID(fresh("transfer", by))
	_, err := o.j.Execute(ctx, events.TransferStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		if len(history) > 0 {
			return nil, nil
		}
		return []events.Event{events.BusinessTransferAnnounced{
			Transfer: id, Acquirer: n.Acquirer, Effective: n.Effective.UTC(), ObjectBy: n.ObjectBy.UTC(),
			Notice: bundle.Digest([]byte(n.Text)), Subject: n.Subject, Text: n.Text, By: agent,
		}}, nil
	})
	if err != nil {
		return "", fmt.Errorf("announce transfer: %w", err)
	}
	return id, nil
}

// Notify writes to every live person about a transfer, once: the id of a letter comes
// from the transfer and the person, so that a second run, or two at once, find what
// was written. Who has no address on file any more is counted, not written to.
func (o *Office) Notify(ctx context.Context, id events.TransferID) error {
	e, done, err := o.transfer(ctx, id)
	if err != nil || done {
		return err
	}
	by := journal.By{Command: events.DeriveUUID("notify", string(id)), Actor: system, At: o.cfg.Now()}
	queued, skipped, err := o.everybody(ctx, by, "transfer", string(id), e.Subject, e.Text)
	if err != nil {
		return fmt.Errorf("notify of transfer: %w", err)
	}
	_, err = o.j.Execute(ctx, events.TransferStream(id), step(by, "noticed"), func([]events.Recorded) ([]events.Event, error) {
		return []events.Event{events.TransferNoticed{Transfer: id, Queued: queued, Skipped: skipped}}, nil
	})
	if err != nil {
		return fmt.Errorf("notify of transfer: %w", err)
	}
	return nil
}

// transfer reads a transfer's announcement; done says that everybody was written to.
func (o *Office) transfer(ctx context.Context, id events.TransferID) (e events.BusinessTransferAnnounced, done bool, err error) {
	if !valid(string(id)) {
		return e, false, ErrNotFound
	}
	history, err := o.j.Load(ctx, events.TransferStream(id), nil)
	if err != nil {
		return e, false, fmt.Errorf("read transfer: %w", err)
	}
	for _, rec := range history {
		switch x := rec.Event.(type) {
		case events.BusinessTransferAnnounced:
			e = x
		case events.TransferNoticed:
			done = true
		}
	}
	if e.Transfer == "" {
		return e, false, ErrNotFound
	}
	return e, done, nil
}

// Transfers writes to people about every transfer that is not done.
func (o *Office) Transfers(ctx context.Context) error {
	ids, err := o.cfg.Open(ctx, "transfer")
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := o.Notify(ctx, events.TransferID(id)); err != nil {
			return err
		}
	}
	return nil
}
