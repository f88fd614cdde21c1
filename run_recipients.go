package main

import (
	"context"
	"errors"
	"net/mail"
	"slices"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/services/privacy"
	"github.com/westshore/hub/services/privacy/disclosure"
	"github.com/westshore/hub/services/privacy/rights"
)

// relayID is who carries our mail, as the register knows it. What it was given
// stands in the outbound streams: a message that was started was handed to it.
const relayID = "mail-relay"

// processors are those on the register.
func (h *house) processors() []privacy.Processor { return h.registry.Now().Processors }

// covers decides by the register whether a recipient may get something.
func (h *house) covers(to events.RecipientID, host string, categories []events.Category, purpose events.Purpose) error {
	_, err := h.registry.Now().Covers(privacy.Disclosure{To: events.ProcessorID(to), Host: host, Categories: categories, Purpose: purpose})
	return err
}

// recipientOf names a recipient, as the register knows it.
func (h *house) recipientOf(id string) rights.Recipient {
	r := rights.Recipient{ID: id, Name: id, Purposes: []string{}, Categories: []string{}, Write: h.writeTo(id)}
	for _, p := range h.processors() {
		if string(p.Processor) == id {
			r.Name, r.Country, r.Safeguard = p.Name, p.Country, p.Safeguard
		}
	}
	return r
}

// writeTo is the mail address that a recipient takes erasures and corrections at:
// what the register says of it, if that is one; empty, an operator tells them.
func (h *house) writeTo(id string) string {
	for _, p := range h.processors() {
		if a, err := mail.ParseAddress(p.Erasure); err == nil && string(p.Processor) == id {
			return a.Address
		}
	}
	return ""
}

// recipientsOf lists who was given a person's data, as far as the person may know.
func (h *house) recipientsOf(ctx context.Context, who events.SubjectID) ([]rights.Recipient, error) {
	log, err := h.privacyView.Disclosures(ctx, who, "", 10_000)
	if err != nil {
		return nil, err
	}
	var out []rights.Recipient
	for _, d := range log {
		if d.Refused != "" || time.Now().Before(d.Silent) {
			continue
		}
		i := slices.IndexFunc(out, func(r rights.Recipient) bool { return r.ID == string(d.Recipient) })
		if i < 0 {
			out, i = append(out, h.recipientOf(string(d.Recipient))), len(out)
			out[i].Last = d.At.Format(time.RFC3339)
		}
		out[i].Times++
		if d.About != "" && !slices.Contains(out[i].About, d.About) {
			out[i].About = append(out[i].About, d.About)
		}
		if p := string(d.Purpose); !slices.Contains(out[i].Purposes, p) {
			out[i].Purposes = append(out[i].Purposes, p)
		}
		for _, c := range d.Categories {
			if !slices.Contains(out[i].Categories, string(c)) {
				out[i].Categories = append(out[i].Categories, string(c))
			}
		}
	}
	return out, nil
}

// mailRelay is who carries our mail, for copies of a person's data.
func (h *house) mailRelay() rights.Recipient {
	r := h.recipientOf(relayID)
	r.Purposes, r.Categories = []string{"support", "admin-message"}, []string{string(events.Contact), string(events.Communication)}
	return r
}

// toRelay lets a message go to the mail relay as far as the register covers it
// (policy clause 3.1). It reads memory; a relay on this machine is nobody else. A
// refusal is noted in the relay's log, and the message is held until a person says
// more. What was let go needs no second note: DeliveryStarted is one.
func (h *house) toRelay(ctx context.Context, q events.MessageQueued) (reason string, err error) {
	if h.cfg.SMTP.Outside || here(h.cfg.SMTP.Host) {
		return "", nil
	}
	err = h.covers(relayID, h.cfg.SMTP.Host, letters, purposeOf(q.Kind))
	if err == nil {
		return "", nil
	}
	var no *privacy.RefusedError
	if err = h.disclose(ctx, relayID, h.cfg.SMTP.Host, &q); errors.As(err, &no) {
		return "egress_" + no.Reason, nil
	}
	return "", err
}

// toWorker lets a worker outside have messages as far as the register covers it, and
// notes each that it is given.
func (h *house) toWorker(ctx context.Context, worker string, q *events.MessageQueued) error {
	if q == nil {
		return h.covers(workerID(worker), "", letters, events.PurposeSupport)
	}
	return h.disclose(ctx, workerID(worker), "", q)
}

// disclose notes that a message is given to somebody, or that it is refused.
func (h *house) disclose(ctx context.Context, to events.RecipientID, host string, q *events.MessageQueued) error {
	by := journal.By{Command: events.DeriveUUID("disclosed", string(to), string(q.Outbound)), Actor: "system:privacy"}
	return h.disclosure.Disclose(ctx, by, disclosure.Outgoing{
		To: to, Host: host, Purpose: purposeOf(q.Kind), Categories: letters, Customers: []events.SubjectID{q.Customer}, About: string(q.Outbound),
	})
}

// letters are the categories of data that a message holds.
var letters = []events.Category{events.Contact, events.Communication}

// purposeOf is what a kind of message is sent for.
func purposeOf(kind events.OutboundKind) events.Purpose {
	switch kind {
	case events.OutboundPromotional:
		return events.PurposePromotion
	case events.OutboundAdministrative:
		return events.PurposeAdmin
	default:
		return events.PurposeSupport
	}
}

// workerID names a worker outside on the register.
func workerID(name string) events.RecipientID { return events.RecipientID("worker-" + name) }

// registerRecipients puts those on the register whom the configuration names since:
// a person who has the say over the configuration gives them data. What is on it
// already stays as it is, and so does a change of host: until the privacy office
// registers that, nothing goes there.
func (h *house) registerRecipients(ctx context.Context) error {
	for _, p := range h.firstProcessors() {
		i := slices.IndexFunc(h.processors(), func(x privacy.Processor) bool { return x.Processor == p.Processor })
		if i < 0 {
			by := privacy.By{Command: events.DeriveUUID("register", string(p.Processor)), Actor: "system:registry"}
			if err := h.registry.Register(ctx, by, p); err != nil {
				return err
			}
			continue
		}
		for _, host := range p.Hosts {
			if !slices.Contains(h.processors()[i].Hosts, host) {
				h.log.Error("a server of the configuration is not on the register of processors: nothing is sent to it until it is", "processor", p.Processor, "host", host)
			}
		}
	}
	return nil
}
