package notifier_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/bus"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/services/notifier"
)

// TestO3OnlyOneMayPutTheDot: of two that hold one attempt, by a task that came
// twice, one may go on; whoever comes later, or has an attempt that was claimed
// anew, may not even look.
func TestO3OnlyOneMayPutTheDot(t *testing.T) {
	p := openPost(t)
	c := &notifier.Claims{Journal: p.Journal, OpenBlob: p.Sealer.OpenBlob, Now: p.now}
	const id = events.OutboundID("0123")
	p.append(events.OutboundStream(id),
		events.MessageQueued{Outbound: id, Customer: "c", Rendered: events.NewBlob([]byte("x")), Parcel: events.Seal(events.Parcel{RcptTo: "ada@cust.test"})},
		events.DeliveryAttempted{Outbound: id, Attempt: 1, Worker: "w", Lease: p.now().Add(time.Hour)})
	task := bus.Task{Outbound: id, Attempt: 1, Channel: events.Email}
	one, err1 := c.Take(t.Context(), task)
	two, err2 := c.Take(t.Context(), task)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if err := c.Begin(t.Context(), one, "w", false); err != nil {
		t.Fatal(err)
	}
	if err := c.Begin(t.Context(), two, "w", false); !errors.Is(err, notifier.ErrOver) {
		t.Errorf("the second begins too: %v", err)
	}
	if _, err := c.Take(t.Context(), task); !errors.Is(err, notifier.ErrOver) {
		t.Errorf("an attempt whose outcome is open is handed out again: %v", err)
	}
	p.append(events.OutboundStream(id), events.DeliveryDeferred{Outbound: id, Attempt: 1, Class: notifier.ClassTemporary},
		events.DeliveryAttempted{Outbound: id, Attempt: 2, Worker: "w", Lease: p.now().Add(time.Hour)})
	if _, err := c.Take(t.Context(), task); !errors.Is(err, notifier.ErrOver) {
		t.Errorf("an attempt that is over is handed out again: %v", err)
	}
}

// TestClaimHoldsThoughTheViewLags: the view still shows a message as queued that
// somebody has claimed; it is not claimed again while the lease holds, and never
// once it may be out: that is unknown, not free (O3).
func TestClaimHoldsThoughTheViewLags(t *testing.T) {
	p := openPost(t)
	claimed, going, free := events.OutboundID("0124"), events.OutboundID("0126"), events.OutboundID("0125")
	for i, id := range []events.OutboundID{claimed, going, free} {
		to := fmt.Sprintf("ada@cust%d.test", i) // each has room of its own
		p.append(events.OutboundStream(id), events.MessageQueued{
			Outbound: id, Customer: "c", Kind: events.OutboundReply, Channel: events.Email,
			Rendered: events.NewBlob([]byte("x")), Parcel: events.Seal(events.Parcel{RcptTo: to, To: events.Address{Address: to}}), Domain: events.Hash(to),
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	read := make(chan error, 1)
	go func() { read <- projections.Run(ctx, projections.FromJournal(p.Journal), p.runner) }()
	if err := p.caughtUp(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-read
	p.append(events.OutboundStream(claimed), events.DeliveryAttempted{Outbound: claimed, Attempt: 1, Worker: "one", Lease: p.now().Add(time.Hour)})
	p.append(events.OutboundStream(going), events.DeliveryAttempted{Outbound: going, Attempt: 1, Worker: "one", Lease: p.now().Add(-time.Hour)},
		events.DeliveryStarted{Outbound: going, Attempt: 1, Lease: p.now().Add(-time.Minute)})
	ctx, cancel = context.WithCancel(t.Context())
	d := notifier.Dispatcher{
		Journal: p.Journal, Bus: p.bus, Outbox: p.outbox, Changed: p.feed.Changed, Worker: "two",
		CaughtUp: func(context.Context) error { return nil }, Hash: p.Vault.Hash, Own: p.marks.Own, Now: p.now, Logger: p.Logger,
	}
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	attempts := func(id events.OutboundID) (n int) {
		history, err := p.Journal.Load(t.Context(), events.OutboundStream(id), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range history {
			if _, ok := r.Event.(events.DeliveryAttempted); ok {
				n++
			}
		}
		return n
	}
	limit, end := context.WithTimeout(t.Context(), 20*time.Second)
	defer end()
	for n := uint64(0); n == 0 || attempts(free) == 0; { // the free one is claimed and handed out
		var err error
		if n, err = p.bus.Depth(limit, bus.Outbound); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := attempts(claimed); n != 1 {
		t.Errorf("%d claims of one message while the first holds", n)
	}
	if n := attempts(going); n != 1 {
		t.Errorf("%d claims of a message whose final dot may be out", n)
	}
}

// TestAnswerThatCannotBeQueuedIsNotForgotten: what fails though the store answers
// holds up nobody, and goes out when it works, also after a restart.
func TestAnswerThatCannotBeQueuedIsNotForgotten(t *testing.T) {
	for _, restart := range []bool{false, true} {
		p := openPost(t)
		var broken atomic.Bool
		broken.Store(true)
		p.tune = func(all *parts) {
			all.clerk.Pause = 10 * time.Millisecond
			all.clerk.Gate = func(_ context.Context, who events.SubjectID, _ string) (bool, string, error) {
				if who == "unlucky" && broken.Load() {
					return false, "", errors.New("the disk is full")
				}
				return true, "", nil
			}
		}
		stop := p.run("one", p.relay())
		unlucky := p.writeFor("unlucky", "ada@cust.test")
		p.await(p.write("bob@cust.test"), outbox.Accepted, 1) // is not held up
		if restart {
			stop()
		}
		broken.Store(false)
		if restart {
			stop = p.run("two", p.relay())
		}
		p.await(unlucky, outbox.Accepted, 1)
		stop()
	}
}

// TestOneSickMessageHoldsUpNobody: a message that cannot be claimed is tried again,
// and those beside it are claimed and handed out, not claimed and left.
func TestOneSickMessageHoldsUpNobody(t *testing.T) {
	p := openPost(t)
	p.tune = func(all *parts) {
		all.dispatcher.Gate = func(_ context.Context, who events.SubjectID, _ string) (bool, string, error) {
			if who == "unlucky" {
				return false, "", errors.New("cannot be asked")
			}
			return true, "", nil
		}
	}
	sick := p.writeFor("unlucky", "ada@cust.test")
	var others []events.MessageID
	for i := range 12 {
		others = append(others, p.write(fmt.Sprintf("r@cust%d.test", i)))
	}
	stop := p.run("one", p.relay())
	defer stop()
	for _, msg := range others {
		if item := p.await(msg, outbox.Accepted, 1)[0]; item.Attempts != 1 {
			t.Errorf("%d attempts", item.Attempts)
		}
	}
	p.await(sick, outbox.Queued, 1)
}
