package tickets

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
)

// FuzzUnpack: whatever the bytes, no panic, and what unpacks packs to an
// envelope that unpacks alike.
func FuzzUnpack(f *testing.F) {
	env := events.Envelope{
		ID: events.DeriveUUID("a"), Type: "hub.NoteAdded", Stream: "ticket-1", Facts: []byte("{}"), Sealed: [][]byte{{1, 2, 3}, {}},
		Meta: events.Meta{
			Version: 1, At: time.Date(2026, 3, 1, 0, 0, 0, 5, time.UTC), Actor: "agent:1", Correlation: events.DeriveUUID("b"), Policy: "p", Schedule: 1,
			Segments: []events.SegmentRef{
				{Field: "Note", KID: "k", Subject: "s", Category: "c", Class: "r", Purposes: []events.Purpose{"support"}, Commit: []byte{9}},
				{Field: "Other", Commit: []byte{}},
			},
		},
	}
	b := pack(env)
	got, err := unpack(b)
	if err != nil {
		f.Fatal(err)
	}
	if d := cmp.Diff(env, got); d != "" {
		f.Fatalf("round trip (-want +got):\n%s", d)
	}
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Add([]byte{})
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		env, err := unpack(b)
		if err != nil {
			return
		}
		env.Meta.Version = 1 // facts of another version travel along, of this one they do not
		env.Type, env.Facts = "hub.NoteAdded", []byte("{}")
		again, err := unpack(pack(env))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(env, again); d != "" {
			t.Errorf("round trip (-want +got):\n%s", d)
		}
	})
}
