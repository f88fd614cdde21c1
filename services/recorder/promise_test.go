package recorder_test

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/bus"
	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/services/recorder"
)

// heard is closed by the first line of a log that holds a text.
type heard struct {
	text string
	yes  chan struct{}
}

func (h *heard) Write(b []byte) (int, error) {
	if strings.Contains(string(b), h.text) {
		select {
		case <-h.yes:
		default:
			close(h.yes)
		}
	}
	return len(b), nil
}

// TestStoreAwayLosesNothing: what the log did not take stays on the bus, and is
// recorded by the next process.
func TestStoreAwayLosesNothing(t *testing.T) {
	h := open(t)
	h.bus.Close()
	retried := &heard{text: "will retry", yes: make(chan struct{})}
	var err error
	h.bus, err = bus.Open(t.Context(), bus.Config{Dir: filepath.Join(h.Dir, "bus"), Logger: slog.New(slog.NewTextHandler(io.Writer(retried), nil))})
	if err != nil {
		t.Fatal(err)
	}
	const id = events.InquiryID("0127")
	h.publish(h.sealed(id))
	gone := journaltest.New(t)
	_ = gone.Store.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- recorder.New(recorder.Config{Bus: h.bus, Journal: gone.Journal, Logger: h.Logger}).Run(ctx)
	}()
	for tried := false; !tried; {
		n, err := h.bus.Depth(ctx, bus.Inquiries)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			t.Fatal("taken off the bus, and in no log")
		}
		select {
		case <-retried.yes:
			tried = true
		default:
		}
	}
	cancel()
	<-done
	h.bus.Close()
	if h.bus, err = bus.Open(t.Context(), bus.Config{Dir: filepath.Join(h.Dir, "bus"), Logger: h.Logger}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.bus.Close)
	h.drain(bus.Inquiries)
	if recs, _ := h.Load(t.Context(), events.InquiryStream(id), nil); len(recs) != 1 {
		t.Errorf("%d events, want the inquiry", len(recs))
	}
}
