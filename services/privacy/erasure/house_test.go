package erasure_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/customers"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/projections/search"
	"github.com/westshore/hub/projections/tickets"
	"github.com/westshore/hub/services/privacy/erasure"
	"github.com/westshore/hub/services/privacy/scan"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var quiet = slog.New(slog.DiscardHandler)

// house is a real journal with real views and an office, and a clock.
type house struct {
	*journaltest.Kit
	t         testing.TB
	office    *erasure.Office
	ledger    *erasure.Ledger
	cfg       erasure.Config
	tickets   *tickets.View
	outbox    *outbox.View
	customers *customers.View
	search    *search.View
	runners   []*projections.Runner

	mu      sync.Mutex
	clock   time.Time
	letters map[events.MessageID]erasure.Letter
	mails   int
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.clock.IsZero() {
		return time.Now()
	}
	return h.clock
}

// at sets the clock.
func (h *house) at(t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock = t
}

func open(t testing.TB) *house {
	t.Helper()
	h := &house{Kit: journaltest.New(t), t: t, letters: map[events.MessageID]erasure.Letter{}}
	at, reload := projections.Store{Dir: filepath.Join(h.Dir, "views")}, projections.ReloadFrom(h.Journal)
	var err error
	h.tickets, err = tickets.New(t.Context(), at, h.Sealer.Open, h.Logger)
	check(t, err)
	h.outbox, err = outbox.New(t.Context(), at, reload, h.Logger)
	check(t, err)
	h.customers, err = customers.New(t.Context(), at, reload, h.Logger)
	check(t, err)
	h.search, err = search.New(t.Context(), at, reload, h.Logger)
	check(t, err)
	src := projections.FromJournal(h.Journal)
	for _, p := range []projections.Projection{h.tickets, h.outbox, h.customers, h.search} {
		h.runners = append(h.runners, projections.NewRunner(projections.Config{Projection: p, Source: src, Logger: h.Logger}))
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- projections.Run(ctx, src, h.runners...) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("views ended with %v", err)
		}
		for _, v := range []interface{ Close() error }{h.tickets, h.outbox, h.customers, h.search} {
			check(t, v.Close())
		}
	})
	h.ledger = erasure.NewLedger(h.Journal, h.Vault, []erasure.Anchor{erasure.FileAnchor(filepath.Join(h.Dir, "ledger.head"))}, h.Logger)
	h.cfg = erasure.Config{
		Journal: h.Journal, Vault: h.Vault, Ledger: h.ledger, Stores: h.stores(), Begin: h.Sealer.Begin, Forget: h.Blobs.Delete, Scan: h.scan,
		Others: h.search.Each, Control: h.control, Send: h.send,
		Recipients: func(_ context.Context, _ []events.SubjectID, streams []events.Stream) ([]erasure.Recipient, error) {
			if slices.ContainsFunc(streams, func(s events.Stream) bool { return s.Family() == "outbound" }) {
				return []erasure.Recipient{{ID: "mail-relay", Write: "privacy@relay.example"}}, nil
			}
			return nil, nil
		},
		Outbound: func(ctx context.Context, id events.MessageID) (out []events.OutboundID, err error) {
			items, err := h.outbox.ByMessage(ctx, id)
			for _, i := range items {
				out = append(out, i.ID)
			}
			return out, err
		},
		Signer: ed25519.NewKeyFromSeed(h.Vault.Secret("certificates")), Claim: h.Vault.Secret("claims"),
		Tenant: "t_test", Tool: "hub test", Brand: "Northwind", Now: h.now, Logger: h.Logger,
	}
	h.office = erasure.New(h.cfg)
	return h
}

func (h *house) stores() (out []erasure.Store) {
	for _, r := range h.runners {
		out = append(out, erasure.Store{
			ID: "view:" + r.Name(), Probe: r.Probe, Inventory: r.Inventory,
			Purge: func(ctx context.Context, o erasure.Order) (rows int, err error) {
				for _, s := range o.Subjects {
					receipt, err := r.Purge(ctx, s)
					if err != nil {
						return rows, err
					}
					rows += receipt.Rows
				}
				return rows, nil
			},
		})
	}
	return out
}

