package mail

import (
	"encoding/binary"
	"strconv"
	"strings"
	"unicode/utf16"
)

// openRTF is a compressed RTF body ([MS-OXRTFCP]) as text, at most limit bytes of
// it; "" when it cannot be read. What is decompressed is bounded by four times
// the limit, because markup is more than text.
func openRTF(b []byte, limit int) string {
	rtf, ok := expandRTF(b, 4*limit)
	if !ok {
		return ""
	}
	return rtfText(rtf, limit)
}

// rtfPreset is what the dictionary of the compression begins with ([MS-OXRTFCP]
// section 2.1.2.1).
const rtfPreset = "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"

// expandRTF undoes the compression: an LZ77 with a ring of 4,096 bytes. The
// checksum is not looked at; a cut stream gives what was there.
func expandRTF(b []byte, limit int) ([]byte, bool) {
	if len(b) < 16 {
		return nil, false
	}
	size, kind := int(binary.LittleEndian.Uint32(b[4:])), binary.LittleEndian.Uint32(b[8:])
	b, limit = b[16:], min(limit, size)
	switch kind {
	case 0x414c454d: // "MELA": as it is
		return b[:min(len(b), limit)], true
	case 0x75465a4c: // "LZFu"
	default:
		return nil, false
	}
	var ring [4096]byte
	at := copy(ring[:], rtfPreset)
	out := make([]byte, 0, min(limit, 16*len(b)))
	for len(b) > 0 && len(out) < limit {
		flags := b[0]
		b = b[1:]
		for bit := 0; bit < 8 && len(b) > 0 && len(out) < limit; bit++ {
			if flags>>bit&1 == 0 {
				out, ring[at] = append(out, b[0]), b[0]
				at, b = (at+1)%len(ring), b[1:]
				continue
			}
			if len(b) < 2 {
				return out, true
			}
			ref := int(b[0])<<8 | int(b[1])
			b = b[2:]
			from := ref >> 4
			if from == at { // the end
				return out, true
			}
			for range ref&15 + 2 {
				c := ring[from]
				out, ring[at] = append(out, c), c
				from, at = (from+1)%len(ring), (at+1)%len(ring)
			}
		}
	}
	return out, true
}

// rtfSkipped are the groups that hold no text of the body.
var rtfSkipped = map[string]bool{
	"fonttbl": true, "colortbl": true, "stylesheet": true, "info": true, "pict": true, "object": true, "header": true, "footer": true,
	"headerl": true, "headerr": true, "headerf": true, "footerl": true, "footerr": true, "footerf": true, "footnote": true, "listtable": true,
	"listoverridetable": true, "rsidtbl": true, "themedata": true, "datastore": true, "latentstyles": true, "xmlnstbl": true, "generator": true,
}

// rtfSigns are control words that stand for text.
var rtfSigns = map[string]string{
	"par": "\n", "line": "\n", "sect": "\n", "page": "\n", "row": "\n", "cell": "\t", "tab": "\t", "emdash": "—", "endash": "–", "emspace": " ", "enspace": " ",
	"lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "bullet": "•",
}

// rtfReader goes over RTF (version 1.9.1) once and keeps its text.
type rtfReader struct {
	out      strings.Builder
	raw      []byte   // text bytes that are not converted yet
	units    []uint16 // UTF-16 that is not converted yet
	codepage string
	skip     int // depth of the group whose content is no text; 0: none
	depth    int
	uc       []int // of each open group: how many bytes stand in for a \u
	pass     int   // stand-ins still to come
}

// rtfText is the text of RTF. HTML that is wrapped in RTF ([MS-OXRTFEX]) is read
// by what it has for readers of RTF; the tags are in groups that are skipped.
func rtfText(b []byte, limit int) string {
	r := &rtfReader{codepage: "windows-1252", uc: []int{1}}
	for i := 0; i < len(b) && r.out.Len()+len(r.raw) < limit; {
		switch c := b[i]; c {
		case '{':
			i++
			r.open()
		case '}':
			i++
			r.close()
		case '\\':
			i += r.control(b[i:])
		case '\r', '\n':
			i++
		default:
			i++
			r.text(c)
		}
	}
	r.flush()
	return normalLines(strings.TrimRight(r.out.String(), "\x00"))
}

