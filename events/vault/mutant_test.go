package vault_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mutants are mistakes that the suite has to notice: what stands in the file
// becomes something else, and the tests named must fail. The product never holds
// them: go test -overlay swaps the file while compiling.
var mutants = []struct{ name, file, from, to, tests string }{
	{
		"no fence", "fence.go",
		"if uint64(u) <= fence {", "if uint64(u) < 0 {",
		"TestRandomInterleavingsOfWritersAndFences|TestFenceKeepsALateWriterOut",
	},
	{
		"sweep ignoring holds", "destroy.go",
		`cond, args := "hold_n = 0", []any(nil)`, `cond, args := "hold_n >= 0", []any(nil)`,
		"TestHoldsSweepsAndErasuresAgree|TestDueSparesWhatIsHeldRestrictedOrReopened",
	},
	{
		"sweep ignoring the date", "destroy.go",
		`cond+" AND expires_at <= ?"`, `cond+" AND (expires_at <= ? OR true)"`,
		"TestDueSparesWhatIsHeldRestrictedOrReopened",
	},
	{
		"lengthening in silence", "schedule.go",
		"return earlier(end, then.end(s))", "return earlier(end, time.Time{}.Add(0*then.end(s).Sub(end)))",
		"TestKeysKnowWhenTheyEnd",
	},
	{
		"gate without a head", "ledger.go",
		"if head.Seq < mark.Seq || head.Seq < anchored.Seq {", "if head.Seq < 0 {",
		"TestMondaysBackupOpensOnlyAfterTheLedger",
	},
	{
		"cache kept after an erasure", "destroy.go",
		"v.cache.invalidate(kids)\n", "",
		"TestWarmCachesAreDrained|TestCachedKeyIsGoneAfterDestroy",
	},
}

// TestSeededMutantsAreCaught is the second half of PRIVACY section 6: a suite
// that does not notice these mistakes proves nothing.
//
// clause: S4
func TestSeededMutantsAreCaught(t *testing.T) {
	if !strings.Contains(os.Getenv("HUB_REQUIRE"), "mutants") {
		t.Skip("compiles the package once for each mutant; runs where HUB_REQUIRE names mutants")
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			path, err := filepath.Abs(m.file)
			if err != nil {
				t.Fatal(err)
			}
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Count(string(source), m.from) != 1 {
				t.Fatalf("%s does not hold the line once that the mutant changes", m.file)
			}
			dir := t.TempDir()
			mutated, overlay := filepath.Join(dir, m.file), filepath.Join(dir, "overlay.json")
			write(t, mutated, []byte(strings.Replace(string(source), m.from, m.to, 1)))
			doc, err := json.Marshal(map[string]map[string]string{"Replace": {path: mutated}})
			if err != nil {
				t.Fatal(err)
			}
			write(t, overlay, doc)
			cmd := exec.CommandContext(t.Context(), "go", "test", "-vet=off", "-overlay", overlay, "-run", "^("+m.tests+")$", ".", "-rapid.shrinktime=0s")
			cmd.Env = append(os.Environ(), "HUB_REQUIRE=")
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Errorf("the suite did not notice:\n%s", out)
			}
			if !strings.Contains(string(out), "--- FAIL") {
				t.Errorf("the mutant did not fail a test, it failed to run:\n%s", out)
			}
		})
	}
}
