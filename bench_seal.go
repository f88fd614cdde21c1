package main

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/westshore/hub/deploy/bench"
)

// benchSeal measures sealing, opening, destroying and wrapping anew, or with
// --only one of them.
func benchSeal(ctx context.Context, out io.Writer, flags map[string]string) error {
	only := flags["only"]
	delete(flags, "only")
	if only != "" && !slices.Contains(bench.SealSteps(), only) {
		return misuse("--only is one of %s", strings.Join(bench.SealSteps(), ", "))
	}
	n, err := counts(flags, map[string]int{"keys": 1_000_000})
	if err != nil {
		return err
	}
	s, err := bench.RunSeal(ctx, n["keys"], only)
	if err != nil {
		return err
	}
	return s.Print(json.NewEncoder(out))
}
