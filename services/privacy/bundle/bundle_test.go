package bundle_test

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/services/privacy/bundle"
)

func made(t *testing.T) ([]byte, ed25519.PublicKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	check(t, err)
	b, _, err := bundle.Make(bundle.Manifest{Kind: "access", Made: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)},
		[]bundle.File{{Name: "b.txt", Body: []byte("two")}, {Name: "a.txt", Body: []byte("one")}, {Name: "c/d.txt"}}, private)
	check(t, err)
	return b, public
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestBundleIsWhatWasPutIn(t *testing.T) {
	b, public := made(t)
	got, err := bundle.Open(b, public)
	check(t, err)
	if d := cmp.Diff(map[string][]byte{"a.txt": []byte("one"), "b.txt": []byte("two"), "c/d.txt": {}}, got.Files); d != "" {
		t.Error(d)
	}
}

// edit writes an archive anew with some of its files changed.
func edit(t *testing.T, b []byte, change func(name string, body []byte) (string, []byte, bool)) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	check(t, err)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range z.File {
		r, err := f.Open()
		check(t, err)
		body, err := io.ReadAll(r)
		check(t, err)
		name, body, keep := change(f.Name, body)
		if !keep {
			continue
		}
		part, err := w.Create(name)
		check(t, err)
		_, err = part.Write(body)
		check(t, err)
	}
	check(t, w.Close())
	return out.Bytes()
}

// PRIVACY 6, test 24: tampering is detected, whatever it is.
func TestTamperingIsDetected(t *testing.T) {
	b, public := made(t)
	for what, change := range map[string]func(string, []byte) (string, []byte, bool){
		"changed": func(n string, x []byte) (string, []byte, bool) {
			if n == "a.txt" {
				x = []byte("0ne")
			}
			return n, x, true
		},
		"taken away": func(n string, x []byte) (string, []byte, bool) { return n, x, n != "b.txt" },
		"renamed": func(n string, x []byte) (string, []byte, bool) {
			return strings.Replace(n, "b.txt", "e.txt", 1), x, true
		},
		"manifest": func(n string, x []byte) (string, []byte, bool) {
			return n, bytes.Replace(x, []byte(`"access"`), []byte(`"acc3ss"`), 1), true
		},
		"unsigned": func(n string, x []byte) (string, []byte, bool) { return n, x, n != bundle.SignatureName },
	} {
		for _, key := range []ed25519.PublicKey{public, nil} {
			if _, err := bundle.Open(edit(t, b, change), key); !errors.Is(err, bundle.ErrForged) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	other, _, _ := ed25519.GenerateKey(nil)
	if _, err := bundle.Open(b, other); !errors.Is(err, bundle.ErrForged) {
		t.Errorf("signed by somebody else: %v", err)
	}
}

// FIELD 17: what a stranger packed is not unpacked before the signature is known, and
// then no further than it was signed for.
func TestBundleIsNoBomb(t *testing.T) {
	b, public := made(t)
	zeros := make([]byte, 64<<20)
	for what, name := range map[string]string{"grown": "a.txt", "added": "z.txt", "signature": bundle.SignatureName} {
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		check(t, err)
		for _, f := range z.File {
			if f.Name != name {
				check(t, w.Copy(f))
			}
		}
		part, err := w.Create(name)
		check(t, err)
		_, err = part.Write(zeros)
		check(t, err)
		check(t, w.Close())
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := bundle.Open(out.Bytes(), public); !errors.Is(err, bundle.ErrForged) {
			t.Errorf("%s: %v", what, err)
		}
		if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 8<<20 {
			t.Errorf("%s: %d bytes for an archive of %d", what, after.TotalAlloc-before.TotalAlloc, out.Len())
		}
	}
}

func TestMboxKeepsEveryLine(t *testing.T) {
	one := "Subject: a\n\nFrom here\n>From there\n>>From\n"
	two := "Subject: b\n\nx"
	got := bundle.ReadMbox(bundle.Mbox([]bundle.Message{{From: "a@b.example", Raw: []byte(one)}, {Raw: []byte(two)}}))
	if d := cmp.Diff([]string{strings.TrimRight(one, "\n"), two}, []string{string(got[0]), string(got[1])}); d != "" {
		t.Error(d)
	}
}

func TestComposedMailIsRead(t *testing.T) {
	raw, err := bundle.Compose(bundle.Mail{
		From: mail.Address{Name: "Ådä", Address: "ada@customer.example"}, To: mail.Address{Address: "help@house.example"},
		Subject: "Grüße\r\nBcc: x@y.example", Date: time.Now(), MessageID: "1@x", Text: "From me\n" + strings.Repeat("ü", 200),
		Files: []bundle.File{{Name: "rüde \"name\".txt", Body: bytes.Repeat([]byte{7}, 1000)}},
	})
	check(t, err)
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	check(t, err)
	if m.Header.Get("Bcc") != "" {
		t.Error("a line break in the subject made a field")
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	check(t, err)
	parts := multipart.NewReader(m.Body, params["boundary"])
	first, err := parts.NextPart()
	check(t, err)
	text, err := io.ReadAll(first)
	check(t, err)
	if !strings.HasPrefix(string(text), "From me\n") && !strings.HasPrefix(string(text), "From me\r\n") {
		t.Errorf("text %q", text)
	}
	second, err := parts.NextPart()
	check(t, err)
	if second.FileName() != "rüde \"name\".txt" {
		t.Errorf("file %q", second.FileName())
	}
}
