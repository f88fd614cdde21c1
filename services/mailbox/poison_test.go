package mailbox_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/westshore/hub/deploy/mailtest"
	"github.com/westshore/hub/services/mailbox"
)

// I12: a mail whose file the server cannot read is handed over as a fault in
// the end; the mails behind it do not wait for that.
func testUnreadable(t *testing.T, s *mailtest.System) {
	cfg := dovecot(t, s, mailtest.Addr(s.IMAP), "alice@cust.test")
	if err := s.Drop(cfg.User, letters(20)...); err != nil {
		t.Fatal(err)
	}
	if n := reconcile(t, cfg).Count; n != 20 { // Dovecot gives out the UIDs
		t.Fatalf("dovecot holds %d", n)
	}
	files, err := filepath.Glob(filepath.Join(s.Dir, "mail/cust.test/alice/*/*.mailtest,*"))
	if err != nil || len(files) != 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	if err := os.Chmod(files[7], 0); err != nil { // it is there, and cannot be read
		t.Fatal(err)
	}
	h := newHouse()
	run(t, cfg, h.deps())
	got := h.waitTaken(t, 20)
	faults := 0
	for i, m := range got {
		if m.Fault == mailbox.FaultUnreadable {
			faults++
			t.Logf("fault came as number %d: uid %d, head %d bytes: %s", i+1, m.UID, len(m.Head), m.Detail)
		}
	}
	if faults != 1 {
		t.Errorf("%d faults, want 1", faults)
	}
	uids(t, got)
	h.wait(t, "bookmark at the end", func() bool { return h.mark.NextUID == 21 })
}
