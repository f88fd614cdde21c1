package seal

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/westshore/hub/events"
)

// Bytes that were sealed once must open for ever: these constants are what the
// first release wrote, and are never edited. A new format gets a new first byte
// and constants of its own.
const (
	goldenAAD     = "fead8a294c65cb5662cc15c2a5b2d9b0df666714d2e69d133b8c11746ab90a41"
	goldenSegment = "01a062e417ec116f4bb0c2d5079b0737b0c460dfa84e7960f734667cbbf88b207362ed0ed70da36aacbb52146f1cb672895267edfa3d6fe56bc7be7b2c66789b274444cca99bf55d28b2d29e78fc0ddf0b82149cdd2da4a02672d3415e"
	goldenBlob    = "018e0d6c68b634c03da2d899026d054875b28f9af600e9de8a22a0bede"
)

func goldenEnvelope() *events.Envelope {
	return &events.Envelope{
		ID: events.UUID{1, 2, 3}, Type: "hub.NoteAdded", Stream: "ticket-1",
		Meta: events.Meta{Version: 1, Segments: []events.SegmentRef{{
			Field: "Note", KID: "000000000000000000000000000000aa", Subject: "000000000000000000000000000000bb",
			Category: events.Communication, Class: events.ClassComm, Purposes: []events.Purpose{events.PurposeSupport},
		}}},
	}
}

func TestBytesOfTheFirstReleaseStillOpen(t *testing.T) {
	dek := bytes.Repeat([]byte{7}, 32)
	bound := aad(goldenEnvelope(), 0)
	if got := hex.EncodeToString(bound); got != goldenAAD {
		t.Errorf("associated data = %s, want %s", got, goldenAAD)
	}
	plain, err := openSegment(dek, unhex(t, goldenSegment), bound)
	if err != nil || string(plain) != `{"text":"hello"}` {
		t.Errorf("segment = %q, %v", plain, err)
	}
	at := events.BlobAt{Event: events.UUID{1, 2, 3}, Field: "Raw", Index: 2}
	plain, err = openBlob(dek, unhex(t, goldenBlob), 5, "000000000000000000000000000000aa", at)
	if err != nil || string(plain) != "hello" {
		t.Errorf("file = %q, %v", plain, err)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
