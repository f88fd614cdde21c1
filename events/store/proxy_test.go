package store_test

import (
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// proxy stands between a store and a node, on Unix-domain sockets, and does to
// their connections what networks do.
type proxy struct {
	t       testing.TB
	socket  string
	backend string

	mu       sync.Mutex
	listener net.Listener
	links    map[*link]struct{}
	opened   int  // connections so far
	deaf     bool // new connections are accepted and forgotten
	wg       sync.WaitGroup
}

// link is one connection through the proxy.
type link struct {
	client, server net.Conn
	up, down       gate // client to server, server to client
	closed         chan struct{}
	once           sync.Once
}

// gate lets bytes through until it is shut.
type gate struct {
	mu     sync.Mutex
	isShut bool
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.isShut = true
}

// hold waits while the gate is shut: until the link is closed, as no gate ever
// opens again. It reports whether it was shut.
func (g *gate) hold(closed <-chan struct{}) bool {
	g.mu.Lock()
	shut := g.isShut
	g.mu.Unlock()
	if shut {
		<-closed
	}
	return shut
}

// newProxy returns a proxy to the socket of a node. It is up.
func newProxy(t testing.TB, backend string) *proxy {
	t.Helper()
	dir, err := os.MkdirTemp("", "px") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, socket: filepath.Join(dir, "s"), backend: backend, links: make(map[*link]struct{})}
	p.start()
	t.Cleanup(func() {
		p.stop()
		p.wg.Wait()
		_ = os.RemoveAll(dir)
	})
	return p
}

// start listens; stop refuses connections and cuts those there are.
func (p *proxy) start() {
	l, err := net.Listen("unix", p.socket)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.listener = l
	p.mu.Unlock()
	p.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.serve(c)
		}
	})
}

func (p *proxy) stop() {
	p.mu.Lock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	p.mu.Unlock()
	p.cut()
}

func (p *proxy) serve(client net.Conn) {
	server, err := net.Dial("unix", p.backend)
	if err != nil {
		_ = client.Close()
		return
	}
	l := &link{client: client, server: server, closed: make(chan struct{})}
	p.mu.Lock()
	p.opened++
	if p.deaf {
		l.up.shut()
	}
	p.links[l] = struct{}{}
	p.mu.Unlock()
	p.wg.Go(func() { p.pump(l, server, client, &l.up) })
	p.wg.Go(func() { p.pump(l, client, server, &l.down) })
}

func (p *proxy) pump(l *link, to, from net.Conn, g *gate) {
	defer p.end(l)
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if g.hold(l.closed) {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (p *proxy) end(l *link) {
	l.once.Do(func() {
		close(l.closed)
		_ = l.client.Close()
		_ = l.server.Close()
		p.mu.Lock()
		delete(p.links, l)
		p.mu.Unlock()
	})
}

// each calls fn for the connections there are now.
func (p *proxy) each(fn func(*link)) {
	p.mu.Lock()
	var all []*link
	for l := range p.links {
		all = append(all, l)
	}
	p.mu.Unlock()
	for _, l := range all {
		fn(l)
	}
}

// cut closes all connections.
func (p *proxy) cut() { p.each(p.end) }

// swallowReplies keeps back what the server says on the connections there are.
func (p *proxy) swallowReplies() { p.each(func(l *link) { l.down.shut() }) }

// blackhole keeps back everything on the connections there are.
func (p *proxy) blackhole() {
	p.each(func(l *link) {
		l.up.shut()
		l.down.shut()
	})
}

// setDeaf makes new connections lead nowhere.
func (p *proxy) setDeaf(deaf bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deaf = deaf
}

func (p *proxy) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opened
}
