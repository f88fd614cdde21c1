package retention_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/services/privacy"
	"github.com/westshore/hub/services/privacy/retention"
)

// office is a retention engine on a real journal and a real vault, with a clock
// that a test moves.
type office struct {
	*testing.T
	kit      *journaltest.Kit
	registry *privacy.Registry
	anchors  *retention.Anchors
	engine   *retention.Engine
	began    time.Time
	now      time.Time

	mu      sync.Mutex
	purged  []events.SubjectID
	fail    map[string]int // how often a step fails, by name
	orders  int
	sources []retention.Source
}

var errPlanned = errors.New("planned failure")

func (o *office) failing(step string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fail[step] > 0 {
		o.fail[step]--
		return errPlanned
	}
	return nil
}

func newOffice(t *testing.T) *office {
	t.Helper()
	began := time.Now().UTC().Truncate(time.Millisecond)
	o := &office{T: t, kit: journaltest.New(t), began: began, now: began, fail: map[string]int{}}
	var err error
	o.registry, err = privacy.Open(t.Context(), privacy.Config{Journal: o.kit.Journal, Logger: o.kit.Logger, Scheduled: func(ctx context.Context, s events.RetentionScheduleChanged) error {
		compiled, err := privacy.Compile(s)
		if err != nil {
			return err
		}
		return o.kit.Vault.SetSchedule(ctx, compiled)
	}})
	o.must(err)
	o.kit.StampWith(o.registry.Stamp)
	o.anchors = retention.NewAnchors(o.kit.Journal, o.kit.Vault, o.kit.Logger)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- o.anchors.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("anchors: %v", err)
		}
	})
	o.engine = o.newEngine()
	return o
}

// apart stands for the accounts: "puppet" is in the hand of everybody.
func apart(_ context.Context, _, agrees events.AgentID) error {
	if agrees == "puppet" {
		return errPuppet
	}
	return nil
}

var errPuppet = errors.New("one hand")

func (o *office) newEngine() *retention.Engine {
	return retention.New(retention.Config{
		Journal: o.kit.Journal, Vault: o.kit.Vault, Anchors: o.anchors, Logger: o.kit.Logger,
		Schedule: func() events.RetentionScheduleChanged { return o.registry.Now().Schedule().RetentionScheduleChanged },
		Now:      func() time.Time { return o.now }, Independent: apart,
		Destroy: func(ctx context.Context, order events.UUID, due time.Time, keys []vault.Info) (vault.Destroyed, error) {
			if err := o.failing("before destroy"); err != nil {
				return vault.Destroyed{}, err
			}
			var kids []events.KID
			for _, k := range keys {
				kids = append(kids, k.KID)
			}
			o.mu.Lock()
			o.orders++
			o.mu.Unlock()
			done, err := o.kit.Vault.Destroy(ctx, vault.Order{ID: order, Cause: vault.CauseRetention, Due: due}, kids)
			return done, errors.Join(err, o.failing("after destroy"))
		},
		Purge: func(_ context.Context, people []events.SubjectID) error {
			if err := o.failing("purge"); err != nil {
				return err
			}
			o.mu.Lock()
			defer o.mu.Unlock()
			o.purged = append(o.purged, people...)
			return nil
		},
		Sources: o.sources,
	})
}

func (o *office) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

// at moves every clock to a time: a person accepts what a machine would not.
func (o *office) at(when time.Time) {
	o.Helper()
	o.now = when
	c, err := o.engine.Tick(o.Context())
	o.must(err)
	if c.Suspended != "" {
		_, err = o.engine.AcceptClock(o.Context(), retention.By{Command: events.NewUUID(), Agent: "ada"})
		o.must(err)
	}
}

func (o *office) write(stream events.Stream, at time.Time, evs ...events.Event) []events.KID {
	o.Helper()
	w, err := o.kit.Execute(o.Context(), stream, journal.By{Command: events.NewUUID(), Actor: "agent:1", At: at}, func([]events.Recorded) ([]events.Event, error) { return evs, nil })
	o.must(err)
	recs, err := o.kit.Load(o.Context(), stream, nil)
	o.must(err)
	var kids []events.KID
	for _, r := range recs {
		if slices.Contains(w.Events, r.ID) {
			for _, s := range r.Meta.Segments {
				kids = append(kids, s.KID)
			}
		}
	}
	return kids
}

// conversation is a ticket with a letter and an answer.
type conversation struct {
	ticket   events.TicketID
	inquiry  events.InquiryID
	customer events.SubjectID
	contact  events.KID
	letter   events.KID
	answer   []events.KID // envelope and text
}

func (o *office) conversation() conversation {
	o.Helper()
	c := conversation{
		ticket: events.TicketID(events.NewUUID().String()), inquiry: events.InquiryID(events.NewUUID().String()), customer: events.SubjectID(events.NewUUID().String()),
	}
	at := o.began
	kids := o.write(events.InquiryStream(c.inquiry), at, events.InquiryReceived{
		Inquiry: c.inquiry, Channel: events.Email, ArrivedAt: at, Customer: c.customer, Class: events.MailHuman,
		Contact: events.Seal(events.Address{Name: "Cleo", Address: "cleo@customer.example"}),
		Letter:  events.Seal(events.Letter{Subject: "Lamp", Text: "It broke.", QuoteFrom: -1}),
	}, events.InquiryRouted{Inquiry: c.inquiry, Ticket: c.ticket, New: true, Number: 1, Why: "new"})
	c.contact, c.letter = kids[0], kids[1]
	o.write(events.TicketStream(c.ticket), at,
		events.TicketOpened{Ticket: c.ticket, Number: 1, Channel: events.Email, Customer: c.customer},
		events.MessageAttached{Ticket: c.ticket, Inquiry: c.inquiry, Customer: c.customer, Class: events.MailHuman, Why: "new"})
	c.answer = o.write(events.TicketStream(c.ticket), at, events.ReplyWritten{
		Ticket: c.ticket, Message: events.MessageID(events.NewUUID().String()), Number: 1, Agent: "1", Customer: c.customer,
		Envelope: events.Seal(events.ReplyEnvelope{Subject: "Re: Lamp"}), Answer: events.Seal(events.Answer{Text: "We are sorry."}),
	})
	return c
}

func (o *office) resolve(c conversation, at time.Time) {
	o.write(events.TicketStream(c.ticket), at, events.TicketResolved{Ticket: c.ticket})
}

// told waits until the vault knows everything that the log says.
func (o *office) told() {
	o.Helper()
	head, err := o.kit.Head(o.Context())
	o.must(err)
	ctx, cancel := context.WithTimeout(o.Context(), 10*time.Second)
	defer cancel()
	o.must(o.anchors.Wait(ctx, head))
}

// dead lists which of some keys are destroyed.
func (o *office) dead(kids ...events.KID) (n int) {
	o.Helper()
	tombs, err := o.kit.Vault.Tombs(o.Context(), kids)
	o.must(err)
	return len(tombs)
}

func (o *office) ends(kid events.KID) time.Time {
	o.Helper()
	ends, err := o.kit.Vault.Expiries(o.Context(), []events.KID{kid})
	o.must(err)
	return ends[kid]
}

func privacyBy() privacy.By { return privacy.By{Command: events.NewUUID(), Actor: "agent:ada"} }
