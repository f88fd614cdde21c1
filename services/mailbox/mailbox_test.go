package mailbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/services/mailbox"
)

// I1, I6: what is there and what comes is taken once, the bookmark follows,
// and a restart takes nothing again.
// Guards MAIL I1, I2, I4.
func TestTakesOnce(t *testing.T) {
	s, cfg := startSandbox(t)
	h := newHouse()
	sendTo(t, s.SMTPAddr(), cfg.User, "Subject: 1\r\n\r\nbefore\r\n")
	stop := run(t, cfg, h.deps())
	h.waitTaken(t, 1)
	h.waitState(t, mailbox.StateIdle)
	sendTo(t, s.SMTPAddr(), cfg.User, "Subject: 2\r\n\r\nwhile idle\r\n")
	mails := h.waitTaken(t, 2)
	if !bytes.HasSuffix(mails[1].Raw, []byte("Subject: 2\r\n\r\nwhile idle\r\n")) || mails[1].Size != int64(len(mails[1].Raw)) || mails[1].InternalDate.IsZero() {
		t.Errorf("have %q, size %d, date %v", mails[1].Raw, mails[1].Size, mails[1].InternalDate)
	}
	h.waitMark(t, mailbox.Bookmark{UIDValidity: mails[0].UIDValidity, NextUID: 3})
	stop()
	sendTo(t, s.SMTPAddr(), cfg.User, "Subject: 3\r\n\r\nwhile away\r\n")
	run(t, cfg, h.deps())
	if diff := cmp.Diff([]uint32{1, 2, 3}, uids(t, h.waitTaken(t, 3))); diff != "" {
		t.Error(diff)
	}
	h.waitState(t, mailbox.StateIdle)
	h.wait(t, "status", func() bool {
		st := h.states[len(h.states)-1]
		return st.Messages == 3 && st.UIDNext == 4 && !st.LastOK.IsZero() && st.LastError == ""
	})
}

// A mail is never held back to fill a batch, and from the notice to Take it
// takes no more than 50 ms.
// Guards MAIL I9.
func TestLatency(t *testing.T) {
	s, cfg := startSandbox(t)
	h := newHouse()
	run(t, cfg, h.deps())
	h.waitState(t, mailbox.StateIdle)
	best := time.Hour
	for i := range 10 {
		begin := time.Now()
		sendTo(t, s.SMTPAddr(), cfg.User, "Subject: x\r\n\r\nhello\r\n")
		h.waitTaken(t, i+1)
		best = min(best, time.Since(begin))
		h.waitState(t, mailbox.StateIdle)
	}
	t.Logf("SMTP to Take, best of ten: %v", best)
	if best > 50*time.Millisecond {
		t.Errorf("best %v", best)
	}
}

// I6: Take that fails keeps the bookmark back and gets the same mails again.
func TestTakeFailsThenRecovers(t *testing.T) {
	s, cfg := startSandbox(t)
	h := newHouse()
	fails := 3
	h.refuse = func([]mailbox.Fetched) error {
		if fails--; fails >= 0 {
			return errors.New("the bus is away")
		}
		return nil
	}
	for i := range 5 {
		sendTo(t, s.SMTPAddr(), cfg.User, fmt.Sprintf("Subject: %d\r\n\r\nx\r\n", i))
	}
	run(t, cfg, h.deps())
	h.wait(t, "backoff", func() bool {
		for _, st := range h.states {
			if st.State == mailbox.StateBackoff && strings.Contains(st.LastError, "the bus is away") {
				return h.marks == 0
			}
		}
		return false
	})
	if diff := cmp.Diff([]uint32{1, 2, 3, 4, 5}, uids(t, h.waitTaken(t, 5))); diff != "" {
		t.Error(diff)
	}
	h.waitState(t, mailbox.StateIdle)
	h.wait(t, "no error left", func() bool { return h.states[len(h.states)-1].LastError == "" })
}

