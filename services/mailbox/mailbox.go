package mailbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// Mailbox watches one folder.
type Mailbox struct {
	cfg   Config
	deps  Deps
	log   *slog.Logger
	after effect

	mu     sync.Mutex // guards status
	status Status

	// What is remembered between connections. Only the goroutine of Run and
	// what it waits for touch it.
	memory memory

	nudge chan struct{} // holds a token when it is worth trying again now
}

// New checks the configuration. It does not connect.
func New(cfg Config, deps Deps) (*Mailbox, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("mailbox %q: %w", cfg.ID, err)
	}
	if deps.Take == nil || deps.Bookmark == nil || deps.Advance == nil {
		return nil, fmt.Errorf("mailbox %q: take, bookmark and advance are needed", cfg.ID)
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	after, err := parseAfter(cfg.After)
	if err != nil {
		return nil, err
	}
	return &Mailbox{
		cfg: cfg, deps: deps, after: after,
		log:    deps.Logger.With("room", "mailbox", "mailbox", string(cfg.ID)),
		memory: newMemory(), nudge: make(chan struct{}, 1),
		status: Status{State: StateStopped},
	}, nil
}

// Run watches the folder until ctx ends, whatever the server does, and then
// returns nil. It must not be called twice at once.
func (m *Mailbox) Run(ctx context.Context) error {
	defer m.report(func(s *Status) { s.State = StateStopped })
	var pause backoff
	refused := 0
	for ctx.Err() == nil {
		m.report(func(s *Status) { s.State = StateConnecting })
		m.memory.quick = false
		err := m.connectAndServe(ctx, func() {
			pause.reset()
			refused = 0
		})
		if ctx.Err() != nil {
			break
		}
		wait, state := pause.next(m.cfg.BackoffFirst, m.cfg.BackoffMax), StateBackoff
		if m.memory.quick {
			wait = min(wait, jitter(m.cfg.BackoffFirst))
		}
		var auth *authError
		if errors.As(err, &auth) {
			if refused++; refused >= 3 {
				wait, state = jitter(m.cfg.AuthRetry), StateAuthFailed
			}
		}
		m.log.Warn("connection ended", "error", m.clean(err), "retry_in", wait.Round(time.Millisecond))
		m.report(func(s *Status) { s.State, s.LastError, s.ErrorAt = state, m.clean(err), m.deps.Now() })
		if m.pause(ctx, wait) {
			pause.reset()
			refused = 0
		}
	}
	return nil
}

// Retry ends the wait between two tries: something has changed, such as the
// access to the mailbox.
func (m *Mailbox) Retry() {
	select {
	case m.nudge <- struct{}{}:
	default:
	}
}

// pause waits, and reports whether Retry ended that.
func (m *Mailbox) pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-m.nudge:
		return true
	case <-t.C:
	case <-ctx.Done():
	}
	return false
}

// connectAndServe is the life of one connection. It calls healthy each time
// everything there is has been read.
func (m *Mailbox) connectAndServe(ctx context.Context, healthy func()) error {
	l, err := m.dial(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	s, err := m.openSession(ctx, l)
	if err != nil {
		return err
	}
	s.healthy = healthy
	err = s.serve(ctx)
	if terr := s.taker.finish(); err == nil {
		err = terr
	}
	return err
}

// Status returns what Deps.Status was told last.
func (m *Mailbox) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status
}

func (m *Mailbox) report(change func(*Status)) {
	m.mu.Lock()
	before := m.status
	change(&m.status)
	now := m.status
	m.mu.Unlock()
	if m.deps.Status != nil && now != before {
		m.deps.Status(now)
	}
}

// backoff waits longer after each failure in a row, at random up to a ceiling
// that doubles ("full jitter"): at once at first, so that a server that only
// restarted is back soon.
type backoff struct{ failures int }

func (b *backoff) reset() { b.failures = 0 }

func (b *backoff) next(first, most time.Duration) time.Duration {
	ceiling := first
	if b.failures > 0 {
		ceiling = max(first, time.Second) << min(b.failures-1, 20)
	}
	if ceiling > most || ceiling <= 0 {
		ceiling = most
	}
	b.failures++
	return ceiling/20 + rand.N(ceiling)
}

// jitter spreads a wait by a tenth either way.
func jitter(d time.Duration) time.Duration { return d - d/10 + rand.N(d/5+1) }

// sleep waits, or returns early when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
