package notifier

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/projections/outbox"
)

// Postmaster draws conclusions from what comes back: which addresses are not
// written to any more, and that an answer to a message of ours proves that it
// arrived. It believes results of our own mail server and reports that carry a
// signed address of ours, which the router has checked; nothing else (MAIL O13,
// I30).
type Postmaster struct {
	Journal *journal.Journal
	Outbox  *outbox.View
	// Hash is the vault's keyed hash.
	Hash   func(domain string, parts ...string) events.Hash
	Now    func() time.Time
	Logger *slog.Logger

	log *slog.Logger
}

const (
	postmasterName = "postmaster"
	// softLimit returns within softTime for a full mailbox suppress an address.
	softLimit = 3
	softTime  = 7 * 24 * time.Hour
)

// Run reads on until ctx ends.
func (p *Postmaster) Run(ctx context.Context) error {
	p.log = p.Logger.With("room", "notifier", "part", "postmaster")
	var from events.Position
	err := persist(ctx, p.log, "read checkpoint", func() (err error) {
		from, err = p.Journal.Checkpoint(ctx, postmasterName)
		return err
	})
	if err != nil {
		return nil //nolint:nilerr // persist gives up only when ctx has ended
	}
	saved, last := from, time.Time{}
	reading := journal.Reading{From: from, Types: []string{
		"hub.InquiryReceived", "hub.DeliveryFailed", "hub.MessageBounced", "hub.MessageComplained",
	}}
	err = p.Journal.Subscribe(ctx, reading, func(ctx context.Context, b journal.Batch) error {
		for _, rec := range b.Events {
			if err := insist(ctx, p.log, "draw conclusions", func() error { return p.conclude(ctx, rec) }); err != nil {
				return err
			}
		}
		if b.Position == events.Start || !saved.Before(b.Position) || time.Since(last) < time.Second {
			return nil
		}
		if err := p.Journal.Advance(ctx, postmasterName, b.Position); err != nil {
			p.log.Warn("checkpoint not saved, some results would be looked at again", "error", err)
			return nil
		}
		saved, last = b.Position, time.Now()
		return nil
	})
	if ctx.Err() != nil {
		return nil //nolint:nilerr // told to end
	}
	return err
}

func (p *Postmaster) conclude(ctx context.Context, rec events.Recorded) error {
	switch e := rec.Event.(type) {
	case events.DeliveryFailed:
		switch e.Class {
		case ClassAddress:
			return p.suppress(ctx, rec, e.Outbound, events.SuppressedHard)
		case ClassFull:
			return p.full(ctx, rec, e.Outbound)
		}
	case events.MessageBounced:
		if e.Action != "failed" && e.Action != "" {
			return nil
		}
		if hardCode(e.Code) || e.Class == "hard" {
			return p.suppress(ctx, rec, e.Outbound, events.SuppressedHard)
		}
		if fullCode(e.Code) || e.Class == "full" {
			return p.full(ctx, rec, e.Outbound)
		}
	case events.MessageComplained:
		if e.Kind != "not-spam" {
			p.log.Warn("a recipient called our mail unwanted", "outbound", e.Outbound, "kind", e.Kind)
			return p.suppress(ctx, rec, e.Outbound, events.SuppressedComplaint)
		}
	case events.InquiryReceived:
		return p.heard(ctx, rec, e)
	}
	return nil
}

// hardCode is "no such mailbox" (RFC 3463).
func hardCode(code string) bool {
	for _, c := range []string{"5.1.1", "5.1.2", "5.1.6", "5.1.10", "5.2.1"} {
		if code == c || strings.HasSuffix(code, " "+c) {
			return true
		}
	}
	return false
}

func fullCode(code string) bool {
	return strings.HasSuffix(code, ".2.2") && (strings.Contains(code, "4.2.2") || strings.Contains(code, "5.2.2"))
}

// suppress puts the recipient of a message on the list.
func (p *Postmaster) suppress(ctx context.Context, rec events.Recorded, id events.OutboundID, kind events.SuppressionKind) error {
	q, address, err := p.recipient(ctx, id)
	if err != nil || address == "" {
		return err
	}
	e := events.AddressSuppressed{Customer: q.Customer, Address: address, Kind: kind, Outbound: id}
	return p.tell(ctx, rec, q.Customer, e)
}

