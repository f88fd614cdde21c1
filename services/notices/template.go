package notices

import (
	"fmt"
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A template is text with placeholders:
//
//	{{name}}          the value of that name
//	{{name|fallback}} the value, or the text after the bar where there is none
//
// Names are lower-case letters, digits and underscores, and come from a closed
// set: those below and the values of the notice itself. A fallback holds no
// braces. Everything else is text, as it stands.
//
// Rendering goes over the template once. What a placeholder is replaced by is
// never looked at again, so braces in a person's name stay braces.
const (
	valueName        = "name"        // the reader's name; may be missing, so it needs a fallback
	valueBrand       = "brand"       // in whose name the notice goes out
	valueSupport     = "support"     // its address
	valuePostal      = "postal"      // its postal address
	valueWebsite     = "website"     // its web site, a link
	valuePrivacy     = "privacy"     // the privacy centre, a link
	valueUnsubscribe = "unsubscribe" // ends promotional notices to this reader, a link
	valueDate        = "date"        // the day the notice was started, 2026-11-22
)

// houseValues says of each placeholder of the house whether it is a link.
var houseValues = map[string]bool{
	valueName: false, valueBrand: false, valueSupport: false, valuePostal: false, valueDate: false,
	valueWebsite: true, valuePrivacy: true, valueUnsubscribe: true,
}

// part is a piece of a template: text, or a placeholder.
type part struct {
	text     string
	name     string // of a placeholder; empty for text
	fallback string
	optional bool // it has a fallback
}

// template is a parsed text.
type template []part

// parse reads a template. It fails on a placeholder that is not closed or not
// well formed.
func parse(s string) (template, error) {
	var t template
	for {
		before, rest, found := strings.Cut(s, "{{")
		if before != "" {
			t = append(t, part{text: before})
		}
		if !found {
			return t, nil
		}
		inner, after, closed := strings.Cut(rest, "}}")
		if !closed {
			return nil, fmt.Errorf("a placeholder that begins with {{%s is not closed", clip(rest))
		}
		p, err := placeholder(inner)
		if err != nil {
			return nil, err
		}
		t, s = append(t, p), after
	}
}

func placeholder(inner string) (part, error) {
	name, fallback, optional := strings.Cut(inner, "|")
	p := part{name: strings.TrimSpace(name), fallback: strings.TrimSpace(fallback), optional: optional}
	if !validName(p.name) {
		return p, fmt.Errorf("{{%s}} is no placeholder: names are lower-case letters, digits and underscores", clip(inner))
	}
	if strings.ContainsAny(p.fallback, "{}\r\n") {
		return p, fmt.Errorf("the fallback of {{%s}} holds a brace or a line break", p.name)
	}
	if optional && p.fallback == "" {
		return p, fmt.Errorf("{{%s|}} has an empty fallback", p.name)
	}
	return p, nil
}

func validName(s string) bool {
	return s != "" && len(s) <= 40 && s[0] >= 'a' && s[0] <= 'z' && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// clip is enough of a text to find it again.
func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 30 {
		return strings.ToValidUTF8(s[:30], "") + "…"
	}
	return s
}

// values are what placeholders stand for. Nobody writes them into a template:
// they are data.
type values map[string]string

// render replaces the placeholders. escape is applied to what replaces them, and
// to nothing else.
func (t template) render(v values, escape func(string) string) string {
	var b strings.Builder
	for _, p := range t {
		switch s := v[p.name]; {
		case p.name == "":
			b.WriteString(p.text)
		case s != "":
			b.WriteString(escape(s))
		default:
			b.WriteString(escape(p.fallback))
		}
	}
	return b.String()
}

// missing names the placeholders that have neither a value nor a fallback.
func (t template) missing(v values) (out []string) {
	for _, p := range t {
		if p.name != "" && v[p.name] == "" && !p.optional {
			out = append(out, p.name)
		}
	}
	return out
}

func asIs(s string) string { return s }

func inHTML(s string) string { return html.EscapeString(s) }

// line makes a value of one line: no control characters, no marks that turn the
// direction of text, at most so many characters.
func line(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.Is(unicode.Cf, r), r == utf8.RuneError:
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		s = strings.TrimSpace(string(r[:most-1])) + "…"
	}
	return s
}

// A longer name is more likely a message.
const (
	maxName      = 60
	maxNameWords = 5
)

// personName is a name as it may be used in a text, or empty. A name comes from
// whoever wrote a mail in somebody's name: one that could be read as a link, an
// address or a sentence is no name (FIELD 6, 19).
func personName(s string) string {
	s = line(s, 200)
	if utf8.RuneCountInString(s) > maxName || strings.Count(s, " ") >= maxNameWords {
		return ""
	}
	letters := false
	for _, r := range s {
		switch {
		case unicode.IsLetter(r):
			letters = true
		case unicode.IsMark(r), r == ' ', r == '\'', r == '’', r == '-', r == ',', r == '.':
		default:
			return ""
		}
	}
	// "evil.example" is a link to most mail programs: a full stop ends a word.
	for i := strings.IndexByte(s, '.'); i >= 0 && i+1 < len(s); {
		if s[i+1] != ' ' && s[i+1] != ',' {
			return ""
		}
		next := strings.IndexByte(s[i+1:], '.')
		if next < 0 {
			break
		}
		i += next + 1
	}
	if !letters {
		return ""
	}
	return s
}
