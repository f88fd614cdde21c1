package mail_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/services/internal/mail"
)

// MAIL O11, I33: the conversation that Outlook goes by is read, named, and
// carried on by an answer; what is no index is none.
func TestThreadIndex(t *testing.T) {
	root := append([]byte{1, 0xd9, 1, 2, 3, 4}, strings.Repeat("g", 16)...)
	with := func(b []byte) string {
		return "From: a@b\nSubject: AW: Rechnung\nThread-Index: " + base64.StdEncoding.EncodeToString(b) + "\n\nx"
	}
	first := parse(with(root))
	answer := mail.ThreadFields(first.ThreadIndex(), first.ThreadTopic(), "1@hub.test")
	if len(answer) != 2 || answer[1] != (mail.Field{Name: "Thread-Topic", Value: "Rechnung"}) {
		t.Fatalf("fields %+v", answer)
	}
	b, err := base64.StdEncoding.DecodeString(answer[0].Value)
	if err != nil || len(b) != 27 || string(b[:22]) != string(root) || b[22] > 0x7f {
		t.Errorf("index of the answer: %x, %v", b, err)
	}
	if mail.Conversation(answer[0].Value) != string(root) {
		t.Error("the answer is in another conversation")
	}
	if diff := cmp.Diff(answer, mail.ThreadFields(first.ThreadIndex(), first.ThreadTopic(), "1@hub.test")); diff != "" {
		t.Error(diff)
	}
	long := append(append([]byte{}, root...), make([]byte, 60*5)...)
	if got := mail.ThreadFields(parse(with(long)).ThreadIndex(), "", "1@hub.test"); len(got) != 1 || len(got[0].Value) != 4*((len(long)+2)/3) {
		t.Errorf("a conversation that is long enough: %+v", got)
	}
	if got := parse("From: a@b\nThread-Topic: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n\nx").ThreadTopic(); got != "Grüße" {
		t.Errorf("topic %q", got)
	}
	for name, v := range map[string]string{
		"none": "", "short": "AAAA", "half a block": base64.StdEncoding.EncodeToString(append(root[:22:22], 1)),
		"endless": base64.StdEncoding.EncodeToString(make([]byte, 22+5*61)), "a line in it": "AQ==\r\nBcc: x@y",
	} {
		m := parse("From: a@b\nThread-Index: " + v + "\n\nx")
		if m.ThreadIndex() != "" || mail.ThreadFields(v, "topic", "1@hub.test") != nil {
			t.Errorf("%s: %q", name, m.ThreadIndex())
		}
	}
}
