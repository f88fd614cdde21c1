package privacy

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// founding is the policy as Westshore published it, byte for byte.
//
//go:embed policy/wspp-2023-04-30.txt
var founding string

// FoundingHash is the SHA-256 of the founding policy's text. A test compares it
// with the file, so that nobody edits a published document.
const FoundingHash events.Hash = "14156e3c6633e708388ecc56267889d4a2a11cd70f2473226acf4d76907044ad"

// Clause is one clause of a policy with its words.
type Clause struct {
	ID    events.ClauseID
	Title string
	Text  string
}

// foundingClauses gives the clauses of the founding policy their ids, for good.
// The numbering of the published text is broken (its headings run 1, 1, 1, 1, 2),
// so a clause is found by the words it begins with.
var foundingClauses = []struct {
	id            events.ClauseID
	title, begins string
}{
	{"PE", "Effective date", "Effective Date:"},
	{"P0", "Agreement by use", "Please read this Privacy Policy carefully."},
	{"1.1", "Contact information", "1.1. "},
	{"1.2", "Account information", "1.2. "},
	{"1.3", "Communication information", "1.3. "},
	{"1.4", "Usage information", "1.4. "},
	{"2.1", "To provide and improve our services", "2.1. "},
	{"2.2", "To communicate with you", "2.2. "},
	{"2.3", "To personalize your experience", "2.3. "},
	{"2.4", "To ensure the security of our services", "2.4. "},
	{"3.1", "Service providers", "3.1. "},
	{"3.2", "Legal compliance", "3.2. "},
	{"3.3", "Business transfers", "3.3. "},
	{"S4", "Data security", "1. Data Security:"},
	{"S5", "Third-party links", "2. Third-Party Links:"},
}

// ClauseIDs lists the canonical ids, in the order of the document.
func ClauseIDs() []events.ClauseID {
	out := make([]events.ClauseID, len(foundingClauses))
	for i, c := range foundingClauses {
		out[i] = c.id
	}
	return out
}

// FoundingClauses are the clauses of the founding policy with their words.
func FoundingClauses() []Clause {
	lines := strings.Split(founding, "\n")
	out := make([]Clause, 0, len(foundingClauses))
	for _, c := range foundingClauses {
		for _, line := range lines {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, c.begins) {
				out = append(out, Clause{ID: c.id, Title: c.title, Text: line})
			}
		}
	}
	return out
}

// FullID is how a clause is cited: "WSPP/2023-04-30#2.3".
func FullID(policy string, id events.ClauseID) string { return fmt.Sprintf("%s#%s", policy, id) }

// hashOf is the content hash of a policy's text.
func hashOf(text string) events.Hash {
	sum := sha256.Sum256([]byte(text))
	return events.Hash(hex.EncodeToString(sum[:]))
}

// foundingPolicy is the first entry of every registry.
func foundingPolicy() events.PolicyVersionPublished {
	p := events.PolicyVersionPublished{
		Policy: events.PolicyVersion, Effective: time.Date(2023, 4, 30, 0, 0, 0, 0, time.UTC),
		SHA256: FoundingHash, Text: founding, Matrix: grants(vault.FoundingPolicy()),
	}
	for _, c := range foundingClauses {
		p.Clauses = append(p.Clauses, events.PolicyClause{ID: c.id, Title: c.title})
	}
	return p
}
