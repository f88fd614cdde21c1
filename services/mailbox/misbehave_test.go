package mailbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/services/mailbox"
)

// I12: however a server fails over one mail, the others are taken, that one
// comes as a fault, and the bookmark goes on.
func TestServerFailsOverOneMail(t *testing.T) {
	for name, c := range map[string]struct {
		fault string
		head  bool // the head can be read
	}{
		"refuses": {"no", false}, "drops the connection": {"drop", false}, "sends nothing": {"omit", false},
		"sends nil": {"nil", true}, "refuses, but gives the head": {"no", true},
	} {
		t.Run(name, func(t *testing.T) {
			f, cfg := startFake(t, "a\r\n", "b\r\n", "poison\r\n", "c\r\n", "d\r\n")
			f.set(func() {
				f.onBody = func(uid uint32, head bool) string {
					if uid == 3 && !(head && c.head) {
						return c.fault
					}
					return ""
				}
			})
			h := newHouse()
			run(t, cfg, h.deps())
			h.waitMark(t, mailbox.Bookmark{UIDValidity: 7, NextUID: 6})
			var order []uint32
			for _, m := range h.waitTaken(t, 5) {
				order = append(order, m.UID)
				if (m.Fault != "") != (m.UID == 3) || m.Fault != "" && (string(m.Head) == "poison\r\n") != c.head {
					t.Errorf("uid %d: fault %q, head %q", m.UID, m.Fault, m.Head)
				}
			}
			if diff := cmp.Diff([]uint32{1, 2, 4, 5, 3}, order); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A short trouble is no fault: the mail comes whole once the server gives it.
func TestServerRecovers(t *testing.T) {
	f, cfg := startFake(t, "a\r\n", "b\r\n", "c\r\n")
	fails := 2
	f.set(func() {
		f.onBody = func(uid uint32, _ bool) string {
			if uid == 2 && fails > 0 {
				fails--
				return "drop"
			}
			return ""
		}
	})
	h := newHouse()
	run(t, cfg, h.deps())
	for _, m := range h.waitTaken(t, 3) {
		if m.Fault != "" || len(m.Raw) != 3 || m.InternalDate.Year() != 2026 {
			t.Errorf("uid %d: %+v", m.UID, m)
		}
	}
	h.waitMark(t, mailbox.Bookmark{UIDValidity: 7, NextUID: 4})
}

// A mail much larger than its announced size does not fill the memory.
func TestSizeLies(t *testing.T) {
	f, cfg := startFake(t, "a\r\n", strings.Repeat("x", 3<<20), strings.Repeat("y", 5<<20))
	cfg.MaxSize = 4 << 20
	f.set(func() { f.sizes[2], f.sizes[3] = 10, 10 })
	h := newHouse()
	run(t, cfg, h.deps())
	got := make(map[uint32]mailbox.Fetched)
	for _, m := range h.waitTaken(t, 3) {
		got[m.UID] = m
	}
	if len(got[2].Raw) != 3<<20 || got[2].Oversize {
		t.Errorf("uid 2: %d bytes", len(got[2].Raw))
	}
	if got[3].Raw != nil || !got[3].Oversize || len(got[3].Head) != mailbox.HeadSize || got[3].Size != 5<<20 {
		t.Errorf("uid 3: %d bytes, head %d, size %d", len(got[3].Raw), len(got[3].Head), got[3].Size)
	}
}

// I9: a server that refuses IDLE, or has none, is polled.
func TestPolling(t *testing.T) {
	for name, caps := range map[string]string{"none": "IMAP4rev1", "refused": "IMAP4rev1 IDLE REFUSE"} {
		t.Run(name, func(t *testing.T) {
			f, cfg := startFake(t, "a\r\n")
			f.set(func() { f.caps = caps })
			cfg.Poll = 20 * time.Millisecond
			h := newHouse()
			run(t, cfg, h.deps())
			h.waitTaken(t, 1)
			h.waitState(t, mailbox.StatePolling)
			f.set(func() { f.mails[2] = "b\r\n" })
			h.waitTaken(t, 2)
		})
	}
}

// A slice of IDLE ends, and a mail the server never announced is found.
func TestIdleSlice(t *testing.T) {
	f, cfg := startFake(t, "a\r\n")
	cfg.IdleSlice = 30 * time.Millisecond
	h := newHouse()
	run(t, cfg, h.deps())
	h.waitState(t, mailbox.StateIdle)
	f.set(func() { f.mails[2] = "b\r\n" })
	h.waitTaken(t, 2)
}

// Fence 2: nothing is ever asked for that needs the server, or the client, to
// parse mail, and nothing marks a mail as read.
func TestAsksOnlyForBytes(t *testing.T) {
	f, cfg := startFake(t, "a\r\n", "b\r\n")
	h := newHouse()
	run(t, cfg, h.deps())
	h.waitTaken(t, 2)
	h.waitState(t, mailbox.StateIdle)
	for _, cmd := range f.commands() {
		if strings.Contains(cmd, "ENVELOPE") || strings.Contains(cmd, "STRUCTURE") || strings.HasPrefix(cmd, "SELECT") ||
			strings.Contains(cmd, "BODY[") {
			t.Errorf("sent %q", cmd)
		}
	}
}

// Without MOVE and UIDPLUS nothing is expunged, because it could hit others'
// mail.
func TestNoSafeMove(t *testing.T) {
	f, cfg := startFake(t, "a\r\n")
	f.set(func() { f.caps = "IMAP4rev1 IDLE" })
	cfg.After = "move:Done"
	h := newHouse()
	run(t, cfg, h.deps())
	h.waitTaken(t, 1)
	h.waitState(t, mailbox.StateIdle)
	for _, cmd := range f.commands() {
		if strings.Contains(cmd, "EXPUNGE") || strings.Contains(cmd, "STORE") || strings.Contains(cmd, "COPY") {
			t.Errorf("sent %q", cmd)
		}
	}
}

// A mail that cannot be moved costs neither the others their move nor anybody
// the intake.
func TestOneMailCannotBeMoved(t *testing.T) {
	for _, how := range []string{"no", "drop"} {
		t.Run(how, func(t *testing.T) {
			bodies := make([]string, 40)
			for i := range bodies {
				bodies[i] = "x\r\n"
			}
			f, cfg := startFake(t, bodies...)
			f.set(func() { f.fixed, f.onMove = 17, how })
			cfg.After = "move:Done"
			h := newHouse()
			run(t, cfg, h.deps())
			h.waitTaken(t, 40)
			h.wait(t, "39 moved, and idle", func() bool {
				f.mu.Lock()
				defer f.mu.Unlock()
				return len(f.moved) == 39 && h.states[len(h.states)-1].State == mailbox.StateIdle
			})
			uids(t, h.waitTaken(t, 40))
		})
	}
}

// I12: a mail that costs the connection every time is a visible fault in
// seconds, with the waits of a real configuration, and does not stop the others.
func TestPoisonShowsSoon(t *testing.T) {
	f, cfg := startFake(t, "a\r\n", "poison\r\n", "c\r\n")
	cfg.BackoffFirst, cfg.BackoffMax = 0, 0 // the defaults
	f.set(func() {
		f.onBody = func(uid uint32, _ bool) string {
			if uid == 2 {
				return "drop"
			}
			return ""
		}
	})
	h := newHouse()
	began := time.Now()
	run(t, cfg, h.deps())
	h.waitMark(t, mailbox.Bookmark{UIDValidity: 7, NextUID: 4})
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("it took %v", took)
	}
	if n := len(h.waitTaken(t, 3)); n != 3 {
		t.Errorf("%d taken", n)
	}
}

// FIELD 2.22: a folder of sent mail is read from now on, and what was there
// before is passed over, also after a restart.
func TestFromNow(t *testing.T) {
	f, cfg := startFake(t, "old\r\n", "older\r\n")
	cfg.FromNow = true
	h := newHouse()
	stop := run(t, cfg, h.deps())
	h.waitMark(t, mailbox.Bookmark{UIDValidity: 7, NextUID: 3})
	stop()
	f.set(func() { f.mails[3] = "new\r\n" })
	run(t, cfg, h.deps())
	if got := h.waitTaken(t, 1); len(got) != 1 || got[0].UID != 3 {
		t.Errorf("taken %d", len(got))
	}
}

// A folder of any size is listed in parts, so that memory does not grow with it:
// each mail is taken once, though one is refused and some go meanwhile.
func TestLargeFolderIsListedInParts(t *testing.T) {
	const n = 11_000
	bodies := make([]string, n)
	for i := range bodies {
		bodies[i] = "x\r\n"
	}
	f, cfg := startFake(t, bodies...)
	f.set(func() {
		f.onBody = func(uid uint32, _ bool) string {
			switch uid {
			case 3:
				return "no"
			case 4000:
				for gone := range uint32(3) {
					delete(f.mails, 9000+gone)
				}
			}
			return ""
		}
	})
	h := newHouse()
	run(t, cfg, h.deps())
	h.waitMark(t, mailbox.Bookmark{UIDValidity: 7, NextUID: n + 1})
	uids(t, h.waitTaken(t, n-3))
	for _, cmd := range f.commands() {
		if strings.Contains(cmd, "RFC822.SIZE") && (strings.Contains(cmd, " 1:*") || strings.Contains(cmd, " 3:*")) {
			t.Errorf("lists everything: %s", cmd)
		}
	}
	h.wait(t, "nothing waiting", func() bool { return h.states[len(h.states)-1].Waiting == 0 })
}
