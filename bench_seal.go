package main

import (
	"context"
	"encoding/json"
	"io"

	"github.com/westshore/hub/deploy/bench"
)

// benchSeal measures sealing, opening, destroying and wrapping anew.
func benchSeal(ctx context.Context, out io.Writer, flags map[string]string) error {
	n, err := counts(flags, map[string]int{"keys": 1_000_000})
	if err != nil {
		return err
	}
	s, err := bench.RunSeal(ctx, n["keys"])
	if err != nil {
		return err
	}
	return s.Print(json.NewEncoder(out))
}
