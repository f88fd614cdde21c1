package mailtest

import (
	"fmt"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"
)

// Watch tells when Dovecot announces a change of a user's INBOX to a client in
// IDLE (RFC 2177); it lets announcements go by that nobody reads. The channel
// ends with stop.
func (s *System) Watch(user string) (announced <-chan time.Time, stop func(), err error) {
	times := make(chan time.Time, 64)
	c, err := imapclient.DialInsecure(Addr(s.IMAP), &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(*imapclient.UnilateralDataMailbox) {
			select {
			case times <- time.Now():
			default:
			}
		},
	}})
	if err != nil {
		return nil, nil, fmt.Errorf("watch mailbox: %w", err)
	}
	if err := c.Login(user, Password).Wait(); err != nil {
		_ = c.Close()
		return nil, nil, fmt.Errorf("watch mailbox: %w", err)
	}
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		_ = c.Close()
		return nil, nil, fmt.Errorf("watch mailbox: %w", err)
	}
	idle, err := c.Idle()
	if err != nil {
		_ = c.Close()
		return nil, nil, fmt.Errorf("watch mailbox: %w", err)
	}
	return times, func() { _ = idle.Close(); _ = c.Close() }, nil
}
