package notifier_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/outbox"
)

// PRIVACY 6, test 26, the mail relay: what the register does not cover is held, with
// the rule, and nothing reaches the relay; once it is covered a person lets it go.
//
// clause: 3.1
func TestMessageIsHeldWhereTheRegisterSaysNo(t *testing.T) {
	p := openPost(t)
	var covered atomic.Bool
	p.tune = func(all *parts) {
		all.dispatcher.Egress = func(context.Context, events.MessageQueued) (string, error) {
			if covered.Load() {
				return "", nil
			}
			return "egress_suspended", nil
		}
	}
	stop := p.run("one", p.relay())
	defer stop()
	items := p.await(p.write("ada@cust.test"), outbox.Held, 1)
	if items[0].LastDetail != "egress_suspended" {
		t.Errorf("held for %q", items[0].LastDetail)
	}
	covered.Store(true)
	p.await(p.write("bob@cust.test"), outbox.Accepted, 1)
}
