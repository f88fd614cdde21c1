package public

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/westshore/hub/gateway/mailview"
	"github.com/westshore/hub/services/forms"
)

// Forms is the room behind the pages.
type Forms = forms.Forms

// BodyKey names the request's body, an io.Reader, among the values of a request:
// the gateway bounds and drains it.
const BodyKey = "hub.public.body"

// Config is what the pages need.
type Config struct {
	Forms *Forms
	Brand string
	// Client names who a request came from, for the limits.
	Client func(*fiber.Ctx) string
	// Status tells the HTTP status of an error, and a sentence for the visitor.
	Status func(error) (status int, sentence string)
	Nonce  func() string
	// Rights is the privacy centre; nil: no pages of it. Forms may be nil then.
	Rights *Rights
	// Leave makes and checks links that lead away from us; nil: no page for them.
	Leave *mailview.Leave
	// File fetches what an answer carried as a link; nil: there are no such links.
	File File
	// Left counts those who went on; nil: nobody does.
	Left   func()
	Logger *slog.Logger
}

// Pages are the public pages.
type Pages struct {
	Config
	page    *template.Template
	privacy *template.Template
	fetches *places // files that are open
}

//go:embed form.html privacy.html
var files embed.FS

// New reads the templates.
func New(c Config) (*Pages, error) {
	page, err := template.ParseFS(files, "form.html")
	if err != nil {
		return nil, fmt.Errorf("open public pages: %w", err)
	}
	privacy, err := template.ParseFS(files, "privacy.html")
	if err != nil {
		return nil, fmt.Errorf("open public pages: %w", err)
	}
	c.Logger = c.Logger.With("room", "public")
	return &Pages{c, page, privacy, &places{held: map[string]int{}}}, nil
}

// Mount adds the pages' routes.
func (p *Pages) Mount(r fiber.Router) {
	if p.Forms != nil {
		r.Get("/f/:form", p.show)
		r.Post("/f/:form", p.submit)
	}
	p.mountPrivacy(r)
	if p.File != nil {
		r.Get("/files/:token", p.file)
	}
}

func (p *Pages) show(c *fiber.Ctx) error {
	form, ok := p.Forms.Find(c.Params("form"))
	if !ok {
		return p.fail(c, forms.Form{}, nil, &forms.UnknownError{})
	}
	return p.render(c, fiber.StatusOK, form, view{})
}

func (p *Pages) submit(c *fiber.Ctx) error {
	form, ok := p.Forms.Find(c.Params("form"))
	if !ok {
		return p.fail(c, forms.Form{}, nil, &forms.UnknownError{})
	}
	client := p.Client(c)
	if err := p.Forms.Admit(client); err != nil {
		return p.fail(c, form, nil, err)
	}
	sub, err := p.read(c, form)
	if err != nil {
		return p.fail(c, form, sub.Fields, err)
	}
	sub.Form, sub.Client, sub.Browser = form.ID, client, !wantsJSON(c)
	id, err := p.Forms.Submit(c.UserContext(), sub)
	if err != nil {
		return p.fail(c, form, sub.Fields, err)
	}
	if wantsJSON(c) {
		return c.Status(fiber.StatusAccepted).JSON(fiber.Map{"inquiry": id})
	}
	return p.render(c, fiber.StatusOK, form, view{Done: true, Reference: string(id)[:8]})
}

// fail answers an error as the visitor can use it: the page again with what was
// written, or, for programs, whatever the gateway's error handler makes of it.
func (p *Pages) fail(c *fiber.Ctx, form forms.Form, written map[string]string, err error) error {
	if wantsJSON(c) {
		return err
	}
	status, sentence := p.Status(err)
	if status >= 500 {
		p.Logger.ErrorContext(c.UserContext(), "form submission not taken", "form", form.ID, "error", err)
		sentence = "We could not take your message just now. Nothing was sent. Please try again in a minute."
	}
	if e, ok := errors.AsType[interface {
		error
		RetryAfter() time.Duration
	}](err); ok {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(int(e.RetryAfter().Seconds()+1)))
		sentence = "Too many messages came from your network. Please wait a little and send it again."
	}
	v := view{Values: written}
	if invalid, ok := errors.AsType[*forms.InvalidError](err); ok {
		v.Problems = invalid.Problems
	} else {
		v.Problems = []forms.Problem{{Sentence: sentence}}
	}
	return p.render(c, status, form, v)
}

// wantsJSON reports whether a program is asking.
func wantsJSON(c *fiber.Ctx) bool {
	kind := strings.ToLower(c.Get(fiber.HeaderContentType))
	return strings.HasPrefix(kind, fiber.MIMEApplicationJSON) ||
		c.Accepts(fiber.MIMETextHTML, fiber.MIMEApplicationJSON) == fiber.MIMEApplicationJSON
}
