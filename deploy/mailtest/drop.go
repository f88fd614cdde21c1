package mailtest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

var dropped atomic.Uint64

// Drop puts mails into a user's INBOX by writing files into its Maildir, as a
// delivery agent does: many times faster than LMTP, for filling a mailbox. The
// files are stored with LF, as Dovecot stores them; it sends CRLF.
func (s *System) Drop(user string, mails ...[]byte) error {
	local, domain, _ := strings.Cut(user, "@")
	box := s.path("mail", domain, local)
	for _, d := range []string{s.path("mail", domain), box, filepath.Join(box, "tmp"), filepath.Join(box, "new"), filepath.Join(box, "cur")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return fmt.Errorf("drop: %w", err)
		}
		if err := os.Chown(d, s.UID, s.UID); err != nil {
			return fmt.Errorf("drop: %w", err)
		}
	}
	for _, raw := range mails {
		stored := bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
		name := fmt.Sprintf("%d.M%dP%d.mailtest,S=%d", time.Now().Unix(), dropped.Add(1), os.Getpid(), len(stored))
		tmp := filepath.Join(box, "tmp", name)
		if err := os.WriteFile(tmp, stored, 0o600); err != nil {
			return fmt.Errorf("drop: %w", err)
		}
		if err := os.Chown(tmp, s.UID, s.UID); err != nil {
			return fmt.Errorf("drop: %w", err)
		}
		if err := os.Rename(tmp, filepath.Join(box, "new", name)); err != nil {
			return fmt.Errorf("drop: %w", err)
		}
	}
	return nil
}
