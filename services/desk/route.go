package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/store"
)

// received decides what becomes of a new inquiry and carries it out.
func (r *Router) received(ctx context.Context, in events.InquiryReceived) error {
	if reason := suspicious(in); reason != "" {
		return r.quarantine(ctx, in, reason)
	}
	return r.route(ctx, in, 0)
}

// again handles an inquiry that an earlier run may have decided: what stands in
// the log is carried out, and nothing is decided twice.
func (r *Router) again(ctx context.Context, in events.InquiryReceived) error {
	history, err := r.j.Load(ctx, events.InquiryStream(in.Inquiry), nil)
	if err != nil {
		return err
	}
	for _, rec := range history[min(1, len(history)):] {
		switch e := rec.Event.(type) {
		case events.InquiryRouted:
			return r.carryOut(ctx, in, e)
		case events.InquiryQuarantined:
			return nil
		}
	}
	return r.received(ctx, in)
}

// suspicious names why an inquiry waits for a person instead of becoming a
// ticket; empty when it does not (MAIL I26, I30, I31).
func suspicious(in events.InquiryReceived) string {
	switch {
	case in.Class == events.MailLoop:
		return "loop"
	case in.Class == events.MailBounce && in.Bounced == "":
		return "bounce_unproved"
	case slices.Contains(in.Warnings, "unreadable"), slices.Contains(in.Warnings, "rejected"):
		return "not_readable"
	case in.Class == events.MailComplaint:
		return "complaint"
	case in.Class == events.MailReceipt && in.SignedTicket == "" && in.ReplyTicket == "":
		return "receipt"
	}
	return ""
}

func (r *Router) quarantine(ctx context.Context, in events.InquiryReceived, reason string) error {
	by := r.by(in.Inquiry, "quarantine")
	_, err := r.j.Append(ctx, events.InquiryStream(in.Inquiry), 0, by, events.InquiryQuarantined{Inquiry: in.Inquiry, Reason: reason})
	if _, decided := store.IsConflict(err); decided {
		return nil
	}
	return err
}

// released routes an inquiry that a person let out of quarantine.
func (r *Router) released(ctx context.Context, id events.InquiryID) error {
	history, err := r.j.Load(ctx, events.InquiryStream(id), nil)
	if err != nil {
		return err
	}
	if len(history) == 0 {
		return fmt.Errorf("route inquiry %s: not in the log", id)
	}
	in, ok := history[0].Event.(events.InquiryReceived)
	if !ok {
		return fmt.Errorf("route inquiry %s: its stream does not begin with InquiryReceived", id)
	}
	in.Bounced = "" // a person says that it is a message
	return r.route(ctx, in, history[len(history)-1].Revision)
}

// route decides, writes the decision down, and only then acts on it. When the
// decision stands already, because this is a repetition, that one is carried out.
func (r *Router) route(ctx context.Context, in events.InquiryReceived, revision events.Revision) error {
	decision, err := r.decide(ctx, in)
	if err != nil {
		return err
	}
	_, err = r.j.Append(ctx, events.InquiryStream(in.Inquiry), revision, r.by(in.Inquiry, "route"), decision)
	if _, decided := store.IsConflict(err); decided {
		if decision, err = r.decision(ctx, in.Inquiry); err != nil || decision.Inquiry == "" {
			return err
		}
	} else if err != nil {
		return err
	}
	return r.carryOut(ctx, in, decision)
}

// decision reads what was decided before; zero when the inquiry is in quarantine.
func (r *Router) decision(ctx context.Context, id events.InquiryID) (events.InquiryRouted, error) {
	history, err := r.j.Load(ctx, events.InquiryStream(id), nil)
	if err != nil {
		return events.InquiryRouted{}, err
	}
	var d events.InquiryRouted
	for _, rec := range history {
		if e, ok := rec.Event.(events.InquiryRouted); ok {
			d = e
		}
	}
	return d, nil
}

