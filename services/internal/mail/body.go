package mail

import (
	"bytes"
	"html"
	"strings"
	"unicode/utf8"
)

// piece is one stretch of the readable body: plain text, HTML, or both as
// alternatives of each other.
type piece struct {
	text, html string
}

// collector gathers body pieces and files in the order of the mail (I19).
type collector struct {
	p      *parser
	pieces []piece
	files  []found
	seen   bool // some leaf was met
}

// found is one file: a part, or something a container part holds, described
// already.
type found struct {
	n    *node
	made *Attachment
}

// readBody selects the body, makes Text and HTML, and lists the files.
func (p *parser) readBody() {
	c := &collector{p: p}
	c.collect(p.root)
	p.joinHTML(c.pieces)
	p.joinText(c.pieces)
	p.listFiles(c.files)
	if cal := p.m.Calendar; cal != nil && strings.TrimSpace(p.m.Text) == "" {
		p.m.Text = cal.Text()
	}
}

func (c *collector) collect(n *node) {
	switch {
	case n.opaque:
		c.file(n)
	case len(n.children) == 0:
		c.leaf(n)
	case n.typ == "multipart/alternative":
		c.alternative(n)
	case n.typ == "multipart/related":
		c.related(n)
	case n.typ == "multipart/signed":
		c.p.m.IsSigned = true
		c.first(n)
	case n.typ == "multipart/encrypted":
		c.p.m.IsEncrypted = true
		c.p.warn(WarnEncrypted)
		for _, child := range n.children {
			c.file(child)
		}
	case n.typ == "multipart/report":
		c.first(n)
	default:
		for _, child := range n.children {
			c.collect(child)
		}
	}
}

// first collects the first child and keeps the others as files.
func (c *collector) first(n *node) {
	c.collect(n.children[0])
	for _, child := range n.children[1:] {
		c.file(child)
	}
}

// alternative takes the last branch that gives HTML and the last that gives
// plain text; files of every branch stay files.
func (c *collector) alternative(n *node) {
	var best piece
	for _, child := range n.children {
		sub := &collector{p: c.p}
		sub.collect(child)
		text, rich := joinPieces(sub.pieces)
		switch {
		case rich != "" && len(sub.pieces) > 1 && text != "": // text and HTML in one branch
			best.html = richOf(sub.pieces)
		case rich != "":
			best.html = rich
		case text != "":
			best.text = text
		}
		c.files = append(c.files, sub.files...)
	}
	c.seen = true
	if best != (piece{}) {
		c.pieces = append(c.pieces, best)
	}
}

// related takes the root, named by start= or the first part; the others are
// files the root may show (RFC 2387).
func (c *collector) related(n *node) {
	root := 0
	if start := normalCID(n.ct.raw("start")); start != "" {
		for i, child := range n.children {
			if normalCID(string(child.header.rawFirst("Content-ID"))) == start {
				root = i
			}
		}
	}
	c.collect(n.children[root])
	for i, child := range n.children {
		if i != root {
			c.file(child)
		}
	}
}

// file keeps a part and, where it is a multipart, the leaves below it.
func (c *collector) file(n *node) {
	c.seen = true
	if len(n.children) == 0 {
		c.leafFile(n)
		return
	}
	for _, child := range n.children {
		c.file(child)
	}
}

func (c *collector) leaf(n *node) {
	if !c.isBody(n) || len(c.pieces) >= maxPieces {
		c.leafFile(n)
		return
	}
	c.seen = true
	s, cut := c.readText(n)
	if cut {
		c.files = append(c.files, found{n: n})
	}
	switch n.typ {
	case "text/html":
		c.pieces = append(c.pieces, piece{html: s})
	case "text/enriched", "text/richtext":
		c.pieces = append(c.pieces, piece{text: stripTags(s)})
	default:
		if s != "" {
			c.pieces = append(c.pieces, piece{text: s})
		}
	}
}

// leafFile keeps a leaf as a file, unless it is an empty nothing.
func (c *collector) leafFile(n *node) {
	c.seen = true
	if n.off >= n.end && n.header.Len() == 0 {
		return
	}
	switch {
	case isPKCS7(n.typ):
		if maybeSigned(n) && c.openSigned(n) {
			break
		}
		if strings.Contains(n.ct.raw("smime-type"), "signed") {
			c.p.m.IsSigned = true
		} else {
			c.p.m.IsEncrypted = true
		}
		c.p.warn(WarnEncrypted)
	case n.typ == "application/ms-tnef", n.typ == "application/vnd.ms-tnef", winmail(n):
		c.p.warn(WarnTNEF)
		c.openTNEF(n)
	case n.typ == "text/calendar", n.typ == "application/ics":
		c.p.readCalendar(n)
	case n.typ == "text/x-amp-html": // a copy of the HTML body for one reader
		return
	}
	c.files = append(c.files, found{n: n})
}

// winmail reports whether a part is a winmail.dat by name.
func winmail(n *node) bool {
	return n.typ == "application/octet-stream" && (strings.EqualFold(n.disp.raw("filename"), "winmail.dat") || strings.EqualFold(n.ct.raw("name"), "winmail.dat"))
}

// isBody decides whether a leaf is text to read. A text part that has a file
// name is a file, unless it is the first thing in the mail.
func (c *collector) isBody(n *node) bool {
	switch n.typ {
	case "text/plain", "text/html", "text/enriched", "text/richtext":
	default:
		return false
	}
	named := n.disp.raw("filename") != "" || n.ct.raw("name") != ""
	if n.disp.value == "attachment" {
		return n.parent == nil && !named
	}
	return !named || !c.seen
}

