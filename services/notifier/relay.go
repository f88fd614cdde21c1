package notifier

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/westshore/hub/events"
)

// RelayConfig is the mail server that takes our mail (submission, RFC 6409).
type RelayConfig struct {
	Host     string
	Port     int
	TLS      string // "implicit" (465), "starttls" (587), "none" (loopback only)
	CAFile   string
	User     string
	Password string
	Hello    string // our name in EHLO; "localhost" when empty
	// Timeout bounds dialling and each command; after the final dot the server
	// has ten minutes (RFC 5321 section 4.5.3.2.6).
	Timeout time.Duration
	// Reuse is how many messages go over one connection. Zero is 100.
	Reuse int
}

// Check says what is wrong with the configuration.
func (c RelayConfig) Check() error {
	switch {
	case c.Host == "":
		return errors.New("smtp: no host")
	case c.TLS != "implicit" && c.TLS != "starttls" && c.TLS != "none":
		return fmt.Errorf("smtp: tls is %q, want implicit, starttls or none", c.TLS)
	case c.TLS == "none" && !isLoopback(c.Host):
		return errors.New("smtp: tls is none, and the host is not this machine: mail and password would travel in clear text")
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Ping connects and logs in, to see whether the configuration works.
func (c RelayConfig) Ping(ctx context.Context) error {
	if err := c.Check(); err != nil {
		return err
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	l, err := (&relay{cfg: c}).dial(ctx)
	if err != nil {
		return err
	}
	defer l.drop()
	return l.Quit()
}

// relay keeps connections to the mail server for reuse.
type relay struct {
	cfg RelayConfig

	mu   sync.Mutex
	free []*line
}

// line is one connection to the mail server.
type line struct {
	*smtp.Client
	conn net.Conn
	sent int
	idle time.Time
}

const maxIdle = 60 * time.Second

// take returns a connection that works, or a new one.
func (r *relay) take(ctx context.Context) (*line, error) {
	for {
		r.mu.Lock()
		if len(r.free) == 0 {
			r.mu.Unlock()
			return r.dial(ctx)
		}
		l := r.free[len(r.free)-1]
		r.free = r.free[:len(r.free)-1]
		r.mu.Unlock()
		if time.Since(l.idle) < maxIdle && l.Reset() == nil {
			return l, nil
		}
		l.drop()
	}
}

// give puts a connection back after a message that ended in order.
func (r *relay) give(l *line) {
	l.sent++
	l.idle = time.Now()
	if l.sent >= r.cfg.Reuse {
		_ = l.Quit()
		l.drop()
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free = append(r.free, l)
}

// close ends the idle connections.
func (r *relay) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.free {
		_ = l.Quit()
		l.drop()
	}
	r.free = nil
}

func (l *line) drop() { _ = l.conn.Close() }

func (r *relay) dial(ctx context.Context) (*line, error) {
	config, err := r.tls()
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort(r.cfg.Host, strconv.Itoa(r.cfg.Port))
	d := net.Dialer{Timeout: r.cfg.Timeout}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("dial mail server: %w", err)
	}
	l := &line{conn: conn}
	// A server that never answers must not hold the worker: the greeting and the
	// handshakes have one deadline.
	_ = conn.SetDeadline(time.Now().Add(r.cfg.Timeout))
	switch r.cfg.TLS {
	case "implicit":
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("secure connection to mail server: %w", err)
		}
		l.conn, l.Client = secure, smtp.NewClient(secure)
	case "starttls":
		if l.Client, err = smtp.NewClientStartTLS(conn, config); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("secure connection to mail server: %w", err)
		}
	default:
		l.Client = smtp.NewClient(conn)
	}
	l.CommandTimeout, l.SubmissionTimeout = r.cfg.Timeout, 10*time.Minute
	if err := r.greet(l); err != nil {
		l.drop()
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	return l, nil
}

func (r *relay) greet(l *line) error {
	hello := r.cfg.Hello
	if hello == "" {
		hello = "localhost"
	}
	if r.cfg.TLS != "starttls" { // StartTLS has said it already
		if err := l.Hello(hello); err != nil {
			return fmt.Errorf("greet mail server: %w", err)
		}
	}
	if r.cfg.User == "" {
		return nil
	}
	if err := l.Auth(sasl.NewPlainClient("", r.cfg.User, r.cfg.Password)); err != nil {
		return fmt.Errorf("log in to mail server: %w", err)
	}
	return nil
}

func (r *relay) tls() (*tls.Config, error) {
	config := &tls.Config{ServerName: r.cfg.Host, MinVersion: tls.VersionTLS12}
	if r.cfg.CAFile == "" {
		return config, nil
	}
	pem, err := os.ReadFile(r.cfg.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read mail server's root certificate: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read mail server's root certificate: no certificate in %s", r.cfg.CAFile)
	}
	return config, nil
}

// offer hands over everything but the final dot. When it returns a nil error the
// message is not accepted yet, and finish decides; dropping the line instead
// takes it all back.
func (l *line) offer(id events.OutboundID, p events.Parcel, raw []byte) (*smtp.DataCommand, error) {
	opts := &smtp.MailOptions{Size: int64(len(raw))}
	if limit, ok := l.MaxMessageSize(); ok && limit > 0 && len(raw) > limit {
		return nil, &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 3, 4}, Message: "larger than the server takes"}
	}
	if ok, _ := l.Extension("SMTPUTF8"); ok && !ascii(p.RcptTo) {
		opts.UTF8 = true
	}
	rcpt := &smtp.RcptOptions{}
	if ok, _ := l.Extension("DSN"); ok && p.MailFrom != "" {
		opts.EnvelopeID, opts.Return = string(id), smtp.DSNReturnHeaders
		rcpt.Notify = []smtp.DSNNotify{smtp.DSNNotifyFailure, smtp.DSNNotifyDelayed}
	}
	if err := l.Mail(p.MailFrom, opts); err != nil {
		return nil, err
	}
	if err := l.Rcpt(p.RcptTo, rcpt); err != nil {
		return nil, err
	}
	w, err := l.Data()
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(raw); err != nil {
		return nil, err
	}
	return w, nil
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
