package rights_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/bus"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/services/notifier"
	"github.com/westshore/hub/services/privacy/rights"
)

func asRefusal(err error) (*rights.Refusal, bool) { return errors.AsType[*rights.Refusal](err) }

func (h *house) allowed(who events.SubjectID, purpose string) string {
	h.t.Helper()
	ok, reason, err := h.rights.Allowed(h.t.Context(), who, purpose)
	check(h.t, err)
	if ok {
		return "yes"
	}
	return reason
}

// PRIVACY 6, test 15, at the gate: an acknowledged notice is no consent; a consent is
// for one purpose and lives until it is taken back; administrative messages pass.
//
// clause: 2.2 2.3 P0
func TestConsentIsWhatOpensTheGate(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	ada := h.ada()
	check(t, h.rights.Present(ctx, h.by(), ada, events.PolicyVersion, "the notice", "page", "en", true))
	if got := h.allowed(ada, "promotional"); got != rights.ReasonNoConsent {
		t.Errorf("an acknowledged notice opens the gate: %s", got)
	}
	check(t, h.rights.AskConsent(ctx, h.by(), ada, rights.Promo))
	if got := h.allowed(ada, "promotional"); got != rights.ReasonNoConsent {
		t.Errorf("a consent that was only asked for opens the gate: %s", got)
	}
	token := h.token("/privacy/confirm/")
	for range 2 { // a link that is followed twice is one consent
		_, err := h.rights.Confirm(ctx, token, "en")
		check(t, err)
	}
	if got := h.allowed(ada, "promotional"); got != "yes" {
		t.Errorf("a confirmed consent does not open the gate: %s", got)
	}
	if got := h.allowed(ada, "personalise"); got != rights.ReasonNoConsent {
		t.Errorf("consent to one purpose opens another: %s", got)
	}
	url := h.rights.UnsubscribeURL(ada, rights.Promo)
	_, err := h.rights.Unsubscribe(ctx, url[len("https://help.house.example/u/"):])
	check(t, err)
	if got := h.allowed(ada, "promotional"); got != rights.ReasonNoConsent {
		t.Errorf("one click did not end it: %s", got)
	}
	for kind, want := range map[string]string{"administrative": "yes", "reply": "yes", "acknowledgement": "yes"} {
		if got := h.allowed(ada, kind); got != want {
			t.Errorf("%s to somebody who opted out: %s", kind, got)
		}
	}
	// Who said no is not asked again for a year (CCPA).
	if got := reasonOf(h.rights.AskConsent(ctx, h.by(), ada, rights.Promo)); got != "asked_too_soon" {
		t.Errorf("asked again at once: %q", got)
	}
	h.tick(366 * 24 * time.Hour)
	check(t, h.rights.AskConsent(ctx, h.by(), ada, rights.Promo))
	// An old link is replaced by a new one.
	if _, err := h.rights.Confirm(ctx, token, "en"); err == nil {
		t.Error("an old confirmation link works")
	}
}

// Links are good for one thing and one person, and nobody can make one.
func TestLinksAreSigned(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	ada := h.ada()
	token := h.rights.UnsubscribeURL(ada, rights.Promo)[len("https://help.house.example/u/"):]
	for _, bad := range []string{"", "x", token[:len(token)-2], "A" + token[1:], token + "AA"} {
		if _, err := h.rights.Unsubscribe(ctx, bad); err == nil {
			t.Errorf("token %q was believed", bad)
		}
	}
	if _, err := h.rights.Enter(ctx, token); err == nil {
		t.Error("an unsubscribe link opens the privacy centre")
	}
}

// post is the back door with the gate in it, without a mail server.
type post struct {
	outbox *outbox.View
	bus    *bus.Bus
	feed   *projections.Feed
}

