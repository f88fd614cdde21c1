package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"
)

var (
	errNoFolder     = errors.New("no such folder")
	errFolderExists = errors.New("folder exists")
)

// postOffice holds the accounts, one per address, opened when first needed.
type postOffice struct {
	dir string
	now func() time.Time

	mu       sync.Mutex
	accounts map[string]*account
}

func newPostOffice(dir string, now func() time.Time) *postOffice {
	return &postOffice{dir: dir, now: now, accounts: make(map[string]*account)}
}

// baseAddress returns the address without its "+detail", lower-cased, and
// whether there was one.
func baseAddress(address string) (string, bool) {
	local, domain, ok := cutLast(strings.ToLower(address), '@')
	if !ok {
		return strings.ToLower(address), false
	}
	base, _, plus := strings.Cut(local, "+")
	if !plus || base == "" {
		return local + "@" + domain, false
	}
	return base + "@" + domain, true
}

func cutLast(s string, sep byte) (string, string, bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// account opens the mailbox of an address, with its INBOX. An account opened
// for a plus-address is a view: its files are links, not fsynced again.
func (p *postOffice) account(address string) (*account, error) {
	address = strings.ToLower(address)
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.accounts[address]; a != nil {
		return a, nil
	}
	_, view := baseAddress(address)
	a := &account{dir: filepath.Join(p.dir, escape(address)), sync: !view, now: p.now, folders: make(map[string]*folder)}
	if err := a.open(); err != nil {
		return nil, fmt.Errorf("open mailbox: %w", err)
	}
	p.accounts[address] = a
	return a, nil
}

// account is one address: its folders, INBOX always among them.
type account struct {
	dir  string
	sync bool
	now  func() time.Time

	mu       sync.Mutex
	folders  map[string]*folder
	validity uint32 // last UIDVALIDITY given out
}

func (a *account) open() error {
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return err
	}
	var err error
	if a.validity, err = readNumber(filepath.Join(a.dir, "validity")); err != nil {
		return err
	}
	entries, err := os.ReadDir(a.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, ok := unescape(e.Name())
		if !e.IsDir() || !ok || strings.HasPrefix(e.Name(), "%~") {
			continue
		}
		f, err := openFolder(filepath.Join(a.dir, e.Name()), name, a.sync, a.now)
		if err != nil {
			return err
		}
		if f != nil {
			a.folders[name] = f
		}
	}
	if a.folders["INBOX"] == nil {
		if err := a.create("INBOX"); err != nil {
			return err
		}
	}
	if !a.sync {
		return nil
	}
	return syncDir(filepath.Dir(a.dir))
}

// create makes a folder with a UIDVALIDITY that this account never gave out
// before (RFC 9051 section 2.3.1.1). The validity file makes the folder: one
// without is not there.
func (a *account) create(name string) error {
	if a.folders[name] != nil {
		return errFolderExists
	}
	a.validity = max(a.validity+1, uint32(a.now().Unix()))
	number := fmt.Appendf(nil, "%d\n", a.validity)
	if err := replace(filepath.Join(a.dir, "validity"), a.sync, number); err != nil {
		return err
	}
	dir := filepath.Join(a.dir, escape(name))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := replace(filepath.Join(dir, "validity"), a.sync, number); err != nil {
		return err
	}
	if a.sync {
		if err := syncDir(a.dir); err != nil {
			return err
		}
	}
	f, err := openFolder(dir, name, a.sync, a.now)
	if err != nil {
		return err
	}
	a.folders[name] = f
	return nil
}

func canonicalFolder(name string) string {
	if strings.EqualFold(name, "INBOX") {
		return "INBOX"
	}
	return strings.TrimRight(name, "/")
}

// Folder finds a folder by name; INBOX in any case.
func (a *account) folder(name string) (*folder, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f := a.folders[canonicalFolder(name)]; f != nil {
		return f, nil
	}
	return nil, errNoFolder
}

func (a *account) createFolder(name string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if name = canonicalFolder(name); name == "" {
		return errNoFolder
	}
	return a.create(name)
}

func (a *account) deleteFolder(name string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	name = canonicalFolder(name)
	f := a.folders[name]
	if f == nil || name == "INBOX" {
		return errNoFolder
	}
	delete(a.folders, name)
	if err := os.Remove(filepath.Join(f.dir, "validity")); err != nil {
		return err
	}
	return os.RemoveAll(f.dir)
}

func (a *account) renameFolder(from, to string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	from, to = canonicalFolder(from), canonicalFolder(to)
	f := a.folders[from]
	if f == nil || from == "INBOX" || to == "" {
		return errNoFolder
	}
	if a.folders[to] != nil {
		return errFolderExists
	}
	dir := filepath.Join(a.dir, escape(to))
	if err := os.Rename(f.dir, dir); err != nil {
		return err
	}
	f.rename(to, dir)
	delete(a.folders, from)
	a.folders[to] = f
	return syncDir(a.dir)
}

// list returns the folders by name.
func (a *account) list() []*folder {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := make([]*folder, 0, len(a.folders))
	for _, f := range a.folders {
		l = append(l, f)
	}
	sort.Slice(l, func(i, j int) bool { return l[i].label() < l[j].label() })
	return l
}
