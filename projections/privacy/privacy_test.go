package privacy_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/privacy"
	"github.com/westshore/hub/projections/projectiontest"
)

// Open requests come by their deadline, with what happened to them in clear facts.
//
// clause: 1.1
func TestRequestsByDeadline(t *testing.T) {
	ctx := context.Background()
	l := projectiontest.New(t)
	for i, id := range []events.RequestID{"later", "sooner", "done"} {
		due := l.Now().AddDate(0, 0, 30-10*i)
		l.Add(events.RequestStream(id), "agent:1", events.RequestReceived{
			Request: id, Kind: events.RequestAccess, Customer: "c", Requester: id.RequesterID(), Due: due,
			Contact: events.Seal(events.Address{Address: "ada@customer.example"}), Wish: events.Seal(events.Wish{Text: "please"}),
		})
	}
	l.Add(events.RequestStream("done"), "agent:1", events.RequestClosed{Request: "done", Outcome: "done"}, events.PackFetched{Request: "done"})
	v, err := privacy.New(ctx, projections.Store{Dir: t.TempDir()}, slog.New(slog.DiscardHandler))
	check(t, err)
	t.Cleanup(func() { check(t, v.Close()) })
	projectiontest.Replay(t, l, v, 2)
	first, err := v.Requests(ctx, privacy.ListQuery{Limit: 1})
	check(t, err)
	second, err := v.Requests(ctx, privacy.ListQuery{Limit: 1, After: first.Next})
	check(t, err)
	if first.Items[0].ID != "sooner" || second.Items[0].ID != "later" || second.Next != "" {
		t.Errorf("open: %+v, %+v", first, second)
	}
	closed, err := v.Request(ctx, "done")
	check(t, err)
	if closed.State != "closed" || !closed.Fetched {
		t.Errorf("closed: %+v", closed)
	}
	ids, err := v.DueBefore(ctx, "request", l.Now().Add(25*24*time.Hour))
	check(t, err)
	steps, err := v.Steps(ctx, events.RequestStream("done"))
	check(t, err)
	if len(ids) != 1 || len(steps) != 3 {
		t.Errorf("due %v, %d steps", ids, len(steps))
	}
	trail, err := v.Trail(ctx, "dsr", 0, 2)
	check(t, err)
	older, err := v.Trail(ctx, "dsr", trail[1].N, 10)
	check(t, err)
	none, err := v.Trail(ctx, "hold", 0, 10)
	check(t, err)
	if len(trail) != 2 || trail[0].Type != "PackFetched" || len(older) != 3 || len(none) != 0 {
		t.Errorf("trail %+v, older %+v, of holds %+v", trail, older, none)
	}
	if hits := projectiontest.Scan(t, v.Inventory(), "ada@customer", "please"); len(hits) != 0 {
		t.Errorf("personal data in the view: %v", hits)
	}
}

// The ledger of a person's consents is kept beside where they stand, and what has a
// list of its own is not told twice.
//
// clause: 2.3
func TestConsentLedger(t *testing.T) {
	ctx := context.Background()
	l := projectiontest.New(t)
	l.Add(events.CustomerStream("c"), "process:rights", events.ConsentRequested{Customer: "c", Purpose: "promo", Channel: "email"})
	l.Add(events.CustomerStream("c"), "customer:c", events.ConsentGranted{Customer: "c", Purpose: "promo", Channel: "email", Method: "link"})
	l.Add(events.CustomerStream("c"), "agent:1", events.ConsentWithdrawn{Customer: "c", Purpose: "promo", Channel: "email", Method: "agent"})
	l.Add(events.RecipientStream("relay"), "process:notifier", events.DataDisclosed{Recipient: "relay", Customer: "c", Purpose: "support"})
	v, err := privacy.New(ctx, projections.Store{Dir: t.TempDir()}, slog.New(slog.DiscardHandler))
	check(t, err)
	t.Cleanup(func() { check(t, v.Close()) })
	projectiontest.Replay(t, l, v, 2)
	stand, err := v.Consents(ctx, "c", 10)
	check(t, err)
	ledger, err := v.Steps(ctx, events.CustomerStream("c"))
	check(t, err)
	all, err := v.Trail(ctx, "", 0, 10)
	check(t, err)
	if len(stand) != 1 || stand[0].State != "withdrawn" || len(ledger) != 3 || ledger[1].Type != "ConsentGranted" || len(all) != 3 {
		t.Errorf("stands %+v, ledger %+v, %d steps in all", stand, ledger, len(all))
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
