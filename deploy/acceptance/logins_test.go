package acceptance_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/westshore/hub/deploy/mailtest"
)

// Mailboxes whose login is refused say so and disturb no other; XOAUTH2 works
// with a token that is good.
func TestLogins(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	const box = `
[[mailbox]]
id = %q
address = %q
user = %q
host = "localhost"
port = %d
tls = "starttls"
ca_file = %q
`
	more := fmt.Sprintf(box+"token_file = %q\n", "sales", "sales@hub.test", "sales@hub.test", o.mail.IMAP, o.mail.CAFile(), o.file("token")) +
		fmt.Sprintf(box+"token_file = %q\n", "old-token", "old@hub.test", "sales@hub.test", o.mail.IMAP, o.mail.CAFile(), o.file("expired")) +
		fmt.Sprintf(box+"password_file = %q\n", "wrong", "wrong@hub.test", "bounces@hub.test", o.mail.IMAP, o.mail.CAFile(), o.file("wrong"))
	o.secret("token", mailtest.Token("sales@hub.test", time.Hour)+"\n")
	o.secret("expired", mailtest.Token("sales@hub.test", -time.Hour))
	o.secret("wrong", "not the password, but a secret")
	o.extend(more)
	o.start()
	o.hire()

	for _, to := range []string{"support@hub.test", "sales@hub.test"} {
		l := &letter{from: "alice@cust.test", to: to, subject: "Hello " + mark(), text: mark()}
		post(t, o.mx(), l)
		o.ticketWith(l.subject)
	}
	want := map[string]string{"support": "idle", "sales": "idle", "old-token": "auth_failed", "wrong": "auth_failed"}
	until(t, "two mailboxes that work and two that are refused", func() (bool, string) {
		var page struct{ Items []mailboxState }
		if err := o.call("GET", "/mailboxes", nil, &page); err != nil {
			return false, err.Error()
		}
		ok := true
		for _, m := range page.Items {
			ok = ok && m.State == want[m.ID]
			if m.State == "auth_failed" && m.LastError == "" {
				t.Errorf("mailbox %s does not say why", m.ID)
			}
		}
		return ok, fmt.Sprint(page.Items)
	})
	var page struct{ Items []mailboxState }
	if err := o.call("GET", "/mailboxes", nil, &page); err != nil {
		t.Fatal(err)
	}
	for _, m := range page.Items {
		t.Logf("%s: %s %s", m.ID, m.State, m.LastError)
	}
	o.stop(t)

	out := o.run(1, "check")
	_, connections, _ := strings.Cut(out, "\n\n")
	t.Logf("hub check:\n%s", connections)
	for _, line := range []string{"mailbox support", "mailbox sales", "smtp"} {
		if got := word(t, connections, "\n"+line+" "); !strings.HasSuffix(got, "ok") {
			t.Errorf("hub check says of %s: %s", line, got)
		}
	}
	for _, line := range []string{"mailbox old-token", "mailbox wrong"} {
		if got := word(t, connections, "\n"+line+" "); strings.HasSuffix(got, "ok") || got == "" {
			t.Errorf("hub check says of %s: %s", line, got)
		}
	}
	if log := tail(o.logFile(), 1000); strings.Contains(log+out, "not the password") || strings.Contains(log+out, mailtest.Token("", 0)[:36]+".") {
		t.Error("a secret is in the log or on the screen")
	}
}
