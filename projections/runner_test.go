package projections_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/projections/projectiontest"
	"github.com/westshore/hub/projections/sqldb"
	"github.com/westshore/hub/projections/tickets"
)

var quiet = slog.New(slog.DiscardHandler)

var ada = events.Address{Name: "Ada Byron", Address: "ada@customer.example"}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// house is a log with a view or two.
type house struct {
	t    *testing.T
	log  *projectiontest.Log
	dir  string
	feed *projections.Feed
	view *tickets.View
	run  *projections.Runner
}

func build(t *testing.T, l *projectiontest.Log, dir string) *house {
	t.Helper()
	v, err := tickets.New(context.Background(), projections.Store{Dir: dir}, l.Open, quiet)
	check(t, err)
	h := &house{t: t, log: l, dir: dir, feed: projections.NewFeed(), view: v}
	h.run = projections.NewRunner(projections.Config{Projection: v, Source: l, Feed: h.feed, Logger: quiet})
	return h
}

// start runs the views and returns what stops them and closes the file.
func (h *house) start(more ...*projections.Runner) (stop func()) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- projections.Run(ctx, h.log, append(more, h.run)...) }()
	return func() {
		h.t.Helper()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			h.t.Errorf("run ended with %v", err)
		}
		check(h.t, h.view.Close())
	}
}

func (h *house) wait(p events.Position) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	check(h.t, h.run.Wait(ctx, p))
}

// ticket tells of a new ticket and returns the position of its last event.
func ticket(l *projectiontest.Log, n int) events.Position {
	l.Receive(n, n, ada, events.Letter{Subject: fmt.Sprint("subject ", n), Text: "text"})
	return l.OpenTicket(n, n, n)
}

func TestViewGoesOnWhereItStopped(t *testing.T) {
	l, dir := projectiontest.New(t), t.TempDir()
	ticket(l, 0)
	h := build(t, l, dir)
	stop := h.start()
	h.wait(ticket(l, 1))
	stop()

	h = build(t, l, dir)
	stop = h.start()
	defer stop()
	h.wait(ticket(l, 2))
	c, err := h.view.Counts(context.Background(), "")
	check(t, err)
	if c.All != 3 {
		t.Errorf("%d tickets, want 3", c.All)
	}
	if !h.run.Live() {
		t.Error("not live at the head of the log")
	}
	lag, err := h.run.Lag(context.Background())
	check(t, err)
	if lag.Events != 0 || lag.Seconds != 0 || lag.Position != lag.Head {
		t.Errorf("lag at the head: %+v", lag)
	}
}

// TestRowsAndCheckpointAreOne: a process that dies between rows and checkpoint
// leaves neither, one that dies after leaves both.
func TestRowsAndCheckpointAreOne(t *testing.T) {
	l, dir := projectiontest.New(t), t.TempDir()
	last := ticket(l, 0)
	h := build(t, l, dir)
	crash := errors.New("crash")
	err := h.view.DB().Write(context.Background(), func(tx *sqldb.Tx) error {
		if _, err := h.view.Apply(context.Background(), tx, l.Events()); err != nil {
			return err
		}
		return crash // before the checkpoint is written
	})
	if !errors.Is(err, crash) {
		t.Fatal(err)
	}
	check(t, h.view.Close())

	for range 2 { // the second time everything is there already
		h = build(t, l, dir)
		stop := h.start()
		h.wait(last)
		c, err := h.view.Counts(context.Background(), "")
		check(t, err)
		if c.All != 1 || c.Open != 1 {
			t.Errorf("counts %+v, want one open ticket", c)
		}
		stop()
	}
}

func TestAnotherEventStoreBeginsAnew(t *testing.T) {
	dir := t.TempDir()
	l := projectiontest.New(t)
	ticket(l, 0)
	h := build(t, l, dir)
	stop := h.start()
	h.wait(ticket(l, 1))
	stop()

	other := projectiontest.New(t)
	other.SetIdentity("store-2")
	h = build(t, other, dir)
	stop = h.start()
	defer stop()
	h.wait(ticket(other, 7))
	all, err := h.view.List(context.Background(), tickets.ListQuery{})
	check(t, err)
	if len(all.Tickets) != 1 || all.Tickets[0].Number != 8 || all.Total != 1 {
		t.Errorf("rows of the other store are left: %+v", all)
	}
}

