package tickets_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/projectiontest"
	"github.com/westshore/hub/projections/tickets"
)

// act does one random thing to a random ticket.
func act(r *rapid.T, l *projectiontest.Log, s *state) {
	if rapid.Bool().Draw(r, "later") {
		l.Tick(time.Second)
	}
	if s.tickets == 0 || rapid.IntRange(0, 3).Draw(r, "new") == 0 {
		customer := rapid.IntRange(0, 3).Draw(r, "customer")
		from := events.Address{Name: fmt.Sprint("Person ", customer), Address: fmt.Sprintf("p%d@customer.example", customer)}
		l.Receive(s.inquiries, customer, from, events.Letter{Subject: fmt.Sprint("subject ", s.inquiries), Text: fmt.Sprint("words ", s.inquiries), QuoteFrom: -1})
		l.OpenTicket(s.tickets, s.inquiries, customer)
		s.customer = append(s.customer, customer)
		s.tickets++
		s.inquiries++
		return
	}
	n := rapid.IntRange(0, s.tickets-1).Draw(r, "ticket")
	id, stream := projectiontest.TicketID(n), events.TicketStream(projectiontest.TicketID(n))
	who := rapid.IntRange(1, 3).Draw(r, "agent")
	switch rapid.IntRange(0, 7).Draw(r, "what") {
	case 0:
		l.Add(stream, "agent:1", events.TicketAssigned{Ticket: id, Agent: projectiontest.AgentID(who)})
	case 1:
		l.Add(stream, "agent:1", events.TicketUnassigned{Ticket: id})
	case 2:
		l.Add(stream, "agent:1", events.TicketResolved{Ticket: id})
	case 3:
		l.Add(stream, "agent:1", events.TicketReopened{Ticket: id, Cause: "agent"})
	case 4:
		l.Reply(n, s.messages, who, s.customer[n], ada, fmt.Sprint("answer ", s.messages))
		l.Queue(s.messages, n, s.messages, s.customer[n], "d", ada, l.Now())
		s.messages++
	case 5:
		customer := rapid.IntRange(0, 3).Draw(r, "writer")
		l.Receive(s.inquiries, customer, bob, events.Letter{Subject: "again", Text: fmt.Sprint("more ", s.inquiries), QuoteFrom: -1})
		l.Attach(n, s.inquiries, customer)
		s.inquiries++
	case 6:
		l.Add(stream, "agent:1", events.TagAdded{Ticket: id, Tag: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "tag")})
	case 7:
		l.Add(stream, "agent:1", events.NoteAdded{
			Ticket: id, Message: projectiontest.MessageID(s.messages + 100000), Agent: projectiontest.AgentID(who),
			Customer: projectiontest.CustomerID(s.customer[n]), Note: events.Seal(events.Answer{Text: "a remark"}),
		})
		s.messages++
	}
}

type state struct {
	tickets, inquiries, messages int
	customer                     []int
}

func tell(r *rapid.T, l *projectiontest.Log) {
	l.AddAgent(1, "Grace")
	s := &state{}
	for range rapid.IntRange(1, 60).Draw(r, "acts") {
		act(r, l, s)
	}
}

// TestListsAndCountersAgree: whatever happened, the number beside a list is the
// number of tickets on its pages, and the pages hold each ticket of the list
// once, in order.
func TestListsAndCountersAgree(t *testing.T) {
	ctx := context.Background()
	rapid.Check(t, func(r *rapid.T) {
		l := projectiontest.New(t)
		tell(r, l)
		v := open(t, l, t.TempDir())
		projectiontest.Replay(t, l, v, rapid.IntRange(1, 50).Draw(r, "batch"))
		everything := pages(t, v, tickets.ListQuery{View: tickets.ViewAll, Limit: 200})
		for _, view := range []tickets.Which{tickets.ViewOpen, tickets.ViewMine, tickets.ViewUnassigned, tickets.ViewResolved, tickets.ViewAll} {
			q := tickets.ListQuery{View: view, Agent: projectiontest.AgentID(1), Limit: rapid.IntRange(1, 5).Draw(r, "limit")}
			got := pages(t, v, q)
			var want []events.TicketID
			for _, tk := range everything {
				if belongs(tk, q) {
					want = append(want, tk.ID)
				}
			}
			var ids []events.TicketID
			for _, tk := range got {
				ids = append(ids, tk.ID)
			}
			if d := gocmp.Diff(want, ids); d != "" {
				r.Fatalf("view %s (-want +got):\n%s", view, d)
			}
			page, err := v.List(ctx, q)
			check(t, err)
			if page.Total != int64(len(want)) {
				r.Fatalf("view %s: the counter says %d, there are %d", view, page.Total, len(want))
			}
		}
		if !slices.IsSortedFunc(everything, func(a, b tickets.Ticket) int {
			return cmp.Or(b.UpdatedAt.Compare(a.UpdatedAt), cmp.Compare(a.ID, b.ID))
		}) {
			r.Fatal("the list is not in order")
		}
	})
}

func belongs(t tickets.Ticket, q tickets.ListQuery) bool {
	isOpen := t.Status == tickets.Open || t.Status == tickets.Pending
	switch q.View {
	case tickets.ViewOpen:
		return isOpen
	case tickets.ViewMine:
		return isOpen && t.Assignee != nil && t.Assignee.ID == q.Agent
	case tickets.ViewUnassigned:
		return isOpen && t.Assignee == nil
	case tickets.ViewResolved:
		return !isOpen
	}
	return true
}

func pages(t testing.TB, v *tickets.View, q tickets.ListQuery) (out []tickets.Ticket) {
	t.Helper()
	for {
		page, err := v.List(context.Background(), q)
		check(t, err)
		out = append(out, page.Tickets...)
		if q.After = page.Next; page.Next == "" {
			return out
		}
	}
}

// TestRowsDoNotDependOnBatches: one event at a time or all at once, the rows are
// the same; so a rebuild gives what reading on gave.
func TestRowsDoNotDependOnBatches(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		l := projectiontest.New(t)
		tell(r, l)
		one, many := open(t, l, t.TempDir()), open(t, l, t.TempDir())
		projectiontest.Replay(t, l, one, 1)
		projectiontest.Replay(t, l, many, rapid.IntRange(2, 512).Draw(r, "batch"))
		if d := gocmp.Diff(projectiontest.Dump(t, one.DB()), projectiontest.Dump(t, many.DB())); d != "" {
			r.Fatalf("rows differ (-one at a time +in batches):\n%s", d)
		}
	})
}

// TestPurgeIsRebuild: after any keys of a person were destroyed, purging gives
// the rows that reading the log again gives.
func TestPurgeIsRebuild(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		l := projectiontest.New(t)
		tell(r, l)
		v := open(t, l, t.TempDir())
		projectiontest.Replay(t, l, v, 512)
		for range rapid.IntRange(1, 3).Draw(r, "purges") {
			who := projectiontest.CustomerID(rapid.IntRange(0, 3).Draw(r, "who"))
			all := rapid.Bool().Draw(r, "all keys")
			l.Destroy(who, func(_ events.Recorded, s events.SegmentRef) bool { return all || s.KID[0] < '8' })
			_, err := projections.Erase(context.Background(), v, who, events.Start)
			check(t, err)
		}
		again := open(t, l, t.TempDir())
		projectiontest.Replay(t, l, again, 512)
		if d := gocmp.Diff(projectiontest.Dump(t, again.DB()), projectiontest.Dump(t, v.DB())); d != "" {
			r.Fatalf("rows differ (-rebuilt +purged):\n%s", d)
		}
	})
}
