package privacy_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/privacy"
)

func TestPublishedPolicyIsWhatWasPublished(t *testing.T) {
	b, err := os.ReadFile("policy/wspp-2023-04-30.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := hash(b); got != privacy.FoundingHash {
		t.Errorf("the founding policy's text was edited: SHA-256 %s, want %s", got, privacy.FoundingHash)
	}
}

// Ids of clauses are cited in events, tests and certificates: never renumbered.
func TestClauseIDsAreCanonical(t *testing.T) {
	want := strings.Fields("PE P0 1.1 1.2 1.3 1.4 2.1 2.2 2.3 2.4 3.1 3.2 3.3 S4 S5")
	var got []string
	for _, id := range privacy.ClauseIDs() {
		got = append(got, string(id))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if id := privacy.FullID(events.PolicyVersion, "2.3"); id != "WSPP/2023-04-30#2.3" {
		t.Errorf("full id %s", id)
	}
}

func TestEveryClauseHasItsWords(t *testing.T) {
	clauses := privacy.FoundingClauses()
	if len(clauses) != len(privacy.ClauseIDs()) {
		t.Fatalf("%d clauses found in the text, want %d", len(clauses), len(privacy.ClauseIDs()))
	}
	b, err := os.ReadFile("policy/wspp-2023-04-30.txt")
	if err != nil {
		t.Fatal(err)
	}
	// What belongs to no clause is headings, a greeting and nothing else.
	headings := []string{"Westshore Services", "Privacy Policy", "Privacy Policy :", "Welcome to Westshore BPO", "1. Information: We Collect", "1. Use of Information:", "1. Information Sharing and Disclosure:"}
	for _, line := range strings.Split(string(b), "\n") {
		line = strings.TrimSpace(line)
		known := line == ""
		for _, c := range clauses {
			known = known || c.Text == line
		}
		for _, h := range headings {
			known = known || strings.HasPrefix(line, h)
		}
		if !known {
			t.Errorf("no clause holds %q", line)
		}
	}
}
