package desk_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/services/desk"
)

// office is a desk with a router on a real journal.
type office struct {
	t *testing.T
	*journaltest.Kit
	*desk.Desk
	router desk.RouterConfig
	uid    uint32
}

func open(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, Kit: journaltest.New(t)}
	o.Desk = desk.New(desk.Config{
		Journal: o.Journal, Logger: o.Logger, Mailbox: "support",
		MessageID: func(tk events.TicketID, m events.MessageID, _ events.MailboxID) string {
			return string(tk) + "." + string(m) + "@hub.test"
		},
		Own: func(a string) bool { return strings.HasSuffix(strings.ToLower(a), "@hub.test") },
	})
	return o
}

// mail is a mail as the door describes it.
type mail struct {
	from, id, subject, text string
	refs                    []string
	change                  func(*events.InquiryReceived)
}

func (o *office) inquiry(m mail) events.InquiryReceived {
	o.t.Helper()
	o.uid++
	ids, err := o.Vault.Subjects(o.t.Context(), []string{m.from})
	if err != nil {
		o.t.Fatal(err)
	}
	in := events.InquiryReceived{
		Inquiry: events.InquiryID(events.DeriveUUID("inquiry", fmt.Sprint(o.uid)).String()), Channel: events.Email, Mailbox: "support",
		UID: o.uid, UIDValidity: 1, Customer: ids[0], Class: events.MailHuman, SenderDomain: o.Vault.Hash("domain", m.from),
		MessageKey: o.Vault.Hash("message-id", m.id), ContentKey: o.Vault.Hash("content", m.id, m.text),
		Raw:     events.NewBlob([]byte("raw")),
		Contact: events.Seal(events.Address{Address: m.from}),
		Letter:  events.Seal(events.Letter{Subject: m.subject, Text: m.text, MessageID: m.id, References: m.refs}),
	}
	for _, ref := range m.refs {
		in.References = append(in.References, o.Vault.Hash("message-id", ref))
	}
	if m.change != nil {
		m.change(&in)
	}
	return in
}

