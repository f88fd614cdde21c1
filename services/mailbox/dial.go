package mailbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"
)

// authError is a refused login.
type authError struct{ err error }

func (e *authError) Error() string { return "login: " + e.err.Error() }
func (e *authError) Unwrap() error { return e.err }

// link is one connection with someone logged in.
type link struct {
	client  *imapclient.Client
	conn    *guardedConn
	changed chan struct{} // holds a token when the server announced mail
	unwatch func() bool
}

func (l *link) close() {
	l.unwatch()
	_ = l.client.Close()
}

// explain replaces the client's description of a connection closed for silence.
func (l *link) explain(err error) error {
	if err != nil && l.conn.wasSilent() {
		return errSilent
	}
	return err
}

// dial connects and logs in. The connection is closed when ctx ends.
func (m *Mailbox) dial(ctx context.Context) (*link, error) {
	tlsConfig, err := m.tlsConfig()
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: m.cfg.DialTimeout}
	raw, err := d.DialContext(ctx, "tcp", net.JoinHostPort(m.cfg.Host, strconv.Itoa(m.cfg.Port)))
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	l := &link{conn: &guardedConn{Conn: raw}, changed: make(chan struct{}, 1)}
	l.unwatch = context.AfterFunc(ctx, func() { _ = raw.Close() })
	l.conn.arm(m.cfg.CommandTimeout)
	if err := l.greet(ctx, m.cfg.TLS, tlsConfig); err != nil {
		l.unwatch()
		_ = raw.Close()
		return nil, fmt.Errorf("connect: %w", l.explain(err))
	}
	if err := m.login(ctx, l); err != nil {
		l.close()
		return nil, l.explain(err)
	}
	l.conn.disarm()
	return l, nil
}

func (m *Mailbox) tlsConfig() (*tls.Config, error) {
	c := &tls.Config{ServerName: m.cfg.Host, MinVersion: tls.VersionTLS12}
	if m.cfg.CAFile == "" || m.cfg.TLS == TLSNone {
		return c, nil
	}
	pem, err := os.ReadFile(m.cfg.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read ca file: %w", err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New("read ca file: no certificate in it")
	}
	return c, nil
}

func (l *link) greet(ctx context.Context, mode string, tlsConfig *tls.Config) error {
	options := &imapclient.Options{TLSConfig: tlsConfig, UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(d *imapclient.UnilateralDataMailbox) {
			if d.NumMessages != nil {
				l.signal()
			}
		},
	}}
	var err error
	switch mode {
	case TLSImplicit:
		tlsConfig.NextProtos = []string{"imap"}
		conn := tls.Client(l.conn, tlsConfig)
		if err := conn.HandshakeContext(ctx); err != nil {
			return err
		}
		l.client = imapclient.New(conn, options)
	case TLSStart:
		l.client, err = imapclient.NewStartTLS(l.conn, options)
	default:
		l.client = imapclient.New(l.conn, options)
	}
	if err != nil {
		return err
	}
	return l.client.WaitGreeting()
}

// signal notes that there may be new mail; it never blocks.
func (l *link) signal() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

func (m *Mailbox) login(ctx context.Context, l *link) error {
	err := m.authenticate(ctx, l)
	var no *imap.Error
	var refused *authError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return err
	case !errors.As(err, &no):
		return fmt.Errorf("login: %w", err)
	case no.Code == imap.ResponseCodeUnavailable, no.Code == imap.ResponseCodeInUse,
		no.Code == imap.ResponseCodeLimit, no.Code == imap.ResponseCodeServerBug:
		return fmt.Errorf("login: %w", err) // the server's trouble, not the password's
	}
	return &authError{err}
}

func (m *Mailbox) authenticate(ctx context.Context, l *link) error {
	if m.cfg.Token != nil {
		token, err := m.cfg.Token(ctx)
		if errors.Is(err, ErrConsent) { // nothing that trying often could change
			return &authError{err}
		}
		if err != nil {
			return fmt.Errorf("get token: %w", err)
		}
		mechanism := &xoauth2{user: m.cfg.User, token: token}
		err = l.client.Authenticate(mechanism)
		if err != nil && m.cfg.TokenRefused != nil {
			m.cfg.TokenRefused()
		}
		if err != nil && mechanism.refused != "" {
			return &authError{fmt.Errorf("the server refused the access token: %s", mechanism.refused)}
		}
		return err
	}
	caps := l.client.Caps()
	switch {
	case caps.Has(imap.AuthCap(sasl.Plain)):
		return l.client.Authenticate(sasl.NewPlainClient("", m.cfg.User, m.cfg.Password))
	case caps.Has(imap.CapLoginDisabled):
		return errors.New("the server takes no password on this connection (use TLS)")
	}
	return l.client.Login(m.cfg.User, m.cfg.Password).Wait()
}

// xoauth2 is the mechanism of Google and Microsoft for OAuth 2 tokens. A
// refused token comes as a challenge, which an empty answer turns into NO.
type xoauth2 struct {
	user, token string
	refused     string // what the server said against the token
}

func (x *xoauth2) Start() (string, []byte, error) {
	return "XOAUTH2", []byte("user=" + x.user + "\x01auth=Bearer " + x.token + "\x01\x01"), nil
}

func (x *xoauth2) Next(challenge []byte) ([]byte, error) {
	var said struct{ Status string }
	if x.refused = "no reason given"; json.Unmarshal(challenge, &said) == nil && said.Status != "" {
		x.refused = said.Status
	}
	return []byte{}, nil
}

// clean prints an error for logs and status: one line, bounded, without the
// account's name and secrets, should a server repeat them.
func (m *Mailbox) clean(err error) string {
	if err == nil {
		return "the server closed the connection"
	}
	s := err.Error()
	if s, _, _ = strings.Cut(s, "\n"); len(s) > 300 {
		s = s[:300]
	}
	for _, secret := range []string{m.cfg.Password, m.cfg.User, m.cfg.Address} {
		if len(secret) > 2 {
			s = strings.ReplaceAll(s, secret, "[hidden]")
		}
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
