package desk_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/services/desk"
)

// TestO21FilesOfAnAnswerAreBounded: names cannot leave their place, types are
// types, and what is too much is refused before anything is written.
func TestO21FilesOfAnAnswerAreBounded(t *testing.T) {
	o := open(t)
	id := o.receive(o.inquiry(mail{from: "ada@cust.test", id: "1@cust.test", text: "one"}))[0].Ticket
	send := func(files ...desk.File) (desk.Done, error) {
		return o.Reply(t.Context(), command(), desk.Reply{Ticket: id, Text: "see there", Files: files})
	}
	names := map[string]string{
		`C:\secret\plan.pdf`: "plan.pdf", "../../etc/passwd": "passwd", "..": "file", "": "file", "a\r\nb.txt": "ab.txt",
		"invoice\u202efdp.exe": "invoicefdp.exe", `q"<x>.txt`: "q__x_.txt", strings.Repeat("ü", 300) + ".pdf": strings.Repeat("ü", 98) + ".pdf",
	}
	for name, want := range names {
		done, err := send(desk.File{Name: name, Type: "multipart/mixed; boundary=x", Content: []byte("x")})
		if err != nil {
			t.Fatal(err)
		}
		if f := o.answer(id, done.Message).Files[0]; f.Name != want || f.Type != "application/octet-stream" || f.Size != 1 {
			t.Errorf("%q became %+v, want %q", name, f, want)
		}
	}
	many := make([]desk.File, desk.MaxFiles+1)
	for i := range many {
		many[i] = desk.File{Name: fmt.Sprint(i), Content: []byte("x")}
	}
	big := desk.File{Name: "big", Content: make([]byte, desk.MaxFileBytes+1)}
	for code, files := range map[string][]desk.File{"too_many_files": many, "empty_file": {{Name: "none"}}} {
		if _, err := send(files...); refused(err) != code {
			t.Errorf("%v, want %s", err, code)
		}
	}
	if _, err := send(big); refused(err) != "too_many_files" {
		t.Errorf("%v, want too_many_files", err)
	}
}

func refused(err error) string {
	var r *desk.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// answer opens what an agent wrote.
func (o *office) answer(id events.TicketID, m events.MessageID) events.Answer {
	o.t.Helper()
	as := events.Principal{Actor: "test", Role: events.RoleAgent, Purpose: events.PurposeSupport}
	recs, err := o.Journal.Load(o.t.Context(), events.TicketStream(id), &as)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, r := range recs {
		if e, ok := r.Event.(events.ReplyWritten); ok && e.Message == m {
			return e.Answer.Value()
		}
	}
	o.t.Fatalf("no answer %s", m)
	return events.Answer{}
}

// TestO13HeldAnswerReopensItsTicket: an answer that is kept back because its
// address is suppressed waits for a person, so its ticket is open again; one that
// waits for the end of quiet hours goes by itself.
func TestO13HeldAnswerReopensItsTicket(t *testing.T) {
	o := open(t)
	for until, want := range map[string]bool{"a person": true, "a time": false} {
		id := o.receive(o.inquiry(mail{from: "ada@cust.test", id: until + "@cust.test", text: until}))[0].Ticket
		if _, err := o.Resolve(t.Context(), command(), id); err != nil {
			t.Fatal(err)
		}
		out := events.OutboundID(events.DeriveUUID("outbound", until).String())
		o.queue(out, id)
		held := events.MessageHeld{Outbound: out, Reason: "suppressed_hard"}
		if !want {
			held.Until = command().At
		}
		by := journal.By{Command: events.NewUUID(), Actor: "system:dispatcher"}
		if _, err := o.Execute(t.Context(), events.OutboundStream(out), by, func([]events.Recorded) ([]events.Event, error) {
			return []events.Event{held}, nil
		}); err != nil {
			t.Fatal(err)
		}
		o.receive(o.inquiry(mail{from: "zoe@cust.test", id: "after " + until})) // a router looks
		reopened := func() (is bool) {
			for _, e := range o.history(id) {
				r, ok := e.(events.TicketReopened)
				is = is || ok && r.Cause == "delivery"
			}
			return is
		}
		if want {
			n := 0
			o.until("ticket reopened", func() bool {
				n++
				o.receive(o.inquiry(mail{from: "zoe@cust.test", id: fmt.Sprint(n, "@cust.test")}))
				return reopened()
			})
		} else if reopened() {
			t.Error("quiet hours reopened a ticket")
		}
	}
}
