package ledger_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/westshore/hub/events/node/ledger"
)

// acked remembers what the ledger acknowledged: stream and last revision.
// Whoever holds gate holds up the appenders between two appends.
type acked struct {
	gate sync.RWMutex
	mu   sync.Mutex
	last map[string]int64
	pos  uint64
}

func (a *acked) add(stream string, res ledger.Result) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last[stream] = res.Revision
	a.pos = max(a.pos, res.Position)
}

func (a *acked) snapshot() (map[string]int64, uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := map[string]int64{}
	for k, v := range a.last {
		out[k] = v
	}
	return out, a.pos
}

// appenders keeps writing batches of five to streams of their own until stop is
// closed or the ledger refuses.
func appenders(t *testing.T, l *ledger.Ledger, n int, a *acked, stop <-chan struct{}) (wait func()) {
	var wg sync.WaitGroup
	for w := range n {
		wg.Go(func() {
			stream, next := fmt.Sprintf("s-%d", w), 0
			for {
				select {
				case <-stop:
					return
				default:
				}
				a.gate.RLock()
				res, err := l.Append(t.Context(), stream, ledger.Expected(next-1), events(w*1_000_000+next, 5))
				a.gate.RUnlock()
				if err != nil {
					return
				}
				a.add(stream, res)
				next += 5
			}
		})
	}
	return wg.Wait
}

// verify checks a ledger after a crash: everything acknowledged is there, every
// append is whole, the log and the streams say the same, and appending goes on.
func verify(t *testing.T, l *ledger.Ledger, want map[string]int64) {
	t.Helper()
	inLog := map[string]int64{}
	for _, r := range all(t, l) {
		name := string(r.Stream)
		if have, ok := inLog[name]; ok && r.Revision != have+1 || !ok && r.Revision != 0 {
			t.Fatalf("%s: revision %d after %d", name, r.Revision, have)
		}
		inLog[name] = r.Revision
	}
	for name, last := range want {
		if inLog[name] < last {
			t.Errorf("%s: %d was acknowledged, %d is there", name, last, inLog[name])
		}
	}
	for name, last := range inLog {
		if (last+1)%5 != 0 {
			t.Errorf("%s: half an append survived: last revision %d", name, last)
		}
		if got := visible(t, l, name); int64(len(got)) != last+1 {
			t.Errorf("%s: %d events in the log, %d in the stream", name, last+1, len(got))
		}
		put(t, l, name, ledger.Expected(last), event(9_000_000))
	}
}

// TestCrashLosesNothingAcknowledged copies the disk as a power cut would leave
// it, again and again while appends run, and opens each copy.
func TestCrashLosesNothingAcknowledged(t *testing.T) {
	fs := vfs.NewCrashableMem()
	l := open(t, fs)
	a := &acked{last: map[string]int64{}}
	stop := make(chan struct{})
	wait := appenders(t, l, 4, a, stop)
	var seen atomic.Uint64 // newest position a reader saw
	readerDone := make(chan struct{})
	go func() {
		defer close(readerDone)
		for at := uint64(0); ; {
			changed := l.Changed()
			at, _, _ = l.ScanAll(at, func(r ledger.Record) bool {
				seen.Store(r.Position)
				return true
			})
			select {
			case <-changed:
			case <-stop:
				return
			}
		}
	}()
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 12 {
		for target := l.Head() + 20_000; l.Head() < target; {
			<-l.Changed()
		}
		want, pos := a.snapshot()
		shown := seen.Load()
		clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: round % 3 * 50, RNG: rng})
		a.gate.Lock()
		again := open(t, clone)
		if head := again.Head(); pos >= head || shown >= head {
			t.Errorf("round %d: acknowledged %d, shown %d, but the log ends at %d", round, pos, shown, head)
		}
		verify(t, again, want)
		a.gate.Unlock()
	}
	close(stop)
	wait()
	<-readerDone
}

// failing makes every write to a file of the given suffix fail once armed.
func failing(fs vfs.FS, armed *atomic.Bool, cause error, kinds ...errorfs.OpKind) vfs.FS {
	return errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if !armed.Load() {
			return nil
		}
		for _, k := range kinds {
			if op.Kind == k {
				return cause
			}
		}
		return nil
	}))
}

