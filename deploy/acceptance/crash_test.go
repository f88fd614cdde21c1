package acceptance_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/westshore/hub/deploy/mailtest"
)

var seed = flag.Uint64("seed", 0, "of the moments at which TestCrash kills; 0: random")

// The hub is killed again and again while mails come in and answers go out. In
// the end every mail is there once, every answer is at the customer once, or says
// that nobody knows; no number of a ticket was used twice.
func TestCrash(t *testing.T) {
	mails, kills, replies := 2000, 20, 200
	if testing.Short() {
		mails, kills, replies = 200, 5, 40
	}
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("seed %d: %d mails, %d kills, %d replies (-seed %[1]d repeats the moments)", *seed, mails, kills, replies)
	o := openOffice(t)
	o.start()
	o.hire()
	post := newPostbag(*seed, mails)

	ctx, stop := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	defer busy.Wait()
	defer stop()
	a := &answerer{hub: o.hub, replies: replies, kicked: make(chan struct{})}
	busy.Go(func() { a.run(ctx) })
	var delivered error
	all := make(chan struct{})
	busy.Go(func() {
		defer close(all)
		for part := range slices.Chunk(post.raw, 20) {
			if delivered = o.mail.Deliver("support@hub.test", part...); delivered != nil || ctx.Err() != nil {
				return
			}
		}
	})

	began := time.Now()
	r := rand.New(rand.NewPCG(*seed, 1))
	early := 0
	for kill := range kills {
		// One in four dies before it can be ready, the others at work.
		work := time.Duration(r.Int64N(int64(2 * time.Second)))
		if r.IntN(4) == 0 {
			work /= 2
			early++
		} else {
			o.ready()
		}
		select {
		case <-time.After(work):
		case <-o.done:
			t.Fatalf("the hub ended by itself before kill %d: %v\n%s", kill+1, o.err, tail(o.logFile(), 20))
		}
		o.kill()
		o.launch()
	}
	o.ready()
	t.Logf("%d kills in %v, %d of them before it was ready", kills, time.Since(began).Round(time.Millisecond), early)
	<-all
	if delivered != nil {
		t.Fatal(delivered)
	}

	post.arrived(t, o.hub)
	t.Logf("every mail arrived once, %v after the first kill began", time.Since(began).Round(time.Millisecond))
	a.wait(t)
	stop()
	busy.Wait()
	o.settled(a.answered)
	post.check(t, o)
	a.check(t, o)
	t.Logf("%s", strings.TrimSpace(o.run(0, "reconcile")))
	o.stop(t)
}

// postbag is what customers wrote.
type postbag struct {
	raw      [][]byte
	customer map[string]string // mark → who wrote it
	joins    map[string]string // mark → mark of the mail that it continues
}

var markOf = regexp.MustCompile(`crash-[0-9a-f]+-\d+\.`)

// newPostbag writes mails of distinct senders; every tenth goes on with what its
// sender wrote before.
func newPostbag(seed uint64, n int) *postbag {
	p := &postbag{customer: map[string]string{}, joins: map[string]string{}}
	for i := range n {
		m := fmt.Sprintf("crash-%x-%d.", seed, i)
		l := &letter{to: "support@hub.test", subject: fmt.Sprintf("Order %d", i), text: "Please help. " + m, id: m + "a@cust.test"}
		who := i
		if i%10 == 9 {
			who = i - 5
			before := fmt.Sprintf("crash-%x-%d.", seed, who)
			p.joins[m] = before
			l.references = []string{before + "a@cust.test"}
		}
		l.from = fmt.Sprintf("Customer %d <alice+%d@cust.test>", who, who)
		p.customer[m] = l.from
		p.raw = append(p.raw, l.raw())
	}
	return p
}

// arrived waits until the hub shows every mail.
func (p *postbag) arrived(t *testing.T, h *hub) {
	t.Helper()
	want := len(p.raw) - len(p.joins)
	untilFor(t, 2*patience, "all tickets", func() (bool, string) {
		var counts map[string]int
		err := h.call("GET", "/tickets/counts", nil, &counts)
		return err == nil && counts["all"] >= want, fmt.Sprintf("%d tickets of %d, %v", counts["all"], want, err)
	})
	until(t, "all mails in the tickets", func() (bool, string) {
		n := len(p.shown(h).home)
		return n >= len(p.raw), fmt.Sprintf("%d mails of %d", n, len(p.raw))
	})
}

