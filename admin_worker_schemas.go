package main

import (
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"strings"
)

// contract are the JSON Schemas of the worker contract, one for each message. The
// text of the contract is in deploy/worker-example.
//
//go:embed events/schema/worker/*.json
var contract embed.FS

// workerSchemas prints them as one object, for whoever writes a worker.
func workerSchemas() error {
	const dir = "events/schema/worker"
	files, err := contract.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read schemas: %w", err)
	}
	out := map[string]json.RawMessage{}
	for _, f := range files {
		if out[strings.TrimSuffix(f.Name(), ".json")], err = contract.ReadFile(path.Join(dir, f.Name())); err != nil {
			return fmt.Errorf("read schemas: %w", err)
		}
	}
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}
