package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"mime/quotedprintable"
	"strings"
	"time"
)

// writer collects a rendered mail.
type writer struct {
	buf bytes.Buffer
	err error
}

func (o Outgoing) writeHeader(w *writer) {
	w.field("From", o.From.render())
	w.addresses("To", o.To)
	w.addresses("Cc", o.Cc)
	w.addresses("Reply-To", o.ReplyTo)
	w.field("Subject", words(o.Subject)...)
	w.field("Date", o.Date.Format(time.RFC1123Z))
	w.field("Message-ID", "<"+o.MessageID+">")
	if o.InReplyTo != "" {
		w.field("In-Reply-To", "<"+o.InReplyTo+">")
	}
	var refs []string
	for _, id := range cutReferences(o.References) {
		refs = append(refs, "<"+id+">")
	}
	if len(refs) > 0 {
		w.field("References", refs...)
	}
	if o.Automatic != "" {
		w.field("Auto-Submitted", o.Automatic)
		w.field("X-Auto-Response-Suppress", "All")
	}
	if o.LoopMark != "" {
		w.field("X-Hub-Loop", o.LoopMark)
	}
	for _, f := range o.Extra {
		w.field(f.Name, words(f.Value)...)
	}
	w.field("MIME-Version", "1.0")
}

// cutReferences keeps the first id and the last 19, none twice and none empty.
func cutReferences(ids []string) []string {
	seen := make(map[string]bool, len(ids))
	var out []string
	for _, id := range ids {
		if id != "" && !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	if len(out) <= maxReferences {
		return out
	}
	return append(out[:1:1], out[len(out)-maxReferences+1:]...)
}

// field writes one field, folded between its words at 76 columns. A word is
// never broken.
func (w *writer) field(name string, parts ...string) {
	w.buf.WriteString(name)
	w.buf.WriteByte(':')
	col := len(name) + 1
	for i, p := range parts {
		if col+1+len(p) > 76 && (i > 0 || len(p) < 900) && col > len(name)+1 {
			w.buf.WriteString("\r\n")
			col = 0
		}
		w.buf.WriteByte(' ')
		w.buf.WriteString(p)
		col += 1 + len(p)
	}
	w.buf.WriteString("\r\n")
}

// words splits a value for folding: encoded words where it is not ASCII or
// could be mistaken for one, else its own words.
func words(v string) []string {
	long := false
	parts := strings.Split(v, " ")
	for _, p := range parts {
		long = long || len(p) > 900 || p == ""
	}
	if !isASCII([]byte(v)) || strings.Contains(v, "=?") || long && v != "" {
		return encodedWords(v)
	}
	return parts
}

// encodedWords are RFC 2047 words of at most 75 columns, split between
// characters. Base64 is used where most characters are not ASCII.
func encodedWords(v string) []string {
	wide := 0
	for i := range len(v) {
		if v[i] >= 0x80 {
			wide++
		}
	}
	var out []string
	for len(v) > 0 {
		// 45 bytes of text make 60 columns of base64, 20 make at most 60 of Q.
		n := 20
		if wide*2 > len(v) {
			n = 42
		}
		head := cutBytes(v, min(n, len(v)))
		v = v[len(head):]
		if n == 42 {
			out = append(out, "=?utf-8?b?"+base64.StdEncoding.EncodeToString([]byte(head))+"?=")
		} else {
			out = append(out, "=?utf-8?q?"+encodeQ(head)+"?=")
		}
	}
	return out
}

// encodeQ writes everything but letters and digits in hexadecimal, which is
// right in every place RFC 2047 allows.
func encodeQ(s string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c == ' ':
			b.WriteByte('_')
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '!':
			b.WriteByte(c)
		default:
			b.WriteByte('=')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
	return b.String()
}

// addresses writes an address field; each address stays on one line where it
// fits.
func (w *writer) addresses(name string, list []Address) {
	if len(list) == 0 {
		return
	}
	var parts []string
	for i, a := range list {
		s := a.render()
		if i+1 < len(list) {
			s += ","
		}
		parts = append(parts, s)
	}
	w.field(name, parts...)
}

// render is the address as RFC 5322 text: domain in A-labels, name quoted or
// encoded.
func (a Address) render() string {
	local, domain := splitAddress(a.Address)
	spec := local + "@" + asciiDomain(domain)
	switch {
	case a.Name == "":
		return spec
	case !isASCII([]byte(a.Name)) || strings.Contains(a.Name, "=?"):
		return strings.Join(encodedWords(a.Name), "\r\n ") + " <" + spec + ">"
	case strings.IndexFunc(a.Name, isPhraseSpecial) < 0 && squeeze(a.Name) == a.Name:
		return a.Name + " <" + spec + ">"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a.Name) + `" <` + spec + ">"
}

func isPhraseSpecial(r rune) bool {
	return !(r == ' ' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r))
}

