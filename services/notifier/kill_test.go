package notifier_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/westshore/hub/deploy/mailtest"
	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/blobs"
	"github.com/westshore/hub/events/bus"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/node"
	"github.com/westshore/hub/events/seal"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/services/notifier"
	"github.com/westshore/hub/services/recorder"
)

// TestKill9NeverSendsTwice kills the whole back door again and again with signal
// 9, at every step of a delivery to a real Postfix behind a proxy that also cuts,
// delays and swallows: while a message is claimed, at DATA, after the final dot,
// when the acknowledgement is on its way. In the end no recipient has two copies
// of one message, and every message is accepted (and there), failed (and not
// there) or unknown, in sight of an agent (MAIL O3, O23, issue part 8). It does 8
// rounds; HUB_KILL_ROUNDS asks for another number, `task test:kill` for 100.
func TestKill9NeverSendsTwice(t *testing.T) {
	if os.Getenv("HUB_KILL_DIR") != "" {
		t.Skip("this is the child")
	}
	rounds := 8
	if n, err := strconv.Atoi(os.Getenv("HUB_KILL_ROUNDS")); err == nil {
		rounds = n
	}
	system := mailtest.Run(t)
	proxy := newTap(t, mailtest.Addr(system.MX))
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, uint64(rounds)))
	began, faults := time.Now(), map[string]int{}
	for round := range rounds {
		c := startChild(t, dir, proxy.addr(), round, false)
		name, fault := pickFault(r)
		faults[name]++
		fault(proxy, c, r)
		c.kill()
		proxy.clear()
	}
	c := startChild(t, dir, proxy.addr(), rounds, true)
	states := c.drain()
	t.Logf("%d rounds in %s: %v", rounds, time.Since(began).Round(time.Millisecond), faults)
	received := receive(t, system, states)
	count := map[outbox.State]int{}
	for id, state := range states {
		count[state]++
		n := received[id]
		switch {
		case n > 1:
			t.Errorf("message %s arrived %d times and is %s", id, n, state)
		case state == outbox.Accepted && n != 1, state == outbox.Failed && n != 0:
			t.Errorf("message %s is %s and arrived %d times", id, state, n)
		case state != outbox.Accepted && state != outbox.Failed && state != outbox.Unknown:
			t.Errorf("message %s ends as %s", id, state)
		}
	}
	if want := (rounds + 1) * perRound; len(states) != want {
		t.Errorf("%d messages, want %d", len(states), want)
	}
	t.Logf("%d messages: %v", len(states), count)
}

// perRound is how many messages each process is given to send.
const perRound = 6

// pickFault chooses what goes wrong in a round.
func pickFault(r *rand.Rand) (string, func(*tap, *child, *rand.Rand)) {
	at := func(client bool, text string, pass bool) func(*tap, *child, *rand.Rand) {
		return func(p *tap, c *child, r *rand.Rand) {
			skip := r.IntN(perRound - 1)
			hit := p.arm(client, text, skip, pass, c.kill)
			c.ready()
			select {
			case <-hit:
			case <-time.After(1500 * time.Millisecond): // nothing more to send in this round
			}
		}
	}
	all := []struct {
		name string
		do   func(*tap, *child, *rand.Rand)
	}{
		{"kill at any time", func(_ *tap, c *child, r *rand.Rand) {
			c.ready()
			<-time.After(time.Duration(r.IntN(400)) * time.Millisecond)
		}},
		{"kill at DATA", at(true, "DATA\r\n", true)},
		{"kill with the final dot", at(true, "\r\n.\r\n", true)},
		{"kill before the acknowledgement", at(false, "queued as", false)},
		{"kill with the acknowledgement", at(false, "queued as", true)},
		{"cut after the dot", func(p *tap, c *child, r *rand.Rand) {
			p.cut(r.IntN(perRound-1), "queued as")
			c.ready()
			<-time.After(time.Duration(200+r.IntN(300)) * time.Millisecond)
		}},
		{"black hole, delay", func(p *tap, c *child, r *rand.Rand) {
			p.delay.Store(int64(time.Duration(r.IntN(20)) * time.Millisecond))
			c.ready()
			<-time.After(time.Duration(r.IntN(200)) * time.Millisecond)
			p.hole.Store(true)
			<-time.After(100 * time.Millisecond)
		}},
	}
	f := all[r.IntN(len(all))]
	return f.name, f.do
}

