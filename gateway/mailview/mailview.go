package mailview

import (
	"html"
	"strings"
)

// CSP is the Content-Security-Policy the caller must send with every Document.
// There is no allow-scripts; allow-same-origin lets the page around the iframe
// measure the height of a document in which no script can run.
const CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"

// PolicyVersion changes with every change of what is let through.
const PolicyVersion = 2

const (
	maxInput = 4 << 20 // bytes of HTML that are looked at
	maxDepth = 400     // open elements; browsers stop at 512
)

// Options of one document.
type Options struct {
	// Inline gives the URL under which a part of the same mail can be loaded, for
	// an image reference of the mail: "cid:…", or a bare file name. It must be a
	// path on our own origin. ok is false for a part this mail does not have. Nil
	// means that no inline image is shown.
	Inline func(ref string) (url string, ok bool)
	// Leave takes external links over our own page; nil leaves them as they are.
	Leave *Leave
	// Lang is the language of the placeholder texts; only "de" and "en" are
	// known, anything else is "en".
	Lang string
}

// Document gives a whole HTML document for the sandboxed iframe and the number
// of remote images that were not loaded. The document must be sent with CSP,
// X-Content-Type-Options: nosniff and Referrer-Policy: no-referrer.
func Document(mailHTML string, opt Options) (doc string, remoteImages int) {
	defer func() {
		if recover() != nil {
			doc, remoteImages = frame(textBody(mailHTML)), 0
		}
	}()
	if len(mailHTML) > maxInput {
		mailHTML = mailHTML[:maxInput]
	}
	mailHTML = strings.ToValidUTF8(strings.ReplaceAll(mailHTML, "\x00", ""), "\uFFFD")
	found := survey(mailHTML)
	if found.depth > maxDepth {
		return frame(textBody(mailHTML)), found.remote
	}
	return frame(rewrite(policy().Sanitize(mailHTML), opt)), found.remote
}

const head = `<!doctype html>
<html><head><meta charset="utf-8"><meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light">
<style>
html{color-scheme:light;background:#fff;color:#1a1a1a;font:14px/1.5 system-ui,sans-serif}
body{margin:0;padding:12px;overflow-wrap:anywhere}
img,table{max-width:100%}
img{height:auto}
blockquote{margin:0 0 0 4px;padding-left:12px;border-left:2px solid #d0d0d0;color:#555}
pre{white-space:pre-wrap}
.hub-image{display:inline-block;padding:1px 6px;border:1px dashed #b0b0b0;border-radius:3px;color:#666;font-size:12px}
.hub-note{color:#8a4b00;font-size:12px}
</style></head><body>
`

func frame(body string) string { return head + body + "\n</body></html>\n" }

// textBody is the last resort: the text of the mail, escaped.
func textBody(s string) string { return "<pre>" + html.EscapeString(plainText(s)) + "</pre>" }
