package scan

import (
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Kind says what may rest in a place.
type Kind string

// The kinds of places. In a Sealed or Clear place no text of a person may ever
// stand, not even before an erasure; a Plaintext place has to be purged; Keys
// hold what opens the rest and are cleaned by the vault; a Foreign place belongs
// to somebody else, such as the mail server of the demo.
const (
	Sealed    Kind = "sealed"
	Plaintext Kind = "plaintext"
	Keys      Kind = "keys"
	Clear     Kind = "clear"
	Foreign   Kind = "foreign"
)

// Place is one entry of the store register.
type Place struct {
	ID    string   // "node", "view:tickets": what certificates call it
	Globs []string // paths below the data folder, as path.Match; "dir/**" is all below
	Kind  Kind
	Purge string // how text leaves it
}

// Register is every place where bytes rest.
type Register []Place

// Base is what every hub has besides its views: each view adds itself, by its
// inventory, with Add.
func Base() Register {
	const ciphertext = "ciphertext only: destroying the key turns it to noise"
	return Register{
		{"node", []string{"node/**"}, Sealed, ciphertext + "; reclaimed when the ticket is archived"},
		{"bus", []string{"bus/**"}, Sealed, ciphertext},
		{"blobs", []string{"blobs/??/*", "blobs/tmp/put-*"}, Sealed, ciphertext + "; the file is deleted with its last segment"},
		{"vault", []string{"vault/vault.db", "vault/vault.db-wal", "vault/vault.db-shm", "vault/vault.db-journal", "vault/lock", "vault/vault.lock"}, Keys, "rows overwritten, the log cut, every live key wrapped anew"},
		{"root-key", []string{"root.key", "root.key.*"}, Keys, "holds no text and no key of a segment"},
		{"accounts", []string{"accounts.db", "accounts.db-wal", "accounts.db-shm", "accounts.db-journal"}, Clear, "agents' password hashes, sessions and tokens; no customers"},
		{"restored", []string{"restored.json", "restored.json.new"}, Clear, "two times and a position"},
		{"ledger-head", []string{"ledger.head", "ledger.head.new"}, Clear, "a number and a hash"},
		{"locks", []string{"hub.lock", "control.sock", ".probe-*"}, Clear, "empty files, a socket, a page of zeros"},
		{"logs", []string{"logs/*.log", "hub.log"}, Clear, "written without personal data"},
		{"demo-keys", []string{"demo.json"}, Keys, "logins of a demo"},
		{"demo-mail", []string{"mail/**"}, Foreign, "the demo's own mail server: other people's mailboxes"},
	}
}

// Add registers the files of one store, given as paths anywhere; those below root
// count.
func (r Register) Add(root, id string, kind Kind, purge string, files []string) Register {
	p := Place{ID: id, Kind: kind, Purge: purge}
	for _, f := range files {
		if rel, err := filepath.Rel(root, f); err == nil && filepath.IsLocal(rel) {
			p.Globs = append(p.Globs, filepath.ToSlash(rel))
		}
	}
	return append(slices.Clone(r), p)
}

// Of finds the place of a path below the data folder, written with slashes.
func (r Register) Of(rel string) (Place, bool) {
	for _, p := range r {
		for _, g := range p.Globs {
			if under, ok := strings.CutSuffix(g, "/**"); ok && strings.HasPrefix(rel, under+"/") {
				return p, true
			}
			if ok, err := path.Match(g, rel); ok && err == nil {
				return p, true
			}
		}
	}
	return Place{}, false
}

// file is one file of the data folder and where it belongs.
type file struct {
	rel   string
	size  int64
	mode  fs.FileMode
	place Place
	known bool
}

// walk lists every file below root, in order. A file that goes away meanwhile is
// left out: it rests nowhere any more.
func (r Register) walk(root string) (out []file, err error) {
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if name != root && isGone(err) {
				return nil
			}
			return err
		}
		if d.IsDir() {
			return nil
		}
		info, err := d.Info()
		if isGone(err) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		f := file{rel: filepath.ToSlash(rel), size: info.Size(), mode: info.Mode()}
		f.place, f.known = r.Of(f.rel)
		out = append(out, f)
		return nil
	})
	return out, err
}

// Unknown lists the files below root that no entry knows.
func (r Register) Unknown(root string) ([]string, error) {
	files, err := r.walk(root)
	var out []string
	for _, f := range files {
		if !f.known {
			out = append(out, f.rel)
		}
	}
	return out, err
}
