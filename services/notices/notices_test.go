package notices_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/projections"
	view "github.com/westshore/hub/projections/notices"
	"github.com/westshore/hub/services/notices"
)

// office is the room on a real journal with its view.
type office struct {
	t *testing.T
	*journaltest.Kit
	*notices.Notices
	cfg    notices.Config
	view   *view.View
	runner *projections.Runner

	mu     sync.Mutex
	people map[events.SubjectID]notices.Recipient
	rules  map[events.SubjectID]string // why not
	asked  int
}

const (
	drafter  = events.AgentID("a1")
	approver = events.AgentID("a2")
)

// apart stands for the accounts: "puppet" is in the hand of everybody.
func apart(_ context.Context, _, agrees events.AgentID) error {
	if agrees == "puppet" {
		return errPuppet
	}
	return nil
}

var errPuppet = errors.New("one hand")

func open(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, Kit: journaltest.New(t), people: map[events.SubjectID]notices.Recipient{}, rules: map[events.SubjectID]string{}}
	var err error
	if o.view, err = view.New(t.Context(), projections.Store{Dir: o.Dir}, o.Logger); err != nil {
		t.Fatal(err)
	}
	o.runner = projections.NewRunner(projections.Config{
		Projection: o.view, Source: projections.FromJournal(o.Journal, o.view), Feed: projections.NewFeed(), Logger: o.Logger,
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- o.runner.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
		_ = o.view.Close()
	})
	o.cfg = notices.Config{
		Journal: o.Journal, View: o.view, TokenKey: o.Vault.Secret("tokens"), Hash: o.Vault.Hash,
		AddressHash: func(a string) events.Hash { return o.Vault.Hash("address", a) }, CopyField: "X-Hub-Delivery",
		Senders: []notices.Sender{
			{ID: "support", Address: "support@hub.test", Brand: "Northwind", Postal: "1 Quay, Port", Website: "https://northwind.test", Colour: "#0a5c8a"},
			{ID: "sales", Address: "sales@hub.test", Brand: "Contoso"},
		},
		Own:         func(a string) bool { return strings.HasSuffix(a, "@hub.test") },
		Independent: apart,
		Recipient:   o.recipient, Allowed: o.allowed, CaughtUp: o.caughtUp, MaxRate: 60_000, Logger: o.Logger,
	}
	o.Notices = notices.New(o.cfg)
	return o
}

func (o *office) recipient(_ context.Context, who events.SubjectID) (notices.Recipient, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked++
	return o.people[who], nil
}

func (o *office) allowed(_ context.Context, who events.SubjectID, _ string, _ events.OutboundKind) (bool, string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.rules[who] == "", o.rules[who], nil
}

func (o *office) caughtUp(ctx context.Context) error {
	head, err := o.Head(ctx)
	if err != nil {
		return err
	}
	return o.runner.Wait(ctx, head)
}

// meet makes people with a ticket each. Their ids sort in order.
func (o *office) meet(n int) (ids []events.SubjectID) {
	o.t.Helper()
	for i := range n {
		id := events.SubjectID(fmt.Sprintf("%032x", i+1))
		ticket := events.TicketID(fmt.Sprintf("%032x", i+1))
		mailbox := events.MailboxID("support")
		if i%3 == 2 {
			mailbox = "sales"
		}
		_, err := o.Append(o.t.Context(), events.TicketStream(ticket), events.NoStream, journal.By{Command: events.NewUUID(), Actor: "system:test"},
			events.TicketOpened{Ticket: ticket, Number: int64(i), Channel: events.Email, Mailbox: mailbox, Customer: id})
		o.ok(err)
		o.people[id] = notices.Recipient{
			State: events.Plain, To: events.Address{Name: "Ada Byron", Address: fmt.Sprintf("ada%d@cust.test", i)}, Mailbox: mailbox,
		}
		ids = append(ids, id)
	}
	return ids
}

