package notifier

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/bus"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/services/internal/mail"
)

// Dispatcher looks which messages are due, claims each for one attempt, and puts
// a task for a worker on the bus. Whether a claim holds is decided by the
// message's stream alone: the view only says where to look, and which addresses
// are suppressed.
type Dispatcher struct {
	Journal *journal.Journal
	Bus     *bus.Bus
	Outbox  *outbox.View
	// Changed returns a channel that is closed when the outbox may have changed.
	Changed func() <-chan struct{}
	// Worker is the name claims are made under.
	Worker string
	// Alone says that no other process works on this outbox, so that what a dead
	// one had claimed can be settled at once instead of when its lease ends.
	Alone bool
	// CaughtUp returns when the outbox shows all that the log holds now. Without
	// it, what a dead process had claimed could be missing from the one look at
	// it, and would wait for its lease.
	CaughtUp func(context.Context) error
	// Gate is asked again before a message is claimed; nil lets everything through.
	Gate Gate
	// Egress is asked, after Gate, whether a message may leave the house at all: the
	// code of the rule that keeps it, empty when it may go (policy clause 3.1). What is
	// kept is held until a person says more. Nil lets everything through.
	Egress func(ctx context.Context, q events.MessageQueued) (reason string, err error)
	// Hash is the vault's keyed hash, for messages that carry none of their
	// address; nil lets those pass the suppression list.
	Hash func(domain string, parts ...string) events.Hash
	// Own reports whether an address is one of ours; nil: none.
	Own func(address string) bool
	// Pacing says how fast mail may go out.
	Pacing Pacing
	// Quiet are the hours in which notices to many wait.
	Quiet Quiet
	// Evidence looks for a message in the archive of what was sent; nil: there is
	// no archive.
	Evidence Archive
	// Unsure says what is done when there is no evidence. Empty is Ask.
	Unsure Unsure
	// Patience is how long an outcome is unknown before it is looked into. Zero is
	// 10 min: bounces and the archive need a while.
	Patience time.Duration
	// Lease is how long a claim holds. Zero is the constant.
	Lease  time.Duration
	Now    func() time.Time
	Logger *slog.Logger

	log     *slog.Logger
	pace    *pace
	watched time.Time // when late and unknown messages were looked at
	asked   map[events.OutboundID]time.Time
}

const (
	dispatchBatch    = 128
	dispatchParallel = 16
	// lookEvery bounds how long a change that nobody announced goes unseen.
	lookEvery = 5 * time.Second
	// watchEvery is how often late and unknown messages are looked at.
	watchEvery = 15 * time.Second
)

// Run dispatches until ctx ends.
func (d *Dispatcher) Run(ctx context.Context) error {
	d.log = d.Logger.With("room", "notifier", "part", "dispatcher")
	if d.Lease == 0 {
		d.Lease = Lease
	}
	if d.Patience == 0 {
		d.Patience = 10 * time.Minute
	}
	d.pace, d.asked = newPace(d.Pacing), map[events.OutboundID]time.Time{}
	var head events.Position
	err := persist(ctx, d.log, "read head", func() (err error) {
		head, err = d.Journal.Head(ctx)
		return err
	})
	if err != nil {
		return nil //nolint:nilerr // persist gives up only when ctx has ended
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.listen(ctx, head) })
	g.Go(func() error { return d.loop(ctx) })
	return g.Wait()
}

func (d *Dispatcher) loop(ctx context.Context) error {
	settled := !d.Alone
	for ctx.Err() == nil {
		changed := d.Changed()
		if !settled {
			settled = d.try(ctx, "settle what an earlier run left", d.settle)
		}
		d.try(ctx, "give up what is stuck", d.giveUp)
		if now := d.Now(); now.Sub(d.watched) >= watchEvery {
			d.try(ctx, "look at what is late", d.late)
			d.try(ctx, "look for evidence", d.evidence)
			d.watched = now
		}
		full := false
		d.try(ctx, "dispatch", func(ctx context.Context) (err error) {
			full, err = d.dispatch(ctx)
			return err
		})
		if !full {
			d.wait(ctx, changed)
		}
	}
	return nil
}

