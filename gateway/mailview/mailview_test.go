package mailview_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/westshore/hub/gateway/mailview"
)

// inspect reads a document the way a browser builds it and lists everything in
// it that could load, run, submit or leave its place.
func inspect(t *testing.T, doc string) []string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(doc))
	if err != nil {
		return nil // over 512 levels: only text can be in it, see the depth test
	}
	var bad []string
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode {
			bad = append(bad, inspectElement(n)...)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	return bad
}

var safeElements = " html head meta style body a abbr b big blockquote br caption center cite code col colgroup dd del dfn div dl dt em font " +
	"h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span strike strong sub sup table tbody td tfoot th thead tr tt u ul var wbr "

var safeAttributes = " href target rel src alt title style dir lang align valign width height border cellpadding cellspacing colspan rowspan span bgcolor color face size start type class charset name content "

func inspectElement(n *html.Node) []string {
	var bad []string
	if !strings.Contains(safeElements, " "+n.Data+" ") || n.Namespace != "" {
		bad = append(bad, "element "+n.Data)
	}
	inHead := n.Data == "meta" || n.Data == "style"
	for _, a := range n.Attr {
		v := strings.ToLower(strings.TrimSpace(a.Val))
		switch {
		case !strings.Contains(safeAttributes, " "+a.Key+" "):
			bad = append(bad, "attribute "+a.Key)
		case (a.Key == "name" || a.Key == "content" || a.Key == "charset") && !inHead:
			bad = append(bad, "attribute "+a.Key)
		case a.Key == "class" && v != "hub-image" && v != "hub-note":
			bad = append(bad, "class "+v)
		case a.Key == "href" && !strings.HasPrefix(v, "http://") && !strings.HasPrefix(v, "https://") && !strings.HasPrefix(v, "mailto:") && !strings.HasPrefix(v, "tel:"):
			bad = append(bad, "href "+v)
		case a.Key == "src" && !strings.HasPrefix(v, "/part/") && !strings.HasPrefix(v, "data:image/"):
			bad = append(bad, "src "+v)
		case a.Key == "style" && (strings.ContainsAny(v, `\@`) || strings.Contains(v, "url(") || strings.Contains(v, "expression(") || strings.Contains(v, "position:") || strings.Contains(v, "image-set(") || strings.Contains(v, "var(")):
			bad = append(bad, "style "+v)
		}
	}
	return bad
}

func resolver(ref string) (string, bool) {
	if ref == "cid:known@x" {
		return "/part/1", true
	}
	return "", false
}

// Guards MAIL I43 to I46 and FIELD 3, cases 13 and 14.
func TestHostileHTML(t *testing.T) {
	for name, payload := range hostile {
		t.Run(name, func(t *testing.T) {
			doc, _ := mailview.Document("before"+payload.html+"<p>after</p>", mailview.Options{Inline: resolver})
			if bad := inspect(t, doc); len(bad) > 0 {
				t.Errorf("document holds %q\n%s", bad, doc)
			}
			for _, l := range links(doc) {
				if strings.Contains(l, "alert(") {
					t.Errorf("link %q", l)
				}
			}
			if !strings.Contains(doc, "before") {
				t.Error("the text before the payload is gone")
			}
		})
	}
}

