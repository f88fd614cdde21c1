package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/gateway/api"
	"github.com/westshore/hub/gateway/live"
	"github.com/westshore/hub/gateway/mailview"
	"github.com/westshore/hub/gateway/public"
	door "github.com/westshore/hub/gateway/worker"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/customers"
	noticeviews "github.com/westshore/hub/projections/notices"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/projections/search"
	"github.com/westshore/hub/projections/tickets"
	"github.com/westshore/hub/services/accounts"
	"github.com/westshore/hub/services/desk"
	"github.com/westshore/hub/services/notices"
	"github.com/westshore/hub/services/worker"
)

// Config is how reception is set up.
type Config struct {
	Listen  string // host:port
	TLSCert string // files; empty: plain HTTP, behind a proxy or on loopback
	TLSKey  string
	// PublicURL is where browsers reach the hub ("https://help.example.org"). Its
	// scheme decides whether cookies are sent over TLS only. Empty: by TLSCert.
	PublicURL string
	// Proxies are the networks whose X-Forwarded-For is believed.
	Proxies []string
	Brand   string
	Version string
	// Observe counts requests; nil: nobody does.
	Observe func(method, route string, status int, took time.Duration)
	// Live tunes the streams; its Feed and Logger are set here.
	Live   live.Config
	Now    func() time.Time // nil: time.Now
	Logger *slog.Logger
}

// Rooms are the parts of the house that reception talks to.
type Rooms struct {
	Tickets    *tickets.View
	Outbox     *outbox.View
	Customers  *customers.View
	Search     *search.View
	Runners    []*projections.Runner // of the views above
	Feed       *projections.Feed
	Desk       *desk.Desk
	Accounts   *accounts.Accounts
	Forms      *public.Forms    // nil: no public forms
	Notices    *notices.Notices // nil: nobody writes to many
	NoticeView *noticeviews.View
	Hatch      *worker.Hatch // nil: no worker comes from outside

	// Reload reads a stream from the log, for a ticket as it stood.
	Reload projections.Reload
	// Raw opens a blob for a reader; Part takes an attachment out of a raw mail.
	Raw  func(context.Context, events.Principal, events.Blob) ([]byte, events.State, error)
	Part func(raw []byte, a events.Attachment) ([]byte, error)
	// Post is what is known of outgoing mail beside its view.
	Post api.Post
	// Mailboxes, System and Head report what other rooms know; see api.Rooms.
	Mailboxes func(context.Context) ([]api.Mailbox, error)
	System    func(context.Context) (api.System, error)
	Mail      *api.MailRoom
	Retention *api.RetentionRoom // nil: none
	Head      func(context.Context) (events.Position, error)
	// Privacy is the privacy office, Leave the page before external links; Left
	// counts who goes on.
	Privacy *api.PrivacyRoom
	Leave   *mailview.Leave
	Left    func()
	// File fetches what an answer carried as a link; nil: there are no such links.
	File public.File
	// Unavailable reports errors that pass by themselves: the store or the bus is
	// away.
	Unavailable func(error) bool
}

// Gateway is reception.
type Gateway struct {
	cfg      Config
	rooms    Rooms
	app      *fiber.App
	live     *live.Live
	log      *slog.Logger
	secure   bool
	origin   string
	proxies  []netip.Prefix
	listener net.Listener
	openapi  []byte
	etag     string

	bodies, uploads *budget
}

const (
	readTimeout  = 30 * time.Second
	writeTimeout = 2 * time.Minute
	idleTimeout  = 75 * time.Second
	headerBuffer = 16 << 10
	stopTimeout  = 10 * time.Second
)

// New builds the routes. Nothing listens before Listen.
func New(c Config, r Rooms) (*Gateway, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	g := &Gateway{cfg: c, rooms: r, log: c.Logger.With("room", "gateway"), secure: c.TLSCert != "", bodies: newBudget(), uploads: newBudget()}
	if err := g.place(); err != nil {
		return nil, fmt.Errorf("open gateway: %w", err)
	}
	c.Live.Feed, c.Live.Logger = r.Feed, c.Logger
	g.live = live.New(c.Live)
	g.app = fiber.New(fiber.Config{
		AppName: "hub", DisableStartupMessage: true, CaseSensitive: true, Immutable: true,
		StreamRequestBody: true, DisablePreParseMultipartForm: true, BodyLimit: apiBody,
		ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, ReadBufferSize: headerBuffer,
		ErrorHandler: g.fail,
	})
	g.app.Server().HeaderReceived = received
	if err := g.routes(); err != nil {
		return nil, fmt.Errorf("open gateway: %w", err)
	}
	return g, nil
}

