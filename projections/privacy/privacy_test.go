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
	if hits := projectiontest.Scan(t, v.Inventory(), "ada@customer", "please"); len(hits) != 0 {
		t.Errorf("personal data in the view: %v", hits)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
