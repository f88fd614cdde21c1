package desk_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// domain puts every sender into one domain.
func (o *office) domain(m mail) mail {
	m.change = func(in *events.InquiryReceived) { in.SenderDomain = o.Vault.Hash("domain", "cust.test") }
	return m
}

// MAIL I28: the brakes on a domain and on everybody outlive a restart: each
// receive starts another router.
func TestBrakesOutliveARestart(t *testing.T) {
	o := open(t)
	o.router.DomainAcks, o.router.TotalAcks = 2, 3
	want := []string{"", "", "domain_hour", "domain_hour"}
	for i, brake := range want {
		d := o.receive(o.inquiry(o.domain(mail{from: fmt.Sprint("crm", i, "@cust.test"), id: fmt.Sprint(i, "@cust.test")})))[0]
		if d.Brake != brake || d.Acknowledge != (brake == "") {
			t.Errorf("mail %d: brake %q, want %q", i, d.Brake, brake)
		}
	}
	for i, brake := range []string{"", "total_hour"} {
		d := o.receive(o.inquiry(mail{from: fmt.Sprint("else", i, "@other.test"), id: fmt.Sprint(i, "@other.test")}))[0]
		if d.Brake != brake {
			t.Errorf("mail %d of others: brake %q, want %q", i, d.Brake, brake)
		}
	}
}

// MAIL I28: what one sender did is remembered over a restart too.
func TestSenderBrakesOutliveARestart(t *testing.T) {
	o := open(t)
	o.router.NewTickets, o.router.AcksPerHour, o.router.AcksPerDay = 3, 10, 2
	var first events.TicketID
	for i, want := range []string{"", "", "sender_day", "sender_tickets"} {
		d := o.receive(o.inquiry(mail{from: "crm@cust.test", id: fmt.Sprint(i, "@cust.test")}))[0]
		if d.Brake != want || d.New != (want != "sender_tickets") {
			t.Errorf("mail %d: %+v, want %q", i, d, want)
		}
		if i == 2 {
			first = d.Ticket
		}
		if i == 3 && d.Ticket != first {
			t.Errorf("it went into %s, want the newest, %s", d.Ticket, first)
		}
	}
}

// MAIL I48: what our mail server calls spam waits, unless it answers us.
func TestSpamWaits(t *testing.T) {
	o := open(t)
	id := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "0@cust.test"}))[0].Ticket
	spam := func(in *events.InquiryReceived) { in.Warnings = []string{"spam"} }
	if d := o.receive(o.inquiry(mail{from: "eve@evil.test", id: "1@x", change: spam}))[0]; d.Why != "quarantine:spam" {
		t.Errorf("%+v", d)
	}
	answer := o.inquiry(mail{from: "ada@cust.test", id: "2@x", change: func(in *events.InquiryReceived) { spam(in); in.ReplyTicket = id }})
	if d := o.receive(answer)[0]; d.Ticket != id {
		t.Errorf("%+v", d)
	}
}

// An answer that the server numbered before the mail it answers still joins it.
func TestAnswerNumberedBeforeItsOriginal(t *testing.T) {
	o := open(t)
	answer := o.inquiry(mail{from: "ada@cust.test", id: "2@cust.test", refs: []string{"1@cust.test"}, text: "and then"})
	original := o.inquiry(mail{from: "ada@cust.test", id: "1@cust.test", text: "first"})
	got := o.receive(answer, original)
	if !got[1].New || got[0].New || got[0].Ticket != got[1].Ticket {
		t.Errorf("%+v", got)
	}
}

// MAIL I38: what comes long after a ticket was resolved is a ticket of its own,
// linked; soon after, it reopens.
func TestFollowUpOfAResolvedTicket(t *testing.T) {
	o := open(t)
	id := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "0@cust.test", text: "one"}))[0].Ticket
	if _, err := o.Resolve(t.Context(), command(), id); err != nil {
		t.Fatal(err)
	}
	late := func(days int) func(*events.InquiryReceived) {
		return func(in *events.InquiryReceived) { in.ArrivedAt = time.Now().Add(time.Duration(days) * 24 * time.Hour) }
	}
	d := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "1@cust.test", refs: []string{"0@cust.test"}, change: late(31)}))[0]
	if !d.New || d.Why != "follow_up" || d.Related != id {
		t.Errorf("after a month: %+v", d)
	}
	opened := o.history(d.Ticket)[0].(events.TicketOpened)
	if opened.Related != id {
		t.Errorf("the new ticket is not linked: %+v", opened)
	}
	if d := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "2@cust.test", refs: []string{"0@cust.test"}, change: late(29)}))[0]; d.Ticket != id {
		t.Errorf("within the month: %+v", d)
	}
}

