package ledger

import (
	"log/slog"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestRingSaysWhatTheLogSays scans from before, inside and behind the ring, whole
// and in parts, and compares with the store; a scavenge empties the ring.
func TestRingSaysWhatTheLogSays(t *testing.T) {
	l, err := Open(Config{Dir: "ledger", FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	const each, rounds = 500, 12 // more than the ring holds
	for i := range rounds {
		evs := make([]Event, each)
		for k := range evs {
			evs[k] = Event{ID: newID(), Type: "t", JSON: true, Data: []byte("{}")}
		}
		if _, err := l.Append(t.Context(), "s", Expected(i*each-1), evs); err != nil {
			t.Fatal(err)
		}
	}
	scan := func(from uint64, part int) (out []uint64) {
		for end := false; !end; {
			left := part
			if from, end, err = l.ScanAll(from, func(r Record) bool {
				out = append(out, r.Position)
				left--
				return left > 0
			}); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	var want []uint64
	if _, _, err := l.scanLog(0, l.Head(), func(r Record) bool { want = append(want, r.Position); return true }); err != nil {
		t.Fatal(err)
	}
	if len(want) != each*rounds || l.ring.from <= firstPosition || len(l.ring.entries)-l.ring.first != ringEvents {
		t.Fatalf("%d events, ring from %d with %d", len(want), l.ring.from, len(l.ring.entries)-l.ring.first)
	}
	for _, at := range []int{0, 1, len(want) - ringEvents - 1, len(want) - ringEvents, len(want) - ringEvents + 1, len(want) - 1} {
		for _, part := range []int{1 << 30, 97} {
			if got := scan(want[at], part); !slices.Equal(got, want[at:]) {
				t.Errorf("from event %d in parts of %d: %d events, want %d", at, part, len(got), len(want)-at)
			}
			if got := scan(want[at]+1, part); !slices.Equal(got, want[at+1:]) {
				t.Errorf("after event %d in parts of %d: %d events, want %d", at, part, len(got), len(want)-at-1)
			}
		}
	}
	if _, err := l.Append(t.Context(), "$$s", NoStream, []Event{{ID: newID(), Type: typeMetadata, JSON: true, Data: []byte(`{"$maxCount":1}`)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Scavenge(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got := scan(0, 1<<30); len(got) != 2 { // the last event and the metadata
		t.Errorf("%d events after the scavenge, want 2", len(got))
	}
}
