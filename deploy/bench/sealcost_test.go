package bench_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// plaintext turns the hub into one that seals nothing: texts stand in the log as
// they are, and no key is made or kept. It exists for this comparison alone; the
// product has no such switch.
var plaintext = []struct{ file, from, to string }{
	{"events/vault/mint.go", "err := v.w.do(ctx, &job{run: func(ctx context.Context, w *writer) error { return v.insertKeys(ctx, w, u, now, rows) }})", "err := error(nil)"},
	{"events/vault/mint.go", "		rand.Read(k.DEK[:])\n", ""},
	{"events/vault/mint.go", "space = wrap(space, set.aead[set.current], k.DEK[:], r.kid[:])", "space = append(space, make([]byte, wrapSize)...)"},
	{"events/vault/keys.go", "	if v.gated.Load() {\n		return nil, fmt.Errorf(\"open keys: %w\", ErrGated)\n	}\n", "	if len(kids) > 0 {\n		var none [32]byte\n		commit, plain := commitment(none[:]), make([]Result, len(kids))\n		for i := range plain {\n			plain[i] = Result{State: events.Plain, Commit: commit[:]}\n		}\n		return plain, nil\n	}\n"},
	{"events/seal/cipher.go", "	if uint64(len(plain)) > 1<<30 {", "	if dek != nil {\n		return append(append(make([]byte, 0, overhead+minPadded+len(plain)), make([]byte, overhead)...), plain...), nil\n	}\n	if uint64(len(plain)) > 1<<30 {"},
	{"events/seal/cipher.go", "	if len(sealed) < overhead+minPadded || sealed[0] != format {", "	if len(sealed) >= overhead {\n		return sealed[overhead:], nil\n	}\n	if len(sealed) < overhead+minPadded || sealed[0] != format {"},
	{"events/seal/blob.go", "	chunks := max(1,", "	if aead != nil {\n		return append(make([]byte, headSize+tagSize), plain...), nil\n	}\n	chunks := max(1,"},
	{"events/seal/blob.go", "	if len(sealed) < headSize+tagSize || sealed[0] != format {", "	if len(sealed) >= headSize+tagSize {\n		return sealed[headSize+tagSize:], nil\n	}\n	if len(sealed) < headSize+tagSize || sealed[0] != format {"},
}

// TestSealingCostsLittle measures what the pipeline loses to sealing: the hub as it
// is, and one that was built without, take turns on the same mails (issue 4: 25
// percent at most).
func TestSealingCostsLittle(t *testing.T) {
	if !strings.Contains(os.Getenv("HUB_REQUIRE"), "sealcost") {
		t.Skip("builds the hub twice and needs a quiet machine with Dovecot; runs where HUB_REQUIRE names sealcost")
	}
	dir := t.TempDir()
	sealed, open := filepath.Join(dir, "hub"), filepath.Join(dir, "hub-open")
	build(t, "-o", sealed)
	build(t, "-overlay", overlay(t, dir), "-o", open)
	best := map[string]float64{}
	for range 2 {
		for _, hub := range []string{sealed, open} {
			cmd := exec.CommandContext(t.Context(), hub, "bench", "pipeline", "--mails", "3000", "--singles", "1")
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s: %v", filepath.Base(hub), err)
			}
			var result struct {
				Rate float64 `json:"mails_per_s"`
				CPU  float64 `json:"hub_cpu_ms_per_mail"`
			}
			if err := json.Unmarshal(out, &result); err != nil {
				t.Fatal(err)
			}
			t.Logf("%-8s %.0f mails/s, %.2f ms of processor time a mail", filepath.Base(hub), result.Rate, result.CPU)
			best[hub] = max(best[hub], result.Rate)
		}
	}
	loss := 1 - best[sealed]/best[open]
	t.Logf("sealing costs %.0f percent", 100*loss)
	if loss > 0.25 {
		t.Errorf("the pipeline loses %.0f percent of its throughput to sealing, want 25 at most", 100*loss)
	}
}

func build(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append(append([]string{"build"}, args...), ".")...)
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// overlay writes the files of the hub that seals nothing.
func overlay(t *testing.T, dir string) string {
	t.Helper()
	replaced, changed := map[string]string{}, map[string]string{}
	for _, p := range plaintext {
		path, err := filepath.Abs(filepath.Join("..", "..", p.file))
		if err != nil {
			t.Fatal(err)
		}
		source, had := changed[path]
		if !had {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			source = string(b)
		}
		if strings.Count(source, p.from) != 1 {
			t.Fatalf("%s does not hold %q once", p.file, p.from)
		}
		changed[path] = strings.Replace(source, p.from, p.to, 1)
	}
	for path, source := range changed {
		replaced[path] = filepath.Join(dir, strings.ReplaceAll(filepath.Base(filepath.Dir(path))+"_"+filepath.Base(path), "/", "_"))
		if err := os.WriteFile(replaced[path], []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	doc, err := json.Marshal(map[string]map[string]string{"Replace": replaced})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
