package mailtest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/westshore/hub/deploy/mailtest"
)

// The whole system: delivery, reading, refusals, bounces, two side by side.
func TestSystem(t *testing.T) {
	a, b := mailtest.Run(t), mailtest.Run(t)
	mails := make([][]byte, 200)
	for i := range mails {
		mails[i] = fmt.Appendf(nil, "Subject: %d\r\n\r\n.dot\r\n", i)
	}
	begin := time.Now()
	if err := a.Deliver("support@hub.test", mails...); err != nil {
		t.Fatal(err)
	}
	t.Logf("LMTP: %.0f mails/s", float64(len(mails))/time.Since(begin).Seconds())
	begin = time.Now()
	if err := a.Drop("sales@hub.test", mails...); err != nil {
		t.Fatal(err)
	}
	t.Logf("Maildir: %.0f mails/s", float64(len(mails))/time.Since(begin).Seconds())
	if got, err := a.Read("sales@hub.test", "INBOX"); err != nil || len(got) != len(mails) || !bytes.Equal(got[3].Raw, mails[3]) {
		t.Errorf("dropped: have %d mails, %v", len(got), err)
	}
	got, err := a.Read("support@hub.test", "INBOX")
	if err != nil || len(got) != len(mails) {
		t.Fatalf("have %d mails, %v", len(got), err)
	}
	if !bytes.HasSuffix(got[3].Raw, []byte("Subject: 3\r\n\r\n.dot\r\n")) {
		t.Errorf("have %q", got[3].Raw)
	}
	if other, err := b.Read("support@hub.test", "INBOX"); err != nil || len(other) != 0 {
		t.Errorf("the second system has %d mails, %v", len(other), err)
	}
	for local, code := range map[string]int{"grey": 450, "full": 452, "slow": 421, "nobody": 550, "spam": 554} {
		var se *smtp.SMTPError
		err := sendMail(t, a, "support@hub.test", local+"@cust.test", "x\r\n")
		if !errors.As(err, &se) || se.Code != code {
			t.Errorf("%s: %v", local, err)
		}
	}
	text := "From: support@hub.test\r\nTo: gone@cust.test\r\nSubject: hello\r\n\r\nx\r\n"
	if err := sendMail(t, a, "bounces+tok@hub.test", "gone@cust.test", text); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "a bounce", func() bool {
		got, err := a.Read("bounces@hub.test", "INBOX")
		return err == nil && len(got) == 1 && bytes.Contains(got[0].Raw, []byte("message/delivery-status")) &&
			bytes.Contains(got[0].Raw, []byte("bounces+tok@hub.test"))
	})
}

func sendMail(t *testing.T, s *mailtest.System, from, to, text string) error {
	t.Helper()
	c, err := smtp.Dial(mailtest.Addr(s.MX))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	return c.SendMail(from, []string{to}, strings.NewReader(text))
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never came: %s", what)
		}
	}
}

// echo answers every line with "ok LINE".
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	return l.Addr().String()
}

func TestProxy(t *testing.T) {
	p, err := mailtest.NewProxy(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	say := func(text string) (string, error) {
		c, err := net.Dial("tcp", p.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		if _, err := c.Write([]byte(text)); err != nil {
			return "", err
		}
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		buf := make([]byte, 100)
		n, err := c.Read(buf)
		return string(buf[:n]), err
	}
	if got, err := say("hello"); got != "hello" || err != nil {
		t.Errorf("plain: %q, %v", got, err)
	}
	p.CutAnswer("queued as", 1)
	if got, err := say("250 queued as 1"); got != "" || err == nil {
		t.Errorf("cut: %q, %v", got, err)
	}
	if got, err := say("250 queued as 2"); got == "" || err != nil {
		t.Errorf("after the cut: %q, %v", got, err)
	}
	p.BlackHole(true)
	var timeout net.Error
	if _, err := say("lost"); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("black hole: %v", err)
	}
}