// MAIL I38: another subject on an old thread is pointed out.
func TestAnotherSubjectIsPointedOut(t *testing.T) {
	o := open(t)
	about := func(s string) func(*events.InquiryReceived) {
		return func(in *events.InquiryReceived) { in.SubjectKey = o.Vault.Hash("subject", s) }
	}
	id := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "0@cust.test", change: about("kettle")}))[0].Ticket
	for i, s := range []string{"kettle", "invoice", "invoice"} {
		o.receive(o.inquiry(mail{from: "ada@cust.test", id: fmt.Sprint(i+1, "@cust.test"), refs: []string{"0@cust.test"}, change: about(s), text: fmt.Sprint(i)}))
	}
	var got []bool
	for _, e := range o.history(id) {
		if m, ok := e.(events.MessageAttached); ok {
			got = append(got, m.NewSubject)
		}
	}
	if diff := cmp.Diff([]bool{false, false, true, false}, got); diff != "" {
		t.Error(diff)
	}
}

// MAIL I34: whom a participant brings in may write on; whom a stranger names may
// not, however many they are (FIELD 3.5).
func TestWhoMayAppend(t *testing.T) {
	o := open(t)
	id := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "0@cust.test", text: "one"}))[0].Ticket
	with := func(token bool, names ...string) func(*events.InquiryReceived) {
		ids, err := o.Vault.Subjects(t.Context(), names)
		if err != nil {
			t.Fatal(err)
		}
		return func(in *events.InquiryReceived) {
			in.Participants = ids
			if token {
				in.ReplyTicket = id
			}
		}
	}
	o.receive(o.inquiry(mail{from: "ada@cust.test", id: "1@cust.test", refs: []string{"0@cust.test"}, text: "with a colleague", change: with(false, "carl@cust.test")}))
	o.receive(o.inquiry(mail{from: "eve@evil.test", id: "2@evil.test", text: "me too", change: with(true, "mallory@evil.test")}))
	for from, joins := range map[string]bool{"carl@cust.test": true, "mallory@evil.test": false, "eve@evil.test": false} {
		d := o.receive(o.inquiry(mail{from: from, id: "by-" + from, refs: []string{"0@cust.test"}, text: from}))[0]
		if (d.Ticket == id) != joins {
			t.Errorf("%s: %+v", from, d)
		}
	}
	crowd := make([]string, 500)
	for i := range crowd {
		crowd[i] = fmt.Sprint("p", i, "@cust.test")
	}
	o.receive(o.inquiry(mail{from: "ada@cust.test", id: "3@cust.test", refs: []string{"0@cust.test"}, text: "everybody", change: with(false, crowd...)}))
	all := o.history(id)
	if n := len(all[len(all)-1].(events.MessageAttached).Participants); n > 20 {
		t.Errorf("%d people joined by one Cc list", n)
	}
}

// MAIL I35: a proved agent's mail is shown as theirs and changes nothing: it
// reopens no ticket, is acknowledged to nobody and is not what a reply answers.
func TestAgentByMail(t *testing.T) {
	o := open(t)
	id := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "0@cust.test", subject: "Help", text: "one"}))[0].Ticket
	if _, err := o.Resolve(t.Context(), command(), id); err != nil {
		t.Fatal(err)
	}
	o.receive(o.inquiry(mail{from: "agent@hub.test", id: "1@hub.test", text: "fyi", change: func(in *events.InquiryReceived) {
		in.ReplyTicket, in.Agent, in.Auth = id, "a1", "pass"
	}}))
	h := o.history(id)
	m, ok := h[len(h)-1].(events.MessageAttached)
	if !ok || m.Agent != "a1" || m.Unverified {
		t.Fatalf("%+v", h[len(h)-1])
	}
	if got := o.answered(id); got != "ada@cust.test" {
		t.Errorf("a reply goes to %s", got)
	}
}

// What a reply answers is what a person wrote, not an automatic answer that came
// after it, and not what was sent from a mail program.
func TestReplyAnswersAPerson(t *testing.T) {
	o := open(t)
	id := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "0@cust.test", subject: "Help", text: "one"}))[0].Ticket
	for i, class := range []events.MailClass{events.MailAuto, events.MailList, events.MailBounce, events.MailReceipt, events.MailSent} {
		o.receive(o.inquiry(mail{from: "ada@cust.test", id: fmt.Sprint("x", i, "@cust.test"), subject: "Robot", text: fmt.Sprint(i), change: func(in *events.InquiryReceived) {
			in.Class, in.SignedTicket = class, id
		}}))
	}
	if n := len(o.history(id)); n != 2+1+5 {
		t.Errorf("%d events in the ticket", n)
	}
	done, err := o.Reply(t.Context(), command(), reply(id))
	if err != nil {
		t.Fatal(err)
	}
	if s := o.envelope(id, done.Message).Subject; s != "Re: Help" {
		t.Errorf("the reply is about %q", s)
	}
}

