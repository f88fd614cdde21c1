package mailtest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
)

// lmtp is one LMTP connection (RFC 2033) that delivers with pipelining.
type lmtp struct {
	conn net.Conn
	r    *bufio.Reader
	w    *bufio.Writer
}

func dialLMTP(addr string) (*lmtp, error) {
	conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", addr) // loopback: there or refused
	if err != nil {
		return nil, err
	}
	c := &lmtp{conn: conn, r: bufio.NewReader(conn), w: bufio.NewWriterSize(conn, 64<<10)}
	if err := c.expect("220"); err != nil {
		return nil, err
	}
	c.line("LHLO mailtest")
	if err := c.w.Flush(); err != nil {
		return nil, err
	}
	return c, c.expect("250")
}

func (c *lmtp) line(s string) { _, _ = c.w.WriteString(s + "\r\n") }

// expect reads one answer, of one or more lines.
func (c *lmtp) expect(code string) error {
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return err
		}
		if !strings.HasPrefix(line, code) {
			return fmt.Errorf("lmtp: want %s, have %s", code, strings.TrimSpace(line))
		}
		if len(line) < 4 || line[3] != '-' {
			return nil
		}
	}
}

// deliver sends mails one after another. The envelope of the next goes out
// with the text of the one before, so that each costs one round trip.
func (c *lmtp) deliver(to string, mails [][]byte) error {
	envelope := func() {
		c.line("MAIL FROM:<bob@cust.test>")
		c.line("RCPT TO:<" + to + ">")
		c.line("DATA")
	}
	if len(mails) > 0 {
		envelope()
	}
	for i, raw := range mails {
		if err := c.w.Flush(); err != nil {
			return err
		}
		for _, code := range []string{"250", "250", "354"} {
			if err := c.expect(code); err != nil {
				return err
			}
		}
		c.text(raw)
		if i+1 < len(mails) {
			envelope()
		}
		if err := c.w.Flush(); err != nil {
			return err
		}
		if err := c.expect("250"); err != nil {
			return err
		}
	}
	return nil
}

// text writes a mail with dots doubled (RFC 5321 section 4.5.2).
func (c *lmtp) text(raw []byte) {
	for len(raw) > 0 {
		line := raw
		if i := bytes.IndexByte(raw, '\n'); i >= 0 {
			line = raw[:i+1]
		}
		if line[0] == '.' {
			_ = c.w.WriteByte('.')
		}
		_, _ = c.w.Write(line)
		raw = raw[len(line):]
		if len(raw) == 0 && !bytes.HasSuffix(line, []byte("\r\n")) {
			_, _ = c.w.WriteString("\r\n")
		}
	}
	_, _ = c.w.WriteString(".\r\n")
}

// Deliver puts mails into a user's INBOX over LMTP, past Postfix, on one
// connection that is kept. It must not be called twice at once; Parallel
// delivery takes several Delivery connections.
func (s *System) Deliver(to string, mails ...[]byte) error {
	if s.delivery == nil {
		c, err := dialLMTP(Addr(s.LMTP))
		if err != nil {
			return fmt.Errorf("deliver: %w", err)
		}
		s.delivery = c
	}
	if err := s.delivery.deliver(to, mails); err != nil {
		_ = s.delivery.conn.Close()
		s.delivery = nil
		return fmt.Errorf("deliver: %w", err)
	}
	return nil
}

// DeliverParallel is Deliver over several connections, for filling a mailbox.
func (s *System) DeliverParallel(conns int, to string, mails [][]byte) error {
	errs := make(chan error, conns)
	for i := range conns {
		part := mails[i*len(mails)/conns : (i+1)*len(mails)/conns]
		go func() {
			c, err := dialLMTP(Addr(s.LMTP))
			if err == nil {
				err = c.deliver(to, part)
				_ = c.conn.Close()
			}
			errs <- err
		}()
	}
	var first error
	for range conns {
		if err := <-errs; err != nil && first == nil {
			first = fmt.Errorf("deliver: %w", err)
		}
	}
	return first
}
