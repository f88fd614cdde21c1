package node_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/westshore/hub/events/node"
)

const ok esdb.ErrorCode = -1

// TestAppend runs on both kinds of listener: the cases are the decision table
// as the official client shows it.
func TestAppend(t *testing.T) {
	for name, change := range map[string]func(*node.Config){"socket": func(*node.Config) {}, "tcp": onTCP} {
		t.Run(name, func(t *testing.T) { testAppend(t, dial(t, start(t, change))) })
	}
}

func testAppend(t *testing.T, c *esdb.Client) {
	t.Run("NoStreamTwice", func(t *testing.T) {
		s, ev := streamName(), event("a")
		first := put(t, c, s, esdb.NoStream{}, ev)
		if diff := cmp.Diff(first, put(t, c, s, esdb.NoStream{}, ev)); diff != "" {
			t.Error(diff)
		}
		if code := refused(t, c, s, esdb.NoStream{}, event("b")); code != esdb.ErrorCodeWrongExpectedVersion {
			t.Errorf("another id: code %v", code)
		}
		if evs, err := readStream(t, c, s, esdb.ReadStreamOptions{}, 9); len(evs) != 1 || err != nil {
			t.Errorf("%d events, %v", len(evs), err)
		}
	})
	t.Run("ExactRepeated", func(t *testing.T) {
		s, evs := streamName(), eventsN("e", 4)
		put(t, c, s, esdb.NoStream{}, event("zero"))
		first := put(t, c, s, esdb.Revision(0), evs...)
		if first.NextExpectedVersion != 4 {
			t.Errorf("revision %d", first.NextExpectedVersion)
		}
		if diff := cmp.Diff(first, put(t, c, s, esdb.Revision(0), evs...)); diff != "" {
			t.Errorf("whole: %s", diff)
		}
		if r := put(t, c, s, esdb.Revision(0), evs[:2]...); r.NextExpectedVersion != 2 || r.CommitPosition >= first.CommitPosition {
			t.Errorf("prefix: %+v", r)
		}
		for name, again := range map[string][]esdb.EventData{
			"longer":          append(append([]esdb.EventData{}, evs...), event("more")),
			"one id changed":  {evs[0], event("x"), evs[2], evs[3]},
			"first different": {event("x"), evs[1]},
		} {
			if code := refused(t, c, s, esdb.Revision(0), again...); code != esdb.ErrorCodeWrongExpectedVersion {
				t.Errorf("%s: code %v", name, code)
			}
		}
		if code := refused(t, c, s, esdb.Revision(9), event("y")); code != esdb.ErrorCodeWrongExpectedVersion {
			t.Errorf("above the last: code %v", code)
		}
	})
	t.Run("AnyRepeated", func(t *testing.T) {
		s, other, evs := streamName(), streamName(), eventsN("e", 3)
		first := put(t, c, s, esdb.Any{}, evs...)
		if diff := cmp.Diff(first, put(t, c, s, esdb.Any{}, evs...)); diff != "" {
			t.Error(diff)
		}
		if code := refused(t, c, s, esdb.Any{}, evs[0], event("new")); code != esdb.ErrorCodeWrongExpectedVersion {
			t.Errorf("known, then unknown: code %v", code)
		}
		if r := put(t, c, s, esdb.Any{}, event("new"), evs[0]); r.NextExpectedVersion != 4 {
			t.Errorf("unknown first: %+v", r)
		}
		if r := put(t, c, other, esdb.Any{}, evs[0]); r.NextExpectedVersion != 0 {
			t.Errorf("same id in another stream: %+v", r)
		}
	})
	t.Run("StreamExists", func(t *testing.T) {
		s := streamName()
		if code := refused(t, c, s, esdb.StreamExists{}, event("a")); code != esdb.ErrorCodeWrongExpectedVersion {
			t.Errorf("missing: code %v", code)
		}
		setMetadata(t, c, s, esdb.NoStream{}, `{"x":1}`)
		if r := put(t, c, s, esdb.StreamExists{}, event("a")); r.NextExpectedVersion != 0 {
			t.Errorf("metadata only: %+v", r)
		}
		if _, err := c.DeleteStream(t.Context(), s, esdb.DeleteStreamOptions{}); err != nil {
			t.Fatal(err)
		}
		if code := refused(t, c, s, esdb.StreamExists{}, event("b")); code != esdb.ErrorCodeStreamDeleted {
			t.Errorf("soft-deleted: code %v", code)
		}
	})
	t.Run("NoEvents", func(t *testing.T) {
		s := streamName()
		put(t, c, s, esdb.NoStream{}, eventsN("e", 2)...)
		if r := put(t, c, s, esdb.Revision(1)); r.NextExpectedVersion != 1 {
			t.Errorf("revision %d", r.NextExpectedVersion)
		}
		if code := refused(t, c, s, esdb.Revision(0)); code != esdb.ErrorCodeWrongExpectedVersion {
			t.Errorf("below the last: code %v", code)
		}
	})
	t.Run("Sizes", func(t *testing.T) { testSizes(t, c) })
	t.Run("Refusals", func(t *testing.T) {
		for stream, want := range map[string]esdb.ErrorCode{
			"$all": esdb.ErrorCodeAccessDenied, "": esdb.ErrorCodeUnknown, "$$": esdb.ErrorCodeUnknown,
			strings.Repeat("x", 5000): esdb.ErrorCodeUnknown,
		} {
			if code := refused(t, c, stream, esdb.Any{}, event("a")); code != want {
				t.Errorf("%.8q: code %v, want %v", stream, code, want)
			}
		}
		untyped := event("a")
		untyped.EventType = ""
		if code := refused(t, c, "$all", esdb.Any{}, untyped); code != esdb.ErrorCodeAccessDenied { // access is asked first
			t.Errorf("no type, to $all: code %v", code)
		}
		if code := refused(t, c, streamName(), esdb.Any{}, event("b"), untyped, event("c")); code != esdb.ErrorCodeUnknown {
			t.Errorf("no type: code %v", code)
		}
	})
	t.Run("Names", func(t *testing.T) {
		for _, s := range []string{"with space", "a/b", "üñí-日本語", strings.Repeat("n", 1000), "$own"} {
			s += uuid.NewString()
			put(t, c, s, esdb.NoStream{}, event("a"))
			evs, err := readStream(t, c, s, esdb.ReadStreamOptions{}, 1)
			if err != nil || len(evs) != 1 || evs[0].StreamID != s {
				t.Errorf("%.20q: %v, %v", s, evs, err)
			}
		}
	})
	t.Run("Content", func(t *testing.T) {
		s := streamName()
		binary := esdb.EventData{EventID: uuid.New(), EventType: "b", ContentType: esdb.ContentTypeBinary, Data: []byte{0, 255}}
		empty := esdb.EventData{EventID: uuid.New(), EventType: "e", ContentType: esdb.ContentTypeJson}
		put(t, c, s, esdb.NoStream{}, binary, empty)
		evs, err := readStream(t, c, s, esdb.ReadStreamOptions{}, 9)
		if err != nil || len(evs) != 2 {
			t.Fatal(len(evs), err)
		}
		if e := evs[0]; e.EventID != binary.EventID || e.ContentType != "application/octet-stream" || !bytes.Equal(e.Data, binary.Data) || e.EventType != "b" {
			t.Errorf("binary: %+v", e)
		}
		if e := evs[1]; e.EventID != empty.EventID || e.ContentType != "application/json" || len(e.Data)+len(e.UserMetadata) != 0 {
			t.Errorf("empty: %+v", e)
		}
		if e := evs[1]; e.Position.Commit != e.Position.Prepare || e.Position.Commit <= evs[0].Position.Commit || e.CreatedDate.IsZero() {
			t.Errorf("position and time: %+v", e)
		}
	})
}

