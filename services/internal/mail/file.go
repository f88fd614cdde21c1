package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/gabriel-vasile/mimetype"
)

// sniffBytes is how much of a file is looked at to tell its type.
const sniffBytes = 3072

// listFiles makes the attachments and matches them with the HTML (I20, I24).
func (p *parser) listFiles(files []found) {
	refs := references(p.m.HTML)
	var total int64
	for i, f := range files {
		if len(p.m.Attachments) >= maxFiles {
			p.warn(WarnFileLimit)
			return
		}
		var a Attachment
		if f.made != nil {
			a = *f.made
		} else {
			a = p.attachment(f.n, i+1)
		}
		if total += a.Size; total > maxFileBytes {
			p.warn(WarnFileLimit)
		}
		a.Inline = refs.has(a)
		p.m.Attachments = append(p.m.Attachments, a)
	}
}

func (p *parser) attachment(n *node, number int) Attachment {
	a := Attachment{
		Declared: n.declared, Offset: n.off, Length: n.end - n.off, Encoding: n.enc,
		ContentID:       normalCID(string(n.header.rawFirst("Content-ID"))),
		ContentLocation: n.header.First("Content-Location"),
	}
	head := make([]byte, 0, sniffBytes)
	sum := sha256.New()
	damaged := decodeTo(n.enc, p.raw[n.off:n.end], func(b []byte) {
		if k := sniffBytes - len(head); k > 0 {
			head = append(head, b[:min(k, len(b))]...)
		}
		a.Size += int64(len(b))
		sum.Write(b)
	})
	if damaged {
		p.warn(WarnDamaged)
	}
	a.SHA256 = hex.EncodeToString(sum.Sum(nil))
	a.Sniffed, _, _ = strings.Cut(mimetype.Detect(head).String(), ";")
	a.Type = n.typ
	if n.opaque || a.Type == "application/octet-stream" || a.Type == "application/x-unknown" {
		a.Type = "application/octet-stream"
		if n.declared != "" && !n.opaque && !strings.HasPrefix(a.Sniffed, "text/") {
			a.Type = a.Sniffed
		}
	}
	if dangerous(a.Sniffed) && a.Sniffed != a.Type && strings.Contains(a.Type, "/") && !strings.HasPrefix(a.Type, "text/") {
		p.warn(WarnTypeMismatch)
	}
	a.Name = p.fileName(n, a.Type, number)
	if strings.EqualFold(a.Name, "winmail.dat") {
		p.warn(WarnTNEF)
	}
	return a
}

// dangerous types are those that run when they are opened.
func dangerous(t string) bool {
	switch t {
	case "text/html", "image/svg+xml", "application/javascript", "text/javascript", "application/x-sh", "text/x-shellscript",
		"application/vnd.microsoft.portable-executable", "application/x-msdownload", "application/x-elf", "application/x-executable",
		"application/x-mach-binary", "application/x-ms-shortcut":
		return true
	}
	return false
}

// fileName is the declared name, cleaned, or one made from the type.
func (p *parser) fileName(n *node, typ string, number int) string {
	name, guessed := n.disp.text("filename")
	if name == "" {
		name, guessed = n.ct.text("name")
	}
	if guessed {
		p.guessed()
	}
	if name == "" && strings.HasPrefix(typ, "message/rfc822") {
		name = p.nestedSubject(n)
	}
	if name != "" {
		clean := CleanFileName(name)
		if clean != strings.TrimSpace(name) {
			p.warn(WarnFileName)
		}
		if clean != "" {
			return clean
		}
	}
	return defaultName(typ, number)
}

// nestedSubject names an attached message by its subject.
func (p *parser) nestedSubject(n *node) string {
	h, _ := readHeader(p.work[:n.end:n.end], n.off, func(string) {})
	s := strings.NewReplacer("/", "-", "\\", "-").Replace(h.First("Subject"))
	if s == "" || n.enc != EncodingNone {
		return ""
	}
	return cutBytes(s, maxNameBytes-4) + ".eml"
}

var defaultNames = map[string]string{
	"message/rfc822": "message.eml", "message/delivery-status": "delivery-status.txt", "message/global": "message.eml",
	"message/feedback-report": "feedback-report.txt", "message/disposition-notification": "receipt.txt", "text/rfc822-headers": "headers.txt",
	"text/calendar": "invite.ics", "application/ics": "invite.ics", "text/vcard": "contact.vcf", "text/x-vcard": "contact.vcf", "text/html": "message.html", "text/plain": "message.txt",
	"application/pgp-signature": "signature.asc", "application/pgp-encrypted": "version.asc", "application/pkcs7-signature": "smime.p7s",
	"application/x-pkcs7-signature": "smime.p7s", "application/pkcs7-mime": "smime.p7m", "application/x-pkcs7-mime": "smime.p7m",
	"application/ms-tnef": "winmail.dat", "image/jpeg": "image.jpg", "image/png": "image.png", "image/gif": "image.gif", "application/pdf": "document.pdf",
}

