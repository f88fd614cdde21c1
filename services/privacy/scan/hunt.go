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

// unfold passes text on without line ends, the soft line breaks of
// quoted-printable, and the white space that folded headers begin a line with, so
// that a text that was broken into lines is whole again. Runs of text in which no
// line ends are left out: there the bytes as they stand are enough.
type unfold struct {
	to     *hunt
	out    []byte
	run    int  // where in out the run of text at hand begins
	joined bool // a line ended in this run
	equal  bool // an "=" waits: it is dropped before a line end
	start  bool // at the beginning of a line
}

// What a byte means for folding.
const (
	plain = iota
	lineEnd
	soft    // "="
	control // no text is folded across it
)

var meaning = func() (m [256]uint8) {
	for c := range 0x20 {
		m[c] = control
	}
	m['\t'], m['\x1b'] = plain, plain // ISO-2022-JP escapes
	m['\r'], m['\n'], m['='] = lineEnd, lineEnd, soft
	return m
}()

// Write takes the next piece (io.Writer).
func (u *unfold) Write(p []byte) (int, error) {
	all := len(p)
	for len(p) > 0 {
		if u.start && (p[0] == ' ' || p[0] == '\t') {
			p = p[1:]
			continue
		}
		n := 0
		for n < len(p) && meaning[p[n]] == plain {
			n++
		}
		if n > 0 {
			u.settle()
			u.start = false
			u.out = append(u.out, p[:n]...)
		}
		if n == len(p) {
			break
		}
		switch meaning[p[n]] {
		case lineEnd:
			u.equal, u.start, u.joined = false, true, true
		case soft:
			u.settle()
			u.equal, u.start = true, false
		default:
			u.cut()
		}
		p = p[n+1:]
	}
	return all, u.pass()
}

// settle says that the "=" that waits is none of a soft line break.
func (u *unfold) settle() {
	if u.equal {
		u.out, u.equal = append(u.out, '='), false
	}
}

// cut ends a run of text.
func (u *unfold) cut() {
	u.settle()
	if u.joined {
		u.out = append(u.out, 0) // nothing is found across the cut
	} else {
		u.out = u.out[:u.run]
	}
	u.run, u.joined, u.start = len(u.out), false, false
}

// pass hands over what is known to be wanted, and keeps as much of a run that goes
// on as a needle may begin with.
func (u *unfold) pass() error {
	ready := u.run
	if u.joined {
		ready = len(u.out)
	}
	_, err := u.to.Write(u.out[:ready])
	rest := u.out[max(ready, len(u.out)-maxLength):]
	u.out, u.run = append(u.out[:0], rest...), 0
	return err
}

// end returns all that was found.
func (u *unfold) end() []find {
	u.cut()
	_ = u.pass() // a hunt never fails
	return u.to.end()
}
