// Package worker is the door for notification workers outside the process: the
// HTTP half of the contract in services/worker.
//
// It has a listener's address in common with the API and nothing else: workers
// come with tokens of their own, which open nothing of the API, and no session or
// agent's token opens anything here. Each worker's requests are limited, by rate
// and by how many wait at a time, and so are guesses at a token. Bodies are small.
//
// It never answers with a ticket, and logs no body.
package worker

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/time/rate"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/worker"
)

// Config is what the door needs.
type Config struct {
	Hatch *worker.Hatch
	// Rate and Burst limit the requests of one worker a second. Zeros are 200 and
	// 400. Waiting is how many of its requests may wait for something at a time;
	// zero is 32.
	Rate, Burst, Waiting int
}

// Door serves the contract.
type Door struct {
	cfg Config

	mu      sync.Mutex
	limits  map[string]*limit // by worker; there are as many as configured
	guesses *rate.Limiter     // of tokens, by everybody together
}

type limit struct {
	rate    *rate.Limiter
	waiting chan struct{}
}

// maxBody is the most bytes of a request.
const maxBody = 16 << 10

// New returns a door.
func New(c Config) *Door {
	if c.Rate == 0 {
		c.Rate, c.Burst = 200, 400
	}
	if c.Waiting == 0 {
		c.Waiting = 32
	}
	return &Door{cfg: c, limits: map[string]*limit{}, guesses: rate.NewLimiter(5, 20)}
}

// Mount adds the routes.
func (d *Door) Mount(app *fiber.App) {
	app.Post(worker.PathNext, d.enter(true, d.next))
	app.Post(worker.PathClaims+":outbound", d.enter(false, d.fetch))
	app.Post(worker.PathStarted, d.enter(false, d.started))
	app.Post(worker.PathResults, d.enter(false, d.finish))
	app.Get(worker.PathEvents, d.enter(true, d.changes))
}

// LimitedError says that a worker asks too often.
type LimitedError struct{}

func (*LimitedError) Error() string { return "worker asks too often" }

// Code is "rate_limited".
func (*LimitedError) Code() string { return "rate_limited" }

// RetryAfter is a second.
func (*LimitedError) RetryAfter() time.Duration { return time.Second }

// enter finds out who asks, and holds the limits.
func (d *Door) enter(waits bool, handle func(c *fiber.Ctx, name string) error) fiber.Handler {
	return func(c *fiber.Ctx) error {
		scheme, token, _ := strings.Cut(c.Get(fiber.HeaderAuthorization), " ")
		name, err := d.cfg.Hatch.Authenticate(strings.TrimSpace(token))
		if err != nil || !strings.EqualFold(scheme, "Bearer") {
			if !d.guesses.Allow() {
				return &LimitedError{}
			}
			return &worker.StrangerError{}
		}
		l := d.limit(name)
		if !l.rate.Allow() {
			return &LimitedError{}
		}
		if waits {
			select {
			case l.waiting <- struct{}{}:
				defer func() { <-l.waiting }()
			default:
				return &LimitedError{}
			}
		}
		return handle(c, name)
	}
}

func (d *Door) limit(name string) *limit {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.limits[name] == nil {
		d.limits[name] = &limit{rate.NewLimiter(rate.Limit(d.cfg.Rate), d.cfg.Burst), make(chan struct{}, d.cfg.Waiting)}
	}
	return d.limits[name]
}

// malformed is a body that cannot be read.
type malformed struct{}

func (malformed) Error() string { return "body is no JSON of this request" }
func (malformed) Code() string  { return "invalid" }

func body[T any](c *fiber.Ctx) (v T, err error) {
	b := c.BodyRaw() // never unpacked: that has no bound
	if len(b) > maxBody {
		return v, fiber.ErrRequestEntityTooLarge
	}
	if json.Unmarshal(b, &v) != nil {
		return v, malformed{}
	}
	return v, nil
}

func (d *Door) next(c *fiber.Ctx, name string) error {
	ask, err := body[worker.Ask](c)
	if err != nil {
		return err
	}
	o, ok, err := d.cfg.Hatch.Next(c.UserContext(), name, ask)
	if err != nil {
		return err
	}
	if !ok {
		return c.SendStatus(http.StatusNoContent)
	}
	return c.JSON(o)
}

func (d *Door) fetch(c *fiber.Ctx, name string) error {
	in, err := body[worker.Claimed](c)
	if err != nil {
		return err
	}
	p, err := d.cfg.Hatch.Fetch(c.UserContext(), name, events.OutboundID(c.Params("outbound")), in.Claim)
	if err != nil {
		return err
	}
	return c.JSON(p)
}

func (d *Door) started(c *fiber.Ctx, name string) error {
	in, err := body[worker.Begun](c)
	if err != nil {
		return err
	}
	if err := d.cfg.Hatch.Start(settled(c), name, in); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

func (d *Door) finish(c *fiber.Ctx, name string) error {
	in, err := body[worker.Result](c)
	if err != nil {
		return err
	}
	if err := d.cfg.Hatch.Finish(settled(c), name, in); err != nil {
		return err
	}
	return c.SendStatus(http.StatusNoContent)
}

// settled goes on when the worker hangs up: what it said is said.
func settled(c *fiber.Ctx) context.Context { return context.WithoutCancel(c.UserContext()) }

func (d *Door) changes(c *fiber.Ctx, name string) error {
	q := worker.FeedQuery{After: c.Query("after")}
	for key, into := range map[string]*int{"limit": &q.Limit, "wait": &q.Wait} {
		s := c.Query(key)
		if s == "" {
			continue
		}
		n, err := strconv.Atoi(s)
		if err != nil {
			return malformed{}
		}
		*into = n
	}
	p, err := d.cfg.Hatch.Changes(c.UserContext(), name, q)
	if err != nil {
		return err
	}
	return c.JSON(p)
}
