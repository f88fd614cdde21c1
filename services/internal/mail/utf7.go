package mail

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decodeUTF7 reads UTF-7 (RFC 2152). It is used only where a mail declares it,
// and before HTML is sanitised, so "+ADw-script+AD4-" is cleaned like "<script>".
func decodeUTF7(b []byte) string {
	var out strings.Builder
	out.Grow(len(b))
	for i := 0; i < len(b); {
		c := b[i]
		if c != '+' {
			if c < utf8.RuneSelf {
				out.WriteByte(c)
			} else {
				out.WriteString(replacement)
			}
			i++
			continue
		}
		j := i + 1
		for j < len(b) && base64Value[b[j]] < 64 && b[j] != '-' && b[j] != '_' {
			j++
		}
		if j == i+1 {
			out.WriteByte('+')
		} else {
			out.WriteString(utf7Run(b[i+1 : j]))
		}
		if j < len(b) && b[j] == '-' {
			j++
		}
		i = j
	}
	return out.String()
}

// utf7Run decodes one run of modified base64: UTF-16BE, the padding bits dropped.
func utf7Run(b []byte) string {
	raw := appendBase64(nil, b)
	units := make([]uint16, 0, len(raw)/2)
	for ; len(raw) >= 2; raw = raw[2:] {
		units = append(units, binary.BigEndian.Uint16(raw))
	}
	return string(utf16.Decode(units))
}

// shiftKorean turns ISO-2022-KR (RFC 1557) into EUC-KR: between SO and SI every
// byte gets its high bit.
func shiftKorean(b []byte) []byte {
	out := make([]byte, 0, len(b))
	shifted := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == 0x0e:
			shifted = true
		case c == 0x0f:
			shifted = false
		case c == 0x1b && i+3 < len(b) && b[i+1] == '$' && b[i+2] == ')' && b[i+3] == 'C':
			i += 3
		case c == '\n':
			shifted = false
			out = append(out, c)
		case shifted && c > 0x20 && c < 0x7f:
			out = append(out, c|0x80)
		default:
			out = append(out, c)
		}
	}
	return out
}
