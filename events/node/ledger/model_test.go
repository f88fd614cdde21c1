package ledger_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/westshore/hub/events/node/ledger"
)

// model is the decision table of EventStoreDB written down a second time, in
// the plainest way, over slices.
type model struct {
	streams map[string]*modelStream
	log     []modelEvent
	recent  map[[16]byte]modelEvent
}

type modelStream struct {
	events     []modelEvent
	tombstoned bool
	metaData   string // JSON of the newest metadata event
	hasMeta    bool
}

type modelEvent struct {
	Stream   string
	Revision int64
	ID       [16]byte // zero: the ledger drew it
	Type     string
}

type outcome struct {
	Revision int64
	Repeated bool
	Refused  string // "", deleted, denied, wrong N
}

func (m *model) stream(name string) *modelStream {
	s, ok := m.streams[name]
	if !ok {
		s = &modelStream{}
		m.streams[name] = s
	}
	return s
}

func (s *modelStream) last() int64 { return int64(len(s.events)) - 1 }

func (s *modelStream) limits() (tb, maxCount int64) {
	var meta struct {
		TB  int64 `json:"$tb"`
		Max int64 `json:"$maxCount"`
	}
	if json.Unmarshal([]byte(s.metaData), &meta) != nil {
		return 0, 0
	}
	return meta.TB, meta.Max
}

func (s *modelStream) softDeleted() bool {
	tb, _ := s.limits()
	return tb == math.MaxInt64
}

// decide returns what is refused or repeated, or write.
func (m *model) decide(name string, want ledger.Expected, ids [][16]byte) (o outcome, write bool) {
	s := m.stream(name)
	wrong := outcome{Refused: fmt.Sprintf("wrong %d", s.last())}
	owner, isMeta := strings.CutPrefix(name, "$$")
	if s.tombstoned || isMeta && m.stream(owner).tombstoned {
		return outcome{Refused: "deleted"}, false
	}
	if want == ledger.Exists && s.softDeleted() {
		return outcome{Refused: "deleted"}, false
	}
	if want == ledger.Exists && s.last() < 0 && !s.hasMeta {
		return wrong, false
	}
	same := outcome{Revision: s.last()}
	if want == ledger.Any || want == ledger.Exists {
		for i, id := range ids {
			e, known := m.recent[id]
			known = known && e.Stream == name
			if !known && i == 0 {
				return outcome{}, true
			}
			if !known {
				return wrong, false
			}
			same = outcome{Revision: e.Revision, Repeated: true}
		}
		return same, false
	}
	if int64(want) > s.last() {
		return wrong, false
	}
	if int64(want) == s.last() {
		return same, len(ids) > 0
	}
	if len(ids) == 0 {
		return wrong, false
	}
	for i, id := range ids {
		at := int64(want) + 1 + int64(i)
		if at > s.last() {
			return wrong, false
		}
		if s.events[at].ID != id {
			if i == 0 && want == ledger.NoStream && s.softDeleted() {
				return outcome{}, true
			}
			return wrong, false
		}
		same = outcome{Revision: at, Repeated: true}
	}
	return same, false
}

func (m *model) write(name, typ, data string, ids ...[16]byte) {
	s := m.stream(name)
	for _, id := range ids {
		e := modelEvent{name, s.last() + 1, id, typ}
		s.events = append(s.events, e)
		m.log = append(m.log, e)
		if id != [16]byte{} {
			m.recent[id] = e
		}
	}
	if owner, isMeta := strings.CutPrefix(name, "$$"); isMeta {
		o := m.stream(owner)
		o.hasMeta, o.metaData = true, data
	}
}

func (m *model) writeTruncate(name string, tb int64) {
	keys := map[string]any{}
	if json.Unmarshal([]byte(m.stream(name).metaData), &keys) != nil {
		keys = map[string]any{}
	}
	keys["$tb"] = tb
	out, _ := json.Marshal(keys)
	m.write("$$"+name, "$metadata", string(out), [16]byte{})
}

