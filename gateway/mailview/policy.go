package mailview

import (
	"regexp"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
)

// policy is the first wall, made once. It is an allow-list; style is let through
// here and checked value by value in rewrite.
var policy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("a", "abbr", "b", "big", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup", "dd", "del", "dfn",
		"div", "dl", "dt", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp",
		"small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var", "wbr")
	p.SkipElementsContent("script", "style", "title", "noscript", "object", "embed", "applet", "iframe", "frame", "frameset", "noframes", "noembed",
		"svg", "math", "template", "textarea", "select", "option", "xmp", "plaintext", "audio", "video", "canvas", "button")

	length := regexp.MustCompile(`^\d{1,4}%?$`)
	count := regexp.MustCompile(`^\d{1,2}$`)
	color := regexp.MustCompile(`^(#[0-9a-fA-F]{3,8}|[a-zA-Z]{3,25})$`)
	p.AllowURLSchemes("http", "https", "mailto", "tel", "cid")
	p.AllowRelativeURLs(true) // bare image names; rewrite refuses every other use
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("src").OnElements("img")
	p.AllowDataURIImages()
	p.AllowAttrs("alt", "title").OnElements("img")
	p.AllowAttrs("style").Globally()
	p.AllowAttrs("dir").Matching(regexp.MustCompile(`(?i)^(ltr|rtl|auto)$`)).Globally()
	p.AllowAttrs("lang").Matching(regexp.MustCompile(`^[a-zA-Z-]{2,20}$`)).Globally()
	p.AllowAttrs("align").Matching(regexp.MustCompile(`(?i)^(left|right|center|justify|middle|top|bottom)$`)).Globally()
	p.AllowAttrs("valign").Matching(regexp.MustCompile(`(?i)^(top|middle|bottom|baseline)$`)).OnElements("td", "th", "tr", "tbody", "thead", "tfoot", "col", "colgroup")
	p.AllowAttrs("width", "height").Matching(length).OnElements("img", "table", "td", "th", "col", "colgroup", "hr")
	p.AllowAttrs("border", "cellpadding", "cellspacing").Matching(count).OnElements("table", "img")
	p.AllowAttrs("colspan", "rowspan").Matching(count).OnElements("td", "th")
	p.AllowAttrs("span").Matching(count).OnElements("col", "colgroup")
	p.AllowAttrs("bgcolor").Matching(color).OnElements("table", "tr", "td", "th", "div")
	p.AllowAttrs("color").Matching(color).OnElements("font")
	p.AllowAttrs("face").Matching(regexp.MustCompile(`^[\p{L}\p{N} ,'-]{1,100}$`)).OnElements("font")
	p.AllowAttrs("size").Matching(regexp.MustCompile(`^[+-]?\d$`)).OnElements("font")
	p.AllowAttrs("start").Matching(length).OnElements("ol")
	p.AllowAttrs("type").Matching(regexp.MustCompile(`^(1|a|A|i|I|disc|circle|square)$`)).OnElements("ol", "ul", "li")
	p.AllowNoAttrs().OnElements("a", "font", "span", "img")
	return p
})

// surveyed is what one look over the original tells.
type surveyed struct {
	depth  int // the most elements open at once
	remote int // elements that would load a remote image or style
}

// survey counts what the sanitiser is going to remove. One pass.
func survey(s string) surveyed {
	var out surveyed
	open := 0
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return out
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			if nests(string(name)) {
				open++
				out.depth = max(out.depth, open)
			}
			if loadsRemote(string(name), z, more) {
				out.remote++
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); nests(string(name)) && open > 0 {
				open--
			}
		case html.TextToken:
			out.remote += strings.Count(strings.ToLower(string(z.Raw())), "url(http")
		default: // a comment or doctype loads nothing
		}
	}
}

// nests is false for elements that never hold others, and for those that end by
// themselves when the next one begins.
func nests(name string) bool {
	switch name {
	case "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
		"p", "li", "dt", "dd", "td", "th", "tr", "tbody", "thead", "tfoot", "colgroup", "option", "html", "head", "body":
		return false
	}
	return true
}

// loadsRemote reports whether the current tag would make a browser load an
// image or style from somewhere else.
func loadsRemote(name string, z *html.Tokenizer, more bool) bool {
	found := false
	for n := 0; more; n++ {
		var k, v []byte
		k, v, more = z.TagAttr()
		if n > 200 {
			continue
		}
		val := strings.ToLower(strings.TrimSpace(string(v)))
		switch string(k) {
		case "src", "srcset", "poster":
			found = found || name != "script" && remote(val)
		case "background", "data-background", "lowsrc", "dynsrc":
			found = found || remote(val)
		case "href", "xlink:href":
			found = found || (name == "image" || name == "link" || name == "use" || name == "feimage") && remote(val)
		case "data":
			found = found || name == "object" && remote(val)
		case "style":
			found = found || strings.Contains(val, "url(") && strings.Contains(val, "//") || strings.Contains(val, "image-set(")
		}
	}
	return found
}

func remote(v string) bool {
	return strings.HasPrefix(v, "http:") || strings.HasPrefix(v, "https:") || strings.HasPrefix(v, "//") || strings.HasPrefix(v, `\\`) || strings.HasPrefix(v, "ftp:")
}

// plainText drops the tags and everything that is not text.
func plainText(s string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(s))
	skip := ""
	for {
		switch z.Next() {
		case html.ErrorToken:
			return strings.TrimSpace(b.String())
		case html.TextToken:
			if skip == "" {
				b.Write(z.Text())
			}
		case html.StartTagToken:
			name, _ := z.TagName()
			switch n := string(name); n {
			case "script", "style", "title":
				skip = n
			case "p", "div", "br", "tr", "li", "table", "blockquote":
				b.WriteByte('\n')
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == skip {
				skip = ""
			}
		default: // an element without content, a comment or a doctype has no text
		}
	}
}