// decide finds the ticket, best evidence first (MAIL I33, I34).
func (r *Router) decide(ctx context.Context, in events.InquiryReceived) (events.InquiryRouted, error) {
	d := events.InquiryRouted{Inquiry: in.Inquiry}
	if in.Class == events.MailBounce && in.Bounced != "" {
		d.Why = "bounce"
		return d, nil
	}
	m, err := r.match(ctx, in)
	if err != nil {
		return d, err
	}
	d.Ticket, d.Why, d.Unverified, d.Related = m.ticket, m.why, m.unverified, m.related
	if m.ticket == "" {
		d.Ticket, d.New, d.Why = events.TicketID(events.DeriveUUID("ticket", string(in.Inquiry)).String()), true, "new"
	}
	bound, err := r.bind(ctx, in, d.Ticket)
	if err != nil {
		return d, err
	}
	if bound.Inquiry != in.Inquiry && bound.Content == in.ContentKey && in.ContentKey != "" {
		d = events.InquiryRouted{Inquiry: in.Inquiry, Why: "also_delivered", Ticket: bound.Ticket}
		first, err := r.decision(ctx, bound.Inquiry)
		if first.Ticket != "" {
			d.Ticket = first.Ticket
		}
		return d, err
	}
	if !d.New {
		return d, nil
	}
	return r.brakes.apply(ctx, in, d, r.numbers)
}

// match is a ticket that an inquiry belongs to, or may belong to.
type match struct {
	ticket     events.TicketID
	why        string
	unverified bool
	related    events.TicketID
}

// match tries each kind of evidence. An unforgeable reply address lets a stranger
// in, marked unverified; everything weaker joins participants only, and for
// others merely suggests a relation.
func (r *Router) match(ctx context.Context, in events.InquiryReceived) (match, error) {
	var related events.TicketID
	try := func(id events.TicketID, why string, letIn bool) (match, bool, error) {
		if id == "" {
			return match{}, false, nil
		}
		history, err := r.j.Load(ctx, events.TicketStream(id), nil)
		if err != nil || len(history) == 0 {
			return match{}, false, err
		}
		t := fold(history)
		if !t.exists {
			return match{}, false, nil
		}
		known := t.participants[in.Customer] && in.Auth != "fail"
		if known || letIn {
			return match{ticket: id, why: why, unverified: !known}, true, nil
		}
		if related == "" {
			related = id
		}
		return match{}, false, nil
	}
	if m, ok, err := try(in.ReplyTicket, "reply_address", true); ok || err != nil {
		return m, err
	}
	if m, ok, err := try(in.SignedTicket, "our_message_id", false); ok || err != nil {
		return m, err
	}
	for _, ref := range in.References {
		last, found, err := r.j.Last(ctx, events.ThreadStream(ref))
		if err != nil {
			return match{}, err
		}
		b, ok := last.Event.(events.ThreadBound)
		if !found || !ok {
			continue
		}
		// The claim comes before the decision; where they differ, the decision counts.
		routed, err := r.decision(ctx, b.Inquiry)
		if err != nil {
			return match{}, err
		}
		if routed.Ticket == "" {
			routed.Ticket = b.Ticket
		}
		if m, ok, err := try(routed.Ticket, "references", false); ok || err != nil {
			return m, err
		}
	}
	tagged, err := r.byNumber(ctx, in.TagNumber)
	if err != nil {
		return match{}, err
	}
	if m, ok, err := try(tagged, "subject_tag", false); ok || err != nil {
		return m, err
	}
	return match{related: related}, nil
}

// byNumber finds the ticket that took a number; empty when none did.
func (r *Router) byNumber(ctx context.Context, n int64) (events.TicketID, error) {
	if n < 1 {
		return "", nil
	}
	rec, ok, err := r.j.At(ctx, events.NumberStream, n-1)
	if err != nil || !ok {
		return "", err
	}
	taken, _ := rec.Event.(events.TicketNumberTaken)
	return taken.Ticket, nil
}

// bind claims the inquiry's Message-ID for a ticket, and returns what the id is
// bound to: another ticket's claim, when that was first.
func (r *Router) bind(ctx context.Context, in events.InquiryReceived, id events.TicketID) (events.ThreadBound, error) {
	claim := events.ThreadBound{Key: in.MessageKey, Ticket: id, Inquiry: in.Inquiry, Content: in.ContentKey}
	if in.MessageKey == "" { // an empty key never matches (FIELD 2.13)
		return claim, nil
	}
	stream := events.ThreadStream(in.MessageKey)
	_, err := r.j.Append(ctx, stream, events.NoStream, r.by(in.Inquiry, "bind"), claim)
	if _, taken := store.IsConflict(err); !taken {
		return claim, err
	}
	last, found, err := r.j.Last(ctx, stream)
	if err != nil {
		return claim, err
	}
	if b, ok := last.Event.(events.ThreadBound); found && ok {
		return b, nil
	}
	return claim, errors.New("bind message: thread stream is not readable")
}

