package bench

import (
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
	Pebble1     float64 `json:"pebble_commits_1_per_s"` // synced batches of one 1 KiB record, 1 writer
	Pebble128   float64 `json:"pebble_commits_128_per_s"`
	MeasuredFor float64 `json:"measured_for_s"`
}

const baselineTime = time.Second

func baseline(dir string) (Baseline, error) {
	b := Baseline{MeasuredFor: baselineTime.Seconds()}
	var err error
	if b.Fsync, err = fsyncRate(filepath.Join(dir, "fsync")); err != nil {
		return b, fmt.Errorf("measure fsync: %w", err)
	}
	if b.Pebble1, err = pebbleRate(filepath.Join(dir, "pebble1"), 1); err != nil {
		return b, fmt.Errorf("measure pebble: %w", err)
	}
	if b.Pebble128, err = pebbleRate(filepath.Join(dir, "pebble128"), 128); err != nil {
		return b, fmt.Errorf("measure pebble: %w", err)
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

func pebbleRate(dir string, writers int) (float64, error) {
	db, err := pebble.Open(dir, &pebble.Options{Logger: quiet{}})
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }() // each write was synced
	var n atomic.Int64
	var failed atomic.Value
	var wg sync.WaitGroup
	began := time.Now()
	for range writers {
		wg.Go(func() {
			value := make([]byte, 1024)
			for time.Since(began) < baselineTime {
				key := fmt.Appendf(nil, "%016d", n.Add(1))
				if err := db.Set(key, value, pebble.Sync); err != nil {
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
