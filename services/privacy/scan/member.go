package scan

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

const (
	piece      = 1 << 20
	maxDepth   = 3
	maxMember  = 32 << 20
	maxMembers = 4096 // of one file
)

// signature is how a compressed member begins.
type signature struct {
	magic []byte
	open  func(b io.Reader) (io.Reader, func(), error)
}

var signatures = []signature{
	{[]byte{0x1f, 0x8b, 0x08}, openGzip},
	{[]byte{0x28, 0xb5, 0x2f, 0xfd}, openZstd},
	{[]byte{0xff, 0x06, 0x00, 0x00}, openS2},
	{[]byte("PK\x03\x04"), openZip},
	// The same in base64, at a multiple of three bytes, as attachments are.
	{[]byte("H4sI"), openBase64},
	{[]byte("KLUv/"), openBase64},
	{[]byte("UEsDB"), openBase64},
}

func openGzip(b io.Reader) (io.Reader, func(), error) {
	r, err := gzip.NewReader(b)
	return r, func() {}, err
}

func openZstd(b io.Reader) (io.Reader, func(), error) {
	r, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, nil, err
	}
	return r, r.Close, nil
}

func openS2(b io.Reader) (io.Reader, func(), error) { return s2.NewReader(b), func() {}, nil }

// openZip reads one member of an archive from its local header (APPNOTE 4.3.7).
// A stored one is seen as it is.
func openZip(b io.Reader) (io.Reader, func(), error) {
	var head [30]byte
	if _, err := io.ReadFull(b, head[:]); err != nil {
		return nil, nil, err
	}
	if binary.LittleEndian.Uint16(head[8:]) != 8 {
		return nil, nil, io.EOF
	}
	skip := int64(binary.LittleEndian.Uint16(head[26:])) + int64(binary.LittleEndian.Uint16(head[28:]))
	if _, err := io.CopyN(io.Discard, b, skip); err != nil {
		return nil, nil, err
	}
	r := flate.NewReader(b)
	return r, func() { _ = r.Close() }, nil
}

func openBase64(b io.Reader) (io.Reader, func(), error) {
	return base64.NewDecoder(base64.StdEncoding, &letters{r: b}), func() {}, nil
}

// letters ends a stream of base64 at the first byte that is neither a letter of
// it nor a line end.
type letters struct {
	r    io.Reader
	done bool
}

func (l *letters) Read(p []byte) (int, error) {
	if l.done {
		return 0, io.EOF
	}
	n, err := l.r.Read(p)
	for i, c := range p[:n] {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '+', c == '/', c == '=', c == '\r', c == '\n':
		default:
			l.done = true
			return i, nil
		}
	}
	return n, err
}

// blob searches bytes, as they are, unfolded, and inside compressed members.
// found is called once for each needle, with the way in.
func (t *tools) blob(r io.ReaderAt, size int64, within string, depth int, found func(needle int, at int64, within string)) error {
	raw, flat := t.hunt(), &unfold{to: t.hunt(), start: true}
	var members []member
	buf := make([]byte, piece+16)
	for at := int64(0); at < size; at += piece {
		n, err := r.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		if err != nil && err != io.EOF {
			return err
		}
		fresh := buf[:min(n, piece)]
		_, _ = raw.Write(fresh)
		_, _ = flat.Write(fresh)
		if depth < maxDepth {
			members = locate(buf[:n], len(fresh), at, members)
		}
		if err == io.EOF && n == 0 {
			break // it became shorter meanwhile
		}
	}
	had := map[int]bool{}
	for _, f := range raw.end() {
		had[f.needle] = true
		found(f.needle, f.at, within)
	}
	for _, f := range flat.end() {
		if !had[f.needle] {
			found(f.needle, f.at, within+"/unfolded")
		}
	}
	for _, m := range members {
		if b := m.open(r, size); len(b) > 0 {
			if err := t.blob(bytes.NewReader(b), int64(len(b)), within+"/member", depth+1, found); err != nil {
				return err
			}
		}
	}
	return nil
}

type member struct {
	at   int64
	kind int
}

// locate lists where members begin in the first n bytes of b.
func locate(b []byte, n int, base int64, out []member) []member {
	for k, s := range signatures {
		for from := 0; len(out) < maxMembers; {
			i := bytes.Index(b[from:], s.magic)
			if i < 0 || from+i >= n {
				break
			}
			out = append(out, member{base + int64(from+i), k})
			from += i + 1
		}
	}
	return out
}

// open returns what a member holds, as far as it can be read.
func (m member) open(r io.ReaderAt, size int64) []byte {
	in, done, err := signatures[m.kind].open(io.NewSectionReader(r, m.at, size-m.at))
	if err != nil {
		return nil // not a member after all
	}
	defer done()
	b, _ := io.ReadAll(io.LimitReader(in, maxMember)) //nolint:errcheck // a member that breaks off is read as far as it goes
	return b
}

// hide puts a text where only a scan that opens members and decodes finds it: in
// base64, in lines, in gzip.
func hide(text string) ([]byte, error) {
	lines := base64.StdEncoding.EncodeToString([]byte("x" + text + "yz"))
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	for len(lines) > 0 {
		n := min(20, len(lines))
		if _, err := io.WriteString(w, lines[:n]+"\r\n"); err != nil {
			return nil, err
		}
		lines = lines[n:]
	}
	err := w.Close()
	return append([]byte("before"), append(b.Bytes(), "after"...)...), err
}
