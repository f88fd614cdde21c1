// Package journaltest gives tests a real journal: the embedded event node over
// its socket, the guarded client, the vault and the blob store, all in a
// temporary folder. There is no fake.
package journaltest

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/westshore/hub/events/blobs"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/node"
	"github.com/westshore/hub/events/seal"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/events/vault"
)

// Kit is a journal with what it stands on.
type Kit struct {
	*journal.Journal
	Vault  *vault.Vault
	Sealer *seal.Sealer
	Store  *store.Store
	Blobs  *blobs.Store
	Logger *slog.Logger
	Dir    string
	// Scavenge has the event node reclaim what readers cannot see any more.
	Scavenge func(context.Context) error
}

// New starts a journal that ends with the test.
func New(t testing.TB) *Kit {
	t.Helper()
	k := &Kit{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}
	if os.Getenv("HUB_TEST_LOG") != "" {
		k.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	n, err := node.Start(t.Context(), node.Config{Dir: filepath.Join(k.Dir, "node"), Logger: k.Logger})
	must(t, err)
	k.Scavenge = func(ctx context.Context) error {
		_, err := n.Scavenge(ctx, nil)
		return err
	}
	k.Store, err = store.Open(t.Context(), store.Config{URL: n.ConnectionString(), Socket: n.SocketPath(), Batch: true, Logger: k.Logger})
	must(t, err)
	k.Vault, err = vault.Open(t.Context(), vault.Config{Dir: filepath.Join(k.Dir, "vault"), KeyFile: filepath.Join(k.Dir, "root.key"), Logger: k.Logger})
	must(t, err)
	k.Blobs, err = blobs.Open(blobs.Config{Dir: filepath.Join(k.Dir, "blobs"), Logger: k.Logger})
	must(t, err)
	k.Sealer = seal.New(k.Vault, seal.Files{Put: k.Blobs.Put, Get: k.Blobs.Get})
	k.Journal = journal.New(journal.Config{Store: k.Store, Sealer: k.Sealer, Logger: k.Logger})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = k.Store.Close()
		_ = n.Stop(ctx)
		_ = k.Vault.Close()
		_ = k.Blobs.Close()
	})
	return k
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