// readText decodes a text part; cut says that it was longer than the limit.
func (c *collector) readText(n *node) (s string, cut bool) {
	p := c.p
	limit := p.opt.MaxText
	if n.typ == "text/html" {
		limit = p.opt.MaxHTML
	}
	src := p.work[n.off:n.end]
	if n.enc == EncodingNone && len(src) > limit {
		src, cut = src[:limit], true
	} else if len(src) > 4*limit {
		src, cut = src[:4*limit], true
	}
	readable := n.enc == EncodingNone
	if n.enc != EncodingNone {
		buf := make([]byte, 0, len(src))
		if decodeTo(n.enc, src, func(b []byte) { buf = append(buf, b...) }) {
			p.warn(WarnDamaged)
		}
		if n.enc != EncodingBase64 || utf8.Valid(buf) || !looksPlain(src) {
			src, readable = buf, true
		}
		if len(src) > limit {
			src, cut = src[:limit], true
		}
	}
	// With CR alone for line ends the bytes of the mail are not what was read.
	if n.typ == "text/plain" && readable && !cut && !p.m.Warn(WarnCROnly) {
		src = c.takeUU(n, src)
	}
	d := textDecoder{warn: p.warn, guessed: &p.m.CharsetGuessed}
	s = normalLines(d.decode(src, n.charset(src)))
	if len(s) > limit {
		s, cut = strings.ToValidUTF8(s[:limit], ""), true
	}
	if cut {
		p.warn(WarnTextLimit)
	}
	if strings.EqualFold(n.ct.raw("format"), "flowed") && n.typ == "text/plain" {
		s = unflow(s, strings.EqualFold(n.ct.raw("delsp"), "yes"))
	}
	return s, cut
}

// looksPlain reports whether something declared base64 is readable text: base64
// has no spaces within its lines.
func looksPlain(src []byte) bool {
	src = bytes.TrimSpace(src[:min(len(src), 4<<10)])
	odd := 0
	for i, c := range src {
		if v := base64Value[c]; v == 66 || c == ' ' && i+1 < len(src) && base64Value[src[i+1]] != 64 {
			odd++
		}
	}
	return len(src) >= 20 && odd*20 > len(src)
}

// charset is the declared character set: of the part, of a multipart around it
// (illegal but found), of the HTML itself.
func (n *node) charset(content []byte) string {
	for a := n; a != nil; a = a.parent {
		if cs := a.ct.raw("charset"); cs != "" {
			return cs
		}
	}
	if n.typ == "text/html" {
		return htmlCharset(content)
	}
	return ""
}

// normalLines gives every line the end "\n" and drops NUL.
func normalLines(s string) string {
	if strings.IndexByte(s, '\r') >= 0 {
		s = strings.ReplaceAll(s, "\r\n", "\n")
		s = strings.ReplaceAll(s, "\r", "\n")
	}
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	return s
}

// joinPieces gives the plain texts and the HTML of pieces, each joined.
func joinPieces(pieces []piece) (text, rich string) {
	var texts, riches []string
	for _, p := range pieces {
		if p.text != "" {
			texts = append(texts, p.text)
		}
		if p.html != "" {
			riches = append(riches, p.html)
		}
	}
	return joinLines(texts), strings.Join(riches, "")
}

// richOf joins pieces to one HTML text; plain pieces are escaped.
func richOf(pieces []piece) string {
	var b strings.Builder
	for _, p := range pieces {
		if p.html != "" {
			b.WriteString(p.html)
			continue
		}
		b.WriteString(`<div style="white-space:pre-wrap">`)
		b.WriteString(html.EscapeString(p.text))
		b.WriteString("</div>\n")
	}
	return b.String()
}

func (p *parser) joinHTML(pieces []piece) {
	n := 0
	for _, pc := range pieces {
		if pc.html != "" {
			n++
		}
	}
	switch {
	case n == 0:
		return
	case len(pieces) == 1:
		p.m.HTML, p.m.HTMLIsOriginal = pieces[0].html, true
	default:
		p.m.HTML = richOf(pieces)
	}
	if len(p.m.HTML) > p.opt.MaxHTML {
		p.m.HTML, p.m.HTMLIsOriginal = strings.ToValidUTF8(p.m.HTML[:p.opt.MaxHTML], ""), false
		p.warn(WarnTextLimit)
	}
}

func (p *parser) joinText(pieces []piece) {
	var parts []string
	for _, pc := range pieces {
		t := pc.text
		if strings.TrimSpace(t) == "" && pc.html != "" {
			var fallback bool
			t, fallback = htmlText(pc.html)
			p.m.TextFromHTML = true
			if fallback {
				p.warn(WarnHTMLText)
			}
		}
		if t != "" {
			parts = append(parts, t)
		}
	}
	p.m.Text = joinLines(parts)
	if len(p.m.Text) > p.opt.MaxText {
		p.m.Text = strings.ToValidUTF8(p.m.Text[:p.opt.MaxText], "")
		p.warn(WarnTextLimit)
	}
	if strings.Contains(p.m.Text, "-----BEGIN PGP MESSAGE-----") {
		p.m.IsEncrypted = true
	}
	if strings.Contains(p.m.Text, "-----BEGIN PGP SIGNED MESSAGE-----") {
		p.m.IsSigned = true
	}
}

// joinLines joins texts so that each begins on a line of its own.
func joinLines(parts []string) string {
	if len(parts) == 1 {
		return parts[0]
	}
	var b strings.Builder
	for i, s := range parts {
		b.WriteString(s)
		if i+1 < len(parts) && !strings.HasSuffix(s, "\n") {
			b.WriteByte('\n')
		}
	}
	return b.String()
}
