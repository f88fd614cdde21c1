package acceptance_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/westshore/hub/deploy/sandbox"
)

// shop is a hub whose mail servers are sandboxes in this process: they can be away.
type shop struct {
	*hub
	mail     *sandbox.Sandbox // where support@hub.test gets its mail
	sendPort int              // where the hub hands its mail in
}

// openShop writes the configuration of a hub. Its mailbox works; its way out is
// what openRelay starts, when it does.
func openShop(t *testing.T, more string) *shop {
	t.Helper()
	s := &shop{hub: newHub(t, ""), sendPort: freePort(t)}
	s.mail = startSandbox(t, filepath.Join(s.dir, "mail-in"), "127.0.0.1:0")
	if err := os.WriteFile(filepath.Join(s.dir, "password"), []byte(sandbox.DefaultPassword), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(s.mail.IMAPAddr())
	if err != nil {
		t.Fatal(err)
	}
	s.configure(fmt.Sprintf(`
[smtp]
host = "127.0.0.1"
port = %d
tls = "none"
undo = "500ms"
domain_rate = 6000
[[mailbox]]
id = "support"
address = "support@hub.test"
host = "127.0.0.1"
port = %s
tls = "none"
password_file = %q
[[form]]
id = "contact"
mailbox = "support"
`, s.sendPort, port, filepath.Join(s.dir, "password")) + more)
	return s
}

func startSandbox(t *testing.T, dir, smtp string) *sandbox.Sandbox {
	t.Helper()
	box, err := sandbox.Start(t.Context(), sandbox.Config{Dir: dir, SMTPListen: smtp})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Stop(t.Context()) })
	return box
}

// away stops a mail server, though clients have connections.
func away(t *testing.T, box *sandbox.Sandbox) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := box.Stop(ctx); err != nil {
		t.Fatal(err)
	}
}

// openRelay starts the mail server that the hub hands its mail to.
func (s *shop) openRelay(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	return startSandbox(t, filepath.Join(s.dir, "mail-out"), fmt.Sprintf("127.0.0.1:%d", s.sendPort))
}

// ask sends a mail of a new customer.
func (s *shop) ask(t *testing.T) *letter {
	t.Helper()
	l := &letter{from: mark() + "@customer.test", to: "support@hub.test", subject: "Hello " + mark(), text: mark()}
	post(t, s.mail.SMTPAddr(), l)
	return l
}

// roundTrip asks, answers and waits for the answer at the customer.
func (s *shop) roundTrip(t *testing.T, relay *sandbox.Sandbox) {
	t.Helper()
	l := s.ask(t)
	first := s.ticketWith(l.subject)
	words := mark()
	if err := s.reply(first.ID, words, false); err != nil {
		t.Fatal(err)
	}
	inbox{relay.IMAPAddr(), l.from, sandbox.DefaultPassword}.with(t, words)
}

// once fails unless each text is in one message.
func (h *hub) once(texts ...string) {
	h.t.Helper()
	have := h.count(texts...)
	for _, text := range texts {
		if have[text] != 1 {
			h.t.Errorf("%s is in %d messages, want 1", text, have[text])
		}
	}
}

// The mail server that takes our mail is away at the start, comes, goes and comes
// again: every answer arrives once, and meanwhile it is seen that it waits.
func TestAwaySMTP(t *testing.T) {
	t.Parallel()
	s := openShop(t, "")
	s.start()
	s.hire()
	first := s.ticketWith(s.ask(t).subject)
	words := []string{mark(), mark()}
	if err := s.reply(first.ID, words[0], false); err != nil {
		t.Fatal(err)
	}
	out := s.sent(first.ID, "deferred")
	if out.Next == nil || out.LastCode+out.LastDetail == "" {
		t.Errorf("a waiting answer does not say what it waits for: %+v", out)
	}
	t.Logf("while the server is away: %s, %d attempts, %q, %q", out.State, out.Attempts, out.LastCode, out.LastDetail)
	began := time.Now()
	relay := s.openRelay(t)
	customer := inbox{relay.IMAPAddr(), first.Customer.Address, sandbox.DefaultPassword}
	customer.with(t, words[0])
	t.Logf("delivered %v after the server came", time.Since(began).Round(time.Millisecond))
	s.sent(first.ID, "accepted")

	away(t, relay)
	if err := s.reply(first.ID, words[1], false); err != nil {
		t.Fatal(err)
	}
	until(t, "an answer that waits", func() (bool, string) {
		var page struct{ Counts map[string]int }
		err := s.call("GET", "/outbox", nil, &page)
		return err == nil && page.Counts["deferred"] > 0, fmt.Sprint(page.Counts, err)
	})
	s.process.stop(t)
	s.start()
	relay = s.openRelay(t)
	customer.imap = relay.IMAPAddr()
	customer.with(t, words[1])
	until(t, "an outbox at rest", func() (bool, string) {
		all, err := list[outbound](s.hub, "/outbox")
		for _, o := range all {
			if o.State != "accepted" {
				return false, o.Kind + " is " + o.State
			}
		}
		return err == nil, fmt.Sprint(err)
	})
	for _, w := range words {
		n := 0
		for _, m := range customer.mails(t) {
			n += bytes.Count(m.raw, []byte(w))
		}
		if n != 1 {
			t.Errorf("%s arrived %d times", w, n)
		}
	}
	s.process.stop(t)
}

