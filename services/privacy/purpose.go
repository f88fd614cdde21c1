package privacy

import (
	"fmt"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// Purpose is one purpose of processing, in the terms of the policy and the law.
type Purpose struct {
	ID     events.Purpose  `json:"id"`
	Title  string          `json:"title"`
	Clause events.ClauseID `json:"clause,omitempty"` // empty: a duty of law, not of the policy
	Basis  string          `json:"basis"`            // GDPR article
	DPV    string          `json:"dpv"`              // W3C Data Privacy Vocabulary 2.0, https://w3id.org/dpv#
}

// Purposes lists every purpose that the registry knows, in the policy's order.
func Purposes() []Purpose {
	return []Purpose{
		{events.PurposeSupport, "Answer inquiries", "2.1", "6(1)(b), 6(1)(f)", "CommunicationForCustomerCare"},
		{events.PurposeImprove, "Improve the service, by aggregates", "2.1", "6(1)(f)", "ImproveExistingProductsAndServices"},
		{events.PurposeAdmin, "Send administrative messages", "2.2", "6(1)(b), 6(1)(c)", "CustomerCare"},
		{events.PurposePromotion, "Send promotions", "2.3", "6(1)(a)", "DirectMarketing"},
		{events.PurposePersonalise, "Personalise", "2.3", "6(1)(a)", "ServicePersonalisation"},
		{events.PurposeConsent, "Prove consent and its withdrawal", "2.3", "6(1)(c)", "LegalCompliance"},
		{events.PurposeFraud, "Prevent fraud and misuse", "2.4", "6(1)(f)", "FraudPreventionAndDetection"},
		{events.PurposeDispute, "Resolve disputes", "2.4", "6(1)(f)", "DisputeManagement"},
		{events.PurposeLegal, "Comply with legal demands", "3.2", "6(1)(c)", "LegalCompliance"},
		{events.PurposeDSR, "Answer requests of data subjects", "", "6(1)(c)", "LegalCompliance"},
	}
}

// Category is one kind of personal data, in the terms of the policy.
type Category struct {
	ID     events.Category `json:"id"`
	Title  string          `json:"title"`
	Clause events.ClauseID `json:"clause,omitempty"`
	DPV    string          `json:"dpv"` // https://w3id.org/dpv/pd#
}

// Categories lists every category that the registry knows.
func Categories() []Category {
	return []Category{
		{events.Contact, "Contact information", "1.1", "Contact"},
		{events.Account, "Account information", "1.2", "UserAccount"},
		{events.Communication, "Communication information", "1.3", "Communication"},
		{events.Usage, "Usage information", "1.4", "BrowsingBehavior"},
		{events.Special, "Information that must not be kept", "1.3", "SpecialCategoryPersonalData"},
		{events.Fraud, "Case files", "2.4", "Behavioral"},
	}
}

// How far a grant goes. What no grant names is denied.
const (
	openFully = "open"
	openPart  = "masked"
)

// grants writes the vault's matrix down as the registry keeps it.
func grants(p vault.Policy) []events.PolicyGrant {
	out := make([]events.PolicyGrant, 0, len(p.Cells))
	for _, c := range p.Cells {
		level := openFully
		if c.Give == vault.Part {
			level = openPart
		}
		out = append(out, events.PolicyGrant{Purpose: c.Purpose, Role: c.Role, Category: c.Category, Level: level, Matter: c.Matter, Two: c.Two})
	}
	return out
}

// Matrix is a policy's purpose limitation as the vault enforces it.
func Matrix(p events.PolicyVersionPublished) vault.Policy {
	out := vault.Policy{Version: p.Policy}
	for _, g := range p.Matrix {
		give := vault.All
		if g.Level == openPart {
			give = vault.Part
		}
		out.Cells = append(out.Cells, vault.Cell{Role: g.Role, Purpose: g.Purpose, Category: g.Category, Give: give, Matter: g.Matter, Two: g.Two})
	}
	return out
}

// checkMatrix holds a published matrix against the registry's words.
func checkMatrix(matrix []events.PolicyGrant) error {
	seen := map[events.PolicyGrant]bool{}
	for _, g := range matrix {
		cell := events.PolicyGrant{Purpose: g.Purpose, Role: g.Role, Category: g.Category}
		switch {
		case seen[cell]:
			return &RuleError{"matrix", fmt.Sprintf("Role %s, purpose %s and category %s stand twice.", g.Role, g.Purpose, g.Category)}
		case g.Level != openFully && g.Level != openPart:
			return &RuleError{"matrix", fmt.Sprintf("A grant is %q or %q, not %q.", openFully, openPart, g.Level)}
		case !slices.ContainsFunc(Purposes(), func(p Purpose) bool { return p.ID == g.Purpose }):
			return &RuleError{"matrix", fmt.Sprintf("There is no purpose %q.", g.Purpose)}
		case !slices.ContainsFunc(Categories(), func(c Category) bool { return c.ID == g.Category }):
			return &RuleError{"matrix", fmt.Sprintf("There is no category %q.", g.Category)}
		}
		seen[cell] = true
	}
	return nil
}
