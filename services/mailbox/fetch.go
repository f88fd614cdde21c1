package mailbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

const (
	// pipelineDepth is how many FETCH commands are under way at once, so that
	// the server never waits for the next.
	pipelineDepth = 2

	// The weight of trouble with one UID. A lost connection may be the
	// network's fault and weighs lossWeight, a refusal (NO) is about this mail
	// and weighs refusalWeight. From headOnly on, only the head of the mail is
	// asked for; from giveUp on, nothing is.
	lossWeight    = 1
	refusalWeight = 2
	headOnly      = 6
	giveUp        = 8

	// quickLoss is how soon after it was asked for a mail a connection ends that
	// ends because of it.
	quickLoss = 2 * time.Second

	// slack is how much more than announced a literal may have.
	slack = 1 << 20

	// unknownCost is reserved for a mail of unknown size. So many at most go
	// together, and stop when they become larger than the largest mail.
	unknownCost  = 64 << 10
	unknownMails = 64
)

// errSizeLied ends a connection on which a mail is much larger than its
// RFC822.SIZE. The true size is remembered.
var errSizeLied = errors.New("a mail is larger than the server said")

// plan is one FETCH command to be.
type plan struct {
	entries []entry
	head    bool // only the first HeadSize bytes
	cost    int64
}

// flight is a FETCH command under way. Each has a goroutine that reads its
// answers, because a server may mix the answers of two commands (Dovecot does),
// and the client can pass on only what somebody reads.
type flight struct {
	plan
	cmd     *imapclient.FetchCommand
	results chan result // has room for all; closed at the end of the command
	err     error       // how it ended; set before results is closed
	began   time.Time
	unknown int64 // bytes of mails of unknown size so far
}

// result is one mail of a flight.
type result struct {
	uid  uint32
	body []byte
	date time.Time
	size int64 // of a body that was too large to read
}

// plans cuts a list into commands. Mails in trouble go alone, and last, so
// that they hold up nobody.
func (s *session) plans(entries []entry) []plan {
	var plans, last []plan
	var group plan
	flush := func() {
		if len(group.entries) > 0 {
			plans = append(plans, group)
		}
		group = plan{}
	}
	for _, e := range entries {
		trouble := s.m.memory.trouble[e.uid]
		oversize := e.size > s.m.cfg.MaxSize
		cost := s.cost(e, oversize)
		switch {
		case trouble > 0:
			last = append(last, plan{[]entry{e}, oversize || trouble >= headOnly, cost})
		case oversize:
			flush()
			plans = append(plans, plan{[]entry{e}, true, cost})
		default:
			n := len(group.entries)
			if n >= s.m.cfg.BatchMails || group.cost+cost > s.m.cfg.BatchBytes || e.size < 0 && n >= unknownMails {
				flush()
			}
			group.entries = append(group.entries, e)
			group.cost += cost
		}
	}
	flush()
	return append(plans, last...)
}

// cost is what a mail takes from the budget.
func (s *session) cost(e entry, oversize bool) int64 {
	switch {
	case oversize:
		return HeadSize
	case e.size < 0:
		return unknownCost
	}
	return min(max(e.size, 2048), s.total)
}

// fetchAll fetches the listed mails and hands them to the taker, in order.
// With an error the connection is closed.
func (s *session) fetchAll(ctx context.Context, entries []entry) error {
	plans := s.plans(entries)
	var flying []*flight
	abandon := func(err error) error {
		_ = s.link.conn.Close() // first, so that nothing below waits for bytes
		for _, f := range flying {
			for range f.results { // until its goroutine has ended
			}
		}
		return err
	}
	for len(plans) > 0 || len(flying) > 0 {
		for len(plans) > 0 && len(flying) < pipelineDepth {
			p := plans[0]
			if !s.budget.TryAcquire(p.cost) {
				if len(flying) > 0 {
					break
				}
				if err := s.budget.Acquire(ctx, p.cost); err != nil {
					return abandon(err)
				}
			}
			plans = plans[1:]
			if s.m.memory.trouble[p.entries[0].uid] >= giveUp {
				s.surrender(p)
				continue
			}
			flying = append(flying, s.launch(p))
		}
		if len(flying) == 0 {
			continue
		}
		if err := s.land(ctx, flying[0]); err != nil {
			return abandon(err)
		}
		flying = flying[1:]
		if len(flying) == 0 {
			s.link.conn.disarm()
		}
	}
	return nil
}

func (s *session) launch(p plan) *flight {
	section := &imap.FetchItemBodySection{Peek: true}
	if p.head {
		section.Partial = &imap.SectionPartial{Offset: 0, Size: HeadSize}
	}
	var set imap.UIDSet
	for _, e := range p.entries {
		set.AddNum(imap.UID(e.uid))
	}
	s.link.conn.arm(s.m.cfg.CommandTimeout)
	cmd := s.link.client.Fetch(set, &imap.FetchOptions{UID: true, InternalDate: true, BodySection: []*imap.FetchItemBodySection{section}})
	f := &flight{plan: p, cmd: cmd, results: make(chan result, len(p.entries)), began: s.m.deps.Now()}
	go f.read(s.link.conn, s.m.cfg.MaxSize)
	return f
}

