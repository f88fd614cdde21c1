package mailtest

import (
	"bytes"
	"context"
	"net"
	"sync"
	"time"
)

// Proxy passes TCP connections on to a server and breaks them on demand.
type Proxy struct {
	target   string
	listener net.Listener
	stop     context.CancelFunc // ends a dial under way
	running  sync.WaitGroup

	mu      sync.Mutex
	conns   map[*pair]bool
	hole    bool
	delay   time.Duration
	answer  []byte
	request []byte
	cuts    int // how many cuts are left
	dials   int
	closed  bool
}

// pair is one connection and its continuation to the server.
type pair struct{ client, server net.Conn }

func (p *pair) close() {
	_ = p.client.Close()
	_ = p.server.Close()
}

// NewProxy listens on a free port of 127.0.0.1 for connections to target
// (host:port).
func NewProxy(target string) (*Proxy, error) {
	ctx, stop := context.WithCancel(context.Background())
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		stop()
		return nil, err
	}
	p := &Proxy{target: target, listener: l, stop: stop, conns: make(map[*pair]bool)}
	p.running.Add(1)
	go p.accept(ctx)
	return p, nil
}

// Addr returns host:port to connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// CutAnswer cuts a connection when the server's bytes hold the given text. The
// chunk with it is not passed on: the server has answered, the client never
// hears. It works the given number of times.
func (p *Proxy) CutAnswer(text string, times int) {
	p.set(func() { p.answer, p.cuts = []byte(text), times })
}

// CutRequest cuts a connection when the client's bytes hold the given text.
// They are passed on first: the server has it, the client never hears.
func (p *Proxy) CutRequest(text string, times int) {
	p.set(func() { p.request, p.cuts = []byte(text), times })
}

// BlackHole swallows everything, both ways, without closing anything: what a
// dead line looks like. Off, new bytes pass again; the swallowed are lost.
func (p *Proxy) BlackHole(on bool) { p.set(func() { p.hole = on }) }

// Delay holds each chunk back for a while.
func (p *Proxy) Delay(d time.Duration) { p.set(func() { p.delay = d }) }

// Cut closes all connections now.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.close()
	}
}

// Connections returns how many connections were made so far.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dials
}

// Close ends everything and waits for it.
func (p *Proxy) Close() {
	p.set(func() { p.closed = true })
	p.stop()
	_ = p.listener.Close()
	p.Cut()
	p.running.Wait()
}

func (p *Proxy) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *Proxy) accept(ctx context.Context) {
	defer p.running.Done()
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := new(net.Dialer).DialContext(ctx, "tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		c := &pair{client, server}
		p.mu.Lock()
		p.conns[c] = true
		p.dials++
		if p.closed {
			c.close()
		}
		p.mu.Unlock()
		p.running.Add(2)
		go p.pass(c, c.client, c.server, false)
		go p.pass(c, c.server, c.client, true)
	}
}

// pass copies one direction until either side ends.
func (p *Proxy) pass(c *pair, from, to net.Conn, answers bool) {
	defer p.running.Done()
	defer func() {
		c.close()
		p.set(func() { delete(p.conns, c) })
	}()
	buf := make([]byte, 32<<10)
	var tail []byte // so that a text across two chunks is found
	for {
		n, err := from.Read(buf)
		if n > 0 {
			seen := append(tail, buf[:n]...)
			hole, delay, cut := p.judge(seen, answers)
			tail = append([]byte(nil), seen[max(0, len(seen)-100):]...)
			if delay > 0 {
				<-time.After(delay)
			}
			if cut && answers {
				return
			}
			if !hole {
				if _, err := to.Write(buf[:n]); err != nil {
					return
				}
			}
			if cut {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *Proxy) judge(seen []byte, answers bool) (hole bool, delay time.Duration, cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := p.request
	if answers {
		text = p.answer
	}
	if len(text) > 0 && p.cuts > 0 && bytes.Contains(seen, text) {
		p.cuts--
		cut = true
	}
	return p.hole, p.delay, cut
}
