package acceptance_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/westshore/hub/deploy/mailtest"
)

// letter is a mail that a customer writes.
type letter struct {
	from, to, subject, text string
	id                      string // bare; empty: a random one; "-": none
	references              []string
	headers                 []string // further lines
}

// mark returns a text that nothing else has.
func mark() string { return "mark" + strings.ToLower(rand.Text()[:12]) }

func (l *letter) raw() []byte {
	if l.id == "" {
		l.id = mark() + "@cust.test"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\n", l.from, l.to, l.subject, time.Now().Format(time.RFC1123Z))
	if l.id != "-" {
		fmt.Fprintf(&b, "Message-ID: <%s>\r\n", l.id)
	}
	if n := len(l.references); n > 0 {
		fmt.Fprintf(&b, "In-Reply-To: <%s>\r\nReferences: <%s>\r\n", l.references[n-1], strings.Join(l.references, ">\r\n <"))
	}
	for _, h := range l.headers {
		b.WriteString(h + "\r\n")
	}
	fmt.Fprintf(&b, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n", l.text)
	return b.Bytes()
}

// address is the bare address of a header value.
func address(t testing.TB, s string) string {
	t.Helper()
	a, err := mail.ParseAddress(s)
	if err != nil {
		t.Fatalf("address %q: %v", s, err)
	}
	return a.Address
}

// post sends a mail to a server, as the sender's own server does.
func post(t testing.TB, server string, l *letter) {
	t.Helper()
	if err := postRaw(server, address(t, l.from), address(t, l.to), l.raw()); err != nil {
		t.Fatalf("send to %s: %v", l.to, err)
	}
}

func postRaw(server, from, to string, raw []byte) error {
	c, err := smtp.Dial(server)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SendMail(from, []string{to}, bytes.NewReader(raw)); err != nil {
		return err
	}
	return c.Quit()
}

// inbox is where a customer reads mail.
type inbox struct{ imap, user, password string }

func (in inbox) mails(t testing.TB) (out []received) {
	t.Helper()
	all, err := mailtest.ReadFolder(in.imap, in.user, in.password, "INBOX")
	if err != nil {
		t.Logf("read inbox: %v", err)
		return nil
	}
	for _, m := range all {
		parsed, err := mail.ReadMessage(bytes.NewReader(m.Raw))
		if err != nil {
			t.Errorf("mail that the hub sent: %v", err)
			continue
		}
		out = append(out, received{parsed.Header, m.Raw})
	}
	return out
}

// received is a mail that arrived.
type received struct {
	mail.Header
	raw []byte
}

func (r received) id() string { return strings.Trim(r.Get("Message-ID"), "<>") }

// with waits for a mail that holds a text, and fails when there are two.
func (in inbox) with(t testing.TB, text string) (found received) {
	t.Helper()
	until(t, "a mail with "+text, func() (bool, string) {
		n, all := 0, in.mails(t)
		for _, m := range all {
			if bytes.Contains(m.raw, []byte(text)) {
				found, n = m, n+1
			}
		}
		if n > 1 {
			t.Fatalf("%d mails with %s", n, text)
		}
		return n == 1, fmt.Sprintf("%d other mails", len(all))
	})
	return found
}
