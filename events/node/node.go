package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/westshore/hub/events/node/ledger"
)

// Bounds of the server. The client pings every 10 s also without a call, which
// grpc-go's default enforcement would answer by closing the connection; it
// accepts messages up to 17 MiB.
const (
	DefaultMaxAppendBytes = 1 << 20
	maxMessageBytes       = 17 << 20
	maxStreams            = 4096
	streamWorkers         = 64 // goroutines kept for calls; their stacks have grown already
	pingEvery             = 10 * time.Second
	pingTimeout           = 10 * time.Second
	stopPatience          = 5 * time.Second
	greetPatience         = 3 * time.Second // for a connection that says nothing
)

// Config says where the node keeps its events and who may reach it.
type Config struct {
	Dir    string // the node's own folder; made if missing, mode 0700
	Listen string // "" for a Unix-domain socket, else host:port (port 0 picks one)

	TLSCert, TLSKey string // PEM files; both or none; only with Listen
	User, Password  string // basic authentication; only with TLS

	CacheBytes     int64 // block cache, used lazily; 0: 32 MiB
	MaxAppendBytes int   // sum over one append; 0: 1 MiB, as on the real server
	Logger         *slog.Logger
}

// Node is a running server.
type Node struct {
	cfg     Config
	log     *slog.Logger
	ledger  *ledger.Ledger
	server  *grpc.Server
	listen  net.Listener
	socket  string
	closing chan struct{}
	served  chan error
	readers sync.WaitGroup

	stopOnce sync.Once
	stopErr  error
}

// Start opens the ledger in cfg.Dir and listens. It is ready when it returns.
// The context bounds the start only. Errors: those of ledger.Open, a wrong
// Config, an address in use.
func Start(ctx context.Context, cfg Config) (*Node, error) {
	n, err := start(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("start event node: %w", err)
	}
	return n, nil
}

func start(ctx context.Context, cfg Config) (*Node, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if err := prepareDir(cfg.Dir); err != nil {
		return nil, err
	}
	l, err := ledger.Open(ledger.Config{
		Dir: filepath.Join(cfg.Dir, ledgerDir), CacheBytes: cfg.CacheBytes, Logger: cfg.Logger,
	})
	if err != nil {
		return nil, err
	}
	n := &Node{
		cfg: cfg, log: cfg.Logger.With("room", "node"), ledger: l,
		closing: make(chan struct{}), served: make(chan error, 1),
	}
	if err := n.open(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	go func() { n.served <- n.server.Serve(n.listen) }()
	n.log.Info("event node ready", "address", n.Addr(), "tls", cfg.TLSCert != "")
	return n, nil
}

func (cfg *Config) check() error {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.MaxAppendBytes <= 0 {
		cfg.MaxAppendBytes = DefaultMaxAppendBytes
	}
	cfg.MaxAppendBytes = min(cfg.MaxAppendBytes, 16<<20-10_000)
	switch {
	case cfg.Dir == "":
		return errors.New("no folder given")
	case (cfg.TLSCert == "") != (cfg.TLSKey == ""):
		return errors.New("tls needs both a certificate and a key")
	case cfg.TLSCert != "" && cfg.Listen == "":
		return errors.New("tls needs an address to listen on; the socket has none")
	case cfg.User != "" && cfg.TLSCert == "":
		return errors.New("a user needs tls: clients send no password without it")
	case cfg.User != "" && cfg.Password == "":
		return errors.New("the user has no password")
	}
	return nil
}

// open listens and builds the server.
func (n *Node) open(ctx context.Context) error {
	g := guard{n.log}
	options := []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(g.unary),
		grpc.ChainStreamInterceptor(g.stream),
		grpc.ForceServerCodecV2(frameCodec{}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingEvery, Timeout: pingTimeout}),
		grpc.ConnectionTimeout(greetPatience),
		grpc.MaxRecvMsgSize(maxMessageBytes),
		grpc.MaxSendMsgSize(maxMessageBytes),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.InitialWindowSize(1 << 20),
		grpc.InitialConnWindowSize(4 << 20),
		grpc.WriteBufferSize(128 << 10),
		grpc.WaitForHandlers(true),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.UnknownServiceHandler(unknownService),
	}
	if n.cfg.TLSCert != "" {
		creds, err := loadTLS(n.cfg.TLSCert, n.cfg.TLSKey)
		if err != nil {
			return err
		}
		options = append(options, grpc.Creds(creds))
	}
	if n.cfg.User != "" {
		a := newAuth(n.cfg.User, n.cfg.Password)
		options = append(options, grpc.ChainUnaryInterceptor(a.unary), grpc.ChainStreamInterceptor(a.stream))
	}
	if err := n.bind(ctx); err != nil {
		return err
	}
	n.server = grpc.NewServer(options...)
	streams.RegisterStreamsServer(n.server, &streamServer{
		ledger: n.ledger, closing: n.closing, maxAppend: n.cfg.MaxAppendBytes, readers: &n.readers,
	})
	gossip.RegisterGossipServer(n.server, &gossipServer{id: n.ledger.StoreID(), addr: n.listen.Addr()})
	serverfeatures.RegisterServerFeaturesServer(n.server, &featureServer{})
	return nil
}

