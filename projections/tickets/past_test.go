package tickets_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/projectiontest"
	"github.com/westshore/hub/projections/tickets"
)

// TestEveryMomentIsAsItWas: whatever happened, a ticket asked for a moment reads as
// it read at that moment (EVENTS 3, tickets/{id}?at=).
func TestEveryMomentIsAsItWas(t *testing.T) {
	ctx := context.Background()
	rapid.Check(t, func(r *rapid.T) {
		l := projectiontest.New(t)
		l.AddAgent(1, "Grace")
		s := &state{}
		v := open(t, l, t.TempDir())
		fed := 0
		type moment struct {
			at  time.Time
			was []tickets.Conversation
		}
		var moments []moment
		for range rapid.IntRange(1, 12).Draw(r, "acts") {
			act(r, l, s)
			all := l.Events()
			projectiontest.Feed(t, v, all[fed:], 512)
			fed = len(all)
			m := moment{at: l.Now()}
			for n := range s.tickets {
				c, err := v.Read(ctx, agent, string(projectiontest.TicketID(n)))
				check(t, err)
				m.was = append(m.was, c)
			}
			moments = append(moments, m)
			l.Tick(time.Minute)
		}
		m := rapid.SampledFrom(moments).Draw(r, "moment")
		for n := range s.tickets {
			got, err := v.ReadAt(ctx, agent, string(projectiontest.TicketID(n)), m.at, l.Reload)
			if n >= len(m.was) {
				if !errors.Is(err, tickets.ErrNotFound) {
					r.Fatalf("before it was opened: %v", err)
				}
				continue
			}
			check(t, err)
			if d := cmp.Diff(m.was[n], got, cmpopts.EquateEmpty()); d != "" {
				r.Fatalf("ticket %d at %s (-was +got):\n%s", n, m.at, d)
			}
		}
	})
}

// TestWhatIsGoneIsGoneFromEveryMoment: a redaction that came later counts as if it
// had always been, even while the key is still there; an erasure by its key.
func TestWhatIsGoneIsGoneFromEveryMoment(t *testing.T) {
	ctx := context.Background()
	l := projectiontest.New(t)
	story(l)
	v := open(t, l, t.TempDir())
	id, then := projectiontest.TicketID(0), l.Now()
	l.Tick(time.Hour)
	l.Add(events.TicketStream(id), "agent:1", events.MessageRedacted{
		Ticket: id, Message: events.MessageID(projectiontest.InquiryID(0)), Customer: projectiontest.CustomerID(0), Spans: 1, Reason: "health",
		Rest: events.Seal(events.Redacted{Subject: "Broken [redacted]", Text: "It [redacted]."}),
	})
	projectiontest.Replay(t, l, v, 512)
	read := func() tickets.Conversation {
		t.Helper()
		c, err := v.ReadAt(ctx, agent, string(id), then, l.Reload)
		check(t, err)
		return c
	}
	c := read()
	if m := c.Messages[0]; m.Text != "It [redacted]." || !m.Redacted || c.Ticket.Subject != "Broken [redacted]" || c.Ticket.Revision != 6 || !c.Ticket.UpdatedAt.Equal(then) {
		t.Errorf("after a redaction: %+v %+v", c.Ticket, m)
	}
	l.Destroy(projectiontest.CustomerID(0), nil)
	c = read()
	if m := c.Messages[0]; m.Text != "" || m.State != events.Erased || c.Ticket.Subject != "" || c.Ticket.Customer.Address != "" || !c.Ticket.Erased {
		t.Errorf("after an erasure: %+v %+v", c.Ticket, m)
	}
}

// TestCutTicketSaysSo: of an archived ticket the log keeps facts, and not how it
// came about.
func TestCutTicketSaysSo(t *testing.T) {
	ctx := context.Background()
	l := projectiontest.New(t)
	id, opened := projectiontest.TicketID(0), l.Now()
	l.Tick(time.Hour)
	l.Add(events.TicketStream(id), "system:retention", events.TicketArchived{
		Ticket: id, Number: 1, Channel: events.Email, Customer: projectiontest.CustomerID(0), OpenedAt: opened, ResolvedAt: opened, Priority: events.Normal,
	})
	v := open(t, l, t.TempDir())
	projectiontest.Replay(t, l, v, 512)
	for at, want := range map[time.Time]error{opened.Add(-time.Second): tickets.ErrNotFound, opened: tickets.ErrCut, l.Now(): nil} {
		if _, err := v.ReadAt(ctx, agent, "1", at, l.Reload); !errors.Is(err, want) {
			t.Errorf("at %s: %v, want %v", at, err, want)
		}
	}
}
