package projections_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/customers"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/projections/projectiontest"
	"github.com/westshore/hub/projections/search"
	"github.com/westshore/hub/projections/tickets"
)

// TestViewsOfARealJournal runs all views on the real thing: what is appended is
// seen, read, found, and gone after its keys were destroyed, also after a
// rebuild.
func TestViewsOfARealJournal(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	k := journaltest.New(t)
	at, reload := projections.Store{Dir: t.TempDir()}, projections.ReloadFrom(k.Journal)
	list, err := tickets.New(ctx, at, k.Sealer.Open, quiet)
	check(t, err)
	out, err := outbox.New(ctx, at, reload, quiet)
	check(t, err)
	people, err := customers.New(ctx, at, reload, quiet)
	check(t, err)
	words, err := search.New(ctx, at, reload, quiet)
	check(t, err)
	src, feed := projections.FromJournal(k.Journal), projections.NewFeed()
	var runners []*projections.Runner
	for _, p := range []projections.Projection{list, out, people, words} {
		runners = append(runners, projections.NewRunner(projections.Config{Projection: p, Source: src, Feed: feed, Logger: quiet}))
	}
	runCtx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- projections.Run(runCtx, src, runners...) }()
	wait := func(p events.Position) {
		t.Helper()
		for _, r := range runners {
			check(t, r.Wait(ctx, p))
		}
	}

	subjects, err := k.Vault.Subjects(ctx, []string{ada.Address})
	check(t, err)
	who, inquiry, ticket := subjects[0], projectiontest.InquiryID(1), projectiontest.TicketID(1)
	by := func(actor events.Actor) journal.By { return journal.By{Command: events.NewUUID(), Actor: actor} }
	_, err = k.Append(ctx, events.InquiryStream(inquiry), events.NoStream, by("door:mailbox"), events.InquiryReceived{
		Inquiry: inquiry, Channel: events.Email, Mailbox: "support", UIDValidity: 1, UID: 1, ArrivedAt: time.Now(), Customer: who, Class: events.MailHuman,
		Raw: events.NewBlob([]byte("Subject: Broken kettle\r\n\r\nIt leaks.")), Contact: events.Seal(ada),
		Letter: events.Seal(events.Letter{Subject: "Broken kettle", Text: "It leaks.", QuoteFrom: -1}),
	})
	check(t, err)
	w, err := k.Append(ctx, events.TicketStream(ticket), events.NoStream, by("system:desk"),
		events.TicketOpened{Ticket: ticket, Number: 1, Channel: events.Email, Customer: who},
		events.MessageAttached{Ticket: ticket, Inquiry: inquiry, Customer: who, Class: events.MailHuman})
	check(t, err)
	wait(w.Position)

	c, err := list.Read(ctx, agent, "1")
	check(t, err)
	if c.Ticket.Subject != "Broken kettle" || c.Ticket.Customer.Address != ada.Address || c.Messages[0].Text != "It leaks." {
		t.Errorf("ticket %+v", c)
	}
	blob, err := list.File(ctx, string(inquiry), 0)
	check(t, err)
	raw, state, err := k.Sealer.OpenBlob(ctx, agent, blob)
	check(t, err)
	if state != events.Plain || string(raw) != "Subject: Broken kettle\r\n\r\nIt leaks." {
		t.Errorf("raw mail: %s, %d bytes", state, len(raw))
	}
	found := func() int {
		t.Helper()
		res, err := words.Search(ctx, search.Query{Text: "kettle leaks"})
		check(t, err)
		return len(res.Hits)
	}
	if found() != 1 {
		t.Errorf("found %d tickets, want 1", found())
	}

	kids, err := k.Vault.KeysOf(ctx, who)
	check(t, err)
	_, err = k.Vault.Destroy(ctx, vault.Order{ID: events.NewUUID(), Cause: vault.CauseSubject}, kids)
	check(t, err)
	for range 2 {
		for _, r := range runners {
			_, err := r.Purge(ctx, who)
			check(t, err)
		}
		c, err = list.Read(ctx, agent, "1")
		check(t, err)
		person, err := people.Get(ctx, who)
		check(t, err)
		if !c.Ticket.Erased || c.Ticket.Subject != "" || c.Messages[0].State != events.Erased || person.Address != "" || found() != 0 {
			t.Errorf("after the purge: %+v, %+v, %d found", c, person, found())
		}
		for _, r := range runners {
			check(t, r.Rebuild(ctx))
		}
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("run ended with %v", err)
	}
	for _, v := range []interface{ Close() error }{list, out, people, words} {
		check(t, v.Close())
	}
}

var agent = events.Principal{Actor: "agent:1", Role: events.RoleAgent, Purpose: events.PurposeSupport}
