package erasure_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/tickets"
	"github.com/westshore/hub/services/privacy/erasure"
	"github.com/westshore/hub/services/privacy/scan"
)

// TestMain keeps the properties short: each check erases people for real.
func TestMain(m *testing.M) {
	flag.Parse()
	set := false
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == "rapid.checks" })
	if !set {
		if err := flag.Set("rapid.checks", "12"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// skeleton is what a fold sees of a stream: clear facts, without tombstones.
func (h *house) skeleton(stream events.Stream) (out []string) {
	h.t.Helper()
	history, err := h.Load(h.t.Context(), stream, nil)
	check(h.t, err)
	for _, r := range history {
		if _, tomb := r.Event.(events.SegmentsErased); !tomb {
			out = append(out, r.Type+" "+string(r.Facts))
		}
	}
	return out
}

// write adds a person's mail to a ticket that is there.
func (h *house) write(who events.SubjectID, from events.Address, ticket events.TicketID, text string) {
	h.t.Helper()
	h.mails++
	inquiry := events.InquiryID(events.NewUUID().String())
	_, err := h.Append(h.Sealer.Begin(h.t.Context()), events.InquiryStream(inquiry), events.NoStream, h.by("door:mailbox"), events.InquiryReceived{
		Inquiry: inquiry, Channel: events.Email, Mailbox: "support", UIDValidity: 1, UID: uint32(h.mails), ArrivedAt: h.now(), Customer: who, Class: events.MailHuman,
		Raw: events.NewBlob([]byte(text)), Contact: events.Seal(from), Letter: events.Seal(events.Letter{Subject: text[:12], Text: text, QuoteFrom: -1}),
	})
	check(h.t, err)
	w, err := h.Execute(h.t.Context(), events.TicketStream(ticket), h.by("system:desk"), func([]events.Recorded) ([]events.Event, error) {
		return []events.Event{events.MessageAttached{Ticket: ticket, Inquiry: inquiry, Customer: who, Class: events.MailHuman}}, nil
	})
	check(h.t, err)
	h.wait(w.Position)
}

// TestErasingSomeLeavesOthersAsTheyWere is acceptance tests 1, 2 and 4: whoever is
// erased, in whatever order and however often, folds give the same tickets, the
// messages of everybody else are the same to the byte, no key of theirs changes,
// and every view equals one that is rebuilt.
//
// clause: 1.3 S4
func TestErasingSomeLeavesOthersAsTheyWere(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.cfg.Scan = func(context.Context, *scan.Needles, *scan.Needles) (scan.Report, error) {
		return scan.Report{Control: "found"}, nil // what a scan sees is another test's
	}
	h.office = erasure.New(h.cfg)
	round := 0
	rapid.Check(t, func(r *rapid.T) {
		round++
		n := rapid.IntRange(2, 4).Draw(r, "people")
		people, addresses := make([]events.SubjectID, n), make([]events.Address, n)
		for i := range n {
			addresses[i] = events.Address{Name: fmt.Sprintf("Person %d-%d", round, i), Address: fmt.Sprintf("p%d.%d@customer.test", round, i)}
		}
		var list []events.TicketID
		owner := map[string]int{} // by text
		say := func(i int) string {
			s := fmt.Sprintf("Message %d of person %d in round %d, nobody else wrote this", len(owner), i, round)
			owner[s] = i
			return s
		}
		for i := range n {
			text := say(i)
			who, ticket, _ := h.receive(mail{addresses[i], text[:12], text, ""})
			people[i], list = who, append(list, ticket)
		}
		for range rapid.IntRange(1, 5).Draw(r, "mails") {
			i := rapid.IntRange(0, n-1).Draw(r, "from")
			h.write(people[i], addresses[i], rapid.SampledFrom(list).Draw(r, "ticket"), say(i))
		}
		skeletons, before := map[events.TicketID][]string{}, map[events.TicketID][]tickets.Message{}
		for _, id := range list {
			skeletons[id], before[id] = h.skeleton(events.TicketStream(id)), h.read(id).Messages
		}
		erased := map[int]bool{}
		for range rapid.IntRange(1, 4).Draw(r, "erasures") {
			i := rapid.IntRange(0, n-1).Draw(r, "whom")
			h.erase(people[i], addresses[i])
			erased[i] = true
		}
		h.caughtUp()
		look := func(when string) {
			for _, id := range list {
				if diff := cmp.Diff(skeletons[id], h.skeleton(events.TicketStream(id))); diff != "" {
					r.Fatalf("%s: the fold of a ticket differs:\n%s", when, diff)
				}
				after := h.read(id).Messages
				if len(after) != len(before[id]) {
					r.Fatalf("%s: %d messages, were %d", when, len(after), len(before[id]))
				}
				for k, m := range after {
					if was := before[id][k]; erased[owner[was.Text]] {
						if m.State != events.Erased || m.Text != "" || m.From.Address != "" {
							r.Fatalf("%s: a message of somebody erased shows %+v", when, m)
						}
					} else if diff := cmp.Diff(was, m); diff != "" {
						r.Fatalf("%s: a message of somebody else differs:\n%s", when, diff)
					}
				}
			}
		}
		look("purged")
		for i := range n {
			if live := h.live(people[i]); erased[i] != (live == 0) {
				r.Fatalf("person %d, erased %t, has %d keys", i, erased[i], live)
			}
		}
		if round%4 == 0 {
			for _, runner := range h.runners {
				check(t, runner.Rebuild(t.Context()))
			}
			look("rebuilt")
		}
	})
}

// TestSharedWordsAreNoNeedles: texts of other people never become needles, so
// that a common phrase cannot keep a certificate from being issued.
//
// clause: S4
func TestSharedWordsAreNoNeedles(t *testing.T) {
	t.Parallel()
	h := open(t)
	const phrase = "Sent from my telephone, please excuse brevity"
	who, _, _ := h.receive(mail{ada, "A common matter", phrase, ""})
	h.receive(mail{bo, "Another common matter", phrase, ""})
	_, s := h.erase(who, ada)
	if s.Phase() != erasure.Horizon || s.Result.Hits != 0 {
		t.Errorf("%s: %+v", s.Phase(), s.Result)
	}
	if !slices.ContainsFunc(s.Result.Stores, func(l events.StoreLevel) bool { return l.Store == "view:search" && l.Level == erasure.V3 }) {
		t.Errorf("levels: %+v", s.Result.Stores)
	}
}
