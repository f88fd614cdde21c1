package sandbox

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// refuseDomain is where the recipients that always refuse live.
const refuseDomain = "refuse.test"

var refusals = map[string]*smtp.SMTPError{
	"grey":   {Code: 450, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Greylisted, try again later"},
	"full":   {Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "Mailbox full"},
	"slow":   {Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "Service not available"},
	"nobody": {Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user here"},
	"spam":   {Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "Message rejected as spam"},
}

var (
	errBadAddress = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 3}, Message: "The address has no domain"}
	errStorage    = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "The mail could not be stored"}
)

// smtpSession is one SMTP connection after EHLO.
type smtpSession struct {
	box  *Sandbox
	conn *smtp.Conn

	from  string
	rcpts []string
	cut   bool
}

var _ smtp.AuthSession = (*smtpSession)(nil)

func (s *smtpSession) Reset()        { s.from, s.rcpts, s.cut = "", nil, false }
func (s *smtpSession) Logout() error { return nil }

// AuthMechanisms offers PLAIN. Nobody has to log in, but a wrong password is
// refused.
func (s *smtpSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *smtpSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, _, password string) error {
		if !s.box.passwordOK(password) {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (s *Sandbox) passwordOK(password string) bool {
	return subtle.ConstantTimeCompare([]byte(password), []byte(s.cfg.Password)) == 1
}

func (s *smtpSession) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	local, domain, ok := cutLast(strings.ToLower(to), '@')
	if !ok || local == "" || domain == "" || strings.ContainsAny(to, "\r\n\x00") {
		return errBadAddress
	}
	if domain == refuseDomain {
		local, _, _ = strings.Cut(local, "+")
		if refusal := refusals[local]; refusal != nil {
			return refusal
		}
		s.cut = s.cut || local == "cut"
	}
	s.rcpts = append(s.rcpts, to)
	return nil
}

// Data stores the mail for every recipient before it answers.
func (s *smtpSession) Data(r io.Reader) error {
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(r); err != nil {
		return err
	}
	id := newQueueID()
	for _, to := range s.rcpts {
		trace := s.trace(to, id)
		if err := s.box.deliver(to, trace, buf.Bytes()); err != nil {
			s.box.log.Error("mail not stored", "error", err, "queue_id", id)
			return errStorage
		}
	}
	s.box.log.Debug("mail stored", "queue_id", id, "recipients", len(s.rcpts), "bytes", buf.Len())
	if s.cut {
		_ = s.conn.Conn().Close()
	}
	return &smtp.SMTPError{Code: 250, EnhancedCode: smtp.EnhancedCode{2, 0, 0}, Message: "Ok: queued as " + id}
}

// trace makes the fields of final delivery (RFC 5321 section 4.4).
func (s *smtpSession) trace(to, id string) []byte {
	host, _, err := net.SplitHostPort(s.conn.Conn().RemoteAddr().String())
	if err != nil {
		host = "127.0.0.1"
	}
	return fmt.Appendf(nil, "Return-Path: <%s>\r\nDelivered-To: %s\r\nX-Original-To: %s\r\n"+
		"Received: from %s ([%s])\r\n\tby sandbox.test with ESMTP id %s\r\n\tfor <%s>; %s\r\n",
		s.from, to, to, fieldText(s.conn.Hostname()), host, id, to, s.box.cfg.Now().Format(time.RFC1123Z))
}

// fieldText keeps printable ASCII, for the name a client gave itself.
func fieldText(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
}

func newQueueID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return hex.EncodeToString(b[:])
}

// deliver puts a mail into the recipient's INBOX; for a plus-address into the
// base address's, and then as a link into the plus-address's own.
func (s *Sandbox) deliver(to string, parts ...[]byte) error {
	base, plus := baseAddress(to)
	inbox, err := s.inbox(base)
	if err != nil {
		return err
	}
	when := s.cfg.Now()
	a, err := inbox.write(when, parts...)
	if err != nil {
		return err
	}
	if err := inbox.commit(a); err != nil || !plus {
		return err
	}
	view, err := s.inbox(to)
	if err != nil {
		return err
	}
	link, err := view.link(inbox.path(a.file), when, a.size, nil)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // already moved or expunged by a quick reader: nothing to show
	}
	if err != nil {
		return err
	}
	return view.commit(link)
}

func (s *Sandbox) inbox(address string) (*folder, error) {
	acc, err := s.post.account(address)
	if err != nil {
		return nil, err
	}
	return acc.folder("INBOX")
}
