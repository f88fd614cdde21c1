package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/gateway/api"
	"github.com/westshore/hub/services/desk"
)

type detail struct {
	api.Ticket
	Messages     []api.Message
	Participants []api.Address
}

func TestTicketFromFormToReply(t *testing.T) {
	h := newHouse(t)
	bob := h.login("bob@desk.example")
	tk := bob.ticket("Kettle leaks")
	if tk.Number != 1 || tk.Status != "open" || tk.Channel != "form" || tk.Customer.Address != "cleo@customer.example" || tk.Assignee.Ref != nil || tk.Tags == nil {
		t.Errorf("%+v", tk)
	}
	var d detail
	got := h.ok(bob.get("/tickets/"+tk.ID), &d)
	if got.Header.Get("Hub-Position") == "" || got.Header.Get("ETag") == "" {
		t.Errorf("headers %v", got.Header)
	}
	if len(d.Messages) == 0 || d.Messages[0].Kind != "inbound" || d.Messages[0].Text != "Please help with Kettle leaks" || d.Messages[0].State != "plain" {
		t.Fatalf("messages %+v", d.Messages)
	}
	if len(d.Participants) != 1 || d.Participants[0].Address != "cleo@customer.example" {
		t.Errorf("participants %+v", d.Participants)
	}
	var done api.Done
	sent := h.ok(bob.post("/tickets/1/reply", map[string]any{"text": "Try descaling.", "resolve": true}, "If-Match", got.Header.Get("ETag")), &done)
	if done.Ticket != tk.ID || done.Message == "" || len(done.Event) != 32 || sent.Header.Get("Hub-Position") == "" {
		t.Errorf("%+v %v", done, sent.Header)
	}
	// A read that names the position sees what was written.
	h.ok(bob.get("/tickets/"+tk.ID, "Hub-Position", sent.Header.Get("Hub-Position")), &d)
	last := d.Messages[len(d.Messages)-1]
	if d.Status != "resolved" || last.Kind != "reply" || last.Text != "Try descaling." || last.From.Name != "Bob Agent" || last.Delivery != "queued" || last.KeepUntil == nil {
		t.Errorf("%s %+v", d.Status, last)
	}
	var lines struct{ Items []api.HistoryLine }
	h.ok(bob.get("/tickets/1/history"), &lines)
	if n := len(lines.Items); n < 4 || lines.Items[n-1].Text != "Resolved" || lines.Items[n-1].Actor != "Bob Agent" {
		t.Errorf("history %+v", lines.Items)
	}
}

