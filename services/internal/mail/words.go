package mail

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// decodeHeader turns a raw, possibly folded unstructured value into text:
// RFC 2047 words, words split inside a character, raw 8-bit text (I15). guessed
// says that an undeclared character set was assumed.
func decodeHeader(raw []byte) (s string, guessed bool) {
	v := unfold(raw)
	if plain(v) {
		return string(v), false
	}
	s, guessed = decodeWords(v)
	return strings.TrimSpace(cleanLine(s)), guessed
}

// plain reports whether v needs no decoding at all: printable ASCII without an
// encoded word.
func plain(v []byte) bool {
	for i, c := range v {
		if c < 32 || c > 126 || c == '=' && i+1 < len(v) && v[i+1] == '?' {
			return false
		}
	}
	return true
}

// cleanLine replaces line breaks and control characters by spaces and drops NUL.
func cleanLine(s string) string {
	if strings.IndexFunc(s, isControl) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == 0:
			return -1
		case isControl(r):
			return ' '
		}
		return r
	}, s)
}

func isControl(r rune) bool {
	return r < 32 || r == 127 || r >= 0x80 && r < 0xa0 || r == '\u2028' || r == '\u2029'
}

// wordDecoder joins encoded words of the same character set as bytes before it
// converts them, because senders split words inside a character.
type wordDecoder struct {
	out     strings.Builder
	pending []byte
	charset string
	guessed bool
}

// decodeWords decodes RFC 2047 words anywhere in v, in one pass.
func decodeWords(v []byte) (string, bool) {
	var d wordDecoder
	d.out.Grow(len(v))
	text := 0 // start of text not yet written
	for i := 0; i < len(v); {
		j := bytes.Index(v[i:], []byte("=?"))
		if j < 0 {
			break
		}
		j += i
		cs, enc, body, end, more := parseWord(v, j)
		if !more {
			break
		}
		if end == 0 {
			i = j + 2
			continue
		}
		between := v[text:j]
		if len(d.charset) == 0 || len(bytes.TrimSpace(between)) > 0 {
			d.flush()
			d.text(between)
		}
		d.word(cs, enc, body)
		i, text = end, end
	}
	d.flush()
	d.text(v[text:])
	return d.out.String(), d.guessed
}

// parseWord reads the encoded word at v[i:]. end is 0 when there is none there;
// more is false when no word can follow anywhere.
func parseWord(v []byte, i int) (cs string, enc byte, body []byte, end int, more bool) {
	head := v[i+2 : min(len(v), i+2+80)]
	q := bytes.IndexByte(head, '?')
	if q <= 0 || q+2 >= len(head) || head[q+2] != '?' {
		return "", 0, nil, 0, true
	}
	enc = head[q+1] | 0x20
	if enc != 'b' && enc != 'q' {
		return "", 0, nil, 0, true
	}
	cs, _, _ = strings.Cut(string(head[:q]), "*") // RFC 2231 section 5: language
	start := i + 2 + q + 3
	n := bytes.Index(v[start:], []byte("?="))
	if n < 0 {
		return "", 0, nil, 0, false
	}
	return strings.ToLower(strings.TrimSpace(cs)), enc, v[start : start+n], start + n + 2, true
}

func (d *wordDecoder) word(cs string, enc byte, body []byte) {
	if d.charset != cs {
		d.flush()
		d.charset = cs
	}
	if enc == 'b' {
		d.pending = appendBase64(d.pending, body)
		return
	}
	d.pending = appendQ(d.pending, body)
}

func (d *wordDecoder) flush() {
	if len(d.pending) > 0 {
		s, guessed := decodeDeclared(d.pending, d.charset)
		d.out.WriteString(s)
		d.guessed = d.guessed || guessed
	}
	d.pending, d.charset = d.pending[:0], ""
}

// text writes what is not an encoded word; raw 8-bit bytes are UTF-8 or guessed.
func (d *wordDecoder) text(v []byte) {
	if len(v) == 0 {
		return
	}
	if utf8.Valid(v) && bytes.IndexByte(v, 0x1b) < 0 {
		d.out.Write(v)
		return
	}
	s := guessText(v)
	d.out.WriteString(s)
	d.guessed = true
}

// appendQ decodes the Q encoding (RFC 2047 section 4.2); stray "=" stay.
func appendQ(dst, v []byte) []byte {
	for i := 0; i < len(v); i++ {
		switch {
		case v[i] == '_':
			dst = append(dst, ' ')
		case v[i] == '=' && i+2 < len(v) && isHex(v[i+1]) && isHex(v[i+2]):
			dst = append(dst, unhex(v[i+1])<<4|unhex(v[i+2]))
			i += 2
		default:
			dst = append(dst, v[i])
		}
	}
	return dst
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}

// stripComments removes RFC 5322 comments, outside quoted strings.
func stripComments(v []byte) []byte {
	if bytes.IndexByte(v, '(') < 0 {
		return v
	}
	out := make([]byte, 0, len(v))
	depth, quoted := 0, false
	for i := 0; i < len(v); i++ {
		c := v[i]
		switch {
		case c == '\\' && i+1 < len(v):
			if depth == 0 {
				out = append(out, c, v[i+1])
			}
			i++
			continue
		case c == '"' && depth == 0:
			quoted = !quoted
		case c == '(' && !quoted:
			depth++
			continue
		case c == ')' && !quoted && depth > 0:
			depth--
			out = append(out, ' ')
			continue
		}
		if depth == 0 {
			out = append(out, c)
		}
	}
	return out
}

// squeeze joins runs of white space to one space and trims the ends.
func squeeze(s string) string {
	if !strings.ContainsAny(s, "\t\r\n") && !strings.Contains(s, "  ") {
		return strings.TrimSpace(s)
	}
	return strings.Join(strings.FieldsFunc(s, unicode.IsSpace), " ")
}