func (h *house) post() post {
	h.t.Helper()
	ctx := h.t.Context()
	var p post
	var err error
	p.outbox, err = outbox.New(ctx, projections.Store{Dir: h.t.TempDir()}, projections.ReloadFrom(h.Journal), h.Logger)
	check(h.t, err)
	p.bus, err = bus.Open(ctx, bus.Config{Dir: h.t.TempDir(), Logger: h.Logger})
	check(h.t, err)
	p.feed = projections.NewFeed()
	source := projections.FromJournal(h.Journal, p.outbox)
	runner := projections.NewRunner(projections.Config{Projection: p.outbox, Source: source, Feed: p.feed, Logger: h.Logger})
	h.loop(runner.Run)
	h.t.Cleanup(func() { p.bus.Close(); check(h.t, p.outbox.Close()) })
	marks := notifier.NewMarks(make([]byte, 32), []notifier.Sender{{ID: "support", Address: "help@house.example", Name: "House"}})
	h.loop((&notifier.Clerk{
		Journal: h.Journal, Marks: marks, Hash: h.Vault.Hash, Brand: "House", Gate: h.rights.Allowed, Unsubscribe: h.rights.UnsubscribeURL,
		Now: time.Now, Logger: h.Logger,
	}).Run)
	return p
}

func (h *house) loop(run func(context.Context) error) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	h.t.Cleanup(func() { stop(); <-done })
}

// comes waits for an event of a type in a stream.
func (h *house) comes(s events.Stream, wire string) events.Event {
	h.t.Helper()
	ctx, stop := context.WithTimeout(h.t.Context(), 20*time.Second)
	defer stop()
	var found events.Event
	_ = h.Subscribe(ctx, journal.Reading{Types: []string{wire}}, func(_ context.Context, b journal.Batch) error {
		for _, rec := range b.Events {
			if rec.Stream == s && rec.Type == wire {
				found = rec.Event
				stop()
			}
		}
		return nil
	})
	if found == nil {
		h.t.Fatalf("%s never came", wire)
	}
	return found
}

func (h *house) promo(who events.SubjectID, kind events.OutboundKind) events.OutboundID {
	h.t.Helper()
	id := events.MessageID(randomID())
	_, err := h.Append(h.t.Context(), events.LetterStream(id), events.NoStream, h.by(), events.LetterWritten{
		Message: id, Kind: kind, Purpose: rights.Promo, Customer: who,
		Letter: events.Seal(events.HouseLetter{To: events.Address{Address: "ada@customer.example"}, Subject: "News", Text: "News"}),
	})
	check(h.t, err)
	return id.Outbound()
}

// PRIVACY 6, test 15, through the outbox: consent given, a promotion queued, the
// consent taken back before the claim: it is not sent. Without consent it is not even
// queued to be sent. An administrative message goes out all the same.
//
// clause: 2.2 2.3 P0
func TestWithdrawnBeforeTheClaimIsNotSent(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	ada := h.ada()
	p := h.post()
	refused := h.promo(ada, events.OutboundPromotional)
	if e := h.comes(events.OutboundStream(refused), "hub.MessageCancelled"); e.(events.MessageCancelled).Reason != rights.ReasonNoConsent {
		t.Errorf("refused with %+v", e)
	}
	check(t, h.rights.Grant(ctx, h.by(), ada, rights.Promo, "en", "centre"))
	sent := h.promo(ada, events.OutboundPromotional)
	admin := h.promo(ada, events.OutboundAdministrative)
	h.comes(events.OutboundStream(sent), "hub.MessageQueued")
	h.comes(events.OutboundStream(admin), "hub.MessageQueued")
	check(t, h.rights.Withdraw(ctx, h.by(), ada, rights.Promo, "one_click"))
	h.loop((&notifier.Dispatcher{
		Journal: h.Journal, Bus: p.bus, Outbox: p.outbox, Changed: p.feed.Changed, Worker: "w", Gate: h.rights.Allowed, Hash: h.Vault.Hash,
		Own: func(string) bool { return false }, CaughtUp: func(context.Context) error { return nil },
		Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	}).Run)
	if e := h.comes(events.OutboundStream(sent), "hub.MessageCancelled"); e.(events.MessageCancelled).Reason != rights.ReasonNoConsent {
		t.Errorf("cancelled with %+v", e)
	}
	h.comes(events.OutboundStream(admin), "hub.DeliveryAttempted")
	history, err := h.Load(ctx, events.OutboundStream(sent), nil)
	check(t, err)
	for _, rec := range history {
		if rec.Type == "hub.DeliveryAttempted" {
			t.Error("a promotion was claimed after the consent was taken back")
		}
	}
}
