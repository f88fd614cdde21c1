package node_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// kilobyte fills events with 1 KiB of data.
func kilobyte(evs []esdb.EventData) []esdb.EventData {
	for i := range evs {
		evs[i].Data = []byte(`"` + strings.Repeat("x", 1022) + `"`)
	}
	return evs
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1, 100} {
		b.Run(fmt.Sprintf("events=%d", size), func(b *testing.B) {
			c := dial(b, start(b))
			for b.Loop() {
				put(b, c, "s", esdb.Any{}, kilobyte(eventsN("e", size))...)
			}
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "events/s")
		})
	}
	b.Run("parallel", func(b *testing.B) {
		c := dial(b, start(b))
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			s := streamName()
			for pb.Next() {
				put(b, c, s, esdb.Any{}, kilobyte(eventsN("e", 1))...)
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
}

func BenchmarkReadAll(b *testing.B) {
	c := dial(b, start(b))
	const total = 20_000
	for n := 0; n < total; n += 500 {
		put(b, c, "s", esdb.Any{}, kilobyte(eventsN("e", 500))...)
	}
	for name, prefix := range map[string]string{"all": "", "filtered away": "nothing"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				opts := esdb.SubscribeToAllOptions{From: esdb.Start{}}
				if prefix != "" {
					opts.Filter = &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Prefixes: []string{prefix}}
					opts.MaxSearchWindow, opts.CheckpointInterval = 10_000, 1
				}
				sub, err := c.SubscribeToAll(b.Context(), opts)
				if err != nil {
					b.Fatal(err)
				}
				for ev := sub.Recv(); ev.CaughtUp == nil; ev = sub.Recv() {
					if ev.SubscriptionDropped != nil {
						b.Fatal(ev.SubscriptionDropped.Error)
					}
				}
				_ = sub.Close()
			}
			b.ReportMetric(float64(b.N*total)/b.Elapsed().Seconds(), "events/s")
		})
	}
	b.Run("stream", func(b *testing.B) {
		for b.Loop() {
			if evs, err := readStream(b, c, "s", esdb.ReadStreamOptions{}, math.MaxUint64); err != nil || len(evs) != total {
				b.Fatal(len(evs), err)
			}
		}
		b.ReportMetric(float64(b.N*total)/b.Elapsed().Seconds(), "events/s")
	})
}
