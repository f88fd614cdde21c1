package acceptance_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/westshore/hub/deploy/mailtest"
)

// office is a hub that works with a real mail system.
type office struct {
	*hub
	mail *mailtest.System
}

// openOffice starts a mail system and writes the configuration of a hub for it,
// with the mailbox support@ over IMAPS.
func openOffice(t *testing.T) *office {
	t.Helper()
	s := mailtest.Run(t)
	o := &office{mail: s}
	o.hub = newHub(t, "")
	o.secret("password", mailtest.Password)
	o.configure(fmt.Sprintf(`
[desk]
answers_per_domain = 200
[smtp]
host = "localhost"
port = %d
tls = "starttls"
undo = "500ms"
domain_rate = 6000
ca_file = %[2]q
user = "support@hub.test"
password_file = %[3]q
[[mailbox]]
id = "support"
address = "support@hub.test"
name = "Northwind Support"
host = "localhost"
port = %[4]d
tls = "implicit"
ca_file = %[2]q
password_file = %[3]q
[[form]]
id = "contact"
title = "Contact Northwind"
mailbox = "support"
`, s.Submission, s.CAFile(), o.file("password"), s.IMAPS))
	return o
}

func (o *office) file(name string) string { return filepath.Join(o.dir, name) }

// secret writes a file that only we can read.
func (o *office) secret(name, content string) {
	o.t.Helper()
	if err := os.WriteFile(o.file(name), []byte(content), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

// on is the same hub in a subtest.
func (o *office) on(t *testing.T) *office {
	h := *o.hub
	h.t = t
	return &office{&h, o.mail}
}

func (o *office) mx() string { return mailtest.Addr(o.mail.MX) }

// inboxOf is the mailbox of a user of the mail system.
func (o *office) inboxOf(user string) inbox {
	return inbox{mailtest.Addr(o.mail.IMAP), user, mailtest.Password}
}

// What passes between customers, strangers and agents, with real servers.
func TestMail(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.start()
	o.hire()
	for _, test := range []struct {
		name string
		run  func(*testing.T, *office)
	}{
		{"round trip", testRoundTrip},
		{"form round trip", testFormRoundTrip},
		{"strangers", testStrangers},
		{"refused recipients", testRefused},
		{"deferred recipients", testDeferred},
		{"bounces", testBounce},
		{"automatic mail", testAutomatic},
		{"the same mail twice", testTwice},
		{"new UIDVALIDITY", testUIDValidity},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, o.on(t)) })
	}
	o.stop(t)
}

