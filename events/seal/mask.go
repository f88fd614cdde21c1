package seal

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// mask shows a part of a segment's value: of every text its first letter, of a
// mail address the first letter of both halves (j***@e…), and nothing of numbers,
// dates and truths. The shape stays, so that the value still decodes: what is not
// text is left out, and a text that is a time or a number in disguise as well.
func mask(plain []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(plain))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, errors.New("mask: malformed segment") // not wrapped: it would quote the text
	}
	out, err := json.Marshal(masked(v))
	if err != nil {
		return nil, errors.New("mask: malformed segment")
	}
	return out, nil
}

func masked(v any) any {
	switch x := v.(type) {
	case string:
		return maskText(x)
	case []any:
		out := make([]any, 0, len(x))
		for _, y := range x {
			if z := masked(y); z != nil {
				out = append(out, z)
			}
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, y := range x {
			if z := masked(y); z != nil {
				out[k] = z
			}
		}
		return out
	default:
		return nil
	}
}

// maskText keeps the first letter. A text that begins with a digit may be a date,
// a telephone or an account number, of which the first digit says something and
// which may have to parse: nothing of it is kept, it becomes empty or left out.
func maskText(s string) any {
	first, n := utf8.DecodeRuneInString(s)
	switch {
	case n == 0:
		return ""
	case first >= '0' && first <= '9':
		return nil
	}
	if local, domain, ok := strings.Cut(s, "@"); ok && local != "" && domain != "" && !strings.ContainsAny(s, " \n") {
		_, m := utf8.DecodeRuneInString(domain)
		return s[:n] + "***@" + domain[:m] + "…"
	}
	return s[:n] + "***"
}
