package seal_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/seal"
)

// TestSplicedSegmentIsTamper changes everything that can be changed in the
// clear around a ciphertext, and the ciphertext: nothing may open.
func TestSplicedSegmentIsTamper(t *testing.T) {
	h := newHouse(t)
	good, other := h.seal(t, h.inquiry(t))[0], h.seal(t, h.inquiry(t))[0]
	ref := func(e *events.Envelope) *events.SegmentRef { return &e.Meta.Segments[1] }
	tests := map[string]func(e *events.Envelope){
		"other stream":                 func(e *events.Envelope) { e.Stream = other.Stream },
		"other event":                  func(e *events.Envelope) { e.ID = other.ID },
		"other type":                   func(e *events.Envelope) { e.Type = "hub.ReplyWritten" },
		"other version":                func(e *events.Envelope) { e.Meta.Version = 0 },
		"other subject":                func(e *events.Envelope) { ref(e).Subject = events.SubjectID(strings.Repeat("0", 32)) },
		"other category":               func(e *events.Envelope) { ref(e).Category = events.Contact },
		"other class":                  func(e *events.Envelope) { ref(e).Class = events.ClassContact },
		"more purposes":                func(e *events.Envelope) { ref(e).Purposes = append(ref(e).Purposes, "promo") },
		"no purposes":                  func(e *events.Envelope) { ref(e).Purposes = nil },
		"purposes run together":        func(e *events.Envelope) { ref(e).Purposes = []events.Purpose{"supp", "ort"} },
		"other commitment":             func(e *events.Envelope) { ref(e).Commit = bytes.Clone(ref(&other).Commit) },
		"no commitment":                func(e *events.Envelope) { ref(e).Commit = nil },
		"key of the other segment":     func(e *events.Envelope) { ref(e).KID = e.Meta.Segments[0].KID },
		"key and commitment of other":  func(e *events.Envelope) { ref(e).KID, ref(e).Commit = ref(&other).KID, ref(&other).Commit },
		"whole segment of other event": func(e *events.Envelope) { *ref(e), e.Sealed[1] = *ref(&other), other.Sealed[1] },
		"ciphertext of other event":    func(e *events.Envelope) { e.Sealed[1] = other.Sealed[1] },
		"ciphertexts swapped":          func(e *events.Envelope) { e.Sealed[0], e.Sealed[1] = e.Sealed[1], e.Sealed[0] },
		"segments swapped": func(e *events.Envelope) {
			slices.Reverse(e.Sealed)
			slices.Reverse(e.Meta.Segments)
		},
		"a segment doubled": func(e *events.Envelope) {
			e.Sealed = append([][]byte{e.Sealed[0]}, e.Sealed...)
			e.Meta.Segments = append([]events.SegmentRef{e.Meta.Segments[0]}, e.Meta.Segments...)
		},
		"segment before it left out": func(e *events.Envelope) { e.Sealed, e.Meta.Segments = e.Sealed[1:], e.Meta.Segments[1:] },
		"other field":                func(e *events.Envelope) { ref(e).Field = "Contact" },
		"ciphertext missing":         func(e *events.Envelope) { e.Sealed = e.Sealed[:1] },
		"empty ciphertext":           func(e *events.Envelope) { e.Sealed[1] = nil },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			env := travel(t, good)
			spoil(&env)
			got, err := h.Open(t.Context(), agent, []events.Envelope{env})
			if !errors.Is(err, seal.ErrTamper) {
				t.Fatalf("open = %v, want ErrTamper", err)
			}
			if strings.Contains(err.Error(), canary) {
				t.Error("the error carries text")
			}
			if e, ok := got[0].(events.InquiryReceived); ok && e.Letter.State() == events.Plain {
				t.Error("the letter opened")
			}
		})
	}
	h.open(t, agent, good)
}

// TestAnyChangedBitIsTamper flips, cuts and lengthens ciphertexts at random.
func TestAnyChangedBitIsTamper(t *testing.T) {
	h := newHouse(t)
	good := h.seal(t, h.inquiry(t, 3*64<<10+5))[0]
	blob := h.open(t, agent, good).Files[0]
	file, err := h.blobs.Get(t.Context(), blob.Digest)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		env := travel(t, good)
		i := rapid.IntRange(0, 1).Draw(rt, "segment")
		env.Sealed[i] = mangle(rt, env.Sealed[i])
		if _, err := h.Open(t.Context(), agent, []events.Envelope{env}); !errors.Is(err, seal.ErrTamper) {
			rt.Fatalf("open = %v, want ErrTamper", err)
		}
		b, spoilt := blob, mangle(rt, file)
		b.Inline, b.Digest = spoilt, digest(spoilt)
		if _, _, err := h.OpenBlob(t.Context(), agent, b); !errors.Is(err, seal.ErrTamper) {
			rt.Fatalf("open file = %v, want ErrTamper", err)
		}
	})
}

func mangle(rt *rapid.T, b []byte) []byte {
	b = bytes.Clone(b)
	at := rapid.IntRange(0, len(b)-1).Draw(rt, "at")
	switch rapid.SampledFrom([]string{"flip", "cut", "lengthen", "drop", "double"}).Draw(rt, "how") {
	case "flip":
		b[at] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		return b
	case "cut":
		return b[:at]
	case "lengthen":
		return append(b, make([]byte, 1+at)...)
	case "drop":
		return slices.Delete(b, at, at+1)
	default:
		return slices.Insert(b, at, 0)
	}
}

