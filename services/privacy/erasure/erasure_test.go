package erasure_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/privacy/erasure"
	"github.com/westshore/hub/services/privacy/scan"
)

// TestErasureIsCarriedOutAndProved walks one request from its opening to its end:
// acceptance test 6. Nothing of the person can be read, found or scanned, others
// are as they were, and the ticket stays with its number.
//
// clause: 2.2 1.1 1.3 S4
func TestErasureIsCarriedOutAndProved(t *testing.T) {
	t.Parallel()
	h := open(t)
	const secret = "Quartz-Heron-4471 my kitchen in Haarlem smells of burnt copper wiring since Tuesday"
	who, ticket, inquiry := h.receive(mail{ada, "Quartz heron complaint 4471", secret, strings.Repeat("raw bytes of a large mail "+secret, 900)})
	_, sent := h.reply(who, ada, ticket, "Dear Ada, the copper wiring Quartz-Heron-4471 will be seen to", true)
	_, waiting := h.reply(who, ada, ticket, "A second answer about Haarlem that never left the house", false)
	other, otherTicket, _ := h.receive(mail{bo, "Kettle question of mine", "The kettle I bought leaks from its handle, please advise", ""})
	before := h.read(otherTicket)

	id := h.request(who, ada)
	s := h.advance(id)
	if s.Phase() != erasure.Approving || s.Scope.Streams != 4 || len(s.Scope.Counts) != 3 {
		t.Fatalf("preview: %s, %+v", s.Phase(), s.Scope)
	}
	if err := h.office.Approve(t.Context(), h.by("agent:2"), id, "another digest"); err == nil {
		t.Error("a scope that nobody saw was approved")
	}
	check(t, h.office.Approve(t.Context(), h.by("agent:2"), id, s.Scope.Digest))
	s = h.advance(id)
	if s.Phase() != erasure.Horizon || s.Destroyed.Killed != 7 && s.Destroyed.Killed != 8 || s.Outbox.Cancelled != 1 || h.live(who) != 0 {
		t.Fatalf("after the erasure: %s, %+v, %+v, %d keys", s.Phase(), s.Destroyed, s.Outbox, h.live(who))
	}
	r := s.Result
	if r.Hits != 0 || r.Unknown != 0 || r.Control != "found" || r.Needles < 10 || r.Files < 10 {
		t.Errorf("verification: %+v", r)
	}
	h.caughtUp()
	c := h.read(ticket)
	if !c.Ticket.Erased || c.Ticket.Subject != "" || c.Ticket.Customer.Address != "" || c.Ticket.Number != 1 || len(c.Messages) != 3 {
		t.Errorf("the ticket shows %+v", c.Ticket)
	}
	for _, m := range c.Messages {
		if m.State != events.Erased || m.Text != "" || m.From.Address != "" {
			t.Errorf("a message shows %+v", m)
		}
	}
	if h.found("haarlem") != 0 || h.found("quartz") != 0 || h.found("kettle") != 1 {
		t.Error("search finds the erased, or not the living")
	}
	if after := h.read(otherTicket); after.Messages[0].Text != before.Messages[0].Text || after.Ticket.Customer != before.Ticket.Customer || h.live(other) == 0 {
		t.Errorf("somebody else changed: %+v", after)
	}
	// The address is somebody new from now on; tombstones stand in every stream.
	again, known, err := h.Vault.Lookup(t.Context(), ada.Address)
	if err != nil || known {
		t.Errorf("the address still resolves to %s (%v)", again, err)
	}
	for _, stream := range []events.Stream{events.TicketStream(ticket), events.InquiryStream(inquiry), events.OutboundStream(sent), events.OutboundStream(waiting)} {
		last, _, err := h.Last(t.Context(), stream)
		check(t, err)
		if e, ok := last.Event.(events.SegmentsErased); !ok || e.Cause != "subject" || e.Order != s.Scope.Order {
			t.Errorf("the last event of %s is %+v", stream.Family(), last.Event)
		}
	}
	// Both letters went out: to the recipient of the mail, and to the requester.
	var answer erasure.Letter
	for _, l := range h.letters {
		if l.To == ada {
			answer = l
		}
	}
	if len(h.letters) != 2 || !strings.Contains(answer.Text, "er_"+s.Scope.Order.String()) || strings.Contains(answer.Text, "Haarlem") {
		t.Errorf("letters: %d, %q", len(h.letters), answer.Text)
	}
	if s.Due.Before(s.Informed) {
		t.Error("answered after the deadline")
	}
	h.laterOn(t, id, s, answer)
}

