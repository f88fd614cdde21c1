package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/gateway/live"
	"github.com/westshore/hub/gateway/mailview"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/customers"
	noticeviews "github.com/westshore/hub/projections/notices"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/projections/search"
	"github.com/westshore/hub/projections/tickets"
	"github.com/westshore/hub/services/accounts"
	"github.com/westshore/hub/services/desk"
	"github.com/westshore/hub/services/notices"
)

// Rooms are the parts of the house behind the API.
type Rooms struct {
	Tickets   *tickets.View
	Outbox    *outbox.View
	Customers *customers.View
	Search    *search.View
	Runners   []*projections.Runner // of the views above, for positions and lag
	Desk      *desk.Desk
	Accounts  *accounts.Accounts
	Live      *live.Live
	// Notices may be nil: then there are no operations on them.
	Notices    *notices.Notices
	NoticeView *noticeviews.View

	// Reload reads a stream from the log, for a ticket as it stood.
	Reload projections.Reload
	// Raw opens a blob for a reader: the raw mail, or a file of a form.
	Raw func(context.Context, events.Principal, events.Blob) ([]byte, events.State, error)
	// Part takes one attachment out of a raw mail.
	Part func(raw []byte, a events.Attachment) ([]byte, error)
	// Post is what is known of outgoing mail beside its view.
	Post Post
	// Mailboxes and System report what other parts of the process know.
	Mailboxes func(context.Context) ([]Mailbox, error)
	System    func(context.Context) (System, error)
	// Mail is what can be done with mailboxes; nil: nothing.
	Mail *MailRoom
	// Privacy is the privacy office; nil: there is none.
	Privacy *PrivacyRoom
	// Retention is the registry and the retention engine; nil: there is none.
	Retention *RetentionRoom
	// Head is the end of the log.
	Head func(context.Context) (events.Position, error)
}

// Config is what the API needs besides rooms.
type Config struct {
	Brand   string
	Version string
	Secure  bool // cookies only over TLS
	// Leave takes external links of mails over our own page; nil leaves them.
	Leave *mailview.Leave
	// Problem is the one switch from an error to what is answered. It logs what
	// is our own fault.
	Problem func(context.Context, error) *Problem
	Now     func() time.Time
	Logger  *slog.Logger
}

// API registers and serves every operation.
type API struct {
	cfg   Config
	rooms Rooms
	views map[string]*projections.Runner
	huma  huma.API
	log   *slog.Logger
}

var ownErrors = sync.OnceFunc(func() {
	huma.NewError = humaError
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		p := humaError(status, msg, errs...).(*Problem)
		if ctx != nil {
			p.RequestID = CallerOf(ctx.Context()).RequestID
		}
		return p
	}
})

// Base is the path that every operation stands under.
const Base = "/api/v1"

// New registers the operations on app.
func New(app *fiber.App, c Config, r Rooms) *API {
	ownErrors()
	a := &API{cfg: c, rooms: r, views: map[string]*projections.Runner{}, log: c.Logger.With("room", "api")}
	for _, runner := range r.Runners {
		a.views[runner.Name()] = runner
	}
	config := huma.DefaultConfig("Westshore Hub", c.Version)
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil // no $schema members in answers
	config.Servers = []*huma.Server{{URL: Base}}
	config.Info.Description = "Tickets, mail and people of one support desk. Every error is a problem (RFC 9457) with a stable code."
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"cookie": {Type: "apiKey", In: "cookie", Name: SessionCookie, Description: "The console's session. What changes something also carries " + CSRFHeader + ": 1."},
		"token":  {Type: "http", Scheme: "bearer", Description: "An API token, hub_…"},
	}
	config.Security = []map[string][]string{{"cookie": {}}, {"token": {}}}
	a.huma = humafiber.NewWithGroup(app, app.Group(Base), config)
	for _, register := range []func(){
		a.session, a.tickets, a.messages, a.commands, a.outbox, a.quarantine, a.customers, a.agents, a.tokens, a.system, a.mailboxes, a.live, a.notices, a.privacyRegistry, a.privacyRetention, a.privacyOffice,
	} {
		register()
	}
	return a
}

// OpenAPI is the document of every operation (OpenAPI 3.1), as JSON.
func (a *API) OpenAPI() ([]byte, error) {
	b, err := json.Marshal(a.huma.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("write openapi: %w", err)
	}
	return b, nil
}

// maxBody is the most bytes of one command: two texts of 256 KB, escaped.
const maxBody = 2 << 20

// add registers one operation whose errors go through the one switch.
func add[I, O any](a *API, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = maxBody
	}
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	op.Middlewares = append(op.Middlewares, a.guard(op.OperationID))
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err == nil {
			return out, nil
		}
		p := a.cfg.Problem(ctx, err)
		if p.RetryAfter > 0 {
			return nil, huma.ErrorWithHeaders(p, http.Header{"Retry-After": {fmt.Sprint(p.RetryAfter)}})
		}
		return nil, p
	})
}

// get, post and remove describe operations.
func get(id, path, summary string) huma.Operation { return op(http.MethodGet, id, path, summary) }

func post(id, path, summary string) huma.Operation { return op(http.MethodPost, id, path, summary) }

func op(method, id, path, summary string) huma.Operation {
	return huma.Operation{Method: method, OperationID: id, Path: path, Summary: summary}
}
