package mailtest

import (
	"fmt"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// Mail is one mail of a folder.
type Mail struct {
	UID uint32
	Raw []byte
}

// Read returns every mail of a user's folder, oldest first, without marking it.
func (s *System) Read(user, folder string) ([]Mail, error) {
	return ReadFolder(Addr(s.IMAP), user, Password, folder)
}

// ReadFolder is Read for any IMAP server that takes a password in clear text.
// A folder that does not exist reads as empty.
func ReadFolder(addr, user, password, folder string) ([]Mail, error) {
	c, err := imapclient.DialInsecure(addr, nil)
	if err != nil {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	defer func() { _ = c.Close() }()
	if err := c.Login(user, password).Wait(); err != nil {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	sel, err := c.Select(folder, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil || sel.NumMessages == 0 {
		return nil, nil //nolint:nilerr // a folder that is not there holds nothing
	}
	all := imap.UIDSet{{Start: 1, Stop: 0}}
	got, err := c.Fetch(all, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{{Peek: true}}}).Collect()
	if err != nil {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	mails := make([]Mail, 0, len(got))
	for _, m := range got {
		if len(m.BodySection) > 0 {
			mails = append(mails, Mail{uint32(m.UID), m.BodySection[0].Bytes})
		}
	}
	return mails, nil
}

// Append puts a mail into a user's folder, as a mail program does with what it
// sent.
func (s *System) Append(user, folder string, raw []byte) error {
	c, err := imapclient.DialInsecure(Addr(s.IMAP), nil)
	if err != nil {
		return fmt.Errorf("append mail: %w", err)
	}
	defer func() { _ = c.Close() }()
	if err := c.Login(user, Password).Wait(); err != nil {
		return fmt.Errorf("append mail: %w", err)
	}
	cmd := c.Append(folder, int64(len(raw)), nil)
	if _, err := cmd.Write(raw); err != nil {
		return fmt.Errorf("append mail: %w", err)
	}
	if err := cmd.Close(); err != nil {
		return fmt.Errorf("append mail: %w", err)
	}
	if _, err := cmd.Wait(); err != nil {
		return fmt.Errorf("append mail: %w", err)
	}
	return nil
}
