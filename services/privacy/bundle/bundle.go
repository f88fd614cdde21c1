package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Names of the files that a bundle has beside its own.
const (
	ManifestName  = "manifest.json"
	SignatureName = "manifest.sig"
)

// What is unpacked of a bundle: its manifest, its signature, and then no more of each
// file than the signed manifest says, and of all together. An archive of a stranger
// may unpack to any size (FIELD 17).
const (
	maxManifest  = 64 << 20
	maxSignature = 1 << 10
	maxFiles     = 2 << 30
)

// File is one file of a bundle. Names are relative, with slashes.
type File struct {
	Name string
	Body []byte
}

// Entry is a file in the manifest.
type Entry struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Manifest says what a bundle holds.
type Manifest struct {
	Schema string            `json:"schema"` // "westshore-hub/bundle/1"
	Kind   string            `json:"kind"`   // "access" or "disclosure"
	Made   time.Time         `json:"made"`
	Facts  map[string]string `json:"facts,omitempty"` // what it is about, in ids and counts
	Files  []Entry           `json:"files"`           // by name
	Root   string            `json:"root"`            // Merkle root, RFC 6962
	Key    string            `json:"key"`             // public key of the signature, base64
}

// Schema names the format of manifests.
const Schema = "westshore-hub/bundle/1"

// ErrForged says that a bundle is not what was signed. The error around it says what
// differs.
var ErrForged = errors.New("the bundle is not what was signed")

// Digest is SHA-256 in hexadecimal digits.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Make puts a bundle together and signs it. Files are sorted by name; a name twice
// is an error. All times in the archive are m.Made.
func Make(m Manifest, files []File, key ed25519.PrivateKey) ([]byte, Manifest, error) {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	m.Schema, m.Files = Schema, nil
	m.Made = m.Made.UTC().Truncate(time.Second)
	m.Key = base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	for i, f := range files {
		if f.Name == "" || f.Name == ManifestName || f.Name == SignatureName || i > 0 && files[i-1].Name == f.Name {
			return nil, m, fmt.Errorf("make bundle: file %d has no name of its own", i)
		}
		m.Files = append(m.Files, Entry{f.Name, int64(len(f.Body)), Digest(f.Body)})
	}
	m.Root = Root(m.Files)
	doc, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, m, fmt.Errorf("make bundle: %w", err)
	}
	all := append([]File{{ManifestName, doc}, {SignatureName, []byte(base64.StdEncoding.EncodeToString(ed25519.Sign(key, doc)) + "\n")}}, files...)
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range all {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Deflate, Modified: m.Made})
		if err == nil {
			_, err = w.Write(f.Body)
		}
		if err != nil {
			return nil, m, fmt.Errorf("make bundle: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, m, fmt.Errorf("make bundle: %w", err)
	}
	return out.Bytes(), m, nil
}

// Root is the Merkle tree hash (RFC 6962 section 2.1) over the entries in order; a
// leaf is the entry's name, a zero byte, and its SHA-256.
func Root(entries []Entry) string {
	leaves := make([][]byte, len(entries))
	for i, e := range entries {
		leaves[i] = append(append([]byte(e.Name), 0), e.SHA256...)
	}
	return hex.EncodeToString(Tree(leaves))
}

// Tree is the Merkle tree hash of leaves (RFC 6962 section 2.1).
func Tree(leaves [][]byte) []byte {
	h := sha256.New()
	switch n := len(leaves); n {
	case 0:
	case 1:
		h.Write([]byte{0})
		h.Write(leaves[0])
	default:
		k := 1
		for k*2 < n {
			k *= 2
		}
		h.Write([]byte{1})
		h.Write(Tree(leaves[:k]))
		h.Write(Tree(leaves[k:]))
	}
	return h.Sum(nil)
}

// Bundle is an archive that was read and checked.
type Bundle struct {
	Manifest Manifest
	Files    map[string][]byte
}

// Open reads and checks a bundle. With a key, the signature must be that key's;
// without, it only shows that the bundle is whole, and Manifest.Key must be compared
// with what the sender published. Anything amiss is ErrForged.
func Open(archive []byte, key ed25519.PublicKey) (*Bundle, error) {
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, fmt.Errorf("open bundle: %w: not an archive", ErrForged)
	}
	packed := map[string]*zip.File{}
	for _, f := range z.File {
		if packed[f.Name] != nil {
			return nil, fmt.Errorf("open bundle: %w: a file stands twice", ErrForged)
		}
		packed[f.Name] = f
	}
	b := &Bundle{Files: map[string][]byte{}}
	doc, err := read(packed[ManifestName], maxManifest)
	if err != nil {
		return nil, fmt.Errorf("open bundle: %w: manifest: %w", ErrForged, err)
	}
	sig, err := read(packed[SignatureName], maxSignature)
	if err != nil {
		return nil, fmt.Errorf("open bundle: %w: signature: %w", ErrForged, err)
	}
	if err := json.Unmarshal(doc, &b.Manifest); err != nil || b.Manifest.Schema != Schema {
		return nil, fmt.Errorf("open bundle: %w: no manifest of ours", ErrForged)
	}
	if key == nil {
		raw, err := base64.StdEncoding.DecodeString(b.Manifest.Key)
		if err != nil || len(raw) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("open bundle: %w: no key", ErrForged)
		}
		key = raw
	}
	mark, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(sig)))
	if err != nil || !ed25519.Verify(key, doc, mark) {
		return nil, fmt.Errorf("open bundle: %w: the signature does not belong to it", ErrForged)
	}
	if len(packed) != len(b.Manifest.Files)+2 {
		return nil, fmt.Errorf("open bundle: %w: %d files, the manifest lists %d", ErrForged, len(packed)-2, len(b.Manifest.Files))
	}
	left := int64(maxFiles)
	for _, e := range b.Manifest.Files {
		if e.Size < 0 || e.Size > left {
			return nil, fmt.Errorf("open bundle: %w: more than %d bytes", ErrForged, int64(maxFiles))
		}
		left -= e.Size
		if b.Files[e.Name], err = read(packed[e.Name], e.Size); err != nil {
			return nil, fmt.Errorf("open bundle: %w: %s: %w", ErrForged, e.Name, err)
		}
	}
	return b, b.check()
}

func (b *Bundle) check() error {
	if len(b.Manifest.Files) != len(b.Files) {
		return fmt.Errorf("open bundle: %w: %d files, the manifest lists %d", ErrForged, len(b.Files), len(b.Manifest.Files))
	}
	for _, e := range b.Manifest.Files {
		body, there := b.Files[e.Name]
		if !there || int64(len(body)) != e.Size || Digest(body) != e.SHA256 {
			return fmt.Errorf("open bundle: %w: %s differs", ErrForged, e.Name)
		}
	}
	if Root(b.Manifest.Files) != b.Manifest.Root {
		return fmt.Errorf("open bundle: %w: the root differs", ErrForged)
	}
	return nil
}

// read unpacks one file, of which there is at most so much.
func read(f *zip.File, most int64) ([]byte, error) {
	if f == nil {
		return nil, errors.New("it is missing")
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(b)) > most {
		err = errors.New("it is larger than was said")
	}
	return b, err
}
