package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

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
// ticket; empty when it does not (MAIL I26, I30, I31, I48).
func suspicious(in events.InquiryReceived) string {
	switch {
	case in.Class == events.MailLoop:
		return "loop"
	case in.Class == events.MailBounce && in.Bounced == "" && in.SignedTicket == "":
		return "bounce_unproved"
	case slices.Contains(in.Warnings, "unreadable"), slices.Contains(in.Warnings, "rejected"):
		return "not_readable"
	case in.Class == events.MailComplaint && in.Bounced == "":
		return "complaint"
	case in.Class == events.MailReceipt && in.SignedTicket == "" && in.ReplyTicket == "":
		return "receipt"
	case slices.Contains(in.Warnings, "spam") && in.ReplyTicket == "" && in.SignedTicket == "" && in.Class != events.MailSent:
		return "spam" // an answer in a ticket is shown with the warning (I48)
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
	in.Bounced, in.SignedMessage = "", "" // a person says that it is a message
	if in.Class == events.MailBounce || in.Class == events.MailReceipt || in.Class == events.MailSent {
		in.Class = events.MailList // worth a ticket, and still no person's: nothing automatic happens
	}
	return r.route(ctx, in, history[len(history)-1].Revision)
}

// route decides, writes the decision down, and only then acts on it. When the
// decision stands already, because this is a repetition, that one is carried out.
func (r *Router) route(ctx context.Context, in events.InquiryReceived, revision events.Revision) error {
	decision, err := r.decide(ctx, in, revision > 0)
	if h, ok := errors.AsType[*held](err); ok {
		return r.quarantine(ctx, in, h.reason)
	}
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
		switch e := rec.Event.(type) {
		case events.InquiryRouted:
			d = e
		case events.InquiryRerouted:
			d.Ticket, d.Why, d.Unverified, d.Related = e.Ticket, e.Why, e.Unverified, e.Related
		}
	}
	return d, nil
}

// ticketOf is the ticket that an inquiry opens, if it does.
func ticketOf(id events.InquiryID) events.TicketID {
	return events.TicketID(events.DeriveUUID("ticket", string(id)).String())
}

// held says that the rules want a person to look first.
type held struct{ reason string }

func (h *held) Error() string { return "held: " + h.reason }

// decide finds the ticket, best evidence first (MAIL I33, I34).
func (r *Router) decide(ctx context.Context, in events.InquiryReceived, released bool) (events.InquiryRouted, error) {
	d := events.InquiryRouted{Inquiry: in.Inquiry, Rules: RulesVersion}
	if in.Bounced != "" && (in.Class == events.MailBounce || in.Class == events.MailComplaint) {
		d.Why = string(in.Class)
		return d, nil
	}
	m, err := choose(ctx, in, r.past())
	if err != nil {
		return d, err
	}
	if m.hold != "" && !released {
		return d, &held{m.hold}
	}
	d.Ticket, d.Why, d.Unverified, d.Related = m.ticket, m.why, m.unverified, m.related
	if m.ticket == "" {
		d.Ticket, d.New = ticketOf(in.Inquiry), true
		if in.Forwarded {
			d.Why = "forwarded"
		}
	}
	bound, err := r.bind(ctx, in, d.Ticket)
	if err != nil {
		return d, err
	}
	if bound.Inquiry != in.Inquiry && bound.Content == in.ContentKey && in.ContentKey != "" {
		d = events.InquiryRouted{Inquiry: in.Inquiry, Why: "also_delivered", Ticket: bound.Ticket, Rules: RulesVersion}
		first, err := r.decision(ctx, bound.Inquiry)
		if first.Ticket != "" {
			d.Ticket = first.Ticket
		}
		return d, err
	}
	if in.Class == events.MailSent && d.New { // to somebody who never wrote to us
		d.Ticket, d.New = "", false
	}
	if !d.New {
		return d, nil
	}
	if err := r.begin(ctx, in, d.Ticket); err != nil {
		return d, err
	}
	return r.brakes.apply(ctx, in, d, r.numbers)
}

// past is the evidence of the log.
func (r *Router) past() evidence {
	return evidence{ticket: r.ticket, thread: r.thread, number: r.byNumber}
}

func (r *Router) ticket(ctx context.Context, id events.TicketID) (*ticket, error) {
	history, err := r.j.Load(ctx, events.TicketStream(id), nil)
	if err != nil || len(history) == 0 {
		return nil, err
	}
	return fold(history), nil
}