func TestCommandsOnATicket(t *testing.T) {
	h := newHouse(t)
	bob := h.login("bob@desk.example")
	tk := bob.ticket("Toaster")
	at := "/tickets/" + tk.ID
	h.ok(bob.post(at+"/assign", map[string]string{"agent": "me"}), nil)
	h.ok(bob.post(at+"/priority", map[string]string{"priority": "urgent"}), nil)
	h.ok(bob.post(at+"/tag", map[string]any{"add": []string{"vip", "oven"}}), nil)
	last := h.ok(bob.post(at+"/tag", map[string]any{"remove": []string{"oven"}}), nil)
	var d detail
	h.ok(bob.get(at, "Hub-Position", last.Header.Get("Hub-Position")), &d)
	if d.Assignee.Ref == nil || d.Assignee.Name != "Bob Agent" || d.Priority != "urgent" || len(d.Tags) != 1 || d.Tags[0] != "vip" {
		t.Errorf("%+v", d.Ticket)
	}
	var c api.Counts
	h.ok(bob.get("/tickets/counts"), &c)
	if c != (api.Counts{Open: 1, Mine: 1, All: 1}) {
		t.Errorf("%+v", c)
	}
	h.ok(bob.send("POST", "/api/v1"+at+"/resolve", nil, bob.headers...), nil) // a command without a body
	if p := bob.post(at+"/resolve", nil).problem(t); p.Status != 409 || p.Code != "conflict" || p.Reason != "already_resolved" || p.Detail == "" {
		t.Errorf("resolved twice: %+v", p)
	}
	h.ok(bob.post(at+"/reopen", nil), nil)
	for name, body := range map[string]any{
		"/priority": map[string]string{"priority": "whatever"}, "/assign": map[string]string{"agent": strings.Repeat("0", 32)},
		"/note": map[string]int{"text": 1}, "/reply": "not json",
	} {
		p := bob.post(at+name, body, "Content-Type", "application/json").problem(t)
		if p.Status != 422 && p.Status != 400 || p.Code != "invalid" || name != "/reply" && len(p.Errors) == 0 {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if p := bob.post(at+"/reply", map[string]string{"text": " "}).problem(t); p.Status != 409 || p.Reason != "empty_text" {
		t.Errorf("an empty reply: %+v", p)
	}
}

func TestSameKeyIsDoneOnce(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.login("ada@desk.example"), h.login("bob@desk.example")
	at := "/tickets/" + bob.ticket("Fridge").ID
	var first, again, other api.Done
	h.ok(bob.post(at+"/note", map[string]string{"text": "once"}, "Idempotency-Key", "k-1"), &first)
	repeat := h.ok(bob.post(at+"/note", map[string]string{"text": "once"}, "Idempotency-Key", "k-1"), &again)
	if first != again {
		t.Errorf("%+v then %+v", first, again)
	}
	last := h.ok(ada.post(at+"/note", map[string]string{"text": "ada's"}, "Idempotency-Key", "k-1"), &other)
	if other.Event == first.Event {
		t.Error("another agent's command was taken for the same")
	}
	var d detail
	h.ok(bob.get(at, "Hub-Position", last.Header.Get("Hub-Position")), &d)
	notes := 0
	for _, m := range d.Messages {
		if m.Kind == "note" {
			notes++
		}
	}
	if notes != 2 || repeat.Header.Get("Hub-Position") == "" {
		t.Errorf("%d notes, position %q", notes, repeat.Header.Get("Hub-Position"))
	}
	for _, key := range []string{"with space", strings.Repeat("x", 65), "a/b"} {
		if p := bob.post(at+"/note", map[string]string{"text": "x"}, "Idempotency-Key", key).problem(t); p.Status != 422 {
			t.Errorf("key %q: %+v", key, p)
		}
	}
}

func TestStaleReplyIsRefusedWithWhatIsNew(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.login("ada@desk.example"), h.login("bob@desk.example")
	tk := bob.ticket("Boiler")
	at := "/tickets/" + tk.ID
	var seen detail
	before := h.ok(bob.get(at), &seen)
	noted := h.ok(ada.post(at+"/note", map[string]string{"text": "I called her."}), nil)
	h.ok(bob.get(at, "Hub-Position", noted.Header.Get("Hub-Position")), nil)
	refused := bob.post(at+"/reply", map[string]string{"text": "Hello"}, "If-Match", before.Header.Get("ETag"))
	p := refused.problem(t)
	if p.Status != http.StatusPreconditionFailed || p.Code != "stale" || p.Revision == nil || *p.Revision <= seen.Revision {
		t.Fatalf("%+v", p)
	}
	if len(p.New) != 1 || p.New[0].Kind != "note" || p.New[0].Text != "I called her." {
		t.Errorf("new: %+v", p.New)
	}
	h.ok(bob.post(at+"/reply", map[string]string{"text": "Hello"}, "If-Match", path(`"%d"`, *p.Revision)), nil)
	if p := bob.post(at+"/reply", map[string]string{"text": "x"}, "If-Match", "abc").problem(t); p.Status != 422 {
		t.Errorf("%+v", p)
	}
}

func TestListsAndSearch(t *testing.T) {
	h := newHouse(t)
	bob := h.login("bob@desk.example")
	for _, s := range []string{"Alpha", "Beta", "Gamma"} {
		bob.ticket(s)
	}
	type page struct {
		Items []api.Ticket
		Next  string
		Total int64
	}
	var one, two page
	h.ok(bob.get("/tickets?view=open&limit=2"), &one)
	h.ok(bob.get("/tickets?view=open&limit=2&after="+one.Next), &two)
	if len(one.Items) != 2 || len(two.Items) != 1 || two.Next != "" || one.Total != 3 || one.Items[0].Subject != "Gamma" || two.Items[0].Subject != "Alpha" {
		t.Errorf("%+v then %+v", one, two)
	}
	h.eventually("search", func() bool {
		var found page
		h.ok(bob.get("/tickets?q=beta"), &found)
		return len(found.Items) == 1 && found.Items[0].Subject == "Beta" && found.Total == -1
	})
	var none page
	h.ok(bob.get("/tickets?q=zebra"), &none)
	if none.Items == nil || len(none.Items) != 0 {
		t.Errorf("%+v", none)
	}
	for _, q := range []string{"view=hidden", "limit=0", "limit=1000", "after=%21%21", "limit=x"} {
		if p := bob.get("/tickets?" + q).problem(t); p.Status != 422 || p.Code != "invalid" {
			t.Errorf("%s: %+v", q, p)
		}
	}
	if p := bob.get("/tickets", "Hub-Position", "soon").problem(t); p.Status != 422 {
		t.Errorf("%+v", p)
	}
	var c api.Customer
	h.ok(bob.get("/customers/"+one.Items[0].Customer.ID), &c)
	if c.Address != "cleo@customer.example" || len(c.Tickets) != 3 || c.Count != 3 {
		t.Errorf("%+v", c)
	}
}

// Every id in a path is looked up where it claims to belong.
func TestIDsAreChecked(t *testing.T) {
	h := newHouse(t)
	bob := h.login("bob@desk.example")
	one, two := bob.ticket("One"), bob.ticket("Two")
	var d detail
	h.ok(bob.get("/tickets/"+one.ID), &d)
	inbound := d.Messages[0].ID
	unknown := strings.Repeat("0", 32)
	for _, p := range []string{
		"/tickets/" + unknown, "/tickets/999", "/tickets/..%2f..", "/tickets/" + unknown + "/history", "/customers/" + unknown, "/customers/x",
		"/messages/" + two.ID + "/" + inbound + "/body",
		"/messages/" + one.ID + "/" + unknown + "/body",
		"/tickets/" + two.ID + "/messages/" + inbound + "/raw",
		"/tickets/" + two.ID + "/messages/" + inbound + "/attachments/1",
		"/tickets/" + one.ID + "/messages/" + inbound + "/attachments/99",
		"/quarantine/" + unknown + "/raw", "/quarantine/nope/raw", "/nosuch", "/tickets/" + one.ID + "/nosuch",
	} {
		if a := bob.get(p); a.StatusCode != 404 || a.problem(t).Code != "not_found" {
			t.Errorf("GET %s: %d %s", p, a.StatusCode, a.body)
		}
	}
	for _, p := range []string{
		"/tickets/" + unknown + "/note", "/tickets/999/resolve", "/tickets/" + inbound + "/resolve", "/outbox/" + unknown + "/retry", "/outbox/x/cancel",
		"/quarantine/" + unknown + "/release", "/quarantine/" + unknown + "/discard", "/tickets/1-1/resolve",
	} {
		if a := bob.post(p, map[string]string{"text": "x"}); a.StatusCode != 404 && !strings.HasSuffix(p, "resolve") && a.StatusCode != 422 {
			t.Errorf("POST %s: %d %s", p, a.StatusCode, a.body)
		} else if strings.HasSuffix(p, "resolve") && bob.post(p, nil).StatusCode != 404 {
			t.Errorf("POST %s: %d %s", p, a.StatusCode, a.body)
		}
	}
	if a := bob.post("/quarantine/"+inbound+"/release", nil); a.StatusCode != 409 {
		t.Errorf("releasing what is not held: %d %s", a.StatusCode, a.body)
	}
}

func TestMailIsShownSafely(t *testing.T) {
	h := newHouse(t)
	bob := h.login("bob@desk.example")
	raw := "From: x\r\n\r\nbytes of the picture and <script>"
	subjects, err := h.kit.Vault.Subjects(t.Context(), []string{"mia@customer.example"})
	h.must(err)
	png := events.Attachment{ID: "p1", Name: "../a\r\nb\".png", Type: "image/png", Size: 5, ContentID: "img@x", Inline: true, Offset: 11, Length: 5}
	svg := events.Attachment{ID: "p2", Name: "drawing.svg", Type: "image/svg+xml", Size: 8, ContentID: "svg@x", Offset: 36, Length: 8}
	page := events.Attachment{ID: "p3", Name: "page.html", Type: "text/html", Size: 8, Offset: 36, Length: 8}
	h.must(h.record(t.Context(), events.InquiryReceived{
		Inquiry: events.InquiryID(events.NewUUID().String()), Channel: events.Email, Mailbox: "support", Customer: subjects[0], Class: events.MailHuman, ClassRule: "person",
		Raw: events.NewBlob([]byte(raw)), Contact: events.Seal(events.Address{Name: "Mia", Address: "mia@customer.example"}),
		Letter: events.Seal(events.Letter{
			Subject: "Pictures", Text: "see below", QuoteFrom: -1, Attachments: []events.Attachment{png, svg, page},
			HTML: `<p onclick="x()">Hello<script>alert(1)</script><img src="cid:img@x"><img src="cid:svg@x"><img src="https://track.example/p.gif"></p>`,
		}),
	}))
	tk := bob.listed("Pictures")
	var d detail
	h.ok(bob.get("/tickets/"+tk.ID), &d)
	m := d.Messages[0]
	if !m.HasHTML || m.RemoteImages != 1 || strings.Contains(m.HTML, "script") || strings.Contains(m.HTML, "onclick") || !m.Raw {
		t.Errorf("%+v", m)
	}
	body := h.ok(bob.get("/messages/"+tk.ID+"/"+m.ID+"/body"), nil)
	csp := body.Header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "sandbox allow-same-origin") || strings.Contains(csp, "allow-scripts") || body.Header.Get("X-Frame-Options") != "SAMEORIGIN" ||
		!strings.HasPrefix(body.Header.Get("Content-Type"), "text/html") || body.Header.Get("Referrer-Policy") != "no-referrer" || body.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", body.Header)
	}
	inline := "/api/v1/tickets/" + tk.ID + "/messages/" + m.ID + "/attachments/p1?inline=1"
	if s := string(body.body); !strings.Contains(s, inline) || strings.Contains(s, "track.example/p.gif") || strings.Contains(s, "<script") || strings.Contains(s, "attachments/p2") {
		t.Errorf("document %s", s)
	}
	if a := bob.get("/messages/" + tk.ID + "/" + m.ID + "/body?images=1"); a.StatusCode != 403 {
		t.Errorf("remote images: %d", a.StatusCode)
	}
	for id, want := range map[string]struct{ kind, body string }{
		"p1": {"image/png", "bytes"}, "p2": {"application/octet-stream", "<script>"}, "p3": {"application/octet-stream", "<script>"},
	} {
		a := h.ok(bob.get("/tickets/"+tk.ID+"/messages/"+m.ID+"/attachments/"+id), nil)
		if string(a.body) != want.body || a.Header.Get("Content-Type") != want.kind || !strings.HasPrefix(a.Header.Get("Content-Disposition"), "attachment") ||
			a.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(a.Header.Get("Content-Security-Policy"), "sandbox") || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %q %v", id, a.body, a.Header)
		}
		if a := h.ok(bob.get("/tickets/"+tk.ID+"/messages/"+m.ID+"/attachments/"+id+"?inline=1"), nil); (a.Header.Get("Content-Disposition") == "inline") != (id == "p1") || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s inline: %v", id, a.Header)
		}
	}
	a := h.ok(bob.get("/tickets/1/messages/"+m.ID+"/raw"), nil)
	if string(a.body) != raw || a.Header.Get("Content-Type") != "message/rfc822" || a.Header.Get("Content-Disposition") != `attachment; filename=ticket-1.eml` {
		t.Errorf("%q %v", a.body, a.Header)
	}
}

