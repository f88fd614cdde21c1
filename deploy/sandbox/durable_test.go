package sandbox_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-smtp"

	"github.com/westshore/hub/deploy/sandbox"
)

// TestMain runs a sandbox instead of tests when it is told to, so that a test
// can kill it.
func TestMain(m *testing.M) {
	if dir := os.Getenv("SANDBOX_TEST_CHILD"); dir != "" {
		s, err := sandbox.Start(context.Background(), sandbox.Config{Dir: dir})
		if err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		_, _ = fmt.Fprintln(os.Stdout, s.SMTPAddr())
		_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is gone
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child starts a sandbox in a process of its own.
func child(t *testing.T, dir string) (smtpAddr string, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SANDBOX_TEST_CHILD="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = in.Close()
	}
}

// Every mail answered 250 before kill -9 is there after it, whole, once, and
// UIDs and UIDVALIDITY stay; a mail cut off in the middle is not there.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	var acked sync.Map
	var count atomic.Int64
	var validity uint32
	have := make(map[imap.UID]string)
	for round := range 3 {
		addr, kill := child(t, dir)
		var wg sync.WaitGroup
		for worker := range 4 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for i := 0; ; i++ {
					id := fmt.Sprintf("id-%d-%d-%d;", round, worker, i)
					c, err := smtp.Dial(addr)
					if err != nil {
						return
					}
					body := "Subject: x\r\n\r\n" + id + strings.Repeat("y", 500) + ";end\r\n"
					err = c.SendMail("a@b.test", []string{"support+t@hub.test"}, strings.NewReader(body))
					_ = c.Close()
					if err != nil {
						return
					}
					acked.Store(id, true)
					count.Add(1)
				}
			}()
		}
		for want := count.Load() + 40; count.Load() < want; {
			<-time.After(time.Millisecond)
		}
		kill()
		wg.Wait()

		s, err := sandbox.Start(t.Context(), sandbox.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		v, next, mails := read(t, s, "support@hub.test")
		_, _, view := read(t, s, "support+t@hub.test")
		if err := s.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if round > 0 && v != validity {
			t.Errorf("uidvalidity %d, was %d", v, validity)
		}
		validity = v
		seen := make(map[string]bool)
		for _, m := range mails {
			_, rest, _ := bytes.Cut(m.Raw, []byte("\r\n\r\n"))
			id, _, _ := strings.Cut(string(rest), ";")
			if seen[id] || !bytes.HasSuffix(m.Raw, []byte(";end\r\n")) {
				t.Errorf("uid %d is there twice or cut: %q", m.UID, rest)
			}
			seen[id] = true
			if old, ok := have[m.UID]; ok && old != id {
				t.Errorf("uid %d was %s, is %s", m.UID, old, id)
			}
			have[m.UID] = id
			if m.UID >= next {
				t.Errorf("uid %d, but uidnext %d", m.UID, next)
			}
		}
		acked.Range(func(id, _ any) bool {
			if !seen[strings.TrimSuffix(id.(string), ";")] {
				t.Errorf("%s was answered 250 and is gone", id)
			}
			return true
		})
		if len(view) > len(mails) || len(view) < len(mails)-4*(round+1) {
			t.Errorf("%d in the view of the plus-address, %d in all", len(view), len(mails))
		}
	}
	t.Logf("%d mails answered 250 over three kills", count.Load())
}

// One process per folder.
func TestLocked(t *testing.T) {
	dir := t.TempDir()
	start(t, dir)
	if _, err := sandbox.Start(t.Context(), sandbox.Config{Dir: dir}); err == nil {
		t.Error("a second sandbox opened the folder")
	}
}

