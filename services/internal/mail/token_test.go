package mail_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/westshore/hub/services/internal/mail"
)

var (
	key    = mail.Tokens{Key: []byte("0123456789abcdef0123456789abcdef")}
	other  = mail.Tokens{Key: []byte("fedcba9876543210fedcba9876543210")}
	idA    = "0190a1b2c3d47e5f8a9b0c1d2e3f4a5b"
	idB    = "0190a1b2c3d47e5f8a9b0c1d2e3f4a5c"
	hexID  = rapid.StringMatching(`[0-9a-f]{32}`)
	locals = rapid.StringMatching(`[a-z][a-z0-9.-]{0,15}[a-z0-9]`)
)

// Guards MAIL I32 and FIELD 3, cases 2 to 4.
func TestReplyAddress(t *testing.T) {
	addr, err := key.ReplyAddress("support", "hub.test", idA, "ann@example.org")
	if err != nil {
		t.Fatal(err)
	}
	local, _, _ := strings.Cut(addr, "@")
	if len(local) > 64 || !strings.HasPrefix(addr, "support+t") || !strings.HasSuffix(addr, "@hub.test") {
		t.Errorf("address %q, local part of %d octets", addr, len(local))
	}
	for _, form := range []string{addr, strings.ToUpper(addr), "Support+T" + addr[9:]} {
		token, ok := key.ParseReplyAddress(form)
		if !ok || token.TicketID != idA {
			t.Errorf("%q gives %v %v", form, token, ok)
		}
		if !key.IssuedTo(token, "Ann@Example.org") || key.IssuedTo(token, "eve@example.org") {
			t.Error("the token does not know its recipient")
		}
	}
	if _, ok := other.ParseReplyAddress(addr); ok {
		t.Error("another instance took the token")
	}
	if _, ok := (mail.Tokens{}).ParseReplyAddress(addr); ok {
		t.Error("an instance without key took the token")
	}
	if _, ok := key.ParseBounceAddress(addr); ok {
		t.Error("a reply token passed as a bounce token")
	}
	for _, bad := range []string{"", "support@hub.test", "support+t@hub.test", "support+x" + addr[9:], "support+" + addr[9:], addr[:30] + addr[31:]} {
		if _, ok := key.ParseReplyAddress(bad); ok {
			t.Errorf("%q was taken", bad)
		}
	}
	if _, err := key.ReplyAddress(strings.Repeat("a", 18), "hub.test", idA, ""); err == nil {
		t.Error("a local part over 64 octets was made")
	}
	if _, err := key.ReplyAddress("support", "hub.test", "42", ""); err == nil {
		t.Error("a bad id was taken")
	}
}

// Changing any sign of a mark spoils it, whatever it is.
// Guards MAIL I32, FIELD 3.4.
func TestMarksCannotBeChanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ticket, msg, local := hexID.Draw(t, "ticket"), hexID.Draw(t, "msg"), locals.Draw(t, "local")
		reply, err := key.ReplyAddress(local, "hub.test", ticket, "a@b.example")
		if err != nil {
			t.Fatal(err)
		}
		bounce, _ := key.BounceAddress(local, "hub.test", ticket)
		id, _ := key.MessageID(ticket, msg, "hub.test")
		mark, _ := key.LoopMark(msg)
		if tok, ok := key.ParseReplyAddress(reply); !ok || tok.TicketID != ticket {
			t.Fatal("reply address does not come back")
		}
		if out, ok := key.ParseBounceAddress(bounce); !ok || out != ticket {
			t.Fatal("bounce address does not come back")
		}
		if a, b, ok := key.VerifyMessageID("<" + id + ">"); !ok || a != ticket || b != msg {
			t.Fatal("message id does not come back")
		}
		if !key.VerifyLoopMark(mark) {
			t.Fatal("loop mark does not come back")
		}
		at := rapid.IntRange(0, 41).Draw(t, "at")
		with := rapid.SampledFrom([]byte("abcdefghijklmnopqrstuvwxyz234567")).Draw(t, "with")
		if _, ok := key.ParseReplyAddress(change(reply, len(local)+2+at, with)); ok {
			t.Fatal("changed reply token was taken")
		}
		if _, ok := key.ParseBounceAddress(change(bounce, len(local)+2+at, with)); ok {
			t.Fatal("changed bounce token was taken")
		}
		if _, _, ok := key.VerifyMessageID(change(id, 1+at, with)); ok {
			t.Fatal("changed message id was taken")
		}
		if key.VerifyLoopMark(change(mark, at, with)) {
			t.Fatal("changed loop mark was taken")
		}
	})
}

// change replaces one sign by a different one.
func change(s string, i int, c byte) string {
	b := []byte(s)
	if b[i] == c {
		c = 'a' + (c-'a'+1)%26
		if b[i] >= '2' && b[i] <= '7' {
			c = 'a'
		}
	}
	b[i] = c
	return string(b)
}

// Guards MAIL I32, FIELD 3.3.
func TestMessageID(t *testing.T) {
	id, err := key.MessageID(idA, idB, "hub.test")
	if err != nil {
		t.Fatal(err)
	}
	if a, b, ok := other.VerifyMessageID(id); ok {
		t.Errorf("another instance took %s %s", a, b)
	}
	for _, bad := range []string{"", "@", "t@hub.test", "t..@hub.test", "t1.2.3@hub.test", strings.Replace(id, ".", "", 1), strings.Split(id, "@")[0], id[1:]} {
		if _, _, ok := key.VerifyMessageID(bad); ok {
			t.Errorf("%q was taken", bad)
		}
	}
	if len(id) > 200 {
		t.Errorf("id of %d bytes", len(id))
	}
	if _, err := key.MessageID("1", idB, "hub.test"); err == nil {
		t.Error("a bad id was taken")
	}
}

// The layouts are durable: marks made long ago must be read.
func TestMarksStayReadable(t *testing.T) {
	reply, _ := key.ReplyAddress("support", "hub.test", idA, "ann@example.org")
	bounce, _ := key.BounceAddress("bounces", "hub.test", idA)
	id, _ := key.MessageID(idA, idB, "hub.test")
	mark, _ := key.LoopMark(idA)
	for got, want := range map[string]string{reply: goldenReply, bounce: goldenBounce, id: goldenID, mark: goldenMark} {
		if got != want {
			t.Errorf("layout changed: %s, want %s", got, want)
		}
	}
}

const (
	goldenReply  = "support+tagikdmwd2r7f7cu3bqos4p2klpcbmqu25o4ak5ty5idnm@hub.test"
	goldenBounce = "bounces+bagikdmwd2r7f7cu3bqos4p2klovz775waj6rnmjjhm@hub.test"
	goldenID     = "tagikdmwd2r7f7cu3bqos4p2klm.agikdmwd2r7f7cu3bqos4p2klq.5i75aq3hvyatzfa5@hub.test"
	goldenMark   = "agikdmwd2r7f7cu3bqos4p2klngbrikqaemfesq4lq"
)