// carryOut does what was decided. Repeating it changes nothing.
func (r *Router) carryOut(ctx context.Context, in events.InquiryReceived, d events.InquiryRouted) error {
	switch {
	case d.Why == "bounce":
		return r.bounced(ctx, in)
	case d.Ticket == "" || d.Why == "also_delivered":
		return nil
	case d.New:
		return r.openTicket(ctx, in, d)
	}
	return r.attach(ctx, in, d)
}

func (r *Router) openTicket(ctx context.Context, in events.InquiryReceived, d events.InquiryRouted) error {
	evs := []events.Event{
		events.TicketOpened{
			Ticket: d.Ticket, Number: d.Number, Channel: in.Channel, Mailbox: in.Mailbox, Form: in.Form,
			Customer: in.Customer, Participants: in.Participants, Related: d.Related,
		},
		attached(in, d),
	}
	if d.Acknowledge {
		msg := events.MessageID(events.DeriveUUID("acknowledgement", string(in.Inquiry)).String())
		mailbox := in.Mailbox
		if mailbox == "" {
			mailbox = r.desk.cfg.Mailbox
		}
		evs = append(evs, events.AcknowledgementWritten{
			Ticket: d.Ticket, Message: msg, Inquiry: in.Inquiry, Number: d.Number, Mailbox: mailbox,
			Customer: in.Customer, MessageID: r.desk.cfg.MessageID(d.Ticket, msg, mailbox),
		})
	}
	_, err := r.j.Append(ctx, events.TicketStream(d.Ticket), events.NoStream, r.by(in.Inquiry, "open"), evs...)
	if _, open := store.IsConflict(err); open {
		return nil // opened before, and written to since
	}
	return err
}

func attached(in events.InquiryReceived, d events.InquiryRouted) events.MessageAttached {
	return events.MessageAttached{
		Ticket: d.Ticket, Inquiry: in.Inquiry, Customer: in.Customer, Class: in.Class,
		Why: d.Why, Unverified: d.Unverified, MessageKey: in.MessageKey,
	}
}

func (r *Router) attach(ctx context.Context, in events.InquiryReceived, d events.InquiryRouted) error {
	_, err := r.j.Execute(ctx, events.TicketStream(d.Ticket), r.by(in.Inquiry, "attach"), func(history []events.Recorded) ([]events.Event, error) {
		t := fold(history)
		if t.inquiries[in.Inquiry] {
			return nil, nil
		}
		evs := []events.Event{attached(in, d)}
		if t.resolved && in.Class == events.MailHuman && t.mayReopen(r.desk.now()) {
			evs = append(evs, events.TicketReopened{Ticket: d.Ticket, Cause: "message"})
		}
		return evs, nil
	})
	return err
}

// bounced notes on the message it is about that a later hop gave it back.
func (r *Router) bounced(ctx context.Context, in events.InquiryReceived) error {
	if in.BounceAction != "failed" && in.BounceAction != "" {
		return nil // delayed or relayed: the decision's record is enough
	}
	_, err := r.j.Execute(ctx, events.OutboundStream(in.Bounced), r.by(in.Inquiry, "bounce"), func(history []events.Recorded) ([]events.Event, error) {
		switch deliveryState(history) {
		case Accepted, Sending, Unknown:
			return []events.Event{events.MessageBounced{
				Outbound: in.Bounced, Inquiry: in.Inquiry, Code: in.BounceCode, Action: "failed",
			}}, nil
		default: // never sent, or it is known already
			return nil, nil
		}
	})
	return err
}

func (r *Router) by(id events.InquiryID, step string) journal.By {
	return journal.By{Command: events.DeriveUUID("router", step, string(id)), Actor: "system:router", Correlation: events.DeriveUUID("inquiry", string(id))}
}
