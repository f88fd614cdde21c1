package customers_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/customers"
	"github.com/westshore/hub/projections/projectiontest"
)

func open(t *testing.T, l *projectiontest.Log) *customers.View {
	t.Helper()
	v, err := customers.New(context.Background(), projections.Store{Dir: t.TempDir()}, l.Reload, slog.New(slog.DiscardHandler))
	check(t, err)
	t.Cleanup(func() { check(t, v.Close()) })
	return v
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestCustomerIsKnownByTheFirstInquiry(t *testing.T) {
	ctx := context.Background()
	l := projectiontest.New(t)
	began := l.Now()
	for n := range 25 {
		name := "Ada Byron"
		if n > 0 {
			name = "Ada Lovelace"
		}
		l.Receive(n, 0, events.Address{Name: name, Address: "ada@customer.example"}, events.Letter{})
		l.OpenTicket(n, n, 0)
		l.Tick(time.Hour)
	}
	v := open(t, l)
	projectiontest.Replay(t, l, v, 4)
	got, err := v.Get(ctx, projectiontest.CustomerID(0))
	check(t, err)
	want := customers.Customer{
		ID: projectiontest.CustomerID(0), Name: "Ada Byron", Address: "ada@customer.example", Count: 25,
		FirstSeen: began.Add(-time.Second), LastSeen: began.Add(24*time.Hour - time.Second),
	}
	for n := 24; n > 4; n-- {
		want.Tickets = append(want.Tickets, projectiontest.TicketID(n))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("customer (-want +got):\n%s", d)
	}
	if _, err := v.Get(ctx, projectiontest.CustomerID(1)); !errors.Is(err, customers.ErrNotFound) {
		t.Errorf("somebody unknown: %v", err)
	}

	l.Destroy(projectiontest.CustomerID(0), nil)
	receipt, err := projections.Erase(ctx, v, projectiontest.CustomerID(0), events.Start)
	check(t, err)
	if receipt.Rows != 1 {
		t.Errorf("receipt %+v", receipt)
	}
	if hits := projectiontest.Scan(t, v.Inventory(), "Byron", "ada@customer"); len(hits) != 0 {
		t.Errorf("left after the purge: %v", hits)
	}
	again := open(t, l)
	projectiontest.Replay(t, l, again, 512)
	if d := cmp.Diff(projectiontest.Dump(t, again.DB()), projectiontest.Dump(t, v.DB())); d != "" {
		t.Errorf("rows (-rebuilt +purged):\n%s", d)
	}
}

// What a person had put right is what is shown, until that is erased as well (GDPR
// art. 16).
//
// clause: 1.1
func TestRectifiedContactIsShown(t *testing.T) {
	ctx := context.Background()
	l := projectiontest.New(t)
	l.Receive(0, 0, events.Address{Name: "Ada Byron", Address: "ada@customer.example"}, events.Letter{})
	who := projectiontest.CustomerID(0)
	right := events.Address{Name: "Ada Lovelace", Address: "countess@customer.example"}
	l.Add(events.CustomerStream(who), "agent:1", events.ContactRectified{Customer: who, Contact: events.Seal(right)})
	v := open(t, l)
	projectiontest.Replay(t, l, v, 1)
	c, err := v.Get(ctx, who)
	check(t, err)
	if c.Name != right.Name || c.Address != right.Address {
		t.Errorf("shown: %+v", c)
	}
	l.Destroy(who, nil)
	_, err = projections.Erase(ctx, v, who, events.Start)
	check(t, err)
	if c, err = v.Get(ctx, who); err != nil || !c.Erased || c.Name != "" {
		t.Errorf("after the erasure: %+v, %v", c, err)
	}
	again := open(t, l)
	projectiontest.Replay(t, l, again, 512)
	if d := cmp.Diff(projectiontest.Dump(t, again.DB()), projectiontest.Dump(t, v.DB())); d != "" {
		t.Errorf("rows (-rebuilt +purged):\n%s", d)
	}
}
