package rights

import (
	"sync"
	"time"
)

const (
	perClient  = 20        // questions of one network in a window
	window     = time.Hour // of the limit
	maxClients = 10_000    // networks that are remembered
)

// limiter counts what one network asks for. When it knows too many it forgets
// them all: the limit is there against floods, not against persistence.
type limiter struct {
	most int
	per  time.Duration
	now  func() time.Time

	mu    sync.Mutex
	since time.Time
	seen  map[string]int
}

func newLimiter(most int, per time.Duration, now func() time.Time) *limiter {
	return &limiter{most: most, per: per, now: now, seen: map[string]int{}}
}

// LimitedError says that a network asked too often.
type LimitedError struct{ after time.Duration }

// Error names the limit.
func (e *LimitedError) Error() string { return "too many questions from one network" }

// Code is the kind of problem, as the gateway knows them.
func (e *LimitedError) Code() string { return "rate_limited" }

// RetryAfter is how long to wait.
func (e *LimitedError) RetryAfter() time.Duration { return e.after }

func (l *limiter) admit(client string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if now.Sub(l.since) >= l.per || len(l.seen) >= maxClients {
		l.since = now
		clear(l.seen)
	}
	if l.seen[client]++; l.seen[client] > l.most {
		return &LimitedError{after: l.since.Add(l.per).Sub(now)}
	}
	return nil
}
