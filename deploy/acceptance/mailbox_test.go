package acceptance_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/westshore/hub/deploy/mailtest"
)

// What the API says of a mailbox and of a comparison with its server.
type (
	health struct {
		mailboxState
		Quarantined int
		Access      struct {
			Connected bool
			EndsAt    *time.Time `json:"ends_at"`
			Warning   string
		}
		Sent struct {
			State     string
			LastError string `json:"last_error"`
		}
	}
	reconciliation struct {
		Server, Held, Gone, Missing, Fetched int
		Quarantined                          []struct {
			Reason string
			Count  int
		}
	}
)

// TestMailboxes is the health of three mailboxes on a real server: one with a
// folder of sent mail, one reached with OAuth 2, and one that is sick all along
// and stops nobody.
func TestMailboxes(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	access := authorisation(t)
	o.secret("wrong", "not the password")
	o.secret("client", "secret")
	o.configureMailboxes(access.URL)
	o.start()
	o.hire()
	t.Run("a sick mailbox is seen and stops nobody", func(t *testing.T) { testSick(t, o.on(t)) })
	t.Run("connecting with OAuth 2", func(t *testing.T) { testConnect(t, o.on(t)) })
	t.Run("sent from a mail program", func(t *testing.T) { testSent(t, o.on(t)) })
	o.stop(t)
	shut := dropWhileAway(t, o)
	o.start()
	t.Run("a gap, a large and an unreadable mail", func(t *testing.T) { testGap(t, o.on(t), shut) })
	t.Run("moved and deleted on the server", func(t *testing.T) { testMovedAway(t, o.on(t)) })
	t.Run("released and discarded", func(t *testing.T) { testJudged(t, o.on(t)) })
	o.stop(t)
}

func (o *office) configureMailboxes(access string) {
	box := func(id, more string) string {
		return fmt.Sprintf("[[mailbox]]\nid = %q\naddress = \"%[1]s@hub.test\"\nhost = \"localhost\"\nport = %d\ntls = \"implicit\"\nca_file = %q\n%s\n", id, o.mail.IMAPS, o.mail.CAFile(), more)
	}
	o.configure("[desk]\nacknowledge = false\n" + fmt.Sprintf("[smtp]\nhost = \"localhost\"\nport = %d\ntls = \"starttls\"\nundo = \"100ms\"\nca_file = %q\nuser = \"support@hub.test\"\npassword_file = %q\n",
		o.mail.Submission, o.mail.CAFile(), o.file("password")) +
		box("support", fmt.Sprintf("sent = \"Sent\"\npassword_file = %q", o.file("password"))) +
		box("sales", fmt.Sprintf("oauth = \"custom\"\noauth_client_id = \"hub\"\noauth_client_secret_file = %q\noauth_secret_ends = %q\noauth_auth_url = \"%s/authorize\"\noauth_token_url = \"%[3]s/token\"\noauth_scopes = [\"mail\"]",
			o.file("client"), time.Now().AddDate(0, 0, 10).Format(time.DateOnly), access)) +
		box("bounces", fmt.Sprintf("password_file = %q", o.file("wrong"))))
}

