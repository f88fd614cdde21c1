package notifier

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// script is a mail server that says what it is told to say in EHLO and keeps what
// it hears.
type script struct {
	listener net.Listener
	offers   []string
	mu       sync.Mutex
	heard    []string
	wait     sync.WaitGroup
}

func newScript(t *testing.T, offers ...string) *script {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &script{listener: l, offers: offers}
	s.wait.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.wait.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		s.wait.Wait()
	})
	return s
}

func (s *script) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	say := func(line string) { _, _ = fmt.Fprint(c, line+"\r\n") }
	say("220 script")
	in, data := bufio.NewScanner(c), false
	for in.Scan() {
		line := in.Text()
		s.mu.Lock()
		s.heard = append(s.heard, line)
		s.mu.Unlock()
		switch {
		case data && line == ".":
			data = false
			say("250 2.0.0 queued as X1")
		case data:
		case strings.HasPrefix(line, "EHLO"):
			say("250-script")
			for _, o := range s.offers {
				say("250-" + o)
			}
			say("250 HELP")
		case line == "DATA":
			data = true
			say("354 go on")
		case line == "QUIT":
			say("221 bye")
			return
		default:
			say("250 2.1.0 OK")
		}
	}
}

func (s *script) said(prefix string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.heard {
		if strings.HasPrefix(l, prefix) {
			return l
		}
	}
	return ""
}

func (s *script) relay(n int) *relay {
	return newRelay(RelayConfig{Host: "127.0.0.1", Port: s.listener.Addr().(*net.TCPAddr).Port, TLS: "none", Timeout: 5 * time.Second}, n)
}

func offer(t *testing.T, r *relay, c *Claim, archive string) error {
	t.Helper()
	l, err := r.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.drop()
	w, _, err := l.offer(c, archive)
	if err != nil {
		return err
	}
	_, err = w.CloseWithResponse()
	return err
}

const plainMail = "From: support@hub.test\r\nTo: ada@cust.test\r\n\r\nHello\r\n"

// TestO4O5EnvelopeAndReports: one recipient a transaction, our own bounce address,
// delivery reports asked for where the server can; none for the null sender, none
// for the archive.
func TestO4O5EnvelopeAndReports(t *testing.T) {
	s := newScript(t, "SIZE 1000", "DSN")
	c := &Claim{Outbound: "0123", EnvID: "signed", MailFrom: "support+bx@hub.test", RcptTo: "ada@cust.test", Raw: []byte(plainMail)}
	if err := offer(t, s.relay(1), c, "archive@hub.test"); err != nil {
		t.Fatal(err)
	}
	for prefix, want := range map[string]string{
		"MAIL FROM":           "MAIL FROM:<support+bx@hub.test> SIZE=52 RET=HDRS ENVID=signed",
		"RCPT TO:<ada":        "RCPT TO:<ada@cust.test> NOTIFY=FAILURE,DELAY",
		"RCPT TO:<archive":    "RCPT TO:<archive@hub.test> NOTIFY=NEVER",
		"RCPT TO:<everything": "",
	} {
		if got := s.said(prefix); got != want {
			t.Errorf("said %q, want %q", got, want)
		}
	}
	s = newScript(t, "DSN")
	c.MailFrom = ""
	if err := offer(t, s.relay(1), c, ""); err != nil {
		t.Fatal(err)
	}
	if from, to := s.said("MAIL FROM"), s.said("RCPT TO"); from != "MAIL FROM:<>" || to != "RCPT TO:<ada@cust.test>" {
		t.Errorf("null sender said %q and %q", from, to)
	}
}

// TestO20InternationalAddresses: a domain goes in A-labels to every server; a
// local part only where SMTPUTF8 is offered, else the address fails as 5.6.7.
func TestO20InternationalAddresses(t *testing.T) {
	s := newScript(t, "SMTPUTF8", "8BITMIME")
	if err := offer(t, s.relay(1), &Claim{RcptTo: "ada@bücher.test", Raw: []byte(plainMail)}, ""); err != nil {
		t.Fatal(err)
	}
	if got := s.said("RCPT TO"); got != "RCPT TO:<ada@xn--bcher-kva.test>" || strings.Contains(s.said("MAIL FROM"), "SMTPUTF8") {
		t.Errorf("said %q and %q", s.said("MAIL FROM"), got)
	}
	s = newScript(t, "SMTPUTF8", "8BITMIME")
	if err := offer(t, s.relay(1), &Claim{RcptTo: "jürgen@bücher.test", Raw: []byte(plainMail)}, ""); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.said("MAIL FROM"), "SMTPUTF8") {
		t.Errorf("said %q", s.said("MAIL FROM"))
	}
	s = newScript(t)
	err := offer(t, s.relay(1), &Claim{RcptTo: "jürgen@cust.test", Raw: []byte(plainMail)}, "")
	if v := classify(err); v.class != ClassUTF8 || v.code != "553 5.6.7" || s.said("MAIL FROM") != "" {
		t.Errorf("without the extension: %+v after %q", v, s.said("MAIL FROM"))
	}
}

// TestO21SizeIsAskedFirst: what is larger than the server says it takes is not
// sent at all.
func TestO21SizeIsAskedFirst(t *testing.T) {
	s := newScript(t, "SIZE 40")
	err := offer(t, s.relay(1), &Claim{RcptTo: "ada@cust.test", Raw: []byte(plainMail)}, "")
	if v := classify(err); v.class != ClassSize || s.said("MAIL FROM") != "" {
		t.Errorf("%+v after %q", v, s.said("MAIL FROM"))
	}
}

// TestO9OneDomainNeverHasAllConnections.
func TestO9OneDomainNeverHasAllConnections(t *testing.T) {
	r := newRelay(RelayConfig{}, 4)
	var leave []func()
	for range 3 {
		l, err := r.enter(t.Context(), "slow")
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.enter(stopped, "slow"); !errors.Is(err, context.Canceled) {
		t.Errorf("a fourth place for one domain: %v", err)
	}
	if _, err := r.enter(t.Context(), "fast"); err != nil {
		t.Errorf("no place for another domain: %v", err)
	}
	waited := make(chan error)
	go func() {
		_, err := r.enter(t.Context(), "slow")
		waited <- err
	}()
	leave[0]()
	if err := <-waited; err != nil {
		t.Error(err)
	}
}

// TestO9ConnectionsAreReused, up to their number of messages.
func TestO9ConnectionsAreReused(t *testing.T) {
	s := newScript(t)
	r := s.relay(1)
	r.cfg.Reuse = 2
	seen := map[*line]bool{}
	for range 4 {
		l, err := r.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seen[l] = true
		r.give(l)
	}
	if len(seen) != 2 {
		t.Errorf("%d connections for 4 messages, want 2", len(seen))
	}
	r.close()
}

// TestO15KeysAreChecked: what is no key, or too short a one, is refused.
func TestO15KeysAreChecked(t *testing.T) {
	if _, err := ParseSigningKey([]byte("no key")); err == nil {
		t.Error("read a key that is none")
	}
	if _, err := NewSigningKey("dsa"); err == nil {
		t.Error("made a key of an unknown kind")
	}
	if _, err := NewSigner([]SigningKey{{Domain: "x.test", Selector: "s"}}); err == nil {
		t.Error("took no key for a key")
	}
	var none *Signer
	if b, err := none.Sign("a@b", []byte("x")); err != nil || string(b) != "x" {
		t.Error("a missing signer changes a message")
	}
}
