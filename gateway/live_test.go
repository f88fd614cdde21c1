package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/westshore/hub/gateway"
	"github.com/westshore/hub/gateway/live"
)

// event is one server-sent event as a browser sees it.
type event struct {
	id, name, data string
}

// listener is one open stream. Its events come one by one; the channel closes
// with the stream.
type listener struct {
	events chan event
	last   string // last id seen, also from blocks without data
	leave  context.CancelFunc
	header http.Header
}

func (c caller) listen(query string, headers ...string) *listener {
	c.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, "GET", c.base+"/api/v1/live"+query, nil)
	c.must(err)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	for i := 0; i+1 < len(c.headers); i += 2 {
		req.Header.Set(c.headers[i], c.headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	c.must(err)
	c.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(res.Body)
		c.Fatalf("listen: %d %s", res.StatusCode, b)
	}
	l := &listener{events: make(chan event, 1000), leave: cancel, header: res.Header}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(l.events)
		l.read(res.Body)
	}()
	c.Cleanup(func() {
		cancel()
		<-done
	})
	return l
}

func (l *listener) read(r io.Reader) {
	lines := bufio.NewScanner(r)
	var e event
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			if lines.Text() == "" {
				l.events <- e
				e = event{}
			} else {
				e.name = "beat"
			}
		}
	}
}

// next waits for an event with a name, counting ids like a browser.
func (l *listener) next(t testing.TB, name string) event {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		select {
		case e, open := <-l.events:
			if !open {
				t.Fatalf("the stream ended before %s", name)
			}
			if e.id != "" {
				l.last = e.id
			}
			if e.name == name {
				return e
			}
		case <-late:
			t.Fatalf("no %s in time", name)
		}
	}
}

type change struct {
	Kind, ID, Pos string
	Rev           int64
	Fields        []string
}

func (e event) change(t testing.TB) (c change) {
	t.Helper()
	if err := json.Unmarshal([]byte(e.data), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLiveTellsWhatChanged(t *testing.T) {
	h := newHouse(t)
	bob := h.login("bob@desk.example")
	tk := bob.ticket("Lamp")
	l := bob.listen("")
	for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
		if got := l.header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	l.next(t, "hello")
	done := h.ok(bob.post("/tickets/"+tk.ID+"/assign", map[string]string{"agent": "me"}), nil)
	e := l.next(t, "change")
	if c := e.change(t); c.Kind != "ticket" || c.ID != tk.ID || c.Pos != done.Header.Get("Hub-Position") || e.id != c.Pos || c.Rev <= tk.Revision {
		t.Errorf("%+v %+v", e, c)
	}
	if strings.Contains(e.data, "Lamp") || strings.Contains(e.data, "cleo") {
		t.Errorf("text in an event: %s", e.data)
	}
	if beat := l.next(t, "beat"); beat.id == "" {
		t.Error("a heartbeat does not move the resume point")
	}
	if p := bob.get("/live?from=soon").problem(t); p.Status != 422 {
		t.Errorf("%+v", p)
	}
}

// A browser that loses its connection again and again sees every change once.
func TestLiveResumesWithoutGapOrDuplicate(t *testing.T) {
	h := newHouse(t)
	bob := h.login("bob@desk.example")
	tk := bob.ticket("Lamp")
	page := h.ok(bob.get("/tickets/"+tk.ID), nil)
	from := page.Header.Get("Hub-Position")

	const notes = 24
	written := make(chan error, 1)
	go func() {
		for i := range notes {
			if a := bob.post("/tickets/"+tk.ID+"/tag", map[string]any{"add": []string{path("t%d", i)}}); a.StatusCode != http.StatusOK {
				written <- errors.New(string(a.body))
				return
			}
		}
		written <- nil
	}()
	seen := map[int64]int{}
	var highest int64
	last := ""
	for round := 0; highest < tk.Revision+notes; round++ {
		l := bob.listen("?from="+from, "Last-Event-ID", last)
		for range 2 {
			e := l.next(t, "change")
			if c := e.change(t); c.Kind == "ticket" {
				seen[c.Rev]++
				highest = max(highest, c.Rev)
			}
			if highest == tk.Revision+notes {
				break
			}
		}
		last = l.last
		l.leave()
	}
	h.must(<-written)
	// Changes of one ticket may be told as one, but the newest is always there,
	// and none is told twice.
	for rev, n := range seen {
		if n > 1 {
			t.Errorf("revision %d was told %d times", rev, n)
		}
	}
	if seen[tk.Revision+notes] != 1 {
		t.Errorf("seen %v", seen)
	}
}

func TestLiveSaysResetToWhoeverWasAwayTooLong(t *testing.T) {
	h := newHouse(t)
	bob := h.login("bob@desk.example")
	bob.ticket("Lamp")
	far := bob.listen("?from=99999999")
	if e := far.next(t, "reset"); e.id != h.feed.Latest().String() {
		t.Errorf("%+v", e)
	}
}

func TestLiveEndsWithTheSession(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.login("ada@desk.example"), h.login("bob@desk.example")
	l := bob.listen("")
	l.next(t, "hello")
	h.ok(ada.post("/agents/"+string(h.agent)+"/deactivate", nil), nil)
	l.next(t, "session")
	for range l.events { // and the server closes
	}
}

func TestLiveSaysGoodbye(t *testing.T) {
	h := newHouse(t)
	bob := h.login("bob@desk.example")
	l := bob.listen("")
	l.next(t, "hello")
	stopped := make(chan struct{})
	start := time.Now()
	go func() {
		defer close(stopped)
		h.stop()
	}()
	l.next(t, "bye")
	<-stopped
	if took := time.Since(start); took > 8*time.Second {
		t.Errorf("stopping took %s", took)
	}
}

func TestLiveIsBounded(t *testing.T) {
	h := newHouse(t, func(c *gateway.Config) { c.Live = live.Config{PerAgent: 2, Heartbeat: 100 * time.Millisecond} })
	bob := h.login("bob@desk.example")
	one, two := bob.listen(""), bob.listen("")
	one.next(t, "hello")
	two.next(t, "hello")
	a := bob.get("/live")
	if p := a.problem(t); p.Status != 503 || p.Code != "unavailable" || a.Header.Get("Retry-After") == "" {
		t.Errorf("%+v", p)
	}
	one.leave()
	h.eventually("the place of a browser that left", func() bool { return h.gateway.Streams() == 1 })
	bob.listen("").next(t, "hello")
}
