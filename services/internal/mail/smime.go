package mail

import (
	"bytes"
	"strings"
)

// maxOpened bounds what is taken out of a container, decoded, and maxInside how
// deep containers are opened in each other.
const (
	maxOpened = 64 << 20
	maxInside = 3
)

// openSigned shows the content of opaque S/MIME signed data (RFC 8551 section
// 3.5.2), which is a MIME entity inside a CMS structure (RFC 5652). Nothing is
// checked and nothing decrypted. It reports false when there is no such content.
func (c *collector) openSigned(n *node) bool {
	if c.p.inside >= maxInside {
		return false
	}
	content, ok := signedContent(c.p.partContent(n))
	if !ok {
		return false
	}
	sub := newParser(content, c.p.opt)
	sub.inside, sub.parts = c.p.inside+1, c.p.parts
	sub.root = sub.readNode(sub.repairStart(), len(sub.work), 0, nil, "text/plain")
	inner := &collector{p: sub}
	inner.collect(sub.root)
	sub.listFiles(inner.files)
	c.p.parts = sub.parts
	for _, w := range sub.m.Warnings {
		c.p.warn(w)
	}
	c.p.m.IsSigned = true
	c.p.m.IsEncrypted = c.p.m.IsEncrypted || sub.m.IsEncrypted
	c.p.m.CharsetGuessed = c.p.m.CharsetGuessed || sub.m.CharsetGuessed
	c.pieces = append(c.pieces, inner.pieces...)
	for _, a := range sub.m.Attachments {
		lifted := a.lift(n, stepPKCS7+"/")
		c.files = append(c.files, found{n: n, made: &lifted})
	}
	return true
}

// partContent is the decoded content of a part, cut to maxOpened.
func (p *parser) partContent(n *node) []byte {
	src := p.raw[n.off:n.end]
	return DecodePart(src[:min(len(src), 2*maxOpened)], n.enc)
}

// signedContent takes the encapsulated content out of CMS signed data: the
// octets of eContent, in one piece or, as streaming signers write it, in many
// (BER, X.690 section 8.7). ok is false for everything else.
func signedContent(der []byte) (content []byte, ok bool) {
	info, ok := berInto(der, 0x30)
	if !ok {
		return nil, false
	}
	oid, rest, ok := berNext(info)
	if !ok || oid.tag != 0x06 || !bytes.Equal(oid.body, oidSignedData) {
		return nil, false
	}
	signed, ok := berInto(rest, 0xa0)
	if !ok {
		return nil, false
	}
	if signed, ok = berInto(signed, 0x30); !ok {
		return nil, false
	}
	// version INTEGER, digestAlgorithms SET, encapContentInfo SEQUENCE
	for range 4 {
		var e berElement
		if e, signed, ok = berNext(signed); !ok {
			return nil, false
		}
		if e.tag != 0x30 {
			continue
		}
		_, inner, ok := berNext(e.body) // eContentType
		if !ok {
			return nil, false
		}
		octets, ok := berInto(inner, 0xa0)
		if !ok {
			return nil, false
		}
		return octetString(octets)
	}
	return nil, false
}

// oidSignedData is 1.2.840.113549.1.7.2.
var oidSignedData = []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02}

// octetString reads a primitive octet string, or joins the segments of a
// constructed one, to a depth of two.
func octetString(b []byte) ([]byte, bool) {
	e, _, ok := berNext(b)
	switch {
	case !ok:
		return nil, false
	case e.tag == 0x04:
		return e.body, true
	case e.tag != 0x24:
		return nil, false
	}
	out := make([]byte, 0, len(e.body))
	for rest := e.body; len(rest) > 0; {
		var seg berElement
		if seg, rest, ok = berNext(rest); !ok || seg.tag == 0x00 {
			break
		}
		switch seg.tag {
		case 0x04:
			out = append(out, seg.body...)
		case 0x24:
			if inner, _, ok := berNext(seg.body); ok && inner.tag == 0x04 {
				out = append(out, inner.body...)
			}
		}
	}
	return out, true
}

// berElement is one element: its identifier octet and its content. That of an
// element of indefinite length reaches to the end of what there is; whoever reads
// in it stops at the end-of-contents octets.
type berElement struct {
	tag  byte
	body []byte
}

// berNext reads one element with a tag of one octet. It takes what is there of
// one that was cut. An element of indefinite length has no known end without
// being read, so rest is empty behind it; in signed data nothing that matters
// here follows one.
func berNext(b []byte) (e berElement, rest []byte, ok bool) {
	if len(b) < 2 || b[0]&0x1f == 0x1f {
		return e, nil, false
	}
	e.tag = b[0]
	n, b := int(b[1]), b[2:]
	switch {
	case n == 0x80:
		e.body = b
		return e, nil, true
	case n > 0x84:
		return e, nil, false
	case n > 0x80:
		size := n - 0x80
		if len(b) < size {
			return e, nil, false
		}
		n = 0
		for _, c := range b[:size] {
			n = n<<8 | int(c)
		}
		b = b[size:]
	}
	n = min(n, len(b))
	e.body = b[:n]
	return e, b[n:], true
}

// berInto gives the content of the first element when it has the tag.
func berInto(b []byte, tag byte) ([]byte, bool) {
	e, _, ok := berNext(b)
	return e.body, ok && e.tag == tag
}

// isPKCS7 reports whether a part is S/MIME in one piece.
func isPKCS7(typ string) bool {
	return typ == "application/pkcs7-mime" || typ == "application/x-pkcs7-mime"
}

// maybeSigned reports whether a part may hold signed data: its parameters do not
// say that it is something else.
func maybeSigned(n *node) bool {
	kind := strings.ToLower(n.ct.raw("smime-type"))
	return kind == "" || strings.Contains(kind, "signed")
}
