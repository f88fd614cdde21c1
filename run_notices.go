package main

import (
	"context"
	"errors"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/customers"
	noticeviews "github.com/westshore/hub/projections/notices"
	"github.com/westshore/hub/services/notices"
	"github.com/westshore/hub/services/notifier"
	"github.com/westshore/hub/services/privacy/rights"
)

// IdentityConfig is the brand that one mailbox writes in.
type IdentityConfig struct {
	Mailbox string `toml:"mailbox" help:"id of the mailbox"`
	Brand   string `toml:"brand" help:"name its customers know; empty: the name of the mailbox"`
	Postal  string `toml:"postal" help:"postal address, one line"`
	Website string `toml:"website" help:"https://…"`
	Colour  string `toml:"colour" help:"such as #0a5c8a, in the frame of notices"`
}

// openNotices opens the view of notices.
func (h *house) openNotices(ctx context.Context) (err error) {
	if h.noticeView, err = noticeviews.New(ctx, projections.Store{Dir: h.dir("views")}, h.log); err != nil {
		return err
	}
	h.onClose(func() { _ = h.noticeView.Close() })
	return nil
}

// hireNotices hires who writes to many.
func (h *house) hireNotices() error {
	signer, err := h.cfg.signer()
	if err != nil {
		return err
	}
	var senders []notices.Sender
	for _, m := range h.cfg.Mailbox {
		s := notices.Sender{ID: events.MailboxID(m.ID), Address: m.Address, Brand: m.Name}
		for _, i := range h.cfg.Identity {
			if i.Mailbox == m.ID {
				s.Postal, s.Website, s.Colour = i.Postal, i.Website, i.Colour
				if i.Brand != "" {
					s.Brand = i.Brand
				}
			}
		}
		senders = append(senders, s)
	}
	privacy := ""
	if h.cfg.HTTP.PublicURL != "" {
		privacy = h.cfg.HTTP.PublicURL + "/privacy"
	}
	h.notices = notices.New(notices.Config{
		Journal: h.journal, View: h.noticeView, Senders: senders, TokenKey: h.vault.Secret(tokenSecret), Hash: h.vault.Hash,
		AddressHash: func(a string) events.Hash { return notifier.AddressHash(h.vault.Hash, a) },
		Sign:        signer.Sign, CopyField: notifier.DeliveryField,
		Allowed: func(ctx context.Context, who events.SubjectID, _ string, kind events.OutboundKind) (bool, string, error) {
			return h.gate()(ctx, who, string(kind))
		},
		Unsubscribe: func(who events.SubjectID, _ events.OutboundID) string {
			return h.rights.UnsubscribeURL(who, rights.Promo)
		},
		Own: h.marks.Own, Recipient: h.recipient, CaughtUp: h.caughtUp, Privacy: privacy, Independent: h.independent,
		Rate: h.cfg.Notices.Rate, MaxRate: h.cfg.Notices.MaxRate, Logger: h.log,
	})
	return nil
}

// Whoever writes to a person opens what is known of them as the outbox: contact
// for administrative messages, and the letter by which their language is told.
var (
	postman  = events.Principal{Actor: "system:notices", Role: events.RoleOutbox, Purpose: events.PurposeAdmin}
	linguist = events.Principal{Actor: "system:notices", Role: events.RoleOutbox, Purpose: events.PurposeSupport}
)

// recipient reads a person's address from the log, with the keys of this moment:
// a rectified one from their own stream, else the one of their first inquiry.
func (h *house) recipient(ctx context.Context, who events.SubjectID) (r notices.Recipient, err error) {
	if r.Mailbox, err = h.noticeView.Mailbox(ctx, who); err != nil {
		return r, err
	}
	history, err := h.journal.Load(ctx, events.CustomerStream(who), &postman)
	if err != nil {
		return r, err
	}
	var inquiry events.InquiryID
	rectified := false
	for _, rec := range history {
		switch e := rec.Event.(type) {
		case events.CustomerIdentified:
			inquiry = e.Inquiry
		case events.ContactRectified:
			r.To, r.State = e.Contact.Open()
			rectified = true
		}
	}
	if inquiry == "" {
		c, err := h.customers.Get(ctx, who)
		if errors.Is(err, customers.ErrNotFound) {
			r.State = events.Erased
			return r, nil
		}
		if err != nil {
			return r, err
		}
		if !rectified {
			r.To, r.State = events.Address{Name: c.Name, Address: c.Address}, events.Plain
			if c.Erased {
				r.State = events.Erased
			}
		}
		return r, nil
	}
	history, err = h.journal.Load(ctx, events.InquiryStream(inquiry), &postman)
	if err != nil {
		return r, err
	}
	if !rectified {
		r.State = events.Erased // an inquiry that is gone is erased as well
	}
	if len(history) == 0 {
		return r, nil
	}
	if in, ok := history[0].Event.(events.InquiryReceived); ok && !rectified {
		r.To, r.State = in.Contact.Open()
	}
	if r.State == events.Plain {
		r.Language, err = h.language(ctx, inquiry)
	}
	return r, err
}

// language tells the language of an inquiry; empty when its letter is gone.
func (h *house) language(ctx context.Context, id events.InquiryID) (string, error) {
	history, err := h.journal.Load(ctx, events.InquiryStream(id), &linguist)
	if err != nil || len(history) == 0 {
		return "", err
	}
	in, _ := history[0].Event.(events.InquiryReceived)
	return notices.Guess(in.Letter.Value().Text), nil
}