// Addr is the path of the socket or the host:port listened on.
func (n *Node) Addr() string { return n.listen.Addr().String() }

// SocketPath is where a client connects, "" when the node listens on TCP. Give
// it to the client as Configuration.Address "unix:"+path after parsing
// ConnectionString.
func (n *Node) SocketPath() string { return n.socket }

// ConnectionString is what a client on this machine parses. It holds no password.
func (n *Node) ConnectionString() string {
	if n.socket != "" {
		return "esdb://localhost?tls=false"
	}
	return fmt.Sprintf("esdb://%s?tls=%t", localAddress(n.listen.Addr()), n.cfg.TLSCert != "")
}

// Failed is closed when the disk failed: everything answers Unavailable from
// then on, and only a restart helps. Err of the ledger has been logged.
func (n *Node) Failed() <-chan struct{} { return n.ledger.Failed() }

// Err says why the node failed, nil while it works.
func (n *Node) Err() error { return n.ledger.Err() }

// Backup writes a copy of everything acknowledged so far to dir, which must
// not exist yet, while the node goes on. The copy is a folder a node can be
// started on. On the same file system it is made of hard links and costs
// nearly nothing.
func (n *Node) Backup(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("back up event node: %w", err)
	}
	if err := n.ledger.Backup(filepath.Join(dir, ledgerDir)); err != nil {
		return fmt.Errorf("back up event node: %w", err)
	}
	return nil
}

// Scavenge removes from disk what readers of streams can't see any more, and
// tells progress, which may be nil, how far it is. See ledger.Scavenge.
func (n *Node) Scavenge(ctx context.Context, progress func(ledger.ScavengeReport)) (ledger.ScavengeReport, error) {
	r, err := n.ledger.Scavenge(ctx, progress)
	if err != nil {
		return r, fmt.Errorf("scavenge event node: %w", err)
	}
	return r, nil
}

// Stop ends subscriptions with Unavailable, lets calls in flight end until ctx
// does (at most 5 s), cuts what is left and closes the ledger. The second call
// returns what the first one did. Close clients first: v4.2.0 of the official
// one may panic otherwise.
func (n *Node) Stop(ctx context.Context) error {
	n.stopOnce.Do(func() { n.stopErr = n.stop(ctx) })
	return n.stopErr
}

func (n *Node) stop(ctx context.Context) error {
	close(n.closing)
	ctx, cancel := context.WithTimeout(ctx, stopPatience)
	defer cancel()
	graceful := make(chan struct{})
	go func() {
		n.server.GracefulStop()
		close(graceful)
	}()
	select {
	case <-graceful:
	case <-ctx.Done():
		n.server.Stop()
		<-graceful
	}
	err := <-n.served
	if errors.Is(err, grpc.ErrServerStopped) {
		err = nil
	}
	n.readers.Wait()
	n.unbind()
	if err := errors.Join(err, n.ledger.Close()); err != nil {
		return fmt.Errorf("stop event node: %w", err)
	}
	n.log.Info("event node stopped")
	return nil
}
