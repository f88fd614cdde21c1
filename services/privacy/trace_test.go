package privacy_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/privacy"
)

// root is the repository, seen from this package.
const root = "../.."

// proof is a test that shows that a clause of the policy is kept.
type proof struct{ dir, name string }

// proofs reads every test of the repository and lists those that name a clause in
// their comment, as in "// clause: 2.3" or "// clause: 1.1 S4".
func proofs(t *testing.T) (found map[events.ClauseID][]proof, unknown []string) {
	t.Helper()
	found = map[events.ClauseID][]proof{}
	known := map[events.ClauseID]bool{}
	for _, id := range privacy.ClauseIDs() {
		known[id] = true
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Doc == nil {
				continue
			}
			for _, id := range named(fn.Doc.Text()) {
				switch {
				case !known[id]:
					unknown = append(unknown, fmt.Sprintf("%s: %s names the clause %s, which is not in the policy", path, fn.Name.Name, id))
				case !strings.HasPrefix(fn.Name.Name, "Test") && !strings.HasPrefix(fn.Name.Name, "Fuzz"):
					unknown = append(unknown, fmt.Sprintf("%s: %s names the clause %s and is no test", path, fn.Name.Name, id))
				default:
					found[id] = append(found[id], proof{filepath.ToSlash(dir), fn.Name.Name})
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found, unknown
}

// named lists the clauses that a comment names.
func named(comment string) []events.ClauseID {
	var out []events.ClauseID
	for _, line := range strings.Split(comment, "\n") {
		if list, ok := strings.CutPrefix(strings.TrimSpace(line), "clause:"); ok {
			for _, id := range strings.FieldsFunc(list, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' }) {
				out = append(out, events.ClauseID(id))
			}
		}
	}
	return out
}

// TestEveryClauseHasATest is PRIVACY test 33: from each clause of the published
// policy to the tests that show it is kept. The table is printed, also by
// `task test`.
func TestEveryClauseHasATest(t *testing.T) {
	found, unknown := proofs(t)
	for _, u := range unknown {
		t.Error(u)
	}
	var table strings.Builder
	fmt.Fprintf(&table, "\nPolicy %s: which test shows which clause\n", events.PolicyVersion)
	for _, c := range privacy.FoundingClauses() {
		list := found[c.ID]
		slices.SortFunc(list, func(a, b proof) int { return strings.Compare(a.dir+a.name, b.dir+b.name) })
		fmt.Fprintf(&table, "\n%-4s %s: %d\n", c.ID, c.Title, len(list))
		for _, p := range list {
			fmt.Fprintf(&table, "       %-28s %s\n", p.dir, p.name)
		}
		if len(list) == 0 {
			t.Errorf("no test shows that clause %s (%s) is kept: write one and put \"// clause: %s\" above it", c.ID, c.Title, c.ID)
		}
	}
	if testing.Verbose() {
		_, _ = fmt.Fprintln(os.Stdout, table.String())
	}
	if t.Failed() {
		t.Log(table.String())
	}
}

func TestTheTracerSeesClauses(t *testing.T) {
	got := named("TestX shows it.\n\nclause: 1.1, 1.3 S4\n")
	if want := []events.ClauseID{"1.1", "1.3", "S4"}; !slices.Equal(got, want) {
		t.Errorf("read %v, want %v", got, want)
	}
}
