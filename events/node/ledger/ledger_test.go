package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events/node/ledger"
)

// TestNothingIsVisibleBeforeItIsDurable holds up an fsync and looks.
func TestNothingIsVisibleBeforeItIsDurable(t *testing.T) {
	var armed atomic.Bool
	syncing, release := make(chan struct{}, 1), make(chan struct{})
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if armed.Load() && (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) {
			select {
			case syncing <- struct{}{}:
			default:
			}
			<-release
		}
		return nil
	}))
	l, err := ledger.Open(ledger.Config{Dir: "l", FS: fs, Logger: quiet, Headers: 1})
	if err != nil {
		t.Fatal(err)
	}
	put(t, l, "old", ledger.NoStream, event(1))
	put(t, l, "other", ledger.NoStream, event(2)) // pushes "old" out of the cache of one
	head := l.Head()
	armed.Store(true)
	done := make(chan error, 2)
	for _, stream := range []string{"old", "new"} {
		go func() {
			_, err := l.Append(t.Context(), stream, ledger.Any, events(10, 2))
			done <- err
		}()
	}
	<-syncing
	if got := len(all(t, l)); got != 2 || l.Head() != head {
		t.Errorf("%d events, head %d: an event was visible before its fsync", got, l.Head())
	}
	for name, want := range map[string]int64{"old": 0, "new": -1, "other": 0} {
		s, err := l.Stream(name)
		if err != nil || s.Last != want {
			t.Errorf("%s: last is %d, want %d; %v", name, s.Last, want, err)
		}
	}
	armed.Store(false)
	close(release)
	if err := errors.Join(<-done, <-done); err != nil {
		t.Fatal(err)
	}
	if got := len(all(t, l)); got != 6 {
		t.Errorf("%d events after the fsync, want 6", got)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestMaxAgeHidesAndScavengeRemoves(t *testing.T) {
	now := time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC)
	l, err := ledger.Open(ledger.Config{Dir: "l", FS: vfs.NewMem(), Logger: quiet, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	put(t, l, "s", ledger.NoStream, events(1, 2)...)
	now = now.Add(time.Minute)
	put(t, l, "s", 1, events(3, 2)...)
	put(t, l, "$$s", ledger.NoStream, ledger.Event{ID: id(90), Type: "$metadata", JSON: true, Data: []byte(`{"$maxAge":30}`)})
	if diff := cmp.Diff([]int64{2, 3}, revisions(visible(t, l, "s"))); diff != "" {
		t.Error(diff)
	}
	now = now.Add(time.Minute)
	if got := visible(t, l, "s"); len(got) != 0 {
		t.Errorf("%d events after all expired", len(got))
	}
	if s, _ := l.Stream("s"); s.Missing() {
		t.Error("a stream whose events expired counts as missing")
	}
	report, err := l.Scavenge(t.Context(), nil)
	if diff := cmp.Diff(ledger.ScavengeReport{Streams: 2, Events: 3}, report); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if res := put(t, l, "s", 3, event(5)); res.Revision != 4 {
		t.Errorf("numbering goes on with %d", res.Revision)
	}
}

// TestScavenge keeps what must stay and takes the rest, in any number.
func TestScavenge(t *testing.T) {
	fs := vfs.NewMem()
	l := open(t, fs)
	meta := func(n int, data string) ledger.Event {
		return ledger.Event{ID: id(n), Type: "$metadata", JSON: true, Data: []byte(data)}
	}
	put(t, l, "many", ledger.NoStream, events(1000, 1300)...)
	put(t, l, "$$many", ledger.NoStream, meta(1, `{"$maxCount":1000}`))
	put(t, l, "$$many", 0, meta(2, `{"$maxCount":2}`))
	put(t, l, "soft", ledger.NoStream, events(1, 3)...)
	put(t, l, "plain", ledger.NoStream, events(1, 3)...)
	put(t, l, "hard", ledger.NoStream, events(1, 3)...)
	put(t, l, "$$hard", ledger.NoStream, meta(3, `{"x":1}`))
	if _, err := l.Delete(t.Context(), "soft", ledger.Any); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Tombstone(t.Context(), "hard", ledger.Any); err != nil {
		t.Fatal(err)
	}
	before := map[string]uint64{}
	for _, r := range all(t, l) {
		before[fmt.Sprintf("%s %d", r.Stream, r.Revision)] = r.Position
	}
	report, err := l.Scavenge(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, r := range all(t, l) {
		key := fmt.Sprintf("%s %d", r.Stream, r.Revision)
		left = append(left, key)
		if before[key] != r.Position {
			t.Errorf("%s moved from %d to %d", key, before[key], r.Position)
		}
	}
	want := []string{
		"many 1298", "many 1299", "$$many 1", "soft 2", "plain 0", "plain 1", "plain 2",
		"$$soft 0", fmt.Sprintf("hard %d", ledger.Tombstoned),
	}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Error(diff)
	}
	if report.Events != len(before)-len(want) {
		t.Errorf("reported %d of %d", report.Events, len(before)-len(want))
	}
	if again, err := l.Scavenge(t.Context(), nil); again.Events != 0 || err != nil {
		t.Errorf("a second scavenge removed %d; %v", again.Events, err)
	}
	if res := put(t, l, "soft", 2, event(50)); res.Revision != 3 {
		t.Errorf("numbering of the deleted stream goes on with %d", res.Revision)
	}
	next, _, err := l.ScanAll(before["many 5"], func(r ledger.Record) bool { return false })
	if err != nil || next != before["many 1298"]+1 {
		t.Errorf("a read from a removed position stops behind %d, want the next event, %d", next, before["many 1298"])
	}
}

// TestScavengeGoesOnWhereItWasStopped: the streams that a stopped scavenge did
// not get to come first, and all the others after them.
func TestScavengeGoesOnWhereItWasStopped(t *testing.T) {
	const streams = 300 // and as many of metadata, whose names come first
	fs := vfs.NewMem()
	first, err := ledger.Open(ledger.Config{Dir: "ledger", FS: fs, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	name := func(n int) string { return fmt.Sprintf("s-%03d", n) }
	for n := range streams {
		put(t, first, name(n), ledger.NoStream, events(n*10, 2)...)
		put(t, first, "$$"+name(n), ledger.NoStream, ledger.Event{ID: id(90_000 + n), Type: "$metadata", JSON: true, Data: []byte(`{"$maxCount":1}`)})
	}
	ctx, stop := context.WithCancel(t.Context())
	report, err := first.Scavenge(ctx, func(r ledger.ScavengeReport) {
		if r.Events == 260 {
			stop()
		}
	})
	if !errors.Is(err, context.Canceled) || report.Events < 260 || report.Events > 261 {
		t.Fatalf("stopped after %+v: %v", report, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	l := open(t, fs)
	put(t, l, name(0), 1, event(5000)) // hides another event in a stream that was done
	left, last := streams-report.Events, 0
	again, err := l.Scavenge(t.Context(), func(r ledger.ScavengeReport) {
		if r.Events == left && last < left && r.Streams > streams/2 {
			t.Errorf("what was left came only after %d streams", r.Streams)
		}
		last = r.Events
	})
	if want := (ledger.ScavengeReport{Streams: 2 * streams, Events: left + 1}); again != want || err != nil {
		t.Errorf("went on with %+v, want %+v; %v", again, want, err)
	}
	if whole, err := l.Scavenge(t.Context(), nil); whole != (ledger.ScavengeReport{Streams: 2 * streams}) || err != nil {
		t.Errorf("a third one did %+v, %v", whole, err)
	}
}

func TestBackupIsALedger(t *testing.T) {
	dir := t.TempDir()
	l, err := ledger.Open(ledger.Config{Dir: filepath.Join(dir, "a"), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	put(t, l, "s", ledger.NoStream, events(1, 10)...)
	if err := l.Backup(filepath.Join(dir, "b")); err != nil {
		t.Fatal(err)
	}
	if err := l.Backup(filepath.Join(dir, "b")); err == nil {
		t.Error("a backup was written over")
	}
	put(t, l, "s", 9, event(11))
	want := all(t, l)[:10]
	copied, err := ledger.Open(ledger.Config{Dir: filepath.Join(dir, "b"), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, all(t, copied)); diff != "" {
		t.Error(diff)
	}
	if copied.StoreID() != l.StoreID() {
		t.Error("the copy has another store id")
	}
	if err := errors.Join(copied.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestNamesThatCanNotBeWritten(t *testing.T) {
	l := open(t, vfs.NewMem())
	for name, want := range map[string]error{
		"": ledger.ErrInvalid, "$$": ledger.ErrInvalid, strings.Repeat("x", ledger.MaxNameBytes+1): ledger.ErrInvalid,
		"$all": ledger.ErrDenied, "$$$$s": ledger.ErrDenied,
	} {
		if _, err := l.Append(t.Context(), name, ledger.Any, events(1, 1)); !errors.Is(err, want) {
			t.Errorf("append to %.10q: %v", name, err)
		}
	}
	if _, err := l.Delete(t.Context(), "$$s", ledger.Any); !errors.Is(err, ledger.ErrDenied) {
		t.Errorf("delete metadata: %v", err)
	}
	put(t, l, "$$$all", ledger.NoStream, event(1))
	put(t, l, strings.Repeat("ü", ledger.MaxNameBytes/2), ledger.NoStream, event(2))
}

func TestAppendWhoseCallerLeftIsNotWritten(t *testing.T) {
	l := open(t, vfs.NewMem())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Append(ctx, "s", ledger.Any, events(1, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("append: %v", err)
	}
	put(t, l, "other", ledger.Any, event(2)) // is behind it in the queue
	if s, _ := l.Stream("s"); s.Last >= 0 {
		t.Error("it was written")
	}
}

func TestTooMuchQueuedIsRefused(t *testing.T) {
	l := open(t, vfs.NewMem())
	big := ledger.Event{ID: id(1), Type: "t", Data: make([]byte, 65<<20)}
	if _, err := l.Append(t.Context(), "s", ledger.Any, []ledger.Event{big}); !errors.Is(err, ledger.ErrBusy) {
		t.Errorf("append: %v", err)
	}
	put(t, l, "s", ledger.NoStream, event(2))
}
