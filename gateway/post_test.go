package gateway_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/gateway/api"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/services/notices"
	"github.com/westshore/hub/services/notifier"
)

// post gives the house what concerns outgoing mail.
func (h *house) post() api.Post {
	return api.Post{
		Undo: 10 * time.Second,
		Sent: func(ctx context.Context, as events.Principal, id events.OutboundID) ([]byte, events.State, error) {
			history, err := h.kit.Load(ctx, events.OutboundStream(id), nil)
			if err != nil || len(history) == 0 {
				return nil, events.Unopened, outbox.ErrNotFound
			}
			return h.kit.Sealer.OpenBlob(ctx, as, history[0].Event.(events.MessageQueued).Rendered)
		},
		Person: func(ctx context.Context, address string) (events.SubjectID, events.Hash, error) {
			who, err := h.kit.Vault.Subjects(ctx, []string{address})
			return who[0], notifier.AddressHash(h.kit.Vault.Hash, address), err
		},
	}
}

// writers opens the room that writes to many.
func (h *house) writers() *notices.Notices {
	return notices.New(notices.Config{
		Journal: h.kit.Journal, View: h.noticeView, TokenKey: h.kit.Vault.Secret("tokens"), Hash: h.kit.Vault.Hash,
		Senders:     []notices.Sender{{ID: "support", Address: "support@desk.example", Brand: "Westshore", Postal: "1 Quay, 20457 Hamburg"}},
		AddressHash: func(a string) events.Hash { return notifier.AddressHash(h.kit.Vault.Hash, a) },
		Own:         func(a string) bool { return strings.HasSuffix(a, "@desk.example") },
		Recipient: func(context.Context, events.SubjectID) (notices.Recipient, error) {
			return notices.Recipient{State: events.Plain, To: events.Address{Name: "Cleo", Address: "cleo@customer.example"}, Language: "en"}, nil
		},
		Independent: h.accounts.Independent,
		CaughtUp: func(ctx context.Context) error {
			head, err := h.kit.Head(ctx)
			for _, r := range h.runners {
				if err == nil {
					err = r.Wait(ctx, head)
				}
			}
			return err
		},
		Logger: h.kit.Logger,
	})
}

// TestO21AnswerWithFiles: files larger than any other request come along with an
// answer, are there to be looked at as downloads, and are taken from nobody who is
// not signed in.
func TestO21AnswerWithFiles(t *testing.T) {
	h := newHouse(t)
	bob := h.login("bob@desk.example")
	tk := bob.ticket("Kettle leaks")
	big := bytes.Repeat([]byte("PDF\x00"), 1<<20)
	body := map[string]any{"text": "See there.", "files": []map[string]any{
		{"name": "../how-to.pdf", "type": "application/pdf", "content": big}, {"name": "note.html", "content": []byte("<script>")},
	}}
	req, err := http.NewRequestWithContext(t.Context(), "POST", h.base+api.Base+"/tickets/"+tk.ID+"/reply", bytes.NewReader(make([]byte, 4<<20)))
	h.must(err)
	if res, err := http.DefaultClient.Do(req); err == nil { // or it hung up on us
		h.must(res.Body.Close())
		if res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("4 MB of a stranger: %d", res.StatusCode)
		}
	}
	sent := h.ok(bob.post("/tickets/"+tk.ID+"/reply", body), nil)
	var d detail
	h.ok(bob.get("/tickets/"+tk.ID, "Hub-Position", sent.Header.Get("Hub-Position")), &d)
	m := d.Messages[len(d.Messages)-1]
	if len(m.Attachments) != 2 || m.Attachments[0].Name != "how-to.pdf" || m.Attachments[0].Size != int64(len(big)) || m.Raw {
		t.Fatalf("%+v", m.Attachments)
	}
	a := h.ok(bob.get("/tickets/"+tk.ID+"/messages/"+m.ID+"/attachments/1"), nil)
	if !bytes.Equal(a.body, big) || !strings.HasPrefix(a.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%d bytes, %s", len(a.body), a.Header.Get("Content-Disposition"))
	}
	if a := h.ok(bob.get("/tickets/"+tk.ID+"/messages/"+m.ID+"/attachments/2"), nil); string(a.body) != "<script>" || a.Header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("%s %s", a.body, a.Header.Get("Content-Type"))
	}
	if p := bob.post("/tickets/"+tk.ID+"/reply", map[string]any{"text": "x", "files": []map[string]any{{"name": "x", "content": []byte{}}}}).problem(t); p.Status != 422 {
		t.Errorf("%+v", p)
	}
}

