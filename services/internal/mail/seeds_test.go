package mail_test

import (
	"os"
	"path/filepath"
	"testing"
)

// seeds are the golden mails.
func seeds(tb testing.TB) [][]byte {
	tb.Helper()
	files, err := filepath.Glob("testdata/golden/*.eml")
	if err != nil {
		tb.Fatal(err)
	}
	var out [][]byte
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}