func TestRemoteImagesAreCounted(t *testing.T) {
	for name, c := range map[string]struct {
		html string
		want int
	}{
		"img":              {`<img src="http://tracker.example/a.png"><img src='HTTPS://tracker.example/b'>`, 2},
		"scheme-relative":  {`<img src="//tracker.example/a.png">`, 1},
		"srcset":           {`<img srcset="https://tracker.example/a 2x">`, 1},
		"background":       {`<table background="https://tracker.example/a"><tr><td>x</td></tr></table>`, 1},
		"style url":        {`<div style="background:url('https://tracker.example/a')">x</div>`, 1},
		"style sheet":      {`<style>body{background:url(https://tracker.example/a)}</style>`, 1},
		"link element":     {`<link rel=stylesheet href="https://tracker.example/a.css">`, 1},
		"video poster":     {`<video poster="https://tracker.example/a"></video>`, 1},
		"none":             {`<p>text <a href="https://tracker.example/">x</a></p>`, 0},
		"inline":           {`<img src="cid:known@x">`, 0},
		"script is no img": {`<script src="https://tracker.example/a.js"></script>`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			doc, n := mailview.Document(c.html, mailview.Options{Inline: resolver})
			if n != c.want {
				t.Errorf("remote images = %d, want %d", n, c.want)
			}
			if bad := inspect(t, doc); len(bad) > 0 {
				t.Errorf("document holds %q", bad)
			}
		})
	}
}

func body(t *testing.T, h string, opt mailview.Options) string {
	t.Helper()
	doc, _ := mailview.Document(h, opt)
	_, b, _ := strings.Cut(doc, "<body>\n")
	return strings.TrimSuffix(b, "\n</body></html>\n")
}

func TestWhatStays(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"text and structure": {`<p>Hello <b>you</b> &amp; <i>me</i></p>`, `<p>Hello <b>you</b> &amp; <i>me</i></p>`},
		"style":              {`<p style="COLOR: #f00; font-size:12px !important; position:fixed; background:url(x)">x</p>`, `<p style="color:#f00;font-size:12px">x</p>`},
		"table":              {`<table width="600" cellpadding=0><tr><td bgcolor="#fff" id=a class=b>x</td></tr></table>`, `<table width="600" cellpadding="0"><tr><td bgcolor="#fff">x</td></tr></table>`},
		"link":               {`<a href="https://example.org/x?a=1&amp;b=2">click</a>`, `<a href="https://example.org/x?a=1&amp;b=2" target="_blank" rel="noopener noreferrer nofollow">click</a>`},
		"mail link":          {`<a href="mailto:a@b.example">a@b.example</a>`, `<a href="mailto:a@b.example" target="_blank" rel="noopener noreferrer nofollow">a@b.example</a>`},
		"inline image":       {`<img src="cid:known@x" alt="logo" width=10>`, `<img src="/part/1" alt="logo" width="10">`},
		"unknown inline":     {`<img src="cid:other@x" alt="logo">`, `<span class="hub-image" title="Image not available">logo</span>`},
		"remote image":       {`<img src="https://x.example/a.png" alt="a <b>">`, `<span class="hub-image" title="Remote image, not loaded">a &lt;b&gt;</span>`},
		"tracking pixel":     {`<img src="https://x.example/a.png" width="1" height="1">`, ``},
		"relative link":      {`<a href="/api/v1/logout">x</a>`, `<a>x</a>`},
		"link to elsewhere":  {`<a href="https://evil.example/">www.bank.example</a>`, `<a href="https://evil.example/" target="_blank" rel="noopener noreferrer nofollow">www.bank.example</a> <span class="hub-note">(goes to evil.example)</span>`},
		"link to own www":    {`<a href="https://www.bank.example/login">bank.example</a>`, `<a href="https://www.bank.example/login" target="_blank" rel="noopener noreferrer nofollow">bank.example</a>`},
		"punycode":           {`<a href="https://xn--pple-43d.example/">Apple</a>`, `<a href="https://xn--pple-43d.example/" target="_blank" rel="noopener noreferrer nofollow">Apple</a> <span class="hub-note">(goes to xn--pple-43d.example)</span>`},
		"comment":            {`a<!-- b -->c`, `ac`},
		"template braces":    {`{{constructor.constructor('x')()}}`, `{{constructor.constructor(&#39;x&#39;)()}}`},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, body(t, c.in, mailview.Options{Inline: resolver})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An inline part of the mail can only be a path on our own origin.
func TestResolverCannotLeaveTheOrigin(t *testing.T) {
	for _, u := range []string{"https://evil.example/", "//evil.example/", "javascript:alert(1)", `/\evil.example`} {
		got := body(t, `<img src="cid:a@b" alt="x">`, mailview.Options{Inline: func(string) (string, bool) { return u, true }})
		if strings.Contains(got, "<img") {
			t.Errorf("resolver answer %q was used: %s", u, got)
		}
	}
}

// Bombs end as escaped text or as a document, soon (FIELD 3, case 13).
func TestBombs(t *testing.T) {
	const n = 200_000
	for name, in := range map[string]string{
		"deep divs":          strings.Repeat("<div>", n) + "text",
		"deep tables":        strings.Repeat("<table><tr><td>", n/4) + "text",
		"deep fonts":         strings.Repeat("<font color=red>", n/2) + "text",
		"open tags":          strings.Repeat("<", n),
		"open comments":      strings.Repeat("<!--", n),
		"closing tags":       strings.Repeat("</div>", n),
		"attributes":         "<div " + strings.Repeat("a=b ", n) + ">text</div>",
		"one long style":     `<div style="` + strings.Repeat("color:red;", n/4) + `">text</div>`,
		"style open comment": `<div style="` + strings.Repeat("/*", n) + `">text</div>`,
		"many styles":        strings.Repeat(`<b style="color:red;font:12px a">x</b>`, n/40),
		"entities":           strings.Repeat("&amp;&#x41;&nosuch;", n/10),
		"nested links":       strings.Repeat(`<a href="http://a.example">a.b.c `, n/20),
		"skipped content":    strings.Repeat("<svg>", n/5) + "text",
		"one word":           strings.Repeat("a", 4<<20),
		"greater than":       "<" + strings.Repeat(">", n),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			doc, _ := mailview.Document(in, mailview.Options{})
			if d := time.Since(start); d > 10*time.Second {
				t.Errorf("took %v", d)
			}
			if !strings.HasSuffix(doc, "</body></html>\n") {
				t.Error("document is not whole")
			}
			if len(doc) > 20*len(in)+4096 {
				t.Errorf("document has %d bytes from %d", len(doc), len(in))
			}
		})
	}
}

