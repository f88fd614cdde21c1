package desk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/store"
)

// brakes keep one sender, one domain and everybody together from causing too
// many tickets or automatic answers (MAIL I28). What one sender did stands in the
// customer's stream; the counts per domain and in all are read from the last
// hour of the log when the router starts. So a restart forgets nothing.
type brakes struct {
	cfg RouterConfig
	j   *journal.Journal
	now func() time.Time
	log *slog.Logger
	// restored is when the house went on from a backup.
	restored time.Time

	mu      sync.Mutex
	cache   map[events.SubjectID]*sender
	domains map[events.Hash][]time.Time
	total   []time.Time
	alerted time.Time
	hits    map[string]int64
}

// sender is what a customer's stream says about tickets and answers of late. Many
// are in memory, most with one request, so it is small.
type sender struct {
	revision events.Revision
	requests []request // the newest keep, oldest first
}

// request is a ticket that was asked for.
type request struct {
	at           time.Time
	inquiry      events.InquiryID
	ticket       events.TicketID
	mailbox      events.MailboxID
	acknowledged bool
}

// maxSenders bounds the cache; when it is full it is emptied, and streams are
// read again.
const maxSenders = 10_000

func newBrakes(cfg RouterConfig, j *journal.Journal, now func() time.Time, log *slog.Logger) *brakes {
	return &brakes{cfg: cfg, j: j, now: now, log: log, cache: map[events.SubjectID]*sender{}, domains: map[events.Hash][]time.Time{}, hits: map[string]int64{}}
}

// hourName is the checkpoint from which the last hour is read again.
const hourName = "router-hour"

// remember reads what was acknowledged in the last hour.
func (b *brakes) remember(ctx context.Context) error {
	from, err := b.j.Checkpoint(ctx, hourName)
	if err != nil {
		return fmt.Errorf("read the last hour: %w", err)
	}
	b.mu.Lock()
	clear(b.domains)
	b.total = nil
	b.mu.Unlock()
	reading := journal.Reading{From: from, Types: []string{"hub.TicketRequested"}}
	err = b.j.Subscribe(ctx, reading, func(_ context.Context, batch journal.Batch) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, rec := range batch.Events {
			e, ok := rec.Event.(events.TicketRequested)
			if ok && e.Acknowledged && b.now().Sub(rec.Meta.At) < time.Hour {
				b.domains[e.Domain] = append(b.domains[e.Domain], rec.Meta.At)
				b.total = append(b.total, rec.Meta.At)
			}
		}
		if batch.Live {
			return errRemembered
		}
		return nil
	})
	if !errors.Is(err, errRemembered) {
		return fmt.Errorf("read the last hour: %w", err)
	}
	return nil
}

var errRemembered = errors.New("the last hour is read")

// hour remembers positions of the log by time, so that the last hour can be
// found again.
type hour struct {
	marks []hourMark
}

type hourMark struct {
	at       time.Time
	position events.Position
}

// hourGap is how far apart positions are kept.
const hourGap = 10 * time.Minute

// mark notes where the log is and returns the newest position that is an hour
// old, once for each; ok is false when there is none.
func (h *hour) mark(now time.Time, p events.Position) (old events.Position, ok bool) {
	if n := len(h.marks); n == 0 || now.Sub(h.marks[n-1].at) >= hourGap {
		h.marks = append(h.marks, hourMark{now, p})
	}
	for len(h.marks) > 0 && now.Sub(h.marks[0].at) >= time.Hour {
		old, ok = h.marks[0].position, true
		h.marks = h.marks[1:]
	}
	return old, ok
}

// hit counts a brake for the metrics.
func (b *brakes) hit(rule string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hits[rule]++
}

// Brakes counts, since start, how often each brake kept something back (MAIL
// I49). The names are those of InquiryRouted.Brake.
func (r *Router) Brakes() map[string]int64 {
	r.brakes.mu.Lock()
	defer r.brakes.mu.Unlock()
	return maps.Clone(r.brakes.hits)
}

// apply counts a new ticket against the sender, decides whether it is
// acknowledged, and takes its number. A sender who is over the limit writes on
// in the newest ticket instead.
func (b *brakes) apply(ctx context.Context, in events.InquiryReceived, d events.InquiryRouted, n *numbers) (events.InquiryRouted, error) {
	for try := 0; ; try++ {
		s, err := b.sender(ctx, in.Customer, try > 0)
		if err != nil {
			return d, err
		}
		if before, again := s.request(in.Inquiry); again { // a repetition
			d.Ticket, d.Acknowledge = before.ticket, before.acknowledged
			break
		}
		now := b.now()
		if newest, n := s.since(now, b.cfg.NewWindow); n >= b.cfg.NewTickets {
			d.Ticket, d.New, d.Related, d.Why, d.Brake = newest, false, "", "too_many_tickets", "sender_tickets"
			b.hit(d.Brake)
			return d, nil
		}
		d.Brake = b.acknowledgement(in, s, now)
		d.Acknowledge = d.Brake == ""
		err = b.count(ctx, in, d, s)
		if err == nil {
			if d.Brake != "" {
				b.hit(d.Brake)
			}
			break
		}
		if _, stale := store.IsConflict(err); !stale || try == 5 {
			return d, err
		}
	}
	var err error
	d.Number, err = n.take(ctx, d.Ticket)
	return d, err
}