func (o *office) ok(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func cmd(a events.AgentID) notices.Command {
	return notices.Command{ID: events.NewUUID(), Agent: a, At: time.Now()}
}

func policy() notices.Draft {
	return notices.Draft{
		Kind: events.OutboundAdministrative, Topic: "policy", Title: "New policy", Rate: 60_000,
		Texts: []events.NoticeText{
			{Language: "en", Subject: "Our policy changes, {{name|customer}}", Text: "Dear {{name|customer}},\nit changes on {{day}}. {{brand}}", HTML: "<p>Dear {{name|customer}}, {{day}}</p>"},
			{Language: "de", Subject: "Neue Richtlinie", Text: "Guten Tag {{name|Kunde}}, ab {{day}}."},
		},
		Values: []events.NoticeValue{{Name: "day", Value: "1 March"}},
	}
}

// run sends until stop is called.
func (o *office) run(n *notices.Notices) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	return func() {
		o.t.Helper()
		cancel()
		o.ok(<-done)
	}
}

// until waits for a notice to be as wanted.
func (o *office) until(id events.NoticeID, what string, ok func(view.Notice) bool) view.Notice {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), 20*time.Second)
	defer cancel()
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		n, err := o.view.Get(ctx, id)
		if err == nil && ok(n) {
			tick.Stop()
			return n
		}
		select {
		case <-ctx.Done():
			o.t.Fatalf("never came: %s; have %+v, %v", what, n, err)
		case <-tick.C:
		}
	}
}

// start drafts, approves and starts.
func (o *office) begin(d notices.Draft) events.NoticeID {
	o.t.Helper()
	done, err := o.Draft(o.t.Context(), cmd(drafter), d)
	o.ok(err)
	_, err = o.Approve(o.t.Context(), cmd(approver), done.Notice, done.Revision)
	o.ok(err)
	_, err = o.Start(o.t.Context(), cmd(drafter), done.Notice)
	o.ok(err)
	return done.Notice
}

var reader = events.Principal{Actor: "system:worker", Role: events.RoleOutbox, Purpose: events.PurposeSupport}

// mail opens the message that a person got.
func (o *office) mail(id events.NoticeID, who events.SubjectID) (events.Parcel, string) {
	o.t.Helper()
	recs, err := o.Load(o.t.Context(), events.OutboundStream(events.DeriveNoticeOutbound(id, who)), &reader)
	o.ok(err)
	q := recs[0].Event.(events.MessageQueued)
	raw, _, err := o.Sealer.OpenBlob(o.t.Context(), reader, q.Rendered)
	o.ok(err)
	return q.Parcel.Value(), string(raw)
}

// FIELD 39: nobody sends mass mail alone.
func TestAttack39TwoPersons(t *testing.T) {
	o := open(t)
	done, err := o.Draft(t.Context(), cmd(drafter), policy())
	o.ok(err)
	refused := func(reason string, err error) {
		t.Helper()
		var r *notices.Refusal
		if !errors.As(err, &r) || r.Reason() != reason {
			t.Errorf("got %v, want a refusal for %s", err, reason)
		}
	}
	_, err = o.Start(t.Context(), cmd(drafter), done.Notice)
	refused("not_approved", err)
	_, err = o.Approve(t.Context(), cmd(drafter), done.Notice, done.Revision)
	refused("second_person", err)
	again, err := o.Revise(t.Context(), cmd("a3"), done.Notice, policy())
	o.ok(err)
	_, err = o.Approve(t.Context(), cmd(approver), done.Notice, done.Revision)
	refused("stale", err)
	_, err = o.Approve(t.Context(), cmd("a3"), done.Notice, again.Revision)
	refused("second_person", err)
	if _, err = o.Approve(t.Context(), cmd("puppet"), done.Notice, again.Revision); !errors.Is(err, errPuppet) {
		t.Errorf("one hand approved: %v", err)
	}
	_, err = o.Approve(t.Context(), cmd(approver), done.Notice, again.Revision)
	o.ok(err)
	changed := policy()
	changed.Title = "Changed after the approval"
	_, err = o.Revise(t.Context(), cmd(drafter), done.Notice, changed)
	o.ok(err)
	_, err = o.Start(t.Context(), cmd(drafter), done.Notice)
	refused("not_approved", err)
	_, err = o.Start(t.Context(), cmd(drafter), "0123")
	var missing *notices.NotFoundError
	if !errors.As(err, &missing) {
		t.Errorf("a notice that is not there: %v", err)
	}
}

