package console_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"log/slog"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/gateway"
	"github.com/westshore/hub/gateway/api"
	noticeviews "github.com/westshore/hub/projections/notices"
	"github.com/westshore/hub/services/notices"
)

var update = flag.Bool("update", false, "write app/openapi.json anew")

// The console's types are generated from the copy of the contract in app/openapi.json.
const contract = "app/openapi.json"

// TestContractIsTheGateways fails when the gateway's contract has moved away from
// the copy the console's types come from. Then: go test ./gateway/console -update,
// and npm run gen in app.
func TestContractIsTheGateways(t *testing.T) {
	// Rooms that a house may lack have operations only where they are.
	g, err := gateway.New(gateway.Config{Version: "0", Logger: slog.New(slog.DiscardHandler)}, gateway.Rooms{
		Notices: &notices.Notices{}, NoticeView: &noticeviews.View{}, Retention: &api.RetentionRoom{}, Mail: &api.MailRoom{},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := pretty(t, g.OpenAPI())
	if *update {
		if err := os.WriteFile(contract, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(contract)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(have)); diff != "" {
		t.Errorf("%s is not what the gateway serves; run: go test ./gateway/console -update, then npm run gen in gateway/console/app (-gateway +copy):\n%s", contract, diff)
	}
}

// pretty writes a JSON document indented, with its keys in order.
func pretty(t *testing.T, doc []byte) []byte {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
