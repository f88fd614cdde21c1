package scan

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Feed is a store that is searched through its own door, since its files are
// compressed or spread over servers.
type Feed struct {
	Store string
	// Each hands over every record; name tells one from another and is not personal.
	Each func(ctx context.Context, record func(name string, b []byte) error) error
}

// Config says what to search.
type Config struct {
	Root     string // the data folder
	Register Register
	Needles  *Needles
	Feeds    []Feed
	// Control, when set, are needles that must be found in a store: those of
	// somebody who is there.
	Control *Needles
	// Skip are kinds that are not searched; Foreign places never are.
	Skip []Kind
	// Extra are further files or folders outside Root: logs, backups, a captured
	// standard output. They are searched under the place "extra".
	Extra []string
	// Workers is how many files are read at a time; 0 is one for each processor.
	Workers int
}

// Hit is a needle that was found. It names no text.
type Hit struct {
	Store  string `json:"store"`
	Path   string `json:"path"`
	Needle string `json:"needle"`
	Form   string `json:"form"`
	Within string `json:"within,omitempty"`
	At     int64  `json:"at"`
}

// Report is what a scan found.
type Report struct {
	Files   int      `json:"files"`
	Bytes   int64    `json:"bytes"`
	Needles int      `json:"needles"` // texts
	Short   int      `json:"short"`   // texts too short to look for
	Hits    []Hit    `json:"hits"`
	Unknown []string `json:"unknown"` // files that no entry of the register knows
	Stores  []string `json:"stores"`  // that were read
	// Control is "found", or "missed": then the scan proves nothing.
	Control string `json:"control"`
	// Digest is the SHA-256 of the sorted list of what was read, with sizes, and
	// of the hits.
	Digest string `json:"digest"`
}

// Clean says that nothing was found, nothing was left out, and that the scan can see.
func (r Report) Clean() bool {
	return len(r.Hits) == 0 && len(r.Unknown) == 0 && r.Control == "found"
}

// HitsIn counts the finds in one store.
func (r Report) HitsIn(store string) int {
	n := 0
	for _, h := range r.Hits {
		if h.Store == store {
			n++
		}
	}
	return n
}

// Run reads every registered file and every feed. A control text is planted in a
// file of its own for the time of the scan, compressed and encoded, and has to be
// found besides the control that the caller gives.
func Run(ctx context.Context, cfg Config) (Report, error) {
	s := &scanner{cfg: cfg, tools: newTools(cfg.Needles), stores: map[string]bool{}}
	s.report.Needles, s.report.Short = cfg.Needles.Texts, cfg.Needles.Short
	if cfg.Control != nil {
		s.control = newTools(cfg.Control)
	}
	if err := s.run(ctx); err != nil {
		return Report{}, fmt.Errorf("scan: %w", err)
	}
	return s.result(), nil
}

type scanner struct {
	cfg     Config
	tools   *tools
	control *tools

	mu       sync.Mutex
	report   Report
	stores   map[string]bool
	read     []string
	controls int
}

