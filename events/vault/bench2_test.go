package vault_test

import (
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

func BenchmarkMintSharedScheduled(b *testing.B) {
	v := newPlace(b).open(b)
	if err := v.SetSchedule(b.Context(), vault.Schedule{Version: 1, Rules: []vault.Rule{
		{Class: events.ClassComm, Anchor: vault.AnchorProcess, Keep: vault.Period{Months: 24}, MaxFromCollection: vault.Period{Years: 5}},
	}}); err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r := request(subject(1))
			mint(b, v, r, r)
		}
	})
	b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
}
