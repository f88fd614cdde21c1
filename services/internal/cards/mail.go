package cards

import (
	"bytes"
	"encoding/base64"
)

// Range is a part of a raw message that is not looked into: a file.
type Range struct{ Offset, Length int }

// MaskMail masks card numbers in a raw mail (RFC 5322): in its subject, and in
// bodies as they stand, in quoted-printable or in base64. Other headers and the
// lines between parts (RFC 2046) stay, since ids and boundaries are digits too. The
// mail keeps its length, so offsets into it stay right. It returns the very bytes
// it was given, and none, when there is nothing to mask.
func MaskMail(raw []byte, files []Range) (masked []byte, n int) {
	out := bytes.Clone(raw)
	header, subject := true, false
	from := 0 // of the lines of a body that were passed and not looked at
	look := func(to int) {
		if from < to {
			n += mask(out[from:to]) + maskBase64(out[from:to])
		}
	}
	for at := 0; at < len(out); {
		if end := fileAt(files, at, len(out)); end > at {
			look(at)
			at, from = end, end
			continue
		}
		next := at + lineLength(out[at:])
		line := bytes.TrimRight(out[at:next], "\r\n")
		switch {
		case header && len(line) == 0:
			header = false
		case header && (line[0] == ' ' || line[0] == '\t' || fieldName(line) != ""):
			if line[0] != ' ' && line[0] != '\t' {
				subject = bytes.EqualFold([]byte(fieldName(line)), []byte("subject"))
			}
			if subject {
				n += mask(line)
			}
		case bytes.HasPrefix(line, []byte("--")):
			look(at)
			header, subject = true, false // of the part that may begin here
		default:
			header = false
			at = next
			continue
		}
		at, from = next, next
	}
	look(len(out))
	if n == 0 {
		return raw, 0
	}
	return out, n
}

// fileAt is where the file ends that an offset lies in; 0: in none.
func fileAt(files []Range, at, size int) int {
	for _, f := range files {
		if begin, end := f.Offset, f.Offset+f.Length; begin >= 0 && begin <= at && at < end && end <= size {
			return end
		}
	}
	return 0
}

// fieldName is the name of a header field (RFC 5322 section 2.2), empty when the
// line is none.
func fieldName(line []byte) string {
	i := bytes.IndexByte(line, ':')
	if i <= 0 || bytes.ContainsFunc(line[:i], func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return string(line[:i])
}

// leastBlock is how long a block of base64 has to be to hold a number.
const leastBlock = 20

// maskBase64 masks inside blocks of base64, as bodies are written: whole lines of
// its letters.
func maskBase64(b []byte) (n int) {
	for at := 0; at < len(b); {
		end := blockEnd(b[at:])
		if end < leastBlock {
			at += max(end, lineLength(b[at:]))
			continue
		}
		n += maskBlock(b[at : at+end])
		at += end
	}
	return n
}

// lineLength is the length of a line with its end.
func lineLength(b []byte) int {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return i + 1
	}
	return len(b)
}

// blockEnd is the length of the lines of base64 that b begins with.
func blockEnd(b []byte) (end int) {
	for end < len(b) {
		n := lineLength(b[end:])
		line := bytes.TrimRight(b[end:end+n], "\r\n")
		if len(line) == 0 || !base64Line(line) {
			return end
		}
		end += n
	}
	return end
}

func base64Line(line []byte) bool {
	letters := bytes.TrimRight(line, "=")
	if len(line)-len(letters) > 2 {
		return false
	}
	for _, c := range letters {
		if !digit(c) && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '+' && c != '/' {
			return false
		}
	}
	return true
}

// maskBlock decodes a block, masks, and writes its letters back where they were.
func maskBlock(b []byte) int {
	var letters []byte
	var places []int
	for i, c := range b {
		if c != '\r' && c != '\n' && c != '=' {
			letters, places = append(letters, c), append(places, i)
		}
	}
	plain := make([]byte, base64.RawStdEncoding.DecodedLen(len(letters)))
	if _, err := base64.RawStdEncoding.Decode(plain, letters); err != nil {
		return 0 // a word that only looks like it
	}
	n := mask(plain)
	if n == 0 {
		return 0
	}
	base64.RawStdEncoding.Encode(letters, plain)
	for i, at := range places {
		b[at] = letters[i]
	}
	return n
}
