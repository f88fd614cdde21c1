package worker_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/bus"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/services/worker"
)

var token = strings.Repeat("t", 32)

// counter is a hatch on a real journal and bus.
type counter struct {
	t *testing.T
	*journaltest.Kit
	*worker.Hatch
	bus *bus.Bus

	covered bool
	noted   []events.SubjectID
}

func open(t *testing.T, fetch time.Duration) *counter {
	t.Helper()
	return openWith(t, fetch, func(*worker.Config, *bool, *[]events.SubjectID) {})
}

func openWith(t *testing.T, fetch time.Duration, tune func(cfg *worker.Config, covered *bool, noted *[]events.SubjectID)) *counter {
	t.Helper()
	c := &counter{t: t, Kit: journaltest.New(t)}
	var err error
	if c.bus, err = bus.Open(t.Context(), bus.Config{Dir: filepath.Join(c.Dir, "bus"), Logger: c.Logger}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.bus.Close)
	cfg := worker.Config{
		Journal: c.Journal, Bus: c.bus, OpenBlob: c.Sealer.OpenBlob, Key: []byte("key"), Fetch: fetch, Logger: c.Logger,
		Settle: func(_ context.Context, d bus.Delivery) (bus.Delivery, error) {
			d.Until = time.Unix(9, 0)
			return d, nil
		},
		Accounts: []worker.Account{
			{Name: "mailer", Token: token, Channels: []events.Channel{events.Email}},
			{Name: "other", Token: strings.Repeat("o", 32), Channels: []events.Channel{events.Email}},
			{Name: "reader", Token: strings.Repeat("r", 32), Feed: true},
		},
	}
	tune(&cfg, &c.covered, &c.noted)
	c.Hatch, err = worker.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return c
}

// queue writes a message, claimed for its first attempt, and its task.
func (c *counter) queue() events.OutboundID {
	c.t.Helper()
	id := events.OutboundID(events.NewUUID().String())
	_, err := c.Append(c.t.Context(), events.OutboundStream(id), events.NoStream, journal.By{Command: events.NewUUID(), Actor: "system:test"},
		events.MessageQueued{
			Outbound: id, Kind: events.OutboundReply, Channel: events.Email, Customer: "c", Rendered: events.NewBlob([]byte("Subject: x\r\n\r\nhello")),
			Parcel: events.Seal(events.Parcel{MailFrom: "b@hub.test", RcptTo: "ada@cust.test"}),
		},
		events.DeliveryAttempted{Outbound: id, Attempt: 1, Worker: "d", Lease: time.Now().Add(time.Hour)})
	c.ok(err)
	m, err := bus.TaskMessage(bus.Task{Outbound: id, Attempt: 1, Channel: events.Email}, "d", time.Now())
	c.ok(err)
	c.ok(c.bus.Publish(c.t.Context(), m))
	return id
}

func (c *counter) ok(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *counter) next(name string) worker.Offer {
	c.t.Helper()
	o, ok, err := c.Next(c.t.Context(), name, worker.Ask{Channel: "email", Wait: 20})
	c.ok(err)
	if !ok {
		c.t.Fatal("no task came")
	}
	return o
}

func (c *counter) gone(reason string, err error) {
	c.t.Helper()
	var g *worker.GoneError
	if !errors.As(err, &g) || g.Reason() != reason {
		c.t.Errorf("got %v, want a claim that is over: %s", err, reason)
	}
}

func TestClaimIsSingleUseAndOneWorkersOwn(t *testing.T) {
	c := open(t, 10*time.Second)
	id := c.queue()
	o := c.next("mailer")
	var bad *worker.InvalidError
	for _, forged := range []string{"", "x", o.Claim + "x", "A" + o.Claim[1:]} {
		if _, err := c.Fetch(t.Context(), "mailer", id, forged); !errors.As(err, &bad) {
			t.Errorf("a forged claim: %v", err)
		}
	}
	if _, err := c.Fetch(t.Context(), "other", id, o.Claim); !errors.As(err, &bad) {
		t.Errorf("somebody else's claim: %v", err)
	}
	if _, err := c.Fetch(t.Context(), "mailer", "0123", o.Claim); !errors.As(err, &bad) {
		t.Errorf("a claim for another message: %v", err)
	}
	p, err := c.Fetch(t.Context(), "mailer", id, o.Claim)
	c.ok(err)
	if string(p.Message) != "Subject: x\r\n\r\nhello" || p.Envelope.RcptTo != "ada@cust.test" || p.Attempt != 1 {
		t.Errorf("payload %+v", p)
	}
	_, err = c.Fetch(t.Context(), "mailer", id, o.Claim)
	c.gone("claim_used", err)

	c.ok(c.Start(t.Context(), "mailer", worker.Begun{Claim: o.Claim}))
	c.ok(c.Start(t.Context(), "mailer", worker.Begun{Claim: o.Claim})) // said twice
	recs, err := c.Load(t.Context(), events.OutboundStream(id), nil)
	c.ok(err)
	if len(recs) != 3 {
		t.Errorf("%d events, want the attempt started once", len(recs))
	}
	if err := c.Finish(t.Context(), "mailer", worker.Result{Claim: o.Claim, Outcome: "accepted", Code: "Hello Ada Byron, your mail is here"}); !errors.As(err, &bad) {
		t.Errorf("a sentence of the other side was taken: %v", err)
	}
	if err := c.Finish(t.Context(), "mailer", worker.Result{Claim: o.Claim, Outcome: "perhaps"}); !errors.As(err, &bad) {
		t.Errorf("an outcome that is none: %v", err)
	}
	c.ok(c.Finish(t.Context(), "mailer", worker.Result{Claim: o.Claim, Outcome: worker.Accepted, Code: "250 2.0.0"}))
	if n, err := c.bus.Depth(t.Context(), bus.Deliveries); err != nil || n != 1 {
		t.Errorf("%d results on the bus, %v", n, err)
	}
}

