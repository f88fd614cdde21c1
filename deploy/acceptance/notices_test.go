package acceptance_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/westshore/hub/deploy/mailtest"
)

// noticeState is what the API shows of a notice, as far as the test looks.
type noticeState struct {
	ID         string
	State      string
	Recipients int
	Revision   int64
	Counts     map[string]int
	Skipped    map[string]int
}

// draftOf is a notice about the policy, in two languages.
func draftOf(rate int) map[string]any {
	return map[string]any{
		"kind": "administrative", "topic": "policy", "title": "Policy of March", "rate": rate,
		"values": []map[string]string{{"name": "day", "value": "1 March 2027"}},
		"texts": []map[string]string{
			{
				"language": "en", "subject": "Our privacy policy changes", "text": "Dear {{name|customer}},\n\nit changes on {{day}}. notice-of-march\n",
				"html": "<p>Dear {{name|customer}},</p><p>it changes on <b>{{day}}</b>. notice-of-march</p>",
			},
			{"language": "de", "subject": "Neue Richtlinie", "text": "Guten Tag {{name|Kunde}},\n\nsie gilt ab {{day}}. notice-of-march\n"},
		},
	}
}

// second makes a second admin, and returns the hub as that person.
func (h *hub) second() *hub {
	h.t.Helper()
	h.run(0, "agent", "add", "noor@hub.test", "Noor Haddad", "admin")
	other := *h
	other.email, other.token = "noor@hub.test", word(h.t, h.run(0, "agent", "token", "noor@hub.test", "acceptance"), "API token, shown this once: ")
	return &other
}

func (h *hub) notice(id string) (n noticeState, err error) {
	err = h.call("GET", "/notices/"+id, nil, &n)
	return n, err
}

// startNotice drafts as one person, approves as another, and starts.
func (h *hub) startNotice(other *hub, draft map[string]any) string {
	h.t.Helper()
	var done struct {
		Notice   string
		Revision int64
	}
	if err := h.call("POST", "/notices", draft, &done); err != nil {
		h.t.Fatal(err)
	}
	yes := map[string]any{"revision": done.Revision}
	var no *refusal
	if err := h.call("POST", "/notices/"+done.Notice+"/approve", yes, nil); !errors.As(err, &no) || no.status != 409 {
		h.t.Fatalf("the drafter approved the notice: %v", err)
	}
	if err := h.call("POST", "/notices/"+done.Notice+"/start", nil, nil); !errors.As(err, &no) || no.status != 409 {
		h.t.Fatalf("a notice that nobody approved was started: %v", err)
	}
	if err := other.call("POST", "/notices/"+done.Notice+"/approve", yes, nil); err != nil {
		h.t.Fatal(err)
	}
	if err := h.call("POST", "/notices/"+done.Notice+"/start", nil, nil); err != nil {
		h.t.Fatal(err)
	}
	return done.Notice
}

var noticeTo = regexp.MustCompile(`(?m)^(?:Delivered-To|X-Original-To|To): .*<?(alice\+\d+@cust\.test)`)

// TestNoticeToManySurvivesKills: a notice to 1,000 customers, over a real Postfix,
// with two kill -9 in the middle. Each gets it exactly once, or the outbox says
// that nobody knows. clause: 2.2
func TestNoticeToManySurvivesKills(t *testing.T) {
	customers := 1000
	if testing.Short() {
		customers = 150
	}
	o := openOffice(t)
	o.args = append(o.args, "--desk.acknowledge=false")
	o.start()
	o.hire()
	other := o.second()
	var raw [][]byte
	for i := range customers {
		l := &letter{from: fmt.Sprintf("Customer Number <alice+%d@cust.test>", i), to: "support@hub.test", subject: fmt.Sprintf("Order %d", i), text: "Hello, please help me with the order that you have."}
		raw = append(raw, l.raw())
	}
	if err := o.mail.Deliver("support@hub.test", raw...); err != nil {
		t.Fatal(err)
	}
	untilFor(t, 2*patience, "all tickets", func() (bool, string) {
		var counts map[string]int
		err := o.call("GET", "/tickets/counts", nil, &counts)
		return err == nil && counts["all"] >= customers, fmt.Sprintf("%d tickets, %v", counts["all"], err)
	})

	began := time.Now()
	id := o.startNotice(other, draftOf(6000))
	for kill := 1; kill <= 2; kill++ {
		until(t, "part of the messages", func() (bool, string) {
			n, err := o.notice(id)
			return err == nil && n.Counts["accepted"] >= kill*customers/4, fmt.Sprintf("%+v %v", n, err)
		})
		o.kill()
		o.launch()
		o.ready()
	}
	var n noticeState
	untilFor(t, 2*patience, "the end of the notice", func() (bool, string) {
		var err error
		n, err = o.notice(id)
		settled := n.Counts["accepted"] + n.Counts["unknown"] + n.Counts["failed"] + n.Counts["bounced"] + n.Counts["skipped"]
		return err == nil && n.State == "finished" && settled == customers, fmt.Sprintf("%+v %v", n, err)
	})
	took := time.Since(began)
	o.settled(nil)
	mails, err := mailtest.ReadFolder(mailtest.Addr(o.mail.IMAP), "alice@cust.test", mailtest.Password, "INBOX")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, m := range mails {
		if !strings.Contains(string(m.Raw), "notice-of-march") {
			continue
		}
		to := noticeTo.FindSubmatch(m.Raw)
		if to == nil {
			t.Fatalf("a notice to nobody:\n%.600s", m.Raw)
		}
		got[string(to[1])]++
	}
	unknown := map[string]bool{}
	for _, out := range must[[]outbound](o.hub)(list[outbound](o.hub, "/outbox?state=unknown")) {
		unknown[out.To] = true
	}
	never := 0
	for i := range customers {
		who := fmt.Sprintf("alice+%d@cust.test", i)
		if got[who] > 1 || got[who] == 0 && !unknown[who] {
			t.Errorf("%s got it %d times, unknown: %v", who, got[who], unknown[who])
		}
		if got[who] == 0 {
			never++
		}
	}
	if n.Recipients != customers {
		t.Errorf("%d recipients, want %d", n.Recipients, customers)
	}
	t.Logf("%d customers, two kills, %v: %d mails, %d unknown of which %d did not arrive; counts %v", customers, took.Round(time.Millisecond), len(got), len(unknown), never, n.Counts)
	o.stop(t)
}
