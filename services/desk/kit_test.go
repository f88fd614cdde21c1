package desk_test

import (
	"context"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/desk"
)

func reply(id events.TicketID) desk.Reply { return desk.Reply{Ticket: id, Text: "Hello"} }

// stream reads a stream's events.
func (o *office) stream(s events.Stream) []events.Event {
	o.t.Helper()
	recs, err := o.Journal.Load(o.t.Context(), s, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	var out []events.Event
	for _, r := range recs {
		out = append(out, r.Event)
	}
	return out
}

// until looks at the log until something holds.
func (o *office) until(what string, holds func() bool) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), 10*time.Second)
	defer cancel()
	for !holds() {
		if ctx.Err() != nil {
			o.t.Fatalf("never: %s", what)
		}
	}
}

// envelope opens the envelope of a reply.
func (o *office) envelope(id events.TicketID, m events.MessageID) events.ReplyEnvelope {
	o.t.Helper()
	as := events.Principal{Actor: "test", Role: events.RoleAgent, Purpose: events.PurposeSupport}
	recs, err := o.Journal.Load(o.t.Context(), events.TicketStream(id), &as)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, r := range recs {
		if e, ok := r.Event.(events.ReplyWritten); ok && e.Message == m {
			return e.Envelope.Value()
		}
	}
	o.t.Fatalf("no reply %s", m)
	return events.ReplyEnvelope{}
}

// answered is whom a reply would go to.
func (o *office) answered(id events.TicketID) string {
	o.t.Helper()
	done, err := o.Reply(o.t.Context(), command(), reply(id))
	if err != nil {
		o.t.Fatal(err)
	}
	return o.envelope(id, done.Message).To[0].Address
}
