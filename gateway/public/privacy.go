package public

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/privacy/rights"
)

// Rights is the room behind the privacy centre.
type Rights = rights.Rights

// sheet is what one page of the privacy centre shows.
type sheet struct {
	Page, Title, Problem   string
	Brand, Nonce           string
	Token, Reference, Host string
	Target                 string
	Centre                 rights.Centre
	Purpose                rights.Purpose
}

// mountPrivacy adds the privacy centre, the one-click unsubscribe (RFC 8058) and the
// page before links that leave us. None sets a cookie; what changes something is a
// POST, since mail programs and filters follow links by themselves.
func (p *Pages) mountPrivacy(r fiber.Router) {
	if p.Rights != nil {
		r.Get("/privacy", p.centreAsk)
		r.Post("/privacy", p.centreSend)
		r.Get("/privacy/confirm/:token", p.confirmShow)
		r.Post("/privacy/confirm/:token", p.confirm)
		r.Get("/privacy/pack/:token", p.packShow)
		r.Post("/privacy/pack/:token", p.pack)
		r.Get("/privacy/:token", p.centre)
		r.Post("/privacy/:token/request", p.request)
		r.Post("/privacy/:token/preferences", p.preferences)
		r.Get("/u/:token", p.unsubscribeShow)
		r.Post("/u/:token", p.unsubscribe)
	}
	if p.Leave != nil {
		r.Get("/leave", p.leave)
	}
}

func (p *Pages) sheet(c *fiber.Ctx, status int, s sheet) error {
	s.Brand, s.Nonce = p.Brand, p.Nonce()
	var out bytes.Buffer
	if err := p.privacy.Execute(&out, s); err != nil {
		return fmt.Errorf("draw privacy page %s: %w", s.Page, err)
	}
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; style-src 'nonce-"+s.Nonce+"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	c.Set("X-Robots-Tag", "noindex, nofollow")
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return c.Status(status).Send(out.Bytes())
}

// sorry answers an error as a person can use it.
func (p *Pages) sorry(c *fiber.Ctx, err error) error {
	status, sentence := p.Status(err)
	if status >= fiber.StatusInternalServerError {
		p.Logger.ErrorContext(c.UserContext(), "privacy page failed", "error", err)
		sentence = "This did not work just now. Please try again in a minute."
	}
	if e, ok := err.(interface{ RetryAfter() time.Duration }); ok {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(int(e.RetryAfter().Seconds()+1)))
		sentence = "Too many questions came from your network. Please wait a little."
	}
	return p.sheet(c, status, sheet{Page: "ask", Title: "Your privacy", Problem: sentence})
}

// fields reads a small form; nil when it is none. The body is taken as it came: what
// unpacks it first (Ctx.Body) has no bound.
func fields(c *fiber.Ctx) url.Values {
	body := c.BodyRaw()
	if len(body) > 32<<10 {
		return nil
	}
	v, err := url.ParseQuery(string(body))
	if err != nil {
		return nil
	}
	return v
}

func (p *Pages) centreAsk(c *fiber.Ctx) error {
	return p.sheet(c, fiber.StatusOK, sheet{Page: "ask", Title: "Your privacy"})
}

// centreSend answers the same whatever the address is: who asks learns nothing
// about whom we know.
func (p *Pages) centreSend(c *fiber.Ctx) error {
	if err := p.Rights.AskLink(p.Client(c), fields(c).Get("email")); err != nil {
		return p.sorry(c, err)
	}
	return p.sheet(c, fiber.StatusOK, sheet{Page: "sent", Title: "Please look into your mail"})
}

func (p *Pages) centre(c *fiber.Ctx) error {
	token := c.Params("token")
	centre, err := p.Rights.Enter(c.UserContext(), token)
	if err != nil {
		return p.sorry(c, err)
	}
	return p.sheet(c, fiber.StatusOK, sheet{Page: "centre", Title: "Your privacy centre", Token: token, Centre: centre})
}

// kinds are what a form may ask for: the kind of a request and its ground.
var kinds = []string{"access", "rectification", "erasure", "objection:marketing", "objection:other", "restriction:a", "restriction:c"}

