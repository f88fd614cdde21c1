package mailbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/emersion/go-imap/v2"
)

// effects are the mails that are taken and wait for what After wants. They
// happen after the bookmark has moved, and are found again on the next
// connection, so losing this list loses nothing.
type effects struct {
	due  chan struct{}
	mu   sync.Mutex
	uids []uint32
}

func newEffects() *effects { return &effects{due: make(chan struct{}, 1)} }

// add queues mails; one the server could not even give is left where it is.
func (e *effects) add(mails []Fetched) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, m := range mails {
		if m.Fault != FaultUnreadable {
			e.uids = append(e.uids, m.UID)
		}
	}
	select {
	case e.due <- struct{}{}:
	default:
	}
}

func (e *effects) take() []uint32 {
	e.mu.Lock()
	defer e.mu.Unlock()
	uids := e.uids
	e.uids = nil
	return uids
}

// effectChunk keeps command lines short.
const effectChunk = 500

// resumeEffects finds what is below the bookmark and still untouched.
func (s *session) resumeEffects() error {
	if s.m.after.none() || s.compare || s.top <= 1 {
		return nil
	}
	criteria := &imap.SearchCriteria{UID: []imap.UIDSet{{{Start: 1, Stop: imap.UID(s.top - 1)}}}}
	if k := s.m.after.keyword; k != "" {
		criteria.NotFlag = []imap.Flag{k}
	}
	uids, err := s.link.search(s.m, criteria)
	if err != nil {
		return fmt.Errorf("find mails taken before: %w", err)
	}
	s.effects.mu.Lock()
	s.effects.uids = append(s.effects.uids, uids...)
	s.effects.mu.Unlock()
	return nil
}

// applyEffects does what After wants with the mails taken so far. A refusal is
// logged and left for the next connection; the mails are safe either way. A
// mail over which the server drops the connection is found by trying fewer at
// once each time, and then left alone.
func (s *session) applyEffects(ctx context.Context) error {
	mem := &s.m.memory
	uids := slices.DeleteFunc(s.effects.take(), func(uid uint32) bool { return mem.fixed[uid] })
	if s.m.after.none() || len(uids) == 0 {
		return nil
	}
	s.link.conn.arm(s.m.cfg.CommandTimeout)
	defer s.link.conn.disarm()
	refused := 0
	for len(uids) > 0 {
		n := min(len(uids), mem.chunk)
		if err := s.applySome(ctx, uids[:n], &refused); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if mem.chunk = max(1, n/8); n == 1 {
				mem.fixed[uids[0]], mem.chunk = true, effectChunk
			}
			return fmt.Errorf("after taking: %w", err)
		}
		uids = uids[n:]
	}
	mem.chunk = effectChunk
	return nil
}

// maxRefusals is how many single mails in a row may be refused before the
// folder, not the mails, is taken for the reason.
const maxRefusals = 8

// applySome halves what is refused, to find the mail that it is about. It
// returns an error only when the connection is lost.
func (s *session) applySome(ctx context.Context, uids []uint32, refused *int) error {
	if *refused >= maxRefusals {
		return nil
	}
	err := s.apply(ctx, uidSet(uids))
	var no *imap.Error
	switch {
	case err == nil:
		*refused = 0
		return nil
	case !errors.As(err, &no):
		return err
	case len(uids) == 1:
		*refused++
		s.m.log.Warn("a mail taken could not be marked or moved", "uid", uids[0], "error", s.m.clean(err))
		return nil
	}
	half := len(uids) / 2
	if err := s.applySome(ctx, uids[:half], refused); err != nil {
		return err
	}
	return s.applySome(ctx, uids[half:], refused)
}

func (s *session) apply(ctx context.Context, set imap.UIDSet) error {
	if k := s.m.after.keyword; k != "" {
		return s.store(set, k)
	}
	err := s.move(ctx, set)
	var no *imap.Error
	if errors.As(err, &no) && (no.Code == imap.ResponseCodeTryCreate || no.Code == imap.ResponseCodeNonExistent) {
		if err := s.link.client.Create(s.m.after.folder, nil).Wait(); err != nil {
			return fmt.Errorf("create folder: %w", err)
		}
		err = s.move(ctx, set)
	}
	return err
}

func (s *session) store(set imap.UIDSet, flag imap.Flag) error {
	return s.link.client.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{flag}}, nil).Close()
}

// move moves mails, or copies and then expunges exactly them. The client's own
// fallback expunges without looking whether the copy went well, and without
// UIDPLUS it would expunge what somebody else marked; neither is done here.
func (s *session) move(ctx context.Context, set imap.UIDSet) error {
	caps := s.link.client.Caps()
	if caps.Has(imap.CapMove) {
		return s.moveByCommand(ctx, set)
	}
	if !caps.Has(imap.CapUIDPlus) {
		return &imap.Error{Type: imap.StatusResponseTypeNo, Text: "the server has neither MOVE nor UIDPLUS"}
	}
	data, err := s.link.client.Copy(set, s.m.after.folder).Wait()
	if err != nil {
		return err
	}
	if err := s.store(set, imap.FlagDeleted); err != nil {
		return err
	}
	if err := s.link.client.UIDExpunge(set).Close(); err != nil {
		return err
	}
	s.moved(ctx, data.UIDValidity, data.SourceUIDs, data.DestUIDs)
	return nil
}

func (s *session) moveByCommand(ctx context.Context, set imap.UIDSet) error {
	data, err := s.link.client.Move(set, s.m.after.folder).Wait()
	if err != nil {
		return err
	}
	s.moved(ctx, data.UIDValidity, data.SourceUIDs, data.DestUIDs)
	return nil
}

func (s *session) moved(ctx context.Context, validity uint32, from, to imap.NumSet) {
	if s.m.deps.Moved == nil {
		return
	}
	src, ok1 := from.(imap.UIDSet)
	dst, ok2 := to.(imap.UIDSet)
	if !ok1 || !ok2 {
		return
	}
	a, ok1 := src.Nums()
	b, ok2 := dst.Nums()
	if !ok1 || !ok2 || len(a) != len(b) {
		return
	}
	moves := make([]Move, len(a))
	for i := range a {
		moves[i] = Move{From: uint32(a[i]), To: uint32(b[i]), FromVal: s.validity, ToVal: validity}
	}
	s.m.deps.Moved(ctx, moves)
}