// land waits for one command's answers and hands over each mail as soon as all
// before it are there.
func (s *session) land(ctx context.Context, f *flight) error {
	got := make(map[uint32]result)
	at := 0
	for r := range f.results {
		if r.size > 0 {
			s.m.memory.sizes[r.uid] = r.size
			continue
		}
		got[r.uid] = r
		for ; at < len(f.entries); at++ {
			r, ok := got[f.entries[at].uid]
			if !ok {
				break
			}
			delete(got, r.uid)
			s.deliver(f, f.entries[at], r)
		}
	}
	if f.err != nil {
		return s.failed(ctx, f, at, got)
	}
	return s.settleMissing(f, at, got)
}

// read reads a command's answers to the end. When it cannot go on it closes
// the connection, so that nobody waits for bytes that will not be read.
func (f *flight) read(conn *guardedConn, maxSize int64) {
	defer close(f.results)
	for msg := f.cmd.Next(); msg != nil && f.err == nil; msg = f.cmd.Next() {
		if f.err = f.readMail(msg, maxSize); f.err != nil {
			_ = conn.Close()
		}
	}
	if err := f.cmd.Close(); f.err == nil {
		f.err = err
	}
}

// readMail reads one FETCH answer; one without a body is passed over.
func (f *flight) readMail(msg *imapclient.FetchMessageData, maxSize int64) error {
	var r result
	for item := msg.Next(); item != nil; item = msg.Next() {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			r.uid = uint32(item.UID)
		case imapclient.FetchItemDataInternalDate:
			r.date = item.Time
		case imapclient.FetchItemDataBodySection:
			if item.Literal == nil {
				continue
			}
			size := item.Literal.Size()
			if size > f.allowed(r.uid, maxSize) {
				f.results <- result{uid: r.uid, size: size}
				return errSizeLied
			}
			f.unknown += size
			r.body = make([]byte, size)
			if _, err := io.ReadFull(item.Literal, r.body); err != nil {
				return fmt.Errorf("read mail: %w", err)
			}
		}
	}
	if r.body != nil {
		f.results <- r
	}
	return nil
}

// allowed is the most bytes a literal may have for this UID.
func (f *flight) allowed(uid uint32, maxSize int64) int64 {
	if f.head {
		return HeadSize + slack
	}
	i := slices.IndexFunc(f.entries, func(e entry) bool { return e.uid == uid })
	if i < 0 || f.entries[i].size < 0 {
		return maxSize - f.unknown
	}
	return min(4*f.entries[i].size, maxSize) + slack
}

// deliver hands one mail to the taker.
func (s *session) deliver(f *flight, e entry, r result) {
	if e.date.IsZero() {
		e.date = r.date
	}
	mail := Fetched{UIDValidity: s.validity, UID: e.uid, InternalDate: e.date, Size: e.size}
	switch {
	case e.size > s.m.cfg.MaxSize:
		mail.Oversize, mail.Head = true, r.body
	case f.head:
		mail.Fault, mail.Head = FaultUnreadable, r.body
		mail.Detail = "the server gives only the beginning of this mail"
	default:
		mail.Raw, mail.Size = r.body, int64(len(r.body))
	}
	s.handOver(mail, f.cost/int64(len(f.entries)))
}

// surrender hands over a mail of which the server gives nothing.
func (s *session) surrender(p plan) {
	e := p.entries[0]
	s.handOver(Fetched{
		UIDValidity: s.validity, UID: e.uid, InternalDate: e.date, Size: max(e.size, 0), Oversize: e.size > s.m.cfg.MaxSize,
		Fault: FaultUnreadable, Detail: "the server holds this mail but does not give it",
	}, p.cost)
}

func (s *session) handOver(mail Fetched, cost int64) {
	delete(s.m.memory.trouble, mail.UID)
	delete(s.m.memory.sizes, mail.UID)
	mark := s.settle(mail.UID)
	s.taker.push(item{mail: &mail, cost: cost, mark: mark, compare: s.compare})
}

// settle notes that a UID needs no more work and returns how far the bookmark
// may go then (0: nowhere): up to the lowest UID that still does.
func (s *session) settle(uid uint32) uint32 {
	s.top = max(s.top, uid+1)
	if i, found := slices.BinarySearch(s.pending, uid); found && i == 0 {
		s.pending = s.pending[1:]
	} else if found {
		s.pending = slices.Delete(s.pending, i, i+1)
	}
	switch {
	case s.compare:
		s.m.memory.ahead[uid] = true
		return 0
	case len(s.pending) == 0:
		s.absorb()
		return s.top
	case uid > s.pending[0]:
		s.m.memory.ahead[uid] = true
	}
	return s.pending[0]
}
