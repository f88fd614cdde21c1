package mailbox_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/internal/mail"
	"github.com/westshore/hub/services/mailbox"
)

var tokens = mail.Tokens{Key: []byte("0123456789abcdef0123456789abcdef")}

const (
	ticketA  = "0190a1b2c3d47e5f8a9b0c1d2e3f4a5b"
	messageA = "0190a1b2c3d47e5f8a9b0c1d2e3f4a5c"
)

// newDoor is a door whose hashes and ids can be read: "domain:cust.test" is the
// hash of a domain, a person's id is their address.
func newDoor(change ...func(*mailbox.Door)) (*mailbox.Door, *[]events.InquiryReceived) {
	taken := &[]events.InquiryReceived{}
	d := &mailbox.Door{
		Mailbox: "support", Address: "support@hub.test", Own: []string{"support@hub.test", "sales@hub.test"}, TokenKey: tokens.Key, AuthServIDs: []string{"mx.hub.test"},
		Resolve: func(_ context.Context, addresses []string) (out []events.SubjectID, _ error) {
			for _, a := range addresses {
				out = append(out, events.SubjectID(mail.Key(a)))
			}
			return out, nil
		},
		Hash: func(domain string, parts ...string) events.Hash {
			return events.Hash(domain + ":" + strings.Join(parts, ","))
		},
		Take: func(_ context.Context, list []events.InquiryReceived) error {
			*taken = append(*taken, list...)
			return nil
		},
		Agent:    func(a string) (events.AgentID, bool) { return "a1", a == "agent@hub-staff.test" },
		Forwards: true, FormSenders: []string{"Forms@web.test"}, Logger: slog.New(slog.DiscardHandler),
	}
	for _, c := range change {
		c(d)
	}
	return d, taken
}

// through sends one mail through a door.
func through(t *testing.T, raw string, change ...func(*mailbox.Door)) events.InquiryReceived {
	t.Helper()
	d, taken := newDoor(change...)
	if err := d.Mails(t.Context(), []mailbox.Fetched{{UIDValidity: 7, UID: 1, InternalDate: time.Unix(1e9, 0), Size: int64(len(raw)), Raw: []byte(raw)}}); err != nil {
		t.Fatal(err)
	}
	if len(*taken) != 1 {
		t.Fatalf("%d inquiries", len(*taken))
	}
	return (*taken)[0]
}

const pass = "Authentication-Results: mx.hub.test; spf=pass smtp.mailfrom=x; dkim=pass header.d=hub-staff.test; dmarc=pass header.from=hub-staff.test\r\n"

