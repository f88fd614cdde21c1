package worker_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/invopop/jsonschema"

	"github.com/westshore/hub/services/worker"
)

var update = flag.Bool("update", false, "write the schemas of the contract")

// TestSchemasAreCurrent keeps events/schema/worker, by which workers in other
// languages read the contract, in step with the types.
func TestSchemasAreCurrent(t *testing.T) {
	dir := filepath.Join("..", "..", "events", "schema", "worker")
	for name, v := range map[string]any{
		"next.request": worker.Ask{}, "next.answer": worker.Offer{}, "claims.request": worker.Claimed{}, "claims.answer": worker.Payload{},
		"started.request": worker.Begun{}, "results.request": worker.Result{}, "events.answer": worker.Page{},
		"webhook": worker.CloudEvent[worker.Change]{},
	} {
		r := jsonschema.Reflector{Anonymous: true, ExpandedStruct: true, DoNotReference: true, AllowAdditionalProperties: true}
		s := r.Reflect(v)
		s.Title = "hub worker contract: " + name
		b, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, '\n')
		file := filepath.Join(dir, name+".json")
		if *update {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(file); err != nil || !bytes.Equal(have, b) {
			t.Errorf("%s is not current (%v): run go test ./services/worker -update", file, err)
		}
	}
}
