package mailbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emersion/go-imap/v2"
	"golang.org/x/sync/semaphore"
)

// memory is what outlives a connection.
type memory struct {
	validity uint32
	trouble  map[uint32]int   // how badly fetching a UID has gone so far
	sizes    map[uint32]int64 // true sizes, where the server told another
	ahead    map[uint32]bool  // handed over already, though the bookmark is below
	noSizes  bool             // the server stumbled when asked for sizes
	fixed    map[uint32]bool  // cannot be moved or marked
	chunk    int              // how many are moved or marked at once
	quick    bool             // the connection ended over a mail: try again soon

	idleFails int // IDLEs in a row that the server did not stand
	polls     int // looks since IDLE was given up
}

func newMemory() memory {
	return memory{trouble: make(map[uint32]int), sizes: make(map[uint32]int64), ahead: make(map[uint32]bool), fixed: make(map[uint32]bool), chunk: effectChunk}
}

// forget drops what was known by UID.
func (m *memory) forget(validity uint32) {
	fresh := newMemory()
	fresh.validity, fresh.idleFails, fresh.polls = validity, m.idleFails, m.polls
	*m = fresh
}

// session is the work on one connection with the folder selected. All but the
// taker runs on one goroutine.
type session struct {
	m       *Mailbox
	link    *link
	taker   *taker
	effects *effects
	budget  *semaphore.Weighted
	total   int64 // of the budget
	healthy func()

	validity uint32
	compare  bool     // names changed: ask Known before taking
	top      uint32   // above every UID handed over or gone
	pending  []uint32 // listed and not settled yet, ascending: the bookmark stays below
	canIdle  bool
	bulk     bool // there is much to list: it is done in parts
	beyond   int  // mails behind the part that is listed
}

// openSession selects the folder and decides where to begin.
func (m *Mailbox) openSession(ctx context.Context, l *link) (*session, error) {
	l.conn.arm(m.cfg.CommandTimeout)
	defer l.conn.disarm()
	sel, err := l.client.Select(m.cfg.Folder, &imap.SelectOptions{ReadOnly: m.after.none()}).Wait()
	if err != nil {
		return nil, fmt.Errorf("select folder: %w", l.explain(err))
	}
	if sel.UIDValidity == 0 {
		return nil, errors.New("select folder: the server gives no UIDVALIDITY, mails cannot be told apart")
	}
	mark, err := m.deps.Bookmark(ctx)
	if err != nil {
		return nil, fmt.Errorf("load bookmark: %w", err)
	}
	total := m.cfg.held()
	s := &session{
		m: m, link: l, validity: sel.UIDValidity, top: 1, effects: newEffects(),
		budget: semaphore.NewWeighted(total), total: total, healthy: func() {},
		canIdle: l.client.Caps().Has(imap.CapIdle),
	}
	s.begin(mark, uint32(sel.UIDNext))
	s.bulk = int64(sel.UIDNext)-int64(s.next()) > listWindow
	m.report(func(st *Status) { st.Messages, st.Validity, st.UIDNext = sel.NumMessages, sel.UIDValidity, s.top })
	s.taker = startTaker(ctx, s)
	if mark.UIDValidity == 0 && m.cfg.FromNow {
		s.taker.push(item{mark: s.top})
	}
	return s, nil
}

// begin compares the bookmark with what the server says. A UIDNEXT below the
// bookmark under the same UIDVALIDITY is a server restored from a backup: its
// new mails would hide under UIDs already passed.
func (s *session) begin(mark Bookmark, uidNext uint32) {
	mem := &s.m.memory
	switch {
	case mark.UIDValidity == 0 && s.m.cfg.FromNow:
		s.top = max(1, uidNext)
	case mark.UIDValidity == 0:
	case mark.UIDValidity != s.validity:
		s.compare = true
		s.m.log.Warn("the server renamed all mails (new UIDVALIDITY), comparing", "old", mark.UIDValidity, "new", s.validity)
	case uidNext != 0 && uidNext < mark.NextUID:
		s.compare = true
		mem.forget(s.validity)
		s.m.log.Warn("the server counts from a lower UID than before, comparing", "bookmark", mark.NextUID, "uid_next", uidNext)
	default:
		s.top = max(1, mark.NextUID)
	}
	if mem.validity != s.validity {
		mem.forget(s.validity)
	}
}

