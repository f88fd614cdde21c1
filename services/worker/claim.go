package worker

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/bus"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/store"
)

// claim is what a worker proves that a task is its own with. On the wire it is
//
//	base64url( "1" "." outbound "." attempt "." worker "." channel "." process "." expires "." nonce ) "." base64url( HMAC-SHA256(key, before) )
//
// with expires in seconds since 1970. To workers it is opaque. The message can be
// fetched until it expires, once, from the process that made it; what follows is
// believed as long as the attempt in the log is open.
type claim struct {
	outbound events.OutboundID
	attempt  int
	worker   string
	channel  events.Channel
	process  string
	expires  time.Time
	nonce    string
}

var encoding = base64.RawURLEncoding

func (h *Hatch) sign(c claim) string {
	plain := encoding.EncodeToString([]byte(strings.Join([]string{
		"1", string(c.outbound), strconv.Itoa(c.attempt), c.worker, string(c.channel), c.process, strconv.FormatInt(c.expires.Unix(), 10), c.nonce,
	}, ".")))
	return plain + "." + encoding.EncodeToString(h.mac(plain))
}

func (h *Hatch) mac(plain string) []byte {
	m := hmac.New(sha256.New, h.cfg.Key)
	m.Write([]byte("hub.claim.v1\x00" + plain))
	return m.Sum(nil)
}

// read believes a claim that was made for this worker.
func (h *Hatch) read(worker, token string) (c claim, err error) {
	bad := &InvalidError{"That is no claim of this worker."}
	plain, sum, ok := strings.Cut(token, ".")
	got, err := encoding.DecodeString(sum)
	if !ok || err != nil || !hmac.Equal(got, h.mac(plain)) {
		return c, bad
	}
	b, err := encoding.DecodeString(plain)
	if err != nil {
		return c, bad
	}
	f := strings.Split(string(b), ".")
	if len(f) != 8 || f[0] != "1" || f[3] != worker {
		return c, bad
	}
	attempt, err1 := strconv.Atoi(f[2])
	expires, err2 := strconv.ParseInt(f[6], 10, 64)
	if err1 != nil || err2 != nil {
		return c, bad
	}
	return claim{events.OutboundID(f[1]), attempt, f[3], events.Channel(f[4]), f[5], time.Unix(expires, 0), f[7]}, nil
}

