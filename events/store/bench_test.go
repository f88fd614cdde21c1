//go:build unix

package store_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/node"
	"github.com/westshore/hub/events/store"
)

// BenchmarkAppend: one event of 1 KiB per call, each caller in a stream of its
// own; through the store, and through the bare client for comparison.
func BenchmarkAppend(b *testing.B) {
	n := startNode(b, node.Config{Dir: shortDir(b)})
	s := openStore(b, store.Config{Socket: n.SocketPath()})
	conf, err := esdb.ParseConnectionString("esdb://localhost?tls=false")
	if err != nil {
		b.Fatal(err)
	}
	conf.Address, conf.Logger = "unix:"+n.SocketPath(), esdb.NoopLogging()
	bare, err := esdb.NewClient(conf)
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	data := []byte(`"` + strings.Repeat("x", 1022) + `"`)
	batch := openStore(b, store.Config{Socket: n.SocketPath(), Batch: true})
	for _, callers := range []int{1, 8, 32, 128} {
		b.Run(fmt.Sprintf("batch/%d", callers), func(b *testing.B) {
			work(b, callers, func(stream string, i int64) error {
				_, err := batch.Append(context.Background(), stream, i-1,
					store.Event{ID: events.NewUUID(), Type: "bench.Happened", Data: data})
				return err
			})
		})
		b.Run(fmt.Sprintf("store/%d", callers), func(b *testing.B) {
			work(b, callers, func(stream string, i int64) error {
				_, err := s.Append(context.Background(), stream, i-1,
					store.Event{ID: events.NewUUID(), Type: "bench.Happened", Data: data})
				return err
			})
		})
		b.Run(fmt.Sprintf("bare/%d", callers), func(b *testing.B) {
			work(b, callers, func(stream string, i int64) error {
				opts := esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}
				if i > 0 {
					opts.ExpectedRevision = esdb.Revision(uint64(i - 1))
				}
				_, err := bare.AppendToStream(context.Background(), stream, opts, esdb.EventData{
					EventID: uuid.Must(uuid.NewV7()), EventType: "bench.Happened", ContentType: esdb.ContentTypeJson, Data: data,
				})
				return err
			})
		})
	}
}

// work spreads b.N calls over callers.
func work(b *testing.B, callers int, call func(stream string, i int64) error) {
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	cpu := cpuTime(b)
	b.ResetTimer()
	for range callers {
		stream := events.NewUUID().String()
		wg.Go(func() {
			for i := int64(0); left.Add(-1) >= 0; i++ {
				if err := call(stream, i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
	b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/float64(b.N), "cpu-µs/op")
}

// cpuTime is what this process has used: client, store and node.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCatchUp: events of 300 bytes, delivered by a subscription from the
// start, and read with ReadAll.
func BenchmarkCatchUp(b *testing.B) {
	const n = 50_000
	nd := startNode(b, node.Config{Dir: shortDir(b)})
	s := openStore(b, store.Config{Socket: nd.SocketPath()})
	evs := make([]store.Event, 500)
	for done := 0; done < n; done += len(evs) {
		for i := range evs {
			evs[i] = store.Event{ID: events.NewUUID(), Type: "bench.Happened", Data: []byte(`"` + strings.Repeat("x", 300) + `"`)}
		}
		if _, err := s.Append(context.Background(), "a", int64(done)-1, evs...); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("subscribe", func(b *testing.B) {
		batches := 0
		for b.Loop() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			seen := 0
			_ = s.Subscribe(ctx, store.SubscribeOptions{TypePrefixes: []string{"bench."}}, func(items []store.Item) error {
				batches++
				for _, it := range items {
					if it.Event != nil {
						seen++
					}
				}
				if seen == n {
					cancel()
				}
				return nil
			})
			cancel()
			if seen != n {
				b.Fatalf("saw %d of %d", seen, n)
			}
		}
		b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "events/s")
		b.ReportMetric(float64(b.N*n)/float64(batches), "events/batch")
	})
	b.Run("read all", func(b *testing.B) {
		for b.Loop() {
			seen := 0
			if err := s.ReadAll(context.Background(), events.Start, 0, func(store.Recorded) error { seen++; return nil }); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "events/s")
	})
}
