package gateway

import (
	"strings"

	"github.com/gofiber/fiber/v2"
)

// plain refuses bodies that came packed (FIELD 33): the bounds of this house are of
// bytes as they travel, and some kilobytes may unpack to gigabytes. No browser and
// no client of ours packs what it sends.
func plain(c *fiber.Ctx) error {
	for _, value := range c.Request().Header.PeekAll(fiber.HeaderContentEncoding) {
		if s := strings.TrimSpace(string(value)); s != "" && !strings.EqualFold(s, "identity") {
			c.Context().SetConnectionClose() // the body is not read
			return fiber.ErrUnsupportedMediaType
		}
	}
	return c.Next()
}
