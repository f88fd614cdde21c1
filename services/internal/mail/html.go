package mail

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// htmlText turns HTML into readable text: paragraphs and line breaks stay,
// links keep their target, quoted blocks get "> ". fallback says that only the
// tags could be stripped.
func htmlText(s string) (text string, fallback bool) {
	defer func() {
		if recover() != nil {
			text, fallback = stripTags(s), true
		}
	}()
	w := &textWriter{}
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		switch z.Next() {
		case html.ErrorToken:
			text = strings.TrimRight(w.b.String(), " \n")
			if text == "" {
				if plain := stripTags(s); plain != "" {
					return plain, true
				}
				return "", false
			}
			return text + "\n", false
		case html.TextToken:
			if w.skip == 0 {
				w.text(string(z.Text()))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, attrs := z.TagName()
			w.start(atom.Lookup(name), z, attrs)
		case html.EndTagToken:
			name, _ := z.TagName()
			w.end(atom.Lookup(name))
		default: // comments and doctypes have no text
		}
	}
}

// textWriter lays out text: runs of white space are one space, blocks begin on
// a line of their own.
type textWriter struct {
	b         strings.Builder
	skip      int // inside script, style or title
	pre       int
	quote     int // depth of quoted blocks, and at the last text
	lastQuote int
	newlines  int  // line breaks owed before the next text
	space     bool // a space is owed
	any       bool // something was written
	href      string
	linkAt    int
}

const maxQuoteDepth = 5

func (w *textWriter) start(a atom.Atom, z *html.Tokenizer, attrs bool) {
	switch a {
	case atom.Script, atom.Style, atom.Title:
		w.skip++
	case atom.Br:
		w.newlines++
		w.space = false
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Table, atom.Hr, atom.Ul, atom.Ol:
		w.block(2)
	case atom.Blockquote:
		w.block(2)
		w.quote++
	case atom.Pre:
		w.block(2)
		w.pre++
	case atom.Div, atom.Tr, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Center, atom.Address, atom.Dl, atom.Dt, atom.Dd, atom.Form, atom.Body:
		w.block(1)
	case atom.Li:
		w.block(1)
		w.text("- ")
	case atom.Td, atom.Th:
		w.space = w.any
	case atom.A:
		w.href, w.linkAt = attribute(z, attrs, "href"), w.b.Len()
	case atom.Img:
		if alt := attribute(z, attrs, "alt"); alt != "" {
			w.text("[" + alt + "]")
		}
	default: // inline: its text flows on
	}
}

func (w *textWriter) end(a atom.Atom) {
	switch a {
	case atom.Script, atom.Style, atom.Title:
		w.skip = max(0, w.skip-1)
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Table, atom.Ul, atom.Ol:
		w.block(2)
	case atom.Blockquote:
		w.block(2)
		w.quote = max(0, w.quote-1)
	case atom.Pre:
		w.block(2)
		w.pre = max(0, w.pre-1)
	case atom.Div, atom.Tr, atom.Li, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Center, atom.Address:
		w.block(1)
	case atom.A:
		w.link()
	default: // inline: its text flows on
	}
}

// link writes the target behind the text where the text is something else.
func (w *textWriter) link() {
	href := w.href
	w.href = ""
	low := strings.ToLower(href)
	if !strings.HasPrefix(low, "http://") && !strings.HasPrefix(low, "https://") && !strings.HasPrefix(low, "mailto:") || len(href) > 2000 {
		return
	}
	shown := ""
	if w.linkAt <= w.b.Len() {
		shown = strings.TrimSpace(w.b.String()[w.linkAt:])
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(href, "mailto:"), "/")
	if shown == "" || strings.Contains(shown, bare) || strings.HasSuffix(bare, "://"+shown) {
		return
	}
	w.text(" <" + href + ">")
}

func (w *textWriter) block(n int) {
	w.newlines = max(w.newlines, n)
	w.space = false
}

func (w *textWriter) text(s string) {
	if w.pre > 0 {
		for i, l := range strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n") {
			if i > 0 {
				w.newlines++
			}
			if l != "" {
				w.write(l)
			}
		}
		return
	}
	for len(s) > 0 {
		i := strings.IndexFunc(s, isHTMLSpace)
		if i == 0 {
			w.space = w.any && w.newlines == 0
			s = strings.TrimLeftFunc(s, isHTMLSpace)
			continue
		}
		if i < 0 {
			i = len(s)
		}
		w.write(s[:i])
		s = s[i:]
	}
}

func isHTMLSpace(r rune) bool {
	return unicode.IsSpace(r) || r == '\u200b' || r == '\u200c' || r == '\ufeff' || r == '\u034f' || r == '\u00ad' || r < 32
}

func (w *textWriter) write(word string) {
	if !w.any {
		w.newlines, w.space = 0, false
		w.prefix()
	}
	if w.newlines > 0 {
		for range min(w.newlines, 3) {
			w.b.WriteByte('\n')
			w.newlines--
			if w.newlines > 0 {
				w.b.WriteString(strings.TrimRight(quotePrefix(min(w.quote, w.lastQuote)), " "))
			}
		}
		w.newlines = 0
		w.prefix()
	} else if w.space {
		w.b.WriteByte(' ')
	}
	w.space, w.any, w.lastQuote = false, true, w.quote
	w.b.WriteString(word)
}

func (w *textWriter) prefix() { w.b.WriteString(quotePrefix(w.quote)) }

func quotePrefix(n int) string {
	if n <= 0 {
		return ""
	}
	return strings.Repeat(">", min(n, maxQuoteDepth)) + " "
}

// attribute finds one attribute of the current tag.
func attribute(z *html.Tokenizer, more bool, name string) string {
	for n := 0; more && n < 100; n++ {
		var k, v []byte
		k, v, more = z.TagAttr()
		if string(k) == name {
			return strings.TrimSpace(cleanLine(string(v)))
		}
	}
	return ""
}

// stripTags drops everything between < and > and decodes entities.
func stripTags(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:i])
		s = s[i:]
		j := strings.IndexByte(s, '>')
		if j < 0 {
			break
		}
		b.WriteByte(' ')
		s = s[j+1:]
	}
	return squeeze(html.UnescapeString(b.String()))
}
