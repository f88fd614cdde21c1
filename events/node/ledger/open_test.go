package ledger_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/westshore/hub/events/node/ledger"
)

// tryOpen opens a ledger that is expected not to open.
func tryOpen(t *testing.T, dir string) error {
	t.Helper()
	l, err := ledger.Open(ledger.Config{Dir: dir, Logger: quiet})
	if err == nil {
		_ = l.Close()
	}
	return err
}

func TestOpenRefusesAFolderInUse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	l, err := ledger.Open(ledger.Config{Dir: dir, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if err := tryOpen(t, dir); !errors.Is(err, ledger.ErrLocked) {
		t.Errorf("second open: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := tryOpen(t, dir); err != nil {
		t.Errorf("open after close: %v", err)
	}
}

func TestOpenRefusesForeignFolders(t *testing.T) {
	files := t.TempDir()
	if err := os.WriteFile(filepath.Join(files, "photo.jpg"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := tryOpen(t, files); !errors.Is(err, ledger.ErrForeign) {
		t.Errorf("folder of files: %v", err)
	}
	if left, _ := os.ReadDir(files); len(left) != 1 {
		t.Errorf("a foreign folder was touched: %d files", len(left))
	}
	other := t.TempDir()
	writeCounters(t, other, []byte("what"), []byte("someone else's store"))
	if err := tryOpen(t, other); !errors.Is(err, ledger.ErrForeign) {
		t.Errorf("another pebble store: %v", err)
	}
}

type pebbleQuiet struct{}

func (pebbleQuiet) Infof(string, ...any)  {}
func (pebbleQuiet) Errorf(string, ...any) {}
func (pebbleQuiet) Fatalf(string, ...any) {}

// writeCounters puts one key into the Pebble store in dir.
func writeCounters(t *testing.T, dir string, key, value []byte) {
	t.Helper()
	db, err := pebble.Open(dir, &pebble.Options{FormatMajorVersion: pebble.FormatTableFormatV6, Logger: pebbleQuiet{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Set(key, value, pebble.Sync); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefusesNewerFormats(t *testing.T) {
	dir := t.TempDir()
	writeCounters(t, dir, []byte{'G'}, append([]byte("wshl\x00\x00\x00\x02"), make([]byte, 64)...))
	if err := tryOpen(t, dir); !errors.Is(err, ledger.ErrNewer) {
		t.Errorf("newer format of ours: %v", err)
	}
	dir = t.TempDir()
	if err := tryOpen(t, dir); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries(t, dir, "marker.format-version.") {
		if err := os.Rename(e, filepath.Join(dir, "marker.format-version.000999.999")); err != nil {
			t.Fatal(err)
		}
	}
	if err := tryOpen(t, dir); !errors.Is(err, ledger.ErrNewer) {
		t.Errorf("newer format of Pebble: %v", err)
	}
}

func entries(t *testing.T, dir, prefix string) (out []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if strings.HasPrefix(e.Name(), prefix) {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	if len(out) == 0 {
		t.Fatalf("no %s* in the folder", prefix)
	}
	return out
}

func TestOpenReportsDamage(t *testing.T) {
	dir := t.TempDir()
	if err := tryOpen(t, dir); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries(t, dir, "MANIFEST-") {
		if err := os.WriteFile(e, []byte(strings.Repeat("garbage ", 200)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := tryOpen(t, dir); !errors.Is(err, ledger.ErrCorrupt) {
		t.Errorf("damaged manifest: %v", err)
	}
}

// TestDamageIsNoticed turns bits in the middle of each kind of file.
func TestDamageIsNoticed(t *testing.T) {
	for _, suffix := range []string{".log", ".sst"} {
		t.Run(suffix, func(t *testing.T) {
			dir := t.TempDir()
			l, err := ledger.Open(ledger.Config{Dir: dir, Logger: quiet})
			if err != nil {
				t.Fatal(err)
			}
			for n := range 50 {
				put(t, l, "s", ledger.Expected(n*20-1), events(n*20, 20)...)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if suffix == ".sst" { // opening moves what the WAL holds to a table
				if err := tryOpen(t, dir); err != nil {
					t.Fatal(err)
				}
			}
			flip(t, dir, suffix)
			if l, err = ledger.Open(ledger.Config{Dir: dir, Logger: quiet}); errors.Is(err, ledger.ErrCorrupt) {
				return
			}
			if err != nil {
				t.Fatalf("open: %v", err)
			}
			n := 0
			_, _, err = l.ScanAll(0, func(ledger.Record) bool { n++; return true })
			if err == nil {
				t.Errorf("%d events of 1000 were read as if all were well", n)
			}
			if !errors.Is(l.Err(), ledger.ErrCorrupt) {
				t.Errorf("the ledger says %v", l.Err())
			}
			_ = l.Close()
		})
	}
}

// flip turns the bits of a stretch in the middle of the largest file of a kind.
func flip(t *testing.T, dir, suffix string) {
	t.Helper()
	var largest string
	var size int64
	for _, e := range entries(t, dir, "0") {
		if info, err := os.Stat(e); err == nil && strings.HasSuffix(e, suffix) && info.Size() > size {
			largest, size = e, info.Size()
		}
	}
	data, err := os.ReadFile(largest)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(data) / 2; i < len(data)/2+64; i++ {
		data[i] ^= 0xff
	}
	if err := os.WriteFile(largest, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOpenIsFastOnAnEmptyFolder(t *testing.T) {
	best := time.Hour
	for range 3 {
		began := time.Now()
		if err := tryOpen(t, filepath.Join(t.TempDir(), "ledger")); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(began))
	}
	t.Logf("open and close: %v", best)
	if best > time.Second {
		t.Errorf("opening and closing an empty ledger took %v", best)
	}
}

func TestClosedLedgerSaysSo(t *testing.T) {
	l, err := ledger.Open(ledger.Config{Dir: "l", FS: vfs.NewMem(), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), "s", ledger.Any, events(1, 1)); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("append: %v", err)
	}
	if _, err := l.Stream("s"); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("stream: %v", err)
	}
	if _, _, err := l.ScanAll(0, nil); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("scan: %v", err)
	}
}
