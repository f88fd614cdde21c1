package mailtest

import (
	"os"
	"strings"
	"testing"
)

// Run starts a System for the length of a test. Where that is impossible the
// test is skipped, or fails when HUB_REQUIRE names dovecot or postfix.
func Run(t testing.TB) *System {
	t.Helper()
	if err := Missing(); err != nil {
		if Required("dovecot", "postfix") {
			t.Fatalf("HUB_REQUIRE asks for it, but: %v", err)
		}
		t.Skipf("no mail system: %v", err)
	}
	// Not t.TempDir: its path is long and closed to Dovecot's users.
	dir, err := os.MkdirTemp("", "mt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := Start(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Logf("stop mail system: %v", err)
		}
	})
	return s
}

// Required reports whether HUB_REQUIRE, a comma list, names one of these.
func Required(names ...string) bool {
	for _, have := range strings.Split(os.Getenv("HUB_REQUIRE"), ",") {
		for _, n := range names {
			if strings.TrimSpace(have) == n {
				return true
			}
		}
	}
	return false
}
