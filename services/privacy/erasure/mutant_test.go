package erasure_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mutants are mistakes in the office that its tests must catch. Each replaces one
// piece of one file; the suite is built with it through an overlay and has to fail.
var mutants = []struct{ name, file, from, to, test string }{
	{"no purge", "purge.go", "rows, err := st.Purge(ctx, order)", "rows, err := 0, error(nil)", "TestErasureIsCarriedOutAndProved"},
	{"no fence", "steps.go", "o.cfg.Ledger.Fence(ctx, s.Scope.Order, subject)", "func(events.SubjectID) error { return nil }(subject)", "TestErasureIsCarriedOutAndProved"},
	{"no fence, walked", "steps.go", "o.cfg.Ledger.Fence(ctx, s.Scope.Order, subject)", "func(events.SubjectID) error { return nil }(subject)", "TestTheHouseWalksAsTheModel"},
	{"a restored vault is let in as it is", "ledger.go", "!yield(entry, err) || err != nil", "!yield(vault.LedgerEntry{Seq: entry.Seq, Hash: entry.Hash, Prev: entry.Prev, Kind: vault.LedgerRelease, Order: entry.Order}, err) || err != nil", "TestTheHouseWalksAsTheModel"},
	{"no tombstone", "steps.go", "if err := tombstones(ctx, o.j, s.Scope.Order, vault.CauseSubject, o.now(), gone); err != nil {", "if err := error(nil); err != nil && len(gone) > 0 {", "TestErasureIsCarriedOutAndProved"},
}

// TestSeededMutantsAreCaught: a suite that would pass without the purge is worth
// nothing.
//
// clause: S4
func TestSeededMutantsAreCaught(t *testing.T) {
	if !strings.Contains(os.Getenv("HUB_REQUIRE"), "mutants") {
		t.Skip("compiles the package once for each mutant; runs where HUB_REQUIRE names mutants")
	}
	t.Parallel()
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			here, err := filepath.Abs(m.file)
			check(t, err)
			source, err := os.ReadFile(here)
			check(t, err)
			if bytes.Count(source, []byte(m.from)) != 1 {
				t.Fatalf("%s does not hold the code that the mutant replaces, once", m.file)
			}
			dir := t.TempDir()
			wrong, overlay := filepath.Join(dir, m.file), filepath.Join(dir, "overlay.json")
			check(t, os.WriteFile(wrong, bytes.Replace(source, []byte(m.from), []byte(m.to), 1), 0o600))
			doc, err := json.Marshal(map[string]map[string]string{"Replace": {here: wrong}})
			check(t, err)
			check(t, os.WriteFile(overlay, doc, 0o600))
			cmd := exec.CommandContext(t.Context(), "go", "test", "-vet=off", "-count=1", "-overlay", overlay, "-run", "^"+m.test+"$", ".")
			cmd.Env = append(os.Environ(), "HUB_REQUIRE=")
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatalf("the suite passes without it:\n%s", out)
			}
			if !strings.Contains(string(out), "--- FAIL: "+m.test) {
				t.Fatalf("the suite did not fail, it broke:\n%s", out)
			}
		})
	}
}