func (r *rtfReader) open() {
	r.flush()
	r.depth++
	r.pass = 0
	if len(r.uc) < maxDepth*10 {
		r.uc = append(r.uc, r.uc[len(r.uc)-1])
	}
}

func (r *rtfReader) close() {
	r.flush()
	r.pass = 0
	if r.skip == r.depth {
		r.skip = 0
	}
	r.depth = max(0, r.depth-1)
	if len(r.uc) > r.depth+1 {
		r.uc = r.uc[:r.depth+1]
	}
}

// text takes one byte of text, or lets it pass as the stand-in of a \u.
func (r *rtfReader) text(c byte) {
	switch {
	case r.pass > 0:
		r.pass--
	case r.skip == 0:
		r.flushUnits()
		r.raw = append(r.raw, c)
	}
}

// control reads one control word or symbol and returns its length.
func (r *rtfReader) control(b []byte) int {
	if len(b) < 2 {
		return 1
	}
	c := b[1]
	if c == '\'' {
		if len(b) < 4 {
			return len(b)
		}
		r.text(unhex(b[2])<<4 | unhex(b[3]))
		return 4
	}
	if !isLetter(c) {
		switch c {
		case '\\', '{', '}':
			r.text(c)
		case '~':
			r.text(' ')
		case '_':
			r.text('-')
		case '*':
			r.skipGroup()
		case '\r', '\n':
			r.say("\n")
		}
		return 2
	}
	n := 1
	for n < len(b) && n < 33 && isLetter(b[n]) {
		n++
	}
	word := string(b[1:n])
	value, given := 0, false
	negative := n < len(b) && b[n] == '-'
	if negative {
		n++
	}
	for ; n < len(b) && b[n] >= '0' && b[n] <= '9'; n++ {
		value, given = min(value*10+int(b[n]-'0'), 1<<24), true
	}
	if negative {
		value = -value
	}
	if n < len(b) && b[n] == ' ' {
		n++
	}
	if word == "bin" && given {
		return n + min(max(value, 0), len(b)-n)
	}
	r.word(word, value, given)
	return n
}

func (r *rtfReader) word(word string, value int, given bool) {
	switch {
	case rtfSkipped[word]:
		r.skipGroup()
	case rtfSigns[word] != "":
		r.say(rtfSigns[word])
	case word == "u" && given:
		if r.skip == 0 {
			r.flushRaw()
			r.units = append(r.units, uint16(value)) //nolint:gosec // negative above 32767, as the format says
		}
		r.pass = r.uc[len(r.uc)-1]
	case word == "uc" && given:
		r.uc[len(r.uc)-1] = min(max(value, 0), 10)
	case word == "ansicpg" && given:
		r.flush()
		r.codepage = windowsPage(value)
	}
}

func (r *rtfReader) skipGroup() {
	if r.skip == 0 && r.depth > 0 {
		r.flush()
		r.skip = r.depth
	}
}

// say adds text that is no byte of the file.
func (r *rtfReader) say(s string) {
	if r.skip == 0 {
		r.flush()
		r.out.WriteString(s)
	}
}

func (r *rtfReader) flush() { r.flushUnits(); r.flushRaw() }

func (r *rtfReader) flushUnits() {
	if len(r.units) > 0 {
		r.out.WriteString(string(utf16.Decode(r.units)))
		r.units = r.units[:0]
	}
}

func (r *rtfReader) flushRaw() {
	if len(r.raw) > 0 {
		s, _ := decodeDeclared(r.raw, r.codepage)
		r.out.WriteString(s)
		r.raw = r.raw[:0]
	}
}

// windowsPage is the character set of a Windows code page.
func windowsPage(n int) string {
	switch n {
	case 65001:
		return "utf-8"
	case 20127:
		return "us-ascii"
	case 932:
		return "shift_jis"
	case 936:
		return "gb18030"
	case 949:
		return "euc-kr"
	case 950:
		return "big5"
	}
	return "windows-" + strconv.Itoa(n)
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
