package gateway_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/accounts"
)

// Who may call what, said a second time and apart from the code: what stands in
// neither list is for every agent, and what is under /privacy is for the office
// unless it stands in the third.
var (
	forAdmins = []string{
		"POST /agents", "POST /agents/{id}/deactivate", "POST /mailboxes/{id}/reconciliation", "POST /mailboxes/{id}/connect", "POST /mailboxes/connect",
		"POST /notices/{id}/approve", "POST /notices/{id}/start", "POST /notices/{id}/resume",
	}
	forOfficers      = []string{"POST /tickets/{id}/messages/{message}/redact"}
	privacyForAgents = []string{
		"GET /privacy/consents", "POST /privacy/consents/{customer}/ask", "POST /privacy/consents/{customer}/withdraw",
		"POST /privacy/cases/{id}/note", "POST /privacy/cases/{id}/ask", "POST /privacy/cases/{id}/read",
	}
)

// Every operation of the API, asked by everybody (FIELD 23, 24). An operation that is
// new and declared nowhere is refused to all, and fails here.
func TestWhoMayDoWhat(t *testing.T) {
	h := newHouse(t)
	_, err := h.accounts.Add(t.Context(), "system:test", accounts.New{Name: "Pia", Email: "pia@desk.example", Role: events.RolePrivacy, Password: password})
	h.must(err)
	callers := map[events.Role]caller{
		events.RoleAgent: h.login("bob@desk.example"), events.RolePrivacy: h.login("pia@desk.example"), events.RoleAdmin: h.login("ada@desk.example"),
	}
	var doc struct {
		Paths map[string]map[string]struct{}
	}
	h.ok(h.send("GET", "/api/openapi.json", nil), &doc)
	var listed []string
	for p, methods := range doc.Paths {
		for m := range methods {
			listed = append(listed, strings.ToUpper(m)+" "+p)
		}
	}
	for _, op := range slices.Concat(forAdmins, forOfficers, privacyForAgents) {
		if !slices.Contains(listed, op) {
			t.Errorf("%s is no operation", op)
		}
	}
	for _, op := range listed {
		method, p, _ := strings.Cut(op, " ")
		if op == "POST /session" || op == "DELETE /session" { // others' tests
			continue
		}
		admins := slices.Contains(forAdmins, op)
		office := slices.Contains(forOfficers, op) || strings.HasPrefix(p, "/privacy/") && !slices.Contains(privacyForAgents, op)
		query := ""
		if op == "GET /privacy/consents" {
			query = "?customer=1"
		}
		p = regexp.MustCompile(`\{\w+\}`).ReplaceAllString(strings.ReplaceAll(p, "/agents/{id}/password", "/agents/me/password"), "1")
		for role, c := range callers {
			// Neither the body nor the positions can be read: nothing is done.
			a := c.send(method, "/api/v1"+p+query, "{", append([]string{"Content-Type", "application/json", "Hub-Position", "x", "Last-Event-ID", "x"}, c.headers...)...)
			may := role == events.RoleAdmin || !admins && (role == events.RolePrivacy || !office)
			if refused := a.StatusCode == http.StatusForbidden; refused == may || a.StatusCode == http.StatusUnauthorized {
				t.Errorf("%s by %s: %d %s", op, role, a.StatusCode, a.body)
			}
			if a.StatusCode == http.StatusForbidden {
				if p := a.problem(t); p.Code != "forbidden" {
					t.Errorf("%s by %s: %+v", op, role, p)
				}
			}
		}
	}
}