// register is the store register of the kit's folder.
func (h *house) register() scan.Register {
	reg := scan.Base()
	for _, st := range h.stores() {
		reg = reg.Add(h.Dir, st.ID, scan.Plaintext, "purged by person", st.Inventory())
	}
	return reg
}

func (h *house) scan(ctx context.Context, needles, control *scan.Needles) (scan.Report, error) {
	return scan.Run(ctx, scan.Config{
		Root: h.Dir, Register: h.register(), Needles: needles, Control: control, Feeds: []scan.Feed{{Store: "search:words", Each: h.words}, {Store: "log", Each: h.log}},
	})
}

func (h *house) words(ctx context.Context, record func(string, []byte) error) error {
	return h.search.Words(ctx, func(b []byte) error { return record("word", b) })
}

func (h *house) log(ctx context.Context, record func(string, []byte) error) error {
	return h.Store.ReadAll(ctx, events.Start, math.MaxInt32, func(r store.Recorded) error {
		return record(r.Type, slices.Concat([]byte(r.Stream+" "+r.Type), r.Data, r.Meta))
	})
}

func (h *house) control(ctx context.Context, not []events.SubjectID) (string, error) {
	found := ""
	err := h.search.Each(ctx, not, func(b []byte) error {
		if line, _, _ := bytes.Cut(b, []byte("\n")); found == "" && len(line) > 12 {
			found = string(line)
		}
		return nil
	})
	return found, err
}

func (h *house) send(_ context.Context, l erasure.Letter) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.letters[l.ID] = l
	return nil
}

func (h *house) by(actor events.Actor) journal.By {
	return journal.By{Command: events.NewUUID(), Actor: actor, At: h.now()}
}

// mail is one letter of somebody.
type mail struct {
	from    events.Address
	subject string
	text    string
	raw     string
}

// receive writes a mail to the log as a door and the desk do, on a ticket of its
// own, and returns its ids.
func (h *house) receive(m mail) (events.SubjectID, events.TicketID, events.InquiryID) {
	h.t.Helper()
	ctx := h.Sealer.Begin(h.t.Context())
	who, err := h.Vault.Subjects(ctx, []string{m.from.Address})
	check(h.t, err)
	h.mails++
	n := h.mails
	inquiry := events.InquiryID(events.NewUUID().String())
	ticket := events.TicketID(events.NewUUID().String())
	if m.raw == "" {
		m.raw = "From: " + m.from.Address + "\r\nSubject: " + m.subject + "\r\n\r\n" + m.text
	}
	_, err = h.Append(ctx, events.InquiryStream(inquiry), events.NoStream, h.by("door:mailbox"), events.InquiryReceived{
		Inquiry: inquiry, Channel: events.Email, Mailbox: "support", UIDValidity: 1, UID: uint32(n), ArrivedAt: h.now(), Customer: who[0], Class: events.MailHuman,
		Raw: events.NewBlob([]byte(m.raw)), Contact: events.Seal(m.from),
		Letter: events.Seal(events.Letter{Subject: m.subject, Text: m.text, QuoteFrom: -1, MessageID: inquiryMessage(n, m.from)}),
	})
	check(h.t, err)
	w, err := h.Append(ctx, events.TicketStream(ticket), events.NoStream, h.by("system:desk"),
		events.TicketOpened{Ticket: ticket, Number: int64(n), Channel: events.Email, Customer: who[0]},
		events.MessageAttached{Ticket: ticket, Inquiry: inquiry, Customer: who[0], Class: events.MailHuman})
	check(h.t, err)
	h.wait(w.Position)
	return who[0], ticket, inquiry
}

func inquiryMessage(n int, a events.Address) string { return fmt.Sprintf("%d.%s", n, a.Address) }

