package mailbox

import (
	"context"
	"errors"
	"fmt"
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

func (e *effects) add(mails []Fetched) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, m := range mails {
		e.uids = append(e.uids, m.UID)
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
// logged and left for the next connection; the mails are safe either way.
func (s *session) applyEffects(ctx context.Context) error {
	uids := s.effects.take()
	if s.m.after.none() || len(uids) == 0 {
		return nil
	}
	s.link.conn.arm(s.m.cfg.CommandTimeout)
	defer s.link.conn.disarm()
	for len(uids) > 0 {
		n := min(len(uids), effectChunk)
		err := s.apply(ctx, uidSet(uids[:n]))
		uids = uids[n:]
		var no *imap.Error
		if errors.As(err, &no) {
			s.m.log.Warn("mails taken could not be marked or moved", "mails", n, "error", s.m.clean(err))
			continue
		}
		if err != nil {
			return fmt.Errorf("after taking: %w", err)
		}
	}
	return nil
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
