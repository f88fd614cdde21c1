package search_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/westshore/hub/projections/projectiontest"
	"github.com/westshore/hub/projections/search"
)

const chunk = 2000

// BenchmarkApply is the rate of messages of 250 words, in batches of 512 events.
func BenchmarkApply(b *testing.B) {
	l := projectiontest.Many(b, 0, 1500, 250)
	all := l.Events()
	messages := 0
	for _, r := range all {
		if r.Type == "hub.InquiryReceived" || r.Type == "hub.ReplyWritten" {
			messages++
		}
	}
	events, n, cpu := 0, 0, time.Duration(0)
	b.ResetTimer()
	for b.Loop() {
		b.StopTimer()
		v := open(b, l, b.TempDir())
		before := projectiontest.CPU(b)
		b.StartTimer()
		projectiontest.Feed(b, v, all, 512)
		n, events, cpu = n+messages, events+len(all), cpu+projectiontest.CPU(b)-before
	}
	b.ReportMetric(float64(cpu.Microseconds())/float64(n), "cpu-µs/message")
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkSearch asks for two words, frequent and rare, and for a beginning.
func BenchmarkSearch(b *testing.B) {
	ctx := context.Background()
	for _, n := range []int{4_000, 20_000} {
		v := open(b, projectiontest.New(b), b.TempDir())
		for from := 0; from < n; from += chunk {
			l := projectiontest.Many(b, from, min(chunk, n-from), 60)
			projectiontest.Replay(b, l, v, 512)
		}
		rng := rand.New(rand.NewPCG(1, 2))
		for name, word := range map[string]func() string{
			"frequent": func() string { return projectiontest.Word(rng.IntN(30)) + " " + projectiontest.Word(rng.IntN(30)) },
			"medium": func() string {
				return projectiontest.Word(50+rng.IntN(300)) + " " + projectiontest.Word(50+rng.IntN(300))
			},
			"rare": func() string {
				return projectiontest.Word(1000+rng.IntN(9000)) + " " + projectiontest.Word(1000+rng.IntN(9000))
			},
			"begin": func() string {
				return projectiontest.Word(50+rng.IntN(300)) + " " + projectiontest.Word(50 + rng.IntN(300))[:3]
			},
		} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				hits, before := 0, projectiontest.CPU(b)
				for b.Loop() {
					res, err := v.Search(ctx, search.Query{Text: word()})
					if err != nil {
						b.Fatal(err)
					}
					hits += len(res.Hits)
				}
				b.ReportMetric(float64((projectiontest.CPU(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
				b.ReportMetric(float64(hits)/float64(b.N), "hits/op")
			})
		}
	}
}
