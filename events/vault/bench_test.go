package vault_test

import (
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// BenchmarkMint500 measures minting as a replay or an import does it.
func BenchmarkMint500(b *testing.B) {
	v := newPlace(b).open(b)
	for b.Loop() {
		mint(b, v, requests(500, subject(b.N%1000))...)
	}
	b.ReportMetric(500*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
}

// BenchmarkMintOne measures one mail: about one fsync.
func BenchmarkMintOne(b *testing.B) {
	v := newPlace(b).open(b)
	for b.Loop() {
		mint(b, v, request(subject(1)))
	}
}

// BenchmarkMintShared measures many doors at once, two keys each.
func BenchmarkMintShared(b *testing.B) {
	v := newPlace(b).open(b)
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			mint(b, v, request(subject(1)), request(subject(1)))
		}
	})
	b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
}

// BenchmarkMintSharedScheduled is the same with a schedule that dates each key.
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

func BenchmarkOpenCached(b *testing.B) {
	v := newPlace(b).open(b)
	kids := names(mint(b, v, requests(40, subject(1))...))
	for b.Loop() {
		open(b, v, kids...)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(40*b.N), "ns/key")
}

func BenchmarkOpenStored(b *testing.B) {
	cfg := newPlace(b).config()
	cfg.CacheKeys = 1
	v := openWith(b, cfg)
	var kids []events.KID
	for range 40 {
		kids = append(kids, names(mint(b, v, requests(500, subject(1))...))...)
	}
	n := 0
	for b.Loop() {
		open(b, v, kids[n:n+64]...)
		n = (n + 64) % (len(kids) - 64)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(64*b.N), "ns/key")
}

func BenchmarkDestroy20(b *testing.B) {
	v := newPlace(b).open(b)
	for b.Loop() {
		b.StopTimer()
		kids := names(mint(b, v, requests(20, subject(1))...))
		b.StartTimer()
		destroy(b, v, kids...)
	}
}

func BenchmarkSealEpoch(b *testing.B) {
	v := newPlace(b).open(b)
	for range 40 {
		mint(b, v, requests(500, subject(1))...)
	}
	for b.Loop() {
		if _, err := v.SealEpoch(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(20_000*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
}

func BenchmarkHash(b *testing.B) {
	v := newPlace(b).open(b)
	for b.Loop() {
		v.Hash("message-id", "some-id@example.com")
	}
}
