package mail

import (
	"bytes"
	"strings"
)

// node is one part of the MIME tree. Its body is work[off:end].
type node struct {
	header   Header
	typ      string // media type to treat it as, lower case
	declared string // media type as declared, lower case; "" when none
	ct, disp mediaType
	enc      string
	off, end int
	parent   *node
	children []*node
	opaque   bool // beyond a limit: kept as a file
}

// readNode reads the part at work[start:end] and everything below it.
func (p *parser) readNode(start, end, depth int, parent *node, defaultType string) *node {
	p.parts++
	n := &node{parent: parent, end: end}
	n.header, n.off = readHeader(p.work[:end:end], start, p.warn)
	if v := n.header.rawFirst("Content-Type"); v != nil {
		n.ct = parseParams(v, p.warn)
	}
	if v := n.header.rawFirst("Content-Disposition"); v != nil {
		n.disp = parseParams(v, p.warn)
	}
	if v := n.header.rawFirst("Content-Transfer-Encoding"); v != nil {
		enc, known := normalEncoding(string(stripComments(v)))
		if !known {
			p.warn(WarnEncoding)
		}
		n.enc = enc
	}
	n.declared = n.ct.value
	n.typ = normalType(n.declared, defaultType)
	if strings.HasPrefix(n.typ, "multipart/") {
		p.readMultipart(n, depth)
	}
	return n
}

// normalType repairs media types: none is the default of the context (RFC 2045
// section 5.2), a bare word is what it most likely meant.
func normalType(declared, fallback string) string {
	switch declared {
	case "":
		return fallback
	case "text", "plain", "text/", "text/txt", "text/text", "plain/text":
		return "text/plain"
	case "html", "text/htm":
		return "text/html"
	case "multipart", "multipart/":
		return "multipart/mixed"
	}
	if !strings.Contains(declared, "/") {
		return "application/octet-stream"
	}
	return declared
}

// readMultipart splits n at its boundary. Without any it becomes text.
func (p *parser) readMultipart(n *node, depth int) {
	if depth >= maxDepth {
		p.warn(WarnDepthLimit)
		n.opaque = true
		return
	}
	boundary := strings.TrimRight(n.ct.raw("boundary"), " \t")
	first := delimiter{}
	if boundary == "" {
		p.warn(WarnNoBoundary)
	} else {
		first = findDelimiter(p.work, n.off, n.end, boundary)
	}
	if !first.found {
		if guess := p.guessBoundary(n.off, n.end); guess != "" {
			if boundary != "" {
				p.warn(WarnWrongBoundary)
			}
			boundary = guess
			first = findDelimiter(p.work, n.off, n.end, boundary)
		}
	}
	if !first.found || first.closing {
		p.warn(WarnNoParts)
		n.typ = "text/plain"
		return
	}
	if n.enc != EncodingNone {
		p.warn(WarnMultiEncoding)
	}
	childType := "text/plain"
	if n.typ == "multipart/digest" {
		childType = "message/rfc822"
	}
	p.readParts(n, first, boundary, depth, childType)
}

func (p *parser) readParts(n *node, d delimiter, boundary string, depth int, childType string) {
	for {
		start := d.next
		d = findDelimiter(p.work, start, n.end, boundary)
		end := n.end
		if d.found {
			end = max(start, trimEOL(p.work, start, d.start))
		}
		if p.parts >= maxParts {
			p.warn(WarnPartLimit)
			n.children = append(n.children, &node{
				typ: "application/octet-stream", parent: n, off: start, end: n.end, opaque: true,
			})
			return
		}
		if d.found || start < end {
			n.children = append(n.children, p.readNode(start, end, depth+1, n, childType))
		}
		if !d.found {
			p.warn(WarnUnclosed)
			return
		}
		if d.closing {
			return
		}
	}
}

// trimEOL is end without the line break before it, which belongs to the
// delimiter (RFC 2046 section 5.1.1).
func trimEOL(b []byte, start, end int) int {
	if end > start && b[end-1] == '\n' {
		end--
	}
	if end > start && b[end-1] == '\r' {
		end--
	}
	return end
}

// delimiter is one boundary line: where it starts, where the next line starts.
type delimiter struct {
	start, next    int
	closing, found bool
}

// findDelimiter finds the next line of b[from:end] that is the delimiter or the
// close delimiter of boundary, white space at its end allowed, and behind a
// close delimiter anything that cannot belong to a longer boundary.
func findDelimiter(b []byte, from, end int, boundary string) delimiter {
	needle := []byte("--" + boundary)
	// The search is for the start of long boundaries only: bytes.Index is
	// vectorised for short needles.
	probe := needle[:min(len(needle), 60)]
	for i := from; i < end; {
		k := bytes.Index(b[i:end], probe)
		if k < 0 {
			return delimiter{}
		}
		k += i
		i = k + 2
		if k > from && b[k-1] != '\n' || !bytes.HasPrefix(b[k:end], needle) {
			continue
		}
		rest := k + len(needle)
		d := delimiter{start: k, found: true}
		if bytes.HasPrefix(b[rest:end], []byte("--")) {
			d.closing = true
			rest += 2
		}
		for rest < end && (b[rest] == ' ' || b[rest] == '\t' || b[rest] == '\r') {
			rest++
		}
		if rest < end && b[rest] != '\n' {
			if !d.closing || boundaryByte(b[rest]) {
				i = rest
				continue
			}
			_, d.next = line(b[:end], rest) // "--b-->": closed, with rubbish behind
			return d
		}
		d.next = min(rest+1, end)
		return d
	}
	return delimiter{}
}

// boundaryByte reports whether c may stand in a boundary (RFC 2046 section
// 5.1.1), so that "--b--x" may be the delimiter of "b--x".
func boundaryByte(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || bytes.IndexByte([]byte("'()+_,-./:=?"), c) >= 0
}

// guessBoundary takes the first line "--xxx" that a header field or an empty
// line follows (I14).
func (p *parser) guessBoundary(from, end int) string {
	b := p.work
	for i := from; i < end; {
		k := bytes.Index(b[i:end], []byte("--"))
		if k < 0 {
			return ""
		}
		k += i
		lineStop, next := line(b[:end], k)
		i = max(next, k+2)
		if k > from && b[k-1] != '\n' || lineStop-k > 2+200 {
			continue
		}
		cand := strings.TrimRight(string(b[k+2:lineStop]), " \t")
		if len(cand) < 2 || strings.HasSuffix(cand, "--") || strings.Trim(cand, "-_=*~ ") == "" || strings.ContainsAny(cand, "\t<>") {
			continue
		}
		if next < end && (nextIsField(b[:end], next) || nextIsBlank(b[:end], next)) {
			return cand
		}
	}
	return ""
}
