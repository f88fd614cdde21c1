package notifier_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/deploy/mailtest"
	"github.com/westshore/hub/deploy/sandbox"
	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/bus"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/services/notifier"
	"github.com/westshore/hub/services/recorder"
)

// post is the back door with everything behind it: a real journal, bus and outbox
// view, and the sandbox as the mail server.
type post struct {
	t *testing.T
	*journaltest.Kit
	bus    *bus.Bus
	outbox *outbox.View
	feed   *projections.Feed
	runner *projections.Runner
	box    *sandbox.Sandbox
	marks  *notifier.Marks
	skew   atomic.Int64 // how far the clock is ahead, in ns
	// tune changes the parts before they run; nil leaves them.
	tune func(*parts)
	// blind keeps the view from reading until it is closed; nil lets it.
	blind chan struct{}
}

// parts are the back door's.
type parts struct {
	clerk      notifier.Clerk
	dispatcher notifier.Dispatcher
	worker     *notifier.Worker
	postmaster notifier.Postmaster
}

func (p *post) now() time.Time { return time.Now().Add(time.Duration(p.skew.Load())) }

func openPost(t *testing.T) *post { return openPostTo(t, sandbox.Config{}) }

// openPostTo is openPost with a mail server of one's choice.
func openPostTo(t *testing.T, server sandbox.Config) *post {
	t.Helper()
	p := &post{t: t, Kit: journaltest.New(t), feed: projections.NewFeed()}
	var err error
	if p.bus, err = bus.Open(t.Context(), bus.Config{Dir: filepath.Join(p.Dir, "bus"), Logger: p.Logger}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.bus.Close)
	if p.outbox, err = outbox.New(t.Context(), projections.Store{Dir: p.Dir}, projections.ReloadFrom(p.Journal), p.Logger); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.outbox.Close() })
	source := projections.FromJournal(p.Journal)
	p.runner = projections.NewRunner(projections.Config{Projection: p.outbox, Source: source, Feed: p.feed, Logger: p.Logger})
	server.Dir, server.Logger = filepath.Join(p.Dir, "mail"), p.Logger
	if p.box, err = sandbox.Start(t.Context(), server); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.box.Stop(context.Background()) })
	p.marks = notifier.NewMarks(p.Vault.Secret("tokens"), []notifier.Sender{{ID: "support", Address: "support@hub.test", Name: "Hub"}})
	return p
}

func (p *post) relay() notifier.RelayConfig {
	host, port, err := net.SplitHostPort(p.box.SMTPAddr())
	if err != nil {
		p.t.Fatal(err)
	}
	n, _ := strconv.Atoi(port)
	return notifier.RelayConfig{Host: host, Port: n, TLS: "none", Timeout: 5 * time.Second}
}

// run starts the back door under a name and returns what stops it.
func (p *post) run(name string, relay notifier.RelayConfig) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var loops []chan error
	start := func(loop func(context.Context) error) {
		done := make(chan error, 1)
		loops = append(loops, done)
		go func() { done <- loop(ctx) }()
	}
	start(func(ctx context.Context) error {
		if p.blind != nil {
			<-p.blind
		}
		return projections.Run(ctx, projections.FromJournal(p.Journal), p.runner)
	})
	start(recorder.New(recorder.Config{Bus: p.bus, Journal: p.Journal, Logger: p.Logger}).Run)
	all := &parts{
		clerk: notifier.Clerk{Journal: p.Journal, Marks: p.marks, Hash: p.Vault.Hash, Brand: "Hub", Now: p.now, Logger: p.Logger},
		dispatcher: notifier.Dispatcher{
			Journal: p.Journal, Bus: p.bus, Outbox: p.outbox, Changed: p.feed.Changed, Worker: name, Alone: true, CaughtUp: p.caughtUp,
			Hash: p.Vault.Hash, Own: p.marks.Own, Now: p.now, Logger: p.Logger,
		},
		worker: &notifier.Worker{
			Claims: &notifier.Claims{Journal: p.Journal, OpenBlob: p.Sealer.OpenBlob, Now: p.now},
			Bus:    p.bus, Relay: relay, Name: name, Now: p.now, Logger: p.Logger,
		},
		postmaster: notifier.Postmaster{Journal: p.Journal, Outbox: p.outbox, Hash: p.Vault.Hash, Now: p.now, Logger: p.Logger},
	}
	if p.tune != nil {
		p.tune(all)
	}
	start(all.clerk.Run)
	start(all.dispatcher.Run)
	start(all.worker.Run)
	start(all.postmaster.Run)
	return func() {
		cancel()
		for _, l := range loops {
			<-l
		}
	}
}

