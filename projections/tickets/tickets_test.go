package tickets_test

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
	"github.com/westshore/hub/projections/projectiontest"
	"github.com/westshore/hub/projections/sqldb"
	"github.com/westshore/hub/projections/tickets"
)

var agent = events.Principal{Actor: "agent:1", Role: events.RoleAgent, Purpose: events.PurposeSupport}

func open(t testing.TB, l *projectiontest.Log, dir string) *tickets.View {
	t.Helper()
	v, err := tickets.New(context.Background(), projections.Store{Dir: dir}, l.Open, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var (
	ada = events.Address{Name: "Ada Byron", Address: "ada@customer.example"}
	bob = events.Address{Address: "bob@other.example"}
)

// story tells one ticket from the mail to the answer.
func story(l *projectiontest.Log) {
	l.AddAgent(1, "Grace")
	l.Receive(0, 0, ada, events.Letter{
		Subject: "Broken kettle", Text: "It leaks.\n\nPlease help\n> old words", QuoteFrom: 22, To: []events.Address{{Address: "support@hub.example"}},
		Cc: []events.Address{bob}, Attachments: []events.Attachment{{ID: "1", Name: "kettle.jpg", Type: "image/jpeg", Size: 12}},
	})
	l.OpenTicket(0, 0, 0)
	l.Add(events.TicketStream(projectiontest.TicketID(0)), "system:desk",
		events.AcknowledgementWritten{Ticket: projectiontest.TicketID(0), Message: projectiontest.MessageID(0), Inquiry: projectiontest.InquiryID(0), Customer: projectiontest.CustomerID(0)})
	l.Tick(time.Hour)
	l.Reply(0, 1, 1, 0, ada, "Send it back")
	l.Queue(0, 0, 1, 0, "d1", ada, l.Now())
	l.Add(events.TicketStream(projectiontest.TicketID(0)), events.AgentActor(projectiontest.AgentID(1)),
		events.TicketAssigned{Ticket: projectiontest.TicketID(0), Agent: projectiontest.AgentID(1)},
		events.TagAdded{Ticket: projectiontest.TicketID(0), Tag: "returns"},
		events.PriorityChanged{Ticket: projectiontest.TicketID(0), Priority: events.High})
}

func TestTicketShowsWhatHappened(t *testing.T) {
	ctx := context.Background()
	l := projectiontest.New(t)
	story(l)
	v := open(t, l, t.TempDir())
	projectiontest.Replay(t, l, v, 512)

	for _, key := range []string{"1", "#1", string(projectiontest.TicketID(0))} {
		got, err := v.Get(ctx, key)
		check(t, err)
		want := tickets.Ticket{
			ID: projectiontest.TicketID(0), Number: 1, Subject: "Broken kettle", Snippet: "Send it back", Status: tickets.Open, Priority: events.High,
			Channel: events.Email, Mailbox: "support", Customer: tickets.Customer{ID: projectiontest.CustomerID(0), Name: "Ada Byron", Address: "ada@customer.example"},
			Assignee: &tickets.Agent{ID: projectiontest.AgentID(1), Name: "Grace", Email: "grace@desk.example", Role: events.RoleAgent, Active: true},
			Tags:     []string{"returns"}, CreatedAt: l.Now().Add(-time.Hour), UpdatedAt: l.Now(), Revision: 6, LastKind: tickets.Reply,
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("Get(%s) (-want +got):\n%s", key, d)
		}
	}
	if _, err := v.Get(ctx, "2"); !errors.Is(err, tickets.ErrNotFound) {
		t.Errorf("Get of a ticket that is not there: %v", err)
	}
	if _, err := v.Get(ctx, "nonsense"); !errors.Is(err, tickets.ErrNotFound) {
		t.Errorf("Get of nonsense: %v", err)
	}
}

func TestConversationIsOpenedForTheReader(t *testing.T) {
	ctx := context.Background()
	l := projectiontest.New(t)
	story(l)
	v := open(t, l, t.TempDir())
	projectiontest.Replay(t, l, v, 2)

	c, err := v.Read(ctx, agent, "1")
	check(t, err)
	if len(c.Messages) != 3 {
		t.Fatalf("got %d messages, want 3", len(c.Messages))
	}
	in, auto, reply := c.Messages[0], c.Messages[1], c.Messages[2]
	if in.Kind != tickets.Inbound || in.From != ada || in.Text != "It leaks.\n\nPlease help\n> old words" || in.QuoteFrom != 22 ||
		in.State != events.Plain || !in.Raw || len(in.Attachments) != 1 || in.Class != events.MailHuman {
		t.Errorf("inbound: %+v", in)
	}
	if !in.At.Equal(l.Now().Add(-time.Hour - time.Second)) {
		t.Errorf("inbound at %v, want the time of arrival", in.At)
	}
	if auto.Kind != tickets.Auto || auto.State != events.Plain || len(auto.To) != 1 || auto.To[0] != ada {
		t.Errorf("acknowledgement: %+v", auto)
	}
	if reply.Kind != tickets.Reply || reply.Text != "Send it back" || reply.From.Name != "Grace" || reply.Delivery != "queued" || reply.Agent == nil {
		t.Errorf("reply: %+v", reply)
	}
	if d := cmp.Diff([]events.Address{ada, bob}, c.Participants); d != "" {
		t.Errorf("participants (-want +got):\n%s", d)
	}
	blob, err := v.File(ctx, in.ID, 0)
	check(t, err)
	if len(blob.Inline) != 72 || blob.Size != 9 {
		t.Errorf("raw mail: %d bytes inline, size %d", len(blob.Inline), blob.Size)
	}
	if _, err := v.File(ctx, in.ID, 1); !errors.Is(err, tickets.ErrNotFound) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestDeliveryJoinsTheReply(t *testing.T) {
	ctx := context.Background()
	l := projectiontest.New(t)
	story(l)
	out := events.OutboundStream(projectiontest.OutboundID(0))
	id := projectiontest.OutboundID(0)
	v := open(t, l, t.TempDir())
	projectiontest.Replay(t, l, v, 1)
	steps := []struct {
		event events.Event
		want  string
		about string
	}{
		{events.DeliveryDeferred{Outbound: id, Attempt: 1, Code: "451 4.7.1"}, "deferred", "451 4.7.1"},
		{events.DeliveryAccepted{Outbound: id, Attempt: 2, Code: "250 2.0.0"}, "accepted", "250 2.0.0"},
		{events.MessageBounced{Outbound: id, Code: "4.4.1", Action: "delayed"}, "accepted", "4.4.1"},
		{events.MessageBounced{Outbound: id, Code: "5.1.1", Action: "failed"}, "bounced", "5.1.1"},
		{events.DeliveryRetried{Outbound: id}, "queued", ""},
		{events.DeliveryUnknown{Outbound: id, Attempt: 3, Class: "crash"}, "unknown", "crash"},
		{events.DeliveryResolved{Outbound: id, Outcome: "accepted", Evidence: "agent"}, "accepted", "agent"},
	}
	for _, s := range steps {
		l.Add(out, "system:notifier", s.event)
		all := l.Events()
		projectiontest.Feed(t, v, all[len(all)-1:], 1)
		c, err := v.Read(ctx, agent, "1")
		check(t, err)
		if m := c.Messages[2]; m.Delivery != s.want || m.DeliveryDetail != s.about {
			t.Errorf("after %T: %s %q, want %s %q", s.event, m.Delivery, m.DeliveryDetail, s.want, s.about)
		}
	}
}

func TestMessagesNameTheKeysThatSayHowLongTheyAreKept(t *testing.T) {
	l := projectiontest.New(t)
	story(l)
	l.Add(events.TicketStream(projectiontest.TicketID(0)), "system:desk", events.TicketResolved{Ticket: projectiontest.TicketID(0)})
	v := open(t, l, t.TempDir())
	projectiontest.Replay(t, l, v, 512)
	c, err := v.Read(context.Background(), agent, "1")
	check(t, err)
	for _, m := range c.Messages {
		if want := m.Kind != tickets.Auto; (len(m.KIDs) > 0) != want || m.Kind == tickets.Inbound && len(m.KIDs) != 1 {
			t.Errorf("a %s names %d keys", m.Kind, len(m.KIDs))
		}
	}
	if c.Ticket.Status != tickets.Resolved || c.Ticket.ResolvedAt.IsZero() {
		t.Errorf("status %s at %s", c.Ticket.Status, c.Ticket.ResolvedAt)
	}
}

func TestHistoryReads(t *testing.T) {
	l := projectiontest.New(t)
	story(l)
	l.Add(events.TicketStream(projectiontest.TicketID(0)), "system:desk", events.TicketReopened{Ticket: projectiontest.TicketID(0), Cause: "delivery"})
	v := open(t, l, t.TempDir())
	projectiontest.Replay(t, l, v, 3)
	lines, err := v.History(context.Background(), "1")
	check(t, err)
	var got []string
	for _, l := range lines {
		got = append(got, l.Actor+": "+l.Text)
	}
	want := []string{
		"system:desk: Opened by email", "system:desk: Message received", "system:desk: Acknowledgement written", "Grace: Reply written",
		"Grace: Assigned to Grace", "Grace: Tag returns added", "Grace: Priority set to high", "system:desk: Reopened: a reply could not be delivered",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("history (-want +got):\n%s", d)
	}
}

func TestQuarantineAndReconcile(t *testing.T) {
	ctx := context.Background()
	l := projectiontest.New(t)
	for i := range 5 {
		l.Receive(i, i, ada, events.Letter{Subject: fmt.Sprint("mail ", i)})
		l.Tick(time.Second)
	}
	hold := func(i int) {
		l.Add(events.InquiryStream(projectiontest.InquiryID(i)), "system:recorder",
			events.InquiryQuarantined{Inquiry: projectiontest.InquiryID(i), Reason: "poison", Detail: "too deep"})
	}
	hold(1)
	hold(2)
	hold(3)
	l.Add(events.InquiryStream(projectiontest.InquiryID(2)), "agent:1", events.InquiryReleased{Inquiry: projectiontest.InquiryID(2)})
	l.Add(events.InquiryStream(projectiontest.InquiryID(3)), "agent:1", events.InquiryDiscarded{Inquiry: projectiontest.InquiryID(3)})
	v := open(t, l, t.TempDir())
	projectiontest.Replay(t, l, v, 4)

	var got []string
	q := tickets.QuarantineQuery{Limit: 2}
	for {
		page, err := v.Quarantine(ctx, q)
		check(t, err)
		for _, i := range page.Items {
			got = append(got, i.Subject+" "+i.State+" "+i.Reason)
		}
		if q.After = page.Next; page.Next == "" {
			break
		}
	}
	if d := cmp.Diff([]string{"mail 3 discarded poison", "mail 2 released poison", "mail 1 held poison"}, got); d != "" {
		t.Errorf("quarantine (-want +got):\n%s", d)
	}
	held, err := v.Held(ctx, "support", 7)
	check(t, err)
	if d := cmp.Diff(tickets.Holding{UIDs: []uint32{1, 2, 3, 4, 5}, Quarantined: map[uint32]string{2: "poison"}}, held); d != "" {
		t.Errorf("held (-want +got):\n%s", d)
	}
	c, err := v.Counts(ctx, "")
	check(t, err)
	if c.Quarantine != 1 {
		t.Errorf("%d in quarantine, want 1", c.Quarantine)
	}
	mails, err := v.MailboxCounts(ctx)
	check(t, err)
	if mails["support"] != 5 {
		t.Errorf("%d mails taken, want 5", mails["support"])
	}
}

// TestPurgeLeavesNothingInTheFiles scans the bytes of every file of the view.
func TestPurgeLeavesNothingInTheFiles(t *testing.T) {
	l := projectiontest.New(t)
	canary := events.Address{Name: "Zyzzyva Quagmire", Address: "qx7vj2@canary.example"}
	for i := range 40 {
		from, subject := canary, fmt.Sprint("xkcdwqv about ", i)
		if i%2 == 1 {
			from, subject = ada, "ordinary"
		}
		l.Receive(i, i%2, from, events.Letter{Subject: subject, Text: "plumbus" + subject, QuoteFrom: -1})
		l.OpenTicket(i, i, i%2)
		l.Reply(i, i, 1, i%2, from, "dear "+subject)
	}
	v := open(t, l, t.TempDir())
	projectiontest.Replay(t, l, v, 7)
	needles := []string{"Zyzzyva", "qx7vj2", "xkcdwqv"}
	if hits := projectiontest.Scan(t, v.Inventory(), needles...); len(hits) == 0 {
		t.Fatal("the scan finds nothing before the purge either")
	}
	l.Destroy(projectiontest.CustomerID(0), nil)
	receipt, err := projections.Erase(context.Background(), v, projectiontest.CustomerID(0), events.Start)
	check(t, err)
	if receipt.Store != "tickets" || receipt.Rows != 40 {
		t.Errorf("receipt %+v", receipt)
	}
	if hits := projectiontest.Scan(t, v.Inventory(), needles...); len(hits) != 0 {
		t.Errorf("left after the purge: %v", hits)
	}
	if hits := projectiontest.Scan(t, v.Inventory(), "ada@customer.example"); len(hits) == 0 {
		t.Error("somebody else was purged too")
	}
	c, err := v.Read(context.Background(), agent, "1")
	check(t, err)
	if c.Ticket.Subject != "" || !c.Ticket.Erased || c.Messages[0].State != events.Erased || c.Messages[0].Text != "" {
		t.Errorf("an erased ticket shows %+v", c)
	}
}

func TestCursorOfAnotherListIsRefused(t *testing.T) {
	l := projectiontest.New(t)
	v := open(t, l, t.TempDir())
	for _, after := range []string{"???", "bm9uc2Vuc2U"} {
		if _, err := v.List(context.Background(), tickets.ListQuery{After: after}); !errors.Is(err, tickets.ErrCursor) {
			t.Errorf("After %q: %v", after, err)
		}
	}
	if _, err := v.List(context.Background(), tickets.ListQuery{View: "nice"}); !errors.Is(err, tickets.ErrView) {
		t.Errorf("a list that does not exist: %v", err)
	}
}

// TestDamagedSegmentDoesNotHideTheRest: an incident in one message is Denied
// there, and nowhere else.
func TestDamagedSegmentDoesNotHideTheRest(t *testing.T) {
	ctx := context.Background()
	l := projectiontest.New(t)
	story(l)
	incident := errors.New("key missing")
	damaged := func(ctx context.Context, as events.Principal, envs []events.Envelope) ([]events.Event, error) {
		out, err := l.Open(ctx, as, envs)
		if err == nil && len(envs) > 0 {
			out[0], err = events.Join(envs[0], nil)
		}
		return out, errors.Join(err, incident)
	}
	v, err := tickets.New(ctx, projections.Store{Dir: t.TempDir()}, damaged, slog.New(slog.DiscardHandler))
	check(t, err)
	defer func() { check(t, v.Close()) }()
	projectiontest.Replay(t, l, v, 512)
	c, err := v.Read(ctx, agent, "1")
	check(t, err)
	if c.Messages[0].State != events.Denied || c.Messages[2].State != events.Plain {
		t.Errorf("states %s and %s, want denied and plain", c.Messages[0].State, c.Messages[2].State)
	}
}

// TestRollbackLeavesNothing: a batch whose transaction fails leaves no rows.
func TestRollbackLeavesNothing(t *testing.T) {
	l := projectiontest.New(t)
	story(l)
	v := open(t, l, t.TempDir())
	before := projectiontest.Dump(t, v.DB())
	crash := errors.New("crash")
	err := v.DB().Write(context.Background(), func(tx *sqldb.Tx) error {
		if _, err := v.Apply(context.Background(), tx, l.Events()); err != nil {
			return err
		}
		return crash
	})
	if !errors.Is(err, crash) {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, projectiontest.Dump(t, v.DB())); d != "" {
		t.Errorf("rows after a rollback:\n%s", d)
	}
}

// A machine's mail is no customer's turn (MAIL I27), what an agent sent from a
// mail program is our side's, and a message that moves is in one ticket.
func TestWhoSpokeLast(t *testing.T) {
	ctx := context.Background()
	l := projectiontest.New(t)
	story(l)
	ticket := projectiontest.TicketID(0)
	last := func() tickets.Kind {
		v := open(t, l, t.TempDir())
		projectiontest.Replay(t, l, v, 3)
		got, err := v.Get(ctx, "1")
		check(t, err)
		return got.LastKind
	}
	attach := func(n int, m events.MessageAttached) {
		l.Receive(n, 0, ada, events.Letter{Subject: "more", Text: "words", QuoteFrom: -1})
		m.Ticket, m.Inquiry, m.Customer = ticket, projectiontest.InquiryID(n), projectiontest.CustomerID(0)
		l.Add(events.TicketStream(ticket), "system:router", m)
	}
	for i, c := range []struct {
		m    events.MessageAttached
		want tickets.Kind
	}{
		{events.MessageAttached{Class: events.MailAuto}, tickets.Reply},
		{events.MessageAttached{Class: events.MailHuman}, tickets.Inbound},
		{events.MessageAttached{Class: events.MailSent}, tickets.Reply},
		{events.MessageAttached{Class: events.MailHuman}, tickets.Inbound},
		{events.MessageAttached{Class: events.MailHuman, Agent: projectiontest.AgentID(1)}, tickets.Reply},
	} {
		attach(100+i, c.m)
		if got := last(); got != c.want {
			t.Errorf("after %+v: %s, want %s", c.m, got, c.want)
		}
	}
	l.Add(events.TicketStream(ticket), "system:desk", events.MessageDetached{Ticket: ticket, Inquiry: projectiontest.InquiryID(104), To: projectiontest.TicketID(9), Why: "references"})
	v := open(t, l, t.TempDir())
	projectiontest.Replay(t, l, v, 4)
	c, err := v.Read(ctx, agent, "1")
	check(t, err)
	if n := len(c.Messages); n != 3+4 {
		t.Errorf("%d messages after one moved away, want 7", n)
	}
}
