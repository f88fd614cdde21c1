package main

import (
	"context"
	"encoding/json"
	"io"

	"github.com/westshore/hub/deploy/bench"
)

// benchStore measures the event store: append, replay or subscribe.
func benchStore(ctx context.Context, what string, out io.Writer, flags map[string]string) error {
	var result any
	defaults := map[string]map[string]int{
		"append":    {"seconds": 4},
		"replay":    {"small": 100_000, "large": 1_000_000, "streams": 100_000},
		"subscribe": {"events": 2000},
	}[what]
	n, err := counts(flags, defaults)
	if err != nil {
		return err
	}
	switch what {
	case "append":
		result, err = bench.RunAppend(ctx, n["seconds"])
	case "replay":
		result, err = bench.RunReplay(ctx, []int{n["small"], n["large"]}, n["streams"])
	default:
		result, err = bench.RunSubscribe(ctx, n["events"])
	}
	if err != nil {
		return err
	}
	return bench.PrintResult(json.NewEncoder(out), result)
}