// TestDiskErrorFailsTheLedger breaks the disk under running appends: the ledger
// says so and stays up, nothing acknowledged is lost, and closing does not hang.
func TestDiskErrorFailsTheLedger(t *testing.T) {
	for _, c := range []struct {
		name  string
		cause error
		kinds []errorfs.OpKind
		want  error
	}{
		{"write", errors.New("input/output error"), []errorfs.OpKind{errorfs.OpFileWrite}, ledger.ErrFailed},
		{"sync", errors.New("input/output error"), []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}, ledger.ErrFailed},
		{"full", syscall.ENOSPC, []errorfs.OpKind{errorfs.OpFileWrite}, ledger.ErrDiskFull},
	} {
		t.Run(c.name, func(t *testing.T) {
			mem := vfs.NewCrashableMem()
			var armed atomic.Bool
			l, err := ledger.Open(ledger.Config{Dir: "ledger", FS: failing(mem, &armed, c.cause, c.kinds...), Logger: quiet})
			if err != nil {
				t.Fatal(err)
			}
			a := &acked{last: map[string]int64{}}
			wait := appenders(t, l, 4, a, nil)
			for l.Head() < 5_000 {
				<-l.Changed()
			}
			armed.Store(true)
			select {
			case <-l.Failed():
			case <-time.After(20 * time.Second):
				t.Fatal("the ledger did not notice")
			}
			wait()
			if _, err := l.Append(t.Context(), "s", ledger.Any, events(0, 1)); !errors.Is(err, c.want) || !errors.Is(err, ledger.ErrFailed) {
				t.Errorf("append to a failed ledger: %v", err)
			}
			if _, _, err := l.ScanAll(0, func(ledger.Record) bool { return true }); !errors.Is(err, ledger.ErrFailed) {
				t.Errorf("read of a failed ledger: %v", err)
			}
			closed := make(chan struct{})
			go func() {
				defer close(closed)
				_ = l.Close()
			}()
			select {
			case <-closed:
			case <-time.After(20 * time.Second):
				t.Fatal("close hangs")
			}
			want, _ := a.snapshot()
			verify(t, open(t, mem.CrashClone(vfs.CrashCloneCfg{})), want)
			verify(t, open(t, mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(3, 4))})), want)
		})
	}
}

// TestEveryWriteMayFail breaks one operation on the write-ahead log or on the
// folder after the other, once or from then on, while Pebble changes to a new log
// every few appends. The ledger fails, the process goes on, closing does not
// hang, and the disk holds what was acknowledged.
func TestEveryWriteMayFail(t *testing.T) {
	t.Parallel()
	kinds := map[errorfs.OpKind]int{}
	for n := int64(0); ; n++ {
		for _, once := range []bool{true, false} {
			if !once && n%8 != 0 {
				continue
			}
			mem := vfs.NewCrashableMem()
			var left atomic.Int64
			left.Store(1 << 40)
			broken := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				ofLog := strings.HasSuffix(op.Path, ".log") || op.Path == "ledger" && op.Kind == errorfs.OpFileSync
				if !ofLog || op.Kind.ReadOrWrite() != errorfs.OpIsWrite || op.Kind == errorfs.OpRemove {
					return nil
				}
				if now := left.Add(-1); now == -1 || now < 0 && !once {
					kinds[op.Kind]++
					return errors.New("input/output error")
				}
				return nil
			}))
			l, err := ledger.Open(ledger.Config{Dir: "ledger", FS: broken, Logger: quiet})
			if err != nil {
				t.Fatal(err)
			}
			left.Store(n)
			want := map[string]int64{}
			for i := int64(0); i < 60 && err == nil; i++ {
				evs := events(int(i)*5, 5)
				evs[0].Data = make([]byte, 24<<10)
				if _, err = l.Append(t.Context(), "s", ledger.Expected(i*5-1), evs); err == nil {
					want["s"] = i*5 + 4
				}
			}
			met := left.Load() < 0
			if met != (l.Err() != nil) || err != nil && !errors.Is(err, ledger.ErrFailed) {
				t.Fatalf("operation %d: met %v, failed with %v, append said %v", n, met, l.Err(), err)
			}
			if err := l.Close(); err != nil && !met {
				t.Fatalf("close: %v", err)
			}
			verify(t, open(t, mem.CrashClone(vfs.CrashCloneCfg{})), want)
			if !met {
				for _, k := range []errorfs.OpKind{errorfs.OpCreate, errorfs.OpReuseForWrite, errorfs.OpFileWrite, errorfs.OpFileSyncData, errorfs.OpFileSync} {
					if kinds[k] == 0 {
						t.Errorf("no operation of kind %v was broken", k)
					}
				}
				return
			}
		}
	}
}

// smallDisk reports how much room is left.
type smallDisk struct {
	vfs.FS
	free *atomic.Uint64
}

func (d smallDisk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: d.free.Load(), TotalBytes: 1 << 40}, nil
}

// TestFullDiskIsRefusedInTime refuses appends while room is short and goes on
// by itself when there is room again.
func TestFullDiskIsRefusedInTime(t *testing.T) {
	var free atomic.Uint64
	free.Store(1 << 40)
	l := open(t, smallDisk{vfs.NewMem(), &free})
	put(t, l, "s", ledger.NoStream, event(1))
	free.Store(1 << 20)
	append2 := func() error {
		_, err := l.Append(t.Context(), "s", 0, events(2, 1))
		return err
	}
	until(t, func() bool { return errors.Is(append2(), ledger.ErrDiskFull) })
	if l.Err() != nil {
		t.Fatal("a disk that is nearly full failed the ledger")
	}
	if got := len(all(t, l)); got == 0 {
		t.Error("reads stopped")
	}
	free.Store(1 << 40)
	until(t, func() bool { return append2() == nil })
}

// until tries again until it works; what is tried takes its own time.
func until(t *testing.T, try func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !try(); {
		if time.Now().After(end) {
			t.Fatal("did not happen in time")
		}
	}
}
