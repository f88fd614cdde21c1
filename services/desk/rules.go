package desk

import (
	"context"
	"slices"
	"time"

	"github.com/westshore/hub/events"
)

// RulesVersion counts changes of the rules in this file. It stands in every
// decision, so that `hub mail rethread` can say what a change would do.
const RulesVersion = 3

// FollowUpAfter is how long after it was resolved a ticket still takes what its
// customer writes; later it is a ticket of its own, linked (MAIL I38).
const FollowUpAfter = 30 * 24 * time.Hour

// evidence answers what the rules ask about the past: from the log when a mail
// is routed, from a replay of it when routing is tried again.
type evidence struct {
	ticket func(context.Context, events.TicketID) (*ticket, error)     // nil when there is none
	thread func(context.Context, events.Hash) (events.TicketID, error) // whose ticket a Message-ID is in
	number func(context.Context, int64) (events.TicketID, error)       // who took a number
}

// known is a ticket that takes mail; nil when there is none.
func (ev evidence) known(ctx context.Context, id events.TicketID) (*ticket, error) {
	if id == "" {
		return nil, nil
	}
	t, err := ev.ticket(ctx, id)
	if err != nil || t == nil || !t.exists || t.erased {
		return nil, err
	}
	return t, nil
}

// match is a ticket that an inquiry belongs to, or may belong to.
type match struct {
	ticket     events.TicketID // empty: a new one
	why        string
	unverified bool
	related    events.TicketID
	newSubject bool
	hold       string // why a person must look first
}

// The kinds of evidence, strongest first (MAIL I33).
const (
	whyReplyAddress = "reply_address"  // a signed address that we gave to one person
	whyMessageID    = "our_message_id" // a signed Message-ID of ours
	whyReferences   = "references"     // a Message-ID that the ticket holds
	whyQuotedMark   = "quoted_mark"    // a signed mark in the quoted text
	whySubjectTag   = "subject_tag"    // a number, which anybody can write
)

// choose finds the ticket an inquiry belongs to, best evidence first (MAIL I33,
// I34). An unforgeable reply address lets a stranger in, marked unverified;
// everything weaker joins participants only, and for others merely suggests a
// relation. It depends on nothing but its arguments.
func choose(ctx context.Context, in events.InquiryReceived, ev evidence) (match, error) {
	var related events.TicketID
	try := func(id events.TicketID, why string) (m match, done bool, err error) {
		t, err := ev.known(ctx, id)
		if err != nil || t == nil {
			return m, false, err
		}
		if m, done = weigh(in, t, why); !done && related == "" {
			related = id
		}
		return m, done, nil
	}
	if m, done, err := try(in.ReplyTicket, whyReplyAddress); done || err != nil {
		return m, err
	}
	if m, done, err := try(in.SignedTicket, whyMessageID); done || err != nil {
		return m, err
	}
	for _, ref := range in.References {
		if ref == "" { // an empty key never matches (FIELD 2.13)
			continue
		}
		id, err := ev.thread(ctx, ref)
		if err != nil {
			return match{}, err
		}
		if m, done, err := try(id, whyReferences); done || err != nil {
			return m, err
		}
	}
	if m, done, err := try(in.QuotedTicket, whyQuotedMark); done || err != nil {
		return m, err
	}
	if in.TagNumber > 0 {
		id, err := ev.number(ctx, in.TagNumber)
		if err != nil {
			return match{}, err
		}
		if m, done, err := try(id, whySubjectTag); done || err != nil {
			return m, err
		}
	}
	if related == "" && in.Conversation != "" { // it says where to look, never where to put (I33)
		id, err := ev.thread(ctx, in.Conversation)
		if err != nil {
			return match{}, err
		}
		if t, err := ev.known(ctx, id); err != nil {
			return match{}, err
		} else if t != nil {
			related = id
		}
	}
	switch in.Class {
	case events.MailBounce:
		return match{hold: "bounce_unproved"}, nil // never a ticket of its own (I30)
	case events.MailReceipt:
		return match{hold: "receipt"}, nil
	case events.MailSent:
		return match{why: "sent_unrelated"}, nil
	case events.MailHuman, events.MailAuto, events.MailComplaint, events.MailList, events.MailLoop:
	}
	return match{why: "new", related: related}, nil
}

// weigh decides whether evidence of one kind puts an inquiry into a ticket. done
// is false when it does not, and other evidence is looked at.
func weigh(in events.InquiryReceived, t *ticket, why string) (m match, done bool) {
	known := in.Class == events.MailSent || // our own server holds it in our own folder
		in.Agent != "" && in.Auth == "pass" && !in.Forwarded || // I35
		t.participants[in.Customer] && in.Auth != "fail"
	letIn := why == whyReplyAddress ||
		why == whyMessageID && (in.Class == events.MailBounce || in.Class == events.MailReceipt) // a server writes about our mail
	if !known && !letIn {
		return match{}, false
	}
	m = match{ticket: t.id, why: why, unverified: !known}
	if why == whySubjectTag && in.Auth != "pass" && in.Class != events.MailSent {
		m.unverified = true // a sender's address and a number: both can be made up (FIELD 3.3)
	}
	if m.unverified && slices.Contains(in.Warnings, "one_time_code") {
		m.hold = "one_time_code" // FIELD 3.7
	}
	if in.Class != events.MailHuman {
		return m, true
	}
	m.newSubject = in.SubjectKey != "" && len(t.subjects) > 0 && !t.subjects[in.SubjectKey]
	arrived := in.ArrivedAt
	if t.resolved && !arrived.IsZero() && arrived.Sub(t.resolvedAt) > FollowUpAfter && in.Agent == "" {
		return match{why: "follow_up", related: t.id}, true
	}
	return m, true
}
