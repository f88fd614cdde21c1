package privacy_test

import (
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/services/privacy"
)

var update = flag.Bool("update", false, "write the record of processing anew")

// TestRecordOfProcessingIsCurrent is PRIVACY test 33: generated = committed. The
// record changes with the catalogue of events, so whoever adds personal data to
// an event sees here what it adds.
//
// clause: 3.1
func TestRecordOfProcessingIsCurrent(t *testing.T) {
	r := open(t, journaltest.New(t), &clock{monday})
	must(t, r.Register(t.Context(), by(), relay()))
	record := r.Now().ROPA(privacy.Identity{Controller: "Westshore BPO", Contact: "privacy@desk.example"})
	j, err := json.MarshalIndent(record, "", "  ")
	must(t, err)
	for name, got := range map[string]string{"testdata/ropa.md": record.Markdown(), "testdata/ropa.json": string(j) + "\n"} {
		if *update {
			must(t, os.WriteFile(name, []byte(got), 0o644))
		}
		want, err := os.ReadFile(name)
		must(t, err)
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s is not what the registry and the catalogue say: look at the difference, then go test ./services/privacy -update\n%s", name, diff)
		}
	}
}
