package erasure_test

import (
	"errors"
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/privacy/erasure"
)

// TestRedactionTakesWordsOutForGood is acceptance test 23: the superseded text is
// shown without the words, its key is destroyed with the raw mail's, and search
// finds the words no more, nor after a rebuild.
//
// clause: 1.3
func TestRedactionTakesWordsOutForGood(t *testing.T) {
	t.Parallel()
	h := open(t)
	const card, neighbour = "4111-1111-1111-1111", "Wilhelmina Oosterhuis"
	who, ticket, inquiry := h.receive(mail{ada, "My card " + card + " was charged", "My card " + card + " was charged twice, ask my neighbour " + neighbour + " on the second floor", ""})
	other, otherTicket, _ := h.receive(mail{bo, "Nothing to redact here", "Nobody takes a word out of this letter", ""})
	before := h.live(who)
	by := h.by("agent:1")
	for range 3 { // the same command again changes nothing
		err := h.office.Redact(t.Context(), by, erasure.Redaction{Ticket: ticket, Message: string(inquiry), Words: []string{card, neighbour}, Reason: "payment"})
		check(t, err)
	}
	want := "My card [redacted] was charged twice, ask my neighbour [redacted] on the second floor"
	look := func(when string) {
		t.Helper()
		h.caughtUp()
		c := h.read(ticket)
		m := c.Messages[0]
		if m.Text != want || m.State != events.Plain || !m.Redacted || m.Raw || c.Ticket.Subject != "My card [redacted] was charged" || c.Ticket.Customer.Address != ada.Address {
			t.Errorf("%s: %+v of %+v", when, m, c.Ticket)
		}
		if h.found("oosterhuis") != 0 || h.found("4111") != 0 || h.found("neighbour") != 1 || h.found("berglund") != 1 {
			t.Errorf("%s: search finds what was taken out, or not the rest", when)
		}
	}
	look("redacted")
	if h.live(who) != before { // the letter's key went, that of the rest came
		t.Errorf("%d keys, want %d", h.live(who), before)
	}
	_, err := h.tickets.File(t.Context(), string(inquiry), 0)
	check(t, err)
	for _, r := range h.runners {
		check(t, r.Rebuild(t.Context()))
	}
	look("rebuilt")
	if h.read(otherTicket).Messages[0].Text == "" || h.live(other) == 0 {
		t.Error("somebody else's message changed")
	}

	// What is left can be taken out as well, and then the person erased.
	check(t, h.office.Redact(t.Context(), h.by("agent:1"), erasure.Redaction{Ticket: ticket, Message: string(inquiry), Reason: "other"}))
	h.caughtUp()
	if m := h.read(ticket).Messages[0]; m.State != events.Erased || m.Text != "" || h.found("neighbour") != 0 {
		t.Errorf("after the whole message went: %+v", m)
	}
	h.erase(who, ada)
	if h.live(who) != 0 {
		t.Error("keys are left after the erasure")
	}
}

// TestRedactionOfAnAnswer takes words out of what an agent wrote, and of what was
// rendered of it.
//
// clause: 1.3
func TestRedactionOfAnAnswer(t *testing.T) {
	t.Parallel()
	h := open(t)
	who, ticket, _ := h.receive(mail{ada, "A question about a pump", "Which pump fits my old boiler from 1987?", ""})
	msg, out := h.reply(who, ada, ticket, "The pump of your neighbour Kasimir Vandenberg fits", true)
	stuck, _ := h.reply(who, ada, ticket, "Kasimir Vandenberg will bring it", false)
	no := &erasure.Refusal{}
	if err := h.office.Redact(t.Context(), h.by("agent:1"), erasure.Redaction{Ticket: ticket, Message: string(stuck), Words: []string{"Kasimir"}, Reason: "third_party"}); !errors.As(err, &no) || no.Rule != "going_out" {
		t.Errorf("a message on its way: %v", err)
	}
	if err := h.office.Redact(t.Context(), h.by("agent:1"), erasure.Redaction{Ticket: ticket, Message: string(msg), Words: []string{"Nobody"}, Reason: "third_party"}); !errors.As(err, &no) || no.Rule != "not_there" {
		t.Errorf("words that are not there: %v", err)
	}
	check(t, h.office.Redact(t.Context(), h.by("agent:1"), erasure.Redaction{Ticket: ticket, Message: string(msg), Words: []string{"Kasimir Vandenberg"}, Reason: "third_party"}))
	h.caughtUp()
	for _, m := range h.read(ticket).Messages {
		if m.ID == string(msg) && (m.Text != "The pump of your neighbour [redacted] fits" || !m.Redacted) {
			t.Errorf("the answer shows %q", m.Text)
		}
	}
	history, err := h.Load(t.Context(), events.OutboundStream(out), &agent)
	check(t, err)
	if e := history[0].Event.(events.MessageQueued); e.Parcel.State() != events.Erased {
		t.Errorf("what was rendered is %s", e.Parcel.State())
	}
	if _, ok := history[len(history)-1].Event.(events.SegmentsErased); !ok {
		t.Errorf("no tombstone in the outbox: %T", history[len(history)-1].Event)
	}
}
