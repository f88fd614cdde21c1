package notices

import (
	"context"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

const (
	actor = events.Actor("system:notices")
	// abreast is how many messages are rendered at a time.
	abreast = 8
	// bookmarkEvery is how many people a restart looks at again, at most.
	bookmarkEvery = 100
	// ahead bounds the messages of one notice that wait for the mail server: a
	// pause or a cancellation then stops nearly everything.
	ahead = 200
)

// send lists the recipients of a started notice and queues a message for each,
// at the notice's pace.
func (n *Notices) send(ctx context.Context, id events.NoticeID, s notice) error {
	if s.listed == nil {
		if err := n.list(ctx, id, &s); err != nil {
			return err
		}
	}
	done, err := n.bookmark(ctx, id)
	if err != nil {
		return err
	}
	b, err := n.brake(ctx, id)
	if err != nil {
		return err
	}
	pace := rate.NewLimiter(rate.Every(time.Minute/time.Duration(s.draft.Rate)), 1)
	kept := done
	for done < s.listed.Recipients {
		people, err := n.part(ctx, id, done/partSize)
		if err != nil {
			return err
		}
		for people = people[done%partSize:]; len(people) > 0; {
			group := people[:min(abreast, len(people))]
			if err := n.room(ctx, id, b); err != nil {
				return err
			}
			if err := n.group(ctx, id, s, group, pace); err != nil {
				return err
			}
			people, done = people[len(group):], done+len(group)
			if done-kept >= bookmarkEvery {
				if err := n.keep(ctx, id, done); err != nil {
					return err
				}
				kept = done
			}
		}
	}
	by := journal.By{Command: events.DeriveUUID("notice", string(id), "finished"), Actor: actor}
	_, err = n.j.Execute(ctx, events.NoticeStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		if fold(history).stage != running {
			return nil, nil
		}
		return []events.Event{events.NoticeFinished{Notice: id}}, nil
	})
	return err
}

// group writes to a few people at a time. When it fails, any of them may have been
// written to: that shows when it is done again.
func (n *Notices) group(ctx context.Context, id events.NoticeID, s notice, people []events.SubjectID, pace *rate.Limiter) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, who := range people {
		out := events.DeriveNoticeOutbound(id, who)
		there, err := n.begun(ctx, out)
		if err != nil {
			return err
		}
		if there {
			continue
		}
		if err := pace.Wait(ctx); err != nil {
			return err
		}
		g.Go(func() error { return n.one(ctx, id, s, who, out) })
	}
	return g.Wait()
}

// one writes to a person, or why not.
func (n *Notices) one(ctx context.Context, id events.NoticeID, s notice, who events.SubjectID, out events.OutboundID) error {
	r, err := n.cfg.Recipient(ctx, who)
	if err != nil {
		return err
	}
	d := s.content()
	reason, err := n.objection(ctx, d.Kind, who, r)
	if err != nil {
		return err
	}
	if reason != "" {
		return n.skip(ctx, id, who, out, reason)
	}
	from := n.sender(d.Mailbox, r.Mailbox)
	v := n.values(d, from, who, out, r.To.Name, s.started)
	msg, err := n.render(d, from, r, v)
	if err != nil {
		return err
	}
	now := n.now()
	q := events.MessageQueued{
		Outbound: out, Kind: d.Kind, Channel: events.Email, Message: events.MessageID(id), Mailbox: from.ID, Customer: who, NotBefore: now, Bulk: true,
	}
	by := journal.By{Command: events.DeriveUUID("notice", "queue", string(out)), Actor: actor, At: now}
	_, err = n.queue(ctx, by, q, from, msg, v[valueUnsubscribe])
	if unrenderable(err) {
		n.log.Error("message of a notice cannot be rendered", "notice", id, "outbound", out, "error", err)
		return n.skip(ctx, id, who, out, "not_rendered")
	}
	return err
}

// objection is the code of the rule by which a person is not written to.
func (n *Notices) objection(ctx context.Context, kind events.OutboundKind, who events.SubjectID, r Recipient) (string, error) {
	switch {
	case r.State != events.Plain:
		return r.State.String(), nil // erased, restricted or denied
	case !strings.Contains(r.To.Address, "@"):
		return "no_address", nil
	case n.cfg.Own(r.To.Address):
		return "own_address", nil
	case n.cfg.Allowed == nil:
		return "", nil
	}
	ok, rule, err := n.cfg.Allowed(ctx, who, r.To.Address, kind)
	if err != nil || ok {
		return "", err
	}
	if rule == "" {
		rule = "not_allowed"
	}
	return rule, nil
}