func (s *scanner) run(ctx context.Context) error {
	planted, err := plant()
	if err != nil {
		return err
	}
	files, err := s.cfg.Register.walk(s.cfg.Root)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	workers := s.cfg.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	g.SetLimit(workers)
	for _, f := range files {
		switch {
		case !f.known:
			s.report.Unknown = append(s.report.Unknown, f.rel)
		case f.place.Kind == Foreign || slices.Contains(s.cfg.Skip, f.place.Kind):
			continue
		}
		if !f.mode.IsRegular() {
			continue
		}
		store := f.place.ID
		if !f.known {
			store = "unknown"
		}
		g.Go(func() error { return s.file(ctx, store, filepath.Join(s.cfg.Root, f.rel), f.rel) })
	}
	for _, extra := range s.cfg.Extra {
		g.Go(func() error { return s.extra(ctx, extra) })
	}
	for _, feed := range s.cfg.Feeds {
		g.Go(func() error { return s.feed(ctx, feed) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	s.see(planted)
	return nil
}

func (s *scanner) extra(ctx context.Context, root string) error {
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if isGone(err) {
			return nil
		}
		if err != nil || d.IsDir() || !d.Type().IsRegular() {
			return err
		}
		return s.file(ctx, "extra", name, filepath.Base(name))
	})
}

func (s *scanner) file(ctx context.Context, store, name, rel string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.search(store, rel, "name", []byte(rel))
	f, err := os.Open(name)
	if isGone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	err = s.tools.blob(f, info.Size(), "", 0, func(i int, at int64, within string) { s.hit(store, rel, within, i, at) })
	if err == nil && s.control != nil {
		err = s.control.blob(f, info.Size(), "", 0, func(int, int64, string) { s.seen() })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Files++
	s.report.Bytes += info.Size()
	s.stores[store] = true
	s.read = append(s.read, fmt.Sprintf("%s %d", rel, info.Size()))
	return err
}

func (s *scanner) feed(ctx context.Context, f Feed) error {
	records := 0
	err := f.Each(ctx, func(name string, b []byte) error {
		records++
		s.mu.Lock()
		s.report.Bytes += int64(len(b))
		s.mu.Unlock()
		s.search(f.Store, name, "", b)
		return ctx.Err()
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stores[f.Store] = true
	s.read = append(s.read, fmt.Sprintf("feed %s %d", f.Store, records))
	return err
}

// search looks into bytes at hand.
func (s *scanner) search(store, name, within string, b []byte) {
	_ = s.tools.blob(bytes.NewReader(b), int64(len(b)), within, 0, func(i int, at int64, in string) { s.hit(store, name, in, i, at) })
	if s.control != nil {
		_ = s.control.blob(bytes.NewReader(b), int64(len(b)), within, 0, func(int, int64, string) { s.seen() })
	}
}

const maxHits = 10_000

func (s *scanner) hit(store, name, within string, i int, at int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.report.Hits) < maxHits {
		x := s.cfg.Needles.List[i]
		s.report.Hits = append(s.report.Hits, Hit{Store: store, Path: name, Needle: x.Name, Form: x.Form, Within: strings.TrimPrefix(within, "/"), At: at})
	}
}

func (s *scanner) seen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.controls++
}

// see searches the planted control with the same code as everything else.
func (s *scanner) see(p planted) {
	found := false
	_ = newTools(p.needles).blob(bytes.NewReader(p.bytes), int64(len(p.bytes)), "", 0, func(int, int64, string) { found = true })
	s.report.Control = "missed"
	if found && (s.control == nil || s.controls > 0) {
		s.report.Control = "found"
	}
}

func (s *scanner) result() Report {
	r := s.report
	for id := range s.stores {
		r.Stores = append(r.Stores, id)
	}
	slices.Sort(r.Stores)
	slices.Sort(r.Unknown)
	slices.Sort(s.read)
	slices.SortFunc(r.Hits, func(a, b Hit) int {
		return strings.Compare(a.Store+a.Path+a.Needle+a.Form, b.Store+b.Path+b.Needle+b.Form)
	})
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%s\n%d %d %s", strings.Join(s.read, "\n"), len(r.Hits), len(r.Unknown), r.Control)
	r.Digest = hex.EncodeToString(sum.Sum(nil))
	return r
}

// planted is a control text of the scan's own, hidden as deep as it looks.
type planted struct {
	needles *Needles
	bytes   []byte
}

func plant() (planted, error) {
	text := "control-" + rand.Text()
	p := planted{needles: NewNeedles()}
	p.needles.Add("control", text)
	hidden, err := hide(text)
	p.bytes = hidden
	return p, err
}

// isGone recognises a file that is not there any more.
func isGone(err error) bool { return errors.Is(err, fs.ErrNotExist) }