func testSizes(t *testing.T, c *esdb.Client) {
	const limit = node.DefaultMaxAppendBytes
	sized := func(n int) esdb.EventData {
		return esdb.EventData{
			EventID: uuid.New(), EventType: "ab", ContentType: esdb.ContentTypeBinary,
			Data: make([]byte, n-2*2-10), Metadata: make([]byte, 10),
		}
	}
	if code := refused(t, c, streamName(), esdb.NoStream{}, sized(limit)); code != ok {
		t.Errorf("exactly the limit: code %v", code)
	}
	for name, evs := range map[string][]esdb.EventData{
		"one byte more":       {sized(limit + 1)},
		"sum":                 {sized(limit / 2), sized(limit/2 + 1)},
		"first of many":       {sized(2 * limit), sized(1000), sized(1000), sized(1000)},
		"many":                {sized(limit), sized(limit), sized(limit), sized(limit), sized(limit), sized(limit)},
		"over grpc's default": {sized(5 << 20)},
		"over grpc's own":     {sized(16 << 20), sized(100)},
	} {
		s := streamName()
		_, err := c.AppendToStream(t.Context(), s, esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, evs...)
		var e *esdb.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if st, _ := status.FromError(e.Err()); st.Code() != codes.InvalidArgument || !strings.Contains(st.Message(), "Maximum Append Size of 1048576 Exceeded") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := readStream(t, c, s, esdb.ReadStreamOptions{}, 1); codeOf(err) != esdb.ErrorCodeResourceNotFound {
			t.Errorf("%s: something was written: %v", name, err)
		}
	}
}

