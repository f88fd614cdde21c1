package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/store"
)

// Router reads inquiries from the log and decides which ticket each belongs to.
// Every step is idempotent: it may stop anywhere and begin again from an older
// checkpoint.
type Router struct {
	cfg     RouterConfig
	j       *journal.Journal
	desk    *Desk
	log     *slog.Logger
	numbers *numbers
	brakes  *brakes
	// begun is where the log ended when the router started: what comes before
	// may have been decided by an earlier run.
	begun events.Position
	// restored is when the house went on from a backup.
	restored time.Time
}

// RouterConfig bounds what strangers can cause (MAIL I28). Zero values are the
// defaults.
type RouterConfig struct {
	Silent        bool          // no automatic first answer to anybody
	NewTickets    int           // per sender and window, then one ticket takes all: 10
	NewWindow     time.Duration // 10 min
	AcksPerHour   int           // per sender and mailbox: 1
	AcksPerDay    int           // per sender: 5
	DomainAcks    int           // per sender's domain and hour: 30
	TotalAcks     int           // in all, per hour: 1000
	Parallel      int           // independent conversations decided at a time: 64
	CheckpointGap time.Duration // at most this much is read again after a crash: 1 s
	RetryPause    time.Duration // before what failed is tried again, doubling: 50 ms
}

// NewRouter returns a router for a desk.
func NewRouter(d *Desk, cfg RouterConfig) *Router {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&cfg.NewTickets, 10)
	cfg.NewTickets = min(cfg.NewTickets, keep) // more is not remembered
	def(&cfg.AcksPerHour, 1)
	def(&cfg.AcksPerDay, 5)
	def(&cfg.DomainAcks, 30)
	def(&cfg.TotalAcks, 1000)
	def(&cfg.Parallel, 64)
	if cfg.NewWindow == 0 {
		cfg.NewWindow = 10 * time.Minute
	}
	if cfg.CheckpointGap == 0 {
		cfg.CheckpointGap = time.Second
	}
	if cfg.RetryPause == 0 {
		cfg.RetryPause = 50 * time.Millisecond
	}
	return &Router{
		cfg: cfg, j: d.j, desk: d, log: d.log.With("part", "router"),
		numbers: &numbers{j: d.j}, brakes: newBrakes(cfg, d.j, d.now, d.log),
	}
}

const reactorName = "router"

// Run routes until ctx ends.
func (r *Router) Run(ctx context.Context) error {
	from, err := retry(ctx, r.log, "read checkpoint", func() (events.Position, error) { return r.j.Checkpoint(ctx, reactorName) })
	if err != nil {
		return nil //nolint:nilerr // retry gives up only when ctx has ended
	}
	if r.begun, err = retry(ctx, r.log, "read head", func() (events.Position, error) { return r.j.Head(ctx) }); err != nil {
		return nil //nolint:nilerr // retry gives up only when ctx has ended
	}
	if r.restored, err = retry(ctx, r.log, "read the last restore", func() (time.Time, error) { return r.restoredAt(ctx) }); err != nil {
		return nil //nolint:nilerr // retry gives up only when ctx has ended
	}
	r.brakes.restored = r.restored
	if _, err := retry(ctx, r.log, "read the last hour", func() (struct{}, error) { return struct{}{}, r.brakes.remember(ctx) }); err != nil {
		return nil //nolint:nilerr // retry gives up only when ctx has ended
	}
	last := time.Time{}
	saved := from
	var passed hour
	reading := journal.Reading{From: from, Types: []string{
		"hub.InquiryReceived", "hub.InquiryReleased", "hub.DeliveryFailed", "hub.MessageBounced", "hub.MessageComplained", "hub.MessageHeld",
	}}
	err = r.j.Subscribe(ctx, reading, func(ctx context.Context, b journal.Batch) error {
		if err := r.batch(ctx, b.Events); err != nil {
			return err
		}
		if b.Position == events.Start || time.Since(last) < r.cfg.CheckpointGap || !saved.Before(b.Position) {
			return nil
		}
		if err := r.j.Advance(ctx, reactorName, b.Position); err != nil {
			r.log.Warn("checkpoint not saved, some inquiries would be looked at again", "error", err)
			return nil
		}
		last, saved = time.Now(), b.Position
		if old, ok := passed.mark(r.desk.now(), b.Position); ok {
			if err := r.j.Advance(ctx, hourName, old); err != nil {
				r.log.Warn("position an hour ago not saved, more would be read at the next start", "error", err)
			}
		}
		return nil
	})
	if ctx.Err() != nil {
		return nil //nolint:nilerr // told to end
	}
	return err
}

