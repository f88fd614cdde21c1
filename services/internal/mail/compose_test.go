package mail_test

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/westshore/hub/services/internal/mail"
)

func outgoing() mail.Outgoing {
	return mail.Outgoing{
		From: mail.Address{Name: "Westshore Support", Address: "support@hub.test"}, To: []mail.Address{{Name: "Ann", Address: "ann@example.org"}},
		Subject: "Re: Help", Date: time.Date(2026, 3, 2, 10, 11, 12, 0, time.FixedZone("", 3600)), MessageID: "t1.m1.x@hub.test", Text: "Hello\n",
	}
}

func compose(t *testing.T, o mail.Outgoing) []byte {
	t.Helper()
	raw, err := mail.Compose(o)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestComposeBytes(t *testing.T) {
	o := outgoing()
	o.ReplyTo = []mail.Address{{Address: "support+tabc@hub.test"}}
	o.InReplyTo, o.References = "m1@example.org", []string{"m0@example.org", "m1@example.org"}
	o.Text = "Grüße\n=\n.\nend"
	want := "From: Westshore Support <support@hub.test>\r\nTo: Ann <ann@example.org>\r\nReply-To: support+tabc@hub.test\r\nSubject: Re: Help\r\n" +
		"Date: Mon, 02 Mar 2026 10:11:12 +0100\r\nMessage-ID: <t1.m1.x@hub.test>\r\nIn-Reply-To: <m1@example.org>\r\nReferences: <m0@example.org> <m1@example.org>\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe\r\n=3D\r\n.\r\nend\r\n"
	if diff := cmp.Diff(want, string(compose(t, o))); diff != "" {
		t.Error(diff)
	}
}

func TestComposeIsPure(t *testing.T) {
	o := full()
	a, b := compose(t, o), compose(t, o)
	if !bytes.Equal(a, b) {
		t.Error("two renderings differ")
	}
	if bytes.Contains(a, []byte("X-Mailer")) || bytes.Contains(a, []byte("User-Agent")) {
		t.Error("the mail names its software")
	}
}

func full() mail.Outgoing {
	o := outgoing()
	o.Cc = []mail.Address{{Name: `Müller, "Jo"`, Address: "jo@exämple.de"}, {Address: "c@example.org"}}
	o.Subject = strings.Repeat("Größere Änderung ", 12)
	o.HTML = "<p>Hello <img src=\"cid:logo@hub\"></p>\n"
	o.Attachments = []mail.OutgoingFile{
		{Name: "Rechnung März – 2026.pdf", Type: "application/pdf", Content: bytes.Repeat([]byte("%PDF-1.4\n"), 500)},
		{Name: "logo.png", Type: "image/png", Content: []byte("\x89PNG\r\n\x1a\n"), Inline: true, ContentID: "logo@hub"},
		{Name: `a "quoted" name.txt`, Type: "text/plain", Content: nil},
	}
	o.Automatic, o.LoopMark = "auto-replied", "abcdef"
	o.Extra = []mail.Field{{"List-Unsubscribe", "<https://hub.test/u/x>"}}
	return o
}

// A strict reader, the standard library, agrees on every level.
func TestComposeReadByTheStandardLibrary(t *testing.T) {
	msg, err := netmail.ReadMessage(bytes.NewReader(compose(t, full())))
	if err != nil {
		t.Fatal(err)
	}
	dec := &mime.WordDecoder{}
	if s, err := dec.DecodeHeader(msg.Header.Get("Subject")); err != nil || s != full().Subject {
		t.Errorf("subject %q, %v", s, err)
	}
	cc, err := msg.Header.AddressList("Cc")
	if err != nil || len(cc) != 2 || cc[0].Name != `Müller, "Jo"` || cc[0].Address != "jo@xn--exmple-cua.de" {
		t.Errorf("cc %v, %v", cc, err)
	}
	leaves := leavesOf(t, msg.Header.Get("Content-Type"), msg.Body)
	want := []string{"text/plain", "text/html", "image/png logo.png", "application/pdf Rechnung März – 2026.pdf", `text/plain a "quoted" name.txt`}
	if diff := cmp.Diff(want, leaves); diff != "" {
		t.Error(diff)
	}
	for k, v := range map[string]string{"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All", "X-Hub-Loop": "abcdef", "List-Unsubscribe": "<https://hub.test/u/x>"} {
		if msg.Header.Get(k) != v {
			t.Errorf("%s = %q", k, msg.Header.Get(k))
		}
	}
}

func leavesOf(t *testing.T, contentType string, body io.Reader) []string {
	t.Helper()
	typ, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(typ, "multipart/") {
		t.Fatalf("type %s", typ)
	}
	var out []string
	for r := multipart.NewReader(body, params["boundary"]); ; {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		ct := p.Header.Get("Content-Type")
		if strings.HasPrefix(ct, "multipart/") {
			out = append(out, leavesOf(t, ct, p)...)
			continue
		}
		typ, _, _ := mime.ParseMediaType(ct)
		if name := p.FileName(); name != "" {
			typ += " " + name
		}
		out = append(out, typ)
	}
}

// Guards MAIL O11 and FIELD 3, case 20: no value adds a field.
func TestComposeRefusesInjection(t *testing.T) {
	for name, change := range map[string]func(*mail.Outgoing){
		"subject":         func(o *mail.Outgoing) { o.Subject = "x\r\nBcc: all@example.org" },
		"subject lf":      func(o *mail.Outgoing) { o.Subject = "x\nBcc: all@example.org" },
		"subject nel":     func(o *mail.Outgoing) { o.Subject = "x\u0085y" },
		"subject length":  func(o *mail.Outgoing) { o.Subject = strings.Repeat("x", 2000) },
		"subject damaged": func(o *mail.Outgoing) { o.Subject = strings.Repeat("\x80", 60) },
		"name":            func(o *mail.Outgoing) { o.To[0].Name = "a\r\nX: y" },
		"address":         func(o *mail.Outgoing) { o.To[0].Address = "a@b>\r\nX: y" },
		"address bracket": func(o *mail.Outgoing) { o.To[0].Address = "a@b>,<c@d" },
		"address twice":   func(o *mail.Outgoing) { o.To[0].Address = "a@b@c" },
		"address empty":   func(o *mail.Outgoing) { o.To[0].Address = "" },
		"reply to":        func(o *mail.Outgoing) { o.ReplyTo = []mail.Address{{Address: "a b@c"}} },
		"message id":      func(o *mail.Outgoing) { o.MessageID = "a@b>\r\n" },
		"references":      func(o *mail.Outgoing) { o.References = []string{"a@b", "c d@e"} },
		"in reply to":     func(o *mail.Outgoing) { o.InReplyTo = "a\x00@b" },
		"extra value":     func(o *mail.Outgoing) { o.Extra = []mail.Field{{"X-A", "b\r\nX: y"}} },
		"extra name":      func(o *mail.Outgoing) { o.Extra = []mail.Field{{"X-A: b\r\nX", "y"}} },
		"extra reserved":  func(o *mail.Outgoing) { o.Extra = []mail.Field{{"BCC", "all@example.org"}} },
		"extra type":      func(o *mail.Outgoing) { o.Extra = []mail.Field{{"Content-Type", "text/html"}} },
		"loop mark":       func(o *mail.Outgoing) { o.LoopMark = "a\nb" },
		"file name":       func(o *mail.Outgoing) { o.Attachments = []mail.OutgoingFile{{Name: "a\r\nb"}} },
		"file type":       func(o *mail.Outgoing) { o.Attachments = []mail.OutgoingFile{{Name: "a", Type: "text/plain; x=y"}} },
		"content id":      func(o *mail.Outgoing) { o.Attachments = []mail.OutgoingFile{{Name: "a", ContentID: "a>b"}} },
		"boundary":        func(o *mail.Outgoing) { o.Boundary = "a\"b" },
		"automatic":       func(o *mail.Outgoing) { o.Automatic = "yes" },
		"no recipient":    func(o *mail.Outgoing) { o.To = nil },
		"no date":         func(o *mail.Outgoing) { o.Date = time.Time{} },
		"no message id":   func(o *mail.Outgoing) { o.MessageID = "" },
	} {
		t.Run(name, func(t *testing.T) {
			o := outgoing()
			change(&o)
			if raw, err := mail.Compose(o); !errors.Is(err, mail.ErrCompose) {
				t.Errorf("error %v, bytes %.200q", err, raw)
			}
		})
	}
}

func TestReferencesAreCut(t *testing.T) {
	o := outgoing()
	for i := range 60 {
		o.References = append(o.References, strings.Repeat("x", i+1)+"@example.org")
	}
	refs := mail.Parse(compose(t, o), mail.Options{}).References
	if len(refs) != 20 || refs[0] != o.References[0] || refs[19] != o.References[59] || refs[1] != o.References[41] {
		t.Errorf("kept %d: %.40q", len(refs), refs)
	}
}

func TestNeedsSMTPUTF8(t *testing.T) {
	o := outgoing()
	o.To = []mail.Address{{Address: "ann@exämple.de"}}
	if o.NeedsSMTPUTF8() {
		t.Error("a domain needs no SMTPUTF8: it has A-labels")
	}
	o.Cc = []mail.Address{{Address: "jörg@example.org"}}
	if !o.NeedsSMTPUTF8() {
		t.Error("a local part in Unicode needs SMTPUTF8")
	}
}

func TestCleanSubject(t *testing.T) {
	for in, want := range map[string]string{
		"Re: a\r\nBcc: x": "Re: a Bcc: x", "  a \t b ": "a b", strings.Repeat("ä", 400): strings.Repeat("ä", 249) + "…", "a\x80b": "a\uFFFDb", "": "",
	} {
		if got := mail.CleanSubject(in); got != want {
			t.Errorf("%q = %q", in, got)
		}
	}
}

var (
	words   = rapid.StringOfN(rapid.RuneFrom([]rune("abcxyz ABC 0189äöüß€日本語\t=?_.,;:\"<>@()\\'-😀")), 0, 120, -1)
	lines   = rapid.StringOfN(rapid.RuneFrom([]rune("abc xyz\n\n.=-\täöü€日本😀 From >\"&")), 1, 400, -1)
	atoms   = rapid.StringMatching(`[a-z0-9][a-z0-9._+-]{0,20}[a-z0-9]`)
	domains = rapid.StringMatching(`[a-z0-9]{1,12}\.(example|test|org)`)
)

func address(t *rapid.T, label string) mail.Address {
	// Quotes around a whole name are dropped when it is read.
	name := strings.Trim(mail.CleanSubject(words.Draw(t, label+" name")), `"' `)
	return mail.Address{Name: name, Address: atoms.Draw(t, label) + "@" + domains.Draw(t, label+" domain")}
}

// What is composed is read back as it was: every field, text and file; and no
// line is longer than RFC 5322 allows, nor ends without CRLF.
func TestComposeParseIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := outgoing()
		o.From, o.To = address(t, "from"), []mail.Address{address(t, "to"), address(t, "to2")}
		if rapid.Bool().Draw(t, "has cc") {
			o.Cc = []mail.Address{address(t, "cc")}
		}
		o.Subject = mail.CleanSubject(words.Draw(t, "subject"))
		o.MessageID = atoms.Draw(t, "id") + "@" + domains.Draw(t, "id domain")
		o.References = rapid.SliceOfN(rapid.StringMatching(`[a-z0-9]{1,30}@[a-z]{1,30}`), 0, 15).Draw(t, "references")
		o.Text = "t" + lines.Draw(t, "text") // blank text is taken from the HTML
		if rapid.Bool().Draw(t, "rich") {
			o.HTML = "<p>" + lines.Draw(t, "html") + "</p>\n"
		}
		for range rapid.IntRange(0, 3).Draw(t, "files") {
			o.Attachments = append(o.Attachments, mail.OutgoingFile{
				Name: "n" + rapid.StringOfN(rapid.RuneFrom([]rune("abc äö日 \"'();=%*.😀")), 0, 40, -1).Draw(t, "name") + ".bin", Type: "application/x-test",
				Content: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "content"),
			})
		}
		raw, err := mail.Compose(o)
		if err != nil {
			t.Fatal(err)
		}
		checkWire(t, raw)
		m := mail.Parse(raw, mail.Options{})
		got := mail.Outgoing{
			From: m.Author(), To: m.To, Cc: m.Cc, Subject: m.Subject, Date: m.Date, MessageID: m.MessageID, References: m.References,
			Text: m.Text, HTML: m.HTML,
		}
		want := mail.Outgoing{From: o.From, To: o.To, Cc: o.Cc, Subject: o.Subject, Date: o.Date, MessageID: o.MessageID, References: dedupe(o.References), Text: ended(o.Text), HTML: o.HTML}
		for _, f := range o.Attachments {
			want.Attachments = append(want.Attachments, mail.OutgoingFile{Name: mail.CleanFileName(f.Name), Type: f.Type, Content: f.Content})
		}
		for _, a := range m.Attachments {
			got.Attachments = append(got.Attachments, mail.OutgoingFile{Name: a.Name, Type: a.Type, Content: mail.DecodePart(raw[a.Offset:a.Offset+a.Length], a.Encoding)})
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(bytes.Equal), cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
			t.Fatalf("%s\n%s", diff, raw)
		}
		if n := len(m.Warnings); n > 1 || n == 1 && !m.Warn(mail.WarnNameSpoof) {
			t.Fatalf("warnings %q about our own mail\n%s", m.Warnings, raw)
		}
	})
}

func dedupe(ids []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, id := range ids {
		if !seen[id] {
			out = append(out, id)
		}
		seen[id] = true
	}
	return out
}

// ended is a text as the wire holds it: with a line end at the end; inside a
// multipart the boundary takes the last line end.
func ended(s string) string {
	if strings.HasSuffix(s, "\n") {
		return s
	}
	return s + "\n"
}

func checkWire(t *rapid.T, raw []byte) {
	for i, c := range raw {
		if c == '\n' && (i == 0 || raw[i-1] != '\r') || c == '\r' && (i+1 == len(raw) || raw[i+1] != '\n') {
			t.Fatalf("bare line end at %d", i)
		}
		if c >= 0x80 || c == 0 {
			t.Fatalf("byte %#x at %d", c, i)
		}
	}
	if !bytes.HasSuffix(raw, []byte("\r\n")) {
		t.Fatal("no line end at the end")
	}
	for l := range strings.SplitSeq(string(raw), "\r\n") {
		if len(l) > 998 {
			t.Fatalf("line of %d bytes", len(l))
		}
	}
}
