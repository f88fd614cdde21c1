package scan

// find is a needle at an offset of what was searched.
type find struct {
	needle int
	at     int64
}

// hunt looks for needles in bytes that come in pieces (io.Writer).
type hunt struct {
	needles  *Needles
	matchers []*matcher
	buf      []byte
	base     int64 // offset of buf[0]
	from     int   // windows before this offset of buf were looked at
	found    []find
	seen     map[find]bool
}

// tools are what hunts over the same needles share.
type tools struct {
	needles  *Needles
	matchers []*matcher
}

func newTools(n *Needles) *tools {
	t := &tools{needles: n}
	for _, w := range []int{longWindow, shortWindow} {
		if m := newMatcher(n, w); m != nil {
			t.matchers = append(t.matchers, m)
		}
	}
	return t
}

func (t *tools) hunt() *hunt {
	return &hunt{needles: t.needles, matchers: t.matchers, seen: map[find]bool{}}
}

// Write looks into the next piece.
func (h *hunt) Write(p []byte) (int, error) {
	h.buf = append(h.buf, p...)
	h.look(len(h.buf) - maxLength)
	return len(p), nil
}

// end looks into what is left and returns all that was found.
func (h *hunt) end() []find {
	h.look(len(h.buf))
	return h.found
}

// look considers the windows that begin before upTo, with the bytes of a whole
// needle on either side at hand.
func (h *hunt) look(upTo int) {
	if upTo <= h.from {
		return
	}
	for _, m := range h.matchers {
		end := min(len(h.buf), upTo+m.window-1)
		m.each(h.buf[:end], h.from, h.confirm)
	}
	h.from = upTo
	if cut := h.from - maxLength; cut > 0 {
		n := copy(h.buf, h.buf[cut:])
		h.buf, h.base, h.from = h.buf[:n], h.base+int64(cut), h.from-cut
	}
}

func (h *hunt) confirm(at, i int) {
	x := &h.needles.List[i]
	start := at - x.At
	if start < 0 || start+x.Length > len(h.buf) {
		return
	}
	if h.needles.mac(h.buf[start:start+x.Length]) != x.MAC {
		return
	}
	f := find{i, h.base + int64(start)}
	if !h.seen[f] && len(h.found) < maxFinds {
		h.seen[f] = true
		h.found = append(h.found, f)
	}
}

// maxFinds bounds what is remembered of one file: one is enough to fail.
const maxFinds = 64

// unfold passes bytes on without line ends, the soft line breaks of
// quoted-printable, and the white space that folded headers begin a line with, so
// that a text that was broken into lines is whole again.
type unfold struct {
	to    *hunt
	out   []byte
	equal bool // an "=" waits: it is dropped before a line end
	start bool // at the beginning of a line
}

func (u *unfold) Write(p []byte) (int, error) {
	u.out = u.out[:0]
	for _, c := range p {
		if c == '\r' || c == '\n' {
			u.equal, u.start = false, true
			continue
		}
		if u.start && (c == ' ' || c == '\t') {
			continue
		}
		u.start = false
		if u.equal {
			u.out, u.equal = append(u.out, '='), false
		}
		if c == '=' {
			u.equal = true
			continue
		}
		u.out = append(u.out, c)
	}
	_, err := u.to.Write(u.out)
	return len(p), err
}
