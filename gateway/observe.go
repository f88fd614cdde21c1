package gateway

import (
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/gofiber/fiber/v2"
)

// observe logs and counts requests: by route, never by path, so that neither
// grows with what people send.
func (g *Gateway) observe(c *fiber.Ctx) error {
	start := time.Now()
	if err := c.Next(); err != nil {
		if err := g.fail(c, err); err != nil {
			return err // the server answers it
		}
	}
	route, status, took := c.Route().Path, c.Response().StatusCode(), time.Since(start)
	if g.cfg.Observe != nil {
		g.cfg.Observe(c.Method(), route, status, took)
	}
	level := slog.LevelDebug
	if status >= 500 {
		level = slog.LevelWarn
	}
	g.log.Log(c.UserContext(), level, "request", "method", c.Method(), "route", route, "status", status,
		"ms", float64(took.Microseconds())/1000, "request_id", requestID(c))
	return nil
}

// recover turns a panic into an error. What was panicked with may hold anything,
// so only its type and, for errors of the Go runtime, its text are logged.
func (g *Gateway) recover(c *fiber.Ctx) (err error) {
	defer func() {
		if v := recover(); v != nil {
			what := fmt.Sprintf("%T", v)
			if e, ok := v.(runtime.Error); ok {
				what = e.Error()
			}
			g.log.ErrorContext(c.UserContext(), "handler panicked", "panic", what, "request_id", requestID(c), "stack", string(debug.Stack()))
			err = fiber.ErrInternalServerError
		}
	}()
	return c.Next()
}