// shown is what all tickets show.
type shown struct {
	tickets []ticket
	home    map[string]string // mark → ticket
	told    map[string]string // mark → what is known of it, for the failure
	wrong   []string
}

// shown reads every ticket.
func (p *postbag) shown(h *hub) shown {
	h.t.Helper()
	s := shown{must[[]ticket](h)(list[ticket](h, "/tickets?view=all")), map[string]string{}, map[string]string{}, nil}
	for _, brief := range s.tickets {
		full := must[ticket](h)(h.read(brief.ID))
		for _, m := range full.Messages {
			if m.Kind != "inbound" {
				continue
			}
			mark := markOf.FindString(m.Text)
			if mark == "" {
				s.wrong = append(s.wrong, fmt.Sprintf("ticket %d has a message that nobody wrote: %q", full.Number, m.Text))
				continue
			}
			if other := s.home[mark]; other != "" {
				s.wrong = append(s.wrong, fmt.Sprintf("%s is in %s and %s", mark, other, full.ID))
			}
			s.home[mark] = full.ID
			s.told[mark] = fmt.Sprintf("%s in ticket %d of %s, %s", mark, full.Number, full.Customer.ID, m.Why)
		}
	}
	return s
}

// check compares what is shown with what was sent.
func (p *postbag) check(t *testing.T, o *office) {
	t.Helper()
	s := p.shown(o.hub)
	home, told, wrong := s.home, s.told, s.wrong
	numbers := map[int64]string{}
	for _, brief := range s.tickets {
		if other := numbers[brief.Number]; other != "" {
			wrong = append(wrong, fmt.Sprintf("number %d is used by %s and %s", brief.Number, other, brief.ID))
		}
		numbers[brief.Number] = brief.ID
	}
	for mark := range p.customer {
		if home[mark] == "" {
			wrong = append(wrong, mark+" is lost")
		}
	}
	// Dovecot may number mails that come at the same time in another order.
	uid := map[string]uint32{}
	for _, m := range must[[]mailtest.Mail](o.hub)(o.mail.Read("support@hub.test", "INBOX")) {
		uid[string(markOf.Find(m.Raw))] = m.UID
	}
	turned := 0
	for mark, before := range p.joins {
		if uid[mark] < uid[before] {
			turned++
		} else if home[mark] != home[before] {
			wrong = append(wrong, fmt.Sprintf("%s does not join what it continues: %s", told[mark], told[before]))
		}
	}
	if held := must[[]quarantined](o.hub)(list[quarantined](o.hub, "/quarantine")); len(held) > 0 {
		wrong = append(wrong, fmt.Sprintf("%d mails in quarantine, the first for %s", len(held), held[0].Reason))
	}
	slices.Sort(wrong)
	for _, w := range wrong[:min(20, len(wrong))] {
		t.Error(w)
	}
	t.Logf("%d mails in %d tickets with %d numbers; %d of %d further mails have the smaller UID; %d things wrong",
		len(home), len(s.tickets), len(numbers), turned, len(p.joins), len(wrong))
}

// settled waits until every answer of these tickets is in the outbox, nothing more
// goes out, and the mail system has nothing under way.
func (o *office) settled(tickets []string) {
	o.t.Helper()
	untilFor(o.t, 2*patience, "an outbox at rest", func() (bool, string) {
		all, err := list[outbound](o.hub, "/outbox")
		if err != nil {
			return false, err.Error()
		}
		busy, have := 0, map[string]bool{}
		for _, out := range all {
			have[out.Ticket] = have[out.Ticket] || out.Kind == "reply"
			if slices.Contains([]string{"queued", "sending", "deferred"}, out.State) {
				busy++
			}
		}
		missing := 0
		for _, id := range tickets {
			if !have[id] {
				missing++
			}
		}
		return busy == 0 && missing == 0, fmt.Sprintf("%d under way, %d not there yet", busy, missing)
	})
	until(o.t, "an empty queue of Postfix", func() (bool, string) {
		n := 0
		for _, queue := range []string{"maildrop", "incoming", "active", "deferred"} {
			files, _ := filepath.Glob(filepath.Join(o.mail.Dir, "postfix/queue", queue, "*"))
			for _, f := range files {
				if info, err := os.Stat(f); err == nil && !info.IsDir() {
					n++
					continue
				}
				deep, _ := filepath.Glob(filepath.Join(f, "*"))
				n += len(deep)
			}
		}
		return n == 0, fmt.Sprintf("%d mails", n)
	})
}

