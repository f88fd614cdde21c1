package notifier

import (
	"cmp"
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
	"golang.org/x/net/idna"

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
	// Timeout bounds dialling and each command. Zero is 30 s.
	Timeout time.Duration
	// Answer is how long the server has after the final dot. Zero is ten minutes
	// (RFC 5321 section 4.5.3.2.6); less makes more outcomes unknown.
	Answer time.Duration
	// Reuse is how many messages go over one connection. Zero is 100.
	Reuse int
	// Archive is an address that gets a copy of every message in the same
	// transaction, so that what it holds proves what was accepted (MAIL O3); empty:
	// none.
	Archive string
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
	l, err := newRelay(c, 1).dial(ctx)
	if err != nil {
		return err
	}
	defer l.drop()
	return l.Quit()
}

// relay keeps connections to the mail server for reuse, and their number.
type relay struct {
	cfg   RelayConfig
	total int // connections
	share int // of one domain

	mu    sync.Mutex
	free  []*line
	busy  int
	held  map[events.Hash]int
	freed chan struct{} // closed and replaced when a place is free again
}

func newRelay(cfg RelayConfig, connections int) *relay {
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.Reuse == 0 {
		cfg.Reuse = 100
	}
	return &relay{cfg: cfg, total: connections, share: max(1, connections-1), held: map[events.Hash]int{}, freed: make(chan struct{})}
}

// enter waits for a place among the connections and returns what gives it back.
// One domain never has all places: when it is slow, others go on.
func (r *relay) enter(ctx context.Context, domain events.Hash) (leave func(), err error) {
	for {
		r.mu.Lock()
		if r.busy < r.total && r.held[domain] < r.share {
			r.busy++
			r.held[domain]++
			r.mu.Unlock()
			return func() { r.leave(domain) }, nil
		}
		freed := r.freed
		r.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (r *relay) leave(domain events.Hash) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy--
	if r.held[domain]--; r.held[domain] == 0 {
		delete(r.held, domain)
	}
	close(r.freed)
	r.freed = make(chan struct{})
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
	l.CommandTimeout, l.SubmissionTimeout = r.cfg.Timeout, cmp.Or(r.cfg.Answer, 10*time.Minute)
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
// takes it all back. One recipient a transaction (MAIL O4), and the archive, which
// may refuse without harm.
func (l *line) offer(c *Claim, archive string) (w *smtp.DataCommand, archived bool, err error) {
	rcpt, utf8, err := l.address(c)
	if err != nil {
		return nil, false, err
	}
	opts := &smtp.MailOptions{Size: int64(len(c.Raw)), UTF8: utf8}
	if limit, ok := l.MaxMessageSize(); ok && limit > 0 && len(c.Raw) > limit { // MAIL O21
		return nil, false, &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 3, 4}, Message: "larger than the server takes"}
	}
	to, quiet := &smtp.RcptOptions{}, &smtp.RcptOptions{}
	if ok, _ := l.Extension("DSN"); ok { // RFC 3461
		quiet.Notify = []smtp.DSNNotify{smtp.DSNNotifyNever}
		if c.MailFrom != "" {
			opts.EnvelopeID, opts.Return = c.EnvID, smtp.DSNReturnHeaders
			to.Notify = []smtp.DSNNotify{smtp.DSNNotifyFailure, smtp.DSNNotifyDelayed}
		}
	}
	if err := l.Mail(c.MailFrom, opts); err != nil {
		return nil, false, err
	}
	if err := l.Rcpt(rcpt, to); err != nil {
		return nil, false, err
	}
	if archive != "" && archive != rcpt {
		archived = l.Rcpt(archive, quiet) == nil
	}
	if w, err = l.Data(); err != nil {
		return nil, false, err
	}
	if _, err := w.Write(c.Raw); err != nil {
		return nil, false, err
	}
	return w, archived, nil
}

// address is the recipient as the server can take it (MAIL O20, RFC 6531): the
// domain in A-labels, so that SMTPUTF8 is only asked for where the local part or
// the header needs it.
func (l *line) address(c *Claim) (rcpt string, utf8 bool, err error) {
	local, domain := split(c.RcptTo)
	if a, err := idna.Lookup.ToASCII(domain); err == nil {
		domain = a
	}
	rcpt = local + "@" + domain
	if ascii(rcpt) && ascii(c.MailFrom) && headerASCII(c.Raw) {
		return rcpt, false, nil
	}
	if ok, _ := l.Extension("SMTPUTF8"); !ok {
		return "", false, &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 6, 7}, Message: "address needs SMTPUTF8"}
	}
	return rcpt, true, nil
}

// headerASCII reports whether the header of a message is ASCII.
func headerASCII(raw []byte) bool {
	for i, b := range raw {
		if b >= 0x80 {
			return false
		}
		if b == '\n' && i+2 < len(raw) && raw[i+1] == '\r' && raw[i+2] == '\n' {
			return true
		}
	}
	return true
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
