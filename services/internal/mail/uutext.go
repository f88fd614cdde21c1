package mail

import (
	"bytes"
	"regexp"
)

// uuBegin is the first line of a uuencoded file in a text.
var uuBegin = regexp.MustCompile(`(?m)^begin [0-7]{3,4} [^\r\n]{1,250}\r?\n`)

// uuBlock is one uuencoded file in a text: its whole range, and its name.
type uuBlock struct {
	from, to int
	name     string
}

// uuBlocks finds uuencoded files in the text of a part (as old mail programs put
// them there): a begin line, only well-formed lines, an end line. Text that
// merely mentions "begin 644" is left alone.
func uuBlocks(b []byte) []uuBlock {
	if !bytes.Contains(b, []byte("begin ")) {
		return nil
	}
	var out []uuBlock
	for at := 0; at < len(b) && len(out) < maxFiles; {
		m := uuBegin.FindIndex(b[at:])
		if m == nil {
			break
		}
		from, body := at+m[0], at+m[1]
		end, ok := uuEnd(b, body)
		if !ok {
			at = end // lines that were looked at begin no block of their own
			continue
		}
		head := bytes.SplitN(bytes.TrimSpace(b[from:body]), []byte(" "), 3)
		name, _ := decodeHeader(head[2])
		out = append(out, uuBlock{from, end, name})
		at = end
	}
	return out
}

// uuEnd is the end of a block whose lines begin at i; ok is false when a line
// is none of uuencode.
func uuEnd(b []byte, i int) (end int, ok bool) {
	lines := 0
	for i < len(b) {
		stop, next := line(b, i)
		l := b[i:stop]
		switch {
		case string(l) == "end":
			return next, lines > 0
		case len(l) == 0 || l[0] < ' ' || l[0] > '`':
			return next, false
		}
		n := int(l[0]-' ') & 63
		if want := (n + 2) / 3 * 4; len(l)-1 > want+2 || bytes.ContainsFunc(l, func(r rune) bool { return r < ' ' || r > '`' }) {
			return next, false
		}
		i = next
		lines++
	}
	return len(b), false
}

// takeUU takes uuencoded files out of a text part's bytes; in their places
// stands their name. src is the part's content before its character set is read.
func (c *collector) takeUU(n *node, src []byte) []byte {
	blocks := uuBlocks(src)
	if len(blocks) == 0 {
		return src
	}
	out := make([]byte, 0, len(src))
	at := 0
	for _, bl := range blocks {
		inner := node{
			off: bl.from, end: bl.to, enc: EncodingUU, typ: "application/octet-stream", declared: "application/octet-stream",
			disp: mediaType{params: []param{{name: "filename", value: []byte(bl.name), part: -1}}},
		}
		sub := &parser{raw: src, work: src, opt: c.p.opt, m: &Message{}}
		a := sub.attachment(&inner, len(c.files)+1).lift(n, "")
		c.files = append(c.files, found{n: n, made: &a})
		out = append(append(out, src[at:bl.from]...), "["+a.Name+"]\n"...)
		at = bl.to
	}
	c.p.warn(WarnUUText)
	return append(out, src[at:]...)
}
