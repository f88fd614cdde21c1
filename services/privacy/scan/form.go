package scan

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"unicode/utf16"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
)

// form is a text as it may rest.
type form struct {
	name  string
	bytes []byte
}

// forms writes a text in every encoding of PRIVACY 4.9. Encoding what is looked
// for, instead of decoding what is searched, means that one pass over a file
// sees all of them. Compressions cannot be written so: see members.
func forms(s string) []form {
	out := spellings(s)
	for _, f := range []form{{"", []byte(s)}, {"lower+", []byte(strings.ToLower(s))}} {
		for _, b := range binaryForms(f.bytes) {
			out = append(out, form{f.name + b.name, b.bytes})
		}
	}
	return out
}

// spellings are the texts themselves: as they are, folded, escaped, and in the
// character sets that mail comes in.
func spellings(s string) []form {
	lower, upper := strings.ToLower(s), strings.ToUpper(s)
	out := []form{{"raw", []byte(s)}, {"lower", []byte(lower)}, {"upper", []byte(upper)}}
	// What an index keeps of a word after the letters it shares with the word
	// before (FTS5, LevelDB blocks).
	if len(lower) >= 6+longWindow && !strings.ContainsAny(lower, " \t\r\n") {
		out = append(out, form{"tail", []byte(lower[6:])})
	}
	for _, e := range []form{
		{"percent", []byte(url.QueryEscape(s))},
		{"path", []byte(url.PathEscape(s))},
		{"html", []byte(html.EscapeString(s))},
		{"json", jsonText(s)},
		{"quoted-printable", quotedPrintable(s)},
		{"utf-16le", utf16Bytes(s, false)},
		{"utf-16be", utf16Bytes(s, true)},
		{"unicode", unicodeEscapes(s)},
		{"percent-all", percentAll(s)},
	} {
		if string(e.bytes) != s {
			out = append(out, e)
		}
	}
	if isASCII(s) {
		return out
	}
	for name, cs := range map[string]encoding.Encoding{
		"windows-1252": charmap.Windows1252, "iso-2022-jp": japanese.ISO2022JP, "shift-jis": japanese.ShiftJIS, "euc-jp": japanese.EUCJP,
	} {
		if b, err := cs.NewEncoder().Bytes([]byte(s)); err == nil {
			out = append(out, form{name, b}, form{name + "+quoted-printable", quotedPrintable(string(b))})
		}
	}
	return out
}

// binaryForms are hexadecimal digits and base64 at each of its three alignments,
// in both alphabets.
func binaryForms(b []byte) []form {
	digits := hex.EncodeToString(b)
	out := []form{{"hex", []byte(digits)}, {"HEX", []byte(strings.ToUpper(digits))}}
	for shift := range 3 {
		for name, enc := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			text := enc.EncodeToString(append(make([]byte, shift), b...))
			// The first and the last letter may hold bits of neighbours.
			from, to := (shift*8+5)/6, (len(b)+shift)*8/6
			if to-from >= shortWindow {
				out = append(out, form{fmt.Sprintf("%s/%d", name, shift), []byte(text[from:to])})
			}
		}
	}
	return out
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// jsonText escapes as encoding/json does, without the quotes around it.
func jsonText(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil || len(b) < 2 {
		return []byte(s)
	}
	return b[1 : len(b)-1]
}

// quotedPrintable writes what RFC 2045 section 6.7 must: bytes above 126, and "=".
func quotedPrintable(s string) []byte {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c > 126 || c == '=' {
			fmt.Fprintf(&b, "=%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return []byte(b.String())
}

func utf16Bytes(s string, big bool) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return out
}

// unicodeEscapes writes every character as \uXXXX.
func unicodeEscapes(s string) []byte {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, `\u%04x`, u)
	}
	return []byte(b.String())
}

// percentAll writes every byte as %XX.
func percentAll(s string) []byte {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return []byte(b.String())
}