// authorisation is an OAuth 2 server whose tokens Dovecot believes.
func authorisation(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		back := r.FormValue("redirect_uri") + "?" + url.Values{"state": {r.FormValue("state")}, "code": {"agreed"}}.Encode()
		http.Redirect(w, r, back, http.StatusFound)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("client_secret") != "secret" || r.FormValue("grant_type") == "authorization_code" && r.FormValue("code") != "agreed" {
			http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": mailtest.Token("sales@hub.test", time.Hour), "refresh_token": "again", "expires_in": 3600})
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// health is a mailbox as the console shows it.
func (o *office) health(id string) (found health) {
	o.t.Helper()
	var page struct{ Items []health }
	if err := o.call("GET", "/mailboxes", nil, &page); err != nil {
		o.t.Fatal(err)
	}
	i := slices.IndexFunc(page.Items, func(m health) bool { return m.ID == id })
	if i < 0 {
		o.t.Fatalf("no mailbox %s in %+v", id, page.Items)
	}
	return page.Items[i]
}

// MAIL I10, FIELD 2.28.
func testSick(t *testing.T, o *office) {
	ask := &letter{from: "alice@cust.test", to: "support@hub.test", subject: "Beside a sick one " + mark(), text: mark()}
	post(t, o.mx(), ask)
	o.ticketWith(ask.subject)
	until(t, "a mailbox that says its login fails", func() (bool, string) {
		sick := o.health("bounces")
		return sick.State == "auth_failed" && strings.Contains(sick.LastError, "login"), fmt.Sprintf("%+v", sick)
	})
	if well := o.health("support"); well.State != "idle" || well.LastError != "" {
		t.Errorf("the healthy mailbox: %+v", well)
	}
}

// FIELD 2.27: an administrator agrees once in the browser; that the client secret
// ends is said in good time.
func testConnect(t *testing.T, o *office) {
	if before := o.health("sales"); before.Access.Connected || before.Access.Warning == "" {
		t.Fatalf("before anybody agreed: %+v", before)
	}
	var begun struct{ URL string }
	if err := o.call("POST", "/mailboxes/sales/connect", map[string]any{}, &begun); err != nil {
		t.Fatal(err)
	}
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := browser.Get(begun.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	back, err := res.Location()
	if err != nil {
		t.Fatal(err)
	}
	code := map[string]any{"state": back.Query().Get("state"), "code": back.Query().Get("code")}
	if err := o.call("POST", "/mailboxes/connect", map[string]any{"state": "another", "code": "agreed"}, nil); err == nil {
		t.Error("an answer to nobody's question counts")
	}
	if err := o.call("POST", "/mailboxes/connect", code, nil); err != nil {
		t.Fatal(err)
	}
	if err := o.call("POST", "/mailboxes/connect", code, nil); err == nil {
		t.Error("the same answer counts twice")
	}
	ask := &letter{from: "bob@cust.test", to: "sales@hub.test", subject: "By token " + mark(), text: mark()}
	post(t, o.mx(), ask)
	o.ticketWith(ask.subject)
	if now := o.health("sales"); !now.Access.Connected || !strings.Contains(now.Access.Warning, "secret") {
		t.Errorf("connected, with a secret that ends in ten days: %+v", now.Access)
	}
}

// FIELD 2.22: an answer from a mail program is an answer in its ticket; what the
// hub sent itself, and what went to others, is not.
func testSent(t *testing.T, o *office) {
	ask := &letter{from: "alice@cust.test", to: "support@hub.test", subject: "Answered elsewhere " + mark(), text: mark()}
	post(t, o.mx(), ask)
	first := o.ticketWith(ask.subject)
	words := mark()
	if err := o.reply(first.ID, words, false); err != nil {
		t.Fatal(err)
	}
	own := o.inboxOf("alice@cust.test").with(t, words)
	before := len(must[[]ticket](o.hub)(list[ticket](o.hub, "/tickets?view=all")))
	stranger := &letter{from: "support@hub.test", to: "zed@cust.test", subject: "An offer", text: mark()}
	answer := &letter{from: "Maya <support@hub.test>", to: "alice@cust.test", subject: "Re: " + ask.subject, text: mark(), references: []string{ask.id}}
	for _, raw := range [][]byte{own.raw, stranger.raw(), answer.raw()} {
		if err := o.mail.Append("support@hub.test", "Sent", raw); err != nil {
			t.Fatal(err)
		}
	}
	got, m := o.messageIn(first.ID, answer.text)
	if m.Class != "sent" || got.LastKind != "reply" || got.Unverified {
		t.Errorf("the answer: %+v in %+v", m, got)
	}
	if n := o.count(words, stranger.text); n[words] != 0 || n[stranger.text] != 0 {
		t.Errorf("in messages that are no replies of ours: %v", n)
	}
	if after := len(must[[]ticket](o.hub)(list[ticket](o.hub, "/tickets?view=all"))); after != before {
		t.Errorf("%d tickets, before %d", after, before)
	}
	if s := o.health("support").Sent; s.State != "idle" || s.LastError != "" {
		t.Errorf("the folder of sent mail: %+v", s)
	}
}

// shutMail is what arrived while the hub was not there.
type shutMail struct {
	subjects []string
	large    string
	file     string // of the mail that the server cannot read
	poison   string // and its subject
}

const gap = 40

// dropWhileAway delivers while nobody looks: many mails, one that is too large to
// be read whole, and one that the server cannot give.
func dropWhileAway(t *testing.T, o *office) (a shutMail) {
	t.Helper()
	var mails [][]byte
	for range gap {
		l := &letter{from: mark() + "@cust.test", to: "support@hub.test", subject: "While away " + mark(), text: mark()}
		a.subjects, mails = append(a.subjects, l.subject), append(mails, l.raw())
	}
	a.large = "Large " + mark()
	huge := &letter{from: "bob@cust.test", to: "support@hub.test", subject: a.large, text: strings.Repeat(strings.Repeat("x", 76)+"\r\n", 51<<20/78)}
	if err := o.mail.Drop("support@hub.test", append(mails, huge.raw())...); err != nil {
		t.Fatal(err)
	}
	if _, err := o.mail.Read("support@hub.test", "INBOX"); err != nil { // Dovecot gives out the UIDs
		t.Fatal(err)
	}
	a.poison = a.subjects[gap/2]
	files, err := filepath.Glob(filepath.Join(o.mail.Dir, "mail/hub.test/support/*/*.mailtest,*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && strings.Contains(string(b[:min(len(b), 1000)]), a.poison) {
			a.file = f
		}
	}
	if err := os.Chmod(a.file, 0); err != nil {
		t.Fatal(err)
	}
	return a
}

// MAIL I4, I11, I12, FIELD 2.2, 2.4, 2.6.
func testGap(t *testing.T, o *office, a shutMail) {
	began := time.Now()
	var waiting quarantined
	until(t, "an unreadable mail in quarantine", func() (bool, string) {
		for _, q := range must[[]quarantined](o.hub)(list[quarantined](o.hub, "/quarantine?state=held")) {
			if waiting = q; q.Reason == "not_readable" {
				return true, ""
			}
		}
		return false, "none"
	})
	t.Logf("a fault to be seen after %v", time.Since(began).Round(time.Millisecond))
	for _, s := range a.subjects {
		if s != a.poison {
			o.ticketWith(s)
		}
	}
	if m := o.ticketWith(a.large).Messages[0]; !slices.Contains(m.Warnings, "oversize") {
		t.Errorf("a mail too large to be read whole: %v", m.Warnings)
	}
	if n := o.health("support").Quarantined; n != 1 {
		t.Errorf("%d quarantined, want 1", n)
	}
	var no *refusal
	if err := o.call("POST", "/quarantine/"+waiting.ID+"/retry", map[string]any{}, nil); !errors.As(err, &no) || no.status != 409 {
		t.Errorf("a retry of what cannot be read yet: %v", err)
	}
	if status := (&demoHub{hub: o.hub}).fetch(t, "/quarantine/"+waiting.ID+"/raw"); status != 404 {
		t.Errorf("the bytes of what was never read: %d", status)
	}
	if err := os.Chmod(a.file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := o.call("POST", "/quarantine/"+waiting.ID+"/retry", map[string]any{}, nil); err != nil {
		t.Fatal(err)
	}
	o.ticketWith(a.poison)
	if err := o.call("POST", "/quarantine/"+waiting.ID+"/retry", map[string]any{}, nil); err == nil {
		t.Error("it can be read twice")
	}
}

// FIELD 2.21: what others do with mails on the server loses and doubles nothing.
func testMovedAway(t *testing.T, o *office) {
	moved := &letter{from: "alice@cust.test", to: "support@hub.test", subject: "Moved " + mark(), text: mark()}
	deleted := &letter{from: "bob@cust.test", to: "support@hub.test", subject: "Deleted " + mark(), text: mark()}
	for _, l := range []*letter{moved, deleted} {
		post(t, o.mx(), l)
		o.ticketWith(l.subject)
	}
	doveadm := func(args ...string) {
		if err := o.mail.Doveadm(t.Context(), args...); err != nil {
			t.Fatal(err)
		}
	}
	doveadm("mailbox", "create", "-u", "support@hub.test", "Archive")
	doveadm("move", "-u", "support@hub.test", "Archive", "mailbox", "INBOX", "header", "subject", moved.subject)
	doveadm("expunge", "-u", "support@hub.test", "mailbox", "INBOX", "header", "subject", deleted.subject)
	r := o.reconcileNow(t)
	if r.Gone != 2 || r.Missing != 0 || r.Held != r.Server+2 {
		t.Errorf("after one was moved and one deleted: %+v", r)
	}
	doveadm("move", "-u", "support@hub.test", "INBOX", "mailbox", "Archive", "header", "subject", moved.subject)
	until(t, "a mailbox that agrees", func() (bool, string) {
		r = o.reconcileNow(t)
		return r.Missing == 0 && r.Gone == 2 && r.Held == r.Server+2, fmt.Sprintf("%+v", r)
	})
	if n := o.count(moved.text, deleted.text); n[moved.text] != 1 || n[deleted.text] != 1 {
		t.Errorf("messages: %v, want one each", n)
	}
	reports := must[[]reconciliation](o.hub)(list[reconciliation](o.hub, "/mailboxes/support/reconciliation"))
	if len(reports) < 2 {
		t.Errorf("%d reports are kept", len(reports))
	}
	t.Log(strings.TrimSpace(o.run(0, "reconcile", "support")))
}

func (o *office) reconcileNow(t *testing.T) (r reconciliation) {
	t.Helper()
	if err := o.call("POST", "/mailboxes/support/reconciliation", map[string]any{}, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// MAIL I30, FIELD 3.11: forged bounces wait; one is let through, one is not.
func testJudged(t *testing.T, o *office) {
	for _, verdict := range []string{"release", "discard"} {
		l := &letter{from: "MAILER-DAEMON@cust.test", to: "support@hub.test", subject: "Undelivered Mail Returned to Sender " + mark(), text: mark(), headers: []string{"Auto-Submitted: auto-replied"}}
		if err := postRaw(o.mx(), "", l.to, l.raw()); err != nil {
			t.Fatal(err)
		}
		q := o.held(l.subject)
		if status := (&demoHub{hub: o.hub}).fetch(t, "/quarantine/"+q.ID+"/raw"); status != 200 {
			t.Errorf("its bytes: %d", status)
		}
		if err := o.call("POST", "/quarantine/"+q.ID+"/"+verdict, map[string]any{}, nil); err != nil {
			t.Fatal(err)
		}
		if err := o.call("POST", "/quarantine/"+q.ID+"/"+verdict, map[string]any{}, nil); err == nil {
			t.Errorf("%s counts twice", verdict)
		}
		if verdict == "release" {
			o.ticketWith(l.subject)
		} else if n := o.count(l.text)[l.text]; n != 0 {
			t.Errorf("discarded, and in %d messages", n)
		}
	}
}