func (m *model) append(name string, want ledger.Expected, data string, ids [][16]byte) outcome {
	o, write := m.decide(name, want, ids)
	if !write {
		return o
	}
	visible := strings.TrimPrefix(name, "$$")
	wasDeleted, last := m.stream(visible).softDeleted(), m.stream(visible).last()
	m.write(name, "test", data, ids...)
	o = outcome{Revision: m.stream(name).last()}
	if wasDeleted && (visible == name || !m.stream(visible).softDeleted()) {
		m.writeTruncate(visible, last+1)
	}
	return o
}

func (m *model) remove(name string, want ledger.Expected, hard bool) outcome {
	if strings.HasPrefix(name, "$$") {
		return outcome{Refused: "denied"}
	}
	if o, _ := m.decide(name, want, [][16]byte{{0xff}}); o.Refused != "" {
		return o
	}
	s := m.stream(name)
	if hard {
		s.tombstoned = true
		m.log = append(m.log, modelEvent{name, ledger.Tombstoned, [16]byte{}, "$streamDeleted"})
		return outcome{Revision: ledger.Tombstoned}
	}
	if s.last() < 0 && !s.hasMeta {
		return outcome{Refused: "wrong -1"}
	}
	m.write("$$"+name, "$metadata", fmt.Sprintf(`{"$tb":%d}`, int64(math.MaxInt64)), [16]byte{})
	return outcome{Revision: s.last()}
}

// visible lists the revisions that readers of a stream see.
func (m *model) visible(name string) []int64 {
	s := m.stream(name)
	first, maxCount := s.limits()
	if strings.HasPrefix(name, "$$") {
		first, maxCount = 0, 1
	}
	if maxCount > 0 {
		first = max(first, s.last()-maxCount+1)
	}
	out := []int64{}
	for _, e := range s.events {
		if e.Revision >= first {
			out = append(out, e.Revision)
		}
	}
	return out
}

func outcomeOf(t *rapid.T, res ledger.Result, err error) outcome {
	var wrong *ledger.WrongRevisionError
	var deleted *ledger.DeletedError
	switch {
	case err == nil:
		return outcome{Revision: res.Revision, Repeated: res.Repeated}
	case errors.As(err, &wrong):
		return outcome{Refused: fmt.Sprintf("wrong %d", wrong.Current)}
	case errors.As(err, &deleted):
		return outcome{Refused: "deleted"}
	case errors.Is(err, ledger.ErrDenied):
		return outcome{Refused: "denied"}
	}
	t.Fatalf("unexpected error: %v", err)
	return outcome{}
}

