package transfer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/events/seal"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/services/privacy/bundle"
	"github.com/westshore/hub/services/privacy/transfer"
)

// house is one hub: a real journal, vault and file store, and its office.
type house struct {
	*journaltest.Kit
	t      testing.TB
	office *transfer.Office
	clock  time.Time
	busy   int
	keep   int // months that R-COMM is kept
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{Kit: journaltest.New(t), t: t, clock: time.Now(), keep: 24}
	h.office = transfer.New(transfer.Config{
		Journal: h.Journal, Store: h.Store, Vault: h.Vault, Files: seal.Files{Put: h.Blobs.Put, Get: h.Blobs.Get}, Key: h.Vault.Secret("transfers"),
		State: func(s events.Stream, history []events.Recorded) []byte {
			if s.Family() != "ticket" {
				return nil
			}
			var types []string
			for _, r := range history {
				types = append(types, r.Type)
			}
			b, _ := json.Marshal(types)
			return b
		},
		Busy:    func(context.Context) (int, error) { return h.busy, nil },
		Contact: h.contact, AddressHash: func(a string) events.Hash { return h.Vault.Hash("address", a) },
		Papers: func(context.Context) (transfer.Papers, error) {
			return transfer.Papers{Policy: "WSPP/2023-04-30", Rules: []vault.Rule{{Class: events.ClassComm, Keep: vault.Period{Months: h.keep}}}}, nil
		},
		Independent: apart, Hold: h.Vault.Hold,
		Destroy: func(ctx context.Context, order events.UUID, cause string, keys []vault.Info) (vault.Destroyed, error) {
			var kids []events.KID
			for _, k := range keys {
				kids = append(kids, k.KID)
			}
			return h.Vault.Destroy(ctx, vault.Order{ID: order, Cause: cause}, kids)
		},
		Fence: func(ctx context.Context, _ events.UUID, who events.SubjectID) error { return h.Vault.Fence(ctx, who) },
		Now:   func() time.Time { return h.clock }, Logger: h.Logger,
	})
	return h
}

func (h *house) contact(ctx context.Context, who events.SubjectID) (events.Address, error) {
	as := events.Principal{Actor: "system:privacy", Role: events.RolePrivacy, Purpose: events.PurposeDSR}
	customer, err := h.Load(ctx, events.CustomerStream(who), nil)
	if err != nil || len(customer) == 0 {
		return events.Address{}, errors.Join(err, transfer.ErrNoContact)
	}
	inquiry, err := h.Load(ctx, events.InquiryStream(customer[0].Event.(events.CustomerIdentified).Inquiry), &as)
	if err != nil {
		return events.Address{}, err
	}
	a, state := inquiry[0].Event.(events.InquiryReceived).Contact.Open()
	if state != events.Plain {
		return a, transfer.ErrNoContact
	}
	return a, nil
}

func (h *house) by(agent events.AgentID) journal.By {
	return journal.By{Command: events.NewUUID(), Actor: events.AgentActor(agent), At: h.clock}
}