func TestDraftsThatCouldFailLaterAreRefused(t *testing.T) {
	o := open(t)
	for field, spoil := range map[string]func(*notices.Draft){
		"kind":                func(d *notices.Draft) { d.Kind = events.OutboundReply },
		"topic":               func(d *notices.Draft) { d.Topic = "x" },
		"title":               func(d *notices.Draft) { d.Title = "a\nb" },
		"rate":                func(d *notices.Draft) { d.Rate = -1 },
		"mailbox":             func(d *notices.Draft) { d.Mailbox = "nowhere" },
		"texts":               func(d *notices.Draft) { d.Texts = nil },
		"texts[1].language":   func(d *notices.Draft) { d.Texts[1].Language = "en" },
		"texts[0].subject":    func(d *notices.Draft) { d.Texts[0].Subject = "Hello {{name}}" },
		"texts[0].text":       func(d *notices.Draft) { d.Texts[0].Text = "Until {{nobody_knows}}" },
		"texts[0].html":       func(d *notices.Draft) { d.Texts[0].HTML = "<img src=x>" },
		"texts[1].text":       func(d *notices.Draft) { d.Texts[1].Text = "Jetzt kaufen" },
		"values[0]":           func(d *notices.Draft) { d.Values[0].Value = "" },
		"audience.mailbox":    func(d *notices.Draft) { d.Audience.Mailbox = "nowhere" },
		"texts[0].subject ":   func(d *notices.Draft) { d.Texts[0].Subject = "See {{website}}" },
		"texts[1].text ":      func(d *notices.Draft) { d.Texts[1].Text = "Visit {{website}}" }, // Contoso has none
		"texts[0].text  ":     func(d *notices.Draft) { d.Texts[0].Text = "{{unsubscribe}}" },
		"texts[0].subject   ": func(d *notices.Draft) { d.Texts[0].Subject = "{{name" },
	} {
		d := policy()
		spoil(&d)
		_, err := o.Draft(t.Context(), cmd(drafter), d)
		var bad *notices.InvalidError
		if !errors.As(err, &bad) || bad.Faults()[strings.TrimSpace(field)] == "" {
			t.Errorf("%s: %v %v", field, err, bad)
		}
	}
	d := policy()
	d.Kind = events.OutboundPromotional
	if _, err := o.Draft(t.Context(), cmd(drafter), d); err == nil {
		t.Error("a promotional notice without a way to unsubscribe was taken")
	}
}

// clause: 2.2
func TestEverybodyGetsOneMessageOrOneReason(t *testing.T) {
	o := open(t)
	ids := o.meet(40)
	o.people[ids[1]] = notices.Recipient{State: events.Erased}
	o.people[ids[2]] = notices.Recipient{State: events.Restricted}
	o.rules[ids[3]] = "suppressed"
	o.people[ids[4]] = notices.Recipient{State: events.Plain, To: events.Address{Address: "support@hub.test"}}
	de := o.people[ids[5]]
	de.Language, de.To.Name = "de-at", "{{brand}} https://evil.example"
	o.people[ids[5]] = de
	defer o.run(o.Notices)()
	id := o.begin(policy())
	n := o.until(id, "an end", func(n view.Notice) bool { return n.State == view.Finished && n.Counts["queued"] == 36 })
	if d := cmp.Diff(map[string]int64{"erased": 1, "restricted": 1, "suppressed": 1, "own_address": 1}, n.Skipped); d != "" || n.Recipients != 40 {
		t.Errorf("%d recipients, skipped (-want +got):\n%s", n.Recipients, d)
	}
	parcel, raw := o.mail(id, ids[0])
	if parcel.RcptTo != "ada0@cust.test" || parcel.Subject != "Our policy changes, Ada Byron" || !strings.HasPrefix(parcel.MailFrom, "support+b") {
		t.Errorf("parcel %+v", parcel)
	}
	for _, want := range []string{"From: Northwind <support@hub.test>", "Auto-Submitted: auto-generated", "Dear Ada Byron,", "it changes on 1 March.", "1 Quay, Port", "#0a5c8a", "X-Hub-Delivery: " + string(events.DeriveNoticeOutbound(id, ids[0]))} {
		if !strings.Contains(raw, want) {
			t.Errorf("no %q in\n%s", want, raw)
		}
	}
	parcel, raw = o.mail(id, ids[5]) // of the other brand, in their language, without the name that is a link
	if parcel.Subject != "Neue Richtlinie" || !strings.Contains(raw, "From: Contoso <sales@hub.test>") || !strings.Contains(raw, "Guten Tag Kunde") || strings.Contains(raw, "evil") {
		t.Errorf("parcel %+v\n%s", parcel, raw)
	}
}