// receive records inquiries as the recorder does, lets a router work until each
// is decided, and returns the decisions.
func (o *office) receive(ins ...events.InquiryReceived) []events.InquiryRouted {
	o.t.Helper()
	for _, in := range ins {
		by := journal.By{Command: events.DeriveUUID("take", string(in.Inquiry)), Actor: "door:test"}
		if _, err := o.Journal.Append(o.t.Context(), events.InquiryStream(in.Inquiry), events.NoStream, by, in); err != nil {
			o.t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(o.t.Context(), 30*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- desk.NewRouter(o.Desk, o.router).Run(ctx) }()
	out := make([]events.InquiryRouted, len(ins))
	open := map[events.InquiryID]int{}
	for i, in := range ins {
		open[in.Inquiry] = i
	}
	stop := errors.New("all decided")
	err := o.Journal.Subscribe(ctx, journal.Reading{Types: []string{"hub.InquiryRouted", "hub.InquiryQuarantined"}}, func(_ context.Context, b journal.Batch) error {
		for _, rec := range b.Events {
			switch e := rec.Event.(type) {
			case events.InquiryRouted:
				if i, ok := open[e.Inquiry]; ok {
					out[i] = e
					delete(open, e.Inquiry)
				}
			case events.InquiryQuarantined:
				if i, ok := open[e.Inquiry]; ok {
					out[i] = events.InquiryRouted{Inquiry: e.Inquiry, Why: "quarantine:" + e.Reason}
					delete(open, e.Inquiry)
				}
			}
		}
		if len(open) == 0 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) {
		o.t.Fatalf("waiting for decisions: %v", err)
	}
	o.settle(ctx, out)
	cancel()
	if err := <-done; err != nil {
		o.t.Fatal(err)
	}
	return out
}

// settle waits until what was decided is done.
func (o *office) settle(ctx context.Context, decisions []events.InquiryRouted) {
	for _, d := range decisions {
		for d.Ticket != "" && d.Why != "also_delivered" && !o.holds(d) {
			if ctx.Err() != nil {
				o.t.Fatalf("ticket %s never got inquiry %s", d.Ticket, d.Inquiry)
			}
		}
	}
}

func (o *office) holds(d events.InquiryRouted) bool {
	for _, e := range o.history(d.Ticket) {
		if m, ok := e.(events.MessageAttached); ok && m.Inquiry == d.Inquiry {
			return true
		}
	}
	return false
}

func (o *office) history(id events.TicketID) []events.Event {
	o.t.Helper()
	recs, err := o.Journal.Load(o.t.Context(), events.TicketStream(id), nil)
	if err != nil {
		o.t.Fatal(err)
	}
	var out []events.Event
	for _, r := range recs {
		out = append(out, r.Event)
	}
	return out
}

func types(evs []events.Event) (out []string) {
	for _, e := range evs {
		out = append(out, strings.TrimPrefix(events.WireType(e), events.TypePrefix))
	}
	return out
}

func command() desk.Command {
	return desk.Command{ID: events.NewUUID(), Agent: "a1", At: time.Now()}
}

func TestNewMailOpensATicketAndIsAcknowledgedOnce(t *testing.T) {
	o := open(t)
	got := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "1@cust.test", subject: "Help", text: "one"}))[0]
	if !got.New || got.Number != 1 || !got.Acknowledge {
		t.Fatalf("decision: %+v", got)
	}
	want := []string{"TicketOpened", "MessageAttached", "AcknowledgementWritten"}
	if diff := cmp.Diff(want, types(o.history(got.Ticket))); diff != "" {
		t.Error(diff)
	}
	second := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "2@cust.test", text: "two"}))[0]
	if !second.New || second.Number != 2 || second.Acknowledge || second.Brake != "sender_hour" {
		t.Errorf("second mail within the hour (I28): %+v", second)
	}
}

// Guards MAIL I27, FIELD 2.11.
func TestOnlyPeopleAreAcknowledged(t *testing.T) {
	o := open(t)
	for i, class := range []events.MailClass{events.MailAuto, events.MailList} {
		got := o.receive(o.inquiry(mail{from: fmt.Sprint(class, "@cust.test"), id: fmt.Sprint(i, "@x"), change: func(in *events.InquiryReceived) { in.Class = class }}))[0]
		if !got.New || got.Acknowledge {
			t.Errorf("%s (I27): %+v", class, got)
		}
	}
}

func TestNobodyIsAcknowledgedWhereItIsSwitchedOff(t *testing.T) {
	o := open(t)
	o.router.Silent = true
	got := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "1@cust.test", text: "one"}))[0]
	if !got.New || got.Acknowledge || got.Brake != "switched_off" {
		t.Errorf("decision: %+v", got)
	}
}

