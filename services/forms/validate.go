package forms

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// validate cleans every answer and collects a sentence for each that does not
// stand. What comes back holds only the form's own fields.
func validate(form Form, given map[string]string) (map[string]string, []Problem) {
	clean := map[string]string{}
	var problems []Problem
	for _, field := range form.Fields() {
		v, sentence := field.accept(given[field.Name])
		if sentence != "" {
			problems = append(problems, Problem{field.Name, sentence})
		}
		if v != "" {
			clean[field.Name] = v
		}
	}
	return clean, problems
}

func (x Field) accept(v string) (clean, sentence string) {
	if !utf8.ValidString(v) {
		return "", fmt.Sprintf("%s holds characters that cannot be read.", x.Label)
	}
	if x.Kind == Lines {
		v = strings.TrimSpace(keepText(strings.ReplaceAll(v, "\r\n", "\n")))
	} else {
		v = strings.Join(strings.Fields(keepLine(v)), " ")
	}
	if v == "" {
		if x.Required {
			return "", x.missing()
		}
		return "", ""
	}
	if n := utf8.RuneCountInString(v); n > x.Max {
		return v, fmt.Sprintf("%s: please use at most %d characters; it has %d.", x.Label, x.Max, n)
	}
	switch x.Kind {
	case Email:
		addr, ok := address(v)
		if !ok {
			return v, "Please enter an email address like name@example.org."
		}
		return addr, ""
	case Choice:
		if !slices.Contains(x.Options, v) {
			return "", fmt.Sprintf("%s: please choose one of the answers.", x.Label)
		}
	case Checkbox:
		return "yes", ""
	case Line, Lines:
	}
	return v, ""
}

func (x Field) missing() string {
	switch x.Name {
	case FieldName:
		return "Please enter your name."
	case FieldEmail:
		return "Please enter your email address."
	case FieldSubject:
		return "Please enter a subject."
	case FieldMessage:
		return "Please enter a message."
	}
	if x.Kind == Checkbox {
		return fmt.Sprintf("Please tick %q.", x.Label)
	}
	return fmt.Sprintf("Please answer %q.", x.Label)
}

// address accepts one bare mail address (RFC 5321 section 4.1.2) with a domain
// that exists in form, and nothing around it.
func address(v string) (string, bool) {
	a, err := mail.ParseAddress(v)
	if err != nil || a.Name != "" || a.Address != v || strings.ContainsAny(v, "<>\"' ,;:\\()[]") {
		return "", false
	}
	at := strings.LastIndexByte(v, '@')
	local, domain := v[:at], v[at+1:]
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || len(local) > 64 || len(ascii) > 253 || !strings.Contains(strings.Trim(ascii, "."), ".") {
		return "", false
	}
	return v, true
}

// keepLine replaces what can break out of a line or turn it around: controls and
// bidirectional overrides.
func keepLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == 0x2028, r == 0x2029:
			return ' '
		case bidi(r), r == 0xfeff:
			return -1
		}
		return r
	}, s)
}

// keepText keeps newlines and tabs and drops every other control.
func keepText(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return r
		case r == '\r':
			return '\n'
		case unicode.IsControl(r), bidi(r), r == 0xfeff:
			return -1
		}
		return r
	}, s)
}

func bidi(r rune) bool { return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 }
