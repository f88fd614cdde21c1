package acceptance_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The disk is full: the hub says so, takes nothing it cannot keep, and after there
// is room again everything is there once.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := openShop(t, "")
	relay := s.openRelay(t)
	if err := os.MkdirAll(s.data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", s.data, "tmpfs", 0, "size=192m"); err != nil {
		t.Skipf("no small disk: mount tmpfs: %v", err)
	}
	// After the hub has ended: cleanups run backwards, and start comes later.
	t.Cleanup(func() {
		if err := syscall.Unmount(s.data, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	s.start()
	s.hire()
	s.roundTrip(t, relay)

	fillers := fill(t, s.data)
	var asked []*letter
	for range 30 {
		asked = append(asked, s.ask(t))
	}
	big := &letter{from: mark() + "@customer.test", to: "support@hub.test", subject: "Big " + mark(), text: mark() + strings.Repeat("\r\nand a line that takes room", 100_000)}
	post(t, s.mail.SMTPAddr(), big)
	until(t, "a hub that is not ready because the disk is full", func() (bool, string) {
		if s.ended() {
			return strings.Contains(tail(s.logFile(), 3), "no space left"), tail(s.logFile(), 3)
		}
		res, err := web.Get(s.ops + "/readyz")
		if err != nil {
			return false, err.Error()
		}
		status, body := answered(t, res)
		return status == http.StatusServiceUnavailable && strings.Contains(body, "no space left"), fmt.Sprint(status, body)
	})
	t.Logf("on a full disk the hub ended: %v", s.ended())
	form, thanked := "Form "+mark(), false
	if !s.ended() {
		status, body := submit(t, s.url+"/f/contact", map[string]string{"name": "Ada", "email": "ada@customer.test", "subject": form, "message": mark()})
		t.Logf("a form gets %d %s", status, body)
		thanked = status == http.StatusAccepted
	}

	for _, f := range fillers {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	if s.ended() {
		s.start()
	}
	for _, l := range append(asked, big) {
		s.ticketWith(l.subject)
	}
	if thanked {
		s.ticketWith(form)
	}
	var texts []string
	for _, l := range asked {
		texts = append(texts, l.text)
	}
	s.once(texts...)
	s.roundTrip(t, relay)
	t.Logf("%s", strings.TrimSpace(s.run(0, "reconcile")))
	s.process.stop(t)
}

// fill leaves no room on the disk of a folder.
func fill(t *testing.T, dir string) (files []string) {
	t.Helper()
	for _, block := range []int{1 << 20, 64 << 10, 4 << 10} {
		name := filepath.Join(dir, fmt.Sprintf("filler-%d", block))
		files = append(files, name)
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = f.Write(make([]byte, block))
		}
		f.Close()
	}
	return files
}
