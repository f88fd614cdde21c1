package gateway

import (
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/westshore/hub/gateway/api"
)

// budget bounds how many bytes of bodies are held in memory at a time, in all and
// for one client (FIELD 33): a visitor who opens many connections and sends slowly
// must not fill the machine.
type budget struct {
	total, each int64

	mu   sync.Mutex
	used int64
	held map[string]int64 // by client; there are as many as hold something
}

// Hosted forms have a budget of their own, so that a flood of uploads leaves agents
// theirs.
const (
	bodiesTotal = 256 << 20
	bodiesEach  = 128 << 20
)

func newBudget() *budget {
	return &budget{total: bodiesTotal, each: bodiesEach, held: map[string]int64{}}
}

// take holds n bytes for a client until they are given back, or says no.
func (b *budget) take(client string, n int64) (give func(), ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used+n > b.total || b.held[client]+n > b.each {
		return nil, false
	}
	b.used += n
	b.held[client] += n
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.used -= n
		if b.held[client] -= n; b.held[client] == 0 {
			delete(b.held, client)
		}
	}, true
}

// crowded says that too much is on its way in at the same time.
type crowded struct{}

func (crowded) Error() string { return "too many bytes of requests are on their way in" }

// Code names the error for the HTTP API.
func (crowded) Code() string { return "rate_limited" }

// RetryAfter is when it may be tried again.
func (crowded) RetryAfter() time.Duration { return 5 * time.Second }

// hold takes what a request may bring along out of the budget while it is served:
// as much as it says, or as much as it may where it does not say.
func (g *Gateway) hold(c *fiber.Ctx) error {
	b, most := g.bodies, int64(api.MaxReply)
	if strings.HasPrefix(c.Path(), "/f/") {
		b, most = g.uploads, drainMost
	}
	n := int64(c.Request().Header.ContentLength())
	switch {
	case n == 0 || n < -1: // none: fasthttp gives -2 where nothing is said of a body
		return c.Next()
	case n == -1 && b == g.bodies: // chunked, which an answer with files may not be
		n = apiBody
	case n == -1:
		n = most
	}
	give, ok := b.take(g.client(c), min(n, most))
	if !ok {
		c.Context().SetConnectionClose() // the body is not read
		return crowded{}
	}
	defer give()
	return c.Next()
}
