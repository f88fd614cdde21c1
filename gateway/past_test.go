package gateway_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// TestTicketAsItStood asks for a ticket at every moment of its life (EVENTS 3,
// tickets/{id}?at=), and after its customer's keys are gone.
func TestTicketAsItStood(t *testing.T) {
	h := newHouse(t)
	bob := h.login("bob@desk.example")
	before := time.Now()
	tk := bob.ticket("Radio")
	at := "/tickets/" + tk.ID
	h.eventually("the acknowledgement", func() bool {
		var d detail
		h.ok(bob.get(at), &d)
		return len(d.Messages) == 2
	})
	stood := func(when time.Time) (d detail) {
		t.Helper()
		h.ok(bob.get(at+"?at="+url.QueryEscape(when.Format(time.RFC3339Nano))), &d)
		return d
	}
	opened := time.Now()
	h.ok(bob.post(at+"/reply", map[string]any{"text": "Turn it on."}), nil)
	replied := time.Now()
	h.ok(bob.post(at+"/assign", map[string]string{"agent": string(h.admin)}), nil)
	first := time.Now()
	h.ok(bob.post(at+"/assign", map[string]string{"agent": "me"}), nil)
	second := time.Now()
	last := h.ok(bob.post(at+"/resolve", nil), nil)
	var now detail
	h.ok(bob.get(at, "Hub-Position", last.Header.Get("Hub-Position")), &now)

	for _, m := range []struct {
		when             time.Time
		messages         int
		assignee, status string
	}{
		{opened, 2, "", "open"},
		{replied, 3, "", "open"},
		{first, 3, "Ada Admin", "open"},
		{second, 3, "Bob Agent", "open"},
		{time.Now(), 3, "Bob Agent", "resolved"},
		{time.Now().Add(time.Hour), 3, "Bob Agent", "resolved"},
	} {
		d := stood(m.when)
		name := ""
		if d.Assignee.Ref != nil {
			name = d.Assignee.Name
		}
		if len(d.Messages) != m.messages || name != m.assignee || d.Status != m.status || d.Subject != "Radio" || d.Messages[0].Text != "Please help with Radio" {
			t.Errorf("at %s: %d messages, %q, %s, %q", m.when, len(d.Messages), name, d.Status, d.Subject)
		}
	}
	if p := bob.get(at + "?at=" + url.QueryEscape(before.Format(time.RFC3339Nano))).problem(t); p.Status != http.StatusNotFound {
		t.Errorf("before it was opened: %+v", p)
	}
	for _, bad := range []string{"yesterday", "2026-13-01T00:00:00Z", "2026-03-01", "1767225600"} {
		if p := bob.get(at + "?at=" + bad).problem(t); p.Status != http.StatusUnprocessableEntity || len(p.Errors) != 1 || p.Errors[0].Location != "query.at" {
			t.Errorf("at=%s: %+v", bad, p)
		}
	}

	// What is erased now is gone from every moment before.
	_, err := h.kit.Vault.Destroy(t.Context(), vault.Order{ID: events.NewUUID(), Cause: vault.CauseSubject}, h.keysOf(now.Messages[0].ID))
	h.must(err)
	if d := stood(first); len(d.Messages) != 3 || d.Messages[0].State != "erased" || d.Messages[0].Text != "" || d.Subject != "" || d.Customer.Address != "" || d.Assignee.Name != "Ada Admin" {
		t.Errorf("after an erasure: %+v", d)
	}
}

// keysOf names every key of an inquiry.
func (h *house) keysOf(inquiry string) (kids []events.KID) {
	h.Helper()
	all, err := h.kit.Load(h.Context(), events.InquiryStream(events.InquiryID(inquiry)), nil)
	h.must(err)
	for _, r := range all {
		for _, s := range r.Meta.Segments {
			kids = append(kids, s.KID)
		}
	}
	return kids
}
