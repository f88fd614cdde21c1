package bus_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/bus"
)

func open(t testing.TB, dir string) *bus.Bus {
	t.Helper()
	b, err := bus.Open(t.Context(), bus.Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func message(t testing.TB, id string) bus.Message {
	t.Helper()
	m, err := bus.New(bus.InquiryEmail("support"), id, "/door/mailbox", "hub.Test", time.Unix(1, 0), map[string]string{"id": id})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPublishedMessageSurvivesRestartAndIsHandledOnce(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	for range 2 { // the second publish of the same ids changes nothing
		if err := b.Publish(t.Context(), message(t, "a"), message(t, "b")); err != nil {
			t.Fatal(err)
		}
	}
	b.Close()

	b = open(t, dir)
	t.Cleanup(b.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	var got []string
	err := b.Consume(ctx, bus.Consumer{Stream: bus.Inquiries, Name: "recorder"}, func(_ context.Context, m bus.Message) error {
		if got = append(got, m.ID); len(got) == 2 {
			defer cancel()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestFailedMessageComesAgainAndPoisonIsBuried(t *testing.T) {
	b := open(t, t.TempDir())
	t.Cleanup(b.Close)
	if err := b.Publish(t.Context(), message(t, "poison"), message(t, "shy"), message(t, "fine")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	var mu sync.Mutex
	tries := map[string]int{}
	err := b.Consume(ctx, bus.Consumer{Stream: bus.Inquiries, Name: "recorder", Workers: 2}, func(_ context.Context, m bus.Message) error {
		mu.Lock()
		defer mu.Unlock()
		tries[m.ID]++
		switch {
		case m.ID == "poison":
			return &bus.Permanent{Err: errors.New("cannot be read")}
		case m.ID == "shy" && m.Deliveries < 3:
			return errors.New("store is away")
		case m.ID == "shy":
			cancel()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"poison": 1, "shy": 3, "fine": 1}, tries); diff != "" {
		t.Error(diff)
	}
	if n, err := b.Depth(t.Context(), bus.DeadLetter); err != nil || n != 1 {
		t.Errorf("dead letters: %d, %v; want 1", n, err)
	}
}

func TestEnvelopeTravelsUnchanged(t *testing.T) {
	want := events.Envelope{
		ID: events.DeriveUUID("x"), Type: "hub.InquiryReceived", Stream: "inquiry-1",
		Meta:  events.Meta{Version: 1, At: time.Unix(5, 0).UTC(), Segments: []events.SegmentRef{{Field: "Letter", KID: "k"}}},
		Facts: []byte(`{"size":1}`), Sealed: [][]byte{{1, 2, 3}},
	}
	m, err := bus.FromEnvelope(bus.InquiryForm("contact"), "/door/forms", want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Envelope()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkPublish(b *testing.B) {
	bb := open(b, b.TempDir())
	b.Cleanup(bb.Close)
	for n := 0; b.Loop(); n++ {
		batch := make([]bus.Message, 256)
		for i := range batch {
			batch[i] = message(b, fmt.Sprintf("%d-%d", n, i))
		}
		if err := bb.Publish(b.Context(), batch...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*256)/b.Elapsed().Seconds(), "msgs/s")
}

// TestMessageNeverWaitsBehindASlowOne: while a worker is free, a message without a
// key does not wait for another one (MAIL O9).
func TestMessageNeverWaitsBehindASlowOne(t *testing.T) {
	b := open(t, t.TempDir())
	t.Cleanup(b.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for i := range 12 {
		if err := b.Publish(ctx, message(t, fmt.Sprintf("m%d", i))); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	fast := 0
	err := b.Consume(ctx, bus.Consumer{Stream: bus.Inquiries, Name: "recorder", Workers: 2}, func(ctx context.Context, m bus.Message) error {
		if m.ID == "m0" {
			<-ctx.Done()
			return ctx.Err()
		}
		mu.Lock()
		defer mu.Unlock()
		if fast++; fast == 11 {
			cancel()
		}
		return nil
	})
	if err != nil || fast != 11 {
		t.Errorf("%d of 11 passed the slow one, %v", fast, err)
	}
}

// TestMarkIsTheLastOne, also after a restart: what a name was set to last.
func TestMarkIsTheLastOne(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	if v, err := b.Mark(t.Context(), "head"); err != nil || v != nil {
		t.Errorf("before any was set: %q, %v", v, err)
	}
	for _, v := range []string{"one", "two", "three"} {
		if err := b.SetMark(t.Context(), "head", []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
	b.Close()
	b = open(t, dir)
	defer b.Close()
	if v, err := b.Mark(t.Context(), "head"); err != nil || string(v) != "three" {
		t.Errorf("after a restart: %q, %v", v, err)
	}
}
