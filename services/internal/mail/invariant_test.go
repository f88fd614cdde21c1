package mail_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/westshore/hub/services/internal/mail"
)

// checkMessage asserts what holds for every message, whatever the mail.
func checkMessage(t *testing.T, raw []byte, m *mail.Message) {
	t.Helper()
	if m.Warn(mail.WarnPanic) {
		t.Fatal("the parser panicked")
	}
	for what, s := range map[string]string{"subject": m.Subject, "text": m.Text, "html": m.HTML, "id": m.MessageID} {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			t.Errorf("%s is not clean UTF-8: %q", what, s[:min(len(s), 200)])
		}
	}
	if strings.ContainsAny(m.Subject, "\r\n") || strings.ContainsAny(m.Text, "\r") {
		t.Error("line end in subject, or carriage return in text")
	}
	for _, list := range [][]mail.Address{m.From, m.To, m.Cc, m.ReplyTo, m.Sender} {
		for _, a := range list {
			if !utf8.ValidString(a.Name+a.Address) || strings.ContainsAny(a.Name+a.Address, "\r\n\x00") {
				t.Errorf("address %+q", a)
			}
		}
	}
	if len(m.Text) > mail.DefaultMaxText || len(m.HTML) > mail.DefaultMaxHTML || len(m.Attachments) > 100 {
		t.Error("a limit was not kept")
	}
	if m.QuoteFrom < -1 || m.QuoteFrom > len(m.Text) || m.QuoteFrom > 0 && m.Text[m.QuoteFrom-1] != '\n' {
		t.Errorf("quote offset %d", m.QuoteFrom)
	}
	seen := map[string]bool{}
	for _, w := range m.Warnings {
		if seen[w] {
			t.Errorf("warning %s twice", w)
		}
		seen[w] = true
	}
	for _, a := range m.Attachments {
		checkAttachment(t, raw, a)
	}
}

// checkAttachment: the byte range gives back the file that was described.
func checkAttachment(t *testing.T, raw []byte, a mail.Attachment) {
	t.Helper()
	if a.Offset < 0 || a.Length < 0 || a.Offset+a.Length > len(raw) {
		t.Fatalf("attachment range %d+%d of %d", a.Offset, a.Length, len(raw))
	}
	content := mail.DecodePart(raw[a.Offset:a.Offset+a.Length], a.Encoding)
	sum := sha256.Sum256(content)
	if int64(len(content)) != a.Size || hex.EncodeToString(sum[:]) != a.SHA256 {
		t.Errorf("attachment %q: content differs from its description", a.Name)
	}
	if a.Name == "" || len(a.Name) > 200 || strings.ContainsAny(a.Name, "/\\\r\n\x00") || !utf8.ValidString(a.Name) {
		t.Errorf("attachment name %q", a.Name)
	}
	if a.Type == "" {
		t.Errorf("attachment %q has no type", a.Name)
	}
}

// Mails with bytes changed, cut, doubled and joined: the promises hold. The
// changes are drawn from a fixed seed.
func TestMutatedMails(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	mails := seeds(t)
	for _, m := range mails {
		for range 60 {
			raw := mutate(r, m, mails[r.IntN(len(mails))])
			checkMessage(t, raw, mail.Parse(raw, mail.Options{}))
			if t.Failed() {
				t.Fatalf("%q", raw)
			}
		}
	}
}

func mutate(r *rand.Rand, m, other []byte) []byte {
	out := bytes.Clone(m)
	for range 1 + r.IntN(6) {
		if len(out) < 4 {
			return append(out, other...)
		}
		i := r.IntN(len(out) - 1)
		switch r.IntN(7) {
		case 0:
			out[i] = byte(r.IntN(256))
		case 1:
			out = append(out[:i], out[i+1:]...)
		case 2: // cut
			out = out[:i+1]
		case 3: // a stretch twice
			j := i + r.IntN(len(out)-i)
			out = append(out[:j:j], out[i:]...)
		case 4: // another mail from here on
			out = append(out[:i:i], other[r.IntN(len(other)+1):]...)
		case 5: // line ends
			out = bytes.ReplaceAll(out, []byte("\n"), [][]byte{[]byte("\r\n"), []byte("\r"), []byte("\n\n"), []byte("\n ")}[r.IntN(4)])
		case 6:
			out[i] = "\r\n\x00\t =?\"<>;:,()-/\\*'\x1b\xff"[r.IntN(22)]
		}
	}
	return out
}

// Whatever the bytes: no panic, every promise of checkMessage, and the same
// result twice.
func FuzzParse(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := mail.Parse(raw, mail.Options{AuthServIDs: []string{"mx.hub.test"}})
		checkMessage(t, raw, m)
		var a, b bytes.Buffer
		if err := mail.ParsedJSON(&a, m, mail.OwnAddresses{}); err != nil {
			t.Fatal(err)
		}
		if err := mail.ParsedJSON(&b, mail.Parse(raw, mail.Options{}), mail.OwnAddresses{}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Error("two parses differ")
		}
	})
}