// caughtUp waits until the view has read the log to where it ends now.
func (p *post) caughtUp(ctx context.Context) error {
	head, err := p.Journal.Head(ctx)
	if err != nil {
		return err
	}
	return p.runner.Wait(ctx, head)
}

// write lets an agent answer, and returns the message.
func (p *post) write(to ...string) events.MessageID {
	p.t.Helper()
	return p.writeFor("c", to...)
}

// writeFor is write to a customer of one's choice.
func (p *post) writeFor(customer events.SubjectID, to ...string) events.MessageID {
	p.t.Helper()
	ticket := events.TicketID(events.NewUUID().String())
	msg := events.MessageID(events.NewUUID().String())
	var list []events.Address
	for _, a := range to {
		list = append(list, events.Address{Address: a})
	}
	e := events.ReplyWritten{
		Ticket: ticket, Message: msg, Number: 7, Mailbox: "support", Agent: "a", Customer: customer,
		MessageID: p.marks.MessageID(ticket, msg, "support"),
		Envelope:  events.Seal(events.ReplyEnvelope{To: list, Subject: "Re: Help", InReplyTo: "1@cust.test", References: []string{"0@cust.test", "1@cust.test"}}),
		Answer:    events.Seal(events.Answer{Text: "Hello " + string(msg)}),
	}
	by := journal.By{Command: events.NewUUID(), Actor: "agent:a"}
	if _, err := p.Journal.Append(p.t.Context(), events.TicketStream(ticket), events.NoStream, by, e); err != nil {
		p.t.Fatal(err)
	}
	return msg
}

// await waits until a message to each recipient is in the state.
func (p *post) await(msg events.MessageID, want outbox.State, n int) []outbox.Item {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 40*time.Second)
	defer cancel()
	for {
		changed := p.feed.Changed()
		items, err := p.outbox.ByMessage(ctx, msg)
		if err != nil {
			p.t.Fatal(err)
		}
		good := 0
		for _, i := range items {
			if i.State == want {
				good++
			}
		}
		if good == n {
			return items
		}
		select {
		case <-changed:
		case <-ctx.Done():
			p.t.Fatalf("message is %+v, want %d in state %s", items, n, want)
		}
	}
}

// copies counts what a mailbox received that carries the message.
func (p *post) copies(address string, msg events.MessageID) (n int, raw string) {
	p.t.Helper()
	mails, err := mailtest.ReadFolder(p.box.IMAPAddr(), address, p.box.Password(), "INBOX")
	if err != nil {
		p.t.Fatal(err)
	}
	for _, m := range mails {
		if strings.Contains(string(m.Raw), string(msg)) {
			n, raw = n+1, string(m.Raw)
		}
	}
	return n, raw
}

func TestReplyReachesEveryRecipientOnce(t *testing.T) {
	p := openPost(t)
	stop := p.run("one", p.relay())
	defer stop()
	msg := p.write("ada@cust.test", "bob@cust.test")
	items := p.await(msg, outbox.Accepted, 2)
	for _, a := range []string{"ada@cust.test", "bob@cust.test"} {
		n, raw := p.copies(a, msg)
		if n != 1 {
			t.Errorf("%s got %d copies", a, n)
		}
		for _, want := range []string{"In-Reply-To: <1@cust.test>", "<0@cust.test>", "Message-ID: <" + items[0].MessageID + ">", "Reply-To: Hub <support+t", "Subject: Re: Help [#7]"} {
			if !strings.Contains(raw, want) {
				t.Errorf("mail to %s lacks %q (O11)", a, want)
			}
		}
	}
}

func TestRefusalsAreClassified(t *testing.T) {
	p := openPost(t)
	stop := p.run("one", p.relay())
	defer stop()
	for address, want := range map[string]struct {
		state outbox.State
		code  string
	}{
		"nobody@refuse.test": {outbox.Failed, "550 5.1.1"},
		"spam@refuse.test":   {outbox.Failed, "554 5.7.1"},
		"grey@refuse.test":   {outbox.Deferred, "450 4.7.1"},
		"full@refuse.test":   {outbox.Deferred, "452 4.2.2"},
	} {
		item := p.await(p.write(address), want.state, 1)[0]
		if item.LastCode != want.code || item.Attempts != 1 {
			t.Errorf("%s: %s after %d attempts, want %s", address, item.LastCode, item.Attempts, want.code)
		}
		if want.state == outbox.Deferred && time.Until(item.NextAttempt) < time.Minute {
			t.Errorf("%s: next attempt in %s (O6)", address, time.Until(item.NextAttempt))
		}
	}
}

