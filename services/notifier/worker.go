package notifier

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/bus"
)

// Worker takes tasks from the bus and delivers them over SMTP.
type Worker struct {
	Claims *Claims
	Bus    *bus.Bus
	Relay  RelayConfig
	// Name is this process's, random.
	Name string
	// Connections is how many messages go out at a time. Zero is 4. With more than
	// one, one domain never has all of them (MAIL O9).
	Connections int
	// InFlight bounds the tasks that are prepared, going out or reported at a time.
	// It should be what the dispatcher's is. Zero is 32.
	InFlight int
	Now      func() time.Time
	Logger   *slog.Logger

	relay *relay
	log   *slog.Logger
	away  atomic.Int64 // failures in a row to reach the server
}

// maxTries caps the attempts that the recipient's side answered (MAIL O7).
const maxTries = 20

// Run delivers until ctx ends. A message whose final dot is out is waited for.
func (w *Worker) Run(ctx context.Context) error {
	if w.Connections == 0 {
		w.Connections = 4
	}
	if w.InFlight == 0 {
		w.InFlight = 32
	}
	w.log = w.Logger.With("room", "notifier", "part", "worker")
	w.relay = newRelay(w.Relay, w.Connections)
	defer w.relay.close()
	return w.Bus.Consume(ctx, bus.Consumer{
		Stream: bus.Outbound, Name: "smtp", Workers: w.InFlight, MaxDeliver: 1000,
	}, w.task)
}

// task delivers one message on one attempt. The same task again finds the
// attempt over, or started, and leaves it alone.
func (w *Worker) task(ctx context.Context, m bus.Message) error {
	t, err := bus.TaskOf(m)
	if err != nil {
		return &bus.Permanent{Err: err}
	}
	c, err := w.Claims.Take(ctx, t)
	if errors.Is(err, ErrOver) {
		return nil
	}
	if err != nil {
		return err
	}
	d := w.deliver(ctx, c, func(ctx context.Context, archived bool) error { return w.Claims.Begin(ctx, c, w.Name, archived) })
	if d == nil {
		return nil
	}
	return w.report(ctx, w.Claims.judge(c.way, *d, int(w.away.Load())))
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

// deliver does one attempt. begin writes that the outcome is open. Nil means that
// somebody else has it.
func (w *Worker) deliver(ctx context.Context, c *Claim, begin func(ctx context.Context, archived bool) error) *bus.Delivery {
	d := &bus.Delivery{Outbound: c.Outbound, Attempt: c.Attempt, Worker: w.Name}
	if c.State != events.Plain {
		d.Outcome, d.Class = bus.Failed, "content_"+c.State.String()
		return d
	}
	leave, err := w.relay.enter(ctx, c.Domain)
	if err != nil {
		return nil // told to stop: nobody offered anything
	}
	defer leave()
	line, err := w.relay.take(ctx)
	if err != nil {
		return w.refused(d, err)
	}
	data, archived, err := line.offer(c, w.Relay.Archive)
	if err != nil {
		return w.ended(d, line, err)
	}
	// From here on a crash leaves the outcome open, so this comes first.
	if err := begin(ctx, archived); err != nil {
		line.drop() // without the dot the server has accepted nothing
		if errors.Is(err, ErrOver) {
			return nil
		}
		w.log.Warn("attempt not started", "outbound", c.Outbound, "error", err)
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
	w.log.Warn("connection lost after the final dot; outcome unknown", "outbound", c.Outbound)
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