// laterOn is what happens in the month after: the recipient confirms, the last
// backup expires, the request is closed, the requester's address goes.
func (h *house) laterOn(t *testing.T, id events.RequestID, s *erasure.State, answer erasure.Letter) {
	t.Helper()
	doc, err := h.office.Certificate(t.Context(), id)
	check(t, err)
	c, err := erasure.ParseCertificate([]byte(doc), h.office.PublicKey())
	check(t, err)
	level := func(c erasure.Certificate, store string) string {
		for _, l := range c.Stores {
			if l.Store == store {
				return l.Level
			}
		}
		return "none"
	}
	if level(c, "view:search") != erasure.V3 || level(c, "node") != erasure.V3 || level(c, "vault") != erasure.V3 || level(c, "backups") != "" || level(c, "recipients") != "" {
		t.Errorf("levels: %+v", c.Stores)
	}
	lines := strings.Fields(answer.Text)
	claimed := false
	for _, w := range lines {
		claimed = claimed || erasure.ClaimHash(w) == c.ClaimHash
	}
	if !claimed {
		t.Error("the letter holds no code that fits the certificate")
	}
	check(t, h.office.Acknowledge(t.Context(), id, "mail-relay"))
	h.at(s.DestroyedAt.Add(8*24*time.Hour + time.Minute))
	s = h.advance(id)
	if s.Phase() != erasure.Closed || s.Outcome != "done" {
		t.Fatalf("after the horizon: %s %q", s.Phase(), s.Outcome)
	}
	doc, err = h.office.Certificate(t.Context(), id)
	check(t, err)
	if c, err = erasure.ParseCertificate([]byte(doc), h.office.PublicKey()); err != nil || level(c, "backups") != erasure.V4 || level(c, "recipients") != erasure.V6 || level(c, "ciphertext") != "" {
		t.Errorf("annex: %+v, %v", c.Stores, err)
	}
	if h.live(s.Requester) == 0 {
		t.Error("the requester's address went too early")
	}
	h.at(s.Closed.Add(31 * 24 * time.Hour))
	if s = h.advance(id); !s.Forgotten || h.live(s.Requester) != 0 {
		t.Errorf("31 days later the requester's address is still there: %d keys", h.live(s.Requester))
	}
	found, err := h.office.Verify(t.Context(), id)
	if err != nil || found.Hits != 0 {
		t.Errorf("verified again: %+v, %v", found, err)
	}
}

// TestCertificateNamesNobody is acceptance test 19: whoever holds the certificate
// and the log finds no id of a person in it, and a changed one is refused.
//
// clause: S4
func TestCertificateNamesNobody(t *testing.T) {
	t.Parallel()
	h := open(t)
	who, ticket, inquiry := h.receive(mail{ada, "Certificate of the heron 2207", "Please forget that I ever asked about the heron certificate", ""})
	id, s := h.erase(who, ada)
	doc, err := h.office.Certificate(t.Context(), id)
	check(t, err)
	for _, secret := range []string{string(who), string(ticket), string(inquiry), string(id), string(s.Requester), ada.Name, ada.Address, "heron"} {
		if strings.Contains(strings.ToLower(doc), strings.ToLower(secret)) {
			t.Errorf("the certificate holds %q", secret)
		}
	}
	c, err := erasure.ParseCertificate([]byte(doc), "")
	check(t, err)
	c.Erased["C-COMM/R-COMM"] = 1000
	forged, err := json.Marshal(c)
	check(t, err)
	if _, err := erasure.ParseCertificate(forged, ""); err == nil {
		t.Error("a changed certificate was taken")
	}
	gone, _, err := h.ledger.Of(t.Context(), s.Scope.Order, s.Fenced.Add(-time.Hour))
	check(t, err)
	for _, g := range gone {
		p, err := h.office.Prove(t.Context(), id, g.KID)
		if err != nil || !p.Check() || "merkle:"+p.Root != c.Crypto.Root {
			t.Fatalf("proof of %s: %+v, %v; root %s", g.KID, p, err, c.Crypto.Root)
		}
		p.Leaf = strings.Repeat("00", 32)
		if p.Check() {
			t.Error("a proof of something else holds")
		}
	}
}

// TestErasureReachesTheWholePersonAndNobodyElse is acceptance test 13: only merges
// that are verified and not taken back count.
//
// clause: 1.1
func TestErasureReachesTheWholePersonAndNobodyElse(t *testing.T) {
	t.Parallel()
	h := open(t)
	second := events.Address{Name: "Ada Private", Address: "ada.private@home.test"}
	third := events.Address{Name: "Another Ada", Address: "another.ada@work.test"}
	a, _, _ := h.receive(mail{ada, "first of the merged", "I wrote this with my office address", ""})
	b, _, _ := h.receive(mail{second, "second of the merged", "I wrote this with my private address", ""})
	c, wrong, _ := h.receive(mail{third, "third, a wrong guess", "I am somebody else with nearly the same name", ""})
	d, _, _ := h.receive(mail{bo, "fourth, merged and unmerged", "We were mistaken for one another", ""})
	check(t, h.office.Merge(t.Context(), h.by("agent:1"), a, b, true, "link"))
	check(t, h.office.Merge(t.Context(), h.by("agent:1"), a, c, false, "name"))
	check(t, h.office.Merge(t.Context(), h.by("agent:1"), a, d, true, "link"))
	check(t, h.office.Unmerge(t.Context(), h.by("agent:1"), a, d))
	p, err := h.office.Preview(t.Context(), b)
	check(t, err)
	if len(p.Subjects) != 2 || p.Subjects[0] != b || p.Subjects[1] != a {
		t.Fatalf("the preview lists %v, want %v and %v", p.Subjects, b, a)
	}
	h.erase(b, second)
	if h.live(a)+h.live(b) != 0 || h.live(c) == 0 || h.live(d) == 0 {
		t.Errorf("keys left: %d %d %d %d", h.live(a), h.live(b), h.live(c), h.live(d))
	}
	if h.read(wrong).Messages[0].Text == "" {
		t.Error("somebody else's letter is gone")
	}
}

