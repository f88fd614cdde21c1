package sandbox

import (
	"sort"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

var errReadOnly = &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeNoPerm, Text: "The folder is open read-only"}

// picked is a mail with the sequence number this session knows it by.
type picked struct {
	seq uint32
	msg *message
}

// pick resolves a set of numbers to mails; f.mu is held.
func (s *imapSession) pick(set imap.NumSet) []picked {
	f := s.folder
	var out []picked
	take := func(i int) {
		if seq := s.tracker.EncodeSeqNum(uint32(i + 1)); seq != 0 {
			out = append(out, picked{seq, f.list[i]})
		}
	}
	if imap.IsSearchRes(set) {
		set = s.saved
	}
	switch set := set.(type) {
	case imap.UIDSet:
		top := uint32(f.next - 1)
		if n := len(f.list); n > 0 {
			top = uint32(f.list[n-1].uid) // "*" is the highest UID in use
		}
		for _, r := range set {
			lo, hi := bounds(uint32(r.Start), uint32(r.Stop), top)
			i := sort.Search(len(f.list), func(i int) bool { return uint32(f.list[i].uid) >= lo })
			for ; i < len(f.list) && uint32(f.list[i].uid) <= hi; i++ {
				take(i)
			}
		}
	case imap.SeqSet:
		for i, m := range f.list {
			seq := s.tracker.EncodeSeqNum(uint32(i + 1))
			if seqIn(set, seq, uint32(len(f.list))) {
				out = append(out, picked{seq, m})
			}
		}
	}
	return out
}

// bounds resolves "*" (0) and orders a range (RFC 9051 section 9, seq-range).
func bounds(start, stop, top uint32) (lo, hi uint32) {
	if start == 0 {
		start = top
	}
	if stop == 0 {
		stop = top
	}
	return min(start, stop), max(start, stop)
}

func (s *imapSession) picks(set imap.NumSet) []picked {
	s.folder.mu.Lock()
	defer s.folder.mu.Unlock()
	return s.pick(set)
}

// Expunge removes the mails marked \Deleted, of the given UIDs or all.
func (s *imapSession) Expunge(_ *imapserver.ExpungeWriter, uids *imap.UIDSet) error {
	if s.readOnly {
		return errReadOnly
	}
	doomed := make(map[*message]bool)
	s.folder.mu.Lock()
	for _, m := range s.folder.list {
		if m.flags[imap.FlagDeleted] && (uids == nil || uids.Contains(m.uid)) {
			doomed[m] = true
		}
	}
	s.folder.mu.Unlock()
	return s.folder.expunge(doomed)
}

// Store changes flags, durably, and tells the other sessions.
func (s *imapSession) Store(w *imapserver.FetchWriter, set imap.NumSet, flags *imap.StoreFlags, _ *imap.StoreOptions) error {
	if s.readOnly {
		return errReadOnly
	}
	if err := s.setFlags(s.picks(set), flags); err != nil || flags.Silent {
		return err
	}
	return s.Fetch(w, set, &imap.FetchOptions{Flags: true, UID: true})
}

func (s *imapSession) setFlags(picks []picked, flags *imap.StoreFlags) error {
	f := s.folder
	f.commits.Lock()
	defer f.commits.Unlock()
	var lines []byte
	fresh := make([]map[imap.Flag]bool, len(picks))
	f.mu.Lock()
	for i, p := range picks {
		fresh[i] = applyFlags(p.msg.flags, flags)
		lines = appendFlagLine(lines, p.msg.uid, fresh[i])
	}
	f.mu.Unlock()
	if err := f.append(lines); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	changed := make(map[*message]bool, len(picks))
	for i, p := range picks {
		p.msg.flags, changed[p.msg] = fresh[i], true
	}
	for i, m := range f.list {
		if changed[m] {
			f.tracker.QueueMessageFlags(uint32(i+1), m.uid, flagList(m.flags), s.tracker)
		}
	}
	f.announce()
	return nil
}

func applyFlags(old map[imap.Flag]bool, change *imap.StoreFlags) map[imap.Flag]bool {
	set := make(map[imap.Flag]bool)
	if change.Op != imap.StoreFlagsSet {
		for flag := range old {
			set[flag] = true
		}
	}
	for flag := range flagSet(change.Flags) {
		if change.Op == imap.StoreFlagsDel {
			delete(set, flag)
		} else {
			set[flag] = true
		}
	}
	return set
}

// Copy links mails into another folder.
func (s *imapSession) Copy(set imap.NumSet, to string) (*imap.CopyData, error) {
	_, data, err := s.copyTo(set, to)
	return data, err
}

// Move copies, then expunges; a crash between leaves both, never none.
func (s *imapSession) Move(w *imapserver.MoveWriter, set imap.NumSet, to string) error {
	if s.readOnly {
		return errReadOnly
	}
	moved, data, err := s.copyTo(set, to)
	if err != nil {
		return err
	}
	if err := w.WriteCopyData(data); err != nil {
		return err
	}
	return s.folder.expunge(moved) // the session learns of it by Poll, before OK
}

func (s *imapSession) copyTo(set imap.NumSet, to string) (map[*message]bool, *imap.CopyData, error) {
	dest, err := s.acc.folder(to)
	if err != nil {
		return nil, nil, tryCreate(err)
	}
	if dest == s.folder {
		return nil, nil, &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeCannot, Text: "Source and destination are the same folder"}
	}
	copied := make(map[*message]bool)
	var arrivals []*arrival
	var from []imap.UID
	for _, p := range s.picks(set) {
		s.folder.mu.Lock()
		flags := flagList(p.msg.flags)
		s.folder.mu.Unlock()
		a, err := dest.link(s.folder.path(p.msg.file), p.msg.when, p.msg.size, flags)
		if err != nil {
			continue // expunged by another session meanwhile
		}
		arrivals, from, copied[p.msg] = append(arrivals, a), append(from, p.msg.uid), true
	}
	if len(arrivals) == 0 {
		return nil, nil, nil
	}
	if err := dest.commit(arrivals...); err != nil {
		return nil, nil, err
	}
	data := &imap.CopyData{UIDValidity: dest.valid, SourceUIDs: imap.UIDSetNum(from...)}
	for _, a := range arrivals {
		data.DestUIDs.AddNum(a.uid)
	}
	return copied, data, nil
}