func TestConnectionCutAfterTheDotIsUnknownAndNotRepeated(t *testing.T) {
	p := openPost(t)
	stop := p.run("one", p.relay())
	msg := p.write("cut@refuse.test")
	p.await(msg, outbox.Unknown, 1)
	stop()
	stop = p.run("two", p.relay()) // a restart does not send it either
	defer stop()
	other := p.write("ada@cust.test")
	p.await(other, outbox.Accepted, 1)
	if item := p.await(msg, outbox.Unknown, 1)[0]; item.Attempts != 1 {
		t.Errorf("%d attempts at a message whose outcome is unknown (O3)", item.Attempts)
	}
}

func TestMailServerAwayIsWaitedFor(t *testing.T) {
	p := openPost(t)
	dead := p.relay()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	dead.Port, _ = strconv.Atoi(port)
	stop := p.run("one", dead)
	msg := p.write("ada@cust.test")
	if item := p.await(msg, outbox.Deferred, 1)[0]; item.LastDetail != notifier.ClassHost {
		t.Errorf("deferred as %q", item.LastDetail)
	}
	stop()
	stop = p.run("two", p.relay())
	defer stop()
	p.await(msg, outbox.Accepted, 1)
	if n, _ := p.copies("ada@cust.test", msg); n != 1 {
		t.Errorf("%d copies", n)
	}
}

// TestCrashBetweenClaimAndResult puts a message's stream into each state a dead
// process can leave it in, and lets the next process settle it.
func TestCrashBetweenClaimAndResult(t *testing.T) {
	p := openPost(t)
	stop := p.run("dead", p.relay())
	refused := p.write("grey@refuse.test") // queued and attempted once, nothing accepted
	id := p.await(refused, outbox.Deferred, 1)[0].ID
	stop()
	claim := func(evs ...events.Event) {
		by := journal.By{Command: events.NewUUID(), Actor: "worker:dead"}
		_, err := p.Journal.Execute(t.Context(), events.OutboundStream(id), by, func([]events.Recorded) ([]events.Event, error) { return evs, nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	lease := time.Now().Add(time.Hour)
	// The view reads what the dead process did only after the dispatcher began to
	// look: it must wait for it, or that claim would stand until its lease ends.
	p.blind = make(chan struct{})
	p.tune = func(all *parts) {
		all.dispatcher.CaughtUp = func(ctx context.Context) error {
			close(p.blind)
			return p.caughtUp(ctx)
		}
	}
	claim(events.DeliveryAttempted{Outbound: id, Attempt: 2, Worker: "dead", Lease: lease}, events.DeliveryStarted{Outbound: id, Attempt: 2})
	stop = p.run("next", p.relay())
	defer stop()
	item := p.await(refused, outbox.Unknown, 1)[0]
	if item.Attempts != 2 {
		t.Errorf("%d attempts, want the 2 of the dead process", item.Attempts)
	}
}

func TestSameTaskTwiceIsOneDelivery(t *testing.T) {
	p := openPost(t)
	stop := p.run("one", p.relay())
	defer stop()
	msg := p.write("ada@cust.test")
	item := p.await(msg, outbox.Accepted, 1)[0]
	again, err := bus.TaskMessage(bus.Task{Outbound: item.ID, Attempt: 1, Channel: events.Email}, "somebody else", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.bus.Publish(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	p.await(p.write("bob@cust.test"), outbox.Accepted, 1) // the task before it has been looked at
	if n, _ := p.copies("ada@cust.test", msg); n != 1 {
		t.Errorf("%d copies", n)
	}
}

func TestMarks(t *testing.T) {
	m := notifier.NewMarks(make([]byte, 32), []notifier.Sender{{ID: "support", Address: "support@hub.test"}})
	for address, own := range map[string]bool{"support@hub.test": true, "SUPPORT+tx@hub.test": true, "ada@cust.test": false} {
		if m.Own(address) != own {
			t.Errorf("Own(%s) is %v", address, !own)
		}
	}
	id := m.MessageID("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210", "none")
	if !strings.HasSuffix(id, "@hub.test") || cmp.Equal(id, m.MessageID("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543211", "none")) {
		t.Errorf("Message-ID %s", id)
	}
}

func TestRelayRefusesClearTextToOtherMachines(t *testing.T) {
	for _, c := range []notifier.RelayConfig{{}, {Host: "mx.example", TLS: "none"}, {Host: "mx.example", TLS: "maybe"}} {
		if c.Check() == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
	if err := (notifier.RelayConfig{Host: "127.0.0.1", TLS: "none"}).Check(); err != nil {
		t.Error(err)
	}
	var unreachable net.Error
	if err := (notifier.RelayConfig{Host: "127.0.0.1", Port: 1, TLS: "none"}).Ping(t.Context()); !errors.As(err, &unreachable) {
		t.Errorf("ping of nobody: %v", err)
	}
}
