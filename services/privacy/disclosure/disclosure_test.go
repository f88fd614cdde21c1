package disclosure_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/services/privacy"
	"github.com/westshore/hub/services/privacy/bundle"
	"github.com/westshore/hub/services/privacy/disclosure"
)

// house is an office on a real journal.
type house struct {
	*journaltest.Kit
	t      testing.TB
	office *disclosure.Office

	mu      sync.Mutex
	clock   time.Time
	people  []events.SubjectID
	address map[events.SubjectID]string
	open    map[string][]string
	snap    privacy.Snapshot
	fail    int // contacts until the process "crashes"; 0: never
}

var errCrash = errors.New("crash")

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{
		Kit: journaltest.New(t), t: t, clock: time.Now(), address: map[events.SubjectID]string{}, open: map[string][]string{},
	}
	h.office = disclosure.New(disclosure.Config{
		Journal: h.Journal, Hash: h.Vault.Hash, Key: make([]byte, 32),
		Hold:        h.Vault.Hold,
		Release:     func(ctx context.Context, id events.UUID) (vault.Destroyed, error) { return h.Vault.Release(ctx, id) },
		Independent: apart,
		SubjectKeys: h.Vault.SubjectKeys, StreamKeys: h.Vault.StreamKeys, OpenBlob: h.Sealer.OpenBlob,
		Search: func(context.Context, string) ([]events.TicketID, error) { return nil, nil },
		Contact: func(_ context.Context, s events.SubjectID) (events.Address, error) {
			if h.fail > 0 {
				if h.fail--; h.fail == 0 {
					return events.Address{}, errCrash
				}
			}
			if a := h.address[s]; a != "" {
				return events.Address{Address: a}, nil
			}
			return events.Address{}, disclosure.ErrNoContact
		},
		People: func(_ context.Context, after events.SubjectID, limit int) ([]events.SubjectID, error) {
			i, found := slices.BinarySearch(h.people, after)
			if found {
				i++
			}
			return h.people[i:min(len(h.people), i+limit)], nil
		},
		Covers: func(to events.RecipientID, host string, cs []events.Category, p events.Purpose) error {
			_, err := h.snap.Covers(privacy.Disclosure{To: events.ProcessorID(to), Host: host, Categories: cs, Purpose: p})
			return err
		},
		Open:  func(_ context.Context, kind string) ([]string, error) { return h.open[kind], nil },
		Brand: "House", Now: h.now, Logger: h.Logger,
	})
	return h
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clock
}

func (h *house) tick(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock = h.clock.Add(d)
}

func (h *house) by(agent events.AgentID) journal.By {
	return journal.By{Command: events.NewUUID(), Actor: events.AgentActor(agent), At: h.now()}
}

// apart stands for the accounts: "puppet" is in the hand of everybody.
func apart(_ context.Context, _, agrees events.AgentID) error {
	if agrees == "puppet" {
		return errPuppet
	}
	return nil
}

var errPuppet = errors.New("one hand")

func newID() string { return events.NewUUID().String() }