func TestChunksOfAFileCannotBeMoved(t *testing.T) {
	h := newHouse(t)
	const chunk = 64<<10 + 16
	e := h.open(t, agent, h.seal(t, h.inquiry(t, 3*64<<10, 3*64<<10))[0])
	sealed, err := h.blobs.Get(t.Context(), e.Files[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	head, body := sealed[:8], sealed[8:]
	part := func(n int) []byte { return body[n*chunk : (n+1)*chunk] }
	for name, parts := range map[string][][]byte{
		"swapped":         {head, part(1), part(0), part(2)},
		"last one cut":    {head, part(0), part(1)},
		"first one cut":   {head, part(1), part(2)},
		"middle one cut":  {head, part(0), part(2)},
		"one doubled":     {head, part(0), part(0), part(1), part(2)},
		"last one twice":  {head, part(0), part(1), part(2), part(2)},
		"no chunk at all": {head},
	} {
		b := e.Files[0]
		b.Inline = bytes.Join(parts, nil)
		b.Digest = digest(b.Inline)
		b.Size = int64(len(parts)-1) * 64 << 10
		if _, _, err := h.OpenBlob(t.Context(), agent, b); !errors.Is(err, seal.ErrTamper) {
			t.Errorf("%s: open = %v, want ErrTamper", name, err)
		}
	}
	for name, spoil := range map[string]func(b *events.Blob){
		"other index": func(b *events.Blob) { b.Ref.Index = 1 },
		"other field": func(b *events.Blob) { b.Ref.Field = "Raw" },
		"other event": func(b *events.Blob) { b.Ref.Event = events.NewUUID() },
		"other size":  func(b *events.Blob) { b.Size-- },
		"other bytes": func(b *events.Blob) { b.Digest = e.Files[1].Digest },
	} {
		b := e.Files[0]
		spoil(&b)
		if _, _, err := h.OpenBlob(t.Context(), agent, b); !errors.Is(err, seal.ErrTamper) {
			t.Errorf("%s: open = %v, want ErrTamper", name, err)
		}
	}
}

func TestFilesOfEverySizeComeBack(t *testing.T) {
	h := newHouse(t)
	sizes := []int{0, 1, 32<<10 - 24, 32<<10 - 23, 64<<10 - 1, 64 << 10, 64<<10 + 1, 5*64<<10 + 7}
	e := h.open(t, agent, h.seal(t, h.inquiry(t, sizes...))[0])
	for i, n := range sizes {
		plain, state, err := h.OpenBlob(t.Context(), agent, e.Files[i])
		if err != nil || state != events.Plain || len(plain) != n || strings.Trim(string(plain), "x") != "" {
			t.Errorf("file of %d bytes: %v, %v, %d bytes", n, state, err, len(plain))
		}
		if inline := e.Files[i].Inline != nil; inline != (n <= 32<<10-24) {
			t.Errorf("file of %d bytes travels inside: %v", n, inline)
		}
	}
}

// TestLengthOfATextIsHiddenToWithinTwelvePercent also says what padding costs.
func TestLengthOfATextIsHiddenToWithinTwelvePercent(t *testing.T) {
	h := newHouse(t)
	sizes := map[int]bool{} // of texts of 16,400 to 16,800 bytes
	lengths := []int{16_400, 16_433, 16_500, 16_600, 16_700, 16_800}
	for n := 50; n < 20_000; n = n*21/20 + 1 {
		lengths = append(lengths, n)
	}
	for i, n := range lengths {
		d := h.inquiry(t)
		e := d.Event.(events.InquiryReceived)
		e.Raw, e.Letter = events.Blob{}, events.Seal(events.Letter{Text: strings.Repeat("x", n)})
		d.Event = e
		_, _, segs, err := events.Split(e)
		if err != nil {
			t.Fatal(err)
		}
		plain, sealed := len(segs[1].Plain)+4, len(h.seal(t, d)[0].Sealed[1])-29
		if sealed < plain || sealed*100 > plain*112 {
			t.Errorf("%d bytes became %d", plain, sealed)
		}
		if i < 6 {
			sizes[sealed] = true
		}
	}
	if len(sizes) > 2 {
		t.Errorf("texts of nearly one length have %d sizes", len(sizes))
	}
}

// FuzzOpen feeds ciphertexts from anywhere: they never open and never panic.
func FuzzOpen(f *testing.F) {
	h := newHouse(f)
	env := h.seal(f, h.inquiry(f))[0]
	e := h.open(f, agent, env)
	f.Add([]byte{}, []byte{})
	f.Add(env.Sealed[0], env.Sealed[1])
	f.Add(env.Sealed[1][:40], e.Raw.Inline[:20])
	f.Add(bytes.Repeat([]byte{1}, 93), bytes.Repeat([]byte{1}, 24))
	f.Fuzz(func(t *testing.T, segment, file []byte) {
		if bytes.Equal(segment, env.Sealed[1]) || bytes.Equal(file, e.Raw.Inline) {
			return
		}
		spoilt := travel(t, env)
		spoilt.Sealed[1] = segment
		if _, err := h.Open(context.Background(), agent, []events.Envelope{spoilt}); !errors.Is(err, seal.ErrTamper) {
			t.Errorf("open = %v, want ErrTamper", err)
		}
		b := e.Raw
		b.Inline, b.Digest = append([]byte{}, file...), digest(file)
		if _, _, err := h.OpenBlob(context.Background(), agent, b); !errors.Is(err, seal.ErrTamper) {
			t.Errorf("open file = %v, want ErrTamper", err)
		}
	})
}
