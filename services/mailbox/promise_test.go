package mailbox_test

import (
	"errors"
	"testing"

	"github.com/westshore/hub/services/mailbox"
)

// TestI6NothingMovesBeforeItIsTaken: a mail that left its folder before it was
// durable here would be found by nobody after a crash.
func TestI6NothingMovesBeforeItIsTaken(t *testing.T) {
	s, cfg := startSandbox(t)
	cfg.After = "move:Processed"
	h := newHouse()
	fails := 4
	h.refuse = func([]mailbox.Fetched) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.moves) > 0 {
			t.Error("a mail was moved before it was taken")
		}
		if fails--; fails >= 0 {
			return errors.New("the bus is away")
		}
		return nil
	}
	sendTo(t, s.SMTPAddr(), cfg.User, "Subject: 1\r\n\r\nx\r\n")
	run(t, cfg, h.deps())
	h.waitTaken(t, 1)
	h.wait(t, "moved", func() bool { return len(h.moves) == 1 })
}