// thread finds the ticket that the message with this id is in.
func (r *Router) thread(ctx context.Context, key events.Hash) (events.TicketID, error) {
	last, found, err := r.j.Last(ctx, events.ThreadStream(key))
	if err != nil || !found {
		return "", err
	}
	b, ok := last.Event.(events.ThreadBound)
	if !ok {
		return "", nil
	}
	// The claim comes before the decision; where they differ, the decision counts.
	routed, err := r.decision(ctx, b.Inquiry)
	if err != nil || routed.Ticket != "" {
		return routed.Ticket, err
	}
	return b.Ticket, nil
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

// begin notes whose ticket a conversation of Outlook's begins in.
func (r *Router) begin(ctx context.Context, in events.InquiryReceived, id events.TicketID) error {
	if in.Conversation == "" {
		return nil
	}
	e := events.ThreadBound{Key: in.Conversation, Ticket: id, Inquiry: in.Inquiry}
	_, err := r.j.Append(ctx, events.ThreadStream(in.Conversation), events.NoStream, r.by(in.Inquiry, "begin"), e)
	if _, begun := store.IsConflict(err); begun {
		return nil
	}
	return err
}

// carryOut does what was decided. Repeating it changes nothing.
func (r *Router) carryOut(ctx context.Context, in events.InquiryReceived, d events.InquiryRouted) error {
	switch {
	case d.Ticket == "" && d.Why == "bounce":
		return r.bounced(ctx, in)
	case d.Ticket == "" && d.Why == "complaint":
		return r.complained(ctx, in)
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
	if d.Acknowledge && !in.ArrivedAt.Before(r.restored) {
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
	m := events.MessageAttached{
		Ticket: d.Ticket, Inquiry: in.Inquiry, Customer: in.Customer, Class: in.Class,
		Why: d.Why, Unverified: d.Unverified, MessageKey: in.MessageKey, SubjectKey: in.SubjectKey,
	}
	if in.Agent != "" && in.Auth == "pass" && !in.Forwarded {
		m.Agent = in.Agent
	}
	return m
}

// joined is what a message that came later adds: whom a participant wrote it to
// takes part from now on (I34), and another subject is pointed out (I38).
func joined(in events.InquiryReceived, d events.InquiryRouted, t *ticket) events.MessageAttached {
	m := attached(in, d)
	if in.Class != events.MailHuman {
		return m
	}
	m.NewSubject = in.SubjectKey != "" && len(t.subjects) > 0 && !t.subjects[in.SubjectKey]
	if d.Unverified || len(t.participants) >= maxParticipants {
		return m
	}
	for _, p := range in.Participants {
		if !t.participants[p] && len(m.Participants) < maxNewcomers {
			m.Participants = append(m.Participants, p)
		}
	}
	return m
}

// Bounds of who takes part: a list of 500 copies makes nobody a participant but
// the first few (FIELD 3.5).
const (
	maxNewcomers    = 20
	maxParticipants = 100
)

func (r *Router) attach(ctx context.Context, in events.InquiryReceived, d events.InquiryRouted) error {
	_, err := r.j.Execute(ctx, events.TicketStream(d.Ticket), r.by(in.Inquiry, "attach"), func(history []events.Recorded) ([]events.Event, error) {
		t := fold(history)
		if t.inquiries[in.Inquiry] {
			return nil, nil
		}
		m := joined(in, d, t)
		evs := []events.Event{m}
		if t.resolved && in.Class == events.MailHuman && m.Agent == "" && t.mayReopen(r.desk.now()) {
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
				Outbound: in.Bounced, Inquiry: in.Inquiry, Code: in.BounceCode, Action: "failed", Class: bounceClass(in.BounceCode),
			}}, nil
		default: // never sent, or it is known already
			return nil, nil
		}
	})
	return err
}

// bounceClass says what a status code means for writing there again (RFC 3463,
// RFC 5248, MAIL O6): hard for an address that does not exist, full, policy, or
// other.
func bounceClass(code string) string {
	_, detail, _ := strings.Cut(code, ".")
	switch {
	case !strings.HasPrefix(code, "5."):
		return "other"
	case slices.Contains([]string{"1.1", "1.2", "1.3", "1.6", "1.10", "2.1"}, detail):
		return "hard"
	case detail == "2.2":
		return "full"
	case strings.HasPrefix(detail, "7."):
		return "policy"
	}
	return "other"
}

// complained notes on the message it is about that its recipient called it
// unwanted (MAIL I31).
func (r *Router) complained(ctx context.Context, in events.InquiryReceived) error {
	_, err := r.j.Execute(ctx, events.OutboundStream(in.Bounced), r.by(in.Inquiry, "complaint"), func(history []events.Recorded) ([]events.Event, error) {
		if len(history) == 0 {
			return nil, nil
		}
		return []events.Event{events.MessageComplained{Outbound: in.Bounced, Inquiry: in.Inquiry, Kind: in.Complaint}}, nil
	})
	return err
}

func (r *Router) by(id events.InquiryID, step string) journal.By {
	return journal.By{Command: events.DeriveUUID("router", step, string(id)), Actor: "system:router", Correlation: events.DeriveUUID("inquiry", string(id))}
}