// place reads where we are and whom we believe.
func (g *Gateway) place() error {
	if g.cfg.PublicURL != "" {
		u, err := url.Parse(g.cfg.PublicURL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("public url %q: not like https://help.example.org", g.cfg.PublicURL)
		}
		g.origin, g.secure = u.Scheme+"://"+u.Host, u.Scheme == "https"
	}
	for _, s := range g.cfg.Proxies {
		p, err := netip.ParsePrefix(s)
		if a, aerr := netip.ParseAddr(s); err != nil && aerr == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return fmt.Errorf("proxy %q: neither an address nor a network", s)
		}
		g.proxies = append(g.proxies, p)
	}
	return nil
}

func (g *Gateway) routes() error {
	g.app.Use(g.headers, g.observe, g.recover, plain, g.hold, g.body)
	g.app.Use(api.Base, g.identify)
	r := g.rooms
	a := api.New(g.app, api.Config{
		Brand: g.cfg.Brand, Version: g.cfg.Version, Secure: g.secure, Now: g.cfg.Now, Logger: g.cfg.Logger, Problem: g.explain, Leave: r.Leave,
	}, api.Rooms{
		Tickets: r.Tickets, Outbox: r.Outbox, Customers: r.Customers, Search: r.Search, Runners: r.Runners, Desk: r.Desk, Accounts: r.Accounts,
		Live: g.live, Reload: r.Reload, Raw: r.Raw, Part: r.Part, Mailboxes: r.Mailboxes, Mail: r.Mail, System: r.System, Head: r.Head, Retention: r.Retention,
		Notices: r.Notices, NoticeView: r.NoticeView, Post: r.Post, Privacy: r.Privacy,
	})
	doc, err := a.OpenAPI()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(doc)
	g.openapi, g.etag = doc, `"`+hex.EncodeToString(sum[:12])+`"`
	g.app.Get("/api/openapi.json", g.document)
	if r.Forms != nil || r.Privacy != nil || r.Leave != nil || r.File != nil {
		pages, err := public.New(public.Config{
			Rights: r.Privacy.Desk(), Leave: r.Leave, Left: r.Left, File: r.File,
			Forms: r.Forms, Brand: g.cfg.Brand, Client: g.client, Nonce: nonce, Logger: g.cfg.Logger,
			Status: func(err error) (int, string) {
				p := g.problem(err)
				return p.Status, p.Detail
			},
		})
		if err != nil {
			return err
		}
		pages.Mount(g.app)
	}
	if r.Hatch != nil {
		door.New(door.Config{Hatch: r.Hatch}).Mount(g.app)
	}
	g.app.Use(g.console)
	return nil
}

// explain is the one switch for the API's handlers.
func (g *Gateway) explain(ctx context.Context, err error) *api.Problem {
	p := *g.problem(err)
	g.finish(ctx, &p, err, api.CallerOf(ctx).RequestID)
	return &p
}

// document serves the contract.
func (g *Gateway) document(c *fiber.Ctx) error {
	c.Set(fiber.HeaderETag, g.etag)
	c.Set(fiber.HeaderCacheControl, "public, no-cache")
	if matches(c.Get(fiber.HeaderIfNoneMatch), g.etag) {
		return c.SendStatus(http.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, "application/json")
	return c.Send(g.openapi)
}

// OpenAPI is the contract as it is served at /api/openapi.json.
func (g *Gateway) OpenAPI() []byte { return g.openapi }

// Streams is how many live streams are open.
func (g *Gateway) Streams() int { return g.live.Count() }

// Bind takes the address, so that Addr is known before Listen.
func (g *Gateway) Bind(ctx context.Context) error {
	if g.listener != nil {
		return nil
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", g.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen for agents: %w", err)
	}
	if g.cfg.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(g.cfg.TLSCert, g.cfg.TLSKey)
		if err != nil {
			return errors.Join(fmt.Errorf("listen for agents: %w", err), ln.Close())
		}
		ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	}
	g.listener = ln
	return nil
}

// Addr is the bound address, empty before Bind.
func (g *Gateway) Addr() string {
	if g.listener == nil {
		return ""
	}
	return g.listener.Addr().String()
}

// URL is where a browser on this machine reaches the hub.
func (g *Gateway) URL() string {
	if g.origin != "" {
		return g.origin
	}
	if g.cfg.TLSCert != "" {
		return "https://" + g.Addr()
	}
	return "http://" + strings.Replace(g.Addr(), "[::]", "localhost", 1)
}

// Listen serves until ctx ends, then stops in order: streams say goodbye,
// running requests end, within ten seconds.
func (g *Gateway) Listen(ctx context.Context) error {
	if err := g.Bind(ctx); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- g.app.Listener(g.listener) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve agents: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err := errors.Join(g.live.Close(stop), g.app.ShutdownWithContext(stop), <-done)
	if err != nil {
		return fmt.Errorf("stop gateway: %w", err)
	}
	return nil
}