func TestRebuildGivesTheSameRowsWhileTheViewGoesOn(t *testing.T) {
	l, dir := projectiontest.New(t), t.TempDir()
	for n := range 40 {
		ticket(l, n)
	}
	l.SetBatch(5)
	h := build(t, l, dir)
	stop := h.start()
	defer stop()
	h.wait(ticket(l, 40))
	before := projectiontest.Dump(t, h.view.DB())

	written := make(chan events.Position, 1)
	go func() {
		var last events.Position
		for n := 41; n < 80; n++ {
			last = ticket(l, n)
		}
		written <- last
	}()
	check(t, h.run.Rebuild(context.Background()))
	h.wait(<-written)
	if n := len(projectiontest.Dump(t, h.view.DB())); n <= len(before) {
		t.Errorf("%d bytes of rows after, %d before", n, len(before))
	}
	fresh := build(t, l, t.TempDir())
	projectiontest.Replay(t, l, fresh.view, 512)
	defer func() { check(t, fresh.view.Close()) }()
	if d := cmp.Diff(projectiontest.Dump(t, fresh.view.DB()), projectiontest.Dump(t, h.view.DB())); d != "" {
		t.Errorf("rows (-read anew +rebuilt):\n%s", d)
	}
	h.wait(ticket(l, 80)) // the swapped file is written to
	c, err := h.view.Counts(context.Background(), "")
	check(t, err)
	if c.All != 81 {
		t.Errorf("%d tickets, want 81", c.All)
	}
}

// slow hands events over only after it was told to, as they were opened before.
type slow struct {
	*projectiontest.Log
	opened chan struct{}
	let    chan struct{}
}

func (s *slow) Subscribe(ctx context.Context, from events.Position, handle func(context.Context, projections.Batch) error) error {
	return s.Log.Subscribe(ctx, from, func(ctx context.Context, b projections.Batch) error {
		if len(b.Events) > 0 {
			s.opened <- struct{}{}
			<-s.let
		}
		return handle(ctx, b)
	})
}

// TestPurgeBeatsABatchOpenedBefore: a batch that was opened while the keys were
// alive and is applied after the purge does not bring the text back.
func TestPurgeBeatsABatchOpenedBefore(t *testing.T) {
	l, dir := projectiontest.New(t), t.TempDir()
	src := &slow{Log: l, opened: make(chan struct{}), let: make(chan struct{})}
	h := build(t, l, dir)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	last := ticket(l, 0)
	go func() { done <- projections.Run(ctx, src, h.run) }()
	<-src.opened
	who := projectiontest.CustomerID(0)
	l.Destroy(who, nil)
	_, err := h.run.Purge(ctx, who)
	check(t, err)
	src.let <- struct{}{}
	h.wait(last)
	tk, err := h.view.Get(ctx, "1")
	check(t, err)
	if tk.Subject != "" || tk.Customer.Address != "" || !tk.Erased {
		t.Errorf("the text came back: %+v", tk)
	}
	cancel()
	<-done
	check(t, h.view.Close())
}