// The mail server takes a message and is gone before it says so: nobody can know,
// so the hub says unknown, sends no second one, and a person settles it.
func TestUnknown(t *testing.T) {
	t.Parallel()
	s := openShop(t, "")
	relay := s.openRelay(t)
	s.start()
	s.hire()
	l := &letter{from: "Cut <cut@refuse.test>", to: "support@hub.test", subject: "Hello " + mark(), text: mark()}
	post(t, s.mail.SMTPAddr(), l)
	first := s.ticketWith(l.subject)
	words := mark()
	if err := s.reply(first.ID, words, false); err != nil {
		t.Fatal(err)
	}
	out := s.sent(first.ID, "unknown")
	until(t, "a ticket that shows it", func() (bool, string) {
		got, err := s.read(first.ID)
		if err != nil {
			return false, err.Error()
		}
		last := got.Messages[len(got.Messages)-1]
		return last.Delivery == "unknown", last.Delivery
	})
	s.process.stop(t)
	s.start()
	s.roundTrip(t, relay) // had it been sent again, that would be over by now
	inbox{relay.IMAPAddr(), "cut@refuse.test", sandbox.DefaultPassword}.with(t, words)
	if again := s.sent(first.ID, "unknown"); again.Attempts != 1 {
		t.Errorf("%d attempts", again.Attempts)
	}
	if err := s.call("POST", "/outbox/"+out.ID+"/resolve", map[string]string{"outcome": "accepted", "reason": "the customer has it"}, nil); err != nil {
		t.Fatal(err)
	}
	s.sent(first.ID, "accepted")
	if err := s.call("POST", "/outbox/"+out.ID+"/retry", nil, nil); err == nil || !strings.HasPrefix(err.Error(), "409") {
		t.Errorf("an accepted mail may be sent again: %v", err)
	}
	s.process.stop(t)
}

// The mailbox's server goes and comes back.
func TestAwayIMAP(t *testing.T) {
	t.Parallel()
	s := openShop(t, "")
	s.openRelay(t)
	_, port, err := net.SplitHostPort(s.mail.IMAPAddr())
	if err != nil {
		t.Fatal(err)
	}
	away(t, s.mail)
	s.start()
	s.hire()
	state := func(want ...string) {
		t.Helper()
		until(t, "a mailbox that is "+strings.Join(want, " or "), func() (bool, string) {
			var page struct{ Items []mailboxState }
			if err := s.call("GET", "/mailboxes", nil, &page); err != nil {
				return false, err.Error()
			}
			for _, w := range want {
				if page.Items[0].State == w {
					t.Logf("mailbox: %+v", page.Items[0])
					return true, ""
				}
			}
			return false, page.Items[0].State
		})
	}
	state("backoff")
	back := func() *sandbox.Sandbox {
		box, err := sandbox.Start(t.Context(), sandbox.Config{Dir: filepath.Join(s.dir, "mail-in"), IMAPListen: "127.0.0.1:" + port})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = box.Stop(t.Context()) })
		return box
	}
	s.mail = back()
	l := s.ask(t)
	s.ticketWith(l.subject)
	away(t, s.mail)
	state("backoff", "connecting")
	s.mail = back()
	l2 := s.ask(t)
	s.ticketWith(l2.subject)
	s.once(l.text, l2.text)
	s.process.stop(t)
}

