package notifier

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/bus"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/store"
)

// Worker takes tasks from the bus and delivers them over SMTP.
type Worker struct {
	Journal *journal.Journal
	Bus     *bus.Bus
	// OpenBlob opens the rendered message: seal.Sealer.OpenBlob.
	OpenBlob func(context.Context, events.Principal, events.Blob) ([]byte, events.State, error)
	Relay    RelayConfig
	// Name is this process's, random.
	Name string
	// Connections is how many messages go out at a time. Zero is 4.
	Connections int
	// MaxAge is how long a message is tried. Zero is 24 h.
	MaxAge time.Duration
	Now    func() time.Time
	Logger *slog.Logger

	relay *relay
	log   *slog.Logger
	away  atomic.Int64 // failures in a row to reach the server
}

var workerPrincipal = events.Principal{Actor: "system:worker", Role: events.RoleOutbox, Purpose: events.PurposeSupport}

// maxTries caps the attempts that the recipient's side answered (MAIL O7).
const maxTries = 20

// Run delivers until ctx ends. A message whose final dot is out is waited for.
func (w *Worker) Run(ctx context.Context) error {
	if w.Connections == 0 {
		w.Connections = 4
	}
	if w.MaxAge == 0 {
		w.MaxAge = 24 * time.Hour
	}
	if w.Relay.Timeout == 0 {
		w.Relay.Timeout = 30 * time.Second
	}
	if w.Relay.Reuse == 0 {
		w.Relay.Reuse = 100
	}
	w.log = w.Logger.With("room", "notifier", "part", "worker")
	w.relay = &relay{cfg: w.Relay}
	defer w.relay.close()
	return w.Bus.Consume(ctx, bus.Consumer{
		Stream: bus.Outbound, Name: "smtp", Workers: w.Connections, MaxDeliver: 1000,
	}, w.task)
}

// task delivers one message on one attempt. The same task again finds the
// attempt over, or started, and leaves it alone.
func (w *Worker) task(ctx context.Context, m bus.Message) error {
	t, err := bus.TaskOf(m)
	if err != nil {
		return &bus.Permanent{Err: err}
	}
	history, err := w.Journal.Load(ctx, events.OutboundStream(t.Outbound), &workerPrincipal)
	if err != nil {
		return err
	}
	way := foldWay(history)
	if way.attempts != t.Attempt || !way.open || way.started {
		return nil
	}
	d := w.deliver(ctx, way)
	if d == nil {
		return nil
	}
	if d.Outcome == bus.Deferred {
		d.Until = w.Now().Add(pause(d.Class, w.refusals(way, d.Class)))
		if w.Now().Sub(way.at) > w.MaxAge || way.tries >= maxTries {
			d.Outcome, d.Class = bus.Failed, ClassExpired
		}
	}
	return w.report(ctx, *d)
}

func (w *Worker) refusals(way way, class string) int {
	if class == ClassHost || class == ClassLogin {
		return int(w.away.Load())
	}
	return way.tries + 1
}