// brake remembers the counts a run began with.
type brake struct{ failed, settled int64 }

func (n *Notices) brake(ctx context.Context, id events.NoticeID) (brake, error) {
	now, err := n.cfg.View.Get(ctx, id)
	if err != nil {
		return brake{}, err
	}
	return tally(now.Counts), nil
}

func tally(counts map[string]int64) brake {
	failed := counts["failed"] + counts["bounced"]
	return brake{failed: failed, settled: failed + counts["accepted"]}
}

// A notice of which many messages fail is held, for somebody to look at it: a list
// that is old, or a mail server that refuses our text, must not go on.
const (
	failuresAtLeast = 20
	failuresPercent = 30
)

// room waits until the messages that are on their way leave room for more, and
// pauses a notice that fails too often.
func (n *Notices) room(ctx context.Context, id events.NoticeID, began brake) error {
	for {
		now, err := n.cfg.View.Get(ctx, id)
		if err != nil {
			return err
		}
		t := tally(now.Counts)
		if failed := t.failed - began.failed; failed >= failuresAtLeast && failed*100 >= failuresPercent*(t.settled-began.settled) {
			return n.hold(ctx, id)
		}
		if now.Counts["queued"]+now.Counts["sending"] < ahead {
			return nil
		}
		sleep(ctx, 200*time.Millisecond)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (n *Notices) hold(ctx context.Context, id events.NoticeID) error {
	by := journal.By{Command: events.NewUUID(), Actor: actor}
	_, err := n.j.Execute(ctx, events.NoticeStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
		if fold(history).stage != running {
			return nil, nil
		}
		return []events.Event{events.NoticePaused{Notice: id, Cause: "failures"}}, nil
	})
	if err != nil {
		return err
	}
	n.log.Error("notice paused: too many of its messages fail", "notice", id)
	return errHeld
}

// takeBack cancels the messages of a cancelled notice that wait, until none is on
// its way any more: one that is being offered may come back deferred.
func (n *Notices) takeBack(ctx context.Context, id events.NoticeID, _ notice) error {
	for {
		if err := n.cfg.CaughtUp(ctx); err != nil {
			return err
		}
		for _, state := range []string{"queued", "deferred", "held"} {
			if err := n.cancelAll(ctx, id, state); err != nil {
				return err
			}
		}
		now, err := n.cfg.View.Get(ctx, id)
		if err != nil {
			return err
		}
		if now.Counts["queued"]+now.Counts["sending"]+now.Counts["deferred"]+now.Counts["held"] == 0 {
			return nil
		}
		sleep(ctx, time.Second)
	}
}

func (n *Notices) cancelAll(ctx context.Context, id events.NoticeID, state string) error {
	for after := ""; ; {
		page, err := n.cfg.View.Recipients(ctx, id, state, 200, after)
		if err != nil {
			return err
		}
		for _, r := range page.Items {
			if err := n.cancel(ctx, r.Outbound); err != nil {
				return err
			}
		}
		if after = page.Next; after == "" {
			return nil
		}
	}
}

// cancel keeps one message from going out, unless it is on its way or over.
func (n *Notices) cancel(ctx context.Context, out events.OutboundID) error {
	by := journal.By{Command: events.DeriveUUID("notice", "cancel", string(out)), Actor: actor}
	_, err := n.j.Execute(ctx, events.OutboundStream(out), by, func(history []events.Recorded) ([]events.Event, error) {
		waits := false
		for _, r := range history {
			switch r.Event.(type) {
			case events.MessageQueued, events.DeliveryDeferred, events.DeliveryRetried, events.MessageHeld:
				waits = true
			case events.DeliveryAttempted, events.DeliveryFailed, events.DeliveryResolved, events.MessageCancelled:
				waits = false
			}
		}
		if !waits {
			return nil, nil
		}
		return []events.Event{events.MessageCancelled{Outbound: out}}, nil
	})
	return err
}
