package scan_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"mime/quotedprintable"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/japanese"
	"pgregory.net/rapid"

	"github.com/westshore/hub/services/privacy/scan"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// place puts bytes into a registered file of a folder of its own.
func place(t testing.TB, b []byte) scan.Config {
	t.Helper()
	root := t.TempDir()
	check(t, os.MkdirAll(filepath.Join(root, "node"), 0o700))
	check(t, os.WriteFile(filepath.Join(root, "node", "000001.log"), b, 0o600))
	return scan.Config{Root: root, Register: scan.Base()}
}

func run(t testing.TB, cfg scan.Config) scan.Report {
	t.Helper()
	r, err := scan.Run(context.Background(), cfg)
	check(t, err)
	return r
}

// noise is what ciphertext looks like.
func noise(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func folded(s string, width int) string {
	var b strings.Builder
	for len(s) > width {
		b.WriteString(s[:width] + "\r\n")
		s = s[width:]
	}
	return b.String() + s + "\r\n"
}

func utf16le(s string) (out []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

func utf16be(s string) (out []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u>>8), byte(u))
	}
	return out
}

func pack(t testing.TB, open func(io.Writer) io.WriteCloser, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := open(&out)
	_, err := w.Write(b)
	check(t, err)
	check(t, w.Close())
	return out.Bytes()
}

func packers(t testing.TB) map[string]func([]byte) []byte {
	return map[string]func([]byte) []byte{
		"gzip": func(b []byte) []byte {
			return pack(t, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }, b)
		},
		"zstd": func(b []byte) []byte {
			return pack(t, func(w io.Writer) io.WriteCloser {
				z, err := zstd.NewWriter(w)
				check(t, err)
				return z
			}, b)
		},
		"s2": func(b []byte) []byte {
			return pack(t, func(w io.Writer) io.WriteCloser { return s2.NewWriter(w) }, b)
		},
		"zip": func(b []byte) []byte {
			var out bytes.Buffer
			z := zip.NewWriter(&out)
			f, err := z.Create("notes.txt")
			check(t, err)
			_, err = f.Write(b)
			check(t, err)
			check(t, z.Close())
			return out.Bytes()
		},
	}
}

// TestEveryEncodingIsSeen is PRIVACY 4.9: whatever a text is written as, and
// however deep it is packed, the scan finds it, and finds nothing in noise.
//
// clause: S4
func TestEveryEncodingIsSeen(t *testing.T) {
	const text, foreign = "Quantum-Zebra-7731-Kvitsøy-Lantern", "東京都千代田区丸の内一丁目の秘密"
	var qp bytes.Buffer
	w := quotedprintable.NewWriter(&qp)
	_, err := w.Write([]byte("Hello, I live near " + text + " and always have."))
	check(t, err)
	check(t, w.Close())
	jp, err := japanese.ISO2022JP.NewEncoder().String(foreign)
	check(t, err)
	percent := func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&b, "%%%02x", s[i])
		}
		return strings.ToUpper(b.String())
	}
	escapes := func(s string) string {
		var b strings.Builder
		for _, u := range utf16.Encode([]rune(s)) {
			fmt.Fprintf(&b, `\u%04x`, u)
		}
		return b.String()
	}
	hidden := map[string][]byte{
		"raw": []byte(text), "hex": []byte(hex.EncodeToString([]byte(text))), "HEX": []byte(strings.ToUpper(hex.EncodeToString([]byte(text)))),
		"utf-16le": utf16le(text), "utf-16be": utf16be(text), "unicode": []byte(escapes(text)), "percent": []byte(percent(text)),
		"query": []byte(url.QueryEscape(text)), "lower": []byte(strings.ToLower(text)), "quoted-printable": qp.Bytes(),
		"iso-2022-jp": []byte(jp), "folded header": []byte("Subject: Quantum-Zebra-\r\n 7731-Kvitsøy-Lantern\r\n"),
	}
	for shift := range 3 {
		b := append([]byte("ab")[:shift:shift], text+"!?"...)
		hidden[fmt.Sprint("base64 ", shift)] = []byte(base64.StdEncoding.EncodeToString(b))
		hidden[fmt.Sprint("base64url ", shift)] = []byte(base64.URLEncoding.EncodeToString(b))
		hidden[fmt.Sprint("folded base64 ", shift)] = []byte(folded(base64.StdEncoding.EncodeToString(b), 16))
	}
	for name, pack := range packers(t) {
		hidden[name] = pack([]byte("so " + text + " it is"))
		hidden[name+" of utf-16"] = pack(utf16le(text))
		hidden[name+" in base64"] = []byte(folded(base64.StdEncoding.EncodeToString(pack([]byte("it is "+text))), 76))
		hidden["gzip of "+name] = packers(t)["gzip"](pack([]byte(text)))
	}
	needles := scan.NewNeedles()
	needles.Add("place", text)
	needles.Add("address", foreign)
	for name, b := range hidden {
		t.Run(name, func(t *testing.T) {
			cfg := place(t, bytes.Join([][]byte{noise(3000), b, noise(2000)}, nil))
			cfg.Needles = needles
			if r := run(t, cfg); len(r.Hits) == 0 || r.Control != "found" || r.Clean() {
				t.Errorf("not seen: %+v", r)
			}
		})
	}
	cfg := place(t, noise(4<<20))
	cfg.Needles = needles
	if r := run(t, cfg); !r.Clean() {
		t.Errorf("found in noise: %+v", r)
	}
}

