package mailview

import (
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/idna"
)

// rewrite is the second wall: one pass over the sanitised HTML that checks style
// values, replaces images, completes links and writes every token anew, escaped.
func rewrite(clean string, opt Options) string {
	r := rewriter{opt: opt, z: html.NewTokenizer(strings.NewReader(clean))}
	r.b.Grow(len(clean) + len(clean)/4)
	for {
		switch r.z.Next() {
		case html.ErrorToken:
			return r.b.String()
		case html.TextToken:
			text := string(r.z.Text())
			if r.inLink && len(r.label) < 300 {
				r.label += text[:min(len(text), 300)]
			}
			r.b.WriteString(html.EscapeString(text))
		case html.StartTagToken, html.SelfClosingTagToken:
			r.start(r.z.Token())
		case html.EndTagToken:
			t := r.z.Token()
			r.b.WriteString("</" + t.Data + ">")
			if t.Data == "a" {
				r.endLink()
			}
		default: // comments and doctypes are dropped
		}
	}
}

type rewriter struct {
	opt    Options
	z      *html.Tokenizer
	b      strings.Builder
	inLink bool
	host   string
	label  string
}

func (r *rewriter) start(t html.Token) {
	switch t.Data {
	case "img":
		r.image(t)
		return
	case "a":
		r.link(t)
		return
	}
	r.tag(t.Data, t.Attr)
}

// tag writes a start tag; style is checked, a URL can not be among the others.
func (r *rewriter) tag(name string, attrs []html.Attribute) {
	r.b.WriteString("<" + name)
	for _, a := range attrs {
		v := a.Val
		if a.Key == "style" {
			if v = styleText(v); v == "" {
				continue
			}
		}
		r.b.WriteString(" " + a.Key + `="` + html.EscapeString(v) + `"`)
	}
	r.b.WriteString(">")
}

func attr(t html.Token, key string) string {
	for _, a := range t.Attr {
		if a.Key == key {
			return strings.TrimSpace(a.Val)
		}
	}
	return ""
}

// image shows parts of the mail itself and small data: images; everything else
// becomes a placeholder, invisible where the image was invisible (I45).
func (r *rewriter) image(t html.Token) {
	src := attr(t, "src")
	low := strings.ToLower(src)
	show := ""
	switch {
	case strings.HasPrefix(low, "data:image/"):
		if dataImageRE.MatchString(low[:min(len(low), 40)]) {
			show = src
		}
	case src != "" && (strings.HasPrefix(low, "cid:") || !strings.Contains(src, ":") && !strings.HasPrefix(src, "/") && !strings.HasPrefix(src, `\`)):
		if r.opt.Inline != nil {
			if u, ok := r.opt.Inline(src); ok && ownPath(u) {
				show = u
			}
		}
	}
	if show == "" {
		r.placeholder(t, remote(low))
		return
	}
	attrs := []html.Attribute{{Key: "src", Val: show}}
	for _, a := range t.Attr {
		if a.Key != "src" {
			attrs = append(attrs, a)
		}
	}
	r.tag("img", attrs)
}

// dataImageRE lets raster images through; SVG can carry its own references.
var dataImageRE = regexp.MustCompile(`^data:image/(png|gif|jpe?g|webp);base64,`)

// ownPath accepts an absolute path on our own origin only.
func ownPath(u string) bool {
	return strings.HasPrefix(u, "/") && !strings.HasPrefix(u, "//") && !strings.ContainsAny(u, "\\\r\n\t")
}

func (r *rewriter) placeholder(t html.Token, isRemote bool) {
	if tiny(attr(t, "width")) || tiny(attr(t, "height")) || strings.Contains(strings.ReplaceAll(strings.ToLower(attr(t, "style")), " ", ""), "display:none") {
		return
	}
	label := attr(t, "alt")
	if rs := []rune(label); len(rs) > 120 {
		label = string(rs[:120]) + "…"
	}
	if label == "" {
		label = "image"
		if r.opt.Lang == "de" {
			label = "Bild"
		}
	}
	title := "Image not available"
	if isRemote {
		title = "Remote image, not loaded"
	}
	if r.opt.Lang == "de" {
		title = "Bild nicht verfügbar"
		if isRemote {
			title = "Externes Bild, nicht geladen"
		}
	}
	r.b.WriteString(`<span class="hub-image" title="` + html.EscapeString(title) + `">` + html.EscapeString(label) + `</span>`)
}

func tiny(v string) bool { return v == "0" || v == "1" || v == "2" }

// link keeps an absolute target of a harmless scheme; otherwise only the text
// stays (I46).
func (r *rewriter) link(t html.Token) {
	r.endLink()
	href := attr(t, "href")
	u, err := url.Parse(href)
	ok := err == nil && len(href) <= 4000 && r.opt.Leave.Link(href) != ""
	if ok {
		switch strings.ToLower(u.Scheme) {
		case "http", "https":
			ok = u.Host != ""
		case "mailto", "tel":
		default:
			ok = false
		}
	}
	var attrs []html.Attribute
	for _, a := range t.Attr {
		if a.Key == "style" || a.Key == "dir" || a.Key == "lang" {
			attrs = append(attrs, a)
		}
	}
	if !ok {
		r.tag("a", attrs)
		return
	}
	attrs = append(attrs, html.Attribute{Key: "href", Val: r.opt.Leave.Link(href)}, html.Attribute{Key: "target", Val: "_blank"},
		html.Attribute{Key: "rel", Val: "noopener noreferrer nofollow"})
	r.tag("a", attrs)
	r.inLink, r.label, r.host = true, "", asciiHost(u)
}

func asciiHost(u *url.URL) string {
	h := strings.ToLower(u.Hostname())
	if a, err := idna.Lookup.ToASCII(h); err == nil {
		h = a
	}
	return h
}

var hostRE = regexp.MustCompile(`(?i)^\s*(?:https?://)?((?:[\p{L}\p{N}-]{1,63}\.)+[\p{L}]{2,24})(?:[/:?#\s]|$)`)

// endLink says where a link goes when its text names another host, or when the
// host is written in punycode.
func (r *rewriter) endLink() {
	if !r.inLink {
		return
	}
	r.inLink = false
	if r.host == "" {
		return
	}
	shown := ""
	if m := hostRE.FindStringSubmatch(r.label); m != nil {
		shown = asciiHost(&url.URL{Host: m[1]})
	}
	puny := strings.HasPrefix(r.host, "xn--") || strings.Contains(r.host, ".xn--")
	if (shown == "" || sameSite(shown, r.host)) && !puny {
		return
	}
	note := "goes to "
	if r.opt.Lang == "de" {
		note = "führt zu "
	}
	r.b.WriteString(` <span class="hub-note">(` + note + html.EscapeString(r.host) + `)</span>`)
}

func sameSite(a, b string) bool {
	a, b = strings.TrimPrefix(a, "www."), strings.TrimPrefix(b, "www.")
	return a == b || strings.HasSuffix(b, "."+a)
}