func TestEvidenceDecidesWhoseTicket(t *testing.T) {
	o := open(t)
	first := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "1@cust.test", text: "one"}))[0]
	ticket := first.Ticket
	tag := func(in *events.InquiryReceived) { in.TagNumber = 1 }
	signed := func(in *events.InquiryReceived) { in.SignedTicket = ticket }
	token := func(in *events.InquiryReceived) { in.ReplyTicket = ticket }
	for _, c := range []struct {
		name string
		mail mail
		want events.InquiryRouted
	}{
		{"reply address, participant (I33)", mail{from: "ada@cust.test", id: "a@x", change: token}, events.InquiryRouted{Ticket: ticket, Why: "reply_address"}},
		{"our Message-ID, participant (I33)", mail{from: "ada@cust.test", id: "b@x", change: signed}, events.InquiryRouted{Ticket: ticket, Why: "our_message_id"}},
		{"a Message-ID the ticket received (I33)", mail{from: "ada@cust.test", id: "c@x", refs: []string{"1@cust.test"}}, events.InquiryRouted{Ticket: ticket, Why: "references"}},
		{"subject tag, proved participant (I33)", mail{from: "ada@cust.test", id: "d@x", change: func(in *events.InquiryReceived) { tag(in); in.Auth = "pass" }}, events.InquiryRouted{Ticket: ticket, Why: "subject_tag"}},
		{"subject tag, a participant's name without proof (FIELD 3.3)", mail{from: "ada@cust.test", id: "d2@x", change: tag}, events.InquiryRouted{Ticket: ticket, Why: "subject_tag", Unverified: true}},
		{"mark in the quoted text, participant (I33)", mail{from: "ada@cust.test", id: "j@x", change: func(in *events.InquiryReceived) { in.QuotedTicket = ticket }}, events.InquiryRouted{Ticket: ticket, Why: "quoted_mark"}},
		{"mark in the quoted text, stranger: not in (I34)", mail{from: "eve@evil.test", id: "k@x", change: func(in *events.InquiryReceived) { in.QuotedTicket = ticket }}, events.InquiryRouted{New: true, Why: "new", Related: ticket}},
		{"an agent, proved (I35)", mail{from: "agent@hub.test", id: "l@x", change: func(in *events.InquiryReceived) { signed(in); in.Agent, in.Auth = "a1", "pass" }}, events.InquiryRouted{Ticket: ticket, Why: "our_message_id"}},
		{"an agent's address without proof (I35, FIELD 3.1)", mail{from: "agent2@hub.test", id: "m@x", change: func(in *events.InquiryReceived) { signed(in); in.Agent = "a1" }}, events.InquiryRouted{New: true, Why: "new", Related: ticket}},
		{"sent from a mail program (FIELD 2.22)", mail{from: "zed@cust.test", id: "n@x", refs: []string{"1@cust.test"}, change: func(in *events.InquiryReceived) { in.Class = events.MailSent }}, events.InquiryRouted{Ticket: ticket, Why: "references"}},
		{"sent to somebody new (FIELD 2.22)", mail{from: "new@cust.test", id: "o@x", change: func(in *events.InquiryReceived) { in.Class = events.MailSent }}, events.InquiryRouted{Why: "sent_unrelated"}},
		{"bounce that returns our Message-ID (I30)", mail{from: "mailer-daemon@cust.test", id: "p@x", change: func(in *events.InquiryReceived) { signed(in); in.Class = events.MailBounce }}, events.InquiryRouted{Ticket: ticket, Why: "our_message_id", Unverified: true}},
		{"a code for a stranger with a ticket's address (I37, FIELD 3.7)", mail{from: "noreply@service.test", id: "q@x", change: func(in *events.InquiryReceived) { token(in); in.Warnings = []string{"one_time_code"} }}, events.InquiryRouted{Why: "quarantine:one_time_code"}},
		{"an empty key matches nothing (FIELD 2.13)", mail{from: "ada@cust.test", id: "r@x", change: func(in *events.InquiryReceived) { in.References = []events.Hash{""}; in.MessageKey = "" }}, events.InquiryRouted{New: true, Why: "new"}},
		{"reply address, stranger: in, but marked (I34)", mail{from: "eve@evil.test", id: "e@x", change: token}, events.InquiryRouted{Ticket: ticket, Why: "reply_address", Unverified: true}},
		{"our Message-ID, stranger: not in (I34)", mail{from: "eve@evil.test", id: "f@x", change: signed}, events.InquiryRouted{New: true, Why: "new", Related: ticket}},
		{"references, stranger: not in (I34)", mail{from: "eve@evil.test", id: "g@x", refs: []string{"1@cust.test"}}, events.InquiryRouted{New: true, Why: "new", Related: ticket}},
		{"ticket number, stranger: not in (FIELD 3.3)", mail{from: "eve@evil.test", id: "h@x", change: tag}, events.InquiryRouted{New: true, Why: "new", Related: ticket}},
		{"spoofed participant is unverified (I36)", mail{from: "ada@cust.test", id: "i@x", change: func(in *events.InquiryReceived) { token(in); in.Auth = "fail" }}, events.InquiryRouted{Ticket: ticket, Why: "reply_address", Unverified: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := o.receive(o.inquiry(c.mail))[0]
			if got.New {
				got.Ticket = ""
			}
			got.Inquiry, got.Number, got.Acknowledge, got.Brake, got.Rules = "", 0, false, "", 0
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Guards MAIL I7, I8, FIELD 3.8.
func TestSameMailInTwoMailboxesIsOneMessage(t *testing.T) {
	o := open(t)
	m := mail{from: "ada@cust.test", id: "1@cust.test", text: "one"}
	got := o.receive(o.inquiry(m), o.inquiry(m))
	if !got[0].New || got[1].Why != "also_delivered" || got[1].Ticket != got[0].Ticket {
		t.Fatalf("decisions (I8): %+v", got)
	}
	if n := len(o.history(got[0].Ticket)); n != 3 {
		t.Errorf("%d events in the ticket, want 3", n)
	}
	squatter := m
	squatter.text = "another mail with the same id"
	if d := o.receive(o.inquiry(squatter))[0]; !d.New || d.Ticket == got[0].Ticket {
		t.Errorf("same Message-ID, other content, was dropped as a duplicate (I7): %+v", d)
	}
}

func TestRoutingTheLogAgainChangesNothing(t *testing.T) {
	o := open(t)
	got := o.receive(
		o.inquiry(mail{from: "ada@cust.test", id: "1@cust.test", text: "one"}),
		o.inquiry(mail{from: "ada@cust.test", id: "2@cust.test", refs: []string{"1@cust.test"}, text: "two"}),
		o.inquiry(mail{from: "bob@cust.test", id: "3@cust.test", text: "three"}),
	)
	before := types(o.history(got[0].Ticket))
	head := o.events()
	// A router that lost its checkpoint reads everything again.
	if err := o.Journal.Advance(t.Context(), "router", events.Start); err != nil {
		t.Fatal(err)
	}
	o.receive(o.inquiry(mail{from: "zoe@cust.test", id: "9@cust.test", text: "nine"}))
	if diff := cmp.Diff(before, types(o.history(got[0].Ticket))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(head+1, o.events()); diff != "" {
		t.Errorf("tickets opened: %s", diff)
	}
}

// events counts the tickets there are.
func (o *office) events() (n int) {
	stop := errors.New("read")
	err := o.Journal.Subscribe(o.t.Context(), journal.Reading{Types: []string{"hub.TicketOpened"}}, func(_ context.Context, b journal.Batch) error {
		n += len(b.Events)
		if b.Live {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) {
		o.t.Fatal(err)
	}
	return n
}

// Guards MAIL I28, FIELD 2.43.
func TestOneSenderCannotFloodTheDesk(t *testing.T) {
	o := open(t)
	o.router.NewTickets = 3
	var ins []events.InquiryReceived
	for i := range 6 {
		ins = append(ins, o.inquiry(mail{from: "crm@cust.test", id: fmt.Sprint(i, "@cust.test"), text: fmt.Sprint(i)}))
	}
	tickets := map[events.TicketID]int{}
	for _, d := range o.receive(ins...) {
		tickets[d.Ticket]++
	}
	if len(tickets) != 3 {
		t.Errorf("six mails of one sender opened %d tickets, want 3 (I28)", len(tickets))
	}
	total := 0
	for _, n := range tickets {
		total += n
	}
	if total != 6 {
		t.Errorf("%d messages in tickets, want all 6", total)
	}
}

// Guards MAIL I26, I30, I31.
func TestSuspiciousMailWaitsForAPersonAndIsRoutedWhenReleased(t *testing.T) {
	o := open(t)
	for _, class := range []events.MailClass{events.MailLoop, events.MailBounce, events.MailComplaint, events.MailReceipt} {
		in := o.inquiry(mail{from: fmt.Sprint(class, "@cust.test"), id: fmt.Sprint(class, "@x"), change: func(in *events.InquiryReceived) { in.Class = class }})
		got := o.receive(in)[0]
		if !strings.HasPrefix(got.Why, "quarantine:") {
			t.Errorf("%s: %+v", class, got)
			continue
		}
		if class != events.MailLoop {
			continue
		}
		if _, err := o.Release(t.Context(), command(), in.Inquiry); err != nil {
			t.Fatal(err)
		}
		var refusal *desk.Refusal
		if _, err := o.Discard(t.Context(), command(), in.Inquiry); !errors.As(err, &refusal) || refusal.Code != "not_quarantined" {
			t.Errorf("discard after release: %v", err)
		}
		o.receive(o.inquiry(mail{from: "later@cust.test", id: "later@x"}))
		o.receive(o.inquiry(mail{from: "later@cust.test", id: "even-later@x"})) // the router before has ended
		history, err := o.Journal.Load(t.Context(), events.InquiryStream(in.Inquiry), nil)
		if err != nil {
			t.Fatal(err)
		}
		if d, ok := history[len(history)-1].Event.(events.InquiryRouted); !ok || !d.New {
			t.Errorf("released inquiry: %T", history[len(history)-1].Event)
		}
	}
}

func TestReplyOnAStaleConversationIsRefused(t *testing.T) {
	o := open(t)
	first := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "1@cust.test", subject: "Help", text: "one"}))[0]
	seen := events.Revision(2)
	o.receive(o.inquiry(mail{from: "ada@cust.test", id: "2@cust.test", refs: []string{"1@cust.test"}, text: "never mind"}))
	var stale *desk.StaleError
	_, err := o.Reply(t.Context(), command(), desk.Reply{Ticket: first.Ticket, Text: "Hello", Seen: &seen})
	if !errors.As(err, &stale) || stale.Seen != seen {
		t.Fatalf("reply: %v, want stale", err)
	}
	c := command()
	done, err := o.Reply(t.Context(), c, desk.Reply{Ticket: first.Ticket, Text: "Hello", Seen: &stale.Revision, Resolve: true})
	if err != nil {
		t.Fatal(err)
	}
	again, err := o.Reply(t.Context(), c, desk.Reply{Ticket: first.Ticket, Text: "Hello", Seen: &stale.Revision, Resolve: true})
	if err != nil || again.Event != done.Event || again.Message != done.Message {
		t.Errorf("the same command again: %+v, %v; want %+v", again, err, done)
	}
	as := events.Principal{Actor: "test", Role: events.RoleAgent, Purpose: events.PurposeSupport}
	recs, err := o.Journal.Load(t.Context(), events.TicketStream(first.Ticket), &as)
	if err != nil {
		t.Fatal(err)
	}
	reply := recs[len(recs)-2].Event.(events.ReplyWritten)
	want := events.ReplyEnvelope{
		To: []events.Address{{Address: "ada@cust.test"}}, Subject: "Re:",
		InReplyTo: "2@cust.test", References: []string{"1@cust.test", "2@cust.test"},
	}
	if diff := cmp.Diff(want, reply.Envelope.Value()); diff != "" {
		t.Error(diff)
	}
	if _, ok := recs[len(recs)-1].Event.(events.TicketResolved); !ok {
		t.Error("the reply did not resolve the ticket")
	}
}

// Guards MAIL I28.
func TestCustomerReopensAResolvedTicketButNotForEver(t *testing.T) {
	o := open(t)
	id := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "0@cust.test", text: "one"}))[0].Ticket
	for i := range 4 {
		if _, err := o.Resolve(t.Context(), command(), id); err != nil {
			t.Fatal(err)
		}
		o.receive(o.inquiry(mail{from: "ada@cust.test", id: fmt.Sprint(i+1, "@cust.test"), refs: []string{"0@cust.test"}, text: fmt.Sprint(i)}))
		_, err := o.Resolve(t.Context(), command(), id)
		if open := err == nil; open != (i < 3) {
			t.Errorf("mail %d after resolving: reopened %v (I28)", i+1, open)
		}
		if err == nil {
			if _, err := o.Reopen(t.Context(), command(), id); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Guards MAIL I29.
func TestAutomaticReplyDoesNotReopen(t *testing.T) {
	o := open(t)
	id := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "0@cust.test", text: "one"}))[0].Ticket
	if _, err := o.Resolve(t.Context(), command(), id); err != nil {
		t.Fatal(err)
	}
	o.receive(o.inquiry(mail{from: "ada@cust.test", id: "1@cust.test", refs: []string{"0@cust.test"}, change: func(in *events.InquiryReceived) { in.Class = events.MailAuto }}))
	var refusal *desk.Refusal
	if _, err := o.Resolve(t.Context(), command(), id); !errors.As(err, &refusal) {
		t.Errorf("an automatic reply reopened the ticket (I29): %v", err)
	}
}

