package worker_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/worker"
)

// PRIVACY 6, test 26, outside workers: one that the register does not cover is offered
// nothing; one that was covered when it claimed, and is not any more when it fetches,
// gets nothing either; what is given is noted before it is.
//
// clause: 3.1
func TestWorkerGetsWhatTheRegisterCovers(t *testing.T) {
	c := openWith(t, 10*time.Second, func(cfg *worker.Config, covered *bool, noted *[]events.SubjectID) {
		cfg.Egress = func(_ context.Context, _ string, q *events.MessageQueued) error {
			if !*covered {
				return errors.New("suspended")
			}
			if q != nil {
				*noted = append(*noted, q.Customer)
			}
			return nil
		}
	})
	id := c.queue()
	c.covered = false
	var no *worker.ForbiddenError
	if _, _, err := c.Next(t.Context(), "mailer", worker.Ask{Channel: "email", Wait: 1}); !errors.As(err, &no) {
		t.Errorf("a worker that is not covered: %v", err)
	}
	c.covered = true
	o := c.next("mailer")
	c.covered = false
	if _, err := c.Fetch(t.Context(), "mailer", id, o.Claim); !errors.As(err, &no) || len(c.noted) != 0 {
		t.Errorf("suspended in between: %v", err)
	}
	c.covered = true
	second := c.queue()
	o = c.next("mailer")
	_, err := c.Fetch(t.Context(), "mailer", second, o.Claim)
	c.ok(err)
	if len(c.noted) != 1 || c.noted[0] != "c" {
		t.Errorf("noted %v", c.noted)
	}
}
