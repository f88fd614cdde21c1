package main

import (
	"context"
	"encoding/json"
	"os"
	"strconv"

	"github.com/westshore/hub/deploy/bench"
)

// benchCommand measures and prints JSON.
func benchCommand(ctx context.Context, args []string) error {
	flags, rest := parseFlags(args)
	if len(rest) != 1 || rest[0] != "pipeline" {
		return misuse("say what to measure: pipeline")
	}
	n := map[string]int{"mails": 5000, "singles": 50}
	for name, value := range flags {
		if _, ok := n[name]; !ok {
			return misuse("there is no flag --%s", name)
		}
		count, err := strconv.Atoi(value)
		if err != nil || count < 1 || count > 1_000_000 {
			return misuse("--%s %q is no number of mails", name, value)
		}
		n[name] = count
	}
	p, err := bench.RunPipeline(ctx, n["mails"], n["singles"])
	if err != nil {
		return err
	}
	return p.Print(json.NewEncoder(os.Stdout))
}