// receive counts the copies of each message, once Postfix has delivered all that
// it took.
func receive(t *testing.T, system *mailtest.System, states map[events.OutboundID]outbox.State) map[events.OutboundID]int {
	t.Helper()
	want := 0
	for _, s := range states {
		if s == outbox.Accepted {
			want++
		}
	}
	for wait := time.NewTimer(20 * time.Second); ; {
		got, accepted := map[events.OutboundID]int{}, 0
		for _, user := range []string{"alice@cust.test", "bob@cust.test"} {
			mails, err := system.Read(user, "INBOX")
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range mails {
				msg, err := mail.ReadMessage(bytes.NewReader(m.Raw))
				if err != nil {
					t.Fatal(err)
				}
				id := events.OutboundID(msg.Header.Get(notifier.DeliveryField))
				if got[id]++; got[id] == 1 && states[id] == outbox.Accepted {
					accepted++
				}
			}
		}
		if accepted == want {
			return got
		}
		select {
		case <-wait.C:
			return got
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// child is one process with the whole back door.
type child struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  *bufio.Scanner
	once sync.Once
	log  bytes.Buffer
}

func startChild(t *testing.T, dir, smtp string, round int, last bool) *child {
	t.Helper()
	c := &child{t: t, cmd: exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKillChild$", "-test.v")}
	c.cmd.Env = append(os.Environ(), "HUB_KILL_DIR="+dir, "HUB_KILL_SMTP="+smtp, fmt.Sprint("HUB_KILL_ROUND=", round), fmt.Sprint("HUB_KILL_LAST=", last))
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.cmd.Stderr = &c.log
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	c.out = bufio.NewScanner(out)
	c.out.Buffer(nil, 1<<20)
	return c
}

// ready waits until the child's doors are open.
func (c *child) ready() { c.read("ready") }

func (c *child) read(word string) string {
	for c.out.Scan() {
		c.log.WriteString(c.out.Text() + "\n")
		if rest, ok := strings.CutPrefix(c.out.Text(), word); ok {
			return rest
		}
	}
	if word != "ready" {
		c.t.Fatalf("child ended: %s", c.log.String())
	}
	return "" // killed while it started
}

// kill ends the process as a power cut does.
func (c *child) kill() {
	c.once.Do(func() {
		_ = c.cmd.Process.Signal(syscall.SIGKILL)
		_ = c.cmd.Wait()
	})
}

// drain waits until nothing is on its way, and returns where every message is.
func (c *child) drain() map[events.OutboundID]outbox.State {
	c.t.Helper()
	var states map[events.OutboundID]outbox.State
	if err := json.Unmarshal([]byte(c.read("states")), &states); err != nil {
		c.t.Fatal(err)
	}
	return states
}

// TestKillChild is not a test: it is the process that TestKill9NeverSendsTwice
// kills.
func TestKillChild(t *testing.T) {
	dir := os.Getenv("HUB_KILL_DIR")
	if dir == "" {
		t.Skip("the process that another test kills")
	}
	h := openBackDoor(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	g, ctx := errgroup.WithContext(ctx)
	h.run(ctx, g)
	round, _ := strconv.Atoi(os.Getenv("HUB_KILL_ROUND"))
	first := round
	if os.Getenv("HUB_KILL_LAST") == "true" {
		first = 0 // some were killed before their agent had written
	}
	for n := first; n <= round; n++ {
		h.writeRound(t, strconv.Itoa(n))
	}
	_, _ = fmt.Println("ready")
	if os.Getenv("HUB_KILL_LAST") != "true" {
		<-t.Context().Done()
	}
	states := h.settle(t)
	b, err := json.Marshal(states)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = fmt.Println("states" + string(b))
	cancel()
	_ = g.Wait()
}

// backDoor is a process's view of the house, on files that outlive it.
type backDoor struct {
	journal *journal.Journal
	sealer  *seal.Sealer
	vault   *vault.Vault
	bus     *bus.Bus
	outbox  *outbox.View
	feed    *projections.Feed
	runner  *projections.Runner
	marks   *notifier.Marks
	log     *slog.Logger
}

func openBackDoor(t *testing.T, dir string) *backDoor {
	t.Helper()
	h := &backDoor{log: slog.New(slog.NewTextHandler(os.Stderr, nil)), feed: projections.NewFeed()}
	at := func(name string) string { return filepath.Join(dir, name) }
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	n, err := node.Start(t.Context(), node.Config{Dir: at("node"), Logger: h.log})
	check(err)
	s, err := store.Open(t.Context(), store.Config{URL: n.ConnectionString(), Socket: n.SocketPath(), Logger: h.log})
	check(err)
	h.vault, err = vault.Open(t.Context(), vault.Config{Dir: at("vault"), KeyFile: at("root.key"), Logger: h.log})
	check(err)
	b, err := blobs.Open(blobs.Config{Dir: at("blobs"), Logger: h.log})
	check(err)
	h.sealer = seal.New(h.vault, seal.Files{Put: b.Put, Get: b.Get})
	h.journal = journal.New(journal.Config{Store: s, Sealer: h.sealer, Logger: h.log})
	h.bus, err = bus.Open(t.Context(), bus.Config{Dir: at("bus"), Logger: h.log})
	check(err)
	check(os.MkdirAll(at("views"), 0o700))
	h.outbox, err = outbox.New(t.Context(), projections.Store{Dir: at("views")}, projections.ReloadFrom(h.journal), h.log)
	check(err)
	h.runner = projections.NewRunner(projections.Config{Projection: h.outbox, Source: projections.FromJournal(h.journal), Feed: h.feed, Logger: h.log})
	h.marks = notifier.NewMarks(h.vault.Secret("tokens"), []notifier.Sender{{ID: "support", Address: "support@hub.test", Name: "Hub"}})
	return h
}

func (h *backDoor) caughtUp(ctx context.Context) error {
	head, err := h.journal.Head(ctx)
	if err != nil {
		return err
	}
	return h.runner.Wait(ctx, head)
}

func (h *backDoor) run(ctx context.Context, g *errgroup.Group) {
	host, port, _ := net.SplitHostPort(os.Getenv("HUB_KILL_SMTP"))
	n, _ := strconv.Atoi(port)
	name := events.NewUUID().String()
	relay := notifier.RelayConfig{Host: host, Port: n, TLS: "none", Timeout: 5 * time.Second}
	for _, loop := range []func(context.Context) error{
		func(ctx context.Context) error {
			return projections.Run(ctx, projections.FromJournal(h.journal), h.runner)
		},
		recorder.New(recorder.Config{Bus: h.bus, Journal: h.journal, Logger: h.log}).Run,
		(&notifier.Clerk{Journal: h.journal, Marks: h.marks, Hash: h.vault.Hash, Brand: "Hub", Now: time.Now, Logger: h.log}).Run,
		(&notifier.Dispatcher{
			Journal: h.journal, Bus: h.bus, Outbox: h.outbox, Changed: h.feed.Changed, Worker: name, Alone: true, CaughtUp: h.caughtUp,
			Pacing: notifier.Pacing{Start: 6000}, Now: time.Now, Logger: h.log,
		}).Run,
		(&notifier.Worker{
			Claims: &notifier.Claims{Journal: h.journal, OpenBlob: h.sealer.OpenBlob, Now: time.Now},
			Bus:    h.bus, Relay: relay, Name: name, Now: time.Now, Logger: h.log,
		}).Run,
	} {
		g.Go(func() error { return loop(ctx) })
	}
}

// writeRound lets an agent answer a few times, to people with a mailbox and to one
// without.
func (h *backDoor) writeRound(t *testing.T, round string) {
	t.Helper()
	for i := range perRound {
		to := fmt.Sprintf("%s+r%s-%d@cust.test", []string{"alice", "bob"}[i%2], round, i)
		if i == perRound-1 {
			to = "nobody@cust.test"
		}
		ticket := events.TicketID(events.DeriveUUID("ticket", round, strconv.Itoa(i)).String())
		msg := events.MessageID(events.DeriveUUID("message", round, strconv.Itoa(i)).String())
		e := events.ReplyWritten{
			Ticket: ticket, Message: msg, Number: 7, Mailbox: "support", Agent: "a", Customer: "c", MessageID: h.marks.MessageID(ticket, msg, "support"),
			Envelope: events.Seal(events.ReplyEnvelope{To: []events.Address{{Address: to}}, Subject: "Re: Help"}),
			Answer:   events.Seal(events.Answer{Text: "Hello"}),
		}
		by := journal.By{Command: events.NewUUID(), Actor: "agent:a"}
		_, err := h.journal.Append(t.Context(), events.TicketStream(ticket), events.NoStream, by, e)
		if _, there := store.IsConflict(err); err != nil && !there {
			t.Fatal(err)
		}
	}
}

// settle waits until every answer has a message and none is on its way, and
// returns where each is.
func (h *backDoor) settle(t *testing.T) map[events.OutboundID]outbox.State {
	t.Helper()
	rounds, _ := strconv.Atoi(os.Getenv("HUB_KILL_ROUND"))
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for {
		changed := h.feed.Changed()
		counts, err := h.outbox.Counts(ctx)
		if err != nil {
			t.Fatal(err)
		}
		total := int64(0)
		for _, n := range counts {
			total += n
		}
		if total >= int64((rounds+1)*perRound) && counts[outbox.Queued]+counts[outbox.Sending]+counts[outbox.Deferred] == 0 {
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			list, _ := h.outbox.List(context.WithoutCancel(ctx), outbox.ListQuery{})
			for _, i := range list.Items {
				t.Logf("%s %s %d %q %s until %s", i.ID, i.State, i.Attempts, i.LastDetail, i.LastCode, i.NextAttempt)
			}
			t.Fatalf("not settled: %v", counts)
		}
	}
	states := map[events.OutboundID]outbox.State{}
	for after := ""; ; {
		page, err := h.outbox.List(ctx, outbox.ListQuery{Limit: 200, After: after})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Items {
			states[i.ID] = i.State
		}
		if after = page.Next; after == "" {
			return states
		}
	}
}

// tap passes SMTP connections on and does something when a text goes by.
type tap struct {
	t        *testing.T
	target   string
	listener net.Listener
	wait     sync.WaitGroup
	delay    atomic.Int64
	hole     atomic.Bool

	mu      sync.Mutex
	trigger *trigger
	open    map[net.Conn]bool
}

type trigger struct {
	client bool // in what the client says
	text   []byte
	skip   int  // times it goes by first
	pass   bool // the chunk with it is passed on
	do     func()
	hit    chan struct{}
}

func newTap(t *testing.T, target string) *tap {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &tap{t: t, target: target, listener: l, open: map[net.Conn]bool{}}
	p.wait.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.clear()
		p.wait.Wait()
	})
	return p
}

func (p *tap) addr() string { return p.listener.Addr().String() }

// arm does something, once, when a text goes by.
func (p *tap) arm(client bool, text string, skip int, pass bool, do func()) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trigger = &trigger{client: client, text: []byte(text), skip: skip, pass: pass, do: do, hit: make(chan struct{})}
	return p.trigger.hit
}

// cut ends a connection when the server says a text, which the client never hears.
func (p *tap) cut(skip int, text string) { p.arm(false, text, skip, false, func() {}) }

// clear ends all connections and faults.
func (p *tap) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_ = c.Close()
	}
	p.trigger = nil
	p.hole.Store(false)
	p.delay.Store(0)
}

