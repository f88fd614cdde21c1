package mailview

import (
	"regexp"
	"strings"
)

// TextLink is an address of the web as it stands in plain text, and the address its
// link is written with.
type TextLink struct {
	Text string
	Href string
}

// maxLinks of one text are clickable; the others stay words.
const maxLinks = 200

var webAddress = regexp.MustCompile(`(?i)\bhttps?://[^\s<>"']+`)

// Links finds the addresses of the web in a plain text, each once, in order. Marks
// that end a sentence are not part of an address; a closing bracket is, when the
// address opens one. Like links of HTML they go over our own page (policy S5).
func (l *Leave) Links(text string) []TextLink {
	var out []TextLink
	seen := map[string]bool{}
	for _, found := range webAddress.FindAllString(text, -1) {
		found = trimmed(found)
		if seen[found] || len(found) > 2000 {
			continue
		}
		if seen[found] = true; len(out) == maxLinks {
			break
		}
		if href := l.Link(found); href != "" {
			out = append(out, TextLink{found, href})
		}
	}
	return out
}

func trimmed(address string) string {
	short := strings.TrimRight(address, ".,;:!?)]}")
	if rest := address[len(short):]; strings.HasPrefix(rest, ")") && strings.Contains(short, "(") {
		return short + ")"
	}
	return short
}
