package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-smtp"

	"github.com/westshore/hub/deploy/sandbox"
)

func start(t *testing.T, dir string) *sandbox.Sandbox {
	t.Helper()
	s, err := sandbox.Start(t.Context(), sandbox.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop(context.WithoutCancel(t.Context())) })
	return s
}

func send(t *testing.T, addr, from string, to []string, raw string) error {
	t.Helper()
	c, err := smtp.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	return c.SendMail(from, to, strings.NewReader(raw))
}

func login(t *testing.T, s *sandbox.Sandbox, user string, options *imapclient.Options) *imapclient.Client {
	t.Helper()
	c, err := imapclient.DialInsecure(s.IMAPAddr(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Login(user, s.Password()).Wait(); err != nil {
		t.Fatal(err)
	}
	return c
}

type mail struct {
	UID imap.UID
	Raw []byte
}

func read(t *testing.T, s *sandbox.Sandbox, user string) (validity uint32, next imap.UID, mails []mail) {
	t.Helper()
	c := login(t, s, user, nil)
	sel, err := c.Select("INBOX", nil).Wait()
	if err != nil {
		t.Fatal(err)
	}
	if sel.NumMessages == 0 {
		return sel.UIDValidity, sel.UIDNext, nil
	}
	msgs, err := c.Fetch(imap.UIDSet{{Start: 1, Stop: 0}}, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{{Peek: true}}}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range msgs {
		mails = append(mails, mail{m.UID, m.BodySection[0].Bytes})
	}
	return sel.UIDValidity, sel.UIDNext, mails
}

// What was handed in comes back byte for byte after the trace fields.
func TestBytesComeBack(t *testing.T) {
	s := start(t, t.TempDir())
	raw := "Subject: odd\r\nX-Bare: a\rb\r\n\r\n.dot\r\n..two\r\nnul\x00 high\xff " + strings.Repeat("x", 9000) + "\r\n"
	if err := send(t, s.SMTPAddr(), "bob@cust.test", []string{"Support@Hub.test"}, raw); err != nil {
		t.Fatal(err)
	}
	_, _, mails := read(t, s, "support@hub.test")
	if len(mails) != 1 || !bytes.HasSuffix(mails[0].Raw, []byte(raw)) {
		t.Fatalf("have %d mails: %v", len(mails), mails)
	}
	trace := string(mails[0].Raw[:len(mails[0].Raw)-len(raw)])
	for _, want := range []string{"Return-Path: <bob@cust.test>\r\n", "Delivered-To: Support@Hub.test\r\n", "X-Original-To: Support@Hub.test\r\n", "\r\n\tfor <Support@Hub.test>; "} {
		if !strings.Contains(trace, want) {
			t.Errorf("trace %q lacks %q", trace, want)
		}
	}
}

// A plus-address lands in the base mailbox, keeps its name, and has a view.
func TestPlusAddress(t *testing.T) {
	s := start(t, t.TempDir())
	for i := range 2 {
		to := fmt.Sprintf("support+t%d@hub.test", i)
		if err := send(t, s.SMTPAddr(), "", []string{to}, "Subject: x\r\n\r\nhello\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	_, _, base := read(t, s, "support@hub.test")
	_, _, view := read(t, s, "support+t1@hub.test")
	if len(base) != 2 || len(view) != 1 || !bytes.Equal(base[1].Raw, view[0].Raw) {
		t.Fatalf("base %d mails, view %d", len(base), len(view))
	}
	if !bytes.Contains(base[1].Raw, []byte("Delivered-To: support+t1@hub.test\r\n")) {
		t.Errorf("delivered-to lost: %q", base[1].Raw)
	}
}

func TestRefusingRecipients(t *testing.T) {
	s := start(t, t.TempDir())
	for local, want := range map[string]string{"grey": "450 4.7.1", "full": "452 4.2.2", "nobody": "550 5.1.1", "spam": "554 5.7.1", "slow": "421 4.3.2"} {
		err := send(t, s.SMTPAddr(), "a@b.test", []string{local + "@refuse.test"}, "x\r\n")
		var se *smtp.SMTPError
		if !errors.As(err, &se) {
			t.Fatalf("%s: %v", local, err)
		}
		if got := fmt.Sprintf("%d %d.%d.%d", se.Code, se.EnhancedCode[0], se.EnhancedCode[1], se.EnhancedCode[2]); got != want {
			t.Errorf("%s: have %s, want %s", local, got, want)
		}
	}
	if err := send(t, s.SMTPAddr(), "a@b.test", []string{"cut@refuse.test"}, "x\r\n"); !errors.Is(err, io.EOF) && err == nil {
		t.Errorf("cut: the connection stayed: %v", err)
	}
	if _, _, mails := read(t, s, "cut@refuse.test"); len(mails) != 1 {
		t.Errorf("cut: have %d mails, want 1", len(mails))
	}
}

func TestWrongPassword(t *testing.T) {
	s := start(t, t.TempDir())
	c, err := imapclient.DialInsecure(s.IMAPAddr(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	var ie *imap.Error
	if err := c.Login("a@b.test", "wrong").Wait(); !errors.As(err, &ie) || ie.Code != imap.ResponseCodeAuthenticationFailed {
		t.Errorf("have %v", err)
	}
}

// IDLE announces a mail at once, also one that came just before IDLE began.
func TestIdleAnnounces(t *testing.T) {
	s := start(t, t.TempDir())
	exists := make(chan uint32, 100)
	c := login(t, s, "support@hub.test", &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(d *imapclient.UnilateralDataMailbox) {
			if d.NumMessages != nil {
				exists <- *d.NumMessages
			}
		},
	}})
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	if err := send(t, s.SMTPAddr(), "a@b.test", []string{"support@hub.test"}, "one\r\n"); err != nil {
		t.Fatal(err)
	}
	idle, err := c.Idle()
	if err != nil {
		t.Fatal(err)
	}
	for want := uint32(1); want <= 3; want++ {
		select {
		case got := <-exists:
			if got != want {
				t.Errorf("EXISTS %d, want %d", got, want)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("not announced")
		}
		if err := send(t, s.SMTPAddr(), "a@b.test", []string{"support@hub.test"}, "more\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	if err := idle.Close(); err != nil {
		t.Fatal(err)
	}
	if err := idle.Wait(); err != nil {
		t.Fatal(err)
	}
}
