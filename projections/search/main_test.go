package search_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain keeps property tests short: every history has a database of its own.
// -rapid.checks asks for more.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "30"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}