// TestNeedlesAreFoundWhereverTheyLie: at the very beginning and end of a file and
// across every boundary of the pieces it is read in.
//
// clause: S4
func TestNeedlesAreFoundWhereverTheyLie(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		size := rapid.SampledFrom([]int{0, 1, 100, 1023, 1024, 1 << 20, 1<<20 + 5, 2<<20 + 1500}).Draw(r, "size")
		at := rapid.SampledFrom([]int{0, 1, 7, 1000, 1 << 20, 1<<20 - 1, 1<<20 - 9, 1<<20 - 30, 1<<20 + 3, size}).Draw(r, "at")
		text := "n-" + rapid.StringMatching(`[a-z0-9]{6,90}`).Draw(r, "text")
		back := noise(size)
		at = min(at, size)
		n := scan.NewNeedles()
		n.Add("text", text)
		doc, err := n.Marshal()
		check(t, err)
		if n, err = scan.ParseNeedles(doc); err != nil {
			r.Fatal(err)
		}
		cfg := place(t, append(append(append([]byte{}, back[:at]...), text...), back[at:]...))
		cfg.Needles = n
		found := false
		for _, h := range run(t, cfg).Hits {
			found = found || h.At == int64(at) && h.Store == "node"
		}
		if !found {
			r.Fatalf("a text of %d bytes at %d of %d was not found there", len(text), at, size)
		}
	})
}

// TestFoldedAcrossPieces: a text that was broken into lines is whole again for the
// scan, wherever the pieces end in which a file is read.
//
// clause: S4
func TestFoldedAcrossPieces(t *testing.T) {
	const needle = "Folded-Subject-4471-Heron"
	n := scan.NewNeedles()
	n.Add("name", needle)
	for _, before := range []int{0, 1<<20 - 3*len(needle), 1<<20 - len(needle), 1<<20 - 12, 1<<20 - 1, 1 << 20} {
		for _, broken := range []string{needle[:5] + "\r\n\t" + needle[5:], needle[:3] + "=\r\n" + needle[3:11] + "=\n" + needle[11:], "\x00\n" + needle[:20] + "\n" + needle[20:] + "\x00"} {
			cfg := place(t, []byte(strings.Repeat("a", before)+broken+strings.Repeat("b", 100)))
			cfg.Needles = n
			if r := run(t, cfg); len(r.Hits) == 0 {
				t.Errorf("%q behind %d bytes is not seen", broken, before)
			}
		}
	}
	cfg := place(t, []byte("\n"+needle[:12]+"\x00"+needle[12:]+"\n"))
	cfg.Needles = n
	if r := run(t, cfg); len(r.Hits) != 0 {
		t.Errorf("found across bytes that are no text: %+v", r.Hits)
	}
}

// TestBlindScanCannotPass: a scan whose control is missed is not clean, however
// little it found.
//
// clause: S4
func TestBlindScanCannotPass(t *testing.T) {
	cfg := place(t, []byte("somebody else lives here: Living-Subject-442"))
	cfg.Needles, cfg.Control = scan.NewNeedles(), scan.NewNeedles()
	cfg.Needles.Add("gone", "Erased-Subject-993")
	cfg.Control.Add("control", "Living-Subject-442")
	if r := run(t, cfg); !r.Clean() {
		t.Errorf("the control was there: %+v", r)
	}
	cfg.Control = scan.NewNeedles()
	cfg.Control.Add("control", "Another-Subject-000")
	if r := run(t, cfg); r.Clean() || r.Control != "missed" {
		t.Errorf("the control was not there and the scan passed: %+v", r)
	}
}

