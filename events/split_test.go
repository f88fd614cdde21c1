package events_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
)

func split(doc []byte) (map[string]string, error) {
	out := map[string]string{}
	err := events.SplitObject(doc, func(k, v []byte) error { out[string(k)] = string(v); return nil })
	return out, err
}

func TestSplitObjectGivesRawMembers(t *testing.T) {
	got, err := split([]byte(` {"a": {"x":[1,{"y":"}"}]} ,"b":"q\"\\","c":-1.5e3,"d":null , "e":[] } `))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"a": `{"x":[1,{"y":"}"}]}`, "b": `"q\"\\"`, "c": "-1.5e3", "d": "null", "e": "[]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "[]", "{", `{"a"}`, `{"a":}`, `{"a":1`, `{"a":"x}`, `{"a":1}x`, `{a:1}`, `{"a":1,}`, `{"\u0061":1}`, "nul"} {
		if _, err := split([]byte(bad)); err == nil {
			t.Errorf("%s was split", bad)
		}
	}
}

// FuzzSplitObject compares with the general decoder: whatever that reads is split
// into the same members, and nothing makes it panic.
func FuzzSplitObject(f *testing.F) {
	f.Add([]byte(`{"facts":{"a":[1,2]},"sealed":["AAAA"]}`))
	f.Add([]byte(`{"a":"\\\"","b":{}}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		got, err := split(doc)
		var want map[string]json.RawMessage
		if json.Unmarshal(doc, &want) != nil || want == nil {
			return
		}
		if err != nil {
			for k := range want { // a key with escapes is refused
				if b, _ := json.Marshal(k); len(b) != len(k)+2 {
					return
				}
			}
			for _, c := range doc {
				if c == '\\' {
					return
				}
			}
			t.Fatalf("%q: %v", doc, err)
		}
		for k, v := range want {
			if got[k] != string(v) {
				t.Fatalf("%q: member %q is %q, want %q", doc, k, got[k], v)
			}
		}
	})
}
