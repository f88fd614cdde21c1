package blobs_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/blobs"
)

func openStore(t testing.TB, dir string) *blobs.Store {
	t.Helper()
	s, err := blobs.Open(blobs.Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func digest(b []byte) events.Hash {
	sum := sha256.Sum256(b)
	return events.Hash(hex.EncodeToString(sum[:]))
}

func put(t testing.TB, s *blobs.Store, b []byte) events.Hash {
	t.Helper()
	if err := s.Put(t.Context(), digest(b), b); err != nil {
		t.Fatal(err)
	}
	return digest(b)
}

func list(t *testing.T, s *blobs.Store) map[events.Hash]int64 {
	t.Helper()
	out := map[events.Hash]int64{}
	err := s.Each(func(name events.Hash, size int64) error {
		out[name] = size
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFileComesBackAfterARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "blobs")
	s := openStore(t, dir)
	big := bytes.Repeat([]byte("sealed"), 100_000)
	want := map[events.Hash]int64{put(t, s, big): int64(len(big)), put(t, s, nil): 0}
	put(t, s, big) // again
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), digest(big)); !errors.Is(err, blobs.ErrClosed) {
		t.Errorf("get after close = %v, want ErrClosed", err)
	}
	s = openStore(t, dir)
	got, err := s.Get(t.Context(), digest(big))
	if err != nil || !bytes.Equal(got, big) {
		t.Errorf("get = %d bytes, %v", len(got), err)
	}
	if d := cmp.Diff(want, list(t, s)); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
	left, err := os.ReadDir(filepath.Join(dir, "tmp"))
	if err != nil || len(left) != 0 {
		t.Errorf("%d files are left in tmp (%v)", len(left), err)
	}
}

func TestDamagedFileIsReportedAndNeverReturned(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	name := put(t, s, []byte("sealed bytes"))
	path := filepath.Join(dir, string(name[:2]), string(name))
	if err := os.WriteFile(path, []byte("sealed bytez"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), name); !errors.Is(err, blobs.ErrCorrupt) || got != nil {
		t.Errorf("get = %q, %v; want ErrCorrupt", got, err)
	}
	// A file that a crash or a full disk cut short is put anew.
	if err := os.WriteFile(path, []byte("sea"), 0o600); err != nil {
		t.Fatal(err)
	}
	put(t, s, []byte("sealed bytes"))
	if _, err := s.Get(t.Context(), name); err != nil {
		t.Errorf("get after putting it again = %v", err)
	}
}

func TestNameThatIsNoDigestReachesNoFile(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, filepath.Join(dir, "blobs"))
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []events.Hash{"", "..", "../../secret", events.Hash(strings.Repeat("A", 64)), events.Hash("../" + strings.Repeat("a", 61))} {
		if _, err := s.Get(t.Context(), name); !errors.Is(err, blobs.ErrDigest) {
			t.Errorf("get %q = %v, want ErrDigest", name, err)
		}
		if err := s.Delete(t.Context(), name); !errors.Is(err, blobs.ErrDigest) {
			t.Errorf("delete %q = %v, want ErrDigest", name, err)
		}
	}
	if err := s.Put(t.Context(), digest([]byte("a")), []byte("b")); !errors.Is(err, blobs.ErrDigest) {
		t.Errorf("put under another name = %v, want ErrDigest", err)
	}
}

func TestMissingAndDeletedFiles(t *testing.T) {
	s := openStore(t, t.TempDir())
	name := put(t, s, []byte("x"))
	for range 2 {
		if err := s.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Get(t.Context(), name); !errors.Is(err, blobs.ErrMissing) {
		t.Errorf("get = %v, want ErrMissing", err)
	}
}

func TestManyPutAtTheSameTime(t *testing.T) {
	s := openStore(t, t.TempDir())
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			b := fmt.Appendf(nil, "file %d", i%20) // everything twice
			if err := s.Put(t.Context(), digest(b), b); err != nil {
				t.Error(err)
				return
			}
			if got, err := s.Get(t.Context(), digest(b)); err != nil || !bytes.Equal(got, b) {
				t.Errorf("get = %q, %v", got, err)
			}
		})
	}
	wg.Wait()
	if n := len(list(t, s)); n != 20 {
		t.Errorf("%d files, want 20", n)
	}
}

func TestHalfWrittenFileOfACrashIsRemovedInTime(t *testing.T) {
	dir := t.TempDir()
	openStore(t, dir)
	for name, age := range map[string]time.Duration{"old": 2 * time.Hour, "new": 0} {
		path := filepath.Join(dir, "tmp", name)
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	s := openStore(t, dir)
	left, err := os.ReadDir(filepath.Join(dir, "tmp"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range left {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, []string{"new"}) {
		t.Errorf("tmp holds %v, want the new one, which somebody may be writing", names)
	}
	if len(list(t, s)) != 0 {
		t.Error("a half written file is listed")
	}
}

func TestFullDiskIsSaidPlainlyAndLeavesNothingHalf(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
	s := openStore(t, dir)
	small, large := bytes.Repeat([]byte("s"), 1000), bytes.Repeat([]byte("l"), 512<<10)
	name := put(t, s, small)
	if err := s.Put(t.Context(), digest(large), large); !errors.Is(err, blobs.ErrDiskFull) {
		t.Errorf("put = %v, want ErrDiskFull", err)
	}
	if _, err := s.Get(t.Context(), digest(large)); !errors.Is(err, blobs.ErrMissing) {
		t.Errorf("get after a failed put = %v, want ErrMissing", err)
	}
	if err := s.Delete(t.Context(), name); err != nil {
		t.Errorf("delete on a full disk = %v", err)
	}
	put(t, s, bytes.Repeat([]byte("m"), 64<<10)) // the failed put gave its room back
}

func BenchmarkPut(b *testing.B) {
	s := openStore(b, b.TempDir())
	n := 0
	for b.Loop() {
		n++
		put(b, s, append(make([]byte, 100_000), fmt.Sprint(n)...))
	}
}

func BenchmarkPutShared(b *testing.B) {
	s := openStore(b, b.TempDir())
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			id := events.NewUUID()
			put(b, s, append(make([]byte, 100_000), id[:]...))
		}
	})
}
