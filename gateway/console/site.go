package console

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"path"
	"strconv"
	"strings"
)

// Cache lifetimes: a hashed name never changes its content, any other name may with the next release.
const (
	cacheForever    = "public, max-age=31536000, immutable"
	cacheRevalidate = "public, no-cache"
)

// Asset is one file, ready to be answered. Its Body is shared between callers: do not change it.
type Asset struct {
	Body         []byte // encoded as Encoding says
	Type         string // Content-Type
	Encoding     string // Content-Encoding: "br", "gzip" or empty for the file as it is
	ETag         string // strong entity tag, different for each encoding (RFC 9110, section 8.8.3)
	CacheControl string // Cache-Control
	Varies       bool   // the answer depends on Accept-Encoding: send Vary
}

// Site is a built console held in memory. It is safe for concurrent use.
type Site struct {
	index []byte
	files map[string]map[string]Asset // URL path, then encoding
}

// encodings in order of preference, with the suffix the build gives the file beside the original.
var encodings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}, {"", ""}}

// types of what a build holds. mime.TypeByExtension alone would answer as the machine it runs on is set up.
var types = map[string]string{
	".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
	".woff2": "font/woff2", ".json": "application/json", ".txt": "text/plain; charset=utf-8", ".png": "image/png",
}

// New reads a build. Files it cannot read are left out, as are names that start with a dot; a build without an
// index.html counts as no build.
func New(dist fs.FS) *Site {
	s := &Site{files: map[string]map[string]Asset{}}
	s.index, _ = fs.ReadFile(dist, "index.html")
	_ = fs.WalkDir(dist, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") && name != "index.html" {
			if body, err := fs.ReadFile(dist, name); err == nil {
				s.add(name, body)
			}
		}
		return nil
	})
	return s
}

func (s *Site) add(name string, body []byte) {
	encoding := ""
	for _, e := range encodings {
		if e.suffix != "" && strings.HasSuffix(name, e.suffix) {
			name, encoding = strings.TrimSuffix(name, e.suffix), e.name
			break
		}
	}
	url := "/" + name
	if s.files[url] == nil {
		s.files[url] = map[string]Asset{}
	}
	sum := sha256.Sum256(body)
	a := Asset{
		Body: body, Type: typeOf(name), Encoding: encoding,
		ETag: `"` + hex.EncodeToString(sum[:12]) + `"`, CacheControl: cacheRevalidate,
	}
	if strings.HasPrefix(name, "assets/") {
		a.CacheControl = cacheForever
	}
	s.files[url][encoding] = a
}

func typeOf(name string) string {
	ext := path.Ext(name)
	if t, ok := types[ext]; ok {
		return t
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}

// Built reports whether the site has a page.
func (s *Site) Built() bool { return len(s.index) > 0 }

// Index is the page with this nonce, or the one that says how to build the console.
func (s *Site) Index(nonce string) []byte {
	if !s.Built() {
		return withNonce(missing, nonce)
	}
	return withNonce(s.index, nonce)
}

// Lookup finds a file by its exact URL path. Paths are compared, never resolved: there is nothing to climb out of.
func (s *Site) Lookup(urlPath, acceptEncoding string) (Asset, bool) {
	variants, ok := s.files[urlPath]
	if !ok {
		return Asset{}, false
	}
	for _, e := range encodings {
		a, ok := variants[e.name]
		if ok && (e.name == "" || accepts(acceptEncoding, e.name)) {
			a.Varies = len(variants) > 1
			return a, true
		}
	}
	return Asset{}, false
}

// accepts reports whether an Accept-Encoding header allows a coding (RFC 9110, section 12.5.3). A coding that is not
// named is taken only if "*" is.
func accepts(header, coding string) bool {
	star := false
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		switch name {
		case coding:
			return quality(params) > 0
		case "*":
			star = quality(params) > 0
		}
	}
	return star
}

func quality(params string) float64 {
	value, ok := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
	if !ok {
		return 1
	}
	q, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return 0
	}
	return q
}