func TestQuarantine(t *testing.T) {
	h := newHouse(t)
	bob := h.login("bob@desk.example")
	subjects, err := h.kit.Vault.Subjects(t.Context(), []string{"eve@customer.example"})
	h.must(err)
	id := events.InquiryID(events.NewUUID().String())
	h.must(h.record(t.Context(), events.InquiryReceived{
		Inquiry: id, Channel: events.Email, Mailbox: "support", Customer: subjects[0], Class: events.MailHuman,
		Raw: events.NewBlob([]byte("raw of eve")), Contact: events.Seal(events.Address{Address: "eve@customer.example"}),
		Letter: events.Seal(events.Letter{Subject: "Held", Text: "x", QuoteFrom: -1}), Warnings: []string{"unreadable"},
	}))
	var q struct{ Items []api.Quarantined }
	h.eventually("the inquiry", func() bool {
		h.ok(bob.get("/quarantine?state=held"), &q)
		return len(q.Items) == 1
	})
	if q.Items[0].From != "eve@customer.example" || q.Items[0].State != "held" {
		t.Errorf("%+v", q.Items[0])
	}
	if a := h.ok(bob.get("/quarantine/"+string(id)+"/raw"), nil); string(a.body) != "raw of eve" {
		t.Errorf("%q", a.body)
	}
	var j api.Judged
	h.ok(bob.post("/quarantine/"+string(id)+"/release", nil), &j)
	if j.Inquiry != string(id) || j.Event == "" {
		t.Errorf("%+v", j)
	}
	bob.listed("Held")
	// FIELD 23: the quarantine reads its own mails and no ticket's.
	h.eventually("the way through the quarantine to be closed", func() bool {
		return bob.get("/quarantine/"+string(id)+"/raw").StatusCode == 404
	})
	tk := bob.ticket("Kettle leaks")
	var d detail
	h.ok(bob.get("/tickets/"+tk.ID), &d)
	if a := bob.get("/quarantine/" + d.Messages[0].ID + "/raw"); a.StatusCode != 404 {
		t.Errorf("a ticket's mail through the quarantine: %d", a.StatusCode)
	}
}