// redeem uses a claim up.
func (h *Hatch) redeem(c claim) (*offer, error) {
	switch {
	case c.process != h.process:
		return nil, &GoneError{"claim_elsewhere"} // the hub was started anew; the task is offered again
	case !h.now().Before(c.expires):
		return nil, &GoneError{"claim_expired"}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	o := h.open[c.nonce]
	if o == nil {
		return nil, &GoneError{"claim_used"}
	}
	delete(h.open, c.nonce)
	return o, nil
}

// Fetch answers the message of a claim, once.
func (h *Hatch) Fetch(ctx context.Context, worker string, id events.OutboundID, token string) (p Payload, err error) {
	c, err := h.read(worker, token)
	if err != nil {
		return p, err
	}
	if c.outbound != id {
		return p, &InvalidError{"The claim is for another message."}
	}
	o, err := h.redeem(c)
	if err != nil {
		return p, err
	}
	defer close(o.fetched) // whatever comes of it: the lease of the attempt takes over
	as := events.Principal{Actor: actor(worker), Role: events.RoleOutbox, Purpose: events.PurposeSupport}
	history, err := h.cfg.Journal.Load(ctx, events.OutboundStream(id), &as)
	if err != nil {
		return p, err
	}
	w := fold(history)
	if !w.open || w.started || w.attempt != c.attempt {
		return p, &GoneError{"attempt_over"}
	}
	raw, state, err := h.cfg.OpenBlob(ctx, as, w.queued.Rendered)
	if err != nil {
		return p, err
	}
	if state != events.Plain || w.queued.Parcel.State() != events.Plain {
		return p, h.gone(ctx, c, state)
	}
	if err := h.egress(ctx, worker, &w.queued); err != nil {
		return p, err
	}
	parcel := w.queued.Parcel.Value()
	return Payload{
		Outbound: string(id), Attempt: c.attempt, Channel: string(c.channel), Kind: string(w.queued.Kind), Lease: w.lease.UTC(),
		Envelope: Envelope{MailFrom: parcel.MailFrom, RcptTo: parcel.RcptTo, EnvID: parcel.EnvID}, Message: raw,
	}, nil
}

// gone ends the attempt of a message that was erased before it went out.
func (h *Hatch) gone(ctx context.Context, c claim, state events.State) error {
	d := bus.Delivery{Outbound: c.outbound, Attempt: c.attempt, Worker: c.worker, Outcome: bus.Failed, Class: "content_" + state.String()}
	if err := h.report(ctx, c.channel, d); err != nil {
		return err
	}
	return &GoneError{"content_gone"}
}

func actor(worker string) events.Actor { return events.Actor("worker:" + worker) }

// lease is for how long a claim is renewed when an attempt starts: longer than a
// mail server may take to answer (RFC 5321 section 4.5.3.2.6).
const lease = 11 * time.Minute

// Start writes that the outcome is open from now on, and renews the lease. A worker says so before the
// step after which the other side may have taken the message, and goes on only
// when this returns nil: of two that hold the same attempt, one succeeds.
func (h *Hatch) Start(ctx context.Context, worker string, b Begun) error {
	c, err := h.read(worker, b.Claim)
	if err != nil {
		return err
	}
	stream := events.OutboundStream(c.outbound)
	history, err := h.cfg.Journal.Load(ctx, stream, nil)
	if err != nil {
		return err
	}
	w := fold(history)
	id := events.DeriveUUID("worker", "started", c.nonce)
	switch {
	case w.startedBy == journal.EventID(id, stream, 0):
		return nil // said twice
	case !w.open || w.attempt != c.attempt:
		return &GoneError{"attempt_over"}
	case w.started:
		return &GoneError{"attempt_taken"}
	}
	by := journal.By{Command: id, Actor: actor(worker)}
	_, err = h.cfg.Journal.Append(ctx, stream, w.revision, by, events.DeliveryStarted{Outbound: c.outbound, Attempt: c.attempt, Archived: b.Archived, Lease: h.now().Add(lease).UTC()})
	if _, stale := store.IsConflict(err); stale {
		return &GoneError{"attempt_taken"}
	}
	return err
}

// Finish hands in what came of an attempt. The same result again is the same
// result.
func (h *Hatch) Finish(ctx context.Context, worker string, r Result) error {
	c, err := h.read(worker, r.Claim)
	if err != nil {
		return err
	}
	d := bus.Delivery{Outbound: c.outbound, Attempt: c.attempt, Worker: worker, Outcome: bus.Outcome(r.Outcome), Class: r.Class, Code: r.Code, Queue: r.Queue}
	if _, err := d.Event(); err != nil {
		return &InvalidError{"The outcome is accepted, deferred, failed or unknown."}
	}
	for _, s := range []string{r.Class, r.Code, r.Queue} {
		if !isCode(s) {
			return &InvalidError{"Class, code and queue are codes of at most 40 characters, not text."}
		}
	}
	if d.Outcome == bus.Deferred {
		if d, err = h.cfg.Settle(ctx, d); err != nil {
			return err
		}
	}
	return h.report(ctx, c.channel, d)
}

// isCode keeps sentences of mail servers, which may name people, out of the log.
func isCode(s string) bool {
	return len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._- ") == "" && strings.Count(s, " ") <= 2
}

func (h *Hatch) report(ctx context.Context, channel events.Channel, d bus.Delivery) error {
	msg, err := bus.DeliveryMessage(channel, d, h.now())
	if err != nil {
		return fmt.Errorf("report delivery: %w", err)
	}
	return h.cfg.Bus.Publish(ctx, msg)
}

// way is where a message is, folded from its stream.
type way struct {
	queued    events.MessageQueued
	attempt   int
	lease     time.Time
	open      bool // claimed, without a result
	started   bool
	startedBy events.UUID
	revision  events.Revision
}

func fold(history []events.Recorded) way {
	w := way{revision: events.NoStream}
	for _, r := range history {
		w.revision = r.Revision
		switch e := r.Event.(type) {
		case events.MessageQueued:
			w.queued = e
		case events.DeliveryAttempted:
			w.attempt, w.lease, w.open, w.started = e.Attempt, e.Lease, true, false
		case events.DeliveryStarted:
			w.started, w.startedBy = true, r.ID
			if !e.Lease.IsZero() {
				w.lease = e.Lease
			}
		case events.DeliveryAccepted, events.DeliveryDeferred, events.DeliveryFailed, events.DeliveryUnknown,
			events.DeliveryResolved, events.DeliveryRetried, events.MessageBounced, events.MessageCancelled:
			w.open = false
		}
	}
	return w
}
