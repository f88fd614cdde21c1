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
	flags, rest, err := parseFlags(args)
	if err != nil {
		return err
	}
	if len(rest) != 1 || rest[0] != "pipeline" {
		return misuse("say what to measure: pipeline")
	}
	n := map[string]int{"mails": 5000, "singles": 50}
	for name, value := range flags {
		if _, ok := n[name]; !ok {
			return misuse("there is no flag --%s", name)
		}
		if n[name], err = strconv.Atoi(value); err != nil || n[name] < 1 || n[name] > 1_000_000 {
			return misuse("--%s %q is no number of mails", name, value)
		}
	}
	p, err := bench.RunPipeline(ctx, n["mails"], n["singles"])
	if err != nil {
		return err
	}
	return p.Print(json.NewEncoder(os.Stdout))
}