// next is the lowest UID not known to be taken.
func (s *session) next() uint32 {
	if s.compare {
		return 1
	}
	if len(s.pending) > 0 {
		return s.pending[0]
	}
	return s.top
}

// serve reads what is new, applies effects and waits, until the connection or
// ctx ends.
func (s *session) serve(ctx context.Context) error {
	if err := s.resumeEffects(); err != nil {
		return err
	}
	for {
		if err := s.catchUp(ctx); err != nil {
			return s.link.explain(err)
		}
		if err := s.applyEffects(ctx); err != nil {
			return s.link.explain(err)
		}
		if err := s.wait(ctx); err != nil {
			return s.link.explain(err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// catchUp reads until there is nothing new.
func (s *session) catchUp(ctx context.Context) error {
	for {
		entries, err := s.list(ctx)
		if err != nil {
			return fmt.Errorf("list mails: %w", err)
		}
		if len(entries) == 0 && !s.bulk {
			break
		}
		if len(entries) == 0 { // all of this part went meanwhile
			s.bulk = false
			continue
		}
		if err := s.fetchAll(ctx, entries); err != nil {
			return fmt.Errorf("fetch mails: %w", err)
		}
	}
	if s.compare || len(s.m.memory.ahead) > 0 { // all there is, is settled now
		s.compare = false
		s.absorb()
		s.taker.push(item{mark: s.top})
	}
	s.m.memory.noSizes = false
	s.healthy()
	return nil
}

// absorb lets the bookmark pass what was handed over ahead of it.
func (s *session) absorb() {
	for uid := range s.m.memory.ahead {
		s.top = max(s.top, uid+1)
	}
	clear(s.m.memory.ahead)
}

// wait returns when there may be something to do: the server announced mail,
// an effect is due, or time has passed.
func (s *session) wait(ctx context.Context) error {
	mem := &s.m.memory
	if s.canIdle && (mem.idleFails < 3 || mem.polls >= 10) {
		mem.polls = 0
		s.m.report(func(st *Status) { s.seen(st, StateIdle) })
		return s.idle(ctx)
	}
	mem.polls++
	s.m.report(func(st *Status) { s.seen(st, StatePolling) })
	if s.linger(ctx, s.m.cfg.Poll); ctx.Err() != nil {
		return nil
	}
	s.link.conn.arm(s.m.cfg.CommandTimeout)
	defer s.link.conn.disarm()
	return s.link.client.Noop().Wait()
}

func (s *session) seen(st *Status, state string) {
	st.State, st.LastOK, st.UIDNext = state, s.m.deps.Now(), s.next()
	if !s.taker.stuck.Load() {
		st.LastError = ""
	}
	if mb := s.link.client.Mailbox(); mb != nil {
		st.Messages = mb.NumMessages
	}
}

// idle is one slice of IDLE. A server that drops the connection right after
// IDLE began, or refuses it, three times in a row is polled from then on, and
// offered IDLE again from time to time.
func (s *session) idle(ctx context.Context) error {
	mem := &s.m.memory
	began := time.Now()
	failed := func(err error) error {
		if time.Since(began) < 2*time.Second && ctx.Err() == nil {
			mem.idleFails++
		}
		return fmt.Errorf("idle: %w", err)
	}
	s.link.conn.arm(s.m.cfg.CommandTimeout)
	cmd, err := s.link.client.Idle()
	if err != nil {
		var no *imap.Error
		if errors.As(err, &no) {
			mem.idleFails = max(mem.idleFails+1, 3)
			s.link.conn.disarm()
			return nil // refused, but the connection stands: poll
		}
		return failed(err)
	}
	s.link.conn.arm(s.m.cfg.IdleSlice + s.m.cfg.CommandTimeout)
	s.linger(ctx, s.m.cfg.IdleSlice)
	s.link.conn.arm(s.m.cfg.CommandTimeout)
	defer s.link.conn.disarm()
	if err := cmd.Close(); err != nil {
		return failed(err)
	}
	if err := cmd.Wait(); err != nil {
		return failed(err)
	}
	mem.idleFails = 0
	return nil
}

// linger waits for news, an effect, the end of the connection or of ctx, at
// most d.
func (s *session) linger(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-s.link.changed:
	case <-s.effects.due:
	case <-t.C:
	case <-s.link.client.Closed():
	case <-ctx.Done():
	}
}
