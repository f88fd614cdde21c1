package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Config says where the bus is.
type Config struct {
	// URL of a NATS server or cluster; empty runs one inside the process.
	URL string
	// Dir keeps the embedded server's streams.
	Dir string
	// Replicas of each stream on a cluster: 1, 3 or 5. Zero is 1.
	Replicas int
	// InFlight bounds publishes that wait for their acknowledgement. Zero is 256.
	InFlight int

	Logger *slog.Logger
}

// Bus is a connection to NATS and the streams of the house on it.
type Bus struct {
	cfg    Config
	log    *slog.Logger
	server *server.Server // nil when the bus is elsewhere
	conn   *nats.Conn
	js     jetstream.JetStream

	mu        sync.Mutex
	ready     bool
	reclaimed map[string]bool // consumers of the embedded server, see reclaim
}

// Open connects to the bus, or starts the embedded server. A server that is away
// is no error: publishing fails until it is back, and consumers wait for it.
func Open(ctx context.Context, cfg Config) (*Bus, error) {
	if cfg.InFlight == 0 {
		cfg.InFlight = 256
	}
	if cfg.Replicas == 0 {
		cfg.Replicas = 1
	}
	b := &Bus{cfg: cfg, log: cfg.Logger.With("room", "bus"), reclaimed: map[string]bool{}}
	opts := []nats.Option{
		nats.Name("hub"), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				b.log.Warn("bus connection lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { b.log.Info("bus connection back") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { b.log.Warn("bus error", "error", err) }),
	}
	url := cfg.URL
	if url == "" {
		if err := b.embed(); err != nil {
			return nil, err
		}
		opts = append(opts, nats.InProcessServer(b.server))
	}
	var err error
	if b.conn, err = nats.Connect(url, opts...); err != nil {
		b.stopServer()
		return nil, fmt.Errorf("connect bus: %w", err)
	}
	if b.js, err = jetstream.New(b.conn, jetstream.WithPublishAsyncMaxPending(cfg.InFlight)); err != nil {
		b.conn.Close()
		b.stopServer()
		return nil, fmt.Errorf("open jetstream: %w", err)
	}
	if err := b.ensure(ctx); err != nil {
		if b.server != nil {
			b.Close()
			return nil, err
		}
		b.log.Warn("bus is away, waiting for it", "error", err)
	}
	return b, nil
}

// embed starts a NATS server that no port leads to, syncing every write.
func (b *Bus) embed() error {
	b.dropHalfMade()
	opts := &server.Options{
		ServerName: "hub", DontListen: true, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: b.cfg.Dir, SyncAlways: true,
		JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 1 << 40, MaxPayload: 8 << 20,
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return fmt.Errorf("start embedded bus: %w", err)
	}
	s.SetLoggerV2(serverLog{b.log}, false, false, false)
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		s.Shutdown()
		return errors.New("start embedded bus: not ready after 10 s; is its folder in use or the disk full?")
	}
	b.server = s
	return nil
}

// dropHalfMade removes consumers that a crash left half made: they would be
// complained about at every start, and are made anew when they are used.
func (b *Bus) dropHalfMade() {
	made, _ := filepath.Glob(filepath.Join(b.cfg.Dir, "jetstream", "*", "streams", "*", "obs", "*"))
	for _, dir := range made {
		if _, err := os.Stat(filepath.Join(dir, "meta.sum")); os.IsNotExist(err) {
			if err := os.RemoveAll(dir); err != nil {
				b.log.Warn("half-made consumer not removed", "error", err)
			}
		}
	}
}

// ensure creates the streams that are missing.
func (b *Bus) ensure(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ready {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for _, s := range []jetstream.StreamConfig{
		{Name: string(Inquiries), Subjects: []string{"hub.inquiry.>"}, Retention: jetstream.WorkQueuePolicy},
		{Name: string(Outbound), Subjects: []string{"hub.outbound.>"}, Retention: jetstream.WorkQueuePolicy},
		{Name: string(Deliveries), Subjects: []string{"hub.delivery.>"}, Retention: jetstream.WorkQueuePolicy},
		{Name: string(DeadLetter), Subjects: []string{"hub.dead.>"}, MaxAge: 7 * 24 * time.Hour},
		{Name: string(marks), Subjects: []string{string(markOf(">"))}, MaxMsgsPerSubject: 1},
	} {
		s.Storage, s.Replicas, s.Duplicates = jetstream.FileStorage, b.cfg.Replicas, 2*time.Minute
		s.AllowAtomicPublish = s.Retention == jetstream.WorkQueuePolicy
		if _, err := b.js.CreateOrUpdateStream(ctx, s); err != nil {
			return fmt.Errorf("create stream %s: %w", s.Name, err)
		}
	}
	b.ready = true
	return nil
}

// Ping reports whether the bus answers.
func (b *Bus) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := b.ensure(ctx); err != nil {
		return err
	}
	if err := b.conn.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("ping bus: %w", err)
	}
	return nil
}

// Depth counts the messages that wait in a stream.
func (b *Bus) Depth(ctx context.Context, s Stream) (uint64, error) {
	st, err := b.js.Stream(ctx, string(s))
	if err != nil {
		return 0, fmt.Errorf("look at stream %s: %w", s, err)
	}
	return st.CachedInfo().State.Msgs, nil
}

// Close drains the connection and stops the embedded server.
func (b *Bus) Close() {
	b.conn.Close()
	b.stopServer()
}

func (b *Bus) stopServer() {
	if b.server != nil {
		b.server.Shutdown()
		b.server.WaitForShutdown()
	}
}
