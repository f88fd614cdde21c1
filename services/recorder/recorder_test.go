package recorder_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/bus"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/services/recorder"
)

// hall is a recorder between a real bus and a real journal.
type hall struct {
	t *testing.T
	*journaltest.Kit
	bus *bus.Bus
}

func open(t *testing.T) *hall {
	t.Helper()
	h := &hall{t: t, Kit: journaltest.New(t)}
	var err error
	if h.bus, err = bus.Open(t.Context(), bus.Config{Dir: filepath.Join(h.Dir, "bus"), Logger: h.Logger}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.bus.Close)
	return h
}

// sealed is an inquiry as a door publishes it.
func (h *hall) sealed(id events.InquiryID) bus.Message {
	h.t.Helper()
	by := journal.By{Command: events.DeriveUUID("inquiry", string(id)), Actor: "door:test"}
	in := events.InquiryReceived{
		Inquiry: id, Channel: events.Email, Mailbox: "support", Customer: "c",
		Contact: events.Seal(events.Address{Address: "ada@cust.test"}), Letter: events.Seal(events.Letter{Text: "hello"}),
	}
	envs, err := h.Seal(h.t.Context(), h.Drafts(events.InquiryStream(id), by, in))
	if err != nil {
		h.t.Fatal(err)
	}
	m, err := bus.FromEnvelope(bus.InquiryEmail("support"), "/door/test", envs[0])
	if err != nil {
		h.t.Fatal(err)
	}
	return m
}

func (h *hall) publish(m bus.Message) {
	h.t.Helper()
	if err := h.bus.Publish(h.t.Context(), m); err != nil {
		h.t.Fatal(err)
	}
}

// drain runs the recorder until a stream of the bus is empty.
func (h *hall) drain(s bus.Stream) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- recorder.New(recorder.Config{Bus: h.bus, Journal: h.Journal, Logger: h.Logger}).Run(ctx)
	}()
	for n := uint64(1); n > 0; {
		var err error
		if n, err = h.bus.Depth(ctx, s); err != nil {
			h.t.Fatal(err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		h.t.Fatal(err)
	}
}

func TestInquiryIsRecordedOnceHoweverOftenItIsSealed(t *testing.T) {
	h := open(t)
	const id = events.InquiryID("0123")
	for range 3 { // a door that crashed before its bookmark seals the same mail again
		m := h.sealed(id)
		h.publish(m)
		h.drain(bus.Inquiries)
	}
	recs, err := h.Load(t.Context(), events.InquiryStream(id), &events.Principal{Role: events.RoleAgent, Purpose: events.PurposeSupport})
	if err != nil {
		t.Fatal(err)
	}
	if len(recs) != 1 || recs[0].Event.(events.InquiryReceived).Letter.Value().Text != "hello" {
		t.Errorf("%d events, want the first one, readable", len(recs))
	}
	if n, _ := h.bus.Depth(t.Context(), bus.DeadLetter); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

func TestWhatIsNoInquiryIsBuried(t *testing.T) {
	h := open(t)
	other := h.sealed("0124")
	other.Type, other.ID = "hub.TicketOpened", events.NewUUID().String()
	junk, err := bus.New(bus.InquiryEmail("support"), events.NewUUID().String(), "/x", "hub.InquiryReceived", time.Now(), map[string]int{"a": 1})
	if err != nil {
		t.Fatal(err)
	}
	h.publish(other)
	h.publish(junk)
	h.publish(h.sealed("0125"))
	h.drain(bus.Inquiries)
	if n, _ := h.bus.Depth(t.Context(), bus.DeadLetter); n != 2 {
		t.Errorf("%d dead letters, want 2", n)
	}
	if recs, _ := h.Load(t.Context(), events.InquiryStream("0125"), nil); len(recs) != 1 {
		t.Error("the inquiry behind them was held up")
	}
}

func TestResultCountsOnlyForTheAttemptThatWaitsForOne(t *testing.T) {
	h := open(t)
	const id = events.OutboundID("0126")
	by := journal.By{Command: events.NewUUID(), Actor: "system:test"}
	_, err := h.Append(t.Context(), events.OutboundStream(id), events.NoStream, by,
		events.MessageQueued{Outbound: id, Customer: "c", Parcel: events.Seal(events.Parcel{})},
		events.DeliveryAttempted{Outbound: id, Attempt: 1}, events.DeliveryDeferred{Outbound: id, Attempt: 1},
		events.DeliveryAttempted{Outbound: id, Attempt: 2}, events.DeliveryStarted{Outbound: id, Attempt: 2},
		events.DeliveryUnknown{Outbound: id, Attempt: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []bus.Delivery{
		{Outbound: id, Attempt: 1, Worker: "w", Outcome: bus.Accepted}, // late, of an attempt that is over
		{Outbound: id, Attempt: 2, Worker: "w", Outcome: bus.Accepted}, // late, but certain
		{Outbound: id, Attempt: 2, Worker: "w", Outcome: bus.Failed},   // contradicts what is known
	} {
		m, err := bus.DeliveryMessage(events.Email, d, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		h.publish(m)
		h.drain(bus.Deliveries)
	}
	recs, err := h.Load(t.Context(), events.OutboundStream(id), nil)
	if err != nil {
		t.Fatal(err)
	}
	last, ok := recs[len(recs)-1].Event.(events.DeliveryAccepted)
	if len(recs) != 7 || !ok || last.Attempt != 2 {
		t.Errorf("%d events, the last %+v", len(recs), recs[len(recs)-1].Event)
	}
}
