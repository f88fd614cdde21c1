package mailbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/westshore/hub/events"
)

// TLS modes of Config.
const (
	TLSImplicit = "implicit" // TLS from the first byte, port 993
	TLSStart    = "starttls" // RFC 9051 section 6.2.1, port 143; never falls back to clear text
	TLSNone     = "none"     // clear text; only to loopback, unless Insecure
)

// DoneKeyword marks mails that were taken, with After set to "keyword".
const DoneKeyword = "$HubDone"

// Config describes one mailbox. The zero value of every field but Host and
// User is usable.
type Config struct {
	ID      events.MailboxID // how the hub calls it ("support")
	Address string           // the address customers write to

	Host     string
	Port     int    // 993 or 143 by default, after TLS
	TLS      string // TLSImplicit (default), TLSStart or TLSNone
	CAFile   string // PEM file of the only roots to trust; the system's when empty
	Insecure bool   // allow TLSNone to a host that is not loopback

	User     string
	Password string
	// Token returns an OAuth 2 access token that is still good for a while.
	// When set, XOAUTH2 is used and Password is not. It is called once for
	// every connection.
	Token func(ctx context.Context) (string, error)
	// TokenRefused is told when the server did not take the token. May be nil.
	TokenRefused func()

	Folder string // INBOX by default

	// FromNow passes over what is in the folder when it is read for the first
	// time.
	FromNow bool

	// After says what happens to a mail on the server once it is taken:
	// "leave" (default), "move:FOLDER" or "keyword" (sets DoneKeyword).
	After string

	MaxSize    int64         // larger mails are not read whole; 50 MB by default
	Poll       time.Duration // between looks where IDLE does not work; 60 s
	IdleSlice  time.Duration // how long one IDLE lasts; 5 min, at most 29
	BatchMails int           // most mails in one Take; 256
	BatchBytes int64         // most bytes in one Take, unless one mail alone has more; 4 MB

	DialTimeout    time.Duration // 30 s
	CommandTimeout time.Duration // silence of the server while it owes an answer; 60 s
	BackoffFirst   time.Duration // first wait after a lost connection; 200 ms
	BackoffMax     time.Duration // longest wait; 5 min
	AuthRetry      time.Duration // between tries after three refused logins; 5 min
}

func (c Config) withDefaults() Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&c.Poll, time.Minute)
	def(&c.IdleSlice, 5*time.Minute)
	def(&c.DialTimeout, 30*time.Second)
	def(&c.CommandTimeout, time.Minute)
	def(&c.BackoffFirst, 200*time.Millisecond)
	def(&c.BackoffMax, 5*time.Minute)
	def(&c.AuthRetry, 5*time.Minute)
	c.IdleSlice = min(c.IdleSlice, 29*time.Minute)
	if c.TLS == "" {
		c.TLS = TLSImplicit
	}
	if c.Port == 0 && c.TLS == TLSImplicit {
		c.Port = 993
	} else if c.Port == 0 {
		c.Port = 143
	}
	if c.Folder == "" {
		c.Folder = "INBOX"
	}
	if c.After == "" {
		c.After = "leave"
	}
	if c.MaxSize <= 0 {
		c.MaxSize = 50 << 20
	}
	if c.BatchMails <= 0 {
		c.BatchMails = 256
	}
	if c.BatchBytes <= 0 {
		c.BatchBytes = 4 << 20
	}
	return c
}

// held is how many bytes of mails are in memory at once: two batches, one that
// is fetched while the other is taken. A mail that is larger is there alone.
func (c Config) held() int64 { return 2 * c.BatchBytes }

func (c Config) check() error {
	switch {
	case c.Host == "":
		return errors.New("no host")
	case c.User == "":
		return errors.New("no user")
	case c.TLS != TLSImplicit && c.TLS != TLSStart && c.TLS != TLSNone:
		return fmt.Errorf("tls is %q, want %s, %s or %s", c.TLS, TLSImplicit, TLSStart, TLSNone)
	case c.TLS == TLSNone && !c.Insecure && !isLoopback(c.Host):
		return errors.New("tls is none, and the host is not this machine: the password would travel in clear text (set insecure to allow it)")
	}
	_, err := parseAfter(c.After)
	return err
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// effect is the parsed form of Config.After; both empty means leave.
type effect struct {
	folder  string
	keyword imap.Flag
}

func (e effect) none() bool { return e == effect{} }

func parseAfter(after string) (effect, error) {
	folder, move := strings.CutPrefix(after, "move:")
	switch {
	case after == "leave":
		return effect{}, nil
	case after == "keyword":
		return effect{keyword: DoneKeyword}, nil
	case move && folder != "":
		return effect{folder: folder}, nil
	}
	return effect{}, fmt.Errorf("after is %q, want leave, keyword or move:FOLDER", after)
}