func defaultName(typ string, number int) string {
	if name, ok := defaultNames[typ]; ok {
		return name
	}
	return fmt.Sprintf("attachment-%d.bin", number)
}

// CleanFileName makes a file name safe to show and to save under: without path,
// control characters, direction marks and invisible characters, without leading
// or trailing dots and spaces, at most 200 bytes with its extension kept. It
// gives "" when nothing is left.
func CleanFileName(name string) string {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case isControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0x61c,
			r >= 0x200b && r <= 0x200d, r == 0x2060, r == 0xfeff, r >= 0xe0000 && r <= 0xe007f:
			return -1
		}
		return r
	}, name)
	name = strings.Trim(strings.ToValidUTF8(name, "_"), ". \u00a0")
	if len(name) <= maxNameBytes {
		return name
	}
	ext := ""
	if i := strings.LastIndexByte(name, '.'); i > 0 && len(name)-i <= 20 {
		ext = name[i:]
	}
	return strings.TrimRight(cutBytes(name, maxNameBytes-len(ext)), ". ") + ext
}

// cutBytes cuts s to at most n bytes at a character boundary.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// normalCID is the form in which Content-IDs are compared: bare, percent-decoded,
// lower case, without NUL and white space (I20).
func normalCID(s string) string {
	s = strings.Trim(s, "<> \t\r\n\x00")
	if s == "" {
		return ""
	}
	if u, err := url.PathUnescape(s); err == nil {
		s = u
	}
	s = strings.Map(func(r rune) rune {
		if isControl(r) || r == ' ' || r == '<' || r == '>' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.ToLower(s)
}

// imageRefs are what an HTML body shows: cid: URLs, and names used as URLs.
type imageRefs struct {
	cids, names map[string]bool
}

// references collects them in one pass.
func references(html string) imageRefs {
	var r imageRefs
	b := []byte(html)
	for i := 0; i < len(b); {
		k := bytes.IndexAny(b[i:], ":=")
		if k < 0 {
			break
		}
		k += i
		i = k + 1
		switch {
		case b[k] == ':' && k >= 3 && bytes.EqualFold(b[k-3:k], []byte("cid")):
			v, next := refValue(b, k+1)
			r.add(&r.cids, normalCID(strings.ReplaceAll(v, "&amp;", "&")))
			i = next
		case b[k] == '=' && k >= 3 && bytes.EqualFold(b[k-3:k], []byte("src")):
			start := k + 1
			if start < len(b) && (b[start] == '"' || b[start] == '\'') {
				start++
			}
			if start+4 <= len(b) && bytes.EqualFold(b[start:start+4], []byte("cid:")) {
				continue
			}
			v, next := refValue(b, start)
			if v != "" && !strings.HasPrefix(strings.ToLower(v), "data:") {
				r.add(&r.names, normalCID(v))
			}
			i = max(i, next)
		}
	}
	return r
}

func (r *imageRefs) add(set *map[string]bool, v string) {
	if v == "" || len(v) > maxIDBytes || len(*set) >= maxParts {
		return
	}
	if *set == nil {
		*set = make(map[string]bool)
	}
	(*set)[v] = true
}

// refValue reads up to the end of a URL in an attribute or a style.
func refValue(b []byte, i int) (string, int) {
	start := i
	for i < len(b) && i-start <= maxIDBytes && !bytes.ContainsRune([]byte("\"'<>) \t\r\n"), rune(b[i])) {
		i++
	}
	return string(b[start:i]), i
}

func (r imageRefs) has(a Attachment) bool {
	return a.ContentID != "" && (r.cids[a.ContentID] || r.names[a.ContentID]) ||
		a.ContentLocation != "" && r.names[normalCID(a.ContentLocation)] ||
		r.names[normalCID(a.Name)]
}

// InlinePart finds the attachment that an image reference of the HTML body
// means: a cid: URL, a Content-Location or a bare file name. It is nil when the
// mail holds no such part; parts of other mails are never reachable.
func (m *Message) InlinePart(ref string) *Attachment {
	name := normalCID(ref)
	cid, isCID := strings.CutPrefix(name, "cid:")
	for i := range m.Attachments {
		a := &m.Attachments[i]
		if isCID && a.ContentID != "" && a.ContentID == normalCID(cid) {
			return a
		}
		if !isCID && name != "" && (normalCID(a.ContentLocation) == name || normalCID(a.Name) == name) {
			return a
		}
	}
	return nil
}
