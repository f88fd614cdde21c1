package console

import (
	"bytes"
	"embed"
	"html"
	"io/fs"
	"sync"
)

//go:embed all:dist
var embedded embed.FS

//go:embed missing.html
var missing []byte

// noncePlaceholder stands in index.html where the nonce of one answer goes.
const noncePlaceholder = "__CSP_NONCE__"

var current = sync.OnceValue(func() *Site {
	dist, err := fs.Sub(embedded, "dist")
	if err != nil { // not possible: "dist" is a valid path
		dist = embed.FS{}
	}
	return New(dist)
})

// Lookup finds an embedded file by its URL path ("/assets/index-1a2b.js"), in the best encoding that the
// Accept-Encoding header allows. It reports false for a path that is no file of the console: answer those that
// people may open with Index.
func Lookup(path, acceptEncoding string) (Asset, bool) { return current().Lookup(path, acceptEncoding) }

// Index is the page every route of the console starts from. The nonce goes into <meta name="csp-nonce"> and must be
// the one in the Content-Security-Policy of the same answer, so the page must not be cached beyond revalidation.
// When the console was not built it is a page that says how to build it.
func Index(nonce string) []byte { return current().Index(nonce) }

// Built reports whether this binary holds the console.
func Built() bool { return current().Built() }

// Policy is the Content-Security-Policy the page must be served with. Only <style> elements carry the nonce; there
// are no inline scripts and no style attributes in markup.
func Policy(nonce string) string {
	return "default-src 'self'; script-src 'self'; style-src 'self' 'nonce-" + nonce + "'; img-src 'self' data: blob:; " +
		"connect-src 'self'; frame-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
}

func withNonce(page []byte, nonce string) []byte {
	return bytes.ReplaceAll(page, []byte(noncePlaceholder), []byte(html.EscapeString(nonce)))
}
