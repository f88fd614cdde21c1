package mail_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/westshore/hub/services/internal/mail"
)

// FIELD 2.25: parts in are parts stored. Every leaf of a mail, however nested,
// is in the body or among the files, with all its bytes.
func TestPartsInArePartsStored(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := 0
		raw := []byte("From: a@b.example\r\nSubject: tree\r\n" + tree(t, 0, &n))
		m := mail.Parse(raw, mail.Options{})
		all := m.Text + m.HTML
		for _, a := range m.Attachments {
			all += "\n" + string(mail.DecodePart(raw[a.Offset:a.Offset+a.Length], a.Encoding))
		}
		for i := range n {
			if !strings.Contains(all, fmt.Sprintf("needle-%d-end", i)) {
				t.Fatalf("leaf %d of %d is lost\n%s", i, n, raw)
			}
		}
	})
}

// tree draws an entity: a leaf with a needle of its own, or a multipart.
// Alternatives are left out: of those a reader chooses.
func tree(t *rapid.T, depth int, n *int) string {
	kind := rapid.SampledFrom([]string{"text", "html", "file", "named", "bare", "mixed", "related", "signed", "report"}).Draw(t, "kind")
	if depth >= 4 && slices.Contains([]string{"mixed", "related", "signed", "report"}, kind) {
		kind = "file"
	}
	needle := fmt.Sprintf("needle-%d-end", *n)
	switch kind {
	case "text":
		*n++
		return "Content-Type: text/plain\r\n\r\n" + needle + "\r\n"
	case "html":
		*n++
		return "Content-Type: text/html\r\n\r\n<p>" + needle + "</p>\r\n"
	case "file":
		*n++
		return "Content-Type: application/x-thing\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + strings.Replace(needle, "-", "=2D", 1) + "\r\n"
	case "named":
		*n++
		return "Content-Type: text/plain; name=a.txt\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\n" + needle + "\r\n"
	case "bare":
		*n++
		return "\r\n" + needle + "\r\n"
	}
	boundary := fmt.Sprintf("b%d", depth)
	var b strings.Builder
	fmt.Fprintf(&b, "Content-Type: multipart/%s; boundary=%s\r\n\r\n", kind, boundary)
	for range rapid.IntRange(1, 4).Draw(t, "parts") {
		b.WriteString("--" + boundary + "\r\n" + tree(t, depth+1, n) + "\r\n")
	}
	if rapid.Bool().Draw(t, "closed") {
		b.WriteString("--" + boundary + "--\r\n")
	}
	return b.String()
}

// MAIL I13: time grows with the size and no faster, for honest and for hostile
// mails. The bound is generous: quadratic work would be sixteen times as long.
func TestLinearTime(t *testing.T) {
	for name, grow := range map[string]func(n int) string{
		"empty parts": func(n int) string {
			return head + "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\n", 20_000*n)
		},
		"nested": func(n int) string {
			return head + strings.Repeat("Content-Type: multipart/mixed; boundary=b\n\n--b\n", 5_000*n)
		},
		"uuencode":       func(n int) string { return head + "\n" + strings.Repeat("begin 644 a\nM\n", 20_000*n) },
		"uuencode begin": func(n int) string { return head + "\n" + strings.Repeat("begin 644 a\n", 20_000*n) },
		"signed data": func(n int) string {
			return head + "Content-Type: application/pkcs7-mime\n\n" + strings.Repeat("\x24\x80\x04\x02ab", 40_000*n)
		},
		"winmail.dat": func(n int) string {
			return head + "Content-Type: application/ms-tnef\n\n\x78\x9f\x3e\x22\x01\x00" + strings.Repeat("\x02\x02\x90\x06\x00\x00\x00\x00\x00\x00\x00", 40_000*n)
		},
		"calendar": func(n int) string {
			return head + "Content-Type: text/calendar\n\nBEGIN:VEVENT\n" + strings.Repeat("SUMMARY:x\n y\n", 40_000*n)
		},
		"forwards": func(n int) string {
			return "From: a@b\nSubject: Fwd: x\n\n" + strings.Repeat("From: a\nTo: b\n\n", 20_000*n)
		},
		"marks": func(n int) string {
			return head + "\n" + strings.Repeat("ref:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ", 10_000*n)
		},
	} {
		took := func(n int) time.Duration {
			raw := []byte(grow(n))
			best := time.Hour
			for range 3 {
				began := time.Now()
				m := mail.Parse(raw, mail.Options{})
				m.Forwarded()
				m.OneTimeCode()
				key.FindMark(m.Text)
				best = min(best, time.Since(began))
			}
			return best
		}
		one, four := took(1), took(4)
		if four > 10*max(one, 2*time.Millisecond) {
			t.Errorf("%s: %v, four times as much %v", name, one, four)
		}
	}
}

// Containers of any bytes: no panic, and what they give is as it was described.
func FuzzContainers(f *testing.F) {
	for _, name := range []string{"71-smime-opaque", "72-smime-opaque-streamed", "74-winmail-files", "75-winmail-html", "76-uu-in-text", "77-calendar-only"} {
		raw := read(&testing.T{}, name)
		m := mail.Parse(raw, mail.Options{})
		if len(m.Attachments) == 0 {
			f.Fatalf("%s holds no file", name)
		}
		last := m.Attachments[len(m.Attachments)-1]
		f.Add(mail.DecodePart(raw[last.Offset:last.Offset+last.Length], last.Encoding))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, typ := range []string{"application/pkcs7-mime", "application/ms-tnef", "text/calendar", "text/plain"} {
			raw := append([]byte("From: a@b.example\r\nContent-Type: "+typ+"\r\n\r\n"), content...)
			checkMessage(t, raw, mail.Parse(raw, mail.Options{}))
		}
	})
}

// What Compose writes, Parse reads back: text, files, ids and marks (see also
// TestComposeParseIdentity).
func FuzzComposeText(f *testing.F) {
	f.Add("Hello\n> quoted\nFrom here\n.\n", "Grüße")
	f.Fuzz(func(t *testing.T, text, subject string) {
		o := outgoing()
		o.Text, o.Subject = text, subject
		raw, err := mail.Compose(o)
		if err != nil {
			return // refused, which is tested elsewhere
		}
		m := mail.Parse(raw, mail.Options{})
		checkMessage(t, raw, m)
		if m.MessageID != o.MessageID || len(m.From) != 1 || m.From[0] != o.From {
			t.Errorf("%q %+v", m.MessageID, m.From)
		}
	})
}