// report tells the recorder. It goes on trying when the caller is told to stop,
// for a while: a result that is lost makes an unknown message.
func (w *Worker) report(ctx context.Context, d bus.Delivery) error {
	msg, err := bus.DeliveryMessage(events.Email, d, w.Now())
	if err != nil {
		return &bus.Permanent{Err: err}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return persist(ctx, w.log, "report delivery", func() error { return w.Bus.Publish(ctx, msg) })
}

// deliver does one attempt. Nil means that somebody else has it.
func (w *Worker) deliver(ctx context.Context, way way) *bus.Delivery {
	q := way.queued
	d := &bus.Delivery{Outbound: q.Outbound, Attempt: way.attempts, Worker: w.Name}
	raw, state, err := w.OpenBlob(ctx, workerPrincipal, q.Rendered)
	if err != nil {
		w.log.Error("message cannot be opened", "outbound", q.Outbound, "error", err)
		d.Outcome, d.Class = bus.Deferred, ClassTemporary
		return d
	}
	if state != events.Plain || q.Parcel.State() != events.Plain {
		d.Outcome, d.Class = bus.Failed, "content_"+state.String()
		return d
	}
	line, err := w.relay.take(ctx)
	if err != nil {
		return w.refused(d, err)
	}
	data, err := line.offer(q.Outbound, q.Parcel.Value(), raw)
	if err != nil {
		return w.ended(d, line, err)
	}
	// From here on a crash leaves the outcome open, so this comes first.
	if err := w.start(ctx, way); err != nil {
		line.drop() // without the dot the server has accepted nothing
		if errors.Is(err, errTaken) {
			return nil
		}
		w.log.Warn("attempt not started", "outbound", q.Outbound, "error", err)
		d.Outcome, d.Class = bus.Deferred, ClassTemporary
		return d
	}
	reply, err := data.CloseWithResponse()
	if err == nil {
		w.away.Store(0)
		w.relay.give(line)
		d.Outcome, d.Code, d.Queue = bus.Accepted, "250", queueID(reply)
		return d
	}
	var refusal *smtp.SMTPError
	if errors.As(err, &refusal) {
		return w.ended(d, line, err)
	}
	line.drop()
	w.log.Warn("connection lost after the final dot; outcome unknown", "outbound", q.Outbound)
	d.Outcome, d.Class = bus.Unknown, ClassLost
	return d
}

// ended classifies a refusal and keeps the connection where the server does.
func (w *Worker) ended(d *bus.Delivery, l *line, err error) *bus.Delivery {
	var refusal *smtp.SMTPError
	if errors.As(err, &refusal) && refusal.Code != 421 {
		w.relay.give(l)
	} else {
		l.drop()
	}
	return w.refused(d, err)
}

func (w *Worker) refused(d *bus.Delivery, err error) *bus.Delivery {
	v := classify(err)
	d.Outcome, d.Class, d.Code = v.outcome, v.class, v.code
	switch v.class {
	case ClassHost, ClassLogin:
		if n := w.away.Add(1); n == 1 || n%20 == 0 {
			w.log.Warn("mail server does not take our mail; messages wait", "class", v.class, "code", v.code, "failures", n, "error", wireError(err))
		}
	default:
		w.away.Store(0)
	}
	return d
}

// wireError prints what went wrong on the way, but no reply text, which may name
// a customer.
func wireError(err error) string {
	var reply *smtp.SMTPError
	if errors.As(err, &reply) {
		return "refused with " + replyCode(reply)
	}
	return err.Error()
}

var errTaken = errors.New("the attempt is not ours any more")

// start writes that the outcome is open from now on. Only one of two workers that
// hold the same attempt succeeds.
func (w *Worker) start(ctx context.Context, way way) error {
	q := way.queued
	by := journal.By{Command: events.NewUUID(), Actor: events.Actor("worker:" + w.Name)}
	_, err := w.Journal.Append(ctx, events.OutboundStream(q.Outbound), way.revision, by,
		events.DeliveryStarted{Outbound: q.Outbound, Attempt: way.attempts})
	if _, stale := store.IsConflict(err); stale {
		return errTaken
	}
	if err != nil {
		return fmt.Errorf("start attempt: %w", err)
	}
	return nil
}

// queueID finds the next hop's queue id in its reply to the final dot, as Postfix
// ("queued as X") and Exim ("id=X") write it.
func queueID(r *smtp.DataResponse) string {
	if r == nil {
		return ""
	}
	for _, mark := range []string{"queued as ", "id="} {
		if _, rest, ok := strings.Cut(r.StatusText, mark); ok {
			id, _, _ := strings.Cut(rest, " ")
			if len(id) <= 40 && !strings.ContainsAny(id, "@<>") {
				return id
			}
		}
	}
	return ""
}