// I12: a mail that Take rejects or panics on comes again as a fault, and the
// others pass.
// Guards MAIL I12.
func TestPoisonInTake(t *testing.T) {
	s, cfg := startSandbox(t)
	h := newHouse()
	h.refuse = func(mails []mailbox.Fetched) error {
		for _, m := range mails {
			switch {
			case m.Fault == "" && bytes.Contains(m.Raw, []byte("panic")):
				panic("cannot parse")
			case m.Fault == "" && bytes.Contains(m.Raw, []byte("poison")):
				return fmt.Errorf("store: %w", &mailbox.Rejected{UID: m.UID, Reason: "bomb"})
			}
		}
		return nil
	}
	for _, body := range []string{"fine", "poison", "fine", "panic", "fine"} {
		sendTo(t, s.SMTPAddr(), cfg.User, "Subject: x\r\n\r\n"+body+"\r\n")
	}
	run(t, cfg, h.deps())
	h.waitMark(t, mailbox.Bookmark{UIDValidity: h.waitTaken(t, 5)[0].UIDValidity, NextUID: 6})
	faults := make(map[uint32]string)
	for _, m := range h.waitTaken(t, 5) {
		if m.Fault != "" {
			faults[m.UID] = string(m.Fault) + ": " + m.Detail
		}
	}
	want := map[uint32]string{2: "rejected: bomb", 4: "rejected: the hub could not handle this mail"}
	if diff := cmp.Diff(want, faults); diff != "" {
		t.Error(diff)
	}
}

// I11: an oversize mail is reported with its head, and holds up nobody.
func TestOversize(t *testing.T) {
	s, cfg := startSandbox(t)
	cfg.MaxSize = 200 << 10
	h := newHouse()
	big := "Subject: big\r\n\r\n" + strings.Repeat("0123456789abcde\r\n", 20<<10)
	for _, body := range []string{"Subject: a\r\n\r\nx\r\n", big, "Subject: b\r\n\r\nx\r\n"} {
		sendTo(t, s.SMTPAddr(), cfg.User, body)
	}
	run(t, cfg, h.deps())
	mails := h.waitTaken(t, 3)
	m := mails[1]
	if !m.Oversize || m.Raw != nil || len(m.Head) != mailbox.HeadSize || !bytes.Contains(m.Head, []byte("Subject: big")) || m.Size < int64(len(big)) {
		t.Errorf("oversize %v, raw %d, head %d, size %d", m.Oversize, len(m.Raw), len(m.Head), m.Size)
	}
	if mails[0].Oversize || mails[2].Oversize || mails[2].Raw == nil {
		t.Error("the others are touched")
	}
}

// I6: effects happen after the bookmark and are found again on the next start.
func TestMoveAfterTaking(t *testing.T) {
	s, cfg := startSandbox(t)
	h := newHouse()
	sendTo(t, s.SMTPAddr(), cfg.User, "Subject: 1\r\n\r\nx\r\n")
	stop := run(t, cfg, h.deps()) // leaves it
	h.waitMark(t, mailbox.Bookmark{UIDValidity: h.waitTaken(t, 1)[0].UIDValidity, NextUID: 2})
	stop()
	cfg.After = "move:Processed"
	run(t, cfg, h.deps())
	h.wait(t, "first move", func() bool { return len(h.moves) == 1 })
	sendTo(t, s.SMTPAddr(), cfg.User, "Subject: 2\r\n\r\nx\r\n")
	h.wait(t, "second move", func() bool { return len(h.moves) == 2 })
	h.mu.Lock()
	moves := h.moves
	h.mu.Unlock()
	if moves[0].From != 1 || moves[0].To != 1 || moves[1].From != 2 || moves[1].To != 2 || moves[0].ToVal == 0 {
		t.Errorf("have %+v", moves)
	}
	uids(t, h.waitTaken(t, 2))
	m, err := mailbox.New(cfg, h.deps())
	if err != nil {
		t.Fatal(err)
	}
	r, err := m.Reconcile(t.Context())
	if err != nil || r.Count != 0 || r.UIDNext != 3 {
		t.Errorf("left in the folder: %+v, %v", r, err)
	}
}

// After "keyword" marks, and marks nothing twice.
// Guards MAIL I6.
func TestKeywordAfterTaking(t *testing.T) {
	s, cfg := startSandbox(t)
	cfg.After = "keyword"
	h := newHouse()
	sendTo(t, s.SMTPAddr(), cfg.User, "Subject: 1\r\n\r\nx\r\n")
	stop := run(t, cfg, h.deps())
	h.waitTaken(t, 1)
	h.waitState(t, mailbox.StateIdle)
	h.wait(t, "idle after the effect", func() bool { return h.states[len(h.states)-1].UIDNext == 2 })
	stop()
	if n := countKeyword(t, s.IMAPAddr(), cfg); n != 1 {
		t.Errorf("%d mails marked, want 1", n)
	}
}