func (d *Dispatcher) try(ctx context.Context, what string, do func(context.Context) error) bool {
	err := do(ctx)
	if err != nil && ctx.Err() == nil {
		d.log.Warn("will try again", "what", what, "error", err)
	}
	return err == nil
}

// listen takes every result to heart, whoever worked for it.
func (d *Dispatcher) listen(ctx context.Context, from events.Position) error {
	reading := journal.Reading{From: from, Types: []string{
		"hub.DeliveryAccepted", "hub.DeliveryDeferred", "hub.DeliveryFailed", "hub.DeliveryUnknown", "hub.DeliveryResolved",
		"hub.MessageBounced", "hub.MessageCancelled",
	}}
	err := d.Journal.Subscribe(ctx, reading, func(_ context.Context, b journal.Batch) error {
		for _, rec := range b.Events {
			d.hear(rec.Event)
		}
		return nil
	})
	if ctx.Err() != nil {
		return nil //nolint:nilerr // told to end
	}
	return err
}

func (d *Dispatcher) hear(e events.Event) {
	switch e := e.(type) {
	case events.DeliveryAccepted:
		d.pace.learn(e.Outbound, "", time.Time{}, d.Now())
	case events.DeliveryDeferred:
		d.pace.learn(e.Outbound, e.Class, e.Until, d.Now())
	case events.DeliveryFailed:
		d.pace.learn(e.Outbound, e.Class, time.Time{}, d.Now())
	case events.DeliveryUnknown:
		d.pace.learn(e.Outbound, e.Class, time.Time{}, d.Now())
	case events.DeliveryResolved:
		d.pace.back(e.Outbound)
	case events.MessageBounced:
		d.pace.back(e.Outbound)
	case events.MessageCancelled:
		d.pace.back(e.Outbound)
	}
}

// wait sleeps until something changed, something falls due, there is room again,
// or a while is over.
func (d *Dispatcher) wait(ctx context.Context, changed <-chan struct{}) {
	pause, now := lookEvery, d.Now()
	if at, ok, err := d.Outbox.NextDue(ctx, time.Time{}); err == nil && ok {
		if pause = min(pause, max(at.Sub(now), time.Millisecond)); !now.Before(at) {
			pause = d.pace.next(now) // it is due and there was no room for it
		}
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-changed:
	case <-d.pace.stirred:
	case <-t.C:
	}
}

// dispatch claims what is due and has room; full says that there may be more.
func (d *Dispatcher) dispatch(ctx context.Context) (full bool, err error) {
	now := d.Now()
	if d.pace.full(now) {
		return false, nil
	}
	due, err := d.Outbox.DueWithin(ctx, now, dispatchBatch, func(domain events.Hash) int { return d.pace.room(domain, now) })
	if err != nil || len(due) == 0 {
		return false, err
	}
	claimed := make([]bool, len(due))
	var g errgroup.Group // one that fails does not take the others back, half claimed
	g.SetLimit(dispatchParallel)
	for i, item := range due {
		if !d.pace.take(item.ID, item.Domain, now, now.Add(d.Lease)) {
			continue
		}
		g.Go(func() (err error) {
			if claimed[i], err = d.claim(ctx, item); err != nil || !claimed[i] {
				d.pace.back(item.ID)
			}
			return err
		})
	}
	err = g.Wait()
	for _, c := range claimed {
		full = full || c
	}
	return full, err
}

// claim takes one message for one attempt and hands it out. False means that
// somebody else has it, that the view lags behind the log, or that a rule keeps
// it back.
func (d *Dispatcher) claim(ctx context.Context, item outbox.Item) (bool, error) {
	stream := events.OutboundStream(item.ID)
	history, err := d.Journal.Load(ctx, stream, nil)
	if err != nil {
		return false, err
	}
	w := foldWay(history)
	now := d.Now()
	if w.queued.Outbound == "" || w.final || now.Before(w.until) || w.open && (w.started || now.Before(w.lease)) {
		return false, nil
	}
	if e, err := d.keeps(ctx, w, item, now); err != nil || e != nil {
		if err == nil {
			err = d.say(ctx, w, e)
		}
		return false, err
	}
	e := events.DeliveryAttempted{Outbound: item.ID, Attempt: w.attempts + 1, Worker: d.Worker, Lease: now.Add(d.Lease)}
	by := journal.By{Command: events.DeriveUUID("claim", string(item.ID), fmt.Sprint(e.Attempt), d.Worker), Actor: "system:dispatcher", At: now}
	if _, err := d.Journal.Append(ctx, stream, w.revision, by, e); err != nil {
		if _, stale := store.IsConflict(err); stale {
			return false, nil
		}
		return false, err
	}
	return true, d.hand(ctx, w.queued, e.Attempt)
}

