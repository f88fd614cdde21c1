package bus

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
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
	// AckWait is how long nothing may be heard of a message before it is handed
	// out again; a handler at work is heard of. Zero is 15 s.
	AckWait time.Duration
	// MaxDeliver is how often a message is tried before it goes to the
	// dead-letter stream. Zero is 10.
	MaxDeliver int
}

// Forever is the MaxDeliver of what is nowhere else: a store that is away for days
// must not turn it into dead letters, which end. A Permanent error still does.
const Forever = math.MaxInt

// A Permanent error says that trying again is no use: the message goes to the
// dead-letter stream at once.
type Permanent struct{ Err error }

func (p *Permanent) Error() string { return p.Err.Error() }
func (p *Permanent) Unwrap() error { return p.Err }

// lane is how many messages may wait for one worker.
const lane = 4

// Consume hands each message to the handler until ctx ends, and acknowledges it
// when the handler returns nil. Messages with the same Key are handled one after
// the other, in the order they were published. A message whose handler failed
// comes again after a growing pause. Consume returns nil when ctx ended and every
// handler is done.
func (b *Bus) Consume(ctx context.Context, c Consumer, handle func(context.Context, Message) error) error {
	if c.Workers == 0 {
		c.Workers = 1
	}
	if c.AckWait == 0 {
		c.AckWait = 15 * time.Second
	}
	if c.MaxDeliver == 0 {
		c.MaxDeliver = 10
	}
	l := lanes{keyed: make([]chan jetstream.Msg, c.Workers), open: make(chan jetstream.Msg)}
	var workers sync.WaitGroup
	for i := range l.keyed {
		l.keyed[i] = make(chan jetstream.Msg, lane)
		workers.Go(func() {
			for m, ok := l.next(i); ok; m, ok = l.next(i) {
				b.handle(ctx, c, m, handle)
			}
		})
	}
	err := b.fetch(ctx, c, l)
	for _, k := range l.keyed {
		close(k)
	}
	workers.Wait()
	return err
}

// lanes bring messages to workers: those with a key to the one worker of that key,
// the others to whoever is free, so that none waits behind a slow one.
type lanes struct {
	keyed []chan jetstream.Msg
	open  chan jetstream.Msg // never closed, holds nothing
}

// next takes worker i's next message; false when there will be none.
func (l lanes) next(i int) (jetstream.Msg, bool) {
	select {
	case m, ok := <-l.keyed[i]:
		return m, ok
	case m := <-l.open:
		return m, true
	}
}

// give hands a message to a worker, waiting for room.
func (l lanes) give(ctx context.Context, m jetstream.Msg) error {
	to := l.open
	if key := m.Headers().Get(keyHeader); key != "" {
		h := fnv.New32a()
		_, _ = h.Write([]byte(key))
		to = l.keyed[int(h.Sum32())%len(l.keyed)]
	}
	select {
	case to <- m:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fetch pulls messages into the channel until ctx ends, through restarts of the
// server and losses of the consumer.
func (b *Bus) fetch(ctx context.Context, c Consumer, l lanes) error {
	pause := 100 * time.Millisecond
	for ctx.Err() == nil {
		err := b.pull(ctx, c, l)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // ctx ended, and with it the fetching
		}
		b.log.Warn("consumer interrupted", "stream", c.Stream, "error", err)
		wait(ctx, pause)
		pause = min(2*pause, 5*time.Second)
	}
	return nil
}

func (b *Bus) pull(ctx context.Context, c Consumer, l lanes) error {
	if err := b.ensure(ctx); err != nil {
		return err
	}
	if err := b.reclaim(ctx, c); err != nil {
		return err
	}
	cons, err := b.js.CreateOrUpdateConsumer(ctx, string(c.Stream), jetstream.ConsumerConfig{
		Durable: c.Name, AckPolicy: jetstream.AckExplicitPolicy, AckWait: c.AckWait,
		MaxAckPending: (lane + 3) * c.Workers, MaxDeliver: -1,
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
		if err := l.give(ctx, m); err != nil {
			return err
		}
	}
}

// reclaim forgets, once after the start of an embedded server, what an earlier
// process had been handed and not acknowledged: nobody else can have it, so it
// comes again at once and in order, not when AckWait ends.
func (b *Bus) reclaim(ctx context.Context, c Consumer) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := string(c.Stream) + "/" + c.Name
	if b.server == nil || b.reclaimed[name] {
		return nil
	}
	err := b.js.DeleteConsumer(ctx, string(c.Stream), c.Name)
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fmt.Errorf("reclaim messages: %w", err)
	}
	b.reclaimed[name] = true
	return nil
}

func (b *Bus) handle(ctx context.Context, c Consumer, m jetstream.Msg, handle func(context.Context, Message) error) {
	delivered := 1
	if meta, err := m.Metadata(); err == nil {
		delivered = int(meta.NumDelivered)
	}
	msg, err := decode(m.Data())
	if err != nil {
		// The text of a JSON error may quote the message: say only where it came from.
		err = &Permanent{errors.New("not a CloudEvent")}
	} else {
		msg.To, msg.Deliveries = Subject(m.Subject()), delivered
		err = b.working(c, m, func() error { return b.insist(ctx, m, msg, handle) })
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

// inPlace is how often a message with a key is tried where it is, before it is
// handed back.
const inPlace = 12

// insist tries a message with a key again where it is: handed back, it would be
// overtaken by the next one of its key.
func (b *Bus) insist(ctx context.Context, m jetstream.Msg, msg Message, handle func(context.Context, Message) error) error {
	for try := 1; ; try++ {
		err := handle(ctx, msg)
		var permanent *Permanent
		if err == nil || ctx.Err() != nil || errors.As(err, &permanent) || m.Headers().Get(keyHeader) == "" || try == inPlace {
			return err
		}
		b.log.Warn("message not handled, will retry in place", "subject", m.Subject(), "try", try, "error", err)
		wait(ctx, backoff(try))
	}
}

// working does something about a message and meanwhile tells the server so.
func (b *Bus) working(c Consumer, m jetstream.Msg, do func() error) error {
	beat := c.AckWait / 3
	var timer *time.Timer
	var mu sync.Mutex
	mu.Lock() // the first beat may not come before timer is set
	timer = time.AfterFunc(beat, func() {
		mu.Lock()
		defer mu.Unlock()
		if timer != nil && m.InProgress() == nil {
			timer.Reset(beat)
		}
	})
	mu.Unlock()
	defer func() {
		mu.Lock()
		defer mu.Unlock()
		timer.Stop()
		timer = nil
	}()
	return do()
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
