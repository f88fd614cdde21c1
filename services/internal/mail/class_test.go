package mail_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/services/internal/mail"
)

// Guards MAIL I26: each rung, what stands above it wins, and one weak sign alone
// decides nothing.
func TestClassify(t *testing.T) {
	own := mail.OwnAddresses{Addresses: []string{"Support@hub.test"}, Tokens: key}
	mark, err := key.LoopMark(idA)
	if err != nil {
		t.Fatal(err)
	}
	foreign, _ := other.LoopMark(idA)
	reply, _ := key.ReplyAddress("support", "hub.test", idA, "x@y")
	const person = "From: Ann <ann@example.org>\nSubject: Help\n"
	for name, c := range map[string]struct {
		header string
		class  mail.Class
		rule   string
	}{
		"person":                      {person, mail.ClassHuman, "no_rule"},
		"loop mark":                   {person + "X-Hub-Loop: " + mark + "\nList-Id: <x>\n", mail.ClassLoop, "loop_mark"},
		"loop mark of another hub":    {person + "X-Hub-Loop: " + foreign + "\n", mail.ClassHuman, "no_rule"},
		"from ourselves":              {"From: support@HUB.test\n", mail.ClassLoop, "from_own_address"},
		"from our token address":      {"From: " + reply + "\n", mail.ClassLoop, "from_own_address"},
		"own name at another domain":  {"From: support@other.test\n", mail.ClassHuman, "no_rule"},
		"auto submitted":              {person + "Auto-Submitted: auto-generated\n", mail.ClassAutoReply, "auto_submitted"},
		"auto submitted with comment": {person + "Auto-Submitted: auto-replied (vacation)\n", mail.ClassAutoReply, "auto_submitted"},
		"auto submitted no":           {person + "Auto-Submitted: no\n", mail.ClassHuman, "no_rule"},
		"x-autoreply":                 {person + "X-Autoreply: yes\n", mail.ClassAutoReply, "auto_header"},
		"precedence auto":             {person + "Precedence: auto_reply\n", mail.ClassAutoReply, "precedence_auto"},
		"out of office":               {"From: a@b.example\nSubject: Automatic reply: Help\nX-Auto-Response-Suppress: All\n", mail.ClassAutoReply, "out_of_office_subject"},
		"exchange suppresses, person": {person + "X-Auto-Response-Suppress: DR, OOF, AutoReply\n", mail.ClassHuman, "no_rule"},
		"out of office by name only":  {"From: a@b.example\nSubject: Out of office hours?\n", mail.ClassHuman, "no_rule"},
		"null return path alone":      {"Return-Path: <>\n" + person, mail.ClassAutoReply, "null_return_path"},
		"postmaster writes himself":   {"From: Bob <postmaster@example.org>\nSubject: our server\n", mail.ClassHuman, "no_rule"},
		"bounce subject alone":        {"From: a@b.example\nSubject: Undelivered Mail Returned to Sender\n", mail.ClassHuman, "no_rule"},
		"answer about a bounce":       {"From: postmaster@b.example\nSubject: Re: Undelivered Mail Returned to Sender\n", mail.ClassHuman, "no_rule"},
		"sender and subject":          {"From: MAILER-DAEMON@b.example\nSubject: Mail delivery failed: returning message\n", mail.ClassBounce, "two_bounce_signs"},
		"null path and sender":        {"Return-Path: <>\nFrom: Mail Delivery System <postmaster@b.example>\nSubject: x\n", mail.ClassBounce, "two_bounce_signs"},
		"failed recipients":           {person + "X-Failed-Recipients: x@cust.test\n", mail.ClassBounce, "failed_recipients"},
		"list id":                     {person + "List-Id: <l.example.org>\n", mail.ClassList, "list_id"},
		"list unsubscribe":            {person + "List-Unsubscribe: <mailto:x@y.example>\n", mail.ClassList, "list_unsubscribe"},
		"bulk":                        {person + "Precedence: bulk\n", mail.ClassList, "precedence_bulk"},
		"no author":                   {"Subject: hello\n", mail.ClassHuman, "no_rule"},
	} {
		t.Run(name, func(t *testing.T) {
			class, rule := mail.Classify(parse(c.header+"\nbody\n"), own)
			if class != c.class || rule != c.rule {
				t.Errorf("got %s by %s, want %s by %s", class, rule, c.class, c.rule)
			}
		})
	}
}

// Guards MAIL I30 and I31.
func TestReports(t *testing.T) {
	m := mail.Parse(read(t, "41-dsn"), mail.Options{})
	want := &mail.Bounce{
		Standard: true, ReportingMTA: "mx.hub.test", EnvelopeID: "out-77", MessageID: "tabc.def.ghi@hub.test",
		Recipients: []mail.BounceRecipient{
			{Original: "Nobody@cust.test", Final: "nobody@cust.test", Action: "failed", Status: "5.1.1", Diagnostic: "550 5.1.1 <nobody@cust.test>: no such user"},
			{Final: "slow@cust.test", Action: "delayed", Status: "4.2.2"},
		},
	}
	if diff := cmp.Diff(want, m.Bounce); diff != "" {
		t.Error(diff)
	}
	m = mail.Parse(read(t, "42-bounce-loose"), mail.Options{})
	want = &mail.Bounce{MessageID: "tabc.def.ghi@hub.test", Recipients: []mail.BounceRecipient{{Final: "gone@cust.test", Status: "5.1.1"}}}
	if diff := cmp.Diff(want, m.Bounce); diff != "" {
		t.Error(diff)
	}
	m = mail.Parse(read(t, "43-arf"), mail.Options{})
	if diff := cmp.Diff(&mail.Complaint{Type: "abuse", Recipient: "angry@isp.example", Sender: "bounces+bxyz@hub.test", MessageID: "digest9@hub.test"}, m.Complaint); diff != "" {
		t.Error(diff)
	}
	m = mail.Parse(read(t, "44-mdn"), mail.Options{})
	if diff := cmp.Diff(&mail.Receipt{MessageID: "out5@hub.test", Recipient: "ann@example.org", Disposition: "displayed"}, m.Receipt); diff != "" {
		t.Error(diff)
	}
	if m := mail.Parse(read(t, "01-plain"), mail.Options{}); m.Bounce != nil || m.Complaint != nil || m.Receipt != nil {
		t.Error("an ordinary mail carries a report")
	}
}

// Guards MAIL I27.
func TestSuppressesAutoReply(t *testing.T) {
	for v, want := range map[string]bool{"All": true, "DR, AutoReply": true, "OOF": true, "DR, RN": false, "": false} {
		if got := parse("X-Auto-Response-Suppress: " + v + "\n\n").SuppressesAutoReply(); got != want {
			t.Errorf("%q = %v", v, got)
		}
	}
}