// keeps asks the rules whether a message may go now: nil, or the event that says
// why not. Nothing is asked about an attempt that only changes hands.
func (d *Dispatcher) keeps(ctx context.Context, w way, item outbox.Item, now time.Time) (events.Event, error) {
	q := w.queued
	switch {
	case d.Own != nil && d.Own(item.To.Address):
		return events.MessageCancelled{Outbound: q.Outbound, Reason: ReasonOwnAddress}, nil
	case w.expired(now):
		return events.DeliveryFailed{Outbound: q.Outbound, Attempt: w.attempts, Class: ClassExpired}, nil
	}
	ok, reason, err := d.Gate.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	if !ok {
		return events.MessageCancelled{Outbound: q.Outbound, Reason: reason}, nil
	}
	if d.Egress != nil {
		if reason, err := d.Egress(ctx, q); err != nil || reason != "" {
			return heldOr(q.Outbound, reason, err)
		}
	}
	if e, err := d.suppressed(ctx, w, item); e != nil || err != nil {
		return e, err
	}
	if end := d.Quiet.until(now); quiets(q) && !end.IsZero() {
		return events.MessageHeld{Outbound: q.Outbound, Reason: ReasonQuiet, Until: end}, nil
	}
	return nil, nil
}

func heldOr(id events.OutboundID, reason string, err error) (events.Event, error) {
	if err != nil {
		return nil, err
	}
	return events.MessageHeld{Outbound: id, Reason: reason}, nil
}

func (d *Dispatcher) suppressed(ctx context.Context, w way, item outbox.Item) (events.Event, error) {
	address := item.Address
	if address == "" && d.Hash != nil && item.To.Address != "" {
		address = AddressHash(d.Hash, item.To.Address)
	}
	if address == "" || w.override {
		return nil, nil
	}
	s, listed, err := d.Outbox.Suppression(ctx, address)
	if err != nil || !listed {
		return nil, err
	}
	reason := ReasonSuppressed + string(s.Kind)
	switch suppression(item.Kind, s.Kind) {
	case hold:
		return events.MessageHeld{Outbound: item.ID, Reason: reason}, nil
	case drop:
		return events.MessageCancelled{Outbound: item.ID, Reason: reason}, nil
	case let:
	}
	return nil, nil
}

// AddressHash is the keyed hash by which the suppression list knows an address.
func AddressHash(hash func(domain string, parts ...string) events.Hash, address string) events.Hash {
	return hash("address", mail.Key(address))
}

// say writes a decision on a message as it was seen. Somebody else was faster when
// it does not fit: then it is looked at again.
func (d *Dispatcher) say(ctx context.Context, w way, e events.Event) error {
	id := w.queued.Outbound
	by := journal.By{Command: events.DeriveUUID("dispatcher", string(id), fmt.Sprint(w.revision)), Actor: "system:dispatcher", At: d.Now()}
	_, err := d.Journal.Append(ctx, events.OutboundStream(id), w.revision, by, e)
	if _, stale := store.IsConflict(err); stale {
		return nil
	}
	return err
}

// hand puts the task on the bus. A task that is lost is found again: by the next
// run when it settles, else when the lease ends.
func (d *Dispatcher) hand(ctx context.Context, q events.MessageQueued, attempt int) error {
	msg, err := bus.TaskMessage(bus.Task{Outbound: q.Outbound, Attempt: attempt, Channel: q.Channel}, d.Worker, d.Now())
	if err != nil {
		return err
	}
	return d.Bus.Publish(ctx, msg)
}
