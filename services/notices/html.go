package notices

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/net/html"
)

// What the HTML of a notice may be made of. It is mail: nothing that runs, loads
// or sends anything.
var (
	elements = set("p br a strong em b i u ul ol li h1 h2 h3 h4 table thead tbody tr td th div span hr blockquote pre code small sub sup")
	anywhere = set("style align lang dir title class")
	ofCells  = set("colspan rowspan width valign")
)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// checkHTML refuses what HTML of a notice may not hold, and placeholders anywhere
// but in text or, for links, as the whole of an href. links says which names are
// links.
func checkHTML(t template, links func(name string) bool) error {
	source, names := marked(t)
	z := html.NewTokenizer(strings.NewReader(source))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if err := z.Err(); !errors.Is(err, io.EOF) {
				return fmt.Errorf("the HTML cannot be read: %w", err)
			}
			return nil
		case html.TextToken:
		case html.CommentToken, html.DoctypeToken:
			return fmt.Errorf("the HTML holds a comment or a document type; leave them out")
		case html.StartTagToken, html.SelfClosingTagToken:
			if err := checkTag(z.Token(), names, links); err != nil {
				return err
			}
		case html.EndTagToken:
			if tok := z.Token(); !elements[tok.Data] {
				return fmt.Errorf("</%s> is not allowed in a notice", clip(tok.Data))
			}
		}
	}
}

func checkTag(tok html.Token, names map[string]string, links func(string) bool) error {
	if !elements[tok.Data] {
		return fmt.Errorf("<%s> is not allowed in a notice", clip(tok.Data))
	}
	for _, a := range tok.Attr {
		name, isMark := names[a.Val]
		switch {
		case strings.Contains(a.Key, mark):
			return fmt.Errorf("a placeholder stands inside <%s>; it may stand in text, or be all of an href", tok.Data)
		case isMark && a.Key == "href" && tok.Data == "a" && links(name):
			continue
		case strings.Contains(a.Val, mark):
			return fmt.Errorf("a placeholder stands in %s of <%s>; it may stand in text, and a link may be all of an href", clip(a.Key), tok.Data)
		case a.Key == "href" && tok.Data == "a" && goodLink(a.Val):
		case a.Key == "style" && !goodStyle(a.Val):
			return fmt.Errorf("the style of <%s> loads something or hides it", tok.Data)
		case anywhere[a.Key], ofCells[a.Key] && (tok.Data == "td" || tok.Data == "th" || tok.Data == "table"):
		default:
			return fmt.Errorf("%s of <%s> is not allowed in a notice", clip(a.Key), tok.Data)
		}
	}
	return nil
}

func goodLink(s string) bool {
	low := strings.ToLower(strings.TrimSpace(s))
	return strings.HasPrefix(low, "https://") || strings.HasPrefix(low, "http://") || strings.HasPrefix(low, "mailto:")
}

func goodStyle(s string) bool {
	low := strings.ToLower(s)
	for _, bad := range []string{"url(", "@", "expression", "\\", "/*", "position", "behavior", "display:none", "display: none"} {
		if strings.Contains(low, bad) {
			return false
		}
	}
	return true
}

// mark stands in for placeholders while HTML is checked: letters only, so that it
// means nothing to HTML wherever it stands.
const mark = "hubplaceholderq"

// marked is the template's source with a mark for every placeholder, and what
// each mark stands for. A text that holds the mark itself is refused by checkText.
func marked(t template) (source string, names map[string]string) {
	var b strings.Builder
	names = map[string]string{}
	for i, p := range t {
		if p.name == "" {
			b.WriteString(p.text)
			continue
		}
		m := fmt.Sprintf("%s%dq", mark, i)
		names[m] = p.name
		b.WriteString(m)
	}
	return b.String(), names
}