// TestPurgeDuringARebuildReachesTheNewFile: what was read into the file beside
// before the purge is purged before the swap.
func TestPurgeDuringARebuildReachesTheNewFile(t *testing.T) {
	l, dir := projectiontest.New(t), t.TempDir()
	src := &slow{Log: l, opened: make(chan struct{}), let: make(chan struct{})}
	v, err := tickets.New(context.Background(), projections.Store{Dir: dir}, l.Open, quiet)
	check(t, err)
	run := projections.NewRunner(projections.Config{Projection: v, Source: src, Logger: quiet})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	ticket(l, 0)
	last := ticket(l, 1)
	go func() { ended <- projections.Run(ctx, src, run) }()
	<-src.opened
	src.let <- struct{}{}
	check(t, run.Wait(ctx, last))

	rebuilt := make(chan error, 1)
	go func() { rebuilt <- run.Rebuild(ctx) }()
	<-src.opened // the rebuild holds events opened with the old keys
	who := projectiontest.CustomerID(0)
	l.Destroy(who, nil)
	_, err = run.Purge(ctx, who)
	check(t, err)
	src.let <- struct{}{}
	check(t, <-rebuilt)
	gone, err := v.Get(ctx, "1")
	check(t, err)
	there, err := v.Get(ctx, "2")
	check(t, err)
	if gone.Subject != "" || there.Subject != "subject 1" {
		t.Errorf("after the rebuild: erased %q, kept %q", gone.Subject, there.Subject)
	}
	cancel()
	<-ended
	check(t, v.Close())
}

// TestFeedKeepsTheOrderOfTheLog: with two views a change is let out only when
// both have passed it, so the last position seen is enough to go on from.
func TestFeedKeepsTheOrderOfTheLog(t *testing.T) {
	l, dir := projectiontest.New(t), t.TempDir()
	h := build(t, l, dir)
	out, err := outbox.New(context.Background(), projections.Store{Dir: dir}, l.Reload, quiet)
	check(t, err)
	defer func() { check(t, out.Close()) }()
	second := projections.NewRunner(projections.Config{Projection: out, Source: l, Feed: h.feed, Logger: quiet})
	stop := h.start(second)
	defer stop()

	var last events.Position
	for n := range 30 {
		ticket(l, n)
		l.Reply(n, n, 1, n, ada, "answer")
		last = l.Queue(n, n, n, n, "d", ada, l.Now())
	}
	var seen []projections.Change
	var at events.Position
	for at.Before(last) {
		changed := h.feed.Changed()
		changes, ok := h.feed.Since(at)
		if !ok {
			t.Fatal("the feed has forgotten what was never seen")
		}
		at = h.feed.Latest()
		if len(changes) > 0 && at.Before(changes[len(changes)-1].Position) {
			at = changes[len(changes)-1].Position
		}
		seen = append(seen, changes...)
		if at.Before(last) {
			select {
			case <-changed:
			case <-time.After(20 * time.Second):
				t.Fatal("the feed stands still")
			}
		}
	}
	had := map[string]bool{}
	for i, c := range seen {
		had[c.Kind+c.ID] = true
		if i > 0 && c.Position.Before(seen[i-1].Position) {
			t.Fatalf("change %d is out of order", i)
		}
	}
	for n := range 30 {
		if !had["ticket"+string(projectiontest.TicketID(n))] || !had["outbox"+string(projectiontest.OutboundID(n))] {
			t.Errorf("no change of ticket or message %d", n)
		}
	}
}

func TestFeedForgetsAndSaysSo(t *testing.T) {
	l, dir := projectiontest.New(t), t.TempDir()
	h := build(t, l, dir)
	stop := h.start()
	defer stop()
	first := ticket(l, 0)
	h.wait(first)
	const others = projections.MaxBatch + 100 // changes of one ticket in one batch are one
	for n := 1; n <= others; n++ {
		l.OpenTicket(n, n, n)
	}
	var last events.Position
	for i := range 10_200 {
		n := 1 + i%others
		last = l.Add(projectiontest.TicketStream(n), "system:desk", events.PriorityChanged{Ticket: projectiontest.TicketID(n), Priority: events.High})
	}
	h.wait(last)
	if _, ok := h.feed.Since(first); ok {
		t.Error("a browser that is 10,200 changes behind is not told to look again")
	}
	if changes, ok := h.feed.Since(last); !ok || len(changes) != 0 {
		t.Errorf("at the head: %d changes, ok %v", len(changes), ok)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	l := projectiontest.New(t)
	h := build(t, l, t.TempDir())
	defer func() { check(t, h.view.Close()) }()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := h.run.Wait(ctx, events.Position{Commit: 5, Prepare: 5}); !errors.Is(err, context.Canceled) {
		t.Errorf("wait ended with %v", err)
	}
}
