package notifier_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/westshore/hub/deploy/mailtest"
	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/services/notifier"
)

// keys makes an rsa and an ed25519 key of a domain, and what DNS says of them.
func keys(t *testing.T, domain string) (*notifier.Signer, func(string) ([]string, error)) {
	t.Helper()
	var list []notifier.SigningKey
	records := map[string]string{}
	for _, algorithm := range []string{"rsa", "ed25519"} {
		text, err := notifier.NewSigningKey(algorithm)
		if err != nil {
			t.Fatal(err)
		}
		key, err := notifier.ParseSigningKey(text)
		if err != nil {
			t.Fatal(err)
		}
		k := notifier.SigningKey{Domain: domain, Selector: "hub-" + algorithm, Key: key}
		name, value, err := k.Record()
		if err != nil {
			t.Fatal(err)
		}
		records[name] = value
		list = append(list, k)
	}
	s, err := notifier.NewSigner(list)
	if err != nil {
		t.Fatal(err)
	}
	return s, func(name string) ([]string, error) {
		if v, ok := records[name]; ok {
			return []string{v}, nil
		}
		return nil, fmt.Errorf("no record at %s", name)
	}
}

// valid counts the signatures of a message and those that hold.
func valid(t *testing.T, raw []byte, lookup func(string) ([]string, error)) (all, good int) {
	t.Helper()
	list, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: lookup})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		if v.Err == nil {
			good++
		}
	}
	return len(list), good
}

// TestO15SignedTwiceAndOversigned: both signatures hold, and none of them when a
// field is changed, or added a second time.
func TestO15SignedTwiceAndOversigned(t *testing.T) {
	signer, lookup := keys(t, "hub.test")
	raw := []byte("From: Hub <support@hub.test>\r\nTo: ada@cust.test\r\nSubject: Help\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n" +
		"Message-ID: <1@hub.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nHello\r\n")
	signed, err := signer.Sign("support@hub.test", raw)
	if err != nil {
		t.Fatal(err)
	}
	if all, good := valid(t, signed, lookup); all != 2 || good != 2 {
		t.Fatalf("%d of %d signatures hold, want 2 of 2", good, all)
	}
	for _, field := range []string{"From: evil@evil.test", "Subject: other", "Reply-To: evil@evil.test", "Cc: x@y.test", "List-Unsubscribe: <https://evil.test>"} {
		if _, good := valid(t, append([]byte(field+"\r\n"), signed...), lookup); good != 0 {
			t.Errorf("with a further %q %d signatures hold", field, good)
		}
	}
	if _, good := valid(t, bytes.Replace(signed, []byte("Hello"), []byte("Hullo"), 1), lookup); good != 0 {
		t.Error("a changed body passes")
	}
	if other, err := signer.Sign("x@other.test", raw); err != nil || !bytes.Equal(other, raw) {
		t.Error("a domain without keys is signed")
	}
}

// TestO15SignaturesSurviveARealWay: what Postfix took and Dovecot keeps still
// holds; and the same bytes go out on every attempt (O1). It also follows the
// envelope's signed bounce address and id (O5) and a report of failure back to us.
func TestO15SignaturesSurviveARealWay(t *testing.T) {
	system := mailtest.Run(t)
	p := openPost(t)
	signer, lookup := keys(t, "hub.test")
	p.tune = func(all *parts) { all.clerk.Signer = signer }
	stop := p.run("one", notifier.RelayConfig{Host: "127.0.0.1", Port: system.MX, TLS: "none", Timeout: 5 * time.Second})
	defer stop()
	msg := p.write("alice@cust.test")
	p.await(msg, outbox.Accepted, 1)
	raw := arrives(t, system, "alice@cust.test", string(msg))
	if all, good := valid(t, raw, lookup); all != 2 || good != 2 {
		t.Errorf("%d of %d signatures hold after the way", good, all)
	}
	lost := p.write("gone@cust.test") // accepted, and bounced by a real MTA
	item := p.await(lost, outbox.Accepted, 1)[0]
	report := arrives(t, system, "support@hub.test", "Original-Envelope-Id: "+parcel(p, item.ID).EnvID)
	if !strings.Contains(string(report), "Action: failed") {
		t.Error("the report is none")
	}
	want := "Delivered-To: " + strings.SplitN(parcel(p, item.ID).MailFrom, "@", 2)[0]
	if !strings.Contains(string(report), want) && !strings.Contains(string(report), strings.TrimPrefix(want, "Delivered-To: ")) {
		t.Errorf("the report came to another address than the signed one")
	}
}

// parcel is the frozen envelope of a message.
func parcel(p *post, id events.OutboundID) events.Parcel {
	p.t.Helper()
	as := events.Principal{Actor: "system:test", Role: events.RoleOutbox, Purpose: events.PurposeSupport}
	history, err := p.Journal.Load(p.t.Context(), events.OutboundStream(id), &as)
	if err != nil {
		p.t.Fatal(err)
	}
	return history[0].Event.(events.MessageQueued).Parcel.Value()
}

// arrives waits for a mail that holds a text.
func arrives(t *testing.T, system *mailtest.System, user, text string) []byte {
	t.Helper()
	for end := time.After(20 * time.Second); ; {
		mails, err := system.Read(user, "INBOX")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mails {
			if strings.Contains(string(m.Raw), text) {
				return m.Raw
			}
		}
		select {
		case <-end:
			t.Fatalf("no mail with %q came to %s", text, user)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
