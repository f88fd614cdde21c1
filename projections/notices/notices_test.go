package notices_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/notices"
	"github.com/westshore/hub/projections/projectiontest"
)

func open(t testing.TB, l *projectiontest.Log, dir string) *notices.View {
	t.Helper()
	v, err := notices.New(context.Background(), projections.Store{Dir: dir}, slog.New(slog.DiscardHandler))
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

const id = events.NoticeID("n1")

func notice(l *projectiontest.Log, evs ...events.Event) {
	for _, e := range evs {
		l.Tick(time.Second)
		l.Add(events.NoticeStream(id), "agent:a1", e)
	}
}

func queue(l *projectiontest.Log, i int) events.OutboundID {
	who := projectiontest.CustomerID(i)
	out := events.DeriveNoticeOutbound(id, who)
	l.Add(events.OutboundStream(out), "system:notices", events.MessageQueued{
		Outbound: out, Kind: events.OutboundAdministrative, Channel: events.Email, Message: events.MessageID(id), Customer: who,
		Parcel: events.Seal(events.Parcel{RcptTo: "ada@cust.test"}),
	})
	return out
}

func TestNoticeIsFoldedStepByStep(t *testing.T) {
	l := projectiontest.New(t)
	v := open(t, l, t.TempDir())
	steps := []struct {
		e    events.Event
		want notices.State
	}{
		{events.NoticeDrafted{Notice: id, Agent: "a1", Title: "T", Rate: 60}, notices.Draft},
		{events.NoticeApproved{Notice: id, Agent: "a2"}, notices.Approved},
		{events.NoticeDrafted{Notice: id, Agent: "a3", Title: "U", Rate: 60}, notices.Draft},
		{events.NoticeApproved{Notice: id, Agent: "a2"}, notices.Approved},
		{events.NoticeStarted{Notice: id, Agent: "a1"}, notices.Listing},
		{events.NoticePaused{Notice: id, Agent: "a1", Cause: "agent"}, notices.Paused},
		{events.NoticeResumed{Notice: id, Agent: "a1"}, notices.Listing},
		{events.NoticeListed{Notice: id, Recipients: 2, Parts: 1}, notices.Sending},
		{events.NoticePaused{Notice: id, Cause: "failures"}, notices.Paused},
		{events.NoticeResumed{Notice: id, Agent: "a1"}, notices.Sending},
		{events.NoticeFinished{Notice: id}, notices.Finished},
	}
	for i, s := range steps {
		notice(l, s.e)
		all := l.Events()
		projectiontest.Feed(t, v, all[len(all)-1:], 1)
		n, err := v.Get(t.Context(), id)
		check(t, err)
		if n.State != s.want || n.Revision != int64(i) {
			t.Errorf("after step %d, %T: %s at %d, want %s", i, s.e, n.State, n.Revision, s.want)
		}
	}
	n, err := v.Get(t.Context(), id)
	check(t, err)
	if d := cmp.Diff([]events.AgentID{"a1", "a3"}, n.Drafters); d != "" || n.Title != "U" || n.Approver != "a2" || n.Starter != "a1" || n.FinishedAt.IsZero() {
		t.Errorf("notice %+v\n%s", n, d)
	}
	if _, err := v.Get(t.Context(), "x"); !errors.Is(err, notices.ErrNotFound) {
		t.Errorf("a notice that is not there: %v", err)
	}
}

func TestListsArePaged(t *testing.T) {
	l := projectiontest.New(t)
	for i := range 7 {
		n := events.NoticeID(fmt.Sprint("n", i))
		l.Add(events.NoticeStream(n), "agent:a1", events.NoticeDrafted{Notice: n, Agent: "a1"})
	}
	v := open(t, l, t.TempDir())
	projectiontest.Replay(t, l, v, 3)
	var got []events.NoticeID
	for after := ""; ; {
		page, err := v.List(t.Context(), 3, after)
		check(t, err)
		for _, n := range page.Items {
			got = append(got, n.ID)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if d := cmp.Diff([]events.NoticeID{"n6", "n5", "n4", "n3", "n2", "n1", "n0"}, got); d != "" {
		t.Error(d)
	}
	if _, err := v.List(t.Context(), 3, "!"); !errors.Is(err, notices.ErrCursor) {
		t.Errorf("a cursor that is none: %v", err)
	}
}

func TestAudienceIsWhoeverHasATicket(t *testing.T) {
	l := projectiontest.New(t)
	for i := range 5 {
		l.Tick(time.Hour)
		l.Add(projectiontest.TicketStream(i), "system:desk", events.TicketOpened{
			Ticket: projectiontest.TicketID(i), Customer: projectiontest.CustomerID(i), Mailbox: events.MailboxID([]string{"support", "sales"}[i%2]),
		})
	}
	cut := l.Now()
	l.Tick(time.Hour)
	l.Add(projectiontest.TicketStream(0), "system:desk", events.MessageAttached{Ticket: projectiontest.TicketID(0), Customer: projectiontest.CustomerID(0), Class: events.MailHuman})
	l.Add(projectiontest.TicketStream(1), "system:desk", events.MessageAttached{Ticket: projectiontest.TicketID(1), Customer: projectiontest.CustomerID(9), Class: events.MailAuto})
	l.Add(projectiontest.TicketStream(2), "system:desk", events.MessageAttached{Ticket: projectiontest.TicketID(2), Customer: projectiontest.CustomerID(8), Class: events.MailHuman})
	v := open(t, l, t.TempDir())
	projectiontest.Replay(t, l, v, 2)
	for name, c := range map[string]struct {
		rule events.NoticeAudience
		want int
	}{
		"everybody before the cut": {events.NoticeAudience{}, 5},
		"of one mailbox":           {events.NoticeAudience{Mailbox: "sales"}, 2},
		"who wrote lately":         {events.NoticeAudience{Since: cut.Add(time.Minute)}, 1},
	} {
		n, err := v.CountAudience(t.Context(), c.rule, cut)
		check(t, err)
		var ids []events.SubjectID
		for after := events.SubjectID(""); ; {
			part, err := v.Audience(t.Context(), c.rule, cut, after, 2)
			check(t, err)
			if len(part) == 0 {
				break
			}
			ids, after = append(ids, part...), part[len(part)-1]
		}
		if n != c.want || len(ids) != c.want {
			t.Errorf("%s: %d counted, %d listed, want %d", name, n, len(ids), c.want)
		}
	}
	box, err := v.Mailbox(t.Context(), projectiontest.CustomerID(1))
	check(t, err)
	if box != "sales" {
		t.Errorf("mailbox %q", box)
	}
}

// TestCountersAgreeWhateverHappened to whichever message, in whichever batches.
func TestCountersAgreeWhateverHappened(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		l := projectiontest.New(t)
		notice(l, events.NoticeDrafted{Notice: id, Agent: "a1"}, events.NoticeStarted{Notice: id})
		var outs []events.OutboundID
		for i := range rapid.IntRange(1, 5).Draw(r, "messages") {
			outs = append(outs, queue(l, i))
		}
		skipped := events.DeriveNoticeOutbound(id, "gone")
		l.Add(events.OutboundStream(skipped), "system:notices", events.MessageSkipped{Outbound: skipped, Notice: id, Customer: "gone", Reason: "erased"})
		for range rapid.IntRange(0, 25).Draw(r, "steps") {
			out := rapid.SampledFrom(outs).Draw(r, "message")
			l.Add(events.OutboundStream(out), "system:x", rapid.SampledFrom([]events.Event{
				events.DeliveryAttempted{Outbound: out, Attempt: 1},
				events.DeliveryAccepted{Outbound: out, Attempt: 1},
				events.DeliveryDeferred{Outbound: out, Attempt: 1},
				events.DeliveryFailed{Outbound: out, Attempt: 1},
				events.DeliveryUnknown{Outbound: out, Attempt: 1},
				events.DeliveryResolved{Outbound: out, Outcome: "accepted"},
				events.DeliveryRetried{Outbound: out},
				events.MessageBounced{Outbound: out, Action: "failed"},
				events.MessageBounced{Outbound: out, Action: "delayed"},
				events.MessageCancelled{Outbound: out},
				events.MessageHeld{Outbound: out, Reason: "quiet_hours"},
				events.MessageCancelled{Outbound: out, Reason: "no_consent"},
			}).Draw(r, "event"))
		}
		l.Queue(1, 1, 1, 1, "d", events.Address{Address: "a@b.test"}, l.Now()) // of a ticket
		v := open(t, l, t.TempDir())
		projectiontest.Replay(t, l, v, rapid.IntRange(1, 20).Draw(r, "batch"))
		n, err := v.Get(context.Background(), id)
		check(t, err)
		page, err := v.Recipients(context.Background(), id, "", 100, "")
		check(t, err)
		rows := map[string]int64{}
		for _, rec := range page.Items {
			rows[rec.State]++
		}
		if d := cmp.Diff(rows, n.Counts); d != "" || len(page.Items) != len(outs)+1 || n.Skipped["erased"] != 1 {
			r.Fatalf("counts (-rows +counts):\n%s", d)
		}
	})
}