func (p *tap) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.open[client], p.open[server] = true, true
		p.mu.Unlock()
		p.wait.Go(func() { p.pass(client, server, true) })
		p.wait.Go(func() { p.pass(server, client, false) })
	}
}

func (p *tap) pass(from, to net.Conn, client bool) {
	defer func() {
		_ = from.Close()
		_ = to.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.open, from)
	}()
	buf, tail := make([]byte, 32<<10), []byte(nil)
	for {
		n, err := from.Read(buf)
		if errors.Is(err, io.EOF) || err != nil {
			return
		}
		<-time.After(time.Duration(p.delay.Load()))
		seen := append(tail, buf[:n]...)
		tr := p.judge(client, seen)
		tail = bytes.Clone(seen[max(0, len(seen)-4):])
		if tr != nil {
			tail = nil
		}
		if tr == nil || tr.pass {
			if !p.hole.Load() {
				if _, err := to.Write(buf[:n]); err != nil {
					return
				}
			}
		}
		if tr != nil {
			tr.do()
			close(tr.hit)
			return
		}
	}
}

func (p *tap) judge(client bool, seen []byte) *trigger {
	p.mu.Lock()
	defer p.mu.Unlock()
	tr := p.trigger
	if tr == nil || tr.client != client || !bytes.Contains(seen, tr.text) {
		return nil
	}
	if tr.skip > 0 {
		tr.skip--
		return nil
	}
	p.trigger = nil
	return tr
}