func (h *house) write(s events.Stream, evs ...events.Event) {
	_, err := h.Append(h.t.Context(), s, events.AnyRevision, h.by("door"), evs...)
	check(h.t, err)
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

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func reasonOf(err error) string {
	if r, ok := errors.AsType[*transfer.Refusal](err); ok {
		return r.Reason
	}
	return fmt.Sprint(err)
}

// person is a customer with one request.
type person struct {
	id      events.SubjectID
	inquiry events.InquiryID
	ticket  events.TicketID
	address string
}

// customers writes n people, each with a mail in a request of a mailbox; every tenth
// mail is too large for its event.
func (h *house) customers(n int, mailbox events.MailboxID) []person {
	out := make([]person, n)
	var g errgroup.Group
	g.SetLimit(16)
	for i := range out {
		p := person{events.SubjectID(newID()), events.InquiryID(newID()), events.TicketID(newID()), fmt.Sprintf("p%d@%s.example", i, mailbox)}
		out[i] = p
		g.Go(func() error {
			raw := []byte("Subject: x\n\nwords of " + p.address)
			if i%10 == 0 {
				raw = append(raw, bytes.Repeat([]byte("long "), 10_000)...)
			}
			for s, evs := range map[events.Stream][]events.Event{
				events.InquiryStream(p.inquiry): {events.InquiryReceived{
					Inquiry: p.inquiry, Customer: p.id, Mailbox: mailbox, Channel: events.Email, ArrivedAt: h.clock, Class: events.MailHuman,
					Contact: events.Seal(events.Address{Address: p.address}), Letter: events.Seal(events.Letter{Text: "words of " + p.address}), Raw: events.NewBlob(raw),
				}},
				events.CustomerStream(p.id): {events.CustomerIdentified{Customer: p.id, Inquiry: p.inquiry}},
				events.TicketStream(p.ticket): {
					events.TicketOpened{Ticket: p.ticket, Number: int64(i + 1), Mailbox: mailbox, Customer: p.id, Channel: events.Email},
					events.MessageAttached{Ticket: p.ticket, Inquiry: p.inquiry, Customer: p.id},
				},
			} {
				if _, err := h.Append(h.t.Context(), s, events.NoStream, journal.By{Command: events.NewUUID(), Actor: "door:email", At: h.clock}, evs...); err != nil {
					return err
				}
			}
			_, err := h.Vault.Subjects(h.t.Context(), []string{"other-" + p.address})
			return err
		})
	}
	check(h.t, g.Wait())
	return out
}

// announced is a transfer that everybody was told of, and nobody may object to any
// more.
func (h *house) announced() events.TransferID {
	id := events.TransferID(newID())
	h.write(events.TransferStream(id),
		events.BusinessTransferAnnounced{Transfer: id, Acquirer: "northwind", ObjectBy: h.clock.AddDate(0, 1, 0), Effective: h.clock.AddDate(0, 2, 0), By: "1"},
		events.TransferNoticed{Transfer: id, Queued: 950, Skipped: 50})
	return id
}

// text is what a person's mail says in this house, and how it stands.
func (h *house) text(p person) (string, events.State) {
	h.t.Helper()
	as := events.Principal{Actor: "agent:1", Role: events.RoleAgent, Purpose: events.PurposeSupport}
	history, err := h.Load(h.t.Context(), events.InquiryStream(p.inquiry), &as)
	check(h.t, err)
	if len(history) == 0 {
		return "", events.Unopened
	}
	e := history[0].Event.(events.InquiryReceived)
	l, state := e.Letter.Open()
	if state == events.Plain {
		raw, rawState, err := h.Sealer.OpenBlob(h.t.Context(), as, e.Raw)
		check(h.t, err)
		if rawState != events.Plain || !bytes.Contains(raw, []byte(l.Text)) {
			h.t.Errorf("the mail behind a text is %s", rawState)
		}
	}
	return l.Text, state
}

func (h *house) erase(people []person) {
	for _, p := range people {
		kids, err := h.Vault.KeysOf(h.t.Context(), p.id)
		check(h.t, err)
		_, err = h.Vault.Destroy(h.t.Context(), vault.Order{ID: events.NewUUID(), Cause: vault.CauseSubject}, kids)
		check(h.t, err)
	}
}

// export makes a file for a receiver.
func (h *house) export(id events.TransferID, to string, mailboxes ...events.MailboxID) ([]byte, transfer.Summary) {
	h.t.Helper()
	var out bytes.Buffer
	s, err := h.office.Export(h.t.Context(), h.by("1"), "1", id, transfer.NewExport{To: to, Mailboxes: mailboxes}, &out)
	check(h.t, err)
	return out.Bytes(), s
}

// cut is a file whose second reading ends early: a process that dies half-way.
type cut struct {
	io.ReadSeeker
	seeks, left int
}

var errCrash = errors.New("crash")

func (c *cut) Seek(at int64, whence int) (int64, error) {
	c.seeks++
	return c.ReadSeeker.Seek(at, whence)
}

func (c *cut) Read(p []byte) (int, error) {
	if c.seeks < 2 {
		return c.ReadSeeker.Read(p)
	}
	if c.left <= 0 {
		return 0, errCrash
	}
	n, err := c.ReadSeeker.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

func (h *house) events() (n int) {
	check(h.t, h.Store.ReadAll(h.t.Context(), events.Start, 1<<30, func(store.Recorded) error {
		n++
		return nil
	}))
	return n
}

// PRIVACY 6, test 25: of 1000 people 50 are erased and 3 held. The receiver reaches
// the sender's digest, however often its import dies; the 50 stay erased; a second
// import changes nothing; the sender shreds with a certificate, all but what is held.
//
// clause: 3.3
func TestBusinessMovesToAnotherHouse(t *testing.T) {
	ctx := t.Context()
	from, to := newHouse(t), newHouse(t)
	people := from.customers(1000, "sales")
	erased, held, alive := people[:50], people[50:53], people[53:]
	from.erase(erased)
	hold := vault.HoldOrder{ID: events.NewUUID(), Authority: "hold 1"}
	for _, p := range held {
		hold.Subjects = append(hold.Subjects, p.id)
	}
	_, err := from.Vault.Hold(ctx, hold)
	check(t, err)
	from.erase(held[:1]) // waits for the hold
	from.write(events.CustomerStream(alive[0].id), events.AddressSuppressed{Customer: alive[0].id, Address: "theirs", Kind: events.SuppressedComplaint})

	id := from.announced()
	mine, keys, err := to.office.Expect(ctx, to.by("9"), "9")
	check(t, err)
	if _, err := from.office.Export(ctx, from.by("1"), "1", id, transfer.NewExport{To: keys}, io.Discard); reasonOf(err) != "objections" {
		t.Errorf("exported while people may object: %v", err)
	}
	from.clock, from.busy = from.clock.AddDate(0, 1, 1), 2
	if _, err := from.office.Export(ctx, from.by("1"), "1", id, transfer.NewExport{To: keys}, io.Discard); reasonOf(err) != "under_way" {
		t.Errorf("exported with messages on their way: %v", err)
	}
	from.busy = 0
	file, sum := from.export(id, keys)
	if sum.Tombstones != 100 || sum.Keys != 1900 || sum.Files != 95 {
		t.Errorf("exported %+v", sum)
	}
	for _, secret := range []string{"words of", alive[1].address, string(alive[1].id)} {
		if bytes.Contains(file, []byte(secret)) {
			t.Errorf("the file shows %q", secret)
		}
	}

	if log, err := from.Load(ctx, events.RecipientStream("northwind"), nil); err != nil || len(log) != 950 {
		t.Errorf("%d people in the acquirer's log, %v", len(log), err)
	}

	in := func(f io.ReadSeeker) transfer.NewImport {
		return transfer.NewImport{File: f, From: from.office.SenderKey()}
	}
	before := to.events()
	for _, at := range []int{len(file) / 7, len(file) / 3, len(file) - 5000} {
		if _, err := to.office.Import(ctx, to.by("9"), "9", mine, in(&cut{ReadSeeker: bytes.NewReader(file), left: at})); err == nil {
			t.Error("an import that was cut short is done")
		}
	}
	if to.events() == before {
		t.Fatal("the cut imports wrote nothing, so they prove nothing")
	}
	got, err := to.office.Import(ctx, to.by("9"), "9", mine, in(bytes.NewReader(file)))
	check(t, err)
	if got.Receipt.State != sum.State || got.Receipt.Root != sum.Root || got.Again || got.People != 949+1 {
		t.Errorf("imported %+v", got)
	}
	for _, p := range erased {
		if text, state := to.text(p); state != events.Erased || text != "" {
			t.Fatalf("somebody who was erased reads %q, %s", text, state)
		}
	}
	for _, p := range alive {
		if text, _ := to.text(p); text != "words of "+p.address {
			t.Fatalf("a live person's words are %q", text)
		}
	}
	if _, state := to.text(held[0]); state != events.Restricted {
		t.Errorf("what only a hold keeps is %s", state)
	}
	if who, ok, _ := to.Vault.Lookup(ctx, alive[3].address); !ok || who != alive[3].id {
		t.Error("a person is not known by their address")
	}
	history, err := to.Load(ctx, events.CustomerStream(alive[0].id), nil)
	check(t, err)
	if e, ok := history[len(history)-1].Event.(events.AddressSuppressed); !ok || e.Address != to.Vault.Hash("address", alive[0].address) {
		t.Errorf("whom nobody may write to: %+v", history[len(history)-1].Event)
	}

	after := to.events()
	again, err := to.office.Import(ctx, to.by("9"), "9", mine, in(bytes.NewReader(file)))
	check(t, err)
	if !again.Again || to.events() != after || again.Receipt.Digest != got.Receipt.Digest {
		t.Errorf("a second import: %+v, %d events more", again, to.events()-after)
	}
	// The file opens nothing any more: its key is destroyed.
	if _, _, err := to.office.Verify(ctx, "9", mine, in(bytes.NewReader(file))); reasonOf(err) != "key_gone" {
		t.Errorf("the file still opens: %v", err)
	}

	shred(t, from, id, got.Receipt, held)
	// A held person's keys were erased at the sender by order; their end follows here too.
	_, err = to.Vault.Release(ctx, hold.ID)
	check(t, err)
	if _, state := to.text(held[0]); state != events.Erased {
		t.Errorf("after the hold what waited for it is %s", state)
	}
	if text, _ := to.text(held[1]); text == "" {
		t.Error("the hold's end took what nobody erased")
	}
}

// shred destroys at the sender, with the receipt and a second person.
func shred(t *testing.T, from *house, id events.TransferID, r transfer.Receipt, held []person) {
	t.Helper()
	ctx := t.Context()
	if _, err := from.office.Shred(ctx, from.by("2"), "2", id); reasonOf(err) != "not_completed" {
		t.Errorf("shredded without a receipt: %v", err)
	}
	forged := r
	forged.State = "another"
	if err := from.office.Complete(ctx, from.by("1"), "1", id, forged); reasonOf(err) != "receipt" {
		t.Errorf("a forged receipt: %v", err)
	}
	check(t, from.office.Complete(ctx, from.by("1"), "1", id, r))
	if _, err := from.office.Shred(ctx, from.by("1"), "1", id); reasonOf(err) != "same_person" {
		t.Errorf("one person exported and shredded: %v", err)
	}
	if _, err := from.office.Shred(ctx, from.by("puppet"), "puppet", id); !errors.Is(err, errPuppet) {
		t.Errorf("one hand exported and shredded: %v", err)
	}
	raw, err := from.office.Shred(ctx, from.by("2"), "2", id)
	check(t, err)
	b, err := bundle.Open(raw, nil)
	check(t, err)
	if n := bytes.Count(b.Files["keys.txt"], []byte("\n")); b.Manifest.Kind != "shredding" || n != 2000-6 {
		t.Errorf("certificate %+v with %d keys", b.Manifest, n)
	}
	census, err := from.Vault.Census(ctx)
	check(t, err)
	var left int64
	for _, n := range census {
		left += n
	}
	if left != int64(2*len(held)) {
		t.Errorf("%d keys are left at the sender: %v", left, census)
	}
	again, err := from.office.Shred(ctx, from.by("2"), "2", id)
	if err != nil || len(again) == 0 {
		t.Errorf("repeated: %v", err)
	}
}

// A file that was changed, cut, made by somebody else or for somebody else is
// refused, and nothing of it is written.
//
// clause: 3.3
func TestForgedExportIsRefused(t *testing.T) {
	ctx := t.Context()
	from, to, other := newHouse(t), newHouse(t), newHouse(t)
	from.customers(3, "sales")
	id := from.announced()
	from.clock = from.clock.AddDate(0, 1, 1)
	mine, keys, err := to.office.Expect(ctx, to.by("9"), "9")
	check(t, err)
	theirs, otherKeys, err := other.office.Expect(ctx, other.by("9"), "9")
	check(t, err)
	file, _ := from.export(id, keys)
	before := to.events()
	try := func(what string, h *house, at events.TransferID, b []byte, key string) {
		t.Helper()
		if _, err := h.office.Import(ctx, h.by("9"), "9", at, transfer.NewImport{File: bytes.NewReader(b), From: key}); !errors.Is(err, transfer.ErrForged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	sender := from.office.SenderKey()
	for i := 0; i < len(file); i += 1 + len(file)/60 {
		changed := slices.Clone(file)
		changed[i] ^= 1
		try(fmt.Sprintf("byte %d changed", i), to, mine, changed, sender)
	}
	try("cut", to, mine, file[:len(file)-10], sender)
	try("something after it", to, mine, append(slices.Clone(file), 0), sender)
	try("another sender", to, mine, file, other.office.SenderKey())
	try("another receiver", other, theirs, file, sender)
	if n := to.events(); n != before {
		t.Errorf("%d events were written", n-before)
	}
	// A house that would keep the data longer says why.
	to.keep = 36
	n := transfer.NewImport{File: bytes.NewReader(file), From: sender}
	if _, err := to.office.Import(ctx, to.by("9"), "9", mine, n); reasonOf(err) != "longer" {
		t.Errorf("kept longer in silence: %v", err)
	}
	n.Longer = "6-1-c"
	// A mail of the sender and one of this house would have one id.
	to.write(events.MailboxStream("elsewhere"), events.MailboxAdvanced{Mailbox: "elsewhere"})
	other.write(events.MailboxStream("sales"), events.MailboxAdvanced{Mailbox: "sales"})
	file2, _ := from.export(id, otherKeys)
	if _, err := other.office.Import(ctx, other.by("9"), "9", theirs, transfer.NewImport{File: bytes.NewReader(file2), From: sender}); reasonOf(err) != "mailbox" {
		t.Errorf("two mailboxes of one name: %v", err)
	}
	_, err = to.office.Import(ctx, to.by("9"), "9", mine, n)
	check(t, err)
}

// A part of a business: only what belongs to its mailboxes travels; people who are
// customers of both stay with both, and what a person restricted stays at the sender.
//
// clause: 3.3
func TestPartOfABusinessMoves(t *testing.T) {
	ctx := t.Context()
	from, to := newHouse(t), newHouse(t)
	sold, kept := from.customers(5, "sold"), from.customers(5, "kept")
	check(t, from.Vault.Restrict(ctx, sold[4].id, true, "request"))
	both := sold[0]
	shared := person{both.id, events.InquiryID(newID()), events.TicketID(newID()), both.address}
	from.write(events.InquiryStream(shared.inquiry), events.InquiryReceived{
		Inquiry: shared.inquiry, Customer: both.id, Mailbox: "kept", Channel: events.Email, Letter: events.Seal(events.Letter{Text: "to the other"}), Raw: events.NewBlob([]byte("to the other")),
	})
	from.write(events.TicketStream(shared.ticket), events.TicketOpened{Ticket: shared.ticket, Mailbox: "kept", Customer: both.id}, events.MessageAttached{Ticket: shared.ticket, Inquiry: shared.inquiry, Customer: both.id})
	id := from.announced()
	from.clock = from.clock.AddDate(0, 1, 1)
	mine, keys, err := to.office.Expect(ctx, to.by("9"), "9")
	check(t, err)
	file, sum := from.export(id, keys, "sold")
	if sum.Streams != 15 || sum.Kept != 2 {
		t.Errorf("exported %+v", sum)
	}
	got, err := to.office.Import(ctx, to.by("9"), "9", mine, transfer.NewImport{File: bytes.NewReader(file), From: from.office.SenderKey()})
	check(t, err)
	if text, _ := to.text(sold[1]); text == "" {
		t.Error("what was sold did not arrive")
	}
	if _, state := to.text(sold[4]); state != events.Erased {
		t.Errorf("what a person restricted is %s at the receiver", state)
	}
	for _, p := range append(kept, shared) {
		if text, state := to.text(p); state != events.Unopened {
			t.Errorf("what was not sold arrived: %q, %s", text, state)
		}
	}
	check(t, from.office.Complete(ctx, from.by("1"), "1", id, got.Receipt))
	_, err = from.office.Shred(ctx, from.by("2"), "2", id)
	check(t, err)
	if _, state := from.text(sold[1]); state != events.Erased {
		t.Errorf("what was sold is %s at the sender", state)
	}
	for _, p := range append(kept, shared) {
		if text, _ := from.text(p); text == "" {
			t.Error("what was not sold is gone at the sender")
		}
	}
}

// Erased at the sender after an export brought it over: the next export takes it away
// at the receiver as well. Erased at the receiver: no later export brings it back.
//
// clause: 3.3
func TestErasureFollowsAndIsNeverUndone(t *testing.T) {
	ctx := t.Context()
	from, to := newHouse(t), newHouse(t)
	people := from.customers(3, "sales")
	id := from.announced()
	from.clock = from.clock.AddDate(0, 1, 1)
	move := func() {
		mine, keys, err := to.office.Expect(ctx, to.by("9"), "9")
		check(t, err)
		file, _ := from.export(id, keys)
		_, err = to.office.Import(ctx, to.by("9"), "9", mine, transfer.NewImport{File: bytes.NewReader(file), From: from.office.SenderKey()})
		check(t, err)
	}
	move()
	from.erase(people[:1])
	to.erase(people[1:2])
	move()
	for i, want := range []events.State{events.Erased, events.Erased, events.Plain} {
		if _, state := to.text(people[i]); state != want {
			t.Errorf("person %d is %s, want %s", i, state, want)
		}
	}
}
