package seal_test

import (
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/seal"
)

func BenchmarkSeal100(b *testing.B) {
	h := newHouse(b)
	var drafts []seal.Draft
	for range 100 {
		drafts = append(drafts, h.inquiry(b))
	}
	for b.Loop() {
		h.seal(b, drafts...)
	}
	b.ReportMetric(100*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkOpen20(b *testing.B) {
	h := newHouse(b)
	var drafts []seal.Draft
	for range 20 {
		drafts = append(drafts, h.inquiry(b))
	}
	envs := h.seal(b, drafts...)
	for b.Loop() {
		if _, err := h.Open(b.Context(), agent, envs); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(20*b.N), "µs/event")
}

func BenchmarkBlob1MiB(b *testing.B) {
	h := newHouse(b)
	e := h.open(b, agent, h.seal(b, h.inquiry(b, 1<<20))[0])
	b.SetBytes(1 << 20)
	for b.Loop() {
		if _, state, err := h.OpenBlob(b.Context(), agent, e.Files[0]); err != nil || state != events.Plain {
			b.Fatal(state, err)
		}
	}
}