func TestOutbox(t *testing.T) {
	h := newHouse(t)
	bob := h.login("bob@desk.example")
	subjects, err := h.kit.Vault.Subjects(t.Context(), []string{"cleo@customer.example"})
	h.must(err)
	id := events.OutboundID(events.NewUUID().String())
	stream := events.OutboundStream(id)
	by := desk.Command{ID: events.NewUUID()}
	_, err = h.kit.Append(t.Context(), stream, events.NoStream, journalBy(by.ID), events.MessageQueued{
		Outbound: id, Kind: events.OutboundReply, Channel: events.Email, Customer: subjects[0], MessageID: "m@desk.example",
		Rendered: events.NewBlob([]byte("mail")), Parcel: events.Seal(events.Parcel{RcptTo: "cleo@customer.example", To: events.Address{Address: "cleo@customer.example"}, Subject: "Re: x"}),
	}, events.DeliveryAttempted{Outbound: id, Attempt: 1, Worker: "w"}, events.DeliveryUnknown{Outbound: id, Attempt: 1, Class: "crash"})
	h.must(err)
	var out struct {
		Items  []api.Outbound
		Counts map[string]int64
	}
	h.eventually("the message", func() bool {
		h.ok(bob.get("/outbox?state=unknown"), &out)
		return len(out.Items) == 1
	})
	if o := out.Items[0]; o.To != "cleo@customer.example" || o.Attempts != 1 || o.State != "unknown" || out.Counts["unknown"] != 1 {
		t.Errorf("%+v %v", o, out.Counts)
	}
	if p := bob.post("/outbox/"+string(id)+"/cancel", nil).problem(t); p.Status != 409 || p.Reason != "not_cancellable" {
		t.Errorf("%+v", p)
	}
	var s api.Settled
	h.ok(bob.post("/outbox/"+string(id)+"/resolve", map[string]string{"outcome": "failed", "reason": "asked the customer"}), &s)
	if s.Outbound != string(id) || s.Event == "" {
		t.Errorf("%+v", s)
	}
	h.ok(bob.post("/outbox/"+string(id)+"/retry", nil), nil)
	if p := bob.post("/outbox/"+string(id)+"/resolve", map[string]string{"outcome": "lost"}).problem(t); p.Status != 422 {
		t.Errorf("%+v", p)
	}
}

func TestSystem(t *testing.T) {
	h := newHouse(t)
	bob := h.login("bob@desk.example")
	var s api.System
	h.ok(bob.get("/system"), &s)
	if s.Version != "test" || !s.Ready || len(s.Projections) != 5 || s.Head == "" {
		t.Errorf("%+v", s)
	}
	var boxes struct{ Items []api.Mailbox }
	h.ok(bob.get("/mailboxes"), &boxes)
	if boxes.Items == nil {
		t.Error("null on the wire")
	}
}
