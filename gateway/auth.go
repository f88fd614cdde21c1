package gateway

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/westshore/hub/gateway/api"
	"github.com/westshore/hub/services/accounts"
)

// identify finds out who is asking: an API token, or the console's cookie. What
// carries the cookie and changes something must come from our own page.
func (g *Gateway) identify(c *fiber.Ctx) error {
	caller := api.Caller{Client: g.client(c), RequestID: requestID(c)}
	err := g.believe(c, &caller)
	if _, expired := errors.AsType[*accounts.ExpiredError](err); err != nil && !expired {
		return err
	}
	if err := g.sameOrigin(c, caller); err != nil {
		return err
	}
	if caller.Agent.ID == "" && !open(c) {
		return &accounts.ExpiredError{}
	}
	c.SetUserContext(api.WithCaller(c.UserContext(), caller))
	return c.Next()
}

// believe fills in the agent behind a token or a cookie.
func (g *Gateway) believe(c *fiber.Ctx, caller *api.Caller) (err error) {
	if auth := c.Get(fiber.HeaderAuthorization); auth != "" {
		scheme, token, _ := strings.Cut(auth, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return &accounts.ExpiredError{}
		}
		caller.Bearer = true
		caller.Secret = strings.TrimSpace(token)
		caller.Agent, err = g.rooms.Accounts.Token(c.UserContext(), caller.Secret)
		return err
	}
	if cookie := c.Cookies(api.SessionCookie); cookie != "" {
		caller.Secret = cookie
		caller.Agent, err = g.rooms.Accounts.Session(c.UserContext(), cookie)
	}
	return err
}

// open lists what needs no account.
func open(c *fiber.Ctx) bool {
	path := strings.TrimSuffix(c.Path(), "/")
	return path == "/api/v1/session" && c.Method() == http.MethodPost || path == "/api/openapi.json"
}

// sameOrigin is the rule against forged requests: nothing that a browser sends
// from another site changes anything. A program with a token has no cookie that
// a stranger's page could use.
func (g *Gateway) sameOrigin(c *fiber.Ctx, caller api.Caller) error {
	switch c.Method() {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	if caller.Bearer {
		return nil
	}
	switch c.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return forged()
	}
	if origin := c.Get(fiber.HeaderOrigin); origin != "" && !g.ours(c, origin) {
		return forged()
	}
	if caller.Secret != "" && c.Get(api.CSRFHeader) != "1" {
		return forged()
	}
	return nil
}

// ours reports whether an Origin header names this host.
func (g *Gateway) ours(c *fiber.Ctx, origin string) bool {
	if origin == g.origin {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, string(c.Request().Host()))
}

func forged() error {
	p := api.NewProblem(http.StatusForbidden, "The request did not come from our own page.")
	p.Reason = "csrf"
	return p
}
