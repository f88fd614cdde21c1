package mail_test

import (
	"testing"

	"github.com/westshore/hub/services/internal/mail"
)

// Guards MAIL I40: only an attached mail, or a header block at the very top of
// the text, names the first author; a quoted header below is no forward.
func TestForwarded(t *testing.T) {
	const head = "From: Agent <agent@hub.test>\nSubject: "
	for name, c := range map[string]struct{ raw, want string }{
		"gmail":           {head + "Fwd: Help\n\n---------- Forwarded message ---------\nFrom: Carl C <carl@cust.test>\nDate: Mon, 2 Mar 2026\nSubject: Help\nTo: <agent@hub.test>\n\nplease\n", "carl@cust.test"},
		"outlook":         {head + "FW: Help\n\n________________________________\nFrom: Carl C <carl@cust.test>\nSent: Monday\nTo: Agent\nSubject: Help\n\nplease\n", "carl@cust.test"},
		"outlook, mailto": {head + "FW: Help\n\nFrom: Carl C [mailto:carl@cust.test]\nSent: Monday\nTo: Agent\nSubject: Help\n\nplease\n", "carl@cust.test"},
		"german":          {head + "WG: Hilfe\n\nVon: Carl <carl@cust.test>\nGesendet: Montag\nAn: Agent\nBetreff: Hilfe\n\nbitte\n", "carl@cust.test"},
		"apple":           {head + "Fwd: Help\n\nBegin forwarded message:\n\nFrom: Carl C <carl@cust.test>\nSubject: Help\nDate: 2 March 2026\nTo: agent@hub.test\n\nplease\n", "carl@cust.test"},
		"date first":      {head + "Fwd: Help\n\nDate: Monday\nFrom: Carl <carl@cust.test>\nTo: a@hub.test\nSubject: Help\n\nplease\n", "carl@cust.test"},
		"text above":      {head + "Fwd: Help\n\nPlease look at this.\n\nFrom: Carl <carl@cust.test>\nSent: Monday\nTo: Agent\nSubject: Help\n\nplease\n", ""},
		"not marked":      {head + "Re: Help\n\nFrom: Carl <carl@cust.test>\nSent: Monday\nTo: Agent\nSubject: Help\n\nplease\n", ""},
		"one line alone":  {head + "Fwd: Help\n\nFrom: Carl <carl@cust.test>\nhello\n", ""},
		"no address":      {head + "Fwd: Help\n\nFrom: Carl\nSent: Monday\nTo: Agent\nSubject: Help\n\n", ""},
		"attached":        {string(read(t, "78-forward-attached")), "carl@cust.test"},
		"attached report": {string(read(t, "41-dsn")), ""},
	} {
		a, ok := parse(c.raw).Forwarded()
		if a.Address != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q %v, want %q", name, a.Address, ok, c.want)
		}
	}
}

// Guards FIELD 3.7 and MAIL I37.
func TestOneTimeCode(t *testing.T) {
	for text, want := range map[string]bool{
		"Your verification code is 123456": true, "Please confirm your email address": true, "Verify your account": true, "Reset your password": true,
		"Dein Bestätigungscode: 4711": true, "Votre code de vérification": true, "验证码 123456": true, "Here is your magic link": true,
		"I forgot what I ordered": false, "My postal code is 12345": false, "Please confirm the order": false, "the code in my program fails": false,
	} {
		if got := parse("From: a@b.example\nSubject: x\n\n" + text + "\n").OneTimeCode(); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// Guards MAIL I33: a mark in the quoted text names its ticket, a forged one does not.
func TestBodyMark(t *testing.T) {
	mark, err := key.BodyMark(idA)
	if err != nil {
		t.Fatal(err)
	}
	foreign, _ := other.BodyMark(idA)
	address, _ := key.ReplyAddress("support", "hub.test", idB, "x@y.example")
	for name, c := range map[string]struct{ text, want string }{
		"mark":                {"Thanks\n\n> " + mark + "\n", idA},
		"mark in HTML":        {`<div style="display:none">` + mark + "</div>", idA},
		"reply address":       {"> From: Support <" + address + ">\n", idB},
		"first one counts":    {address + " then " + mark, idB},
		"of another instance": {foreign, ""},
		"cut":                 {mark[:len(mark)-2], ""},
		"nothing":             {"a ref: in prose, support+tickets@hub.test", ""},
	} {
		id, ok := key.FindMark(c.text)
		if id != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q %v", name, id, ok)
		}
	}
	if id, ok := (mail.Tokens{}).FindMark(mark); ok {
		t.Errorf("without a key: %q", id)
	}
}

// An ENVID of ours is a mark; a bare id is none (MAIL I30).
func TestEnvelopeID(t *testing.T) {
	id, err := key.EnvelopeID(idA)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := key.ParseEnvelopeID(id); !ok || got != idA {
		t.Errorf("%q %v", got, ok)
	}
	bounce, _ := key.BounceAddress("b", "hub.test", idA)
	for _, s := range []string{idA, "", id + "a", bounce, "b" + id} {
		if got, ok := key.ParseEnvelopeID(s); ok {
			t.Errorf("%q is believed: %q", s, got)
		}
	}
	if _, ok := other.ParseEnvelopeID(id); ok {
		t.Error("another instance believes it")
	}
}