// A mail becomes a ticket, its answer reaches the customer in the thread, and the
// customer's answer comes back to the ticket by its reply address alone.
func testRoundTrip(t *testing.T, o *office) {
	ask := &letter{from: "Alice Example <alice@cust.test>", to: "support@hub.test", subject: "Where is my order " + mark(), text: mark()}
	sent := time.Now()
	post(t, o.mx(), ask)
	first := o.ticketWith(ask.subject)
	t.Logf("a ticket %v after the mail was sent", time.Since(sent).Round(time.Millisecond))
	if first.Status != "open" || first.Channel != "email" || first.Customer.Address != "alice@cust.test" || first.Unverified || len(first.Messages) < 1 ||
		strings.TrimSpace(first.Messages[0].Text) != ask.text || first.Messages[0].From.Name != "Alice Example" {
		t.Fatalf("ticket: %+v", first)
	}
	alice := o.inboxOf("alice@cust.test")
	ack := alice.with(t, fmt.Sprintf("[#%d]", first.Number))
	if ack.Get("Auto-Submitted") != "auto-replied" || !strings.Contains(ack.Get("Return-Path"), "<>") || !strings.Contains(ack.Get("References"), ask.id) {
		t.Errorf("acknowledgement:\n%s", ack.raw)
	}

	words := mark()
	sent = time.Now()
	if err := o.reply(first.ID, "It is on its way. "+words, false); err != nil {
		t.Fatal(err)
	}
	answer := alice.with(t, words)
	t.Logf("the answer at the customer %v later", time.Since(sent).Round(time.Millisecond))
	out := o.sent(first.ID, "accepted")
	if answer.id() != out.MessageID || out.To != "alice@cust.test" || out.Attempts != 1 {
		t.Errorf("outbox %+v, but the mail is %s", out, answer.id())
	}
	if answer.Get("In-Reply-To") != "<"+ask.id+">" || !strings.Contains(answer.Get("References"), "<"+ask.id+">") || answer.Get("Auto-Submitted") != "" {
		t.Errorf("answer is not in the thread, or looks automatic:\n%s", answer.raw)
	}
	if !strings.HasPrefix(answer.Get("Subject"), "Re: Where is my order") {
		t.Errorf("subject of the answer: %s", answer.Get("Subject"))
	}
	if from := address(t, answer.Get("From")); from != "support@hub.test" {
		t.Errorf("the answer is from %s", from)
	}

	again := &letter{from: "alice@cust.test", to: address(t, answer.Get("Reply-To")), subject: "thanks", text: mark()}
	post(t, o.mx(), again)
	got, m := o.messageIn(first.ID, again.text)
	if m.Unverified || got.Unverified || m.Kind != "inbound" {
		t.Errorf("the customer's answer: %+v", m)
	}
	third := &letter{from: "alice@cust.test", to: "support@hub.test", subject: "Re: " + ask.subject, text: mark(), references: []string{ask.id, answer.id()}}
	post(t, o.mx(), third)
	if _, m = o.messageIn(first.ID, third.text); m.Unverified {
		t.Errorf("an answer by References: %+v", m)
	}
	mails := 0
	for _, m := range alice.mails(t) {
		if strings.Contains(m.Get("Subject"), fmt.Sprintf("[#%d]", first.Number)) {
			mails++
		}
	}
	if mails != 2 {
		t.Errorf("the customer has %d mails of the ticket, want an acknowledgement and an answer", mails)
	}
}

func testFormRoundTrip(t *testing.T, o *office) {
	subject, text := "Invoice "+mark(), mark()
	status, body := submit(t, o.url+"/f/contact", map[string]string{"name": "Bob Example", "email": "bob@cust.test", "subject": subject, "message": text})
	if status != 202 {
		t.Fatalf("form: %d %s", status, body)
	}
	first := o.ticketWith(subject)
	if first.Channel != "form" || first.Customer.Address != "bob@cust.test" || !strings.Contains(first.Messages[0].Text, text) {
		t.Fatalf("ticket: %+v", first)
	}
	words := mark()
	if err := o.reply(first.ID, words, false); err != nil {
		t.Fatal(err)
	}
	bob := o.inboxOf("bob@cust.test")
	answer := bob.with(t, words)
	if out := o.sent(first.ID, "accepted"); out.MessageID != answer.id() {
		t.Errorf("outbox %+v, but the mail is %s", out, answer.id())
	}
	again := &letter{from: "bob@cust.test", to: address(t, answer.Get("Reply-To")), subject: "Re: " + subject, text: mark(), references: []string{answer.id()}}
	post(t, o.mx(), again)
	if _, m := o.messageIn(first.ID, again.text); m.Unverified {
		t.Errorf("the visitor's answer: %+v", m)
	}
}

