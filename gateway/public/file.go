package public

import (
	"bytes"
	"context"
	"mime"
	"sync"

	"github.com/gofiber/fiber/v2"
)

// File returns the file behind a signed link.
type File func(ctx context.Context, token string) (name string, content []byte, err error)

// file hands out a file of an answer (MAIL O21): as a download that no browser
// draws or runs, kept nowhere on the way.
func (p *Pages) file(c *fiber.Ctx) error {
	give, ok := p.fetches.take(p.Client(c))
	if !ok {
		c.Set(fiber.HeaderRetryAfter, "60")
		return p.sheet(c, fiber.StatusServiceUnavailable, sheet{Page: "none", Title: "Not now", Problem: "Many files are fetched at present. Please try again in a minute."})
	}
	name, content, err := p.File(c.UserContext(), c.Params("token"))
	if err != nil {
		give()
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
	c.Context().SetBodyStream(&fetched{bytes.NewReader(content), give}, len(content))
	return nil
}

// fetched is a file on its way out, which ends when the server is done with it.
type fetched struct {
	*bytes.Reader
	give func()
}

// Close gives the place back.
func (f *fetched) Close() error {
	f.give()
	return nil
}

// How many files are open at a time, in all and for one visitor: each is in memory
// until it has gone out, however slowly it is read.
const (
	fetchesTotal = 16
	fetchesEach  = 4
)

// places counts the files that are open.
type places struct {
	mu   sync.Mutex
	used int
	held map[string]int // by client
}

// take holds a place until give is called, or says no.
func (p *places) take(client string) (give func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.used >= fetchesTotal || p.held[client] >= fetchesEach {
		return nil, false
	}
	p.used++
	p.held[client]++
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.used--
		if p.held[client]--; p.held[client] == 0 {
			delete(p.held, client)
		}
	}), true
}
