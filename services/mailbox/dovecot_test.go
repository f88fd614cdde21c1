package mailbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/deploy/mailtest"
	"github.com/westshore/hub/services/mailbox"
)

// dovecot describes a user on a real Dovecot, through an address that may be
// a proxy's.
func dovecot(t *testing.T, s *mailtest.System, addr, user string) mailbox.Config {
	t.Helper()
	cfg := configFor(t, addr, mailtest.Password)
	cfg.Host, cfg.User, cfg.CAFile, cfg.TLS = "localhost", user, s.CAFile(), mailbox.TLSStart
	return cfg
}

func letter(n int) []byte {
	return fmt.Appendf(nil, "From: bob@cust.test\r\nSubject: %d\r\nMessage-ID: <%d@cust.test>\r\n\r\n%s\r\n", n, n, strings.Repeat("text ", 100))
}

func letters(n int) [][]byte {
	l := make([][]byte, n)
	for i := range l {
		l[i] = letter(i)
	}
	return l
}

// TestDovecot holds the mailbox against a real server. The parts use different
// accounts, one after another.
func TestDovecot(t *testing.T) {
	s := mailtest.Run(t)
	t.Run("both TLS modes and XOAUTH2", func(t *testing.T) { testTLS(t, s) })
	t.Run("dead line", func(t *testing.T) { testBlackHole(t, s) })
	t.Run("odd bytes", func(t *testing.T) { testOddBytes(t, s) })
	t.Run("60 MB", func(t *testing.T) { testHuge(t, s) })
	t.Run("3000 at once, kicked, renamed", func(t *testing.T) { testMany(t, s) })
	t.Run("poison on the server", func(t *testing.T) { testUnreadable(t, s) })
}

