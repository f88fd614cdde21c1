package ledger_test

import (
	"encoding/binary"
	"log/slog"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/westshore/hub/events/node/ledger"
)

var quiet = slog.New(slog.DiscardHandler)

// open opens a ledger in memory until the test ends.
func open(t testing.TB, fs vfs.FS) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(ledger.Config{Dir: "ledger", FS: fs, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// id makes an event id out of a number.
func id(n int) (out [16]byte) {
	out[0] = 1
	binary.BigEndian.PutUint64(out[8:], uint64(n))
	return out
}

func event(n int) ledger.Event {
	return ledger.Event{ID: id(n), Type: "test", JSON: true, Data: []byte(`{"n":1}`)}
}

func events(from, n int) []ledger.Event {
	out := make([]ledger.Event, n)
	for i := range out {
		out[i] = event(from + i)
	}
	return out
}

// put appends and must succeed.
func put(t testing.TB, l *ledger.Ledger, stream string, expected ledger.Expected, evs ...ledger.Event) ledger.Result {
	t.Helper()
	res, err := l.Append(t.Context(), stream, expected, evs)
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	return res
}

// all reads the whole log.
func all(t testing.TB, l *ledger.Ledger) (out []ledger.Record) {
	t.Helper()
	_, end, err := l.ScanAll(0, func(r ledger.Record) bool {
		out = append(out, r.Clone())
		return true
	})
	if err != nil || !end {
		t.Fatalf("scan all: end %v, %v", end, err)
	}
	return out
}

// visible reads what of a stream readers may see.
func visible(t testing.TB, l *ledger.Ledger, name string) (out []ledger.Record) {
	t.Helper()
	s, err := l.Stream(name)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = l.ScanStream(s, 0, func(r ledger.Record) bool {
		out = append(out, r.Clone())
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func revisions(rs []ledger.Record) []int64 {
	out := []int64{}
	for _, r := range rs {
		out = append(out, r.Revision)
	}
	return out
}