// Whoever quotes a ticket's number, or guesses or even knows its references, does
// not get in. A reply address that was passed on lets in, marked.
func testStrangers(t *testing.T, o *office) {
	ask := &letter{from: "alice@cust.test", to: "support@hub.test", subject: "Private " + mark(), text: mark()}
	post(t, o.mx(), ask)
	mine := o.ticketWith(ask.subject)
	words := mark()
	if err := o.reply(mine.ID, words, false); err != nil {
		t.Fatal(err)
	}
	answer := o.inboxOf("alice@cust.test").with(t, words)
	guess := "0" + answer.id()[1:]
	if guess == answer.id() {
		guess = "1" + answer.id()[1:]
	}
	for name, l := range map[string]*letter{
		"number":            {subject: fmt.Sprintf("Re: %s [#%d]", mark(), mine.Number)},
		"customer's id":     {subject: "Re: " + mark(), references: []string{ask.id}},
		"guessed signed id": {subject: "Re: " + mark(), references: []string{guess}},
		"known signed id":   {subject: "Re: " + mark(), references: []string{ask.id, answer.id()}},
	} {
		l.from, l.to, l.text = "Mallory <mallory@cust.test>", "support@hub.test", mark()
		post(t, o.mx(), l)
		theirs := o.ticketWith(l.subject)
		if theirs.ID == mine.ID {
			t.Errorf("%s: a stranger is in the ticket", name)
		}
		if name != "guessed signed id" && theirs.Related != mine.ID {
			t.Errorf("%s: the new ticket is related to %q, want %s", name, theirs.Related, mine.ID)
		}
	}
	passed := &letter{from: "Carol <carol@cust.test>", to: address(t, answer.Get("Reply-To")), subject: "Re: yours", text: mark()}
	post(t, o.mx(), passed)
	if got, m := o.messageIn(mine.ID, passed.text); !m.Unverified || !got.Unverified {
		t.Errorf("a stranger with the reply address is not marked: %+v", m)
	}
	forged := []byte(address(t, answer.Get("Reply-To")))
	at := slices.Index(forged, '@') - 1
	forged[at] ^= 1
	l := &letter{from: "Mallory <mallory@cust.test>", to: string(forged), subject: "Re: " + mark(), text: mark()}
	post(t, o.mx(), l)
	if theirs := o.ticketWith(l.subject); theirs.ID == mine.ID {
		t.Error("a forged reply address lets in")
	}
	got, err := o.read(mine.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range got.Messages {
		if m.Kind == "inbound" && m.From.Address == "mallory@cust.test" {
			t.Errorf("the ticket has a message of the stranger: %+v", m)
		}
	}
}

// A recipient that is refused for good: the reply failed, and the ticket that was
// resolved with it is open again.
func testRefused(t *testing.T, o *office) {
	// Not acknowledged, or that mail's refusal would hold the answer back (O13).
	ask := &letter{
		from: "Nobody <nobody@cust.test>", to: "support@hub.test", subject: "Hello " + mark(), text: mark(),
		headers: []string{"X-Auto-Response-Suppress: All"},
	}
	post(t, o.mx(), ask)
	first := o.ticketWith(ask.subject)
	if err := o.reply(first.ID, "Goodbye.", true); err != nil {
		t.Fatal(err)
	}
	if out := o.sent(first.ID, "failed"); !strings.HasPrefix(out.LastCode, "550") {
		t.Errorf("outbox: %+v", out)
	}
	until(t, "an open ticket that shows the failure", func() (bool, string) {
		got, err := o.read(first.ID)
		if err != nil {
			return false, err.Error()
		}
		last := got.Messages[len(got.Messages)-1]
		return got.Status == "open" && last.Kind == "reply" && last.Delivery == "failed" && strings.Contains(last.DeliveryDetail, "550"),
			fmt.Sprintf("%s, %s: %s %s", got.Status, last.Kind, last.Delivery, last.DeliveryDetail)
	})
	all := must[[]ticket](o.hub)(list[ticket](o.hub, "/tickets?view=open"))
	if !slices.ContainsFunc(all, func(t ticket) bool { return t.ID == first.ID }) {
		t.Error("the ticket is not in the list of open ones")
	}
}

func testDeferred(t *testing.T, o *office) {
	for _, user := range []string{"grey", "full"} {
		ask := &letter{from: user + "@cust.test", to: "support@hub.test", subject: "Hello " + mark(), text: mark()}
		post(t, o.mx(), ask)
		first := o.ticketWith(ask.subject)
		if err := o.reply(first.ID, "Hello.", false); err != nil {
			t.Fatal(err)
		}
		out := o.sent(first.ID, "deferred")
		if out.Next == nil || !out.Next.After(time.Now()) || !strings.HasPrefix(out.LastCode, "45") {
			t.Errorf("%s: outbox: %+v", user, out)
		}
		if err := o.call("POST", "/outbox/"+out.ID+"/cancel", map[string]any{}, nil); err != nil {
			t.Errorf("%s: cancel: %v", user, err)
		}
		o.sent(first.ID, "cancelled")
	}
}

// A recipient that a later hop gives back, with a real delivery status
// notification (RFC 3464).
func testBounce(t *testing.T, o *office) {
	ask := &letter{from: "gone@cust.test", to: "support@hub.test", subject: "Hello " + mark(), text: mark()}
	post(t, o.mx(), ask)
	first := o.ticketWith(ask.subject)
	if err := o.reply(first.ID, "Hello.", true); err != nil {
		t.Fatal(err)
	}
	out := o.sent(first.ID, "bounced")
	t.Logf("bounced: %s %s", out.LastCode, out.LastDetail)
	until(t, "an open ticket that shows the bounce", func() (bool, string) {
		got, err := o.read(first.ID)
		if err != nil {
			return false, err.Error()
		}
		for _, m := range got.Messages {
			if m.Kind == "reply" {
				return got.Status == "open" && m.Delivery == "bounced", got.Status + ", " + m.Delivery
			}
		}
		return false, "no reply"
	})
	// A bounce that nobody can prove is seen, and believed by nobody.
	forged := &letter{
		from: "MAILER-DAEMON@cust.test", to: "support@hub.test", subject: "Undelivered Mail Returned to Sender " + mark(),
		text: mark(), headers: []string{"Auto-Submitted: auto-replied"},
	}
	if err := postRaw(o.mx(), "", "support@hub.test", forged.raw()); err != nil {
		t.Fatal(err)
	}
	o.held(forged.subject)
}

// held waits for a mail in quarantine.
func (h *hub) held(subject string) (found quarantined) {
	h.t.Helper()
	until(h.t, "a quarantined mail with "+subject, func() (bool, string) {
		all, err := list[quarantined](h, "/quarantine")
		if err != nil {
			return false, err.Error()
		}
		for _, q := range all {
			if strings.Contains(q.Subject, subject) {
				found = q
				return true, ""
			}
		}
		return false, fmt.Sprintf("%d others", len(all))
	})
	return found
}

// An automatic answer joins its ticket, is not answered and reopens nothing.
func testAutomatic(t *testing.T, o *office) {
	ask := &letter{from: "bob@cust.test", to: "support@hub.test", subject: "Holidays " + mark(), text: mark()}
	post(t, o.mx(), ask)
	first := o.ticketWith(ask.subject)
	words := mark()
	if err := o.reply(first.ID, words, true); err != nil {
		t.Fatal(err)
	}
	answer := o.inboxOf("bob@cust.test").with(t, words)
	away := &letter{
		from: "bob@cust.test", to: address(t, answer.Get("Reply-To")), subject: "Out of office", text: mark(),
		headers: []string{"Auto-Submitted: auto-replied"}, references: []string{answer.id()},
	}
	post(t, o.mx(), away)
	got, m := o.messageIn(first.ID, away.text)
	if got.Status != "resolved" || m.Class != "auto" {
		t.Errorf("the ticket is %s, the message is %s", got.Status, m.Class)
	}
}

// One mail that arrives twice is one message, though its copies differ in what
// servers write on top.
func testTwice(t *testing.T, o *office) {
	l := &letter{from: "alice@cust.test", to: "support@hub.test", subject: "Twice " + mark(), text: mark()}
	post(t, o.mx(), l)
	post(t, o.mx(), l)
	end := &letter{from: "bob@cust.test", to: "support@hub.test", subject: "After " + mark(), text: mark()}
	post(t, o.mx(), end)
	o.ticketWith(end.subject)
	if n := o.count(l.text)[l.text]; n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
}

// count counts in how many messages of all tickets each text stands.
func (h *hub) count(texts ...string) map[string]int {
	h.t.Helper()
	have := map[string]int{}
	for _, t := range must[[]ticket](h)(list[ticket](h, "/tickets?view=all")) {
		for _, m := range must[ticket](h)(h.read(t.ID)).Messages {
			for _, text := range texts {
				if m.Kind != "reply" && strings.Contains(m.Text, text) {
					have[text]++
				}
			}
		}
	}
	return have
}

// A server that gives every mail a new name, as after a restore, makes nothing
// lost and nothing double.
func testUIDValidity(t *testing.T, o *office) {
	// Broken senders: mails without a Message-ID, and two that share one.
	shared := mark() + "@cust.test"
	for _, l := range []*letter{
		{from: "bob@cust.test", to: "support@hub.test", subject: "No id " + mark(), text: mark(), id: "-"},
		{from: "bob@cust.test", to: "support@hub.test", subject: "Shared id " + mark(), text: mark(), id: shared},
		{from: "carol@cust.test", to: "support@hub.test", subject: "Shared id " + mark(), text: mark(), id: shared},
	} {
		// Not by Postfix, which would give each an id.
		if err := o.mail.Deliver(l.to, l.raw()); err != nil {
			t.Fatal(err)
		}
		o.ticketWith(l.subject)
	}
	mails := must[[]mailtest.Mail](o.hub)(o.mail.Read("support@hub.test", "INBOX"))
	before := len(must[[]ticket](o.hub)(list[ticket](o.hub, "/tickets?view=all")))
	messages := o.messages()
	if err := o.mail.SetUIDValidity(t.Context(), "support@hub.test", 4_242_424_242); err != nil {
		t.Fatal(err)
	}
	if err := o.mail.Kick(t.Context(), "support@hub.test"); err != nil {
		t.Logf("kick: %v", err)
	}
	l := &letter{from: "alice@cust.test", to: "support@hub.test", subject: "After the restore " + mark(), text: mark()}
	post(t, o.mx(), l)
	o.ticketWith(l.subject)
	if after := len(must[[]ticket](o.hub)(list[ticket](o.hub, "/tickets?view=all"))); after != before+1 {
		t.Errorf("%d tickets before, %d after one more mail", before, after)
	}
	for id, m := range o.messages() {
		if messages[id] == "" && !strings.Contains(m, l.text) {
			t.Errorf("new after the change: %s", m)
		}
		delete(messages, id)
	}
	for _, m := range messages {
		t.Errorf("gone after the change: %s", m)
	}
	until(t, "a mailbox that agrees", func() (bool, string) {
		var page struct{ Items []mailboxState }
		err := o.call("GET", "/mailboxes", nil, &page)
		return err == nil && page.Items[0].State == "idle", fmt.Sprint(page, err)
	})
	t.Logf("%d mails: %s", len(mails)+1, strings.TrimSpace(o.run(0, "reconcile")))
}

// messages lists what came in by all doors, quarantine included.
func (h *hub) messages() map[string]string {
	h.t.Helper()
	all := map[string]string{}
	for _, t := range must[[]ticket](h)(list[ticket](h, "/tickets?view=all")) {
		for _, m := range must[ticket](h)(h.read(t.ID)).Messages {
			if m.Kind == "inbound" {
				all[m.ID] = fmt.Sprintf("ticket %d: %s: %s", t.Number, t.Subject, m.Text)
			}
		}
	}
	for _, q := range must[[]quarantined](h)(list[quarantined](h, "/quarantine")) {
		all[q.ID] = "quarantine: " + q.Subject
	}
	return all
}
