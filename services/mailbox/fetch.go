package mailbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

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

	// slack is how much more than announced a literal may have.
	slack = 1 << 20
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

// flight is a FETCH command under way.
type flight struct {
	plan
	cmd *imapclient.FetchCommand
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
		case oversize, e.size < 0:
			flush()
			plans = append(plans, plan{[]entry{e}, oversize, cost})
		default:
			if len(group.entries) >= s.m.cfg.BatchMails || group.cost+cost > s.m.cfg.BatchBytes {
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
		return s.total
	}
	return min(max(e.size, 2048), s.total)
}

// fetchAll fetches the listed mails and hands them to the taker, in order.
// With an error the connection is closed.
func (s *session) fetchAll(ctx context.Context, entries []entry) error {
	plans := s.plans(entries)
	var flying []flight
	abandon := func(err error) error {
		_ = s.link.conn.Close() // first, so that nothing below waits for bytes
		for _, f := range flying {
			_ = f.cmd.Close()
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

func (s *session) launch(p plan) flight {
	section := &imap.FetchItemBodySection{Peek: true}
	if p.head {
		section.Partial = &imap.SectionPartial{Offset: 0, Size: HeadSize}
	}
	var set imap.UIDSet
	for _, e := range p.entries {
		set.AddNum(imap.UID(e.uid))
	}
	s.link.conn.arm(s.m.cfg.CommandTimeout)
	return flight{p, s.link.client.Fetch(set, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}})}
}

// land reads one command's answers to the end and hands over each mail as soon
// as all before it are there.
func (s *session) land(ctx context.Context, f flight) error {
	s.reading.Store(true)
	defer s.reading.Store(false)
	got := make(map[uint32][]byte)
	at := 0
	handOver := func() {
		for ; at < len(f.entries); at++ {
			body, ok := got[f.entries[at].uid]
			if !ok {
				return
			}
			delete(got, f.entries[at].uid)
			s.deliver(f, f.entries[at], body)
		}
	}
	for msg := f.cmd.Next(); msg != nil; msg = f.cmd.Next() {
		uid, body, err := s.readMail(msg, f)
		if err != nil {
			return s.failed(ctx, f, at, got, err)
		}
		if body != nil {
			got[uid] = body
			handOver()
		}
	}
	if err := f.cmd.Close(); err != nil {
		return s.failed(ctx, f, at, got, err)
	}
	return s.settleMissing(ctx, f, at, got)
}

// readMail reads one FETCH answer. The body is nil when there was none in it.
func (s *session) readMail(msg *imapclient.FetchMessageData, f flight) (uid uint32, body []byte, err error) {
	for item := msg.Next(); item != nil; item = msg.Next() {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			uid = uint32(item.UID)
		case imapclient.FetchItemDataBodySection:
			if item.Literal == nil {
				continue
			}
			size := item.Literal.Size()
			if size > s.allowed(uid, f) {
				s.m.memory.sizes[uid] = size
				return uid, nil, errSizeLied
			}
			body = make([]byte, size)
			if _, err := io.ReadFull(item.Literal, body); err != nil {
				return uid, nil, fmt.Errorf("read mail: %w", err)
			}
		}
	}
	return uid, body, nil
}

// allowed is the most bytes a literal may have for this UID.
func (s *session) allowed(uid uint32, f flight) int64 {
	if f.head {
		return HeadSize + slack
	}
	i := slices.IndexFunc(f.entries, func(e entry) bool { return e.uid == uid })
	if i < 0 || f.entries[i].size < 0 {
		return s.m.cfg.MaxSize
	}
	return min(4*f.entries[i].size, s.m.cfg.MaxSize) + slack
}

// deliver hands one mail to the taker.
func (s *session) deliver(f flight, e entry, body []byte) {
	mail := Fetched{UIDValidity: s.validity, UID: e.uid, InternalDate: e.date, Size: e.size}
	switch {
	case e.size > s.m.cfg.MaxSize:
		mail.Oversize, mail.Head = true, body
	case f.head:
		mail.Fault, mail.Head = FaultUnreadable, body
		mail.Detail = "the server gives only the beginning of this mail"
	default:
		mail.Raw, mail.Size = body, int64(len(body))
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
