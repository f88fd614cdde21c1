package gateway_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/westshore/hub/gateway"
)

// FIELD 33: half a megabyte that unpacks to half a gigabyte is not unpacked, on any
// route.
func TestPackedBodiesAreRefused(t *testing.T) {
	h := newHouse(t)
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, err := z.Write(make([]byte, 1<<20))
	h.must(err)
	h.must(z.Close())
	for _, path := range []string{"/privacy", "/u/x", "/f/contact", "/api/v1/session", "/api/v1/worker/next", "/nosuch"} {
		for _, encoding := range []string{"gzip", "br", "deflate", "identity, gzip", "GZIP"} {
			if p := h.send("POST", path, bomb.Bytes(), "Content-Encoding", encoding).problem(t); p.Status != http.StatusUnsupportedMediaType {
				t.Errorf("%s %s: %+v", path, encoding, p)
			}
		}
	}
}

// FIELD 33: one visitor with many slow uploads does not fill the memory, and others
// go on.
func TestUploadsHaveABudget(t *testing.T) {
	h := newHouse(t, func(c *gateway.Config) { c.Proxies = []string{"127.0.0.1"} })
	open := func(client, some string) net.Conn {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", h.gateway.Addr())
		h.must(err)
		_, err = io.WriteString(conn, "POST /f/contact HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: "+client+
			"\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 3145728\r\n\r\n"+some)
		h.must(err)
		return conn
	}
	var slow []net.Conn
	for range 42 { // of 3 MiB each: 126 of the 128 MiB that one client may hold
		slow = append(slow, open("203.0.113.5", "--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a\"\r\n\r\n"+strings.Repeat("x", 16<<10)))
	}
	// Whoever is refused is told after the first 8 KiB, which the server waits for;
	// whoever is not hears nothing yet.
	refused := func(client string) bool {
		conn := open(client, strings.Repeat("x", 8<<10))
		defer func() { _ = conn.Close() }()
		h.must(conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond)))
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		return strings.HasPrefix(line, "HTTP/1.1 429")
	}
	h.eventually("the budget is used up", func() bool { return refused("203.0.113.5") })
	if refused("203.0.113.6") {
		t.Error("another client is refused")
	}
	for _, conn := range slow {
		h.must(conn.Close())
	}
	h.eventually("the budget is given back", func() bool { return !refused("203.0.113.5") })
}

// FIELD 29: a proxy that adds a line of its own to X-Forwarded-For is believed, not
// the visitor's line above it.
func TestForwardedInTwoLines(t *testing.T) {
	h := newHouse(t, func(c *gateway.Config) { c.Proxies = []string{"127.0.0.1"} })
	last := 0
	for i := range 31 {
		req, err := http.NewRequestWithContext(t.Context(), "POST", h.base+"/api/v1/session", strings.NewReader(path(`{"email":"n%d@desk.example","password":"guess guess"}`, i)))
		h.must(err)
		req.Header = http.Header{"Content-Type": {"application/json"}, "X-Forwarded-For": {path("198.51.100.%d", i), "203.0.113.7"}}
		res, err := http.DefaultClient.Do(req)
		h.must(err)
		h.must(res.Body.Close())
		last = res.StatusCode
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the 31st try of one client: %d", last)
	}
}