func TestDeepNestingBecomesText(t *testing.T) {
	doc, _ := mailview.Document(strings.Repeat("<div>", 50_000)+"<b>needle</b><script>alert(1)</script>", mailview.Options{})
	if !strings.Contains(doc, "needle") || strings.Contains(doc, "<b>") || strings.Contains(doc, "alert") || !strings.Contains(doc, "<pre>") {
		t.Errorf("not plain text: %.300s", doc[len(doc)-300:])
	}
}

func links(doc string) []string {
	var out []string
	z := html.NewTokenizer(strings.NewReader(doc))
	for z.Next() != html.ErrorToken {
		for _, a := range z.Token().Attr {
			if a.Key == "href" || a.Key == "src" {
				out = append(out, a.Val)
			}
		}
	}
	return out
}

// Whatever the bytes are, nothing dangerous is in the document, and cleaning is
// stable: a second pass over the body changes no safety property.
func FuzzDocument(f *testing.F) {
	for _, p := range hostile {
		f.Add(p.html)
	}
	f.Fuzz(func(t *testing.T, s string) {
		doc, n := mailview.Document(s, mailview.Options{Inline: resolver})
		if n < 0 {
			t.Fatal("negative count")
		}
		if bad := inspect(t, doc); len(bad) > 0 {
			t.Fatalf("document holds %q\n%s", bad, doc)
		}
	})
}

func BenchmarkNewsletter(b *testing.B) {
	row := `<tr><td style="padding:10px 20px;font-family:Arial,sans-serif;font-size:14px;color:#333"><a href="https://shop.example/p/1?utm=x">An item of the week</a><img src="https://cdn.example/i.png" width="120" alt="item"></td></tr>`
	in := `<html><body><table width="600">` + strings.Repeat(row, 70) + `</table></body></html>`
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		mailview.Document(in, mailview.Options{})
	}
}
