package ledger_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events/node/ledger"
)

var update = flag.Bool("update", false, "write the golden file of syncs anew")

// TestSyncs lists every file that is made and every sync, step by step: what an
// acknowledgement rests on must not change without somebody noticing.
func TestSyncs(t *testing.T) {
	var mu sync.Mutex
	var out strings.Builder
	fs := vfs.WithLogging(vfs.NewMem(), func(format string, args ...any) {
		op := fmt.Sprintf(format, args...)
		if kind, _, _ := strings.Cut(op, ":"); kind != "sync" && kind != "sync-data" && kind != "create" && kind != "reuseForWrite" {
			return
		}
		if strings.Contains(op, "sstable") {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		out.WriteString("  " + op + "\n")
	})
	step := func(name string) {
		mu.Lock()
		defer mu.Unlock()
		out.WriteString(name + "\n")
	}
	step("open an empty folder")
	l, err := ledger.Open(ledger.Config{Dir: "ledger", FS: fs, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	step("append one event")
	put(t, l, "a", ledger.NoStream, event(1))
	step("append a hundred events")
	put(t, l, "a", 0, events(2, 100)...)
	step("refuse an append")
	if _, err := l.Append(t.Context(), "a", 5, events(500, 1)); err == nil {
		t.Fatal("a wrong revision was taken")
	}
	step("repeat an append")
	put(t, l, "a", ledger.NoStream, event(1))
	step("read everything")
	all(t, l)
	step("close")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "syncs.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("syncs (-want +got); go test -update writes them anew:\n%s", diff)
	}
}
