package erasure_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/privacy/erasure"
	"github.com/westshore/hub/services/privacy/scan"
)

var errKilled = errors.New("killed here")

// outcome is what an erasure leaves, without what differs from run to run.
type outcome struct {
	Phase            erasure.Phase
	Keys, Killed     int
	Cancelled        int
	Certificates     int
	Tombstones       int
	Letters          int
	Answered, Closed int
	Hits, Unknown    int
	Found            int
	Purged           []string
}

func (h *house) outcome(id events.RequestID, who events.SubjectID, streams []events.Stream) outcome {
	h.t.Helper()
	s := h.state(id)
	out := outcome{Phase: s.Phase(), Keys: h.live(who), Killed: s.Destroyed.Killed, Cancelled: s.Outbox.Cancelled, Letters: len(h.letters), Hits: s.Result.Hits, Unknown: s.Result.Unknown, Found: h.found("nightingale")}
	for store := range s.Purged {
		out.Purged = append(out.Purged, store)
	}
	slices.Sort(out.Purged)
	history, err := h.Load(h.t.Context(), events.RequestStream(id), nil)
	check(h.t, err)
	for _, r := range history {
		switch r.Event.(type) {
		case events.CertificateIssued:
			out.Certificates++
		case events.RequestAnswered:
			out.Answered++
		case events.RequestClosed:
			out.Closed++
		}
	}
	for _, stream := range streams {
		history, err := h.Load(h.t.Context(), stream, nil)
		check(h.t, err)
		for _, r := range history {
			if _, ok := r.Event.(events.SegmentsErased); ok {
				out.Tombstones++
			}
		}
	}
	return out
}

// story is a person with a ticket, an answer that went out and one that waits.
func (h *house) story(n int) (who events.SubjectID, address events.Address, streams []events.Stream) {
	h.t.Helper()
	address = events.Address{Name: fmt.Sprintf("Nightingale Number%d", n), Address: fmt.Sprintf("nightingale.%d@customer.test", n)}
	who, ticket, inquiry := h.receive(mail{address, fmt.Sprintf("nightingale matter %d", n), fmt.Sprintf("Nightingale %d sings in the orchard behind the old brewery at night", n), ""})
	_, a := h.reply(who, address, ticket, fmt.Sprintf("We heard your nightingale %d as well", n), true)
	_, b := h.reply(who, address, ticket, fmt.Sprintf("And this about nightingale %d never goes out", n), false)
	return who, address, []events.Stream{events.TicketStream(ticket), events.InquiryStream(inquiry), events.OutboundStream(a), events.OutboundStream(b)}
}

// TestErasureSurvivesBeingKilledAnywhere is acceptance test 11, exhaustively: for
// every point of the saga an erasure is killed there and goes on in a new process,
// and ends as one that was never disturbed.
//
// clause: S4
func TestErasureSurvivesBeingKilledAnywhere(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.receive(mail{bo, "somebody who stays here", "The control of every scan is that this can be found", ""})
	h.cfg.Scan = func(context.Context, *scan.Needles, *scan.Needles) (scan.Report, error) {
		return scan.Report{Control: "found"}, nil // what a scan sees is another test's
	}
	var points []string
	run := func(n int, kill string) outcome {
		h.letters = map[events.MessageID]erasure.Letter{}
		who, address, streams := h.story(n)
		id := h.request(who, address)
		passed := 0
		attempt := func() error {
			o := erasure.New(h.cfg)
			o.StopAt(func(point string) error {
				if kill == "" && !slices.Contains(points, point) {
					points = append(points, point)
				}
				if point == kill && passed == 0 {
					passed++
					return errKilled
				}
				return nil
			})
			if _, _, err := o.Advance(t.Context(), id); err != nil {
				return err
			}
			s := h.state(id)
			if s.Phase() == erasure.Approving {
				check(t, o.Approve(t.Context(), h.by("agent:2"), id, s.Scope.Digest))
				_, _, err := o.Advance(t.Context(), id)
				return err
			}
			return nil
		}
		err := attempt()
		if kill != "" {
			if !errors.Is(err, errKilled) {
				t.Fatalf("%s was not reached: %v", kill, err)
			}
			err = attempt()
		}
		check(t, err)
		h.caughtUp()
		return h.outcome(id, who, streams)
	}
	want := run(0, "")
	if want.Phase != erasure.Horizon || want.Keys != 0 || want.Certificates != 1 || want.Tombstones != 4 || want.Found != 0 || want.Hits != 0 {
		t.Fatalf("undisturbed: %+v", want)
	}
	if len(points) < 25 {
		t.Errorf("only %d points: %v", len(points), points)
	}
	for i, kill := range points {
		if diff := cmp.Diff(want, run(i+1, kill)); diff != "" {
			t.Errorf("killed at %s:\n%s", kill, diff)
		}
	}
}