// I10: three refused logins, then rarely; the state says so.
func TestAuthFailed(t *testing.T) {
	_, cfg := startSandbox(t)
	cfg.Password = "wrong-password"
	h := newHouse()
	run(t, cfg, h.deps())
	h.waitState(t, mailbox.StateAuthFailed)
	h.mu.Lock()
	defer h.mu.Unlock()
	tries := 0
	for _, st := range h.states {
		if st.State == mailbox.StateConnecting {
			tries++
		}
		if strings.Contains(st.LastError, cfg.Password) || strings.Contains(st.LastError, cfg.User) {
			t.Errorf("status tells a secret: %q", st.LastError)
		}
	}
	if tries != 3 {
		t.Errorf("%d tries, want 3", tries)
	}
}

// I5: what the server holds can be listed, and a single mail fetched again.
func TestReconcileAndRetrieve(t *testing.T) {
	s, cfg := startSandbox(t)
	h := newHouse()
	for i := range 3 {
		sendTo(t, s.SMTPAddr(), cfg.User, fmt.Sprintf("Subject: %d\r\n\r\nx\r\n", i))
	}
	m, err := mailbox.New(cfg, h.deps())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := m.Reconcile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(mailbox.Report{UIDValidity: r.UIDValidity, UIDNext: 4, Count: 3, UIDs: []uint32{1, 2, 3}}, r); diff != "" {
		t.Error(diff)
	}
	if err := m.Retrieve(t.Context(), r.UIDValidity, []uint32{2, 77}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint32{2}, uids(t, h.waitTaken(t, 1))); diff != "" || h.marks != 0 {
		t.Error(diff, h.marks)
	}
	if err := m.Retrieve(t.Context(), r.UIDValidity+1, []uint32{2}); !errors.Is(err, mailbox.ErrRenamed) {
		t.Errorf("have %v", err)
	}
}

// A bookmark of another UIDVALIDITY, or above UIDNEXT, makes Known decide (I3).
func TestRenamedFolder(t *testing.T) {
	s, cfg := startSandbox(t)
	for i := range 4 {
		sendTo(t, s.SMTPAddr(), cfg.User, fmt.Sprintf("Subject: %d\r\n\r\nx\r\n", i))
	}
	r := reconcile(t, cfg)
	for name, mark := range map[string]mailbox.Bookmark{
		"other validity": {UIDValidity: r.UIDValidity - 1, NextUID: 900},
		"restored":       {UIDValidity: r.UIDValidity, NextUID: 900},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse()
			h.mark = mark
			h.known = func(m mailbox.Fetched) bool { return m.UID != 3 }
			deps := h.deps()
			deps.Advance = func(_ context.Context, b mailbox.Bookmark) error {
				h.update(func() { h.mark, h.marks = b, h.marks+1 })
				return nil
			}
			run(t, cfg, deps)
			h.waitMark(t, mailbox.Bookmark{UIDValidity: r.UIDValidity, NextUID: 5})
			if diff := cmp.Diff([]uint32{3}, uids(t, h.waitTaken(t, 1))); diff != "" || h.knownAsk != 4 {
				t.Error(diff, h.knownAsk)
			}
		})
	}
}

func TestBadConfig(t *testing.T) {
	good := mailbox.Config{ID: "x", Host: "imap.example.com", User: "u"}
	for name, change := range map[string]func(*mailbox.Config){
		"no host":    func(c *mailbox.Config) { c.Host = "" },
		"no user":    func(c *mailbox.Config) { c.User = "" },
		"tls":        func(c *mailbox.Config) { c.TLS = "maybe" },
		"clear text": func(c *mailbox.Config) { c.TLS = mailbox.TLSNone },
		"after":      func(c *mailbox.Config) { c.After = "delete" },
	} {
		cfg := good
		change(&cfg)
		if _, err := mailbox.New(cfg, newHouse().deps()); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := mailbox.New(good, newHouse().deps()); err != nil {
		t.Error(err)
	}
}
