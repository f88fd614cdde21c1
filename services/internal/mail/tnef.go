package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/gabriel-vasile/mimetype"
)

// tnef is what a winmail.dat holds: Microsoft's TNEF ([MS-OXTNEF]), a flat list
// of attributes with a list of MAPI properties ([MS-OXCDATA] section 2.11) in
// some of them. Files are ranges of the content.
type tnef struct {
	b          []byte
	codepage   string
	text, html string
	rtf        string // the body in its last form, where it comes in no other
	files      []tnefFile
}

type tnefFile struct {
	name, typ, cid string
	off, n         int
}

const (
	tnefSignature = 0x223e9f78

	attBody         = 0x0002800c
	attMAPIProps    = 0x00069003
	attOEMCodepage  = 0x00069007
	attRendData     = 0x00069002
	attAttachTitle  = 0x00018010
	attAttachData   = 0x0006800f
	attAttachment   = 0x00069005
	propBody        = 0x1000
	propRTF         = 0x1009
	propBodyHTML    = 0x1013
	propAttachData  = 0x3701
	propAttachName  = 0x3704
	propAttachLong  = 0x3707
	propAttachMIME  = 0x370e
	propAttachCID   = 0x3712
	maxTNEFProps    = 10_000
	maxTNEFElements = 10_000
)

// openTNEF lists the files of a winmail.dat behind the part, and takes its text
// where the mail has none. What is not understood stays in the part itself.
func (c *collector) openTNEF(n *node) {
	b := c.p.partContent(n)
	t, ok := readTNEF(b[:min(len(b), maxOpened)])
	if !ok {
		return
	}
	if !c.hasText() && (t.text != "" || t.html != "") {
		c.pieces = append(c.pieces, piece{text: t.text, html: t.html})
	}
	for i, f := range t.files {
		content := b[f.off : f.off+f.n]
		sum := sha256.Sum256(content)
		a := Attachment{
			Declared: f.typ, Type: f.typ, Size: int64(f.n), SHA256: hex.EncodeToString(sum[:]),
			ContentID: normalCID(f.cid), Offset: f.off, Length: f.n, Name: CleanFileName(f.name),
		}
		a.Sniffed, _, _ = strings.Cut(mimetype.Detect(content[:min(len(content), sniffBytes)]).String(), ";")
		if !strings.Contains(a.Type, "/") {
			a.Type = a.Sniffed
		}
		if a.Name == "" {
			a.Name = fmt.Sprintf("winmail-%d.bin", i+1)
		}
		a = a.lift(n, "")
		c.files = append(c.files, found{n: n, made: &a})
	}
}

func (c *collector) hasText() bool {
	for _, p := range c.pieces {
		if strings.TrimSpace(p.text) != "" || p.html != "" {
			return true
		}
	}
	return false
}

// readTNEF goes through the attributes once. It stops at the first that is cut
// and keeps what came before.
func readTNEF(b []byte) (*tnef, bool) {
	if len(b) < 6 || binary.LittleEndian.Uint32(b) != tnefSignature {
		return nil, false
	}
	t := &tnef{b: b, codepage: "windows-1252"}
	for i, n := 6, 0; i+9 <= len(b) && n < maxTNEFElements && len(t.files) <= maxFiles; n++ {
		level, id, size := b[i], binary.LittleEndian.Uint32(b[i+1:]), int(binary.LittleEndian.Uint32(b[i+5:]))
		off := i + 9
		if level != 1 && level != 2 || size < 0 || size > len(b)-off {
			break
		}
		t.attribute(id, off, size)
		i = off + size + 2 // the checksum is not looked at
	}
	t.files = withContent(t.files)
	if t.text == "" && t.html == "" {
		t.text = t.rtf
	}
	return t, true
}

// withContent drops attachments of which only the frame was there.
func withContent(files []tnefFile) []tnefFile {
	out := files[:0]
	for _, f := range files {
		if f.n > 0 {
			out = append(out, f)
		}
	}
	return out
}

func (t *tnef) attribute(id uint32, off, size int) {
	body := t.b[off : off+size]
	switch id {
	case attOEMCodepage:
		if size >= 4 {
			t.codepage = windowsPage(int(binary.LittleEndian.Uint32(body)))
		}
	case attBody:
		t.text = normalLines(t.text8(body))
	case attMAPIProps:
		t.properties(off, size, t.messageProperty)
	case attRendData:
		t.files = append(t.files, tnefFile{})
	case attAttachTitle:
		if f := t.last(); f != nil && f.name == "" {
			f.name = t.text8(body)
		}
	case attAttachData:
		if f := t.last(); f != nil {
			f.off, f.n = off, size
		}
	case attAttachment:
		t.properties(off, size, t.fileProperty)
	}
}