// The event store is a server of its own that is away at the start, comes, is
// killed at work and comes back.
func TestAwayStore(t *testing.T) {
	t.Parallel()
	listen := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	s := openShop(t, fmt.Sprintf("[store]\nurl = \"esdb://%s?tls=false\"\n", listen))
	relay := s.openRelay(t)
	node := func() *process {
		return spawn(t, filepath.Join(s.dir, "node.log"), nil, binary, "node", "--data", filepath.Join(s.dir, "events"), "--listen", listen)
	}
	s.launch()
	s.says("store", "away")
	first := node()
	s.ready()
	s.hire()
	s.roundTrip(t, relay)

	first.kill()
	during := s.ask(t)
	var refused error
	until(t, "a refusal that says it", func() (bool, string) {
		all, err := list[ticket](s.hub, "/tickets?view=all")
		if err != nil || len(all) == 0 {
			return false, fmt.Sprintf("reading: %d tickets, %v", len(all), err)
		}
		refused = s.reply(all[0].ID, "Hello "+mark(), false)
		return refused != nil && strings.HasPrefix(refused.Error(), "503 unavailable"), fmt.Sprint(refused)
	})
	t.Logf("while the store is away, tickets can be read, and a reply gets: %v", refused)
	began := time.Now()
	node()
	s.ticketWith(during.subject)
	t.Logf("a mail that came meanwhile is a ticket %v after the store came back", time.Since(began).Round(time.Millisecond))
	s.roundTrip(t, relay)
	s.once(during.text)
	s.process.stop(t)
}

// says waits until the hub tells, by its readiness or its log, that something is
// away, and fails when the hub ends over it without saying so.
func (h *hub) says(words ...string) {
	h.t.Helper()
	until(h.t, "a word about what is away", func() (bool, string) {
		if h.ended() {
			h.t.Fatalf("the hub ended: %v\n%s", h.err, tail(h.logFile(), 20))
		}
		text := tail(h.logFile(), 1000)
		if res, err := h.client.Get(h.ops + "/readyz"); err == nil {
			status, body := answered(h.t, res)
			text += fmt.Sprint(status, body)
		}
		for _, line := range strings.Split(text, "\n") {
			if strings.Contains(line, words[0]) && (strings.Contains(line, "WARN") || strings.Contains(line, "ERROR") || strings.Contains(line, "503")) {
				h.t.Logf("it says: %s", line)
				return true, ""
			}
		}
		return false, text
	})
}

// The bus is a NATS server of its own that is away at the start, comes, goes at
// work and comes back.
func TestAwayBus(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	s := openShop(t, fmt.Sprintf("[bus]\nurl = \"nats://127.0.0.1:%d\"\n", port))
	relay := s.openRelay(t)
	bus := func() *server.Server {
		t.Helper()
		n, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: filepath.Join(s.dir, "nats"), NoSigs: true, NoLog: true})
		if err != nil {
			t.Fatal(err)
		}
		n.Start()
		t.Cleanup(func() { n.Shutdown(); n.WaitForShutdown() })
		if !n.ReadyForConnections(patience) {
			t.Fatal("the NATS server is not ready")
		}
		return n
	}
	s.launch()
	s.says("bus", "away")
	first := bus()
	s.ready()
	s.hire()
	s.roundTrip(t, relay)

	first.Shutdown()
	first.WaitForShutdown()
	during := s.ask(t)
	status, body := submit(t, s.url+"/f/contact", map[string]string{"name": "Ada", "email": "ada@customer.test", "subject": "Form", "message": mark()})
	t.Logf("while the bus is away a form gets: %d %s", status, body)
	if status != 503 {
		t.Errorf("a form is answered with %d while the bus is away: %s", status, body)
	}
	all := must[[]ticket](s.hub)(list[ticket](s.hub, "/tickets?view=all"))
	words := mark()
	if err := s.reply(all[0].ID, words, false); err != nil {
		t.Errorf("a reply needs no bus to be taken: %v", err)
	}
	began := time.Now()
	bus()
	s.ticketWith(during.subject)
	t.Logf("a mail that came meanwhile is a ticket %v after the bus came back", time.Since(began).Round(time.Millisecond))
	inbox{relay.IMAPAddr(), all[0].Customer.Address, sandbox.DefaultPassword}.with(t, words)
	s.roundTrip(t, relay)
	s.once(during.text)
	s.process.stop(t)
}
