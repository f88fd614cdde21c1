package notifier_test

import (
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/westshore/hub/deploy/mailtest"
	"github.com/westshore/hub/projections/outbox"
)

// TestO23EveryFaultOfTheLineHasOneOutcome puts a proxy between us and the mail
// server that cuts, delays and swallows. Before the final dot a fault means that
// nothing was sent, and it is tried again; after it that nobody knows, and it is
// not (O3). Never are there two copies.
func TestO23EveryFaultOfTheLineHasOneOutcome(t *testing.T) {
	p := openPost(t)
	proxy, err := mailtest.NewProxy(p.box.SMTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	relay := p.relay()
	_, port, _ := net.SplitHostPort(proxy.Addr())
	relay.Port, _ = strconv.Atoi(port)
	relay.Timeout, relay.Answer, relay.Reuse = 300*time.Millisecond, 300*time.Millisecond, 1
	p.tune = func(all *parts) { all.worker.Connections = 1 }
	stop := p.run("one", relay)
	defer stop()
	for _, fault := range []struct {
		name  string
		begin func()
		first outbox.State // after the fault
		last  outbox.State // when the line is well again
	}{
		{"no fault", func() {}, outbox.Accepted, outbox.Accepted},
		{"cut before the data", func() { proxy.CutRequest("MAIL FROM", 1) }, outbox.Deferred, outbox.Accepted},
		{"cut at the go-ahead", func() { proxy.CutAnswer("354 ", 1) }, outbox.Deferred, outbox.Accepted},
		{"cut after the final dot", func() { proxy.CutRequest("\r\n.\r\n", 1) }, outbox.Unknown, outbox.Unknown},
		{"acknowledgement lost", func() { proxy.CutAnswer("queued", 1) }, outbox.Unknown, outbox.Unknown},
		{"delay", func() { proxy.Delay(20 * time.Millisecond) }, outbox.Accepted, outbox.Accepted},
		{"black hole", func() { proxy.Delay(0); proxy.BlackHole(true) }, outbox.Deferred, outbox.Accepted},
	} {
		proxy.CutAnswer("nobody says this", 0)
		proxy.CutRequest("nobody says this", 0)
		fault.begin()
		to := strconv.Itoa(len(fault.name)) + "@cust.test"
		msg := p.write(to)
		p.await(msg, fault.first, 1)
		proxy.BlackHole(false)
		p.await(msg, fault.last, 1)
		if n, _ := p.copies(to, msg); n > 1 || fault.last == outbox.Accepted && n != 1 {
			t.Errorf("%s: %d copies of a message that is %s", fault.name, n, fault.last)
		}
	}
}
