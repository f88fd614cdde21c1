package mailbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/westshore/hub/deploy/sandbox"
	"github.com/westshore/hub/services/mailbox"
)

// house is the rest of the hub, as far as a mailbox sees it: it keeps what was
// taken and the bookmark, and lets a test wait for things.
type house struct {
	mu       sync.Mutex
	changed  chan struct{} // closed and replaced at each change
	taken    []mailbox.Fetched
	takes    int
	mark     mailbox.Bookmark
	marks    int
	states   []mailbox.Status
	moves    []mailbox.Move
	knownAsk int
	known    func(mailbox.Fetched) bool
	refuse   func([]mailbox.Fetched) error // runs before Take keeps anything
}

func newHouse() *house { return &house{changed: make(chan struct{})} }

func (h *house) update(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	close(h.changed)
	h.changed = make(chan struct{})
}

func (h *house) deps() mailbox.Deps {
	return mailbox.Deps{
		Take: func(_ context.Context, mails []mailbox.Fetched) error {
			h.mu.Lock()
			refuse := h.refuse
			h.mu.Unlock()
			if refuse != nil {
				if err := refuse(mails); err != nil {
					return err
				}
			}
			h.update(func() { h.taken = append(h.taken, mails...); h.takes++ })
			return nil
		},
		Bookmark: func(context.Context) (mailbox.Bookmark, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.mark, nil
		},
		Advance: func(_ context.Context, b mailbox.Bookmark) error {
			var err error
			h.update(func() {
				if b.UIDValidity == h.mark.UIDValidity && b.NextUID < h.mark.NextUID {
					err = errors.New("bookmark went back")
				}
				h.mark = b
				h.marks++
			})
			return err
		},
		Known: func(_ context.Context, mails []mailbox.Fetched) ([]bool, error) {
			out := make([]bool, len(mails))
			h.update(func() {
				h.knownAsk += len(mails)
				for i, m := range mails {
					if h.known != nil {
						out[i] = h.known(m)
						continue
					}
					for _, old := range h.taken {
						out[i] = out[i] || bytes.Equal(old.Raw, m.Raw)
					}
				}
			})
			return out, nil
		},
		Moved: func(_ context.Context, moves []mailbox.Move) {
			h.update(func() { h.moves = append(h.moves, moves...) })
		},
		Status: func(s mailbox.Status) { h.update(func() { h.states = append(h.states, s) }) },
	}
}

// wait blocks until ok holds, which is called with the house locked.
func (h *house) wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		h.mu.Lock()
		done, changed := ok(), h.changed
		h.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			h.mu.Lock()
			defer h.mu.Unlock()
			t.Fatalf("never came: %s (taken %d, bookmark %+v, last status %+v)", what, len(h.taken), h.mark, h.states[max(0, len(h.states)-3):])
		}
	}
}

func (h *house) waitTaken(t *testing.T, n int) []mailbox.Fetched {
	t.Helper()
	h.wait(t, fmt.Sprintf("%d mails", n), func() bool { return len(h.taken) >= n })
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]mailbox.Fetched(nil), h.taken...)
}

func (h *house) waitMark(t *testing.T, b mailbox.Bookmark) {
	t.Helper()
	h.wait(t, fmt.Sprintf("bookmark %+v", b), func() bool { return h.mark == b })
}

func (h *house) waitState(t *testing.T, state string) {
	t.Helper()
	h.wait(t, "state "+state, func() bool { return len(h.states) > 0 && h.states[len(h.states)-1].State == state })
}

// run starts a mailbox; stop ends it and waits.
func run(t *testing.T, cfg mailbox.Config, deps mailbox.Deps) (stop func()) {
	t.Helper()
	_, stop = watch(t, cfg, deps)
	return stop
}

func watch(t *testing.T, cfg mailbox.Config, deps mailbox.Deps) (m *mailbox.Mailbox, stop func()) {
	t.Helper()
	m, err := mailbox.New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("run: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return m, stop
}

// startSandbox runs a mail system and describes support@hub.test on it.
func startSandbox(t *testing.T) (*sandbox.Sandbox, mailbox.Config) {
	t.Helper()
	s, err := sandbox.Start(t.Context(), sandbox.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop(context.WithoutCancel(t.Context())) })
	return s, configFor(t, s.IMAPAddr(), s.Password())
}

func configFor(t *testing.T, addr, password string) mailbox.Config {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return mailbox.Config{
		ID: "support", Address: "support@hub.test", Host: host, Port: n, TLS: mailbox.TLSNone,
		User: "support@hub.test", Password: password,
		BackoffFirst: 5 * time.Millisecond, BackoffMax: 50 * time.Millisecond, CommandTimeout: 5 * time.Second,
	}
}

func sendTo(t *testing.T, addr, to, body string) {
	t.Helper()
	if err := smtp.SendMail(addr, nil, "bob@cust.test", []string{to}, []byte(body)); err != nil {
		t.Fatal(err)
	}
}

// uids lists the UIDs of mails, and fails when one is there twice.
func uids(t *testing.T, mails []mailbox.Fetched) []uint32 {
	t.Helper()
	var l []uint32
	seen := make(map[uint32]bool)
	for _, m := range mails {
		if seen[m.UID] {
			t.Errorf("uid %d was taken twice", m.UID)
		}
		seen[m.UID] = true
		l = append(l, m.UID)
	}
	return l
}
