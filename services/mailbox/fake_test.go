package mailbox_test

import (
	"bufio"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/westshore/hub/services/mailbox"
)

// fake is an IMAP server that misbehaves on demand. It knows just the commands
// a mailbox sends.
type fake struct {
	listener net.Listener
	running  sync.WaitGroup

	mu     sync.Mutex
	caps   string
	mails  map[uint32]string
	sizes  map[uint32]int                     // told instead of the true size
	onBody func(uid uint32, head bool) string // "", "no", "drop", "nil", "omit"
	log    []string                           // commands, without tags
	conns  []net.Conn
	fixed  uint32 // cannot be moved; onMove says what happens: "no", "drop"
	onMove string
	moved  []uint32
}

func startFake(t *testing.T, mails ...string) (*fake, mailbox.Config) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{listener: l, caps: "IMAP4rev1 IDLE UIDPLUS MOVE", mails: make(map[uint32]string), sizes: make(map[uint32]int)}
	for i, m := range mails {
		f.mails[uint32(i+1)] = m
	}
	f.running.Add(1)
	go f.accept()
	t.Cleanup(func() {
		_ = l.Close()
		f.mu.Lock()
		for _, c := range f.conns {
			_ = c.Close()
		}
		f.mu.Unlock()
		f.running.Wait()
	})
	return f, configFor(t, l.Addr().String(), "pw")
}

func (f *fake) accept() {
	defer f.running.Done()
	for {
		c, err := f.listener.Accept()
		if err != nil {
			return
		}
		f.mu.Lock()
		f.conns = append(f.conns, c)
		f.mu.Unlock()
		f.running.Add(1)
		go f.serve(c)
	}
}

// set changes how the server behaves.
func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) commands() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.log)
}

func (f *fake) serve(c net.Conn) {
	defer f.running.Done()
	defer func() { _ = c.Close() }()
	r := bufio.NewReader(c)
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(c, format+"\r\n", args...) }
	f.mu.Lock()
	caps := f.caps
	f.mu.Unlock()
	say("* OK [CAPABILITY %s] ready", caps)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		tag, cmd, _ := strings.Cut(strings.TrimSpace(line), " ")
		f.mu.Lock()
		f.log = append(f.log, cmd)
		f.mu.Unlock()
		switch verb, _, _ := strings.Cut(cmd, " "); {
		case verb == "CAPABILITY":
			say("* CAPABILITY %s", caps)
		case verb == "SELECT", verb == "EXAMINE":
			say("* %d EXISTS", len(f.chosen("1:*")))
			say("* OK [UIDVALIDITY 7] x")
			say("* OK [UIDNEXT %d] x", f.next())
		case verb == "IDLE" && !strings.Contains(caps, "REFUSE"):
			say("+ idling")
			if _, err := r.ReadString('\n'); err != nil {
				return
			}
		case verb == "IDLE":
			say("%s NO not today", tag)
			continue
		case strings.HasPrefix(cmd, "UID MOVE"):
			switch f.move(strings.Fields(cmd)[2]) {
			case "drop":
				return
			case "no":
				say("%s NO [CANNOT] not this one", tag)
				continue
			}
		case strings.HasPrefix(cmd, "UID SEARCH"):
			say("* SEARCH%s", f.search(cmd))
		case strings.HasPrefix(cmd, "UID FETCH"):
			if !f.fetch(c, say, cmd) {
				return
			}
			if f.failed(cmd) {
				say("%s NO [SERVERBUG] cannot read", tag)
				continue
			}
		}
		say("%s OK done", tag)
	}
}

func (f *fake) next() uint32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	var top uint32
	for uid := range f.mails {
		top = max(top, uid)
	}
	return top + 1
}

var rangePattern = regexp.MustCompile(`(\d+|\*)(?::(\d+|\*))?`)

// chosen lists the UIDs of a set, with "n:*" naming the last mail as servers do.
func (f *fake) chosen(set string) []uint32 {
	last := f.next() - 1
	number := func(s string, def uint32) uint32 {
		if s == "*" {
			return last
		}
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil {
			return def
		}
		return uint32(n)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var uids []uint32
	for _, m := range rangePattern.FindAllStringSubmatch(set, -1) {
		lo := number(m[1], 0)
		hi := number(m[2], lo)
		lo, hi = min(lo, hi), max(lo, hi)
		for uid := range f.mails {
			if lo <= uid && uid <= hi {
				uids = append(uids, uid)
			}
		}
	}
	slices.Sort(uids)
	return slices.Compact(uids)
}

func (f *fake) search(cmd string) string {
	set := "1:*"
	if _, after, ok := strings.Cut(cmd, "UID SEARCH UID "); ok {
		set, _, _ = strings.Cut(after, " ")
	}
	var b strings.Builder
	for _, uid := range f.chosen(set) {
		fmt.Fprintf(&b, " %d", uid)
	}
	return b.String()
}

func (f *fake) move(set string) string {
	uids := f.chosen(set)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fixed != 0 && slices.Contains(uids, f.fixed) {
		return f.onMove
	}
	for _, uid := range uids {
		delete(f.mails, uid)
		f.moved = append(f.moved, uid)
	}
	return ""
}

func (f *fake) fault(uid uint32, head bool) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.onBody == nil {
		return ""
	}
	return f.onBody(uid, head)
}

func (f *fake) failed(cmd string) bool {
	words := strings.Fields(cmd)
	for _, uid := range f.chosen(words[2]) {
		if strings.Contains(cmd, "BODY") && f.fault(uid, strings.Contains(cmd, "<")) == "no" {
			return true
		}
	}
	return false
}

func (f *fake) fetch(c net.Conn, say func(string, ...any), cmd string) bool {
	head := strings.Contains(cmd, "<0.")
	for _, uid := range f.chosen(strings.Fields(cmd)[2]) {
		f.mu.Lock()
		body := f.mails[uid]
		size, lied := f.sizes[uid]
		f.mu.Unlock()
		if !lied {
			size = len(body)
		}
		if !strings.Contains(cmd, "BODY") {
			say(`* %d FETCH (UID %d RFC822.SIZE %d INTERNALDATE "01-Jan-2026 10:00:00 +0000")`, uid, uid, size)
			continue
		}
		origin := ""
		if head {
			origin, body = "<0>", body[:min(len(body), mailbox.HeadSize)]
		}
		switch f.fault(uid, head) {
		case "drop":
			_ = c.Close()
			return false
		case "nil":
			say("* %d FETCH (UID %d BODY[] NIL)", uid, uid)
		case "no":
			return true
		case "omit":
		default:
			say("* %d FETCH (UID %d BODY[]%s {%d}\r\n%s)", uid, uid, origin, len(body), body)
		}
	}
	return true
}
