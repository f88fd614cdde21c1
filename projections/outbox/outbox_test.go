package outbox_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/projections/projectiontest"
)

// TestMain keeps property tests short; -rapid.checks asks for more.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "30"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}

func open(t testing.TB, l *projectiontest.Log, dir string) *outbox.View {
	t.Helper()
	v, err := outbox.New(context.Background(), projections.Store{Dir: dir}, l.Reload, slog.New(slog.DiscardHandler))
	check(t, err)
	t.Cleanup(func() { check(t, v.Close()) })
	return v
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var ada = events.Address{Name: "Ada Byron", Address: "ada@customer.example"}

// add appends to an outgoing message's stream and feeds the view.
func add(t *testing.T, l *projectiontest.Log, v *outbox.View, n int, e events.Event) {
	t.Helper()
	l.Add(events.OutboundStream(projectiontest.OutboundID(n)), "system:notifier", e)
	feed(t, l, v)
}

func feed(t *testing.T, l *projectiontest.Log, v *outbox.View) {
	t.Helper()
	all := l.Events()
	projectiontest.Feed(t, v, all[len(all)-1:], 1)
}

func due(t *testing.T, v *outbox.View, now time.Time) (out []int) {
	t.Helper()
	items, err := v.Due(context.Background(), now, 100)
	check(t, err)
	return which(items)
}

func which(items []outbox.Item) (out []int) {
	for _, i := range items {
		for n := range 1000 {
			if i.ID == projectiontest.OutboundID(n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// TestWayOfAMessage follows one message and asks at every step whether it is due
// or stuck.
func TestWayOfAMessage(t *testing.T) {
	l := projectiontest.New(t)
	v := open(t, l, t.TempDir())
	id, now := projectiontest.OutboundID(0), l.Now()
	l.OpenTicket(0, 0, 0)
	projectiontest.Feed(t, v, l.Events()[:1], 1)
	l.Queue(0, 0, 0, 0, "d1", ada, now.Add(10*time.Second))
	feed(t, l, v)
	lease := now.Add(10 * time.Minute)
	steps := []struct {
		event events.Event
		state outbox.State
		due   time.Duration // first moment it is due; -1 never
		stuck time.Duration
	}{
		{nil, outbox.Queued, 10 * time.Second, -1},
		{events.DeliveryAttempted{Outbound: id, Attempt: 1, Worker: "w", Lease: lease}, outbox.Sending, 10 * time.Minute, -1},
		{events.DeliveryDeferred{Outbound: id, Attempt: 1, Class: "greylist", Code: "451", Until: now.Add(time.Minute)}, outbox.Deferred, time.Minute, -1},
		{events.DeliveryAttempted{Outbound: id, Attempt: 2, Worker: "w", Lease: lease}, outbox.Sending, 10 * time.Minute, -1},
		{events.DeliveryStarted{Outbound: id, Attempt: 2}, outbox.Sending, -1, 10 * time.Minute},
		{events.DeliveryUnknown{Outbound: id, Attempt: 2, Class: "crash"}, outbox.Unknown, -1, -1},
		{events.DeliveryRetried{Outbound: id}, outbox.Queued, 0, -1},
		{events.DeliveryAttempted{Outbound: id, Attempt: 3, Worker: "w", Lease: lease}, outbox.Sending, 10 * time.Minute, -1},
		{events.DeliveryStarted{Outbound: id, Attempt: 3}, outbox.Sending, -1, 10 * time.Minute},
		{events.DeliveryAccepted{Outbound: id, Attempt: 3, Code: "250 2.0.0"}, outbox.Accepted, -1, -1},
		{events.MessageBounced{Outbound: id, Code: "4.4.1", Action: "delayed"}, outbox.Accepted, -1, -1},
		{events.MessageBounced{Outbound: id, Code: "5.1.1", Action: "failed"}, outbox.Bounced, -1, -1},
		{events.DeliveryResolved{Outbound: id, Outcome: "failed", Evidence: "agent"}, outbox.Failed, -1, -1},
		{events.MessageCancelled{Outbound: id}, outbox.Cancelled, -1, -1},
	}
	for i, s := range steps {
		if s.event != nil {
			add(t, l, v, 0, s.event)
		}
		item, err := v.Get(context.Background(), id)
		check(t, err)
		if item.State != s.state {
			t.Fatalf("step %d: state %s, want %s", i, item.State, s.state)
		}
		for _, at := range []time.Duration{0, 10 * time.Second, time.Minute, 10 * time.Minute, time.Hour} {
			if got, want := len(due(t, v, now.Add(at))) == 1, s.due >= 0 && at >= s.due; got != want {
				t.Errorf("step %d (%s): due after %v: %v", i, s.state, at, got)
			}
			stuck, err := v.Stuck(context.Background(), now.Add(at), 10)
			check(t, err)
			if got, want := len(stuck) == 1, s.stuck >= 0 && at >= s.stuck; got != want {
				t.Errorf("step %d (%s): stuck after %v: %v", i, s.state, at, got)
			}
		}
		counts, err := v.Counts(context.Background())
		check(t, err)
		for state, n := range counts {
			if want := int64(0); state == s.state && n != 1 || state != s.state && n != want {
				t.Errorf("step %d: %d messages are %s", i, n, state)
			}
		}
	}
	item, err := v.Get(context.Background(), id)
	check(t, err)
	if item.Attempts != 3 || item.TicketNumber != 1 || item.To != ada || item.Subject != "Re: it" || !item.NextAttempt.IsZero() {
		t.Errorf("item %+v", item)
	}
}

func TestDueIsFairAmongDomains(t *testing.T) {
	l := projectiontest.New(t)
	v := open(t, l, t.TempDir())
	for n := range 50 {
		domain := events.Hash("big")
		if n >= 46 {
			domain = events.Hash(fmt.Sprint("small", n))
		}
		l.Queue(n, n, n, n, domain, ada, l.Now())
		l.Tick(time.Second)
	}
	projectiontest.Replay(t, l, v, 512)
	items, err := v.Due(context.Background(), l.Now(), 10)
	check(t, err)
	got := which(items)
	if len(got) != 8 && len(got) != 10 {
		t.Errorf("%d messages, want up to 10: %v", len(got), got)
	}
	for n := 46; n < 50; n++ {
		found := false
		for _, g := range got {
			found = found || g == n
		}
		if !found {
			t.Errorf("message %d of a small domain waits behind the big one: %v", n, got)
		}
	}
	// Alone, a domain may have all of it.
	for n := 46; n < 50; n++ {
		add(t, l, v, n, events.MessageCancelled{Outbound: projectiontest.OutboundID(n)})
	}
	items, err = v.Due(context.Background(), l.Now(), 10)
	check(t, err)
	if d := cmp.Diff([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, which(items)); d != "" {
		t.Errorf("oldest first (-want +got):\n%s", d)
	}
	at, ok, err := v.NextDue(context.Background(), time.Time{})
	check(t, err)
	if !ok || !at.Equal(items[0].CreatedAt) {
		t.Errorf("next due %v, %v", at, ok)
	}
}

func TestPages(t *testing.T) {
	l := projectiontest.New(t)
	for n := range 23 {
		l.Queue(n, n, n, n, "d", ada, l.Now())
		if n%2 == 0 {
			l.Add(events.OutboundStream(projectiontest.OutboundID(n)), "system:notifier", events.DeliveryFailed{Outbound: projectiontest.OutboundID(n), Attempt: 1, Code: "550"})
		}
	}
	v := open(t, l, t.TempDir())
	projectiontest.Replay(t, l, v, 7)
	for state, want := range map[outbox.State]int{"": 23, outbox.Failed: 12, outbox.Queued: 11, outbox.Bounced: 0} {
		q := outbox.ListQuery{State: state, Limit: 5}
		seen := map[events.OutboundID]bool{}
		for {
			page, err := v.List(context.Background(), q)
			check(t, err)
			for _, i := range page.Items {
				if seen[i.ID] {
					t.Errorf("%q: a row twice", state)
				}
				seen[i.ID] = true
			}
			if q.After = page.Next; page.Next == "" {
				break
			}
		}
		if len(seen) != want {
			t.Errorf("%q: %d rows, want %d", state, len(seen), want)
		}
	}
	if _, err := v.List(context.Background(), outbox.ListQuery{After: "!"}); !errors.Is(err, outbox.ErrCursor) {
		t.Errorf("a cursor that is none: %v", err)
	}
	if _, err := v.Get(context.Background(), "nobody"); !errors.Is(err, outbox.ErrNotFound) {
		t.Errorf("a message that is not there: %v", err)
	}
}

// TestCountersAgreeAndPurgeIsRebuild, whatever happened to whichever message.
func TestCountersAgreeAndPurgeIsRebuild(t *testing.T) {
	ctx := context.Background()
	rapid.Check(t, func(r *rapid.T) {
		l := projectiontest.New(t)
		n := rapid.IntRange(1, 6).Draw(r, "messages")
		for i := range n {
			l.Queue(i, i, i, i%2, "d", ada, l.Now())
		}
		for range rapid.IntRange(0, 30).Draw(r, "steps") {
			id := projectiontest.OutboundID(rapid.IntRange(0, n-1).Draw(r, "message"))
			l.Add(events.OutboundStream(id), "system:notifier", rapid.SampledFrom([]events.Event{
				events.DeliveryAttempted{Outbound: id, Attempt: 1, Lease: l.Now()},
				events.DeliveryStarted{Outbound: id, Attempt: 1},
				events.DeliveryAccepted{Outbound: id, Attempt: 1},
				events.DeliveryDeferred{Outbound: id, Attempt: 1},
				events.DeliveryFailed{Outbound: id, Attempt: 1},
				events.DeliveryUnknown{Outbound: id, Attempt: 1},
				events.DeliveryRetried{Outbound: id},
				events.MessageBounced{Outbound: id},
				events.MessageCancelled{Outbound: id},
			}).Draw(r, "event"))
		}
		v := open(t, l, t.TempDir())
		projectiontest.Replay(t, l, v, rapid.IntRange(1, 20).Draw(r, "batch"))
		counts, err := v.Counts(ctx)
		check(t, err)
		for state, want := range counts {
			page, err := v.List(ctx, outbox.ListQuery{State: state})
			check(t, err)
			if int64(len(page.Items)) != want {
				r.Fatalf("the counter of %s says %d, there are %d", state, want, len(page.Items))
			}
		}
		who := projectiontest.CustomerID(0)
		l.Destroy(who, nil)
		_, err = projections.Erase(ctx, v, who, events.Start)
		check(t, err)
		again := open(t, l, t.TempDir())
		projectiontest.Replay(t, l, again, 512)
		if d := cmp.Diff(projectiontest.Dump(t, again.DB()), projectiontest.Dump(t, v.DB())); d != "" {
			r.Fatalf("rows (-rebuilt +purged):\n%s", d)
		}
	})
}
