package mail_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/westshore/hub/services/internal/mail"
)

const head = "From: a@b.example\nTo: support@hub.test\nSubject: bomb\nDate: Mon, 2 Mar 2026 10:11:12 +0100\nMessage-ID: <b@b.example>\n"

func nested(levels int, closed bool) string {
	var b strings.Builder
	b.WriteString(head)
	for i := range levels {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	b.WriteString("Content-Type: text/plain\n\nneedle\n")
	for i := levels - 1; closed && i >= 0; i-- {
		fmt.Fprintf(&b, "--b%d--\n", i)
	}
	return b.String()
}

func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// bombs are the inputs of MAIL.md section 2 and of FIELD 3, cases 9 and 17, with
// the warning each must raise ("" where it is harmless).
func bombs() map[string]struct{ raw, warn string } {
	const part = "Content-Type: multipart/mixed; boundary=b\n\n"
	type bomb = struct{ raw, warn string }
	return map[string]bomb{
		"24 nested unclosed":       {nested(24, false), mail.WarnDepthLimit},
		"5000 nested unclosed":     {nested(5000, false), mail.WarnDepthLimit},
		"5000 nested":              {nested(5000, true), mail.WarnDepthLimit},
		"same boundary nested":     {head + strings.Repeat("Content-Type: multipart/mixed; boundary=b\n\n--b\n", 20_000), mail.WarnPartLimit},
		"200k empty parts":         {head + part + strings.Repeat("--b\n", 200_000), mail.WarnPartLimit},
		"200k parts with a blank":  {head + part + strings.Repeat("--b\n\n", 200_000), mail.WarnPartLimit},
		"20k RFC 2231 segments":    {head + "Content-Type: application/x; " + numbered(20_000, "name*%d=a; ") + "\n\nx", mail.WarnParamLimit},
		"20k 2231 disposition":     {head + "Content-Disposition: attachment; " + numbered(20_000, "filename*%d*=a; ") + "\n\nx", mail.WarnParamLimit},
		"200k header lines":        {strings.Repeat("X-A: b\n", 200_000) + head + "\nx", mail.WarnHeaderLimit},
		"5k header lines":          {head + strings.Repeat("X-A: b\n", 5_000) + "\nx", mail.WarnFieldLimit},
		"200k folded lines":        {head + "X-A: b\n" + strings.Repeat(" c\n", 200_000) + "\nx", mail.WarnFieldSize},
		"junk lines":               {head + strings.Repeat("junk\nX: y\n", 100_000) + "\nx", mail.WarnJunkLine},
		"100k addresses":           {"From: " + strings.Repeat("a@b.example, ", 100_000) + "\n\nx", mail.WarnFieldSize},
		"addresses in many fields": {strings.Repeat("To: "+strings.Repeat("a@b.example, ", 4000)+"\n", 15) + "\nx", mail.WarnAddressLimit},
		"open comments":            {"From: " + strings.Repeat("(", 60_000) + "\n\nx", mail.WarnNoFrom},
		"open angles":              {"From: " + strings.Repeat("<", 60_000) + "\n\nx", ""},
		"open groups":              {"To: " + strings.Repeat("a:", 30_000) + "\n\nx", ""},
		"10 MB field":              {head + "X-A: " + strings.Repeat("a", 10<<20) + "\n\nx", mail.WarnFieldSize},
		"10 MB subject of words":   {"Subject: " + strings.Repeat("=?utf-8?q?a?= ", 700_000) + "\n\nx", mail.WarnFieldSize},
		"open words":               {"Subject: " + strings.Repeat("=?", 32_000) + "\n\nx", ""},
		"open words with charset":  {"Subject: " + strings.Repeat("=?utf-8?q?", 6_400) + "\n\nx", ""},
		"10k references":           {head + "References: " + numbered(10_000, "<%d@b.example>\n ") + "\n\nx", mail.WarnIDLimit},
		"10 kB message id":         {"From: a@b\nMessage-ID: <" + strings.Repeat("x", 10_000) + "@b>\n\nx", mail.WarnIDLimit},
		"boundary look-alikes":     {head + part + "--b\n\n" + strings.Repeat("--bb\n--b x\n", 300_000) + "--b--\n", ""},
		"guess look-alikes":        {head + "Content-Type: multipart/mixed\n\n" + strings.Repeat("--x y\nz\n", 300_000), mail.WarnNoBoundary},
		"dashes":                   {head + "Content-Type: multipart/mixed\n\n" + strings.Repeat("-", 3<<20), mail.WarnNoBoundary},
		"no line end":              {strings.Repeat("a", 8<<20), mail.WarnNoHeader},
		"line ends":                {strings.Repeat("\n", 4<<20), mail.WarnLeadingBlank},
		"carriage returns":         {strings.Repeat("a\r", 2<<20), mail.WarnCROnly},
		"greater-than HTML":        {head + "Content-Type: text/html\n\n<a" + strings.Repeat(">", 2<<20), ""},
		"deep HTML":                {head + "Content-Type: text/html\n\n" + strings.Repeat("<div>", 100_000) + "needle", ""},
		"deep quotes HTML":         {head + "Content-Type: text/html\n\n" + strings.Repeat("<blockquote>a", 100_000), ""},
		"many links HTML":          {head + "Content-Type: text/html\n\n" + strings.Repeat("<a href=http://a.example/>b", 50_000), ""},
		"open tags HTML":           {head + "Content-Type: text/html\n\n" + strings.Repeat("<", 1<<20), ""},
		"cid flood":                {head + "Content-Type: text/html\n\n" + strings.Repeat("<img src=cid:x>", 100_000), ""},
		"colons HTML":              {head + "Content-Type: text/html\n\n" + strings.Repeat("cid:", 400_000), ""},
		"UTF-7 shifts":             {head + "Content-Type: text/plain; charset=utf-7\n\n" + strings.Repeat("+AGE-", 200_000), ""},
		"ISO-2022 escapes":         {head + "Content-Type: text/plain; charset=iso-2022-jp\n\n" + strings.Repeat("\x1b$B\x1b(B", 100_000), ""},
		"undeclared 8-bit":         {head + "\n" + strings.Repeat("\xe9\x81\xff\xa3", 500_000), mail.WarnCharsetGuessed},
		"flowed without end":       {head + "Content-Type: text/plain; format=flowed\n\n" + strings.Repeat("a \n", 300_000), ""},
		"quoted-printable stray":   {head + "Content-Transfer-Encoding: quoted-printable\n\n" + strings.Repeat("=", 1<<20), ""},
		"quoted-printable line":    {head + "Content-Type: application/x\nContent-Transfer-Encoding: quoted-printable\n\n" + strings.Repeat("=3D", 1<<20), ""},
		"quoted-printable file":    {head + "Content-Type: application/x\nContent-Transfer-Encoding: quoted-printable\n\n" + strings.Repeat("=", 4<<20), mail.WarnDamaged},
		"base64 file":              {head + "Content-Type: application/x\nContent-Transfer-Encoding: base64\n\n" + strings.Repeat("QUJD", 2<<20), ""},
		"base64 foreign":           {head + "Content-Type: application/x\nContent-Transfer-Encoding: base64\n\n" + strings.Repeat("*", 1<<20), mail.WarnDamaged},
		"uuencode":                 {head + "Content-Type: application/x\nContent-Transfer-Encoding: x-uue\n\n" + strings.Repeat("M\n", 1<<19), mail.WarnDamaged},
		"delivery status groups":   {head + "Content-Type: message/delivery-status\n\n" + strings.Repeat("Final-Recipient: rfc822; a@b\n\n", 50_000), ""},
		"delivery status blanks":   {head + "Content-Type: message/delivery-status\n\n" + strings.Repeat("\n", 250_000), ""},
		"3000 files":               {head + part + strings.Repeat("--b\nContent-Type: image/png\n\nx\n", 3000), mail.WarnFileLimit},
		"long file name":           {head + "Content-Type: application/x; name=\"" + strings.Repeat("ä", 30_000) + ".exe\"\n\nx", mail.WarnFileName},
	}
}

// Guards MAIL I13: a hostile mail ends soon, whatever it is; the bound is far
// above what the slowest machine needs and far below what quadratic work takes.
func TestBombs(t *testing.T) {
	for name, b := range bombs() {
		t.Run(name, func(t *testing.T) {
			raw := []byte(b.raw)
			start := time.Now()
			m := mail.Parse(raw, mail.Options{})
			took := time.Since(start)
			if took > 10*time.Second {
				t.Errorf("%d bytes took %v", len(raw), took)
			}
			t.Logf("%7d kB in %v", len(raw)>>10, took.Round(time.Millisecond))
			checkMessage(t, raw, m)
			if b.warn != "" && !m.Warn(b.warn) {
				t.Errorf("warnings %q lack %s", m.Warnings, b.warn)
			}
			if n := len(m.From) + len(m.To); n > 4000 {
				t.Errorf("%d addresses", n)
			}
			if len(m.References) > 1000 || len(m.MessageID) > 998 {
				t.Error("ids beyond their limit")
			}
		})
	}
}

// What lies beyond the depth limit is kept as a file, not lost.
func TestDepthLimitKeepsContent(t *testing.T) {
	raw := []byte(nested(40, true))
	m := mail.Parse(raw, mail.Options{})
	if len(m.Attachments) != 1 || !bytes.Contains(raw[m.Attachments[0].Offset:], []byte("needle")) {
		t.Errorf("attachments %+v", m.Attachments)
	}
}

// What lies beyond the text limit is cut in the body and whole as a file.
func TestTextLimitKeepsContent(t *testing.T) {
	raw := []byte(head + "\n" + strings.Repeat("größe\n", 1000))
	m := mail.Parse(raw, mail.Options{MaxText: 100})
	if !m.Warn(mail.WarnTextLimit) || len(m.Text) > 100 || len(m.Attachments) != 1 || m.Attachments[0].Size != 8000 {
		t.Errorf("text of %d bytes, attachments %+v, warnings %q", len(m.Text), m.Attachments, m.Warnings)
	}
}