// TestMessageOverTheTransportsLimit: gRPC itself answers what is over 17 MiB.
func TestMessageOverTheTransportsLimit(t *testing.T) {
	c := dial(t, start(t))
	huge := event("huge")
	huge.Data = make([]byte, 18<<20)
	_, err := c.AppendToStream(t.Context(), "s", esdb.AppendToStreamOptions{}, huge)
	if err == nil || !strings.Contains(err.Error(), "ResourceExhausted") {
		t.Errorf("append: %v", err)
	}
	put(t, c, "s", esdb.NoStream{}, event("small"))
}

// setMetadata writes raw JSON as a stream's metadata.
func setMetadata(t testing.TB, c *esdb.Client, stream string, expected esdb.ExpectedRevision, data string) {
	t.Helper()
	put(t, c, "$$"+stream, expected, esdb.EventData{
		EventID: uuid.New(), EventType: "$metadata", ContentType: esdb.ContentTypeJson, Data: []byte(data),
	})
}

func TestAppendedIdsAreKnownAfterARestart(t *testing.T) {
	dir := t.TempDir()
	inDir := func(cfg *node.Config) { cfg.Dir = dir }
	s, evs := streamName(), eventsN("e", 3)
	var exact, loose *esdb.WriteResult
	for round := range 3 {
		n := start(t, inDir)
		c := dial(t, n)
		e, a := put(t, c, s, esdb.NoStream{}, evs...), put(t, c, s+"any", esdb.Any{}, evs...)
		if round > 0 {
			if diff := cmp.Diff([]*esdb.WriteResult{exact, loose}, []*esdb.WriteResult{e, a}); diff != "" {
				t.Error(diff)
			}
		}
		exact, loose = e, a
		_ = c.Close()
		if err := n.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDelete: soft and hard deletion, metadata and undelete.
func TestDelete(t *testing.T) {
	c := dial(t, start(t))
	del := func(s string, expected esdb.ExpectedRevision) (*esdb.DeleteResult, error) {
		return c.DeleteStream(t.Context(), s, esdb.DeleteStreamOptions{ExpectedRevision: expected})
	}
	bury := func(s string, expected esdb.ExpectedRevision) (*esdb.DeleteResult, error) {
		return c.TombstoneStream(t.Context(), s, esdb.TombstoneStreamOptions{ExpectedRevision: expected})
	}
	deleted := func(n int) string {
		s := streamName()
		put(t, c, s, esdb.NoStream{}, eventsN("old", n)...)
		if _, err := del(s, esdb.Any{}); err != nil {
			t.Fatal(err)
		}
		return s
	}
	t.Run("Missing", func(t *testing.T) {
		_, err := del(streamName(), esdb.Any{})
		if err == nil || !strings.Contains(err.Error(), "WrongExpectedVersion") || !strings.Contains(err.Error(), "Actual version: -1") {
			t.Error(err)
		}
	})
	t.Run("WrongRevision", func(t *testing.T) {
		s := streamName()
		put(t, c, s, esdb.NoStream{}, eventsN("a", 2)...)
		_, err := del(s, esdb.Revision(7))
		if err == nil || !strings.Contains(err.Error(), "Expected version: 7, Actual version: 1") {
			t.Error(err)
		}
	})
	t.Run("TwiceThenRead", func(t *testing.T) {
		s := deleted(2)
		if _, err := del(s, esdb.Any{}); err != nil {
			t.Error("again:", err)
		}
		if _, err := readStream(t, c, s, esdb.ReadStreamOptions{}, 9); codeOf(err) != esdb.ErrorCodeResourceNotFound {
			t.Error("read:", err)
		}
		if _, err := del(s, esdb.StreamExists{}); codeOf(err) != esdb.ErrorCodeStreamDeleted {
			t.Error("delete of what exists:", err)
		}
	})
	t.Run("ThenAppend", func(t *testing.T) {
		for name, expected := range map[string]esdb.ExpectedRevision{"none": esdb.NoStream{}, "any": esdb.Any{}, "exact": esdb.Revision(1)} {
			s := deleted(2)
			if r := put(t, c, s, expected, eventsN("new", 2)...); r.NextExpectedVersion != 3 {
				t.Errorf("%s: numbering goes on with %d", name, r.NextExpectedVersion)
			}
			evs, err := readStream(t, c, s, esdb.ReadStreamOptions{}, 9)
			if diff := cmp.Diff([]uint64{2, 3}, revisions(evs)); diff != "" || err != nil {
				t.Error(name, diff, err)
			}
			meta, err := readStream(t, c, "$$"+s, esdb.ReadStreamOptions{}, 9)
			if err != nil || len(meta) != 1 || string(meta[0].Data) != `{"$tb":2}` {
				t.Errorf("%s: metadata %v, %v", name, meta, err)
			}
		}
	})
	t.Run("WipesMetadataAndMetadataUndeletes", func(t *testing.T) {
		s := streamName()
		put(t, c, s, esdb.NoStream{}, eventsN("a", 2)...)
		setMetadata(t, c, s, esdb.NoStream{}, `{"$maxCount":1,"own":true}`)
		res, err := del(s, esdb.Revision(1))
		if err != nil {
			t.Fatal(err)
		}
		meta, err := readStream(t, c, "$$"+s, esdb.ReadStreamOptions{}, 9)
		if err != nil || len(meta) != 1 || string(meta[0].Data) != `{"$tb":9223372036854775807}` || meta[0].Position.Commit != res.Position.Commit {
			t.Errorf("metadata %v, %v", meta, err)
		}
		setMetadata(t, c, s, esdb.Revision(1), `{"own":1}`)
		meta, err = readStream(t, c, "$$"+s, esdb.ReadStreamOptions{}, 9)
		if err != nil || len(meta) != 1 || string(meta[0].Data) != `{"$tb":2,"own":1}` {
			t.Errorf("metadata after undelete %v, %v", meta, err)
		}
		if evs, err := readStream(t, c, s, esdb.ReadStreamOptions{}, 9); len(evs) != 0 || err != nil {
			t.Errorf("an undeleted stream shows %v, %v", evs, err)
		}
	})
	t.Run("Tombstone", func(t *testing.T) {
		s := streamName()
		put(t, c, s, esdb.NoStream{}, event("a"))
		setMetadata(t, c, s, esdb.NoStream{}, `{}`)
		if _, err := bury(s, esdb.Revision(5)); err == nil {
			t.Error("wrong revision went through")
		}
		if _, err := bury(s, esdb.Revision(0)); err != nil {
			t.Fatal(err)
		}
		if _, err := bury(streamName(), esdb.NoStream{}); err != nil {
			t.Error("never written:", err)
		}
		_, again := bury(s, esdb.Any{})
		_, soft := del(s, esdb.Any{})
		_, read := readStream(t, c, s, esdb.ReadStreamOptions{}, 1)
		_, meta := readStream(t, c, "$$"+s, esdb.ReadStreamOptions{}, 1)
		_, sub := c.SubscribeToStream(t.Context(), s, esdb.SubscribeToStreamOptions{})
		_, app := c.AppendToStream(t.Context(), s, esdb.AppendToStreamOptions{}, event("b"))
		_, appMeta := c.AppendToStream(t.Context(), "$$"+s, esdb.AppendToStreamOptions{}, event("b"))
		for name, err := range map[string]error{"again": again, "delete": soft, "read": read, "metadata": meta, "append": app, "append metadata": appMeta} {
			if codeOf(err) != esdb.ErrorCodeStreamDeleted {
				t.Errorf("%s: %v", name, err)
			}
		}
		if sub == nil || !strings.Contains(sub.Error(), "is deleted") {
			t.Errorf("subscribe: %v", sub)
		}
		evs, err := readAll(t, c, esdb.ReadAllOptions{From: esdb.Start{}}, 1000)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, e := range evs {
			found = found || e.StreamID == s && e.EventType == "$streamDeleted" && e.EventNumber == math.MaxInt64
		}
		if !found {
			t.Error("no tombstone in $all")
		}
	})
	t.Run("Denied", func(t *testing.T) {
		for _, s := range []string{"$all", "$$s"} {
			if _, err := del(s, esdb.Any{}); codeOf(err) != esdb.ErrorCodeAccessDenied {
				t.Errorf("delete %s: %v", s, err)
			}
			if _, err := bury(s, esdb.Any{}); codeOf(err) != esdb.ErrorCodeAccessDenied {
				t.Errorf("tombstone %s: %v", s, err)
			}
		}
	})
	t.Run("NameInTrailers", func(t *testing.T) { // the client panics without it
		s := "häßlich\n100%" + uuid.NewString()
		if _, err := bury(s, esdb.Any{}); err != nil {
			t.Fatal(err)
		}
		if code := refused(t, c, s, esdb.Any{}, event("a")); code != esdb.ErrorCodeStreamDeleted {
			t.Errorf("code %v", code)
		}
	})
}
