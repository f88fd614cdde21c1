package notifier_test

import (
	"context"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/westshore/hub/deploy/mailtest"
	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/services/mailbox"
	"github.com/westshore/hub/services/notifier"
)

// TestO3ArchiveProvesWhatARealServerTook: Postfix takes a message and its answer
// is lost; the archive, a recipient of the same transaction in a real Dovecot, is
// found to hold this copy and no other, so the message is accepted and not sent
// again.
func TestO3ArchiveProvesWhatARealServerTook(t *testing.T) {
	system := mailtest.Run(t)
	proxy, err := mailtest.NewProxy(mailtest.Addr(system.MX))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	_, port, _ := net.SplitHostPort(proxy.Addr())
	n, _ := strconv.Atoi(port)
	box := mailbox.Config{
		ID: "archive", Address: "sales@hub.test", Host: "127.0.0.1", Port: system.IMAP, TLS: "none", User: "sales@hub.test",
		Password: mailtest.Password, Folder: "INBOX",
	}
	p := openPost(t)
	p.tune = func(all *parts) {
		all.dispatcher.Patience = time.Millisecond
		all.dispatcher.Evidence = func(ctx context.Context, id events.OutboundID) (bool, error) {
			if other, err := mailbox.Holds(ctx, box, notifier.DeliveryField, events.NewUUID().String()); other || err != nil {
				t.Errorf("the archive holds what was never sent: %v, %v", other, err)
			}
			return mailbox.Holds(ctx, box, notifier.DeliveryField, string(id))
		}
	}
	stop := p.run("one", notifier.RelayConfig{Host: "127.0.0.1", Port: n, TLS: "none", Timeout: 5 * time.Second, Archive: "sales@hub.test"})
	defer stop()
	proxy.CutAnswer("queued as", 1)
	msg := p.write("alice@cust.test")
	id := p.await(msg, outbox.Unknown, 1)[0].ID
	arrives(t, system, "sales@hub.test", string(id))
	p.skew.Store(int64(time.Minute)) // the next look
	if item := p.await(msg, outbox.Accepted, 1)[0]; item.LastDetail != "archive" || item.Attempts != 1 {
		t.Errorf("accepted by %q after %d attempts", item.LastDetail, item.Attempts)
	}
}
