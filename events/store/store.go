package store

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/westshore/hub/events"
)

// Event is one event to append. ID, Type and Data are required; Data is JSON.
// The content type is always application/json.
type Event struct {
	ID   events.UUID
	Type string
	Data []byte
	Meta []byte // JSON, or empty
}

// Recorded is one event as the store holds it. Data and Meta belong to the
// receiver.
type Recorded struct {
	Event
	Stream   string
	Revision events.Revision // math.MaxInt64 for a tombstone
	Position events.Position
	Created  time.Time // the server's clock, UTC, to 100 ns; never order by it
}

// Written is what an append returns: revision and position of its last event.
type Written struct {
	Revision events.Revision
	Position events.Position
}

// Config says where the event store is.
type Config struct {
	// URL is a connection string: esdb://host:port?tls=false,
	// esdb://user:password@a:2113,b:2113,c:2113. The settings
	// maxDiscoverAttempts, discoveryInterval and defaultDeadline have no effect:
	// the store has its own way of trying again. May be empty with Socket.
	URL string
	// Socket is the path of a Unix-domain socket. It replaces the address in
	// URL and turns TLS off.
	Socket string
	// Batch sends appends on one stream of the protocol's BatchAppend instead of
	// one call each, for half of the processor time. Only with Socket: it is for
	// the embedded node.
	Batch bool
	// Logger receives changes of state; what the client itself says is logged
	// at debug level. Nil discards.
	Logger *slog.Logger
	// CallTimeout bounds one call, its retries included; a longer read is
	// bounded per page. 10 s when zero. An attempt without an answer is given
	// up after half of it.
	CallTimeout time.Duration
	// IdleCheck is how long a subscription may hear nothing before it asks
	// whether the server is still there. 5 s when zero.
	IdleCheck time.Duration
}

// The most streams one connection carries, and the part of them that
// subscriptions take; the rest is for their idle checks. The real server
// allows 100.
const (
	maxStreams       = 80
	maxSubscriptions = 72
)

// Store is an event store, kept reachable. It is safe for concurrent use.
type Store struct {
	cfg     Config
	log     *slog.Logger
	dial    dialer
	attempt time.Duration // the cap of one attempt
	slow    time.Duration // see pool.slow
	calls   *pool
	lane    *lane // nil: appends are calls

	closing context.Context // ends when Close begins
	close   context.CancelFunc

	mu       sync.Mutex
	subs     []*pool // each with at most maxSubscriptions members
	members  map[*pool]int
	isClosed bool
	running  sync.WaitGroup // Subscribe calls
}

// Open returns a store for cfg. It does not connect: it fails only on a
// connection string that cannot be understood, never because the server is
// away. Close it when done.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.CallTimeout <= 0 {
		cfg.CallTimeout = 10 * time.Second
	}
	if cfg.IdleCheck <= 0 {
		cfg.IdleCheck = 5 * time.Second
	}
	log := cfg.Logger.With("room", "store")
	dial, err := newDialer(cfg, log)
	if err != nil {
		return nil, err
	}
	s := &Store{
		cfg:     cfg,
		log:     log,
		dial:    dial,
		attempt: cfg.CallTimeout / 2,
		slow:    min(2*time.Second, cfg.CallTimeout*3/8),
		members: make(map[*pool]int),
	}
	s.closing, s.close = context.WithCancel(context.Background())
	s.calls = newPool(dial, log.With("use", "calls"), s.slow, 2*cfg.CallTimeout)
	if cfg.Batch && cfg.Socket != "" {
		s.lane = newLane(cfg.Socket, s.slow, log.With("use", "appends"))
	}
	return s, nil
}

// Config returns the configuration the store was opened with, defaults filled
// in. Its URL may hold a password.
func (s *Store) Config() Config { return s.cfg }

// Close ends all subscriptions and waits for their handlers, waits for the
// calls in flight (at most CallTimeout) and closes the connections. Calls made
// afterwards fail with ErrClosed, also those that were about to try again. It
// may be called more than once, but not from a handler.
func (s *Store) Close() error {
	s.mu.Lock()
	already := s.isClosed
	s.isClosed = true
	pools := append([]*pool{s.calls}, s.subs...)
	s.mu.Unlock()
	if already {
		return nil
	}
	s.close()
	s.running.Wait()
	deadline := time.Now().Add(s.cfg.CallTimeout)
	var errs []error
	if s.lane != nil {
		s.lane.shut(deadline)
	}
	for _, p := range pools {
		errs = append(errs, p.shut(deadline))
	}
	return errors.Join(errs...)
}

// enter registers a subscription with a pool that has room for it, and with
// Close, which waits for it.
func (s *Store) enter() (*pool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed {
		return nil, ErrClosed
	}
	s.running.Add(1)
	for _, p := range s.subs {
		if s.members[p] < maxSubscriptions {
			s.members[p]++
			return p, nil
		}
	}
	p := newPool(s.dial, s.log.With("use", "subscriptions"), s.slow, 0)
	s.subs = append(s.subs, p)
	s.members[p] = 1
	return p, nil
}

func (s *Store) leave(p *pool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members[p]--
	s.running.Done()
}