// reply writes an answer and what is queued of it; sent says that it went out.
func (h *house) reply(who events.SubjectID, to events.Address, ticket events.TicketID, text string, sent bool) (events.MessageID, events.OutboundID) {
	h.t.Helper()
	ctx := h.Sealer.Begin(h.t.Context())
	msg, out := events.MessageID(events.NewUUID().String()), events.OutboundID(events.NewUUID().String())
	_, err := h.Execute(ctx, events.TicketStream(ticket), h.by("agent:1"), func([]events.Recorded) ([]events.Event, error) {
		return []events.Event{events.ReplyWritten{
			Ticket: ticket, Message: msg, Agent: "1", Customer: who, MessageID: string(msg) + "@northwind.test",
			Envelope: events.Seal(events.ReplyEnvelope{To: []events.Address{to}, Subject: "Re"}), Answer: events.Seal(events.Answer{Text: text}),
		}}, nil
	})
	check(h.t, err)
	evs := []events.Event{events.MessageQueued{
		Outbound: out, Kind: events.OutboundReply, Channel: events.Email, Ticket: ticket, Message: msg, Customer: who, MessageID: string(msg) + "@northwind.test",
		NotBefore: h.now(), Rendered: events.NewBlob([]byte("To: " + to.Address + "\r\n\r\n" + text)),
		Parcel: events.Seal(events.Parcel{RcptTo: to.Address, To: to, Subject: "Re: your message"}),
	}}
	if sent {
		evs = append(evs, events.DeliveryAttempted{Outbound: out, Attempt: 1, Worker: "w"}, events.DeliveryStarted{Outbound: out, Attempt: 1},
			events.DeliveryAccepted{Outbound: out, Attempt: 1, Code: "250"})
	}
	w, err := h.Append(ctx, events.OutboundStream(out), events.NoStream, h.by("system:clerk"), evs...)
	check(h.t, err)
	h.wait(w.Position)
	return msg, out
}

func (h *house) wait(p events.Position) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 30*time.Second)
	defer cancel()
	for _, r := range h.runners {
		check(h.t, r.Wait(ctx, p))
	}
}

// caughtUp waits for everything that is in the log now.
func (h *house) caughtUp() {
	h.t.Helper()
	head, err := h.Head(h.t.Context())
	check(h.t, err)
	h.wait(head)
}

// request opens an erasure for somebody who is verified.
func (h *house) request(who events.SubjectID, contact events.Address) events.RequestID {
	h.t.Helper()
	id, err := h.office.Open(h.t.Context(), h.by("agent:1"), erasure.Opening{Customer: who, Contact: contact, Channel: "agent", Verified: true})
	check(h.t, err)
	return id
}

// advance takes a request as far as it goes, and returns where it is.
func (h *house) advance(id events.RequestID) *erasure.State {
	h.t.Helper()
	_, _, err := h.office.Advance(h.t.Context(), id)
	check(h.t, err)
	return h.state(id)
}

func (h *house) state(id events.RequestID) *erasure.State {
	h.t.Helper()
	s, err := h.office.Get(h.t.Context(), id)
	check(h.t, err)
	return s
}

// erase carries an erasure out up to its certificate.
func (h *house) erase(who events.SubjectID, contact events.Address) (events.RequestID, *erasure.State) {
	h.t.Helper()
	id := h.request(who, contact)
	s := h.advance(id)
	check(h.t, h.office.Approve(h.t.Context(), h.by("agent:2"), id, s.Scope.Digest))
	return id, h.advance(id)
}

func (h *house) read(ticket events.TicketID) tickets.Conversation {
	h.t.Helper()
	c, err := h.tickets.Read(h.t.Context(), agent, string(ticket))
	check(h.t, err)
	return c
}

func (h *house) found(text string) int {
	h.t.Helper()
	res, err := h.search.Search(h.t.Context(), search.Query{Text: text})
	check(h.t, err)
	return len(res.Hits)
}

// live counts the keys of a person that still open.
func (h *house) live(who events.SubjectID) int {
	h.t.Helper()
	kids, err := h.Vault.KeysOf(h.t.Context(), who)
	check(h.t, err)
	return len(kids)
}

var (
	agent = events.Principal{Actor: "agent:1", Role: events.RoleAgent, Purpose: events.PurposeSupport}
	ada   = events.Address{Name: "Ada Berglund-Hopper", Address: "ada.berglund@customer.test"}
	bo    = events.Address{Name: "Bo Lindqvist-Moore", Address: "bo.lindqvist@customer.test"}
)
