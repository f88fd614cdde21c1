// Package recorder is the hall between the doors and the log: it takes what the
// bus carries and writes it to the journal.
//
// It promises that an inquiry is recorded once however often it is delivered
// (its id comes from where it came from, its stream must not exist), and that the
// result of a delivery attempt is recorded once and only on the attempt it
// belongs to. A message is acknowledged on the bus only after the journal has it.
//
// It never opens a sealed segment and never decides anything.
package recorder

import (
	"context"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/bus"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/store"
)

// Config says what the recorder stands on.
type Config struct {
	Bus     *bus.Bus
	Journal *journal.Journal
	Workers int // messages recorded at a time; 64 when zero
	Logger  *slog.Logger
}

// Recorder moves messages from the bus to the journal.
type Recorder struct {
	cfg Config
	log *slog.Logger
}

// New returns a recorder.
func New(cfg Config) *Recorder {
	if cfg.Workers == 0 {
		cfg.Workers = 64
	}
	return &Recorder{cfg: cfg, log: cfg.Logger.With("room", "recorder")}
}

// Run records until ctx ends.
func (r *Recorder) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for stream, record := range map[bus.Stream]func(context.Context, bus.Message) error{
		bus.Inquiries:  r.inquiry,
		bus.Deliveries: r.delivery,
	} {
		g.Go(func() error {
			return r.cfg.Bus.Consume(ctx, bus.Consumer{
				Stream: stream, Name: "recorder", Workers: r.cfg.Workers, MaxDeliver: bus.Forever,
			}, record)
		})
	}
	return g.Wait()
}

// inquiry records what a door sealed. The same inquiry again is the same event,
// so the store answers as it did the first time.
func (r *Recorder) inquiry(ctx context.Context, m bus.Message) error {
	env, err := m.Envelope()
	if err != nil {
		return &bus.Permanent{Err: err}
	}
	if env.Type != events.WireType(events.InquiryReceived{}) || env.Stream.Family() != "inquiry" {
		return &bus.Permanent{Err: errNotInquiry}
	}
	_, err = r.cfg.Journal.Record(ctx, events.NoStream, env)
	return r.settled(ctx, env, err)
}

// settled turns the store's refusals that no repetition can change into success
// or a dead letter.
func (r *Recorder) settled(ctx context.Context, env events.Envelope, err error) error {
	if _, exists := store.IsConflict(err); exists {
		// The stream begins with another sealing of the same inquiry: a door
		// that crashed between sealing and its bookmark sealed it twice.
		first, ok, readErr := r.cfg.Journal.At(ctx, env.Stream, 0)
		if readErr != nil {
			return readErr
		}
		if ok && first.ID == env.ID {
			return nil
		}
		return &bus.Permanent{Err: errOther}
	}
	if store.IsTooLarge(err) {
		return &bus.Permanent{Err: err}
	}
	return err
}

// delivery records the result of an attempt as the worker reported it.
func (r *Recorder) delivery(ctx context.Context, m bus.Message) error {
	result, err := bus.DeliveryOf(m)
	if err != nil {
		return &bus.Permanent{Err: err}
	}
	stream := events.OutboundStream(result.Outbound)
	by := journal.By{
		Command: events.DeriveUUID("delivery", m.ID), Actor: events.Actor("worker:" + result.Worker), At: m.Time,
	}
	_, err = r.cfg.Journal.Execute(ctx, stream, by, func(history []events.Recorded) ([]events.Event, error) {
		if !awaits(history, result.Attempt) {
			r.log.Warn("result of an attempt that is over, ignored", "outbound", result.Outbound, "attempt", result.Attempt, "outcome", result.Outcome)
			return nil, nil
		}
		e, err := result.Event()
		if err != nil {
			return nil, &bus.Permanent{Err: err}
		}
		return []events.Event{e}, nil
	})
	return err
}

// awaits reports whether the attempt is the newest and has no result yet, or was
// given up as unknown: a late certain answer is better than none.
func awaits(history []events.Recorded, attempt int) bool {
	current, open := 0, false
	for _, rec := range history {
		switch e := rec.Event.(type) {
		case events.DeliveryAttempted:
			current, open = e.Attempt, true
		case events.DeliveryAccepted, events.DeliveryDeferred, events.DeliveryFailed,
			events.DeliveryResolved, events.MessageBounced, events.MessageCancelled, events.DeliveryRetried:
			open = false
		}
	}
	return open && current == attempt
}
