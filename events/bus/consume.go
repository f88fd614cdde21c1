package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Consumer says what to read and how hard to try.
type Consumer struct {
	Stream Stream
	Name   string // durable: the place in the stream outlives the process
	// Workers is how many messages are handled at a time. Zero is 1.
	Workers int
	// AckWait is how long a handler may take before the message is handed out
	// again. Zero is 30 s.
	AckWait time.Duration
	// MaxDeliver is how often a message is tried before it goes to the
	// dead-letter stream. Zero is 10.
	MaxDeliver int
}

// A Permanent error says that trying again is no use: the message goes to the
// dead-letter stream at once.
type Permanent struct{ Err error }

func (p *Permanent) Error() string { return p.Err.Error() }
func (p *Permanent) Unwrap() error { return p.Err }

// Consume hands each message to the handler until ctx ends, and acknowledges it
// when the handler returns nil. A message whose handler failed comes again after
// a growing pause. Consume returns nil when ctx ended and every handler is done.
func (b *Bus) Consume(ctx context.Context, c Consumer, handle func(context.Context, Message) error) error {
	if c.Workers == 0 {
		c.Workers = 1
	}
	if c.AckWait == 0 {
		c.AckWait = 30 * time.Second
	}
	if c.MaxDeliver == 0 {
		c.MaxDeliver = 10
	}
	msgs := make(chan jetstream.Msg)
	var workers sync.WaitGroup
	for range c.Workers {
		workers.Go(func() {
			for m := range msgs {
				b.handle(ctx, c, m, handle)
			}
		})
	}
	err := b.fetch(ctx, c, msgs)
	close(msgs)
	workers.Wait()
	return err
}

// fetch pulls messages into the channel until ctx ends, through restarts of the
// server and losses of the consumer.
func (b *Bus) fetch(ctx context.Context, c Consumer, out chan<- jetstream.Msg) error {
	pause := 100 * time.Millisecond
	for ctx.Err() == nil {
		err := b.pull(ctx, c, out)
		if ctx.Err() != nil {
			return nil
		}
		b.log.Warn("consumer interrupted", "stream", c.Stream, "error", err)
		wait(ctx, pause)
		pause = min(2*pause, 5*time.Second)
	}
	return nil
}

func (b *Bus) pull(ctx context.Context, c Consumer, out chan<- jetstream.Msg) error {
	if err := b.ensure(ctx); err != nil {
		return err
	}
	cons, err := b.js.CreateOrUpdateConsumer(ctx, string(c.Stream), jetstream.ConsumerConfig{
		Durable: c.Name, AckPolicy: jetstream.AckExplicitPolicy, AckWait: c.AckWait,
		MaxAckPending: 4 * c.Workers, MaxDeliver: -1,
	})
	if err != nil {
		return fmt.Errorf("create consumer: %w", err)
	}
	it, err := cons.Messages(jetstream.PullMaxMessages(2*c.Workers), jetstream.PullHeartbeat(5*time.Second))
	if err != nil {
		return fmt.Errorf("read consumer: %w", err)
	}
	stop := context.AfterFunc(ctx, it.Stop)
	defer stop()
	defer it.Stop()
	for {
		m, err := it.Next()
		if err != nil {
			return err
		}
		select {
		case out <- m:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (b *Bus) handle(ctx context.Context, c Consumer, m jetstream.Msg, handle func(context.Context, Message) error) {
	delivered := 1
	if meta, err := m.Metadata(); err == nil {
		delivered = int(meta.NumDelivered)
	}
	var msg Message
	err := json.Unmarshal(m.Data(), &msg)
	if err != nil {
		// The text of a JSON error may quote the message: say only where it came from.
		err = &Permanent{errors.New("not a CloudEvent")}
	} else {
		msg.To, msg.Deliveries = Subject(m.Subject()), delivered
		err = handle(ctx, msg)
	}
	if err == nil {
		if err := m.Ack(); err != nil {
			b.log.Warn("ack lost, the message will come again", "subject", m.Subject(), "error", err)
		}
		return
	}
	if ctx.Err() != nil {
		_ = m.Nak() // let another worker have it at once; lost or not, AckWait covers it
		return
	}
	var permanent *Permanent
	if errors.As(err, &permanent) || delivered >= c.MaxDeliver {
		b.bury(ctx, c, m, err)
		return
	}
	b.log.Warn("message not handled, will retry", "subject", m.Subject(), "delivered", delivered, "error", err)
	if err := m.NakWithDelay(backoff(delivered)); err != nil {
		b.log.Warn("nak lost", "subject", m.Subject(), "error", err)
	}
}

// bury moves a message that cannot be handled to the dead-letter stream, and
// only then takes it off its own.
func (b *Bus) bury(ctx context.Context, c Consumer, m jetstream.Msg, cause error) {
	dm := nats.NewMsg(string(dead(c.Stream)))
	dm.Data = m.Data()
	dm.Header.Set("Hub-Subject", m.Subject())
	dm.Header.Set("Hub-Reason", cause.Error())
	if _, err := b.js.PublishMsg(ctx, dm); err != nil {
		b.log.Error("dead letter not stored, message stays in its queue", "subject", m.Subject(), "error", err)
		_ = m.NakWithDelay(backoff(10))
		return
	}
	b.log.Error("message moved to the dead letters", "subject", m.Subject(), "error", cause)
	if err := m.TermWithReason("moved to dead letters"); err != nil {
		b.log.Warn("term lost, the message will come again", "subject", m.Subject(), "error", err)
	}
}

// backoff grows from 50 ms to 30 s.
func backoff(delivered int) time.Duration {
	return min(50*time.Millisecond<<min(delivered, 10), 30*time.Second)
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