// TestNobodyIsWrittenToTwice stops the room again and again on the way.
func TestNobodyIsWrittenToTwice(t *testing.T) {
	o := open(t)
	ids := o.meet(60)
	id := o.begin(policy())
	for i := range 6 { // each process dies after some messages
		stop := o.run(notices.New(o.cfg))
		o.until(id, "more messages", func(n view.Notice) bool { return n.Counts["queued"] >= int64(8*(i+1)) })
		stop()
	}
	defer o.run(notices.New(o.cfg))()
	o.until(id, "an end", func(n view.Notice) bool { return n.State == view.Finished && n.Counts["queued"] == 60 })
	for _, who := range ids {
		recs, err := o.Load(t.Context(), events.OutboundStream(events.DeriveNoticeOutbound(id, who)), nil)
		o.ok(err)
		if len(recs) != 1 {
			t.Errorf("%d events for one person, want 1", len(recs))
		}
	}
}

func TestPauseResumeCancel(t *testing.T) {
	o := open(t)
	o.meet(30)
	slow := policy()
	slow.Rate = 600 // one in 100 ms
	defer o.run(o.Notices)()
	id := o.begin(slow)
	o.until(id, "a message", func(n view.Notice) bool { return n.Counts["queued"] > 0 })
	_, err := o.Pause(t.Context(), cmd(drafter), id)
	o.ok(err)
	at := o.until(id, "a pause", func(n view.Notice) bool { return n.State == view.Paused })
	if at.Counts["queued"] == 30 {
		t.Error("the pause came after the last message")
	}
	_, err = o.Resume(t.Context(), cmd(approver), id)
	o.ok(err)
	o.until(id, "to go on", func(n view.Notice) bool { return n.State == view.Sending && n.Counts["queued"] > at.Counts["queued"] })
	_, err = o.Cancel(t.Context(), cmd(approver), id)
	o.ok(err)
	end := o.until(id, "nothing that waits", func(n view.Notice) bool {
		return n.State == view.Cancelled && n.Counts["queued"] == 0 && n.Counts["cancelled"] > 0
	})
	if end.Counts["cancelled"] == 30 {
		t.Error("everybody was written to before the cancellation")
	}
	if _, err = o.Resume(t.Context(), cmd(approver), id); err == nil {
		t.Error("a cancelled notice went on")
	}
}

func TestNoticeThatFailsIsHeld(t *testing.T) {
	o := open(t)
	ids := o.meet(80)
	slow := policy()
	slow.Rate = 6000
	defer o.run(o.Notices)()
	id := o.begin(slow)
	failed := map[events.SubjectID]bool{}
	n := o.until(id, "a pause", func(n view.Notice) bool {
		for _, who := range ids { // every message is refused
			out := events.DeriveNoticeOutbound(id, who)
			if _, there, _ := o.Last(t.Context(), events.OutboundStream(out)); there && !failed[who] {
				failed[who] = true
				_, err := o.Append(t.Context(), events.OutboundStream(out), 0, journal.By{Command: events.NewUUID(), Actor: "worker:x"},
					events.DeliveryFailed{Outbound: out, Attempt: 1, Class: "content"})
				o.ok(err)
			}
		}
		return n.State == view.Paused
	})
	if n.Cause != "failures" || n.Counts["failed"] < 20 {
		t.Errorf("paused for %q after %d failures", n.Cause, n.Counts["failed"])
	}
}

func TestAudienceIsFrozenAndNarrowed(t *testing.T) {
	o := open(t)
	ids := o.meet(12)
	d := policy()
	d.Audience.Mailbox = "sales"
	id := o.begin(d)
	stop := o.run(o.Notices)
	n := o.until(id, "an end", func(n view.Notice) bool { return n.State == view.Finished })
	stop()
	if n.Recipients != 4 {
		t.Errorf("%d wrote to sales, want 4", n.Recipients)
	}
	d = policy()
	d.Audience.Customers = []events.SubjectID{ids[3], ids[1], ids[3]}
	id = o.begin(d)
	defer o.run(o.Notices)()
	if n := o.until(id, "an end", func(n view.Notice) bool { return n.State == view.Finished }); n.Recipients != 2 {
		t.Errorf("%d of two named people", n.Recipients)
	}
}

