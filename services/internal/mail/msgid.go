package mail

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// ParseIDs reads the Message-IDs of a References, In-Reply-To or Message-ID
// value (RFC 5322 section 3.6.4) and gives them bare, in order, without
// repetition of neighbours. White space inside an id, left by folding, goes.
// Without angle brackets every word with an "@" counts.
func ParseIDs(s string) []string {
	ids, _ := parseIDs([]byte(s))
	return ids
}

// parseIDs also says whether something was cut. Of a value beyond the field
// limit the beginning and the end are read: the newest ids come last.
func parseIDs(raw []byte) (ids []string, cut bool) {
	if len(raw) > maxFieldBytes {
		const head = 2 << 10
		joined := append([]byte(nil), raw[:head]...)
		joined = append(append(joined, '>', ' '), raw[len(raw)-(maxFieldBytes-head-2):]...)
		raw, cut = joined, true
	}
	v := unfold(raw)
	for len(v) > 0 {
		i := bytes.IndexByte(v, '<')
		if i < 0 {
			break
		}
		end := bytes.IndexAny(v[i+1:], "<>")
		if end < 0 {
			ids, cut = addID(ids, v[i+1:], cut)
			break
		}
		ids, cut = addID(ids, v[i+1:i+1+end], cut)
		v = v[i+1+end:]
		if v[0] == '>' {
			v = v[1:]
		}
	}
	if len(ids) == 0 {
		for _, w := range bytes.FieldsFunc(unfold(raw), func(r rune) bool { return r == ' ' || r == '\t' || r == ',' || r == ';' }) {
			if bytes.IndexByte(w, '@') >= 0 || len(ids) == 0 && len(w) > 8 {
				ids, cut = addID(ids, bytes.Trim(w, "<>\"'"), cut)
			}
		}
	}
	return ids, cut
}

func addID(ids []string, b []byte, cut bool) ([]string, bool) {
	s := string(b)
	if !utf8.ValidString(s) {
		s = guessText(b)
	}
	s = strings.Map(func(r rune) rune {
		if isControl(r) || r == ' ' {
			return -1
		}
		return r
	}, s)
	if len(s) > maxIDBytes {
		return ids, true
	}
	if s == "" || len(ids) > 0 && ids[len(ids)-1] == s {
		return ids, cut
	}
	return append(ids, s), cut
}