// The body: text, or alternative(text, html), with inline files in a related
// around the HTML and the other files in a mixed around everything.
func (o Outgoing) writeBody(w *writer) {
	var inline, files []OutgoingFile
	for _, f := range o.Attachments {
		if f.Inline && f.ContentID != "" && o.HTML != "" {
			inline = append(inline, f)
		} else {
			files = append(files, f)
		}
	}
	seed := o.seed()
	text := func() { w.text("text/plain", o.Text) }
	body := text
	if o.HTML != "" {
		rich := func() { w.text("text/html", o.HTML) }
		if len(inline) > 0 {
			plain := rich
			rich = func() {
				w.multipart(`related; type="text/html"`, seed+"r", append([]func(){plain}, w.files(inline)...))
			}
		}
		body = func() { w.multipart("alternative", seed+"a", []func(){text, rich}) }
	}
	if len(files) > 0 {
		w.multipart("mixed", seed+"m", append([]func(){body}, w.files(files)...))
		return
	}
	body()
}

// seed makes boundaries that depend on the mail alone. Text is written as
// quoted-printable and files as base64; "=_" can stand in neither, so a
// boundary never occurs in a body.
func (o Outgoing) seed() string {
	if o.Boundary != "" {
		return "=_" + o.Boundary
	}
	sum := sha256.Sum256([]byte("hub.boundary\x00" + o.MessageID))
	return "=_" + hex.EncodeToString(sum[:12])
}

func (w *writer) multipart(kind, boundary string, parts []func()) {
	w.buf.WriteString("Content-Type: multipart/" + kind + ";\r\n boundary=\"" + boundary + "\"\r\n\r\n")
	for _, part := range parts {
		w.buf.WriteString("--" + boundary + "\r\n")
		part()
		w.buf.WriteString("\r\n")
	}
	w.buf.WriteString("--" + boundary + "--\r\n")
}

// text writes a text part as quoted-printable. Line ends become CRLF, a lone CR
// is encoded, so no bare line end ever reaches the wire.
func (w *writer) text(typ, s string) {
	w.buf.WriteString("Content-Type: " + typ + "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	s = strings.ToValidUTF8(normalLines(s), replacement)
	if !strings.HasSuffix(s, "\n") {
		s += "\n"
	}
	q := quotedprintable.NewWriter(&w.buf)
	if _, err := q.Write([]byte(s)); err != nil {
		w.err = err
	}
	if err := q.Close(); err != nil {
		w.err = err
	}
}

func (w *writer) files(files []OutgoingFile) []func() {
	var out []func()
	for _, f := range files {
		out = append(out, func() { w.file(f) })
	}
	return out
}

func (w *writer) file(f OutgoingFile) {
	typ := strings.ToLower(f.Type)
	if typ == "" || strings.HasPrefix(typ, "message/") {
		// message/* may not be base64 (RFC 2046 section 5.2.1).
		typ = "application/octet-stream"
	}
	name := CleanFileName(f.Name)
	if name == "" {
		name = "attachment.bin"
	}
	disposition := "attachment"
	if f.Inline {
		disposition = "inline"
	}
	w.field("Content-Type", typ)
	w.param(disposition, name)
	w.field("Content-Transfer-Encoding", "base64")
	if f.ContentID != "" {
		w.field("Content-ID", "<"+f.ContentID+">")
	}
	w.buf.WriteString("\r\n")
	w.base64(f.Content)
}

// param writes Content-Disposition with the file name, as a quoted string or,
// where that is not ASCII or long, in RFC 2231 segments.
func (w *writer) param(disposition, name string) {
	if isASCII([]byte(name)) && len(name) <= 60 {
		w.field("Content-Disposition", disposition+";", `filename="`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name)+`"`)
		return
	}
	parts := []string{disposition + ";"}
	for n := 0; len(name) > 0; n++ {
		head := cutBytes(name, min(15, len(name)))
		name = name[len(head):]
		seg := fmt.Sprintf("filename*%d*=", n)
		if n == 0 {
			seg += "utf-8''"
		}
		seg += percentEncode(head)
		if len(name) > 0 {
			seg += ";"
		}
		parts = append(parts, seg)
	}
	w.field("Content-Disposition", parts...)
}

// percentEncode keeps letters, digits and the few signs RFC 2231 leaves alone.
func percentEncode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '.' || c == '-' || c == '_' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func (w *writer) base64(b []byte) {
	const perLine = 57
	out := make([]byte, 78)
	w.buf.Grow(len(b)*4/3 + len(b)/28 + 80)
	for len(b) > 0 {
		n := min(perLine, len(b))
		m := base64.StdEncoding.EncodedLen(n)
		base64.StdEncoding.Encode(out, b[:n])
		b = b[n:]
		w.buf.Write(out[:m])
		if len(b) > 0 {
			w.buf.WriteString("\r\n")
		}
	}
}