// TestO21PublicLinksDownloadAndEnd: the public page hands a file out as a download
// that nothing draws, keeps or refers to, and tells a stranger nothing.
func TestO21PublicLinksDownloadAndEnd(t *testing.T) {
	h := newHouse(t)
	bob := h.login("bob@desk.example")
	tk := bob.ticket("Kettle leaks")
	var done api.Done
	h.ok(bob.post("/tickets/"+tk.ID+"/reply", map[string]any{"text": "See.", "files": []map[string]any{{"name": "ü.html", "type": "text/html", "content": []byte("<script>")}}}), &done)
	// Whoever renders the answer makes the link; here it is made as the clerk does.
	link, _, err := h.links.Make(events.TicketID(tk.ID), events.MessageID(done.Message), 0, time.Now())
	h.must(err)
	for path, want := range map[string]int{link: 200, "/files/x": 404, link + "A": 404} {
		a := h.send("GET", path, nil)
		if a.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, a.StatusCode, want)
		}
		if want != 200 {
			if strings.Contains(string(a.body), "ticket") {
				t.Errorf("%s says %s", path, a.body)
			}
			continue
		}
		for name, v := range map[string]string{
			"Content-Disposition": "attachment; filename*=utf-8''%C3%BC.html", "Content-Type": "application/octet-stream", "X-Content-Type-Options": "nosniff",
			"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer", "Content-Security-Policy": "default-src 'none'; sandbox",
		} {
			if got := a.Header.Get(name); got != v {
				t.Errorf("%s is %q, want %q", name, got, v)
			}
		}
		if string(a.body) != "<script>" || a.Header.Get("Set-Cookie") != "" {
			t.Errorf("%q", a.body)
		}
	}
}

// TestO16UndoIsVisible: how long an answer can be taken back, and when one goes.
func TestO16UndoIsVisible(t *testing.T) {
	h := newHouse(t)
	bob := h.login("bob@desk.example")
	var s api.Session
	h.ok(bob.get("/session"), &s)
	if s.Undo != 10 {
		t.Errorf("undo_seconds is %d", s.Undo)
	}
	tk := bob.ticket("Kettle leaks")
	at := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	var done api.Done
	sent := h.ok(bob.post("/tickets/"+tk.ID+"/reply", map[string]any{"text": "Later.", "send_at": at}), &done)
	q := h.queued(tk.ID, done.Message, at)
	var d detail
	h.eventually("the time it goes", func() bool {
		h.ok(bob.get("/tickets/"+tk.ID, "Hub-Position", sent.Header.Get("Hub-Position")), &d)
		m := d.Messages[len(d.Messages)-1]
		return m.Delivery == "queued" && m.SendAt != nil && m.SendAt.Equal(at)
	})
	h.tell(events.OutboundStream(q), events.MessageHeld{Outbound: q, Reason: "suppressed_hard"})
	h.eventually("that it is held (O13)", func() bool {
		h.ok(bob.get("/tickets/"+tk.ID), &d)
		m := d.Messages[len(d.Messages)-1]
		return m.Delivery == "held" && m.DeliveryDetail == "suppressed_hard" && m.SendAt == nil
	})
	h.ok(bob.post("/tickets/"+tk.ID+"/recall", map[string]string{"message": done.Message}), nil)
}

// TestO13SuppressionByHand: the list knows hashes; an address is put on and taken
// off by hand, and its message goes elsewhere.
func TestO13SuppressionByHand(t *testing.T) {
	h := newHouse(t)
	bob := h.login("bob@desk.example")
	var list struct{ Items []api.Suppressed }
	h.ok(bob.post("/outbox/suppress", map[string]string{"address": "cleo@customer.example"}), nil)
	h.eventually("the entry", func() bool {
		h.ok(bob.get("/outbox/suppressed"), &list)
		return len(list.Items) == 1
	})
	if e := list.Items[0]; e.Kind != "manual" || strings.Contains(e.Address, "cleo") || e.Agent == "" {
		t.Errorf("%+v", e)
	}
	var health api.OutboxHealth
	if h.ok(bob.get("/outbox/health"), &health); health.Suppressed != 1 || len(health.Alarms) != 0 {
		t.Errorf("%+v", health)
	}
	h.ok(bob.post("/outbox/unsuppress", map[string]string{"address": "cleo@customer.example"}), nil)
	h.eventually("the empty list", func() bool {
		h.ok(bob.get("/outbox/suppressed"), &list)
		return len(list.Items) == 0
	})
	if p := bob.post("/outbox/suppress", map[string]string{"address": "nobody"}).problem(t); p.Status != 422 {
		t.Errorf("%+v", p)
	}
	tk := bob.ticket("Kettle leaks")
	q := h.queued(tk.ID, "m", time.Now())
	h.tell(events.OutboundStream(q), events.DeliveryAttempted{Outbound: q, Attempt: 1, Worker: "w"}, events.DeliveryFailed{Outbound: q, Attempt: 1, Class: "address", Code: "550 5.1.1"})
	if a := h.ok(bob.get("/outbox/"+string(q)+"/raw"), nil); string(a.body) != "mail" || a.Header.Get("Content-Type") != "message/rfc822" {
		t.Errorf("%q %s", a.body, a.Header.Get("Content-Type"))
	}
	if p := bob.post("/outbox/"+string(q)+"/redirect", map[string]string{"address": "ada@desk.example"}).problem(t); p.Reason != "own_address" {
		t.Errorf("%+v", p)
	}
	var moved struct{ New string }
	if h.ok(bob.post("/outbox/"+string(q)+"/redirect", map[string]string{"address": "cleo@new.example"}), &moved); moved.New == "" {
		t.Error("no message to the other address")
	}
}