func (t *tnef) last() *tnefFile {
	if len(t.files) == 0 {
		return nil
	}
	return &t.files[len(t.files)-1]
}

func (t *tnef) text8(b []byte) string {
	s, _ := decodeDeclared(bytes.TrimRight(b, "\x00"), t.codepage)
	return s
}

func (t *tnef) messageProperty(id, kind uint16, off, size int) {
	switch id {
	case propBody:
		if t.text == "" {
			t.text = normalLines(t.value(kind, off, size))
		}
	case propRTF:
		if kind == 0x102 && t.rtf == "" {
			t.rtf = openRTF(t.b[off:off+size], DefaultMaxText)
		}
	case propBodyHTML:
		if b := t.b[off : off+size]; kind == 0x102 {
			s, _ := decodeDeclared(b, htmlCharset(b))
			t.html = normalLines(s)
			return
		}
		t.html = normalLines(t.value(kind, off, size))
	}
}

func (t *tnef) fileProperty(id, kind uint16, off, size int) {
	f := t.last()
	if f == nil {
		return
	}
	switch id {
	case propAttachLong:
		f.name = t.value(kind, off, size)
	case propAttachName:
		if f.name == "" {
			f.name = t.value(kind, off, size)
		}
	case propAttachMIME:
		f.typ = strings.ToLower(strings.TrimSpace(cutBytes(t.value(kind, off, size), 100)))
	case propAttachCID:
		f.cid = cutBytes(t.value(kind, off, size), maxIDBytes)
	case propAttachData:
		if kind == 0x102 && f.n == 0 {
			f.off, f.n = off, size
		}
	}
}

func (t *tnef) value(kind uint16, off, size int) string {
	b := t.b[off : off+size]
	if kind != 0x1f {
		return t.text8(b)
	}
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, binary.LittleEndian.Uint16(b))
	}
	return strings.TrimRight(string(utf16.Decode(units)), "\x00")
}

// properties reads a list of MAPI properties and hands over each value of
// variable length.
func (t *tnef) properties(off, size int, take func(id, kind uint16, off, size int)) {
	r := tnefReader{b: t.b[:off+size], i: off}
	for n := min(r.u32(), maxTNEFProps); n > 0 && !r.bad; n-- {
		kind, id := r.u16(), r.u16()
		if id >= 0x8000 {
			r.skip(16)
			if r.u32() == 0 {
				r.skip(4)
			} else {
				r.skip(padded(r.u32()))
			}
		}
		values := uint32(1)
		multi := kind&0x1000 != 0
		kind &^= 0x1000
		fixed := fixedSize(kind)
		if multi || fixed == 0 {
			values = min(r.u32(), maxTNEFProps)
		}
		for ; values > 0 && !r.bad; values-- {
			if fixed > 0 {
				r.skip(fixed)
				continue
			}
			size := r.u32()
			at := r.i
			r.skip(padded(size))
			if !r.bad && !multi {
				take(id, kind, at, int(size))
			}
		}
	}
}

// fixedSize is how many bytes a value of a type takes, 0 where it says so itself.
func fixedSize(kind uint16) uint32 {
	switch kind {
	case 0x02, 0x03, 0x04, 0x0a, 0x0b:
		return 4
	case 0x05, 0x06, 0x07, 0x14, 0x40:
		return 8
	case 0x48:
		return 16
	}
	return 0
}

func padded(n uint32) uint32 {
	if n > maxOpened {
		return n
	}
	return (n + 3) &^ 3
}

// tnefReader reads numbers; past the end everything is bad.
type tnefReader struct {
	b   []byte
	i   int
	bad bool
}

func (r *tnefReader) skip(n uint32) {
	if r.bad || int64(n) > int64(len(r.b)-r.i) {
		r.bad = true
		return
	}
	r.i += int(n)
}

func (r *tnefReader) u16() uint16 {
	at := r.i
	if r.skip(2); r.bad {
		return 0
	}
	return binary.LittleEndian.Uint16(r.b[at:])
}

func (r *tnefReader) u32() uint32 {
	at := r.i
	if r.skip(4); r.bad {
		return 0
	}
	return binary.LittleEndian.Uint32(r.b[at:])
}