// TestLedgerDecidesLikeTheModel runs random appends, deletes, tombstones and
// reopenings against the ledger and the model.
func TestLedgerDecidesLikeTheModel(t *testing.T) {
	names := rapid.SampledFrom([]string{"a", "a", "b", "b", "$$a", "$$b"})
	wants := rapid.Custom(func(t *rapid.T) ledger.Expected {
		if rapid.Bool().Draw(t, "special") {
			return rapid.SampledFrom([]ledger.Expected{ledger.Any, ledger.NoStream, ledger.Exists}).Draw(t, "kind")
		}
		return ledger.Expected(rapid.IntRange(-1, 6).Draw(t, "revision"))
	})
	data := rapid.SampledFrom([]string{
		`{}`, `{"x":1}`, `{"$maxCount":2}`, `{"$tb":2,"x":[1]}`, `{"$maxCount":"2"}`, `no json`,
		`{"$tb":9223372036854775807}`,
	})
	rapid.Check(t, func(rt *rapid.T) {
		fs := vfs.NewMem()
		openAgain := func() *ledger.Ledger {
			l, err := ledger.Open(ledger.Config{Dir: "l", FS: fs, Logger: quiet, Headers: 2})
			if err != nil {
				rt.Fatal(err)
			}
			return l
		}
		l := openAgain()
		defer func() { _ = l.Close() }()
		m := &model{streams: map[string]*modelStream{}, recent: map[[16]byte]modelEvent{}}
		lastPos := uint64(0)
		check := func(res ledger.Result, err error, want outcome) {
			rt.Helper()
			if diff := cmp.Diff(want, outcomeOf(rt, res, err)); diff != "" {
				rt.Fatalf("outcome (-model +ledger):\n%s", diff)
			}
			if err == nil && !res.Repeated && res.Position != 0 && res.Position <= lastPos {
				rt.Fatalf("position %d after %d", res.Position, lastPos)
			}
			if err == nil && !res.Repeated && res.Position != 0 {
				lastPos = res.Position
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				name, want, body := names.Draw(rt, "stream"), wants.Draw(rt, "want"), data.Draw(rt, "data")
				first, n := rapid.IntRange(1, 12).Draw(rt, "id"), rapid.IntRange(0, 3).Draw(rt, "events")
				var evs []ledger.Event
				var ids [][16]byte
				for i := range n {
					evs = append(evs, ledger.Event{ID: id(first + i), Type: "test", JSON: true, Data: []byte(body)})
					ids = append(ids, id(first+i))
				}
				res, err := l.Append(t.Context(), name, want, evs)
				check(res, err, m.append(name, want, body, ids))
			},
			"delete": func(rt *rapid.T) {
				name, want := names.Draw(rt, "stream"), wants.Draw(rt, "want")
				res, err := l.Delete(t.Context(), name, want)
				check(res, err, m.remove(name, want, false))
			},
			"tombstone": func(rt *rapid.T) {
				if rapid.IntRange(0, 9).Draw(rt, "seldom") > 0 {
					rt.Skip("tombstones end a stream")
				}
				name, want := names.Draw(rt, "stream"), wants.Draw(rt, "want")
				res, err := l.Tombstone(t.Context(), name, want)
				check(res, err, m.remove(name, want, true))
			},
			"reopen": func(rt *rapid.T) {
				if rapid.IntRange(0, 9).Draw(rt, "seldom") > 0 {
					rt.Skip("opening takes time")
				}
				if err := l.Close(); err != nil {
					rt.Fatal(err)
				}
				l = openAgain()
			},
			"": func(rt *rapid.T) { compare(t, rt, l, m) },
		})
	})
}

// compare reads everything both ways.
func compare(t *testing.T, rt *rapid.T, l *ledger.Ledger, m *model) {
	log := []modelEvent{}
	for i, r := range all(t, l) {
		e := modelEvent{string(r.Stream), r.Revision, r.ID, string(r.Type)}
		if i < len(m.log) && m.log[i].ID == [16]byte{} {
			e.ID = [16]byte{}
		}
		log = append(log, e)
	}
	if diff := cmp.Diff(append([]modelEvent{}, m.log...), log); diff != "" {
		rt.Fatalf("log (-model +ledger):\n%s", diff)
	}
	for _, name := range []string{"a", "b", "$$a", "$$b"} {
		s, err := l.Stream(name)
		if err != nil {
			rt.Fatal(err)
		}
		ms := m.stream(name)
		if s.SoftDeleted != ms.softDeleted() {
			rt.Fatalf("%s: soft-deleted is %v", name, s.SoftDeleted)
		}
		if s.Tombstoned || s.Missing() {
			continue
		}
		if diff := cmp.Diff(m.visible(name), revisions(visible(t, l, name))); diff != "" {
			rt.Fatalf("%s (-model +ledger):\n%s", name, diff)
		}
		back := []int64{}
		_, err = l.ScanStreamBack(s, math.MaxInt64, func(r ledger.Record) bool {
			back = append([]int64{r.Revision}, back...)
			return true
		})
		if diff := cmp.Diff(m.visible(name), back); diff != "" || err != nil {
			rt.Fatalf("%s backwards (-model +ledger), %v:\n%s", name, err, diff)
		}
	}
}