// TestNoticeNeedsTwoPeople: drafted by one, previewed, approved and started by
// another, with counts; what could not be sent is refused with its place.
func TestNoticeNeedsTwoPeople(t *testing.T) {
	h := newHouse(t)
	bob, ada := h.login("bob@desk.example"), h.login("ada@desk.example")
	draft := map[string]any{
		"kind": "administrative", "topic": "policy", "title": "New terms",
		"texts":  []map[string]string{{"language": "en", "subject": "Terms change on {{day}}", "text": "Dear {{name|customer}},\n\nour terms change on {{day}}.\n\n{{brand}}"}},
		"values": []map[string]string{{"name": "day", "value": "1 May"}},
	}
	var done api.NoticeDone
	h.ok(bob.post("/notices", draft), &done)
	at := "/notices/" + done.Notice
	h.ok(bob.post(at+"/preview", map[string]any{}), nil)
	if p := bob.post(at+"/approve", map[string]any{"revision": done.Revision}).problem(t); p.Status != 403 {
		t.Errorf("an agent approves: %+v", p)
	}
	if p := ada.post(at+"/start", nil).problem(t); p.Reason != "not_approved" {
		t.Errorf("%+v", p)
	}
	h.ok(ada.post(at+"/approve", map[string]any{"revision": done.Revision}), nil)
	h.ok(bob.post(at+"/revise", draft), &done)
	if p := ada.post(at+"/start", nil).problem(t); p.Reason != "not_approved" {
		t.Errorf("an approval outlives the draft: %+v", p)
	}
	var mine api.NoticeDone
	h.ok(ada.post("/notices", draft), &mine)
	if p := ada.post("/notices/"+mine.Notice+"/approve", map[string]any{"revision": mine.Revision}).problem(t); p.Reason != "second_person" {
		t.Errorf("%+v", p)
	}
	h.ok(ada.post(at+"/approve", map[string]any{"revision": done.Revision}), nil)
	h.ok(ada.post(at+"/start", nil), nil)
	h.ok(bob.post(at+"/pause", nil), nil)
	var n api.NoticeToMany
	h.eventually("that it is paused", func() bool {
		h.ok(bob.get(at), &n)
		return n.State == "paused" && n.PauseCause == "agent" && n.Approver.Ref != nil && n.Approver.Name == "Ada Admin"
	})
	h.ok(bob.get(at+"/recipients"), nil)
	h.ok(ada.post(at+"/resume", nil), nil)
	h.ok(bob.post(at+"/cancel", nil), nil)
	draft["texts"] = []map[string]string{{"language": "en", "subject": "x", "text": "{{nothing}}"}}
	if p := bob.post("/notices", draft).problem(t); p.Status != 422 || len(p.Errors) == 0 {
		t.Errorf("%+v", p)
	}
}

// queued records a message of a ticket in the outbox.
func (h *house) queued(ticket, message string, at time.Time) events.OutboundID {
	h.Helper()
	who, err := h.kit.Vault.Subjects(h.Context(), []string{"cleo@customer.example"})
	h.must(err)
	id := events.OutboundID(strings.ReplaceAll(events.NewUUID().String(), "-", ""))
	if message != "m" {
		id = events.DeriveOutbound(events.MessageID(message), 0)
	}
	h.tell(events.OutboundStream(id), events.MessageQueued{
		Outbound: id, Kind: events.OutboundReply, Channel: events.Email, Ticket: events.TicketID(ticket), Message: events.MessageID(message), Customer: who[0],
		MessageID: "m@desk.example", NotBefore: at, Rendered: events.NewBlob([]byte("mail")),
		Parcel: events.Seal(events.Parcel{RcptTo: "cleo@customer.example", To: events.Address{Address: "cleo@customer.example"}, Subject: "Re: x"}),
	})
	return id
}

// tell writes to any stream.
func (h *house) tell(stream events.Stream, evs ...events.Event) {
	h.Helper()
	_, err := h.kit.Execute(h.Context(), stream, journalBy(events.NewUUID()), func([]events.Recorded) ([]events.Event, error) { return evs, nil })
	h.must(err)
}
