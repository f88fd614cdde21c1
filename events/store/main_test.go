package store_test

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/westshore/hub/events/node"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/events/store/storetest"
)

// TestEmbeddedNode runs the conformance suite against the embedded node.
func TestEmbeddedNode(t *testing.T) {
	both(t, func(t *testing.T, batch bool) {
		t.Parallel()
		storetest.Run(t, func(t *testing.T) *store.Store {
			n := startNode(t, node.Config{Dir: t.TempDir()})
			return openStore(t, store.Config{URL: n.ConnectionString(), Socket: n.SocketPath(), Batch: batch})
		})
	})
}

// TestServer runs it against any server: HUB_ESDB=esdb://host:2113?tls=false.
// Without one a node over TCP with TLS and a password stands in, so that this
// road is walked in every run.
func TestServer(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) *store.Store {
		url := os.Getenv("HUB_ESDB")
		if url == "" {
			cert, key := certificate(t)
			n := startNode(t, node.Config{
				Dir: t.TempDir(), Listen: "127.0.0.1:0", TLSCert: cert, TLSKey: key, User: "hub", Password: "secret",
			})
			url = "esdb://hub:secret@" + n.Addr() + "?tls=true&tlsCAFile=" + cert
		}
		return openStore(t, store.Config{URL: url})
	})
}

// startNode starts a node that ends with the test.
func startNode(t testing.TB, cfg node.Config) *node.Node {
	t.Helper()
	cfg.Logger = logger(t)
	n, err := node.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopNode(t, n) })
	return n
}

// openStore opens a store that ends with the test, with nothing in flight.
func openStore(t testing.TB, cfg store.Config) *store.Store {
	t.Helper()
	cfg.Logger = logger(t)
	s, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// logger prints what is worth a warning when HUB_TEST_LOG is set.
func logger(t testing.TB) *slog.Logger {
	if os.Getenv("HUB_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func stopNode(t testing.TB, n *node.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := n.Stop(ctx); err != nil {
		t.Errorf("stop node: %v", err)
	}
}

// patience bounds what a test waits for.
const patience = 30 * time.Second
