package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FIELD 2.27, 3.32: the grant of a mailbox rests sealed, is replaced as a whole,
// and a changed file is refused.
func TestSealedFile(t *testing.T) {
	f := sealedFile{path: filepath.Join(t.TempDir(), "oauth", "support.sealed"), key: bytes.Repeat([]byte{7}, 32)}
	if b, err := f.read(); b != nil || err != nil {
		t.Fatalf("before anything was written: %q %v", b, err)
	}
	for _, secret := range []string{"first refresh token", "second refresh token"} {
		if err := f.write([]byte(secret)); err != nil {
			t.Fatal(err)
		}
		if b, err := f.read(); string(b) != secret || err != nil {
			t.Errorf("%q %v", b, err)
		}
	}
	raw, err := os.ReadFile(f.path)
	if err != nil || bytes.Contains(raw, []byte("refresh")) {
		t.Errorf("the secret can be read in the file, or %v", err)
	}
	if info, err := os.Stat(f.path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(f.path), ".new-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	raw[len(raw)-1] ^= 1
	if err := os.WriteFile(f.path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.read(); err == nil {
		t.Error("a changed file was believed")
	}
}
