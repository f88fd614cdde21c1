package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/westshore/hub"

// floors says who may import whom: imports only point down the house. A pattern
// that ends in /* stands for every package directly below. What is not listed
// imports nothing of ours.
var floors = map[string][]string{
	".":                      {"*"}, // main builds the house
	"gateway":                {"gateway/*", "services/desk", "services/accounts", "services/worker", "services/notices", "services/forms", "services/privacy", "services/privacy/*", "projections", "projections/*", "events"},
	"gateway/api":            {"gateway/live", "gateway/mailview", "services/desk", "services/accounts", "services/notices", "services/privacy", "services/privacy/*", "projections", "projections/*", "events"},
	"gateway/public":         {"gateway/mailview", "services/forms", "services/privacy/rights", "events"},
	"gateway/live":           {"projections", "events"},
	"services/accounts":      {"events", "events/journal", "events/seal", "events/blobs", "projections/sqldb"},
	"services/desk":          {"events", "events/journal", "events/store", "services/internal/cards"},
	"services/forms":         {"events", "events/journal", "events/seal", "events/blobs", "events/bus", "services/internal/cards"},
	"services/mailbox":       {"events", "events/journal", "events/seal", "events/blobs", "events/bus", "services/internal/mail", "services/internal/cards"},
	"services/notifier":      {"events", "events/journal", "events/seal", "events/blobs", "events/store", "events/bus", "services/internal/mail", "projections/outbox"},
	"services/privacy":       {"events", "events/journal", "events/vault"},
	"services/privacy/*":     {"services/privacy", "services/privacy/bundle", "services/privacy/scan", "events", "events/journal", "events/seal", "events/store", "events/vault", "events/blobs"},
	"services/notices":       {"events", "events/journal", "events/store", "services/internal/mail", "projections/notices"},
	"services/worker":        {"events", "events/journal", "events/store", "events/bus"},
	"gateway/worker":         {"services/worker", "events"},
	"services/recorder":      {"events", "events/journal", "events/store", "events/bus"},
	"services/internal/mail": {"events"},
	"projections":            {"events", "events/journal", "projections/sqldb"},
	"projections/*":          {"projections", "projections/sqldb", "events"},
	"projections/sqldb":      {},
	"events/journal":         {"events", "events/seal", "events/store", "events/vault"},
	"events/seal":            {"events", "events/vault"},
	"events/store":           {"events"},
	"events/vault":           {"events"},
	"events/bus":             {"events"},
	"events/blobs":           {"events"},
	"events/node":            {"events/node/ledger"},
	"deploy/sandbox":         {},
	"deploy/mailtest":        {},
	"deploy/bench":           {"*"}, // measures the whole house
}

// testKits may be imported by tests, and import what they put together.
var testKits = []string{"events/store/storetest", "events/journal/journaltest", "projections/projectiontest", "deploy/mailtest", "deploy/acceptance"}

// walls say where a third party may be imported: a library stays in its room, so
// that changing it changes one room.
var walls = map[string][]string{
	"github.com/nats-io/":                 {"events/bus"},
	"github.com/cockroachdb/pebble":       {"events/node/ledger", "deploy/bench"},
	"google.golang.org/grpc":              {"events/store", "events/node"},
	"github.com/EventStore/":              {"events/store", "events/node", "deploy/bench"},
	"github.com/gofiber/fiber":            {"gateway", "gateway/api", "gateway/public", "gateway/live", "gateway/ops", "gateway/worker"},
	"github.com/danielgtaylor/huma":       {"gateway", "gateway/api"},
	"github.com/emersion/go-imap":         {"services/mailbox", "deploy/sandbox", "deploy/mailtest"},
	"github.com/emersion/go-smtp":         {"services/notifier", "deploy/sandbox", "deploy/mailtest"},
	"modernc.org/sqlite":                  {"projections/sqldb", "events/vault", "deploy/bench"},
	"github.com/microcosm-cc/bluemonday":  {"gateway/mailview"},
	"github.com/wneessen/go-mail":         {"services/internal/mail"},
	"github.com/prometheus/client_golang": {"gateway/ops"},
	"github.com/jhillyerd/enmime":         {}, // tests only: one short mail stops it for hours
	"github.com/chromedp/chromedp":        {},
	"github.com/pelletier/go-toml":        {"."},
	"golang.org/x/crypto/argon2":          {"services/accounts"},
	"gocloud.dev":                         {"."},
}

// source is one Go file and what it imports.
type source struct {
	dir, file string
	test      bool
	imports   []string
}

func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || path == "deploy/tools" || strings.HasPrefix(d.Name(), ".") && path != ".") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		s := source{dir: filepath.ToSlash(filepath.Dir(path)), file: path, test: strings.HasSuffix(path, "_test.go")}
		for _, i := range f.Imports {
			name, _ := strconv.Unquote(i.Path.Value)
			s.imports = append(s.imports, name)
		}
		out = append(out, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// allowed finds the rule for a folder: its own, or that of its kind.
func allowed(dir string) []string {
	if rule, ok := floors[dir]; ok {
		return rule
	}
	return floors[filepath.ToSlash(filepath.Dir(dir))+"/*"]
}

func TestImportsOnlyPointDown(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || slices.Contains(testKits, s.dir) {
			continue
		}
		for _, name := range s.imports {
			ours, ok := strings.CutPrefix(name, module+"/")
			if !ok {
				continue
			}
			if slices.Contains(testKits, ours) && s.dir != "deploy/bench" && s.file != "bench_send.go" { // benchmarks measure with real servers
				t.Errorf("%s imports the test kit %s", s.file, ours)
			}
			rule := allowed(s.dir)
			if !slices.Contains(rule, "*") && !slices.Contains(rule, ours) && !slices.Contains(rule, filepath.ToSlash(filepath.Dir(ours))+"/*") {
				t.Errorf("%s imports %s: rooms import only what is below them (ARCHITECTURE, \"Who may import whom\"); pass a function from main instead", s.file, ours)
			}
		}
	}
}

func TestThirdPartiesStayInTheirRooms(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || slices.Contains(testKits, s.dir) {
			continue
		}
		for _, name := range s.imports {
			for library, rooms := range walls {
				if strings.HasPrefix(name, library) && !slices.Contains(rooms, s.dir) {
					t.Errorf("%s imports %s, which lives in %v only", s.file, name, rooms)
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItsRoomIsFor(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), s.file, nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Fatal(err)
		}
		documented[s.dir] = documented[s.dir] || f.Doc != nil && len(f.Doc.Text()) > 80
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("package in %s has no package comment that says what it is for, promises and never does", dir)
		}
	}
}

func TestRulesNameFoldersThatExist(t *testing.T) {
	dirs := map[string]bool{".": true}
	for _, s := range sources(t) {
		dirs[s.dir] = true
	}
	for dir := range floors {
		if !strings.HasSuffix(dir, "/*") && !dirs[dir] {
			t.Errorf("a rule is about %s, which is not there", dir)
		}
	}
}
