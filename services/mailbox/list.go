package mailbox

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
)

// listWindow is how many mails of a large folder are listed at once.
const listWindow = 5000

// entry is a mail of the folder before its bytes are fetched.
type entry struct {
	uid  uint32
	size int64 // RFC822.SIZE, or -1 when the server would not say
	date time.Time
}

// list asks for every UID from the bookmark on, with sizes and dates, in one
// command. "n:*" names the last mail even when its UID is below n (RFC 9051
// section 9, seq-range), so what is below is dropped. The size of a mail the
// server cannot read may cost the connection, so sizes are asked for only as
// long as that goes well.
func (s *session) list(ctx context.Context) ([]entry, error) {
	select { // what was announced so far is covered by what follows
	case <-s.link.changed:
	default:
	}
	mem := &s.m.memory
	entries, err := s.listSizes(ctx)
	if err != nil {
		return nil, err
	}
	s.m.report(func(st *Status) { st.LastOK = s.m.deps.Now() })
	entries = slices.DeleteFunc(entries, func(e entry) bool { return e.uid < s.next() || mem.ahead[e.uid] })
	slices.SortFunc(entries, func(a, b entry) int { return int(int64(a.uid) - int64(b.uid)) })
	entries = slices.CompactFunc(entries, func(a, b entry) bool { return a.uid == b.uid })
	s.m.report(func(st *Status) { st.Waiting, st.OldestWaiting = len(entries)+s.beyond, oldest(entries) })
	s.pending = make([]uint32, len(entries))
	for i, e := range entries {
		s.pending[i] = e.uid
		if size, lied := mem.sizes[e.uid]; lied {
			entries[i].size = size
		}
	}
	return entries, nil
}

// oldest is when the server received the first of some mails; zero for none.
func oldest(entries []entry) (at time.Time) {
	for _, e := range entries {
		if at.IsZero() || !e.date.IsZero() && e.date.Before(at) {
			at = e.date
		}
	}
	return at
}

// listSizes asks for sizes, until the server refuses or drops the connection
// over it; then, up to the next time all is read, for UIDs alone.
func (s *session) listSizes(ctx context.Context) ([]entry, error) {
	mem := &s.m.memory
	s.beyond = 0
	if mem.noSizes {
		return s.listUIDs()
	}
	set, err := s.window()
	if err != nil {
		return nil, err
	}
	entries, err := s.listSet(ctx, set)
	if err == nil || ctx.Err() != nil {
		return entries, err
	}
	mem.noSizes = true
	s.m.log.Warn("the server does not list sizes, going without", "error", s.m.clean(err))
	var no *imap.Error
	if errors.As(err, &no) {
		return s.listUIDs()
	}
	return nil, err
}

// window is what to list next: all there is, or of a folder that holds much more
// than that, its next part, so that memory does not grow with the folder.
func (s *session) window() (imap.UIDSet, error) {
	next := s.next()
	set := imap.UIDSet{{Start: imap.UID(next), Stop: 0}}
	if !s.bulk {
		return set, nil
	}
	uids, err := s.link.search(s.m, &imap.SearchCriteria{UID: []imap.UIDSet{set}})
	if err != nil {
		return nil, err
	}
	uids = slices.DeleteFunc(uids, func(uid uint32) bool { return uid < next || s.m.memory.ahead[uid] })
	if s.bulk = len(uids) > listWindow; s.bulk {
		s.beyond = len(uids) - listWindow
		uids = uids[:listWindow]
	}
	switch n := len(uids); {
	case n > effectChunk:
		set = imap.UIDSet{{Start: imap.UID(uids[0]), Stop: imap.UID(uids[n-1])}}
	case n > 0:
		set = uidSet(uids)
	}
	return set, nil
}

func (s *session) listSet(ctx context.Context, set imap.UIDSet) ([]entry, error) {
	s.link.conn.arm(s.m.cfg.CommandTimeout)
	defer s.link.conn.disarm()
	cmd := s.link.client.Fetch(set, &imap.FetchOptions{UID: true, InternalDate: true, RFC822Size: true})
	defer func() { _ = cmd.Close() }()
	var entries []entry
	for msg := cmd.Next(); msg != nil && ctx.Err() == nil; msg = cmd.Next() {
		buf, err := msg.Collect() // no literals were asked for
		if err != nil {
			return nil, err
		}
		if buf.UID != 0 {
			entries = append(entries, entry{uint32(buf.UID), buf.RFC822Size, buf.InternalDate})
		}
	}
	return entries, cmd.Close()
}

func (s *session) listUIDs() ([]entry, error) {
	uids, err := s.link.search(s.m, &imap.SearchCriteria{UID: []imap.UIDSet{{{Start: imap.UID(s.next()), Stop: 0}}}})
	entries := make([]entry, 0, len(uids))
	for _, uid := range uids {
		entries = append(entries, entry{uid: uid, size: -1})
	}
	return entries, err
}

// search returns matching UIDs in ascending order.
func (l *link) search(m *Mailbox, criteria *imap.SearchCriteria) ([]uint32, error) {
	l.conn.arm(m.cfg.CommandTimeout)
	defer l.conn.disarm()
	data, err := l.client.UIDSearch(criteria, nil).Wait()
	if err != nil {
		return nil, l.explain(err)
	}
	var uids []uint32
	for _, uid := range data.AllUIDs() {
		uids = append(uids, uint32(uid))
	}
	slices.Sort(uids)
	return uids, nil
}

func uidSet(uids []uint32) imap.UIDSet {
	var set imap.UIDSet
	for _, uid := range uids {
		set.AddNum(imap.UID(uid))
	}
	return set
}