// MAIL I30, I31: a proved bounce and a proved complaint become events on the
// message they are about; the ticket of a complaint is flagged, that of a bounce
// reopened. Nothing is believed of a message that never went out.
func TestReportsAreAboutAMessage(t *testing.T) {
	o := open(t)
	id := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "0@cust.test", text: "one"}))[0].Ticket
	if _, err := o.Resolve(t.Context(), command(), id); err != nil {
		t.Fatal(err)
	}
	out := events.OutboundID(events.DeriveUUID("outbound", "1").String())
	o.queue(out, id)
	report := func(n int, class events.MailClass, bounced events.OutboundID, action string) events.InquiryRouted {
		return o.receive(o.inquiry(mail{from: "mailer-daemon@cust.test", id: fmt.Sprint("r", n, "@cust.test"), text: fmt.Sprint(n), change: func(in *events.InquiryReceived) {
			in.Class, in.Bounced, in.BounceAction, in.BounceCode, in.Complaint = class, bounced, action, "5.1.1", "abuse"
		}}))[0]
	}
	report(1, events.MailBounce, out, "delayed")
	report(2, events.MailBounce, out, "failed")
	report(3, events.MailComplaint, out, "")
	if d := report(4, events.MailBounce, events.OutboundID(events.DeriveUUID("never").String()), "failed"); d.Why != "bounce" || d.Ticket != "" {
		t.Errorf("bounce of nothing: %+v", d)
	}
	var got []events.Event
	o.until("bounce and complaint on the message", func() bool {
		got = nil
		for _, e := range o.stream(events.OutboundStream(out)) {
			switch e.(type) {
			case events.MessageBounced, events.MessageComplained:
				got = append(got, e)
			}
		}
		return len(got) == 2
	})
	if b := got[0].(events.MessageBounced); b.Class != "hard" || b.Code != "5.1.1" || b.Action != "failed" {
		t.Errorf("%+v", b)
	}
	if c := got[1].(events.MessageComplained); c.Kind != "abuse" {
		t.Errorf("%+v", c)
	}
	n := 0
	o.until("ticket reopened and flagged", func() bool {
		n++
		o.receive(o.inquiry(mail{from: fmt.Sprint("zoe", n, "@cust.test"), id: fmt.Sprint("z", n, "@cust.test")})) // a router looks again
		reopened, flagged := false, false
		for _, e := range o.history(id) {
			switch e := e.(type) {
			case events.TicketReopened:
				reopened = e.Cause == "delivery"
			case events.TagAdded:
				flagged = e.Tag == "complaint"
			}
		}
		return reopened && flagged
	})
}

// queue records a message that was accepted.
func (o *office) queue(id events.OutboundID, ticket events.TicketID) {
	o.t.Helper()
	ids, err := o.Vault.Subjects(o.t.Context(), []string{"ada@cust.test"})
	if err != nil {
		o.t.Fatal(err)
	}
	by := journal.By{Command: events.NewUUID(), Actor: "system:test"}
	_, err = o.Journal.Append(o.t.Context(), events.OutboundStream(id), events.NoStream, by,
		events.MessageQueued{
			Outbound: id, Kind: events.OutboundReply, Channel: events.Email, Ticket: ticket, Customer: ids[0],
			Rendered: events.NewBlob([]byte("x")), Parcel: events.Seal(events.Parcel{RcptTo: "ada@cust.test"}),
		},
		events.DeliveryAttempted{Outbound: id, Attempt: 1}, events.DeliveryAccepted{Outbound: id, Attempt: 1})
	if err != nil {
		o.t.Fatal(err)
	}
}

// MAIL I33: Outlook's conversation says where a mail may belong, and never lets
// anybody in, because whoever has seen a mail can copy it.
func TestConversationIsAHint(t *testing.T) {
	o := open(t)
	in := func(key events.Hash) func(*events.InquiryReceived) {
		return func(in *events.InquiryReceived) { in.Conversation = key }
	}
	first := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "1@cust.test", change: in("k1")}))[0]
	for name, c := range map[string]struct {
		from string
		key  events.Hash
		want events.TicketID
	}{
		"the customer again": {"ada@cust.test", "k1", first.Ticket},
		"a stranger":         {"eve@evil.test", "k1", first.Ticket},
		"another one":        {"ada@cust.test", "k2", ""},
		"none":               {"ada@cust.test", "", ""},
	} {
		got := o.receive(o.inquiry(mail{from: c.from, id: name + "@x", change: in(c.key)}))[0]
		if !got.New || got.Ticket == first.Ticket || got.Related != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
