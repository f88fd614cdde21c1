package notifier

import (
	"context"
	"log/slog"

	"github.com/westshore/hub/events/bus"
)

// Courier delivers over SMTP for a worker in a process of its own, which gets its
// claims over the worker contract.
type Courier struct{ w *Worker }

// NewCourier returns one that keeps up to so many connections. Zero is 4.
func NewCourier(relay RelayConfig, connections int, log *slog.Logger) (*Courier, error) {
	if err := relay.Check(); err != nil {
		return nil, err
	}
	if connections == 0 {
		connections = 4
	}
	return &Courier{&Worker{Relay: relay, relay: newRelay(relay, connections), log: log.With("room", "notifier", "part", "courier")}}, nil
}

// Deliver does one attempt on a claim that has its bytes. It calls begin when the
// server has everything but the final dot, and takes the offer back when begin
// fails. ok is false when the attempt is somebody else's, which begin says with
// ErrOver. Outbound and Attempt of the result are the claim's.
func (c *Courier) Deliver(ctx context.Context, claim *Claim, begin func(ctx context.Context, archived bool) error) (d bus.Delivery, ok bool) {
	out := c.w.deliver(ctx, claim, begin)
	if out == nil {
		return d, false
	}
	return *out, true
}

// Close ends the idle connections.
func (c *Courier) Close() { c.w.relay.close() }