// answerer is an agent who answers tickets, and insists, with the same command id,
// when the hub dies on the way.
type answerer struct {
	hub     *hub
	replies int
	kicked  chan struct{}

	mu       sync.Mutex
	answered []string // ticket ids, in order; the i-th got answer i
	again    int      // tries that failed
	refused  error
}

func answerText(i int) string { return fmt.Sprintf("answer-%d-end", i) }

func (a *answerer) run(ctx context.Context) {
	defer close(a.kicked)
	taken := map[string]bool{}
	pause := func() bool {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(50 * time.Millisecond):
			return true
		}
	}
	for i := 0; i < a.replies; {
		var page struct{ Items []ticket }
		if err := a.hub.call("GET", "/tickets?view=unassigned&limit=200", nil, &page); err != nil {
			if !pause() {
				return
			}
			continue
		}
		fresh := slices.DeleteFunc(page.Items, func(t ticket) bool { return taken[t.ID] })
		if len(fresh) == 0 {
			if !pause() {
				return
			}
			continue
		}
		// A few at a time, so that the answering lasts as long as the mail does.
		for _, t := range fresh[:min(8, len(fresh), a.replies-i)] {
			taken[t.ID] = true
			for {
				err := a.hub.reply(t.ID, answerText(i), i%3 == 0, "Idempotency-Key", fmt.Sprintf("answer-%d", i))
				if err == nil {
					break
				}
				var r *refusal
				a.mu.Lock()
				a.again++
				if errors.As(err, &r) && r.status < 500 && r.status != 404 && r.status != 429 {
					a.refused = fmt.Errorf("answer %d: %w", i, err)
				}
				a.mu.Unlock()
				if !pause() {
					return
				}
			}
			a.mu.Lock()
			a.answered = append(a.answered, t.ID)
			a.mu.Unlock()
			i++
		}
		if !pause() {
			return
		}
	}
}

func (a *answerer) wait(t *testing.T) {
	t.Helper()
	select {
	case <-a.kicked:
	case <-time.After(patience):
		a.mu.Lock()
		defer a.mu.Unlock()
		t.Fatalf("only %d of %d answers were taken", len(a.answered), a.replies)
	}
}

// check compares what was answered with what stands in the tickets, in the outbox
// and in the customers' mailbox.
func (a *answerer) check(t *testing.T, o *office) {
	t.Helper()
	if a.refused != nil {
		t.Error(a.refused)
	}
	mails, err := mailtest.ReadFolder(mailtest.Addr(o.mail.IMAP), "alice@cust.test", mailtest.Password, "INBOX")
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]map[string]int{} // ticket → state → replies
	acks, total := map[string]int{}, map[string]int{}
	for _, out := range must[[]outbound](o.hub)(list[outbound](o.hub, "/outbox")) {
		if out.Kind != "reply" {
			acks[out.Ticket]++
			total["acknowledgement "+out.State]++
			continue
		}
		if states[out.Ticket] == nil {
			states[out.Ticket] = map[string]int{}
		}
		states[out.Ticket][out.State]++
		total["reply "+out.State]++
	}
	for id, n := range acks {
		if n > 1 {
			t.Errorf("ticket %s has %d acknowledgements", id, n)
		}
	}
	once, never := 0, 0
	for i, id := range a.answered {
		n := 0
		for _, m := range mails {
			n += bytes.Count(m.Raw, []byte(answerText(i)))
		}
		st := states[id]
		switch {
		case n == 1 && (st["accepted"] == 1 || st["unknown"] == 1) && len(st) == 1:
			once++
		case n == 0 && st["unknown"] == 1 && len(st) == 1:
			never++
		default:
			t.Errorf("answer %d is %d times at the customer, its ticket's outbox is %v", i, n, st)
		}
		shown := 0
		for _, m := range must[ticket](o.hub)(o.read(id)).Messages {
			if m.Kind == "reply" && strings.Contains(m.Text, answerText(i)) {
				shown++
			}
		}
		if shown != 1 {
			t.Errorf("answer %d is %d times in its ticket", i, shown)
		}
	}
	if len(states) != len(a.answered) {
		t.Errorf("replies of %d tickets in the outbox, %d were answered", len(states), len(a.answered))
	}
	t.Logf("%d answers (%d tries had to be repeated): %d arrived once, %d did not and say unknown; outbox %v",
		len(a.answered), a.again, once, never, total)
	if info, err := os.Stat(o.logFile()); err == nil {
		t.Logf("the hub wrote %d bytes of log", info.Size())
	}
}
