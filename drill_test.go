package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestErasureDrill is acceptance test 7, and 8 for the embedded bus: canaries in
// every field, header, file name, encoding and failing input go through the real
// doors, and after the erasure no byte of any store, log or output holds one.
//
// clause: 1.1 1.3 S4
func TestErasureDrill(t *testing.T) {
	dir := t.TempDir()
	// What the process prints is searched as well.
	printed, err := os.Create(filepath.Join(dir, "printed"))
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = printed, printed
	r, err := drill(t.Context(), dir)
	os.Stdout, os.Stderr = stdout, stderr
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Failures {
		t.Error(f)
	}
	if r.Canaries < 40 || len(r.Before.Hits) < 20 {
		t.Errorf("a drill of %d canaries that were found %d times proves little", r.Canaries, len(r.Before.Hits))
	}
	b, err := os.ReadFile(printed.Name())
	if err != nil || len(b) > 0 {
		t.Errorf("the hub printed %q (%v)", b, err)
	}
	t.Logf("%d canaries, %d finds before, %d files, %d bytes, %s", r.Canaries, len(r.Before.Hits), r.After.Files, r.After.Bytes, r.Took)
}