// Guards MAIL O19, FIELD 3.5, 3.12.
func TestAnsweringNeverWritesToOurselvesOrTwice(t *testing.T) {
	own := func(a string) bool { return strings.HasSuffix(a, "@hub.test") }
	a := func(s string) events.Address { return events.Address{Address: s} }
	for _, c := range []struct {
		name   string
		from   events.Address
		letter events.Letter
		to, cc []events.Address
	}{
		{"plain", a("ada@x"), events.Letter{To: []events.Address{a("support@hub.test")}}, []events.Address{a("ada@x")}, nil},
		{"reply-to", a("form@x"), events.Letter{ReplyTo: []events.Address{a("ada@x")}}, []events.Address{a("ada@x")}, nil},
		{"reply-to is ours", a("ada@x"), events.Letter{ReplyTo: []events.Address{a("sales@hub.test")}}, []events.Address{a("ada@x")}, nil},
		{"copies", a("ada@x"), events.Letter{To: []events.Address{a("support@hub.test"), a("bob@x")}, Cc: []events.Address{a("BOB@x"), a("ada@x"), a("cid@x")}}, []events.Address{a("ada@x")}, []events.Address{a("bob@x"), a("cid@x")}},
	} {
		env, err := desk.Answering(c.from, c.letter, own)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if diff := cmp.Diff([][]events.Address{c.to, c.cc}, [][]events.Address{env.To, env.Cc}); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	if _, err := desk.Answering(events.Address{Name: "nobody"}, events.Letter{}, own); err == nil {
		t.Error("a letter without an address was answerable")
	}
}

func TestBusinessNoHasACodeAndASentence(t *testing.T) {
	o := open(t)
	id := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "0@cust.test", text: "one"}))[0].Ticket
	ctx := t.Context()
	for code, do := range map[string]func() (desk.Done, error){
		"empty_text":       func() (desk.Done, error) { return o.Note(ctx, command(), id, " \n") },
		"text_too_long":    func() (desk.Done, error) { return o.Note(ctx, command(), id, strings.Repeat("x", 300<<10)) },
		"text_not_utf8":    func() (desk.Done, error) { return o.Note(ctx, command(), id, "\xff") },
		"bad_tag":          func() (desk.Done, error) { return o.Tag(ctx, command(), id, []string{"ada lovelace"}, nil) },
		"unknown_priority": func() (desk.Done, error) { return o.SetPriority(ctx, command(), id, "enormous") },
		"not_resolved":     func() (desk.Done, error) { return o.Reopen(ctx, command(), id) },
	} {
		_, err := do()
		var refusal *desk.Refusal
		if !errors.As(err, &refusal) || refusal.Code != code || refusal.Sentence == "" {
			t.Errorf("%s: %v", code, err)
		}
	}
	if _, err := o.Note(ctx, command(), "00000000000000000000000000000000", "x"); !errors.Is(err, desk.ErrNotFound) {
		t.Errorf("note on no ticket: %v", err)
	}
}
