package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/node"
	"github.com/westshore/hub/events/store"
)

// The event store is measured with the node, the official client and the store
// in one process, so that the processor time is that of both ends.

const benchType = "bench.Happened"

// kilobyte is the data of every event: JSON of 1 KiB.
var kilobyte = slices.Concat([]byte(`"`), bytes.Repeat([]byte("x"), 1022), []byte(`"`))

// storeKit is a node and those who talk to it.
type storeKit struct {
	node   *node.Node
	client *esdb.Client
	store  *store.Store
}

func newStoreKit(ctx context.Context, dir string) (_ *storeKit, err error) {
	k := &storeKit{}
	defer func() {
		if err != nil {
			k.close()
		}
	}()
	log := slog.New(slog.DiscardHandler)
	if k.node, err = node.Start(ctx, node.Config{Dir: dir, Logger: log}); err != nil {
		return nil, err
	}
	conf, err := esdb.ParseConnectionString(k.node.ConnectionString())
	if err != nil {
		return nil, err
	}
	conf.Address, conf.Logger = "unix:"+k.node.SocketPath(), esdb.NoopLogging()
	if k.client, err = esdb.NewClient(conf); err != nil {
		return nil, err
	}
	k.store, err = store.Open(ctx, store.Config{
		URL: k.node.ConnectionString(), Socket: k.node.SocketPath(), Batch: true, Logger: log, CallTimeout: time.Minute,
	})
	return k, err
}

func (k *storeKit) close() {
	if k.store != nil {
		_ = k.store.Close()
	}
	if k.client != nil {
		_ = k.client.Close()
	}
	if k.node != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = k.node.Stop(ctx)
	}
}

// withStore runs a measurement on a kit in a folder that is removed afterwards.
func withStore(ctx context.Context, run func(dir string, k *storeKit) error) error {
	dir, err := os.MkdirTemp("", "hub-bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	k, err := newStoreKit(ctx, filepath.Join(dir, "node"))
	if err != nil {
		return err
	}
	defer k.close()
	return run(dir, k)
}

// viaClient appends with the official client.
func (k *storeKit) viaClient(ctx context.Context, stream string, last int64, n int) error {
	opts := esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}
	if last >= 0 {
		opts.ExpectedRevision = esdb.Revision(uint64(last))
	}
	evs := make([]esdb.EventData, n)
	for i := range evs {
		evs[i] = esdb.EventData{EventID: uuid.UUID(events.NewUUID()), EventType: benchType, ContentType: esdb.ContentTypeJson, Data: kilobyte}
	}
	_, err := k.client.AppendToStream(ctx, stream, opts, evs...)
	return err
}

// viaStore appends as the hub does.
func (k *storeKit) viaStore(ctx context.Context, stream string, last int64, n int) error {
	evs := make([]store.Event, n)
	for i := range evs {
		evs[i] = store.Event{ID: events.NewUUID(), Type: benchType, Data: kilobyte}
	}
	_, err := k.store.Append(ctx, stream, last, evs...)
	return err
}

// Rate is how often something was done, and what it cost.
type Rate struct {
	Callers int     `json:"callers,omitempty"`
	Events  int     `json:"events_per_call,omitempty"`
	N       int     `json:"events"`
	Rate    float64 `json:"events_per_s"`
	CPU     float64 `json:"cpu_us_per_event"` // of node, client and caller together
	Latency Latency `json:"call_ms"`
}

// appendFor has callers append for a while, each to a stream of its own.
func appendFor(ctx context.Context, callers, perCall int, d time.Duration,
	call func(ctx context.Context, stream string, last int64, n int) error,
) (Rate, error) {
	runtime.GC()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var calls atomic.Int64
	times := make([][]float64, callers)
	var all sync.WaitGroup
	before, began := selfCPU(), time.Now()
	for c := range callers {
		all.Go(func() {
			stream := events.NewUUID().String()
			for last := int64(-1); time.Since(began) < d && ctx.Err() == nil; last += int64(perCall) {
				at := time.Now()
				if err := call(ctx, stream, last, perCall); err != nil {
					cancel(err)
					return
				}
				times[c] = append(times[c], ms(time.Since(at)))
				calls.Add(1)
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	if err := context.Cause(ctx); err != nil {
		return Rate{}, err
	}
	n := int(calls.Load()) * perCall
	r := Rate{Callers: callers, Events: perCall, N: n, Rate: float64(n) / took.Seconds(), Latency: latency(slices.Concat(times...))}
	r.CPU = float64((selfCPU() - before).Microseconds()) / float64(max(n, 1))
	return r, nil
}

// selfCPU is the processor time of this process.
func selfCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// PrintResult writes a result as indented JSON.
func PrintResult(w *json.Encoder, result any) error {
	w.SetIndent("", "  ")
	if err := w.Encode(result); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