func TestTaskThatNobodyFetchesIsOfferedAgain(t *testing.T) {
	c := open(t, 2*time.Second)
	id := c.queue()
	late := c.next("mailer")
	again := c.next("other")
	if again.Event.Data.Outbound != string(id) {
		t.Errorf("another task: %+v", again)
	}
	_, err := c.Fetch(t.Context(), "mailer", id, late.Claim)
	c.gone("claim_expired", err)
	_, err = c.Fetch(t.Context(), "other", id, again.Claim)
	c.ok(err)
	c.ok(c.Start(t.Context(), "other", worker.Begun{Claim: again.Claim}))
	c.gone("attempt_taken", c.Start(t.Context(), "mailer", worker.Begun{Claim: late.Claim}))
}

func TestErasedMessageIsNotHandedOut(t *testing.T) {
	c := open(t, 10*time.Second)
	id := c.queue()
	recs, err := c.Load(t.Context(), events.OutboundStream(id), nil)
	c.ok(err)
	_, err = c.Vault.Destroy(t.Context(), vault.Order{ID: events.NewUUID(), Cause: "subject"}, []events.KID{recs[0].Meta.Segments[0].KID})
	c.ok(err)
	o := c.next("mailer")
	_, err = c.Fetch(t.Context(), "mailer", id, o.Claim)
	c.gone("content_gone", err)
	if n, err := c.bus.Depth(t.Context(), bus.Deliveries); err != nil || n != 1 {
		t.Errorf("%d results on the bus, want the failure, %v", n, err)
	}
}

func TestWorkersGetWhatTheyAreConfiguredFor(t *testing.T) {
	c := open(t, 0)
	var stranger *worker.StrangerError
	if _, err := c.Authenticate("nobody's"); !errors.As(err, &stranger) {
		t.Errorf("a stranger: %v", err)
	}
	if name, err := c.Authenticate(token); err != nil || name != "mailer" {
		t.Errorf("%q, %v", name, err)
	}
	var no *worker.ForbiddenError
	if _, err := c.Changes(t.Context(), "mailer", worker.FeedQuery{}); !errors.As(err, &no) {
		t.Errorf("a mailer read the feed: %v", err)
	}
	if _, _, err := c.Next(t.Context(), "reader", worker.Ask{Channel: "email"}); !errors.As(err, &no) {
		t.Errorf("a reader got a task: %v", err)
	}
}

func TestFeedSaysIdsAndPositionsOnly(t *testing.T) {
	c := open(t, 0)
	by := func() journal.By { return journal.By{Command: events.NewUUID(), Actor: "agent:a"} }
	_, err := c.Append(t.Context(), events.TicketStream("t1"), events.NoStream, by(), events.TicketOpened{Ticket: "t1", Customer: "c"},
		events.NoteAdded{Ticket: "t1", Customer: "c", Note: events.Seal(events.Answer{Text: "secret"})})
	c.ok(err)
	c.queue() // not of a ticket
	_, err = c.Append(t.Context(), events.TicketStream("t1"), 1, by(), events.TicketResolved{Ticket: "t1"})
	c.ok(err)
	var got []string
	for after := ""; len(got) < 3; {
		p, err := c.Changes(t.Context(), "reader", worker.FeedQuery{After: after, Limit: 2, Wait: 5})
		c.ok(err)
		for _, e := range p.Events {
			got = append(got, e.Type)
			if e.Data.Ticket != "t1" || e.Data.Revision != int64(len(got)-1) || e.Position == "" {
				t.Errorf("event %+v", e)
			}
		}
		after = p.Position
	}
	if want := "hub.TicketOpened hub.NoteAdded hub.TicketResolved"; strings.Join(got, " ") != want {
		t.Errorf("got %v", got)
	}
}