// acknowledgement names the rule that keeps the automatic answer back, empty
// when there is none (MAIL I27).
func (b *brakes) acknowledgement(in events.InquiryReceived, s *sender, now time.Time) string {
	switch {
	case b.cfg.Silent:
		return "switched_off"
	case in.ArrivedAt.Before(b.restored):
		return "restored"
	case in.Class != events.MailHuman:
		return "not_human"
	case in.NoAnswer:
		return "not_wanted"
	case in.Auth == "fail":
		return "sender_not_authentic"
	}
	hour, day := 0, 0
	for _, r := range s.requests {
		if r.acknowledged && now.Sub(r.at) < time.Hour && r.mailbox == in.Mailbox {
			hour++
		}
		if r.acknowledged && now.Sub(r.at) < 24*time.Hour {
			day++
		}
	}
	if hour >= b.cfg.AcksPerHour {
		return "sender_hour"
	}
	if day >= b.cfg.AcksPerDay {
		return "sender_day"
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.domains) > maxSenders {
		clear(b.domains)
	}
	b.domains[in.SenderDomain] = recent(b.domains[in.SenderDomain], now, time.Hour)
	b.total = recent(b.total, now, time.Hour)
	if len(b.domains[in.SenderDomain]) >= b.cfg.DomainAcks {
		return "domain_hour"
	}
	if len(b.total) >= b.cfg.TotalAcks {
		if now.Sub(b.alerted) > time.Hour {
			b.alerted = now
			b.log.Warn("automatic answers stopped until the hour is over", "limit_per_hour", b.cfg.TotalAcks)
		}
		return "total_hour"
	}
	b.domains[in.SenderDomain] = append(b.domains[in.SenderDomain], now)
	b.total = append(b.total, now)
	return ""
}

// count writes the ticket to the customer's stream.
func (b *brakes) count(ctx context.Context, in events.InquiryReceived, d events.InquiryRouted, s *sender) error {
	requested := events.TicketRequested{
		Customer: in.Customer, Inquiry: in.Inquiry, Ticket: d.Ticket, Mailbox: in.Mailbox, Acknowledged: d.Acknowledge,
		Domain: in.SenderDomain,
	}
	evs := []events.Event{requested}
	if s.revision == events.NoStream {
		evs = []events.Event{events.CustomerIdentified{Customer: in.Customer, Inquiry: in.Inquiry}, requested}
	}
	by := journal.By{Command: events.DeriveUUID("router", "count", string(in.Inquiry)), Actor: "system:router", At: b.now()}
	w, err := b.j.Append(ctx, events.CustomerStream(in.Customer), s.revision, by, evs...)
	if err != nil {
		return err
	}
	s.add(w.Revision, by.At, requested)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.cache) >= maxSenders {
		clear(b.cache)
	}
	b.cache[in.Customer] = s
	return nil
}

// sender returns what is known of a customer. One that is not in memory is first
// taken for new, which most are: a wrong guess conflicts, and is then read.
func (b *brakes) sender(ctx context.Context, id events.SubjectID, read bool) (*sender, error) {
	b.mu.Lock()
	s := b.cache[id]
	b.mu.Unlock()
	if s != nil && !read {
		return s, nil
	}
	s = &sender{revision: events.NoStream}
	if !read {
		return s, nil
	}
	history, err := b.j.Load(ctx, events.CustomerStream(id), nil)
	if err != nil {
		return nil, fmt.Errorf("read customer: %w", err)
	}
	for _, rec := range history {
		s.revision = rec.Revision
		if e, ok := rec.Event.(events.TicketRequested); ok {
			s.add(rec.Revision, rec.Meta.At, e)
		}
	}
	return s, nil
}

// keep bounds what is remembered of one sender.
const keep = 64

func (s *sender) add(rev events.Revision, at time.Time, e events.TicketRequested) {
	if s.revision = rev; len(s.requests) == keep {
		s.requests = slices.Delete(s.requests, 0, 1)
	}
	s.requests = append(s.requests, request{at, e.Inquiry, e.Ticket, e.Mailbox, e.Acknowledged})
}

// request finds what an inquiry asked for before.
func (s *sender) request(id events.InquiryID) (request, bool) {
	for _, r := range s.requests {
		if r.inquiry == id {
			return r, true
		}
	}
	return request{}, false
}

// since counts the tickets of a window up to now, and names the newest.
func (s *sender) since(now time.Time, window time.Duration) (newest events.TicketID, n int) {
	for _, r := range s.requests {
		if now.Sub(r.at) < window {
			newest, n = r.ticket, n+1
		}
	}
	return newest, n
}

func recent(list []time.Time, now time.Time, window time.Duration) []time.Time {
	for i, at := range list {
		if now.Sub(at) < window {
			return list[i:]
		}
	}
	return nil
}
