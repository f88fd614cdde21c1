package bench

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Baseline is what the machine does at best, measured in the same run: per
// second, and for one second each.
type Baseline struct {
	Fsync       float64 `json:"fsync_per_s"`            // append 4 KiB and fsync, one writer
	Pebble1     float64 `json:"pebble_commits_1_per_s"` // see pebbleRate
	Pebble128   float64 `json:"pebble_commits_128_per_s"`
	Sets128     float64 `json:"pebble_sets_128_per_s"` // one key of 1 KiB each, no index
	MeasuredFor float64 `json:"measured_for_s"`
}

const baselineTime = time.Second

func baseline(dir string) (Baseline, error) {
	b := Baseline{MeasuredFor: baselineTime.Seconds()}
	var err error
	if b.Fsync, err = fsyncRate(filepath.Join(dir, "fsync")); err != nil {
		return b, fmt.Errorf("measure fsync: %w", err)
	}
	for name, m := range map[string]struct {
		rate    *float64
		writers int
		keys    int
	}{"pebble1": {&b.Pebble1, 1, 2}, "pebble128": {&b.Pebble128, 128, 2}, "sets128": {&b.Sets128, 128, 0}} {
		if *m.rate, err = pebbleRate(filepath.Join(dir, name), m.writers, m.keys); err != nil {
			return b, fmt.Errorf("measure pebble: %w", err)
		}
	}
	return b, nil
}

func fsyncRate(name string) (float64, error) {
	f, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // each write was synced
	page, n, began := make([]byte, 4096), 0, time.Now()
	for ; time.Since(began) < baselineTime; n++ {
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

// pebbleRate is how many synced commits a second Pebble, with the options of the
// ledger, takes from so many writers that call it directly. A commit is a batch of what
// an event store can't do without for one event: the event, 1 KiB under its
// position, and so many small keys that find it again (an entry of the stream's
// index, 24 bytes, and the stream's header, 32 bytes under a name of 32). Nothing
// is decided and nobody is answered.
func pebbleRate(dir string, writers, keys int) (float64, error) {
	db, err := pebble.Open(dir, &pebble.Options{
		Logger: quiet{}, MemTableSize: 8 << 20, CacheSize: 32 << 20, FormatMajorVersion: pebble.FormatTableFormatV6,
	})
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }() // each write was synced
	var n atomic.Int64
	var failed atomic.Value
	var wg sync.WaitGroup
	began := time.Now()
	for w := range writers {
		wg.Go(func() {
			event, small := make([]byte, 1024), make([]byte, 32)
			for own := 0; time.Since(began) < baselineTime; own++ {
				b := db.NewBatch()
				err := b.Set(fmt.Appendf(nil, "L%08d", n.Add(1)), event, nil)
				if keys > 0 {
					err = errors.Join(err, b.Set(fmt.Appendf(nil, "S%08d%08d", w, own), small[:24], nil))
				}
				if keys > 1 {
					err = errors.Join(err, b.Set(fmt.Appendf(nil, "N%032d", w), small, nil))
				}
				if err := errors.Join(err, b.Commit(pebble.Sync), b.Close()); err != nil {
					failed.Store(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err, ok := failed.Load().(error); ok {
		return 0, err
	}
	return float64(n.Load()) / time.Since(began).Seconds(), nil
}

// quiet sends Pebble's talk to the debug log.
type quiet struct{}

func (quiet) Infof(f string, a ...any)  { slog.Debug("pebble", "text", fmt.Sprintf(f, a...)) }
func (quiet) Errorf(f string, a ...any) { slog.Warn("pebble", "text", fmt.Sprintf(f, a...)) }
func (quiet) Fatalf(f string, a ...any) { slog.Error("pebble", "text", fmt.Sprintf(f, a...)) }
