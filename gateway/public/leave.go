package public

import (
	"github.com/gofiber/fiber/v2"
)

// leave is the page before a link that leads away from us (policy S5). It knows the
// target and that it stood in something we showed, and nothing about who follows
// it: it reads no cookie, sets none, sends no referrer, and only counts.
func (p *Pages) leave(c *fiber.Ctx) error {
	target := c.Query("u")
	host, ok := p.Leave.Target(target, c.Query("m"))
	if !ok {
		return p.sheet(c, fiber.StatusNotFound, sheet{Page: "none", Title: "This link is not ours", Problem: "We did not make this link, so we do not follow it."})
	}
	if p.Left != nil {
		p.Left()
	}
	return p.sheet(c, fiber.StatusOK, sheet{Page: "leave", Title: "You are leaving us", Host: host, Target: target})
}
