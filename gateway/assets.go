package gateway

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/westshore/hub/gateway/console"
)

// console serves the console's files; every other path is one of its pages. The
// page is made for each request, with a nonce of its own.
func (g *Gateway) console(c *fiber.Ctx) error {
	if c.Path() == "/api" || strings.HasPrefix(c.Path(), "/api/") || strings.HasPrefix(c.Path(), "/f/") {
		return fiber.ErrNotFound
	}
	if c.Method() != fiber.MethodGet && c.Method() != fiber.MethodHead {
		return fiber.ErrMethodNotAllowed
	}
	asset, ok := console.Lookup(c.Path(), c.Get(fiber.HeaderAcceptEncoding))
	if !ok && strings.HasPrefix(c.Path(), "/assets/") {
		return fiber.ErrNotFound // an old page asks for a file of an old build
	}
	if !ok {
		n := nonce()
		c.Set(fiber.HeaderContentSecurityPolicy, console.Policy(n)+"; form-action 'self'")
		c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
		return c.Send(console.Index(n))
	}
	c.Set(fiber.HeaderContentType, asset.Type)
	c.Set(fiber.HeaderCacheControl, asset.CacheControl)
	c.Set(fiber.HeaderETag, asset.ETag)
	if asset.Varies {
		c.Vary(fiber.HeaderAcceptEncoding)
	}
	if asset.Encoding != "" {
		c.Set(fiber.HeaderContentEncoding, asset.Encoding)
	}
	if matches(c.Get(fiber.HeaderIfNoneMatch), asset.ETag) {
		c.Response().Header.Del(fiber.HeaderContentEncoding)
		return c.SendStatus(fiber.StatusNotModified)
	}
	return c.Send(asset.Body)
}

// matches compares entity tags weakly (RFC 9110 section 13.1.2).
func matches(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return header != ""
		}
	}
	return false
}
