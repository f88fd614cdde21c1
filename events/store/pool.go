package store

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// pool holds the current generation and replaces it when it broke.
type pool struct {
	dial dialer
	log  *slog.Logger
	slow time.Duration // an attempt this long without an answer condemns its generation
	hung time.Duration // a retired generation is closed after this, whatever it still carries; 0 = never

	mu       sync.Mutex
	cur      *generation // nil: none that works
	building *build      // nil: nobody builds
	old      map[*generation]struct{}
	failed   bool // the last build failed; logged once
	closed   bool
	builders sync.WaitGroup
	idle     chan struct{} // signalled when a generation closes
}

// generation is one client with one connection.
type generation struct {
	client  *esdb.Client
	slots   chan struct{} // one per stream in use
	users   int           // guarded by pool.mu
	retired chan struct{} // closed when no new call may use it
	timer   *time.Timer
}

// build is one try to make a generation; all who need one wait for it.
type build struct {
	done chan struct{}
	err  error
}

func newPool(dial dialer, log *slog.Logger, slow, hung time.Duration) *pool {
	return &pool{
		dial: dial,
		log:  log,
		slow: slow,
		hung: hung,
		old:  make(map[*generation]struct{}),
		idle: make(chan struct{}, 1),
	}
}

// acquire returns a generation with a free stream, building one if there is
// none. It tries to build once; its error is then what stood in the way. Give
// the generation back with release.
func (p *pool) acquire(ctx context.Context) (*generation, error) {
	for {
		g, b, err := p.current()
		if err != nil {
			return nil, err
		}
		if g == nil {
			select {
			case <-b.done:
				if b.err != nil {
					return nil, b.err
				}
				continue
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		select {
		case g.slots <- struct{}{}:
			return g, nil
		default:
		}
		select {
		case g.slots <- struct{}{}:
			return g, nil
		case <-g.retired:
			p.drop(g, false)
		case <-ctx.Done():
			p.drop(g, false)
			return nil, ctx.Err()
		}
	}
}

// current returns the working generation, counted as used, or the build to
// wait for.
func (p *pool) current() (*generation, *build, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, ErrClosed
	}
	if p.cur != nil {
		p.cur.users++
		return p.cur, nil, nil
	}
	if p.building == nil {
		p.building = &build{done: make(chan struct{})}
		p.builders.Add(1)
		go p.build(p.building)
	}
	return nil, p.building, nil
}

// hold counts one more user of a generation whose slot the caller has taken.
func (p *pool) hold(g *generation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g.users++
}

// release gives a generation back; broken retires it.
func (p *pool) release(g *generation, broken bool) {
	<-g.slots
	p.drop(g, broken)
}

func (p *pool) drop(g *generation, broken bool) {
	p.mu.Lock()
	g.users--
	if broken && p.cur == g {
		p.retire()
	}
	_, old := p.old[g]
	last := old && g.users == 0
	if last {
		delete(p.old, g)
	}
	p.mu.Unlock()
	if last {
		p.end(g)
	}
}

// retire takes the current generation out of use. The caller holds p.mu.
func (p *pool) retire() {
	g := p.cur
	p.cur = nil
	p.old[g] = struct{}{}
	close(g.retired)
	if p.hung > 0 {
		// Calls end with their contexts, so this does not happen unless the
		// client hangs; closing it frees what waits inside (by a panic in the
		// call's own goroutine, which is recovered there).
		g.timer = time.AfterFunc(p.hung, func() {
			p.log.Warn("client did not let go of its calls")
			_ = g.client.Close()
		})
	}
}

// end closes a generation that nobody uses any more.
func (p *pool) end(g *generation) {
	if g.timer != nil {
		g.timer.Stop()
	}
	_ = g.client.Close() // always nil
	select {
	case p.idle <- struct{}{}:
	default:
	}
}

// build makes a generation and publishes it once it has reached the server.
func (p *pool) build(b *build) {
	defer p.builders.Done()
	client, err := p.connect()
	p.mu.Lock()
	closed := p.closed
	p.building = nil
	b.err = err
	if closed {
		b.err = ErrClosed
	} else if err == nil {
		p.cur = &generation{
			client:  client,
			slots:   make(chan struct{}, maxStreams),
			retired: make(chan struct{}),
		}
	}
	changed := p.failed != (err != nil)
	p.failed = err != nil
	p.mu.Unlock()
	close(b.done)
	switch {
	case closed && client != nil:
		_ = client.Close()
	case closed:
	case err == nil:
		p.log.Info("connected")
	case changed:
		p.log.Warn("event store is not available", "error", err)
	}
}

// connect makes a client and has it connect, while no call waits inside it. The
// client gives up by itself after its gossip timeout.
func (p *pool) connect() (client *esdb.Client, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = recovered(v)
		}
		if err != nil && client != nil {
			_ = client.Close()
			client = nil
		}
		if err != nil {
			err = fmt.Errorf("connect: %w", err)
		}
	}()
	if client, err = p.dial(); err != nil {
		return nil, err
	}
	_, err = client.GetServerVersion()
	return client, err
}

// shut closes the pool: no new calls, then it waits for those in flight until
// deadline, and closes what is left by force.
func (p *pool) shut(deadline time.Time) error {
	p.mu.Lock()
	p.closed = true
	g := p.cur
	unused := g != nil && g.users == 0
	if g != nil {
		p.retire()
	}
	if unused {
		delete(p.old, g)
	}
	p.mu.Unlock()
	if unused {
		p.end(g)
	}
	p.builders.Wait() // bounded by the client's gossip timeout
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	for {
		p.mu.Lock()
		left := len(p.old)
		p.mu.Unlock()
		if left == 0 {
			return nil
		}
		select {
		case <-p.idle:
		case <-timer.C:
			return p.force()
		}
	}
}

// force closes generations whose calls did not end in time.
func (p *pool) force() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	calls := 0
	for g := range p.old {
		calls += g.users
		_ = g.client.Close()
	}
	return fmt.Errorf("close store: %d calls were still in flight", calls)
}
