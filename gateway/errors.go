package gateway

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/westshore/hub/gateway/api"
	"github.com/westshore/hub/projections/customers"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/projections/tickets"
	"github.com/westshore/hub/services/desk"
)

// statusOf is the one table from an error's code to its HTTP status.
var statusOf = map[string]int{
	"unauthenticated": http.StatusUnauthorized,
	"forbidden":       http.StatusForbidden,
	"not_found":       http.StatusNotFound,
	"stale":           http.StatusPreconditionFailed,
	"conflict":        http.StatusConflict,
	"gone":            http.StatusGone,
	"invalid":         http.StatusUnprocessableEntity,
	"rate_limited":    http.StatusTooManyRequests,
	"too_large":       http.StatusRequestEntityTooLarge,
	"unsupported":     http.StatusUnsupportedMediaType,
	"unavailable":     http.StatusServiceUnavailable,
}

// What an error of ours may say about itself.
type (
	coded    interface{ Code() string }
	detailed interface{ Detail() string }
	waiting  interface{ RetryAfter() time.Duration }
	reasoned interface{ Reason() string }
	listed   interface{ Fields() map[string]string }
)

// problem is the one switch from an error to what is answered.
func (g *Gateway) problem(err error) *api.Problem {
	var (
		made    *api.Problem
		refusal *desk.Refusal
		stale   *desk.StaleError
		routed  *fiber.Error
		own     coded
		p       *api.Problem
	)
	switch {
	case errors.As(err, &made):
		return made
	case errors.As(err, &stale):
		p = ofCode("stale", "Somebody wrote in this conversation since you last saw it.")
		p.Revision = &stale.Revision
	case errors.As(err, &refusal):
		p = ofCode("conflict", refusal.Sentence)
		p.Reason = refusal.Code
	case errors.Is(err, desk.ErrNotFound), errors.Is(err, tickets.ErrNotFound), errors.Is(err, customers.ErrNotFound), errors.Is(err, outbox.ErrNotFound):
		p = ofCode("not_found", "There is no such thing here.")
	case errors.As(err, &own):
		p = ofCode(own.Code(), sentences[own.Code()])
	case errors.As(err, &routed):
		p = api.NewProblem(routed.Code, "")
		if routed.Code >= 500 {
			p.Detail = sentences["internal"]
		}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled),
		g.rooms.Unavailable != nil && g.rooms.Unavailable(err):
		p = ofCode("unavailable", sentences["unavailable"])
	default:
		p = api.NewProblem(http.StatusInternalServerError, sentences["internal"])
	}
	var d detailed
	if errors.As(err, &d) {
		p.Detail = d.Detail()
	}
	var why reasoned
	if errors.As(err, &why) {
		p.Reason = why.Reason()
	}
	var l listed
	if errors.As(err, &l) {
		for field, sentence := range l.Fields() {
			p.Errors = append(p.Errors, api.FieldError{Location: field, Message: sentence})
		}
	}
	var w waiting
	if errors.As(err, &w) {
		p.RetryAfter = int(w.RetryAfter().Seconds()) + 1
	}
	return p
}

// sentences are for errors that bring none of their own.
var sentences = map[string]string{
	"unauthenticated": "Please sign in.",
	"forbidden":       "You may not do this.",
	"not_found":       "There is no such thing here.",
	"gone":            "This is not there any more.",
	"invalid":         "Something in the request is missing or malformed.",
	"rate_limited":    "Too many requests. Please wait a moment.",
	"too_large":       "The request is too large.",
	"unavailable":     "This cannot be done right now. Please try again in a moment.",
	"internal":        "Something went wrong on our side.",
}

// ofCode makes a problem of a code of ours.
func ofCode(code, detail string) *api.Problem {
	status, ok := statusOf[code]
	if !ok {
		status = http.StatusInternalServerError
	}
	p := api.NewProblem(status, detail)
	p.Code = code
	return p
}

// fail answers an error: the last thing that happens to a request that failed.
func (g *Gateway) fail(c *fiber.Ctx, err error) error {
	if requestID(c) == "" {
		g.mark(c)
	}
	p := *g.problem(err)
	g.finish(c.UserContext(), &p, err, requestID(c))
	if p.RetryAfter > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(p.RetryAfter))
	}
	if p.Status == http.StatusUnauthorized {
		c.Set(fiber.HeaderWWWAuthenticate, `Bearer realm="hub"`)
	}
	return c.Status(p.Status).JSON(p, p.ContentType(""))
}

// finish gives a problem its request id and logs what is our own fault.
func (g *Gateway) finish(ctx context.Context, p *api.Problem, err error, id string) {
	p.RequestID = id
	if p.Status >= http.StatusInternalServerError {
		g.log.ErrorContext(ctx, "request failed", "error", err, "status", p.Status, "request_id", id)
	}
}
