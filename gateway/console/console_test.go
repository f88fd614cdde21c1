package console_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/gateway/console"
)

func site() *console.Site {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	return console.New(fstest.MapFS{
		".gitignore":             file("*"),
		"index.html":             file(`<meta name="csp-nonce" content="__CSP_NONCE__">`),
		"favicon.svg":            file("<svg/>"),
		"assets/app-1a2b.js":     file("plain"),
		"assets/app-1a2b.js.br":  file("brotli"),
		"assets/app-1a2b.js.gz":  file("gzip"),
		"assets/inter-9f.woff2":  file("font"),
		"assets/only-3c4d.js.gz": file("gzip only"),
	})
}

func TestLookupChoosesEncoding(t *testing.T) {
	for _, tt := range []struct{ accept, encoding, body string }{
		{"gzip, deflate, br, zstd", "br", "brotli"},
		{"gzip", "gzip", "gzip"},
		{"BR;q=0.2, gzip;q=0.9", "br", "brotli"},
		{"br;q=0, gzip", "gzip", "gzip"},
		{"br; q=0.0, *", "gzip", "gzip"},
		{"*", "br", "brotli"},
		{"*;q=0", "", "plain"},
		{"br;q=nonsense", "", "plain"},
		{"identity", "", "plain"},
		{"", "", "plain"},
	} {
		a, ok := site().Lookup("/assets/app-1a2b.js", tt.accept)
		if !ok {
			t.Fatalf("%q: not found", tt.accept)
		}
		if diff := cmp.Diff([]string{tt.encoding, tt.body}, []string{a.Encoding, string(a.Body)}); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.accept, diff)
		}
		if !a.Varies {
			t.Errorf("%q: answer has variants but does not say so", tt.accept)
		}
	}
}

func TestLookupFacts(t *testing.T) {
	for _, tt := range []struct{ path, contentType, cache string }{
		{"/assets/app-1a2b.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"/assets/inter-9f.woff2", "font/woff2", "public, max-age=31536000, immutable"},
		{"/favicon.svg", "image/svg+xml", "public, no-cache"},
	} {
		a, ok := site().Lookup(tt.path, "")
		if !ok {
			t.Fatalf("%s: not found", tt.path)
		}
		if diff := cmp.Diff([]string{tt.contentType, tt.cache}, []string{a.Type, a.CacheControl}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.path, diff)
		}
	}
}

func TestEntityTagsDifferByEncoding(t *testing.T) {
	plain, _ := site().Lookup("/assets/app-1a2b.js", "")
	packed, _ := site().Lookup("/assets/app-1a2b.js", "br")
	if plain.ETag == packed.ETag || len(plain.ETag) < 10 || plain.ETag[0] != '"' {
		t.Errorf("entity tags %s and %s: want two quoted, different ones", plain.ETag, packed.ETag)
	}
}

func TestLookupFindsOnlyFilesOfTheBuild(t *testing.T) {
	for _, path := range []string{
		"/", "", "/index.html", "/inbox/open", "/.gitignore", "/assets", "/assets/", "/assets/app-1a2b.js.br",
		"/assets/../index.html", "//assets/app-1a2b.js", "assets/app-1a2b.js",
	} {
		if a, ok := site().Lookup(path, "br"); ok {
			t.Errorf("%q: found %q, want nothing", path, a.Body)
		}
	}
	if _, ok := site().Lookup("/assets/only-3c4d.js", "br"); ok {
		t.Error("a file that exists only as gzip was given to a client that cannot read it")
	}
}

func TestIndexCarriesTheNonce(t *testing.T) {
	s := site()
	first := s.Index(`abc"><script>`)
	if !bytes.Contains(first, []byte("abc&#34;&gt;&lt;script&gt;")) || bytes.Contains(first, []byte("<script>")) {
		t.Errorf("nonce not escaped: %s", first)
	}
	if got := s.Index("second"); !bytes.Contains(got, []byte(`content="second"`)) {
		t.Errorf("second page: %s", got)
	}
}

func TestWithoutABuildThePageSaysHow(t *testing.T) {
	s := console.New(fstest.MapFS{".gitignore": &fstest.MapFile{Data: []byte("*")}})
	if s.Built() {
		t.Error("Built() = true without an index.html")
	}
	page := string(s.Index("n0nce"))
	for _, want := range []string{"npm ci", "npm run build", `nonce="n0nce"`} {
		if !strings.Contains(page, want) {
			t.Errorf("page does not contain %q", want)
		}
	}
}

// The embedded build, whatever it is on this machine, must be consistent: a page that links what can be found.
func TestEmbeddedBuild(t *testing.T) {
	page := string(console.Index("n"))
	if !console.Built() {
		if !strings.Contains(page, "npm run build") {
			t.Error("no build and no words about it")
		}
		return
	}
	rest := page
	links := 0
	for {
		_, after, ok := strings.Cut(rest, `"/assets/`)
		if !ok {
			break
		}
		name, tail, _ := strings.Cut(after, `"`)
		rest = tail
		links++
		if a, ok := console.Lookup("/assets/"+name, "br, gzip"); !ok || len(a.Body) == 0 {
			t.Errorf("the page links /assets/%s, which is not embedded", name)
		}
	}
	if links == 0 {
		t.Error("the page links no assets")
	}
	if strings.Contains(page, "<script>") || strings.Contains(page, " style=") {
		t.Error("the page has inline code, which its policy refuses")
	}
}

func TestPolicy(t *testing.T) {
	got := console.Policy("abc")
	for _, want := range []string{"script-src 'self';", "style-src 'self' 'nonce-abc';", "frame-ancestors 'none'", "object-src 'none'"} {
		if !strings.Contains(got, want) {
			t.Errorf("policy lacks %q: %s", want, got)
		}
	}
	if strings.Contains(got, "unsafe") {
		t.Errorf("policy allows something unsafe: %s", got)
	}
}
