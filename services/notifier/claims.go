package notifier

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/bus"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/store"
)

// Claims is the counter at which a worker, in this process or outside it, gets
// what it needs to carry out one attempt: the frozen envelope and bytes; the word
// that the outcome is open from now on; and, at the end, what a refusal means. It
// is the worker contract in one place.
type Claims struct {
	Journal *journal.Journal
	// OpenBlob opens the rendered message: seal.Sealer.OpenBlob.
	OpenBlob func(context.Context, events.Principal, events.Blob) ([]byte, events.State, error)
	Now      func() time.Time
	// Random returns a number from 0 to n-1, for jitter; nil is the real one.
	Random func(n int64) int64
}

// Claim is one message for one attempt.
type Claim struct {
	Outbound events.OutboundID
	Attempt  int
	Kind     events.OutboundKind
	Channel  events.Channel
	Domain   events.Hash // of the recipient's domain
	Lease    time.Time   // when the claim ends; before Begin another may take over then

	MailFrom string // envelope sender, empty for the null sender
	RcptTo   string
	EnvID    string // signed ENVID (RFC 3461 section 4.4); empty: none
	Raw      []byte // RFC 5322 bytes, signed; the same on every attempt
	// State is Plain, or why there are no bytes any more.
	State events.State

	way way
}

// ErrOver says that an attempt has a result, has begun to go out, or never was:
// whoever asks has nothing to do.
var ErrOver = errors.New("the attempt is over or somebody else's")

// Lease is how long a claim holds unless the dispatcher is told otherwise, and for
// how long it is renewed when the final dot goes out: longer than a mail server may
// take to answer it (RFC 5321 section 4.5.3.2.6).
const Lease = 11 * time.Minute

var workerPrincipal = events.Principal{Actor: "system:worker", Role: events.RoleOutbox, Purpose: events.PurposeSupport}

// Take returns the message of a task. The same task again gives the same message
// until Begin, and ErrOver from then on.
func (c *Claims) Take(ctx context.Context, t bus.Task) (*Claim, error) {
	w, err := c.load(ctx, t.Outbound, t.Attempt, &workerPrincipal)
	if err != nil {
		return nil, err
	}
	q := w.queued
	claim := &Claim{
		Outbound: q.Outbound, Attempt: w.attempts, Kind: q.Kind, Channel: q.Channel, Domain: q.Domain, Lease: w.lease, way: w,
	}
	if claim.Raw, claim.State, err = c.OpenBlob(ctx, workerPrincipal, q.Rendered); err != nil {
		return nil, fmt.Errorf("open rendered message: %w", err)
	}
	if claim.State == events.Plain {
		claim.State = q.Parcel.State()
	}
	if claim.State != events.Plain {
		claim.Raw = nil
		return claim, nil
	}
	p := q.Parcel.Value()
	claim.MailFrom, claim.RcptTo, claim.EnvID = p.MailFrom, p.RcptTo, p.EnvID
	return claim, nil
}

func (c *Claims) load(ctx context.Context, id events.OutboundID, attempt int, as *events.Principal) (way, error) {
	history, err := c.Journal.Load(ctx, events.OutboundStream(id), as)
	if err != nil {
		return way{}, err
	}
	w := foldWay(history)
	if w.attempts != attempt || !w.open || w.started {
		return w, ErrOver
	}
	return w, nil
}

// Begin writes that the outcome is open from now on, and renews the lease: it
// outlasts the wait for the answer, however long the claim had waited for a
// connection (MAIL O2). A worker calls it when the server has everything but the
// final dot, or for another channel just before the request goes out. Only one of
// two that hold the same attempt succeeds; the other gets ErrOver and takes its
// offer back.
func (c *Claims) Begin(ctx context.Context, claim *Claim, worker string, archived bool) error {
	by := journal.By{Command: events.NewUUID(), Actor: events.Actor("worker:" + worker)}
	_, err := c.Journal.Append(ctx, events.OutboundStream(claim.Outbound), claim.way.revision, by,
		events.DeliveryStarted{Outbound: claim.Outbound, Attempt: claim.Attempt, Archived: archived, Lease: c.Now().Add(Lease).UTC()})
	if _, stale := store.IsConflict(err); stale {
		return ErrOver
	}
	if err != nil {
		return fmt.Errorf("begin attempt: %w", err)
	}
	return nil
}

// BeginTask is Begin for a worker that kept no Claim.
func (c *Claims) BeginTask(ctx context.Context, t bus.Task, worker string) error {
	w, err := c.load(ctx, t.Outbound, t.Attempt, nil)
	if err != nil {
		return err
	}
	return c.Begin(ctx, &Claim{Outbound: t.Outbound, Attempt: t.Attempt, way: w}, worker, false)
}

// Judge completes a worker's result before it goes on the bus: a deferred attempt
// gets the time of the next one, or fails when the message has been tried for long
// enough (MAIL O6, O7). Results of an attempt that is over are passed as they are:
// the recorder knows what to do with them.
func (c *Claims) Judge(ctx context.Context, d bus.Delivery) (bus.Delivery, error) {
	if d.Outcome != bus.Deferred {
		return d, nil
	}
	history, err := c.Journal.Load(ctx, events.OutboundStream(d.Outbound), nil)
	if err != nil {
		return d, err
	}
	return c.judge(foldWay(history), d, 0), nil
}

// judge knows in how many attempts in a row nobody reached the server.
func (c *Claims) judge(w way, d bus.Delivery, away int) bus.Delivery {
	if d.Outcome != bus.Deferred {
		return d
	}
	n := w.tries + 1
	if d.Class == ClassHost || d.Class == ClassLogin {
		n = max(w.away+1, away)
	}
	now := c.Now()
	d.Until = now.Add(c.pause(d.Class, n))
	if w.expired(now) {
		d.Outcome, d.Class, d.Until = bus.Failed, ClassExpired, time.Time{}
	}
	return d
}

// pause says how long to wait after the n-th refusal in a row, n from 1, with up
// to a quarter of jitter so that not everything comes back at once.
func (c *Claims) pause(class string, n int) time.Duration {
	steps := pauses[class]
	if len(steps) == 0 {
		steps = pauses[ClassTemporary]
	}
	d := steps[min(max(n, 1), len(steps))-1]
	random := c.Random
	if random == nil {
		random = rand.Int64N
	}
	return d + time.Duration(random(int64(d/4)+1))
}
