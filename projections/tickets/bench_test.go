package tickets_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/westshore/hub/projections/projectiontest"
	"github.com/westshore/hub/projections/tickets"
)

const chunk = 5000

// fill makes a view with n tickets.
func fill(b *testing.B, n int) (*tickets.View, *projectiontest.Log) {
	b.Helper()
	var l *projectiontest.Log
	v := open(b, projectiontest.New(b), b.TempDir())
	for from := 0; from < n; from += chunk {
		l = projectiontest.Many(b, from, min(chunk, n-from), 20)
		projectiontest.Replay(b, l, v, 512)
	}
	return v, l
}

// BenchmarkApply is the rate at which the view takes events in batches of 512.
func BenchmarkApply(b *testing.B) {
	l := projectiontest.Many(b, 0, chunk, 250)
	all := l.Events()
	b.ResetTimer()
	done, cpu := 0, time.Duration(0)
	for b.Loop() {
		b.StopTimer()
		v := open(b, l, b.TempDir())
		before := projectiontest.CPU(b)
		b.StartTimer()
		projectiontest.Feed(b, v, all, 512)
		done, cpu = done+len(all), cpu+projectiontest.CPU(b)-before
	}
	b.ReportMetric(float64(cpu.Microseconds())/float64(done), "cpu-µs/event")
	b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkApplySingle commits each event at once.
func BenchmarkApplySingle(b *testing.B) {
	l := projectiontest.Many(b, 0, 500, 250)
	all := l.Events()
	b.ResetTimer()
	done, cpu := 0, time.Duration(0)
	for b.Loop() {
		b.StopTimer()
		v := open(b, l, b.TempDir())
		before := projectiontest.CPU(b)
		b.StartTimer()
		projectiontest.Feed(b, v, all, 1)
		done, cpu = done+len(all), cpu+projectiontest.CPU(b)-before
	}
	b.ReportMetric(float64(cpu.Microseconds())/float64(done), "cpu-µs/event")
	b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkList reads pages of 50: the first, and one from the middle.
func BenchmarkList(b *testing.B) {
	ctx := context.Background()
	for _, n := range []int{10_000, 100_000} {
		v, _ := fill(b, n)
		deep := ""
		for range 40 {
			page, err := v.List(ctx, tickets.ListQuery{View: tickets.ViewOpen, Limit: 100, After: deep})
			check(b, err)
			deep = page.Next
		}
		for name, q := range map[string]tickets.ListQuery{
			"open": {View: tickets.ViewOpen}, "all": {View: tickets.ViewAll}, "deep": {View: tickets.ViewOpen, After: deep},
			"mine": {View: tickets.ViewMine, Agent: projectiontest.AgentID(1)},
		} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				before := projectiontest.CPU(b)
				defer func() {
					b.ReportMetric(float64((projectiontest.CPU(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
				}()
				for b.Loop() {
					page, err := v.List(ctx, q)
					if err != nil || len(page.Tickets) != 50 {
						b.Fatal(len(page.Tickets), err)
					}
				}
			})
			b.Run(fmt.Sprintf("%s-parallel/%d", name, n), func(b *testing.B) {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if _, err := v.List(ctx, q); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	}
}

// BenchmarkRead opens a conversation of 30 messages. The opener is that of the
// test log, which costs about what the vault's does with a warm cache.
func BenchmarkRead(b *testing.B) {
	ctx := context.Background()
	l := projectiontest.Many(b, 0, 100, 250)
	for m := range 29 {
		l.Reply(3, 1000+m, 1, 3, ada, "a fairly short answer to the question that was asked")
	}
	v := open(b, l, b.TempDir())
	projectiontest.Replay(b, l, v, 512)
	before := projectiontest.CPU(b)
	defer func() {
		b.ReportMetric(float64((projectiontest.CPU(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
	}()
	for b.Loop() {
		c, err := v.Read(ctx, agent, "4")
		if err != nil || len(c.Messages) != 30 {
			b.Fatal(len(c.Messages), err)
		}
	}
}