func testTLS(t *testing.T, s *mailtest.System) {
	implicit := dovecot(t, s, mailtest.Addr(s.IMAPS), "bob@cust.test")
	implicit.TLS = mailbox.TLSImplicit
	oauth := implicit
	oauth.Password = ""
	oauth.Token = func(context.Context) (string, error) { return mailtest.Token(oauth.User, time.Hour), nil }
	start := dovecot(t, s, mailtest.Addr(s.IMAP), "bob@cust.test")
	good := map[string]mailbox.Config{"implicit": implicit, "starttls": start, "xoauth2": oauth}

	expired := oauth
	expired.Token = func(context.Context) (string, error) { return mailtest.Token(oauth.User, -time.Minute), nil }
	untrusted := implicit
	untrusted.CAFile = ""
	noToken := oauth
	noToken.Token = func(context.Context) (string, error) { return "", errors.New("token service away") }
	wrong := start
	wrong.Password = "not it"
	bad := map[string]mailbox.Config{"expired": expired, "untrusted": untrusted, "no token": noToken, "wrong": wrong}

	check := func(cfg mailbox.Config) error {
		m, err := mailbox.New(cfg, newHouse().deps())
		if err != nil {
			t.Fatal(err)
		}
		return m.Check(t.Context())
	}
	for name, cfg := range good {
		if err := check(cfg); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, cfg := range bad {
		err := check(cfg)
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
		t.Logf("%s: %v", name, err)
	}
	for i, cfg := range []mailbox.Config{implicit, start, oauth} {
		h := newHouse()
		stop := run(t, cfg, h.deps())
		h.waitState(t, mailbox.StateIdle)
		begin := time.Now()
		if err := s.Deliver(cfg.User, letter(i)); err != nil {
			t.Fatal(err)
		}
		h.waitTaken(t, i+1)
		t.Logf("LMTP 250 to Take: %v", time.Since(begin).Round(time.Millisecond))
		stop()
	}
}

// Fence 1: a line that swallows everything is noticed in IDLE after the slice
// and in a command after the timeout, and the mail comes when it is back.
func testBlackHole(t *testing.T, s *mailtest.System) {
	p, err := mailtest.NewProxy(mailtest.Addr(s.IMAP))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	cfg := dovecot(t, s, p.Addr(), "sales@hub.test")
	cfg.CommandTimeout, cfg.IdleSlice = 300*time.Millisecond, 300*time.Millisecond
	h := newHouse()
	run(t, cfg, h.deps())
	h.waitState(t, mailbox.StateIdle)
	p.BlackHole(true)
	begin := time.Now()
	h.wait(t, "silence noticed", func() bool {
		st := h.states[len(h.states)-1]
		return st.State == mailbox.StateBackoff && strings.Contains(st.LastError, "does not answer")
	})
	if d := time.Since(begin); d > 3*time.Second {
		t.Errorf("noticed after %v", d)
	}
	p.BlackHole(false)
	if err := s.Deliver(cfg.User, letter(1)); err != nil {
		t.Fatal(err)
	}
	h.waitTaken(t, 1)
}

// Bytes no mail should have come through without hurting the connection.
func testOddBytes(t *testing.T, s *mailtest.System) {
	odd := [][]byte{
		[]byte("Subject: bare\r\n\r\none\rtwo\r\n"),
		[]byte("Subject: nul\r\n\r\na\x00b\r\n"),
		[]byte("Subject: 8bit \xff\xfe\r\n\r\n\x80\x81\r\n"),
		[]byte("no header at all\r\n"),
		[]byte("Subject: no end"),
		append([]byte("Subject: long line\r\n\r\n"), bytes.Repeat([]byte("x"), 300<<10)...),
	}
	cfg := dovecot(t, s, mailtest.Addr(s.IMAP), "bounces@hub.test")
	h := newHouse()
	run(t, cfg, h.deps())
	for _, raw := range odd {
		if err := s.Deliver(cfg.User, raw); err != nil {
			t.Logf("dovecot refuses %.20q: %v", raw, err)
		}
	}
	stored, err := s.Read(cfg.User, "INBOX")
	if err != nil {
		t.Fatal(err)
	}
	if len(stored) < 5 {
		t.Fatalf("dovecot holds %d of %d", len(stored), len(odd))
	}
	got := h.waitTaken(t, len(stored))
	for i, m := range got {
		if !bytes.Equal(m.Raw, stored[i].Raw) || m.Fault != "" {
			t.Errorf("mail %d: %d bytes, fault %q", m.UID, len(m.Raw), m.Fault)
		}
	}
}

// I11: 60 MB come as a head, and the next mail right behind.
func testHuge(t *testing.T, s *mailtest.System) {
	cfg := dovecot(t, s, mailtest.Addr(s.IMAP), "bob@cust.test")
	h := newHouse()
	h.mark = mailbox.Bookmark{UIDValidity: reconcile(t, cfg).UIDValidity, NextUID: reconcile(t, cfg).UIDNext}
	huge := append([]byte("Subject: huge\r\n\r\n"), bytes.Repeat([]byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n"), 60<<20/64)...)
	if err := s.Drop(cfg.User, huge, letter(7)); err != nil {
		t.Fatal(err)
	}
	run(t, cfg, h.deps())
	mails := h.waitTaken(t, 2)
	if m := mails[0]; !m.Oversize || m.Size < 60<<20 || len(m.Head) != mailbox.HeadSize {
		t.Errorf("oversize %v, size %d, head %d", m.Oversize, m.Size, len(m.Head))
	}
	if mails[1].Oversize || len(mails[1].Raw) == 0 {
		t.Error("the mail behind is touched")
	}
}

// 3,000 mails at once, the session kicked while they come, then every mail
// renamed: each is taken once and the renamed are recognised (I2, I3).
func testMany(t *testing.T, s *mailtest.System) {
	const n = 3000
	cfg := dovecot(t, s, mailtest.Addr(s.IMAP), "support@hub.test")
	if err := s.Drop(cfg.User, letters(n)...); err != nil {
		t.Fatal(err)
	}
	before := reconcile(t, cfg) // Dovecot gives out the UIDs
	if before.Count != n {
		t.Fatalf("dovecot holds %d", before.Count)
	}
	h := newHouse()
	begin := time.Now()
	stop := run(t, cfg, h.deps())
	h.waitTaken(t, 1)
	if err := s.Kick(t.Context(), cfg.User); err != nil {
		t.Logf("kick: %v (the session may be over)", err)
	}
	got := h.waitTaken(t, n)
	t.Logf("%d mails in %v, %d takes, kicked once", n, time.Since(begin).Round(time.Millisecond), h.takes)
	have := uids(t, got)
	slices.Sort(have) // a mail suspected for the kick comes last
	if diff := cmp.Diff(before.UIDs, have); diff != "" {
		t.Error("uids differ")
	}
	h.waitMark(t, mailbox.Bookmark{UIDValidity: before.UIDValidity, NextUID: before.UIDNext})
	h.waitState(t, mailbox.StateIdle)
	if err := s.SetUIDValidity(t.Context(), cfg.User, 4242); err != nil {
		t.Fatal(err)
	}
	if err := s.Deliver(cfg.User, []byte("Subject: after the rename\r\n\r\nx\r\n")); err != nil {
		t.Fatal(err)
	}
	got = h.waitTaken(t, n+1)
	h.wait(t, "new validity", func() bool { return h.mark.UIDValidity == 4242 && h.mark.NextUID > n })
	if last := got[n]; !bytes.Contains(last.Raw, []byte("after the rename")) || last.UIDValidity != 4242 {
		t.Errorf("taken after the rename: %d", last.UID)
	}
	stop()
	if len(h.taken) != n+1 {
		t.Errorf("%d taken, want %d", len(h.taken), n+1)
	}
}