// TestHeldDataAreDeferredAndGoByThemselves: a hold beats an erasure, and releasing
// it completes what was deferred, with a certificate of its own.
//
// clause: 3.2
func TestHeldDataAreDeferredAndGoByThemselves(t *testing.T) {
	t.Parallel()
	h := open(t)
	who, held, _ := h.receive(mail{ada, "the held heron 8813", "This letter is evidence in the matter of the heron", ""})
	_, free, inquiry := h.receive(mail{ada, "the free kestrel 8814", "This letter is of no interest to any court", ""})
	_ = free
	kids, err := h.Vault.StreamKeys(t.Context(), events.InquiryStream(inquiry))
	check(t, err)
	hold := events.NewUUID()
	var keep []events.KID
	all, err := h.Vault.SubjectKeys(t.Context(), who)
	check(t, err)
	for _, i := range all {
		if i.Stream != kids[0].Stream {
			keep = append(keep, i.KID)
		}
	}
	_, err = h.ledger.Hold(t.Context(), holdOrder(hold, keep))
	check(t, err)
	id, s := h.erase(who, ada)
	if s.Phase() != erasure.Deferred || s.Destroyed.Deferred != len(keep) || h.live(who) != len(keep) {
		t.Fatalf("%s, %+v", s.Phase(), s.Destroyed)
	}
	if c := h.read(held); c.Messages[0].State != events.Restricted || c.Ticket.Subject != "" {
		t.Errorf("a held message shows %s, %q", c.Messages[0].State, c.Ticket.Subject)
	}
	doc, err := h.office.Certificate(t.Context(), id)
	check(t, err)
	if c, err := erasure.ParseCertificate([]byte(doc), ""); err != nil || len(c.Deferred) != 1 || c.Deferred[0].N != len(keep) || !c.Deferred[0].Auto {
		t.Errorf("certificate: %+v, %v", c.Deferred, err)
	}
	_, err = h.ledger.Release(t.Context(), hold)
	check(t, err)
	s = h.advance(id)
	if s.Phase() != erasure.Horizon || !s.Completed || h.live(who) != 0 {
		t.Fatalf("after the release: %s, %d keys", s.Phase(), h.live(who))
	}
	doc, err = h.office.Certificate(t.Context(), id)
	check(t, err)
	if c, err := erasure.ParseCertificate([]byte(doc), ""); err != nil || len(c.Deferred) != 0 {
		t.Errorf("second certificate: %+v, %v", c.Deferred, err)
	}
	if len(h.letters) != 2 {
		t.Errorf("%d letters, want two: deferred, and done", len(h.letters))
	}
}

// TestBrokenPromisesAreSeen: a store that says it purged and did not keeps the
// certificate from being issued.
//
// clause: 1.3
func TestBrokenPromisesAreSeen(t *testing.T) {
	t.Parallel()
	h := open(t)
	who, _, _ := h.receive(mail{ada, "a heron that is left behind 3391", "What I say here rests where nobody would look for it", ""})
	_, _, _ = h.receive(mail{bo, "somebody who stays", "The control of every scan is that I am found", ""})
	// A store that says it purged and did not: a copy of a row in a file of its own.
	h.cfg.Scan = func(ctx context.Context, n, control *scan.Needles) (scan.Report, error) {
		return scan.Run(ctx, scan.Config{
			Root: h.Dir, Register: h.register(), Needles: n, Control: control, Feeds: []scan.Feed{{Store: "cache", Each: func(_ context.Context, record func(string, []byte) error) error {
				return record("1", []byte(`{"subject":"a heron that is left behind 3391"}`))
			}}},
		})
	}
	h.office = erasure.New(h.cfg)
	id, s := h.erase(who, ada)
	if s.Phase() != erasure.Failed || s.Result.Hits == 0 || s.Certificate != "" || len(h.letters) != 0 {
		t.Fatalf("%s: %+v", s.Phase(), s.Result)
	}
	for _, l := range s.Result.Stores {
		if l.Store == "cache" && l.Level != erasure.V2 {
			t.Errorf("level of a store where something was found: %+v", l)
		}
	}
	// The operator removes the copy and has it looked at again.
	h.cfg.Scan = h.scan
	h.office = erasure.New(h.cfg)
	if _, err := h.office.Verify(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if s = h.state(id); s.Phase() != erasure.Horizon || s.Results != 2 {
		t.Errorf("after it was put right: %s, %+v", s.Phase(), s.Result)
	}
}
