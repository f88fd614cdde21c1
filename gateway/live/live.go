package live

import (
	"bufio"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
)

// Config is what the room needs. Zero values are replaced by the defaults.
type Config struct {
	Feed      *projections.Feed
	Heartbeat time.Duration // 15 s
	Deadline  time.Duration // of one flush; 10 s
	// Patience is how long a stream waits for the feed to reach a position that
	// the browser says it saw; 3 s. A feed that does not get there has another
	// history, and the browser is told to look again.
	Patience time.Duration
	Streams  int // open at once, all together; 2,000
	PerAgent int // open at once for one agent; 50
	Logger   *slog.Logger
}

// Live keeps the open streams.
type Live struct {
	cfg  Config
	log  *slog.Logger
	stop chan struct{}

	mu      sync.Mutex
	stopped bool
	open    map[events.AgentID]int
	total   int
	running sync.WaitGroup
}

// New returns a room without streams.
func New(c Config) *Live {
	if c.Heartbeat <= 0 {
		c.Heartbeat = 15 * time.Second
	}
	if c.Deadline <= 0 {
		c.Deadline = 10 * time.Second
	}
	if c.Patience <= 0 {
		c.Patience = 3 * time.Second
	}
	if c.Streams <= 0 {
		c.Streams = 2000
	}
	if c.PerAgent <= 0 {
		c.PerAgent = 50
	}
	return &Live{cfg: c, log: c.Logger.With("room", "live"), stop: make(chan struct{}), open: map[events.AgentID]int{}}
}

// BusyError says that there are too many streams, or that the house is closing.
type BusyError struct{}

func (*BusyError) Error() string { return "open stream: too many are open" }

// Code names the error for the HTTP API.
func (*BusyError) Code() string { return "unavailable" }

// RetryAfter is when it may be tried again.
func (*BusyError) RetryAfter() time.Duration { return 5 * time.Second }

// Request is who wants to listen, and from where on.
type Request struct {
	Agent events.AgentID
	From  *events.Position // the last that was seen; nil: from now on
	// Alive says whether the agent may still listen.
	Alive func(context.Context) error
}

// Count is how many streams are open.
func (l *Live) Count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

func (l *Live) enter(a events.AgentID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped || l.total >= l.cfg.Streams || l.open[a] >= l.cfg.PerAgent {
		return &BusyError{}
	}
	l.open[a]++
	l.total++
	l.running.Add(1)
	return nil
}

func (l *Live) leave(a events.AgentID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[a]--; l.open[a] == 0 {
		delete(l.open, a)
	}
	l.total--
	l.running.Done()
}

// Begin takes a place for a stream and returns what writes it; that must be
// called once. It fails with a *BusyError.
func (l *Live) Begin(req Request) (serve func(*fiber.Ctx), err error) {
	if err := l.enter(req.Agent); err != nil {
		return nil, err
	}
	return func(c *fiber.Ctx) { l.serve(c, req) }, nil
}

func (l *Live) serve(c *fiber.Ctx, req Request) {
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set("X-Accel-Buffering", "no")
	conn := c.Context().Conn()
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer l.leave(req.Agent)
		s := &stream{l: l, req: req, conn: conn, w: w}
		if err := s.run(); err != nil {
			l.log.Debug("stream ended", "agent", req.Agent, "error", err) // the browser left
		}
	})
}

// Close says goodbye on every stream and waits for them to end, or for ctx.
func (l *Live) Close(ctx context.Context) error {
	l.mu.Lock()
	if !l.stopped {
		l.stopped = true
		close(l.stop)
	}
	l.mu.Unlock()
	done := make(chan struct{})
	go func() {
		l.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
