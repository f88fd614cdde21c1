package gateway

import (
	"crypto/rand"
	"encoding/base64"
	"regexp"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// Headers that every response carries; handlers may only narrow them.
const (
	apiPolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	oneYear   = "max-age=31536000; includeSubDomains"
)

var goodRequestID = regexp.MustCompile(`^[A-Za-z0-9_-]{8,64}$`)

// headers sets what every response carries, before anything else happens.
func (g *Gateway) headers(c *fiber.Ctx) error {
	g.mark(c)
	return c.Next()
}

// mark sets the headers, also of what the server refuses before any route.
func (g *Gateway) mark(c *fiber.Ctx) {
	id := c.Get(fiber.HeaderXRequestID)
	if !g.trusted(c) || !goodRequestID.MatchString(id) {
		id = randomID()
	}
	c.Locals(requestIDKey, id)
	c.Set(fiber.HeaderXRequestID, id)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderXFrameOptions, "DENY")
	c.Set(fiber.HeaderReferrerPolicy, "same-origin")
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	c.Set(fiber.HeaderPermissionsPolicy, "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	c.Set(fiber.HeaderContentSecurityPolicy, apiPolicy)
	c.Set(fiber.HeaderCacheControl, "no-store")
	if g.secure {
		c.Set(fiber.HeaderStrictTransportSecurity, oneYear)
	}
}

type localKey int

const requestIDKey localKey = 0

func requestID(c *fiber.Ctx) string {
	id, _ := c.Locals(requestIDKey).(string)
	return id
}

func randomID() string { return strings.ToLower(rand.Text()) }

// nonce is 128 random bits for one page's Content-Security-Policy.
func nonce() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails, crypto/rand
	return base64.RawURLEncoding.EncodeToString(b)
}