// recipient is the message's person and the hash of the address it went to.
func (p *Postmaster) recipient(ctx context.Context, id events.OutboundID) (q events.MessageQueued, address events.Hash, err error) {
	history, err := p.Journal.Load(ctx, events.OutboundStream(id), &workerPrincipal)
	if err != nil {
		return q, "", err
	}
	q = foldWay(history).queued
	if address = q.Address; address == "" && q.Parcel.State() == events.Plain {
		address = AddressHash(p.Hash, q.Parcel.Value().RcptTo)
	}
	return q, address, nil
}

// full counts returns of a full mailbox. This one counts whether or not the view
// has seen it.
func (p *Postmaster) full(ctx context.Context, rec events.Recorded, id events.OutboundID) error {
	_, address, err := p.recipient(ctx, id)
	if err != nil || address == "" {
		return err
	}
	n, err := p.Outbox.Returned(ctx, address, rec.Meta.At.Add(-softTime), func(i outbox.Item) bool {
		return i.ID != id && (i.LastDetail == ClassFull || fullCode(i.LastCode))
	})
	if err != nil || n+1 < softLimit {
		return err
	}
	return p.suppress(ctx, rec, id, events.SuppressedSoft)
}

// heard takes an address off the list that wrote to us, and believes an answer to
// a message of unknown outcome: whoever answers has read it (MAIL O3).
func (p *Postmaster) heard(ctx context.Context, rec events.Recorded, in events.InquiryReceived) error {
	if in.Class != events.MailHuman || in.Auth == "fail" {
		return nil
	}
	health, err := p.Outbox.Health(ctx, p.Now())
	if err != nil || health.Suppressed == 0 && in.SignedMessage == "" {
		return err
	}
	var unknown []outbox.Item
	if in.SignedMessage != "" {
		all, err := p.Outbox.ByMessage(ctx, in.SignedMessage)
		if err != nil {
			return err
		}
		for _, i := range all {
			if i.State == outbox.Unknown {
				unknown = append(unknown, i)
			}
		}
	}
	if health.Suppressed == 0 && len(unknown) == 0 {
		return nil
	}
	address, err := p.author(ctx, rec)
	if err != nil || address == "" {
		return err
	}
	for _, i := range unknown {
		if i.Address == address {
			if err := p.proved(ctx, rec, i.ID); err != nil {
				return err
			}
		}
	}
	s, listed, err := p.Outbox.Suppression(ctx, address)
	if err != nil || !listed || s.Kind == events.SuppressedManual || s.Kind == events.SuppressedComplaint {
		return err
	}
	return p.tell(ctx, rec, s.Customer, events.AddressUnsuppressed{Customer: s.Customer, Address: address, Cause: "wrote", Inquiry: in.Inquiry})
}

// author is the hash of an inquiry's sender, empty when it can no longer be read.
func (p *Postmaster) author(ctx context.Context, rec events.Recorded) (events.Hash, error) {
	history, err := p.Journal.Load(ctx, rec.Stream, &clerkPrincipal)
	if err != nil || len(history) == 0 {
		return "", err
	}
	in, ok := history[0].Event.(events.InquiryReceived)
	if !ok || in.Contact.State() != events.Plain || in.Contact.Value().Address == "" {
		return "", nil
	}
	return AddressHash(p.Hash, in.Contact.Value().Address), nil
}

func (p *Postmaster) proved(ctx context.Context, rec events.Recorded, id events.OutboundID) error {
	by := journal.By{
		Command: events.DeriveUUID(postmasterName, "proved", rec.ID.String()), Actor: "system:postmaster", At: rec.Meta.At, Causation: rec.ID,
	}
	_, err := p.Journal.Execute(ctx, events.OutboundStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		if !foldWay(history).unknown {
			return nil, nil
		}
		return []events.Event{events.DeliveryResolved{Outbound: id, Outcome: string(outbox.Accepted), Evidence: "reply"}}, nil
	})
	return err
}

// tell writes to a person's stream, once for each cause.
func (p *Postmaster) tell(ctx context.Context, rec events.Recorded, who events.SubjectID, e events.Event) error {
	by := journal.By{
		Command: events.DeriveUUID(postmasterName, rec.ID.String()), Actor: "system:postmaster", At: rec.Meta.At, Causation: rec.ID,
	}
	_, err := p.Journal.Execute(ctx, events.CustomerStream(who), by, func([]events.Recorded) ([]events.Event, error) {
		return []events.Event{e}, nil
	})
	return err
}
