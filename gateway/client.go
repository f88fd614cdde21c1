package gateway

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// client is who we count requests of: the nearest address that is not one of
// our own proxies. X-Forwarded-For is read from the right and only as far as
// trusted proxies wrote it, so that a visitor cannot choose it. Several such lines
// are one list (RFC 9110 section 5.3): some proxies add a line of their own below the
// visitor's. An IPv6 client is its /64.
func (g *Gateway) client(c *fiber.Ctx) string {
	peer, err := netip.ParseAddr(c.Context().RemoteIP().String())
	if err != nil {
		return "unknown"
	}
	peer = peer.Unmap()
	if g.isProxy(peer) {
		var hops []string
		for _, line := range c.Request().Header.PeekAll(fiber.HeaderXForwardedFor) {
			hops = append(hops, strings.Split(string(line), ",")...)
		}
		for _, hop := range slices.Backward(hops) {
			addr, err := netip.ParseAddr(strings.TrimSpace(hop))
			if err != nil {
				break
			}
			if peer = addr.Unmap(); !g.isProxy(peer) {
				break
			}
		}
	}
	if peer.Is6() {
		if p, err := peer.Prefix(64); err == nil {
			return p.String()
		}
	}
	return peer.String()
}

// trusted reports whether the request came through a proxy of ours.
func (g *Gateway) trusted(c *fiber.Ctx) bool {
	peer, err := netip.ParseAddr(c.Context().RemoteIP().String())
	return err == nil && g.isProxy(peer.Unmap())
}

func (g *Gateway) isProxy(a netip.Addr) bool {
	return slices.ContainsFunc(g.proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}