// TestRepeatingChangesNothing is acceptance test 32: every command, every step and
// every redelivery twice to five times give one certificate, one letter, one
// tombstone.
//
// clause: S4 2.2
func TestRepeatingChangesNothing(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.receive(mail{bo, "somebody who stays here", "The control of every scan is that this can be found", ""})
	who, address, streams := h.story(1)
	by := h.by("agent:1")
	var id events.RequestID
	for range 3 {
		var err error
		id, err = h.office.Open(t.Context(), by, erasure.Opening{Customer: who, Contact: address, Channel: "agent", Verified: true})
		check(t, err)
		check(t, h.office.Identify(t.Context(), h.by("agent:1"), id, "desk"))
	}
	s := h.advance(id)
	approve := h.by("agent:2")
	for range 4 {
		check(t, h.office.Approve(t.Context(), approve, id, s.Scope.Digest))
		s = h.advance(id)
	}
	check(t, h.office.Approve(t.Context(), h.by("agent:3"), id, s.Scope.Digest))
	want := h.outcome(id, who, streams)
	if want.Certificates != 1 || want.Tombstones != 4 || want.Letters != 2 || want.Answered != 1 || want.Keys != 0 {
		t.Fatalf("%+v", want)
	}
	before, err := h.ledger.Head(t.Context())
	check(t, err)
	for range 3 {
		h.advance(id)
		check(t, h.office.Acknowledge(t.Context(), id, "mail-relay"))
	}
	after, err := h.ledger.Head(t.Context())
	check(t, err)
	if diff := cmp.Diff(want, h.outcome(id, who, streams)); diff != "" || before != after {
		t.Errorf("repeating changed something:\n%s", diff)
	}
	if err := h.office.Withdraw(t.Context(), h.by("agent:1"), id); err == nil {
		t.Error("an erasure was taken back after the fence")
	}
}

// TestCalledOffBeforeTheFence: withdrawn and refused requests destroy nothing, and
// still forget whom they were answered to.
//
// clause: 1.1
func TestCalledOffBeforeTheFence(t *testing.T) {
	t.Parallel()
	h := open(t)
	who, address, _ := h.story(1)
	keys := h.live(who)
	for _, how := range []func(events.RequestID) error{
		func(id events.RequestID) error { return h.office.Withdraw(t.Context(), h.by("agent:1"), id) },
		func(id events.RequestID) error {
			return h.office.Refuse(t.Context(), h.by("agent:1"), id, events.GroundExcessive, "GDPR 12(5)")
		},
	} {
		id := h.request(who, address)
		s := h.advance(id)
		check(t, how(id))
		if err := h.office.Approve(t.Context(), h.by("agent:2"), id, s.Scope.Digest); err == nil {
			t.Error("a closed request was approved")
		}
		if s = h.advance(id); s.Destroyed != nil || h.live(who) != keys || s.Closed.IsZero() {
			t.Errorf("%s: %d keys of %d, closed %s", s.Phase(), h.live(who), keys, s.Closed)
		}
		h.at(time.Now().Add(31 * 24 * time.Hour))
		if s = h.advance(id); !s.Forgotten || h.live(s.Requester) != 0 {
			t.Errorf("%s: the requester is still known", s.Phase())
		}
		h.at(time.Time{})
	}
}

// TestRunCarriesRequestsOutByItself: the loop finds requests that are open, goes on
// where an earlier process stopped, and waits for people.
//
// clause: 1.3
func TestRunCarriesRequestsOutByItself(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.receive(mail{bo, "somebody who stays here", "The control of every scan is that this can be found", ""})
	who, address, _ := h.story(1)
	id := h.request(who, address)
	run := func() (stop func()) {
		h.office = erasure.New(h.cfg)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- h.office.Run(ctx) }()
		return func() {
			cancel()
			check(t, <-done)
		}
	}
	await := func(there func(*erasure.State) bool) *erasure.State {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		s, err := h.office.Await(ctx, id, there)
		check(t, err)
		return s
	}
	stop := run()
	s := await(func(s *erasure.State) bool { return s.Phase() == erasure.Approving })
	list, err := h.office.Pending(t.Context())
	if err != nil || len(list) != 1 || list[0].Request != id {
		t.Errorf("pending: %d, %v", len(list), err)
	}
	stop()
	check(t, h.office.Approve(t.Context(), h.by("agent:2"), id, s.Scope.Digest))
	stop = run()
	defer stop()
	await(func(s *erasure.State) bool { return s.Phase() == erasure.Horizon })
	if h.live(who) != 0 {
		t.Error("keys are left")
	}
}