func (p *Pages) request(c *fiber.Ctx) error {
	token, form := c.Params("token"), fields(c)
	if !slices.Contains(kinds, form.Get("kind")) || form.Get("kind") == "erasure" && form.Get("sure") != "yes" {
		return p.again(c, token, "Please say what you ask for, and confirm an erasure.")
	}
	kind, ground, _ := strings.Cut(form.Get("kind"), ":")
	wish := events.Wish{Text: cut(form.Get("text"), 4000), Name: cut(form.Get("name"), 200), Address: cut(form.Get("address"), 320)}
	if kind == "rectification" && wish == (events.Wish{}) {
		return p.again(c, token, "Please say what is wrong.")
	}
	id, err := p.Rights.AskByLink(c.UserContext(), token, events.RequestKind(kind), wish, ground, "en")
	if err != nil {
		return p.sorry(c, err)
	}
	return p.sheet(c, fiber.StatusOK, sheet{Page: "received", Title: "Thank you", Token: token, Reference: rights.Reference(id)})
}

// again shows the centre once more, with a sentence.
func (p *Pages) again(c *fiber.Ctx, token, sentence string) error {
	centre, err := p.Rights.Enter(c.UserContext(), token)
	if err != nil {
		return p.sorry(c, err)
	}
	return p.sheet(c, fiber.StatusUnprocessableEntity, sheet{Page: "centre", Title: "Your privacy centre", Problem: sentence, Token: token, Centre: centre})
}

func cut(s string, most int) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

func (p *Pages) preferences(c *fiber.Ctx) error {
	token, on := c.Params("token"), map[string]bool{}
	for _, code := range fields(c)["purpose"] {
		on[code] = true
	}
	if err := p.Rights.SetByLink(c.UserContext(), token, "en", on); err != nil {
		return p.sorry(c, err)
	}
	return p.sheet(c, fiber.StatusOK, sheet{Page: "saved", Title: "Saved", Token: token})
}

func (p *Pages) confirmShow(c *fiber.Ctx) error {
	purpose, err := p.Rights.Confirmable(c.UserContext(), c.Params("token"))
	if err != nil {
		return p.sorry(c, err)
	}
	return p.sheet(c, fiber.StatusOK, sheet{Page: "confirm", Title: purpose.Title, Token: c.Params("token"), Purpose: purpose})
}

func (p *Pages) confirm(c *fiber.Ctx) error {
	purpose, err := p.Rights.Confirm(c.UserContext(), c.Params("token"), "en")
	if err != nil {
		return p.sorry(c, err)
	}
	return p.sheet(c, fiber.StatusOK, sheet{Page: "confirmed", Title: purpose.Title})
}

func (p *Pages) unsubscribeShow(c *fiber.Ctx) error {
	purpose, err := p.Rights.Unsubscribable(c.Params("token"))
	if err != nil {
		return p.sorry(c, err)
	}
	return p.sheet(c, fiber.StatusOK, sheet{Page: "unsubscribe", Title: "Unsubscribe: " + purpose.Title, Token: c.Params("token")})
}

// unsubscribe takes the POST of a mail program, whatever it carries and however
// often it comes (RFC 8058 section 3.2).
func (p *Pages) unsubscribe(c *fiber.Ctx) error {
	purpose, err := p.Rights.Unsubscribe(c.UserContext(), c.Params("token"))
	if err != nil {
		return p.sorry(c, err)
	}
	return p.sheet(c, fiber.StatusOK, sheet{Page: "unsubscribed", Title: "Unsubscribed: " + purpose.Title})
}

func (p *Pages) packShow(c *fiber.Ctx) error {
	if err := p.Rights.PackReady(c.UserContext(), c.Params("token")); err != nil {
		return p.sorry(c, err)
	}
	return p.sheet(c, fiber.StatusOK, sheet{Page: "pack", Title: "Your data", Token: c.Params("token")})
}

func (p *Pages) pack(c *fiber.Ctx) error {
	// The link is used up before the first byte goes out, so the hand-over must not
	// stop half-way because a browser was closed.
	name, b, err := p.Rights.FetchPack(context.WithoutCancel(c.UserContext()), c.Params("token"))
	if err != nil {
		return p.sorry(c, err)
	}
	c.Set(fiber.HeaderContentType, "application/zip")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="`+name+`"`)
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	return c.Send(b)
}
