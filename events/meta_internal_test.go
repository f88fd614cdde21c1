package events

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestMetaIsReadAsJSON compares the quick reader with encoding/json.
func TestMetaIsReadAsJSON(t *testing.T) {
	full, err := json.Marshal(Meta{
		Version: 3, At: time.Date(2026, 11, 22, 8, 14, 7, 123456789, time.UTC), Actor: "agent:0123", Correlation: NewUUID(), Causation: NewUUID(),
		Policy: "WSPP/2023-04-30", Schedule: 14, Segments: []SegmentRef{
			{Field: "Letter", KID: "k1", Subject: "s1", Category: "C-COMM", Class: "R-COMM", Purposes: []Purpose{"support", "legal"}, Commit: []byte{1, 2, 3}},
			{Field: "Contact", KID: "k2", Subject: "s2", Category: "C-CONTACT", Class: "R-CONT", Commit: []byte{}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range []string{
		string(full), `{}`, `{"v":1,"unknown":{"a":[1,"}"]},"actor":"a\u0062c \"d\" ä"}`, `{"segs":null,"at":null,"corr":null,"actor":null,"v":null}`,
		` { "segs" : [ { "kc" : null , "pur" : [ ] } ] , "sv" : 2 } `, `{"at":"2026-11-22T09:14:07+01:00"}`,
	} {
		var want Meta
		if err := json.Unmarshal([]byte(doc), &want); err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
		got, err := parseMeta([]byte(doc))
		if err != nil {
			t.Errorf("%s: %v", doc, err)
		}
		// An empty list and none are the same to every reader.
		if diff := cmp.Diff(plainMeta(t, want), plainMeta(t, got)); diff != "" {
			t.Errorf("%s (-json +parseMeta):\n%s", doc, diff)
		}
	}
	for _, doc := range []string{``, `[]`, `{"v":"one"}`, `{"at":"noon"}`, `{"corr":"12"}`, `{"segs":[{"kc":"!"}]}`, `{"segs":{}}`, `{"actor":7}`, `{"v":1`} {
		if m, err := parseMeta([]byte(doc)); err == nil {
			t.Errorf("%s is read as %+v", doc, m)
		}
	}
}

func plainMeta(t *testing.T, m Meta) string {
	t.Helper()
	for i := range m.Segments {
		if len(m.Segments[i].Purposes) == 0 {
			m.Segments[i].Purposes = nil
		}
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
