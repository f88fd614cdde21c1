package mailbox

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// errSilent says that the server owed an answer and sent nothing.
var errSilent = errors.New("the server does not answer")

// guardedConn notices a dead peer, which the IMAP client does not: it clears
// its deadline in IDLE, and reads on after a timeout. Here a deadline rolls
// with every Read while an answer is owed (armed), the client's own read
// deadlines are ignored, and the first timeout closes the socket.
type guardedConn struct {
	net.Conn
	mu     sync.Mutex
	window time.Duration // 0 when no answer is owed
	silent bool
}

// arm starts waiting: from now on each Read may last d at most. A Read that is
// under way is included.
func (c *guardedConn) arm(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.window = d
	_ = c.Conn.SetReadDeadline(time.Now().Add(d))
}

// disarm waits for nothing.
func (c *guardedConn) disarm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.window = 0
	_ = c.Conn.SetReadDeadline(time.Time{})
}

// wasSilent reports whether the connection was closed for its silence.
func (c *guardedConn) wasSilent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.silent
}

func (c *guardedConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	if c.window > 0 {
		_ = c.Conn.SetReadDeadline(time.Now().Add(c.window))
	}
	c.mu.Unlock()
	n, err := c.Conn.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.silent = true
		_ = c.Conn.Close()
		return n, errSilent
	}
	return n, err
}

// SetReadDeadline does nothing: arm and disarm decide.
func (c *guardedConn) SetReadDeadline(time.Time) error { return nil }

// SetDeadline sets the deadline of writes only.
func (c *guardedConn) SetDeadline(t time.Time) error { return c.Conn.SetWriteDeadline(t) }
