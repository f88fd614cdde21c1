package public

import (
	"context"
	"mime"

	"github.com/gofiber/fiber/v2"
)

// File returns the file behind a signed link.
type File func(ctx context.Context, token string) (name string, content []byte, err error)

// file hands out a file of an answer (MAIL O21): as a download that no browser
// draws or runs, kept nowhere on the way.
func (p *Pages) file(c *fiber.Ctx) error {
	select {
	case p.fetches <- struct{}{}:
		defer func() { <-p.fetches }()
	case <-c.UserContext().Done():
		return c.UserContext().Err()
	}
	name, content, err := p.File(c.UserContext(), c.Params("token"))
	if err != nil {
		status, sentence := p.Status(err)
		if status >= fiber.StatusInternalServerError {
			p.Logger.ErrorContext(c.UserContext(), "file of a link not handed out", "error", err)
			sentence = "This did not work just now. Please try again in a minute."
		}
		return p.sheet(c, status, sheet{Page: "none", Title: "No file here", Problem: sentence})
	}
	disposition := mime.FormatMediaType("attachment", map[string]string{"filename": name})
	if disposition == "" {
		disposition = "attachment"
	}
	c.Set(fiber.HeaderContentDisposition, disposition)
	c.Set(fiber.HeaderContentType, fiber.MIMEOctetStream)
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; sandbox")
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	c.Set(fiber.HeaderCacheControl, "private, no-store")
	c.Set("X-Robots-Tag", "noindex, nofollow")
	return c.Send(content)
}
