package mailbox_test

import (
	"context"
	"testing"
	"time"

	"github.com/westshore/hub/deploy/mailtest"
	"github.com/westshore/hub/services/mailbox"
)

// BenchmarkDovecotFetch measures how fast a full folder is handed over, with a
// Take that does nothing. It runs once, whatever b.N.
func BenchmarkDovecotFetch(b *testing.B) {
	s := mailtest.Run(b)
	const n = 10000
	if err := s.Drop("support@hub.test", letters(n)...); err != nil {
		b.Fatal(err)
	}
	if err := s.Doveadm(b.Context(), "fetch", "-u", "support@hub.test", "uid", "mailbox", "INBOX"); err != nil {
		b.Fatal(err) // Dovecot gives out the UIDs
	}
	cfg := mailbox.Config{
		ID: "bench", Host: "127.0.0.1", Port: s.IMAP, TLS: mailbox.TLSNone, User: "support@hub.test", Password: mailtest.Password,
	}
	done := make(chan struct{})
	taken := 0
	m, err := mailbox.New(cfg, mailbox.Deps{
		Take: func(_ context.Context, mails []mailbox.Fetched) error {
			if taken += len(mails); taken == n {
				close(done)
			}
			return nil
		},
		Bookmark: func(context.Context) (mailbox.Bookmark, error) { return mailbox.Bookmark{}, nil },
		Advance:  func(context.Context, mailbox.Bookmark) error { return nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	begin := time.Now()
	go func() { ended <- m.Run(ctx) }()
	<-done
	b.ReportMetric(n/time.Since(begin).Seconds(), "mails/s")
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}