// TestUnregisteredFileFails is decision 10: where bytes rest is a list, and what
// is not on it is a failure. Its contents are searched all the same.
//
// clause: S4
func TestUnregisteredFileFails(t *testing.T) {
	cfg := place(t, nil)
	cfg.Needles = scan.NewNeedles()
	cfg.Needles.Add("gone", "Erased-Subject-993")
	check(t, os.WriteFile(filepath.Join(cfg.Root, "export.csv"), []byte("x,Erased-Subject-993"), 0o600))
	r := run(t, cfg)
	if r.Clean() || len(r.Unknown) != 1 || r.Unknown[0] != "export.csv" || len(r.Hits) == 0 || r.Hits[0].Store != "unknown" {
		t.Errorf("report %+v", r)
	}
	cfg.Register = cfg.Register.Add(cfg.Root, "exports", scan.Plaintext, "deleted", []string{filepath.Join(cfg.Root, "export.csv"), "/elsewhere"})
	if r := run(t, cfg); len(r.Unknown) != 0 || r.HitsIn("exports") == 0 {
		t.Errorf("report %+v", r)
	}
}

// TestFeedsAndExtrasAreSearched: the log comes through its own door, logs and
// captured output lie elsewhere.
//
// clause: S4
func TestFeedsAndExtrasAreSearched(t *testing.T) {
	cfg := place(t, nil)
	out := filepath.Join(t.TempDir(), "stdout")
	check(t, os.WriteFile(out, []byte("panic: Erased-Subject-993"), 0o600))
	cfg.Extra = []string{out}
	cfg.Needles = scan.NewNeedles()
	cfg.Needles.Add("gone", "Erased-Subject-993")
	cfg.Feeds = []scan.Feed{{Store: "log", Each: func(_ context.Context, record func(string, []byte) error) error {
		return record("7", []byte(`{"facts":{"name":"Erased-Subject-993"}}`))
	}}}
	if r := run(t, cfg); r.HitsIn("log") == 0 || r.HitsIn("extra") == 0 {
		t.Errorf("report %+v", r)
	}
}

// TestNeedlesAreBlind: what is kept of a text holds no piece of it.
//
// clause: S4
func TestNeedlesAreBlind(t *testing.T) {
	const text = "Erased-Subject-993 lives in the Quarter of Lanterns, third door on the left, ask for Zebra."
	n := scan.NewNeedles()
	n.Add("name", text[:18])
	n.AddText("body", text, 3)
	n.AddBytes("key", noise(32))
	doc, err := n.Marshal()
	check(t, err)
	for i := 0; i+6 <= len(text); i++ {
		if bytes.Contains(doc, []byte(text[i:i+6])) {
			t.Fatalf("the needles hold %q", text[i:i+6])
		}
	}
	if _, err := scan.ParseNeedles(doc[:len(doc)/2]); err == nil {
		t.Error("half a set was read")
	}
}

func BenchmarkScan(b *testing.B) {
	n := scan.NewNeedles()
	for i := range 214 {
		n.Add("text", fmt.Sprintf("needle-%d-%s", i, rand.Text()))
	}
	for name, content := range map[string][]byte{"noise": noise(16 << 20), "text": text(16 << 20)} {
		b.Run(name, func(b *testing.B) {
			cfg := place(b, content)
			cfg.Needles, cfg.Workers = n, 1
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				run(b, cfg)
			}
			b.ReportMetric(float64(len(n.List)), "forms")
		})
	}
}

func text(n int) []byte {
	words := strings.Fields("the quick brown fox jumps over a lazy dog and { } : , 2026 hub.InquiryReceived")
	var b bytes.Buffer
	r := mathrand.New(mathrand.NewPCG(1, 2))
	for b.Len() < n {
		b.WriteString(words[r.IntN(len(words))])
		b.WriteByte(" \n"[r.IntN(12)/11])
	}
	return b.Bytes()[:n]
}
