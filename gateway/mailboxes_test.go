package gateway_test

import (
	"strings"
	"testing"
)

// What changes a mailbox is an administrator's; a mailbox that is not there is
// not found (FIELD 3.23, 3.28).
func TestMailRoom(t *testing.T) {
	h := newHouse(t)
	bob, ada := h.login("bob@desk.example"), h.login("ada@desk.example")
	for path, body := range map[string]any{
		"/mailboxes/support/reconciliation": nil, "/mailboxes/support/connect": nil, "/mailboxes/connect": map[string]string{"state": "x", "code": "y"},
	} {
		if a := bob.post(path, body); a.StatusCode != 403 {
			t.Errorf("an agent, %s: %d", path, a.StatusCode)
		}
		if a := ada.post(path, body); a.StatusCode != 404 {
			t.Errorf("an administrator, %s: %d %s", path, a.StatusCode, a.body)
		}
	}
	if a := bob.get("/mailboxes/nosuch/reconciliation"); a.StatusCode != 404 {
		t.Errorf("report of no mailbox: %d", a.StatusCode)
	}
	if a := bob.post("/quarantine/"+strings.Repeat("0", 32)+"/retry", nil); a.StatusCode != 404 {
		t.Errorf("retry of nothing: %d", a.StatusCode)
	}
}