// Who a mail is from, for the ticket: MAIL I22, I35, I36, I39, I40, I41 and FIELD
// 3.1, 3.10.
func TestAuthor(t *testing.T) {
	const fwd = "Subject: Fwd: Help\r\n\r\n---------- Forwarded message ---------\r\nFrom: Carl <carl@cust.test>\r\nDate: Mon\r\nSubject: Help\r\nTo: agent@hub-staff.test\r\n\r\nplease\r\n"
	for name, c := range map[string]struct {
		raw      string
		customer string
		agent    events.AgentID
		forward  bool
		auth     string
		warning  string
	}{
		"person":                       {"From: Ann <ann@cust.test>\r\n\r\nx", "ann@cust.test", "", false, "none", ""},
		"group and no author":          {"From: undisclosed-recipients:;\r\n\r\nx", "unknown@*.invalid", "", false, "none", mail.WarnNoFrom},
		"sender without domain":        {"From: MAILER-DAEMON\r\n\r\nx", "mailer-daemon", "", false, "none", ""},
		"two authors":                  {"From: nobody, Ann <ann@cust.test>, Bob <bob@cust.test>\r\n\r\nx", "ann@cust.test", "", false, "none", mail.WarnManyFrom},
		"spoofed display name":         {"From: \"boss@hub.test\" <eve@evil.test>\r\n\r\nx", "eve@evil.test", "", false, "none", mail.WarnNameSpoof},
		"contact form":                 {"From: forms@web.test\r\nReply-To: Ann <ann@cust.test>\r\n\r\nx", "ann@cust.test", "", false, "none", "contact_form"},
		"contact form without answer":  {"From: forms@web.test\r\n\r\nx", "forms@web.test", "", false, "none", ""},
		"contact form names us":        {"From: forms@web.test\r\nReply-To: support@hub.test\r\n\r\nx", "forms@web.test", "", false, "none", ""},
		"not on the list":              {"From: other@web.test\r\nReply-To: Ann <ann@cust.test>\r\n\r\nx", "other@web.test", "", false, "none", mail.WarnReplyToDomain},
		"list rewrote the sender":      {"From: Ann via List <list@lists.test>\r\nList-Id: <l.lists.test>\r\nX-Original-From: Ann <ann@cust.test>\r\n\r\nx", "ann@cust.test", "", false, "none", "via_list"},
		"no list, made-up header":      {"From: eve@evil.test\r\nX-Original-From: Ann <ann@cust.test>\r\n\r\nx", "eve@evil.test", "", false, "none", ""},
		"agent, proved":                {pass + "From: agent@hub-staff.test\r\n\r\nx", "agent@hub-staff.test", "a1", false, "pass", ""},
		"agent's address, no proof":    {"From: agent@hub-staff.test\r\n\r\nx", "agent@hub-staff.test", "a1", false, "none", "agent_unproved"},
		"proof by a stranger's server": {strings.Replace(pass, "mx.hub.test", "mx.evil.test", 1) + "From: agent@hub-staff.test\r\n\r\nx", "agent@hub-staff.test", "a1", false, "none", "agent_unproved"},
		"agent forwards":               {pass + "From: agent@hub-staff.test\r\n" + fwd, "carl@cust.test", "a1", true, "pass", ""},
		"agent forwards, no proof":     {"From: agent@hub-staff.test\r\n" + fwd, "agent@hub-staff.test", "a1", false, "none", "agent_unproved"},
		"stranger forwards":            {"From: eve@evil.test\r\n" + fwd, "eve@evil.test", "", false, "none", ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := through(t, c.raw)
			customer := string(in.Customer)
			if strings.HasPrefix(customer, "unknown@") {
				customer = "unknown@*.invalid"
			}
			if customer != c.customer || in.Agent != c.agent || in.Forwarded != c.forward || in.Auth != c.auth {
				t.Errorf("customer %s, agent %q, forwarded %v, auth %s", customer, in.Agent, in.Forwarded, in.Auth)
			}
			if c.warning != "" && !slices.Contains(in.Warnings, c.warning) {
				t.Errorf("warnings %q lack %s", in.Warnings, c.warning)
			}
		})
	}
	if in := through(t, pass+"From: agent@hub-staff.test\r\n"+fwd, func(d *mailbox.Door) { d.Forwards = false }); in.Forwarded {
		t.Error("forwards are switched off (MAIL I40)")
	}
}