// batch decides what may depend on each other in order, and the rest side by
// side.
func (r *Router) batch(ctx context.Context, recs []events.Recorded) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.cfg.Parallel)
	for _, chain := range chains(recs) {
		g.Go(func() error {
			for _, rec := range chain {
				if err := r.insist(ctx, rec); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// stubborn is how often an inquiry that cannot be routed, though the store
// answers, is tried before it waits for a person.
const stubborn = 8

// insist handles one event until it succeeds; an inquiry that cannot be routed
// goes to quarantine, where somebody sees it, and holds up nobody else. It is
// passed over only when it stands there.
func (r *Router) insist(ctx context.Context, rec events.Recorded) error {
	pause := r.cfg.RetryPause
	for try := 1; ; {
		err := r.handle(ctx, rec)
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		if !store.IsUnavailable(err) && !store.IsOutcomeUnknown(err) && !errors.Is(err, context.DeadlineExceeded) {
			if try++; try > stubborn {
				if err = r.giveUp(ctx, rec, err); err == nil {
					return nil
				}
			}
		}
		r.log.Warn("inquiry not routed yet, will try again", "stream", rec.Stream, "error", err)
		if !sleep(ctx, pause) {
			return ctx.Err()
		}
		pause = min(2*pause, 10*time.Second)
	}
}

// giveUp puts an inquiry into quarantine, whatever was decided about it and could
// not be carried out; one that a person had let out goes back there.
func (r *Router) giveUp(ctx context.Context, rec events.Recorded, cause error) error {
	var id events.InquiryID
	switch e := rec.Event.(type) {
	case events.InquiryReceived:
		id = e.Inquiry
	case events.InquiryReleased:
		id = e.Inquiry
	default:
		r.log.Error("what became of a message cannot be noted on its ticket, left", "stream", rec.Stream, "error", cause)
		return nil
	}
	r.log.Error("inquiry cannot be routed, moved to quarantine", "stream", rec.Stream, "error", cause)
	_, err := r.j.Execute(ctx, events.InquiryStream(id), r.by(id, "give up "+rec.ID.String()), func(history []events.Recorded) ([]events.Event, error) {
		held := false
		for _, h := range history {
			switch h.Event.(type) {
			case events.InquiryQuarantined:
				held = true
			case events.InquiryReleased, events.InquiryDiscarded:
				held = false
			}
		}
		if held {
			return nil, nil
		}
		return []events.Event{events.InquiryQuarantined{Inquiry: id, Reason: "not_routable"}}, nil
	})
	return err
}

func (r *Router) handle(ctx context.Context, rec events.Recorded) error {
	switch e := rec.Event.(type) {
	case events.InquiryReceived:
		if !r.begun.Before(rec.Position) {
			return r.again(ctx, e)
		}
		return r.received(ctx, e)
	case events.InquiryReleased:
		return r.released(ctx, e.Inquiry)
	case events.DeliveryFailed:
		return r.undelivered(ctx, rec, e.Outbound)
	case events.MessageBounced:
		return r.undelivered(ctx, rec, e.Outbound)
	case events.MessageHeld:
		if e.Until.IsZero() { // it waits for a person
			return r.undelivered(ctx, rec, e.Outbound)
		}
	case events.MessageComplained:
		return r.unwanted(ctx, rec, e.Outbound)
	}
	return nil
}

// undelivered reopens a resolved ticket whose answer did not arrive, or is kept
// back because its address is suppressed (MAIL O13), so that it does not rest
// invisibly (FIELD 2.10).
func (r *Router) undelivered(ctx context.Context, rec events.Recorded, id events.OutboundID) error {
	history, err := r.j.Load(ctx, events.OutboundStream(id), nil)
	if err != nil || len(history) == 0 {
		return err
	}
	q, ok := history[0].Event.(events.MessageQueued)
	if !ok || q.Kind != events.OutboundReply {
		return nil
	}
	by := journal.By{Command: events.DeriveUUID("undelivered", rec.ID.String()), Actor: "system:desk", Causation: rec.ID}
	_, err = r.j.Execute(ctx, events.TicketStream(q.Ticket), by, func(history []events.Recorded) ([]events.Event, error) {
		if t := fold(history); t.exists && t.resolved {
			return []events.Event{events.TicketReopened{Ticket: q.Ticket, Cause: "delivery"}}, nil
		}
		return nil, nil
	})
	return err
}

// unwanted flags the ticket of a message that its recipient complained about.
func (r *Router) unwanted(ctx context.Context, rec events.Recorded, id events.OutboundID) error {
	history, err := r.j.Load(ctx, events.OutboundStream(id), nil)
	if err != nil || len(history) == 0 {
		return err
	}
	q, ok := history[0].Event.(events.MessageQueued)
	if !ok || q.Ticket == "" {
		return nil
	}
	by := journal.By{Command: events.DeriveUUID("unwanted", rec.ID.String()), Actor: "system:desk", Causation: rec.ID}
	_, err = r.j.Execute(ctx, events.TicketStream(q.Ticket), by, func(history []events.Recorded) ([]events.Event, error) {
		if t := fold(history); !t.exists || slices.Contains(t.tags, complaintTag) {
			return nil, nil
		}
		return []events.Event{events.TagAdded{Ticket: q.Ticket, Tag: complaintTag}}, nil
	})
	return err
}

// complaintTag flags a ticket whose customer called a mail of ours unwanted.
const complaintTag = "complaint"

// chains groups events that may depend on each other: same sender, same
// Message-ID, one referring to another, same ticket. Order within a chain is the
// log's.
func chains(recs []events.Recorded) [][]events.Recorded {
	parent := make([]int, len(recs))
	var find func(int) int
	find = func(i int) int {
		if parent[i] != i {
			parent[i] = find(parent[i])
		}
		return parent[i]
	}
	owner := map[string]int{}
	for i, rec := range recs {
		parent[i] = i
		for _, key := range dependencies(rec) {
			if j, ok := owner[key]; ok {
				parent[find(i)] = find(j)
			} else {
				owner[key] = i
			}
		}
	}
	index := map[int]int{}
	var out [][]events.Recorded
	for i, rec := range recs {
		root := find(i)
		at, ok := index[root]
		if !ok {
			at = len(out)
			index[root], out = at, append(out, nil)
		}
		out[at] = append(out[at], rec)
	}
	for i, chain := range out {
		slices.SortStableFunc(chain, arrival)
		out[i] = originalsFirst(chain)
	}
	return out
}

// arrival orders mails of a chain as they came into their mailbox: they are
// recorded side by side, and so may stand in the log the other way round.
func arrival(a, b events.Recorded) int {
	x, ok1 := a.Event.(events.InquiryReceived)
	y, ok2 := b.Event.(events.InquiryReceived)
	if !ok1 || !ok2 || x.Mailbox != y.Mailbox || x.UIDValidity != y.UIDValidity {
		return 0
	}
	return cmp.Compare(x.UID, y.UID)
}

// originalsFirst puts a mail behind those of its chain that it answers: a server
// may number an answer before the mail it answers.
func originalsFirst(chain []events.Recorded) []events.Recorded {
	if len(chain) < 2 {
		return chain
	}
	at := map[events.Hash]int{}
	for i, rec := range chain {
		if in, ok := rec.Event.(events.InquiryReceived); ok && in.MessageKey != "" {
			if _, twice := at[in.MessageKey]; !twice {
				at[in.MessageKey] = i
			}
		}
	}
	out, done := make([]events.Recorded, 0, len(chain)), make([]bool, len(chain))
	var place func(int)
	place = func(i int) {
		if done[i] {
			return
		}
		done[i] = true // before what it answers, so that two that answer each other end
		if in, ok := chain[i].Event.(events.InquiryReceived); ok {
			for _, ref := range in.References {
				if j, there := at[ref]; there {
					place(j)
				}
			}
		}
		out = append(out, chain[i])
	}
	for i := range chain {
		place(i)
	}
	return out
}

func dependencies(rec events.Recorded) []string {
	in, ok := rec.Event.(events.InquiryReceived)
	if !ok {
		return []string{"released or undelivered"} // rare: all in one chain
	}
	keys := []string{"c" + string(in.Customer)}
	for _, h := range append([]events.Hash{in.MessageKey}, in.References...) {
		if h != "" {
			keys = append(keys, "m"+string(h))
		}
	}
	for _, t := range []events.TicketID{in.ReplyTicket, in.SignedTicket, in.QuotedTicket} {
		if t != "" {
			keys = append(keys, "t"+string(t))
		}
	}
	if in.TagNumber > 0 {
		keys = append(keys, fmt.Sprint("n", in.TagNumber))
	}
	return keys
}

// retry repeats what fails until it works or ctx ends.
func retry[T any](ctx context.Context, log *slog.Logger, what string, do func() (T, error)) (T, error) {
	pause := 100 * time.Millisecond
	for {
		v, err := do()
		if err == nil || ctx.Err() != nil {
			return v, err
		}
		log.Warn("will try again", "what", what, "error", err)
		if !sleep(ctx, pause) {
			return v, ctx.Err()
		}
		pause = min(2*pause, 5*time.Second)
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// numbers counts tickets. Numbers asked for at the same time are taken in one
// append; a crash may leave a number unused, never used twice.
type numbers struct {
	j *journal.Journal

	mu      sync.Mutex
	busy    bool
	waiting []numberRequest
	last    events.Revision
	known   bool
}

type numberRequest struct {
	ticket events.TicketID
	reply  chan numberReply
}

type numberReply struct {
	number int64
	err    error
}

func (n *numbers) take(ctx context.Context, id events.TicketID) (int64, error) {
	req := numberRequest{id, make(chan numberReply, 1)}
	n.mu.Lock()
	n.waiting = append(n.waiting, req)
	lead := !n.busy
	n.busy = true
	n.mu.Unlock()
	if lead {
		n.drain(ctx)
	}
	select {
	case r := <-req.reply:
		return r.number, r.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// drain serves everybody who waits, until nobody does.
func (n *numbers) drain(ctx context.Context) {
	for {
		n.mu.Lock()
		batch := n.waiting
		n.waiting = nil
		if len(batch) == 0 {
			n.busy = false
			n.mu.Unlock()
			return
		}
		n.mu.Unlock()
		first, err := n.append(ctx, batch)
		for i, req := range batch {
			req.reply <- numberReply{first + int64(i), err}
		}
	}
}

func (n *numbers) append(ctx context.Context, batch []numberRequest) (first int64, err error) {
	evs := make([]events.Event, len(batch))
	for i, req := range batch {
		evs[i] = events.TicketNumberTaken{Ticket: req.ticket}
	}
	by := journal.By{Command: events.NewUUID(), Actor: "system:desk"}
	for try := 0; ; try++ {
		if !n.known {
			last, ok, err := n.j.Last(ctx, events.NumberStream)
			if err != nil {
				return 0, err
			}
			n.last, n.known = events.NoStream, true
			if ok {
				n.last = last.Revision
			}
		}
		w, err := n.j.Append(ctx, events.NumberStream, n.last, by, evs...)
		if err == nil {
			n.last = w.Revision
			return w.Revision - int64(len(evs)) + 2, nil
		}
		n.known = false
		if _, stale := store.IsConflict(err); !stale || try == 5 {
			return 0, fmt.Errorf("take ticket number: %w", err)
		}
	}
}
