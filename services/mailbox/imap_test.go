package mailbox_test

import (
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/westshore/hub/services/mailbox"
)

func countKeyword(t *testing.T, addr string, cfg mailbox.Config) int {
	t.Helper()
	c, err := imapclient.DialInsecure(addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.Login(cfg.User, cfg.Password).Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	data, err := c.UIDSearch(&imap.SearchCriteria{Flag: []imap.Flag{mailbox.DoneKeyword}}, nil).Wait()
	if err != nil {
		t.Fatal(err)
	}
	return len(data.AllUIDs())
}

func reconcile(t *testing.T, cfg mailbox.Config) mailbox.Report {
	t.Helper()
	m, err := mailbox.New(cfg, newHouse().deps())
	if err != nil {
		t.Fatal(err)
	}
	r, err := m.Reconcile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}