func TestPreviewGoesToOneselfAndCountsForNothing(t *testing.T) {
	o := open(t)
	o.meet(3)
	done, err := o.Draft(t.Context(), cmd(drafter), policy())
	o.ok(err)
	me := events.Address{Name: "Maya Olsen", Address: "maya@hub.test"}
	r, err := o.Preview(t.Context(), done.Notice, me, "de")
	o.ok(err)
	if r.Language != "de" || !strings.Contains(r.Text, "Guten Tag Maya Olsen, ab 1 March.") {
		t.Errorf("preview %+v", r)
	}
	c := cmd(drafter)
	sent, err := o.SendPreview(t.Context(), c, done.Notice, me, "")
	o.ok(err)
	again, err := o.SendPreview(t.Context(), c, done.Notice, me, "")
	o.ok(err)
	if sent.Outbound != again.Outbound {
		t.Error("the same command sent two previews")
	}
	o.ok(o.caughtUp(t.Context()))
	n, err := o.view.Get(t.Context(), done.Notice)
	o.ok(err)
	if len(n.Counts) != 0 {
		t.Errorf("the preview is counted: %v", n.Counts)
	}
}

func TestTemplatesAreTextForDrafts(t *testing.T) {
	o := open(t)
	tpl := notices.Template{Name: "Policy", Kind: events.OutboundAdministrative, Topic: "policy", Texts: policy().Texts}
	done, err := o.WriteTemplate(t.Context(), cmd(drafter), "", tpl)
	o.ok(err)
	tpl.Name = "Policy, new"
	_, err = o.WriteTemplate(t.Context(), cmd(approver), done.Template, tpl)
	o.ok(err)
	_, err = o.RetireTemplate(t.Context(), cmd(approver), done.Template)
	o.ok(err)
	o.ok(o.caughtUp(t.Context()))
	list, err := o.view.Templates(t.Context())
	o.ok(err)
	if len(list) != 1 || list[0].Name != "Policy, new" || !list[0].Retired {
		t.Errorf("templates %+v", list)
	}
	tpl.Texts = []events.NoticeText{{Language: "en", Subject: "x", Text: "<b>{{", HTML: ""}}
	if _, err := o.WriteTemplate(t.Context(), cmd(drafter), "", tpl); err == nil {
		t.Error("a template that does not parse was taken")
	}
	if _, err := o.RetireTemplate(t.Context(), cmd(drafter), "0123"); err == nil {
		t.Error("a template that is not there was retired")
	}
}

// clause: 2.3
func TestPromotionalNoticesGoToThoseWhoAgreedAndSayHowToEndThem(t *testing.T) {
	o := open(t)
	ids := o.meet(2)
	o.rules[ids[1]] = "no_consent"
	o.cfg.Unsubscribe = func(who events.SubjectID, _ events.OutboundID) string { return "https://hub.test/u/" + string(who) }
	o.Notices = notices.New(o.cfg)
	d := policy()
	d.Kind, d.Topic, d.Values = events.OutboundPromotional, "other", nil
	d.Texts = []events.NoticeText{{Language: "en", Subject: "20% off", Text: "Only today, {{name|friend}}. No more of these: {{unsubscribe}}"}}
	silent := d
	silent.Texts = []events.NoticeText{{Language: "en", Subject: "20% off", Text: "Only today"}}
	if _, err := o.Draft(t.Context(), cmd(drafter), silent); err == nil {
		t.Error("a promotional notice that does not say how to end them was taken")
	}
	defer o.run(o.Notices)()
	id := o.begin(d)
	n := o.until(id, "an end", func(n view.Notice) bool { return n.State == view.Finished && n.Counts["queued"] == 1 })
	if n.Skipped["no_consent"] != 1 {
		t.Errorf("skipped %v", n.Skipped)
	}
	_, raw := o.mail(id, ids[0])
	for _, want := range []string{"List-Unsubscribe: <https://hub.test/u/" + string(ids[0]) + ">", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"} {
		if !strings.Contains(strings.ReplaceAll(raw, "\r\n ", " "), want) {
			t.Errorf("no %q in\n%.900s", want, raw)
		}
	}
}
