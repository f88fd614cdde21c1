package vault

import (
	"fmt"

	"github.com/westshore/hub/events"
)

// rule is one allowed combination: this role may open this category for this
// purpose. What stands in no rule is denied.
type rule struct {
	role     events.Role
	purpose  events.Purpose
	category events.Category
}

// matrix is the purpose limitation of the published policy as data (PRIVACY
// 1.2, policy clauses 2.1 and 2.2). Opening C-ACCOUNT gives the whole profile:
// agents see each other's names.
var matrix = buildMatrix()

func buildMatrix() map[rule]bool {
	m := map[rule]bool{}
	allow := func(role events.Role, purpose events.Purpose, categories ...events.Category) {
		for _, c := range categories {
			m[rule{role, purpose, c}] = true
		}
	}
	for _, role := range []events.Role{events.RoleAgent, events.RoleAdmin, events.RoleView, events.RoleDesk} {
		allow(role, events.PurposeSupport, events.Contact, events.Communication, events.Account)
	}
	allow(events.RoleOutbox, events.PurposeSupport, events.Contact, events.Communication)
	allow(events.RoleOutbox, events.PurposeAdmin, events.Contact, events.Communication)
	return m
}

// denied returns the rule that keeps a principal from a category, empty when
// it may open it.
func denied(p events.Principal, c events.Category) string {
	if matrix[rule{p.Role, p.Purpose, c}] {
		return ""
	}
	return fmt.Sprintf("%s: role %q may not open %s for purpose %q", events.PolicyVersion, p.Role, c, p.Purpose)
}