// Expunged UIDs stay burnt, flags and folders stay, over restarts.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	for range 3 {
		if err := send(t, s.SMTPAddr(), "a@b.test", []string{"support@hub.test"}, "Subject: x\r\n\r\nx\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	c := login(t, s, "support@hub.test", nil)
	if err := c.Create("Done/2026", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	flags := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagSeen, "$HubDone"}}
	if err := c.Store(imap.UIDSetNum(1), flags, nil).Close(); err != nil {
		t.Fatal(err)
	}
	moved, err := c.Move(imap.UIDSetNum(1), "Done/2026").Wait()
	if err != nil || moved.DestUIDs.String() != "1" {
		t.Fatalf("move: %+v, %v", moved, err)
	}
	gone := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}
	if err := c.Store(imap.UIDSetNum(3), gone, nil).Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.UIDExpunge(imap.UIDSetNum(3)).Close(); err != nil {
		t.Fatal(err)
	}
	validity, _, _ := read(t, s, "support@hub.test")
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}

	s = start(t, dir)
	v, next, mails := read(t, s, "support@hub.test")
	if v != validity || next != 4 || len(mails) != 1 || mails[0].UID != 2 {
		t.Errorf("validity %d (was %d), next %d, mails %d", v, validity, next, len(mails))
	}
	c = login(t, s, "support@hub.test", nil)
	if _, err := c.Select("Done/2026", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	found, err := c.UIDSearch(&imap.SearchCriteria{Flag: []imap.Flag{imap.FlagSeen, "$hubdone"}}, nil).Wait()
	if err != nil || len(found.AllUIDs()) != 1 {
		t.Errorf("moved mail with its flags: %v, %v", found.AllUIDs(), err)
	}
	if err := c.Delete("Done/2026").Wait(); err != nil {
		t.Fatal(err)
	}
	if err := c.Create("Done/2026", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	again, err := c.Status("Done/2026", &imap.StatusOptions{UIDValidity: true, NumMessages: true}).Wait()
	if err != nil || *again.NumMessages != 0 || again.UIDValidity == moved.UIDValidity {
		t.Errorf("made again: %+v, %v", again, err)
	}
}

// Ten thousand mails in one mailbox: load, list, search, flag, all in a moment.
// They are put on disk as the package comment describes it, not sent.
func TestManyMails(t *testing.T) {
	const n = 10000
	dir := t.TempDir()
	s := start(t, dir)
	if err := send(t, s.SMTPAddr(), "a@b.test", []string{"support@hub.test"}, "Subject: 1\r\n\r\nx\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := 2; i <= n; i++ {
		body := fmt.Appendf(nil, "Subject: %d\r\n\r\n%s\r\n", i, strings.Repeat("text ", 100))
		name := fmt.Sprintf("%010d-%d-%d.eml", i, 1700000000+i, len(body))
		if err := os.WriteFile(filepath.Join(dir, "mail", "support@hub.test", "INBOX", name), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = start(t, dir)
	begin := time.Now()
	c := login(t, s, "support@hub.test", nil)
	sel, err := c.Select("INBOX", nil).Wait()
	if err != nil || sel.NumMessages != n || sel.UIDNext != n+1 {
		t.Fatalf("%+v, %v", sel, err)
	}
	lap := func(what string) {
		t.Logf("%s: %v", what, time.Since(begin).Round(time.Millisecond))
		begin = time.Now()
	}
	lap("open")
	all := imap.UIDSet{{Start: 1, Stop: 0}}
	cmd := c.Fetch(all, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{{Peek: true}}})
	count := 0
	for m := cmd.Next(); m != nil; m = cmd.Next() {
		count++
	}
	if err := cmd.Close(); err != nil || count != n {
		t.Fatalf("fetched %d, %v", count, err)
	}
	lap("fetch")
	if err := c.Store(all, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}, nil).Close(); err != nil {
		t.Fatal(err)
	}
	lap("flag")
	found, err := c.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{{{Start: n - 1, Stop: 0}}}, Flag: []imap.Flag{imap.FlagSeen}}, nil).Wait()
	if err != nil || len(found.AllUIDs()) != 2 {
		t.Errorf("search: %v, %v", found.AllUIDs(), err)
	}
	lap("search")
	found, err = c.UIDSearch(&imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Subject", Value: "9999"}}}, nil).Wait()
	if err != nil || len(found.AllUIDs()) != 1 {
		t.Errorf("search subject: %v, %v", found.AllUIDs(), err)
	}
	lap("search subject")
}
