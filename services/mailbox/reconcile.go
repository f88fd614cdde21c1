package mailbox

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/emersion/go-imap/v2"
	"golang.org/x/sync/semaphore"
)

// ErrRenamed says that the folder has another UIDVALIDITY than asked for.
var ErrRenamed = errors.New("the folder has a new UIDVALIDITY")

// Check connects, logs in and opens the folder, on a connection of its own.
func (m *Mailbox) Check(ctx context.Context) error {
	return m.visit(ctx, func(*link, *imap.SelectData) error { return nil })
}

// Reconcile lists what the folder holds, on a connection of its own, so that
// it can be compared with what the hub holds. It changes nothing.
func (m *Mailbox) Reconcile(ctx context.Context) (Report, error) {
	var r Report
	err := m.visit(ctx, func(l *link, sel *imap.SelectData) error {
		uids, err := l.search(m, &imap.SearchCriteria{})
		r = Report{UIDValidity: sel.UIDValidity, UIDNext: uint32(sel.UIDNext), Count: len(uids), UIDs: uids}
		return err
	})
	return r, err
}

// Retrieve fetches single mails again, on a connection of its own, and hands
// them to Take: what Reconcile found missing, or what was unreadable before.
// The bookmark stays. UIDs that are gone are passed over. It returns
// ErrRenamed when the folder's UIDVALIDITY is not the given one. It must not
// run while Run does, unless Take can be called twice at once.
func (m *Mailbox) Retrieve(ctx context.Context, validity uint32, uids []uint32) error {
	return m.retrieve(ctx, validity, uids, m.deps.Take)
}

// Fetch gives one mail again as the server has it now, and hands it to nobody.
// ok is false when it is gone, or has other numbers now.
func (m *Mailbox) Fetch(ctx context.Context, validity, uid uint32) (f Fetched, ok bool, err error) {
	err = m.retrieve(ctx, validity, []uint32{uid}, func(_ context.Context, mails []Fetched) error {
		f, ok = mails[0], true
		return nil
	})
	if errors.Is(err, ErrRenamed) {
		return f, false, nil
	}
	return f, ok, err
}

func (m *Mailbox) retrieve(ctx context.Context, validity uint32, uids []uint32, take func(context.Context, []Fetched) error) error {
	return m.visit(ctx, func(l *link, sel *imap.SelectData) error {
		if sel.UIDValidity != validity {
			return ErrRenamed
		}
		side := &Mailbox{cfg: m.cfg, deps: m.deps, log: m.log, memory: newMemory()}
		side.deps.Status, side.deps.Take = nil, take
		total := m.cfg.held()
		s := &session{m: side, link: l, validity: validity, effects: newEffects(), budget: semaphore.NewWeighted(total), total: total, top: 1}
		side.deps.Advance = func(context.Context, Bookmark) error { return nil }
		s.taker = startTaker(ctx, s)
		err := s.again(ctx, uids)
		if terr := s.taker.finish(); err == nil {
			err = terr
		}
		return l.explain(err)
	})
}

// again fetches mails by their UIDs, so many at once that command lines stay
// short.
func (s *session) again(ctx context.Context, uids []uint32) error {
	for part := range slices.Chunk(uids, effectChunk) {
		there, err := s.link.search(s.m, &imap.SearchCriteria{UID: []imap.UIDSet{uidSet(part)}})
		if err != nil {
			return err
		}
		if len(there) == 0 {
			continue
		}
		entries, err := s.listSet(ctx, uidSet(there))
		if err != nil {
			return err
		}
		if err := s.fetchAll(ctx, entries); err != nil {
			return err
		}
	}
	return nil
}

// visit does something on a fresh connection with the folder open read-only.
func (m *Mailbox) visit(ctx context.Context, do func(*link, *imap.SelectData) error) error {
	wrap := func(err error) error {
		if err == nil {
			return nil
		}
		return fmt.Errorf("mailbox %q: %w", m.cfg.ID, err)
	}
	l, err := m.dial(ctx)
	if err != nil {
		return wrap(err)
	}
	defer l.close()
	l.conn.arm(m.cfg.CommandTimeout)
	sel, err := l.client.Select(m.cfg.Folder, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		return wrap(fmt.Errorf("open folder: %w", l.explain(err)))
	}
	l.conn.disarm()
	return wrap(do(l, sel))
}