// Our own marks, wherever they come back: MAIL I30, I32, I33 and FIELD 3.4.
func TestMarks(t *testing.T) {
	address, _ := tokens.ReplyAddress("support", "hub.test", ticketA, "ann@cust.test")
	id, _ := tokens.MessageID(ticketA, messageA, "hub.test")
	body, _ := tokens.BodyMark(ticketA)
	bounce, _ := tokens.BounceAddress("support", "hub.test", messageA)
	envid, _ := tokens.EnvelopeID(messageA)
	other := mail.Tokens{Key: []byte("another instance's key 012345678")}
	foreign, _ := other.ReplyAddress("support", "hub.test", ticketA, "ann@cust.test")
	foreignID, _ := other.MessageID(ticketA, messageA, "hub.test")
	const from = "From: ann@cust.test\r\n"
	dsn := func(envid, returned string) string {
		return "From: MAILER-DAEMON@cust.test\r\nReturn-Path: <>\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=r\r\n\r\n--r\r\n\r\nsorry\r\n--r\r\n" +
			"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.cust.test\r\nOriginal-Envelope-Id: " + envid +
			"\r\n\r\nFinal-Recipient: rfc822; ann@cust.test\r\nAction: failed\r\nStatus: 5.1.1\r\n--r\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <" + returned + ">\r\n--r--\r\n"
	}
	arf := "From: fbl@isp.test\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=r\r\n\r\n--r\r\n\r\nabuse\r\n--r\r\n" +
		"Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nOriginal-Mail-From: <" + bounce + ">\r\n--r--\r\n"
	for name, c := range map[string]struct {
		raw                   string
		reply, signed, quoted events.TicketID
		bounced               events.OutboundID
	}{
		"reply address":                    {from + "To: " + address + "\r\n\r\nx", ticketA, "", "", ""},
		"in Delivered-To, Bcc (I23)":       {"Delivered-To: " + address + "\r\n" + from + "\r\nx", ticketA, "", "", ""},
		"Message-ID, In-Reply-To":          {from + "In-Reply-To: <" + id + ">\r\n\r\nx", "", ticketA, "", ""},
		"Message-ID, far back (I33)":       {from + "References: <" + id + "> <a@b> <c@d>\r\nIn-Reply-To: <c@d>\r\n\r\nx", "", ticketA, "", ""},
		"quoted text":                      {from + "\r\nThanks\r\n> " + body + "\r\n", "", "", ticketA, ""},
		"quoted text, HTML alone":          {from + "Content-Type: text/html\r\n\r\n<p>Thanks</p><span style=\"display:none\">" + body + "</span>", "", "", ticketA, ""},
		"another instance's (FIELD 3.4)":   {from + "To: " + foreign + "\r\nIn-Reply-To: <" + foreignID + ">\r\n\r\n" + foreign, "", "", "", ""},
		"guessed (FIELD 3.3)":              {from + "To: support+t1234@hub.test\r\nIn-Reply-To: <t1.2.3@hub.test>\r\n\r\nx", "", "", "", ""},
		"bounce by address":                {"To: " + bounce + "\r\n" + dsn("none", "x@y"), "", "", "", messageA},
		"bounce by ENVID":                  {dsn(envid, "x@y"), "", "", "", messageA},
		"bounce by a bare id (FIELD 3.11)": {dsn(messageA, "x@y"), "", "", "", ""},
		"bounce with our Message-ID":       {dsn("none", id), "", ticketA, "", ""},
		"complaint":                        {arf, "", "", "", messageA},
	} {
		t.Run(name, func(t *testing.T) {
			in := through(t, c.raw)
			got := []string{string(in.ReplyTicket), string(in.SignedTicket), string(in.QuotedTicket), string(in.Bounced)}
			if diff := cmp.Diff([]string{string(c.reply), string(c.signed), string(c.quoted), string(c.bounced)}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FIELD 3.7, MAIL I37: codes are flagged where they come from machines or to a
// ticket's address, and nowhere else.
func TestOneTimeCodeIsFlagged(t *testing.T) {
	address, _ := tokens.ReplyAddress("support", "hub.test", ticketA, "ann@cust.test")
	const text = "\r\nYour verification code is 123456\r\n"
	for raw, want := range map[string]bool{
		"From: noreply@shop.test\r\n" + text:                             true,
		"From: login@shop.test\r\nTo: " + address + "\r\n" + text:        true,
		"From: x@shop.test\r\nAuto-Submitted: auto-generated\r\n" + text: true,
		"From: ann@cust.test\r\n" + text:                                 false,
		"From: noreply@shop.test\r\n\r\nYour parcel is on its way":       false,
	} {
		if got := slices.Contains(through(t, raw).Warnings, "one_time_code"); got != want {
			t.Errorf("%q: %v", raw, got)
		}
	}
}

// FIELD 2.22: what agents sent from a mail program is a message to its recipient;
// what the hub sent itself is left out.
func TestSentFolder(t *testing.T) {
	id, _ := tokens.MessageID(ticketA, messageA, "hub.test")
	d, taken := newDoor(func(d *mailbox.Door) { d.Sent = true })
	err := d.Mails(t.Context(), []mailbox.Fetched{
		{UIDValidity: 7, UID: 1, Raw: []byte("From: support@hub.test\r\nTo: ann@cust.test\r\nMessage-ID: <" + id + ">\r\n\r\nours")},
		{UIDValidity: 7, UID: 2, Raw: []byte("From: support@hub.test\r\nTo: Ann <ann@cust.test>, bob@cust.test\r\nMessage-ID: <2@gmail.test>\r\nIn-Reply-To: <1@cust.test>\r\n\r\nhello")},
	})
	if err != nil || len(*taken) != 1 {
		t.Fatalf("%d taken, %v", len(*taken), err)
	}
	in := (*taken)[0]
	if in.Class != events.MailSent || in.Customer != "ann@cust.test" || !slices.Equal(in.Participants, []events.SubjectID{"bob@cust.test"}) || in.UID != 0 || !in.NoAnswer {
		t.Errorf("%+v", in)
	}
	if in.Inquiry == mailbox.InquiryID("support", 7, 2) {
		t.Error("the id is that of a mail in the inbox")
	}
}

// An answer that the server numbered before what it answers is handed on after it.
func TestOriginalsFirst(t *testing.T) {
	d, taken := newDoor()
	err := d.Mails(t.Context(), []mailbox.Fetched{
		{UIDValidity: 7, UID: 1, Raw: []byte("From: a@b.test\r\nMessage-ID: <2@b.test>\r\nReferences: <1@b.test>\r\n\r\nx")},
		{UIDValidity: 7, UID: 2, Raw: []byte("From: a@b.test\r\nMessage-ID: <1@b.test>\r\nReferences: <2@b.test>\r\n\r\nx")},
		{UIDValidity: 7, UID: 3, Raw: []byte("From: a@b.test\r\n\r\nx")},
	})
	if err != nil {
		t.Fatal(err)
	}
	var order []uint32
	for _, in := range *taken {
		order = append(order, in.UID)
	}
	if diff := cmp.Diff([]uint32{2, 1, 3}, order); diff != "" {
		t.Error(diff)
	}
}

// MAIL I12: a mail read once more is an inquiry of its own, the same each time.
func TestAgain(t *testing.T) {
	d, taken := newDoor()
	before := events.InquiryReceived{Inquiry: mailbox.InquiryID("support", 7, 1), UIDValidity: 7, UID: 1, Warnings: []string{"unreadable"}}
	f := mailbox.Fetched{UIDValidity: 7, UID: 1, Fault: mailbox.FaultUnreadable, Raw: []byte("From: ann@cust.test\r\nSubject: Here I am\r\n\r\nx")}
	for range 2 {
		if _, err := d.Again(t.Context(), before, f); err != nil {
			t.Fatal(err)
		}
	}
	in := (*taken)[0]
	if in.Inquiry == before.Inquiry || in.Inquiry != (*taken)[1].Inquiry || in.Again != before.Inquiry || in.UID != 0 || slices.Contains(in.Warnings, "unreadable") {
		t.Errorf("%+v", in)
	}
}

// MAIL I25: what cannot be shown is said, an invitation is summarised.
func TestLetterSaysWhatItHolds(t *testing.T) {
	in := through(t, "From: a@b.test\r\nContent-Type: multipart/encrypted; boundary=e; protocol=\"application/pgp-encrypted\"\r\n\r\n--e\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--e\r\nContent-Type: application/octet-stream\r\n\r\nsecret\r\n--e--\r\n")
	l := in.Letter.Value()
	if !strings.Contains(l.Text, "encrypted") || len(l.Attachments) != 2 {
		t.Errorf("%+v", l)
	}
	in = through(t, "From: a@b.test\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Tea\r\nDTSTART:20260302T100000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
	if f := in.Letter.Value().Fields; f["Invitation"] != "Tea" || f["From"] != "2026-03-02 10:00 UTC" || f["Kind"] != "REQUEST" {
		t.Errorf("%+v", f)
	}
}

// MAIL I38: a subject counts without what mail programs and lists put around it.
func TestBaseSubject(t *testing.T) {
	key := through(t, "From: a@b.test\r\nSubject: Broken kettle\r\n\r\nx").SubjectKey
	for _, s := range []string{"Re: Broken kettle", "AW: RE: broken  kettle [#12]", "[list] Fwd: Broken kettle", "Re[2]: Broken Kettle"} {
		if got := through(t, "From: a@b.test\r\nSubject: "+s+"\r\n\r\nx").SubjectKey; got != key {
			t.Errorf("%q: %s", s, got)
		}
	}
	if got := through(t, "From: a@b.test\r\nSubject: Invoice\r\n\r\nx").SubjectKey; got == key || got == "" {
		t.Errorf("another subject: %s", got)
	}
}

// MAIL I7: identity by content: the same mail fetched again is the same, a mail
// that borrows its Message-ID is not, and one without gets an id of its own.
func TestIdentity(t *testing.T) {
	a := through(t, "From: a@b.test\r\nMessage-ID: <1@b.test>\r\n\r\none")
	b := through(t, "From: a@b.test\r\nMessage-ID: <1@b.test>\r\n\r\ntwo")
	if a.MessageKey != b.MessageKey || a.ContentKey == b.ContentKey {
		t.Errorf("%s %s, %s %s", a.MessageKey, b.MessageKey, a.ContentKey, b.ContentKey)
	}
	none := through(t, "From: a@b.test\r\n\r\none")
	if none.MessageKey == "" || none.MessageKey == through(t, "From: a@b.test\r\n\r\ntwo").MessageKey {
		t.Errorf("without a Message-ID: %s", none.MessageKey)
	}
}