// message records an inquiry of a person in a ticket.
func (h *house) message(who events.SubjectID, ticket events.TicketID, text string) {
	h.t.Helper()
	id := events.InquiryID(newID())
	_, err := h.Append(h.t.Context(), events.InquiryStream(id), events.NoStream, h.by("door"), events.InquiryReceived{
		Inquiry: id, Customer: who, Channel: events.Email, ArrivedAt: h.now(), Class: events.MailHuman,
		Contact: events.Seal(events.Address{Address: "ada@customer.example"}), Letter: events.Seal(events.Letter{Text: text}),
		Raw: events.NewBlob([]byte("Subject: x\n\n" + text)),
	})
	check(h.t, err)
	_, err = h.Append(h.t.Context(), events.TicketStream(ticket), events.AnyRevision, h.by("desk"), events.MessageAttached{Ticket: ticket, Inquiry: id, Customer: who})
	check(h.t, err)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func reasonOf(err error) string {
	if r, ok := errors.AsType[*disclosure.Refusal](err); ok {
		return r.Reason
	}
	return fmt.Sprint(err)
}

// A hold keeps its segments from the moment it is proposed; a second, different person
// places, extends and releases it; what waited for it goes then.
//
// clause: 3.2
func TestHoldTakesTwo(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	ada, ticket := events.SubjectID(newID()), events.TicketID(newID())
	h.message(ada, ticket, "evidence")
	id, err := h.office.ProposeHold(ctx, h.by("1"), "1", disclosure.NewHold{
		Scope: events.Scope{Tickets: []events.TicketID{ticket}}, Ground: events.GroundClaimDefence,
		Matter: events.Matter{Title: "Byron v. House"}, Review: h.now().AddDate(0, 6, 0),
	})
	check(t, err)
	keys, err := h.Vault.SubjectKeys(ctx, ada)
	check(t, err)
	order := vault.Order{ID: events.NewUUID(), Cause: "subject"}
	done, err := h.Vault.Destroy(ctx, order, kids(keys))
	check(t, err)
	if len(done.Killed) != 0 || len(done.Deferred) != len(keys) {
		t.Fatalf("a proposed hold kept nothing: %+v", done)
	}
	if got := reasonOf(h.office.Agree(ctx, h.by("1"), "1", id)); got != "same_person" {
		t.Errorf("one person placed a hold: %s", got)
	}
	for _, say := range []func(context.Context, journal.By, events.AgentID, events.HoldID) error{h.office.Agree, h.office.Decline} {
		if err := say(ctx, h.by("puppet"), "puppet", id); !errors.Is(err, errPuppet) {
			t.Errorf("one hand decided about a hold: %v", err)
		}
	}
	check(t, h.office.Agree(ctx, h.by("2"), "2", id))
	check(t, h.office.ProposeExtension(ctx, h.by("2"), "2", id, h.now().AddDate(1, 0, 0)))
	if got := reasonOf(h.office.ProposeRelease(ctx, h.by("1"), "1", id)); got != "pending" {
		t.Errorf("two things wait at once: %s", got)
	}
	check(t, h.office.Agree(ctx, h.by("1"), "1", id))
	// The review is announced five days before, once.
	h.open["hold"] = []string{string(id)}
	h.tick(361 * 24 * time.Hour)
	for range 2 {
		check(t, h.office.Reviews(ctx))
	}
	check(t, h.office.ProposeRelease(ctx, h.by("1"), "1", id))
	check(t, h.office.Agree(ctx, h.by("2"), "2", id))
	history, err := h.Load(ctx, events.HoldStream(id), nil)
	check(t, err)
	due, freed := 0, 0
	for _, rec := range history {
		switch e := rec.Event.(type) {
		case events.LegalHoldReviewDue:
			due++
		case events.LegalHoldReleased:
			freed = e.Destroyed
		}
	}
	if due != 1 || freed != len(keys) {
		t.Errorf("%d alarms, %d of %d keys destroyed on release", due, freed, len(keys))
	}
	m, err := h.office.Matter(ctx, "1", events.HoldStream(id))
	check(t, err)
	if m.Title != "Byron v. House" {
		t.Errorf("matter %+v", m)
	}
}

func kids(keys []vault.Info) (out []events.KID) {
	for _, k := range keys {
		out = append(out, k.KID)
	}
	return out
}

// PRIVACY 6, test 24: a demand for a request with three messages. The package holds
// exactly the approved segments, two different persons approve, it verifies without the
// hub, tampering shows, and the person is told when the gag ends, not before.
//
// clause: 3.2
func TestLegalDisclosure(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	ada, ticket := events.SubjectID(newID()), events.TicketID(newID())
	for i := range 3 {
		h.message(ada, ticket, fmt.Sprintf("message %d", i))
	}
	h.message(ada, events.TicketID(newID()), "another request")
	h.address[ada] = "ada@customer.example"
	scope := events.Scope{Tickets: []events.TicketID{ticket}}
	gag := h.now().AddDate(0, 1, 0)
	id, err := h.office.ReceiveDemand(ctx, h.by("1"), "1", disclosure.NewDemand{
		Kind: "court", Recipient: "court-hamburg", Scope: scope, Gag: gag, Matter: events.Matter{Title: "Case 7"},
	})
	check(t, err)
	if got := reasonOf(h.office.ApproveDisclosure(ctx, h.by("1"), "1", id, scope)); got != "not_valid" {
		t.Errorf("approved before it was looked at: %s", got)
	}
	check(t, h.office.ReviewDemand(ctx, h.by("1"), "1", id, true, "court_order"))
	more := events.Scope{Tickets: scope.Tickets, Subjects: []events.SubjectID{ada}}
	if got := reasonOf(h.office.ApproveDisclosure(ctx, h.by("1"), "1", id, more)); got != "over_collection" {
		t.Errorf("approved more than was demanded: %s", got)
	}
	check(t, h.office.ApproveDisclosure(ctx, h.by("1"), "1", id, scope))
	if got := reasonOf(h.office.ApproveDisclosure(ctx, h.by("1"), "1", id, scope)); got != "same_person" {
		t.Errorf("one person approved twice: %s", got)
	}
	if err := h.office.ApproveDisclosure(ctx, h.by("puppet"), "puppet", id, scope); !errors.Is(err, errPuppet) {
		t.Errorf("one hand approved twice: %v", err)
	}
	if got := reasonOf(h.office.SealPackage(ctx, h.by("1"), "1", id)); got != "not_approved" {
		t.Errorf("made with one approval: %s", got)
	}
	check(t, h.office.ApproveDisclosure(ctx, h.by("2"), "2", id, scope))
	check(t, h.office.SealPackage(ctx, h.by("1"), "1", id))
	archive, err := h.office.DeliverPackage(ctx, h.by("1"), "1", id)
	check(t, err)

	b, err := bundle.Open(archive, h.office.PublicKey())
	check(t, err)
	n, err := disclosure.Approved(b)
	check(t, err)
	if n != 6 || bytes.Count(b.Files["segments.jsonl"], []byte("message ")) != 3 || bytes.Contains(b.Files["segments.jsonl"], []byte("another")) {
		t.Errorf("%d segments:\n%s", n, b.Files["segments.jsonl"])
	}
	if got := len(bundle.ReadMbox(b.Files["mail.mbox"])); got != 3 {
		t.Errorf("%d mails", got)
	}
	for _, want := range []string{"LegalDemandReceived", "LegalDisclosureApproved"} {
		if !bytes.Contains(b.Files["custody.jsonl"], []byte(want)) {
			t.Errorf("no %s in the chain of custody", want)
		}
	}
	archive[len(archive)/2] ^= 1
	if _, err := bundle.Open(archive, h.office.PublicKey()); !errors.Is(err, bundle.ErrForged) {
		t.Errorf("a changed package: %v", err)
	}

	// The log of the recipient, with the gag on it.
	history, err := h.Load(ctx, events.RecipientStream("court-hamburg"), nil)
	check(t, err)
	e, ok := history[0].Event.(events.DataDisclosed)
	if len(history) != 1 || !ok || e.Customer != ada || len(e.KIDs) != 6 || !e.Silent.Equal(gag) {
		t.Errorf("disclosure log: %+v", history)
	}
	h.open["demand"] = []string{string(id)}
	told := func() (n int) {
		for range 2 {
			check(t, h.office.Gags(ctx))
		}
		history, err := h.Load(ctx, events.DemandStream(id), nil)
		check(t, err)
		for _, rec := range history {
			if _, is := rec.Event.(events.SubjectNoticeSent); is {
				n++
			}
		}
		return n
	}
	if told() != 0 {
		t.Error("the person was told while nobody may")
	}
	h.tick(32 * 24 * time.Hour)
	if n := told(); n != 1 {
		t.Errorf("the person was told %d times when the gag ended", n)
	}
}

// PRIVACY 6, test 26, the way out: what the register does not cover is refused and
// noted; what it covers is noted for each person, once.
//
// clause: 3.1
func TestEgress(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	ada := events.SubjectID(newID())
	h.snap.Processors = []privacy.Processor{{ProcessorRegistered: events.ProcessorRegistered{
		Processor: "parcels", Hosts: []string{"api.parcels.example"}, Categories: []events.Category{events.Contact}, Purposes: []events.Purpose{events.PurposeSupport},
	}}}
	give := func(by journal.By, to events.RecipientID, host string, c events.Category) error {
		return h.office.Disclose(ctx, by, disclosure.Outgoing{
			To: to, Host: host, Purpose: events.PurposeSupport, Categories: []events.Category{c}, Customers: []events.SubjectID{ada},
		})
	}
	by := h.by("1")
	for range 3 {
		check(t, give(by, "parcels", "api.parcels.example", events.Contact))
	}
	for reason, err := range map[string]error{
		"category":          give(h.by("1"), "parcels", "api.parcels.example", events.Communication),
		"host":              give(h.by("1"), "parcels", "evil.example", events.Contact),
		"unknown_recipient": give(h.by("1"), "stranger", "", events.Contact),
	} {
		r, refused := errors.AsType[*privacy.RefusedError](err)
		if !refused || r.Reason != reason {
			t.Errorf("%s: %v", reason, err)
		}
	}
	var got []string
	for _, to := range []events.RecipientID{"parcels", "stranger"} {
		history, err := h.Load(ctx, events.RecipientStream(to), nil)
		check(t, err)
		for _, rec := range history {
			got = append(got, strings.TrimPrefix(rec.Type, "hub."))
		}
	}
	slices.Sort(got)
	if want := "[DataDisclosed DisclosureRefused DisclosureRefused DisclosureRefused]"; fmt.Sprint(got) != want {
		t.Errorf("noted %v", got)
	}
}

// A case's file opens for nobody whom a second person did not let in, and not for
// longer; an agent of the desk gets Denied; every reading is noted.
//
// clause: 2.4
func TestCaseFile(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	id, err := h.office.OpenCase(ctx, h.by("1"), "1", "fraud", nil, nil, events.CaseNote{Title: "Parcel never sent", Text: "suspicion"})
	check(t, err)
	read := func(agent events.AgentID) ([]disclosure.Entry, error) {
		return h.office.ReadCase(ctx, h.by(agent), agent, id)
	}
	if _, err := read("1"); reasonOf(err) != "not_granted" {
		t.Errorf("its opener reads it alone: %v", err)
	}
	check(t, h.office.AskAccess(ctx, h.by("1"), "1", id, "review", h.now().Add(24*time.Hour)))
	if got := reasonOf(h.office.GrantAccess(ctx, h.by("1"), "1", id, "1")); got != "same_person" {
		t.Errorf("let in by oneself: %s", got)
	}
	if err := h.office.GrantAccess(ctx, h.by("puppet"), "puppet", id, "1"); !errors.Is(err, errPuppet) {
		t.Errorf("let in by one hand: %v", err)
	}
	if err := h.office.ExtendCase(ctx, h.by("puppet"), "puppet", id); !errors.Is(err, errPuppet) {
		t.Errorf("extended by one hand: %v", err)
	}
	check(t, h.office.GrantAccess(ctx, h.by("2"), "2", id, "1"))
	list, err := read("1")
	check(t, err)
	if len(list) != 1 || list[0].Note.Text != "suspicion" {
		t.Errorf("file %+v", list)
	}
	agent := events.Principal{Actor: "agent:1", Role: events.RoleAgent, Purpose: events.PurposeSupport}
	history, err := h.Load(ctx, events.CaseStream(id), &agent)
	check(t, err)
	if e := history[0].Event.(events.InvestigationOpened); e.Note.State() != events.Denied {
		t.Errorf("an agent of the desk gets %s", e.Note.State())
	}
	read1 := 0
	for _, rec := range history {
		if _, is := rec.Event.(events.DataAccessed); is {
			read1++
		}
	}
	if read1 != 1 {
		t.Errorf("%d readings noted", read1)
	}
	h.tick(25 * time.Hour)
	if _, err := read("1"); reasonOf(err) != "not_granted" {
		t.Errorf("an access that is over: %v", err)
	}
	if got := reasonOf(h.office.CloseCase(ctx, h.by("1"), "1", id, "enforced", "")); got != "outcome" {
		t.Errorf("an enforcement without its clause: %s", got)
	}
	check(t, h.office.CloseCase(ctx, h.by("1"), "1", id, "enforced", "2.4"))
}

// PRIVACY 6, test 25, the notices: everybody alive is written to exactly once, however
// often the process dies on the way; nobody who was erased is.
//
// clause: 3.3
func TestTransferNotices(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	for i := range 1000 {
		s := events.SubjectID(newID())
		h.people = append(h.people, s)
		if i%20 != 0 { // 50 of them are erased
			h.address[s] = fmt.Sprintf("p%d@customer.example", i)
		}
	}
	slices.Sort(h.people)
	id, err := h.office.Announce(ctx, h.by("1"), "1", disclosure.NewTransfer{
		Acquirer: "northwind", Effective: h.now().AddDate(0, 2, 0), ObjectBy: h.now().AddDate(0, 1, 0), Subject: "We are joining Northwind", Text: "From January on …",
	})
	check(t, err)
	crashes := 0
	for _, n := range []int{3, 170, 401} {
		h.fail = n
		if err := h.office.Notify(ctx, id); errors.Is(err, errCrash) {
			crashes++
		}
	}
	h.fail = 0
	for range 2 {
		check(t, h.office.Notify(ctx, id))
	}
	if crashes != 3 {
		t.Fatalf("%d crashes", crashes)
	}
	written := map[events.SubjectID]int{}
	rctx, stop := context.WithCancel(ctx)
	defer stop()
	err = h.Subscribe(rctx, journal.Reading{Types: []string{"hub.LetterWritten"}}, func(_ context.Context, b journal.Batch) error {
		for _, rec := range b.Events {
			written[rec.Event.(events.LetterWritten).Customer]++
		}
		if b.Live {
			stop()
		}
		return nil
	})
	if rctx.Err() == nil {
		check(t, err)
	}
	for s, n := range written {
		if n != 1 || h.address[s] == "" {
			t.Errorf("somebody was written to %d times", n)
		}
	}
	history, err := h.Load(ctx, events.TransferStream(id), nil)
	check(t, err)
	last, _ := json.Marshal(history[len(history)-1].Event)
	if e := history[len(history)-1].Event.(events.TransferNoticed); len(written) != 950 || e.Queued != 950 || e.Skipped != 50 {
		t.Errorf("%d letters, %s", len(written), last)
	}
}

// PRIVACY 6, test 30, the notice: a material change of the policy is written to
// everybody alive, once, however often it is begun.
//
// clause: PE
func TestPolicyNotices(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	for i := range 20 {
		s := events.SubjectID(newID())
		h.people = append(h.people, s)
		if i > 1 { // two are erased
			h.address[s] = fmt.Sprintf("p%d@customer.example", i)
		}
	}
	slices.Sort(h.people)
	p := events.PolicyVersionPublished{Policy: "WSPP/2027-01-01", Effective: h.now().AddDate(0, 1, 0), Text: "We keep what you write for a year.", Material: true}
	h.fail = 9
	if err := h.office.TellPolicy(ctx, p); !errors.Is(err, errCrash) {
		t.Fatalf("no crash: %v", err)
	}
	for range 3 {
		check(t, h.office.TellPolicy(ctx, p))
	}
	if n := h.letters(); n != 18 {
		t.Errorf("%d letters", n)
	}
	history, err := h.Load(ctx, events.RegistryStream, nil)
	check(t, err)
	if e, ok := history[0].Event.(events.PolicyNoticed); len(history) != 1 || !ok || e.Queued != 18 || e.Skipped != 2 {
		t.Errorf("noted %+v", history)
	}
}

// letters counts what was written to people.
func (h *house) letters() (n int) {
	h.t.Helper()
	check(h.t, h.Store.ReadAll(h.t.Context(), events.Start, 1<<30, func(r store.Recorded) error {
		if r.Type == "hub.LetterWritten" {
			n++
		}
		return nil
	}))
	return n
}
