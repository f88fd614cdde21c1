package ledger

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"math"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
)

// TestFormat pins the bytes that format.go describes. If it fails, the format
// changed: raise the version instead.
func TestFormat(t *testing.T) {
	ev := &Event{ID: [16]byte{1, 15: 2}, Type: "ty", JSON: true, Data: []byte("{}"), Meta: []byte("m")}
	for _, c := range []struct {
		name string
		have []byte
		want string
	}{
		{"counters", counters{next: 64, stream: 1, store: [16]byte{0xaa}}.encode(), "7773686c" + "00000001" +
			"0000000000000040" + "0000000000000001" + "aa000000000000000000000000000000"},
		{"cursor key", cursorKey(), "43"},
		{"log key", logKey(64), "4c" + "0000000000000040"},
		{"record", encodeRecord("s", 3, 5, ev), "01" + "01" + "0000000000000003" + "0000000000000005" +
			"01000000000000000000000000000002" + "01" + "02" + "01" + "73" + "7479" + "6d" + "7b7d"},
		{"index key", indexKey(7, 3), "53" + "0000000000000007" + "0000000000000003"},
		{"index entry", indexEntry{64, 5}.encode(), "0000000000000040" + "0000000000000005"},
		{"name key", nameKey("s"), "4e" + "73"},
		{"header", (&header{stream: 7, last: -1, lastPos: 0, metaPos: 64, metaJSON: []byte("{}")}).encode(), "01" +
			"0000000000000007" + "ffffffffffffffff" + "0000000000000000" + "0000000000000040" + "7b7d"},
	} {
		if have := hex.EncodeToString(c.have); have != c.want {
			t.Errorf("%s:\n have %s\n want %s", c.name, have, c.want)
		}
	}
}

// FuzzDecodeRecord checks that damaged records are refused and never crash.
func FuzzDecodeRecord(f *testing.F) {
	f.Add(encodeRecord("stream", 3, 5, &Event{Type: "t", Data: []byte("d"), Meta: []byte("m")}))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, value []byte) {
		r, err := decodeRecord(logKey(64), value)
		if err != nil {
			return
		}
		ev := &Event{ID: r.ID, Type: string(r.Type), JSON: r.JSON, Data: r.Data, Meta: r.Meta}
		again, err := decodeRecord(logKey(64), encodeRecord(string(r.Stream), r.Revision, r.Created, ev))
		if diff := cmp.Diff(r, again); diff != "" || err != nil {
			t.Fatal(diff, err)
		}
	})
}

func TestRecentForgetsTheOldest(t *testing.T) {
	r := recent{}
	id := func(n int) (out [16]byte) {
		copy(out[:], fmt.Sprint(n))
		return out
	}
	for n := range recentIDs + 10 {
		r.add(placed{id: id(n), stream: 1, rev: int64(n)})
	}
	r.add(placed{id: id(recentIDs), stream: 2, rev: 0})
	for n, want := range map[int]bool{0: false, 9: false, 10: false, 11: true, recentIDs + 9: true, recentIDs: false} {
		if _, ok := r.find(id(n), 1); ok != want {
			t.Errorf("id %d: found %v", n, ok)
		}
	}
	if _, ok := r.find(id(recentIDs), 2); !ok {
		t.Error("the id was not taken over by the other stream")
	}
	if len(r.ring) != recentIDs || len(r.byID) > recentIDs {
		t.Errorf("ring of %d, map of %d", len(r.ring), len(r.byID))
	}
}

// TestTablesHoldOneKindOfKey: the log is not written again with every change of
// a stream's header.
func TestTablesHoldOneKindOfKey(t *testing.T) {
	l, err := Open(Config{Dir: "l", FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for n := range 20 {
		evs := []Event{{ID: [16]byte{byte(n), 1}, Type: "t", Data: make([]byte, memtableBytes/8)}}
		if _, err := l.Append(t.Context(), fmt.Sprint(n%3), Any, evs); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.db.Flush(); err != nil {
		t.Fatal(err)
	}
	levels, err := l.db.SSTables()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[byte]int{}
	for _, level := range levels {
		for _, table := range level {
			kinds[table.Smallest.UserKey[0]]++
			if table.Smallest.UserKey[0] != table.Largest.UserKey[0] {
				t.Errorf("a table holds %c to %c", table.Smallest.UserKey[0], table.Largest.UserKey[0])
			}
		}
	}
	if len(kinds) != 4 {
		t.Errorf("tables of %d kinds, want 4", len(kinds))
	}
}

func TestHeaderCacheIsBounded(t *testing.T) {
	c := newHeaderCache(3)
	for n := range 10 {
		c.put(fmt.Sprint(n), noHeader)
		c.get("0")
	}
	if _, ok := c.get("0"); !ok || len(c.items) != 3 || c.byUse.Len() != 3 {
		t.Errorf("kept %d; the one used always is there: %v", len(c.items), ok)
	}
}

func TestMetadata(t *testing.T) {
	for data, want := range map[string]Metadata{
		``:                        {},
		`null`:                    {},
		`[]`:                      {},
		`{"$tb":-1}`:              {},
		`{"$maxCount":0}`:         {},
		`{"$maxCount":1.5}`:       {},
		`{"$tb":3,"$maxAge":"x"}`: {},
		`{"$tb":9223372036854775807,"$acl":{"$r":"x"}}`: {TruncateBefore: math.MaxInt64},
		`{"$maxCount":2,"$maxAge":60}`:                  {MaxCount: 2, MaxAge: 60e9},
		`{"$tb":3,"$acl":{"$r":["a","b"],"$w":"c"}}`:    {TruncateBefore: 3},
		`{"$tb":3,"$acl":{"$r":5}}`:                     {},
		`{"$tb":3,"$acl":"x"}`:                          {},
		`{"$tb":3,"$cacheControl":"x"}`:                 {},
		`{"$TB":3,"own":{"$tb":4},"$tmp":true}`:         {},
	} {
		if diff := cmp.Diff(want, parseMetadata([]byte(data))); diff != "" {
			t.Errorf("%s: %s", data, diff)
		}
	}
	if have, want := string(withTruncate([]byte(`{"b":{"x": 1},"$tb":7}`), 3)), `{"$tb":3,"b":{"x":1}}`; have != want {
		t.Errorf("have %s, want %s", have, want)
	}
}
