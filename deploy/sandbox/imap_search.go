package sandbox

import (
	"bytes"
	"os"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

// Search finds mails. UIDs, flags, dates and sizes are answered from memory;
// header and text criteria read the mail and look for the words in its raw
// bytes, without decoding.
func (s *imapSession) Search(kind imapserver.NumKind, criteria *imap.SearchCriteria, options *imap.SearchOptions) (*imap.SearchData, error) {
	f := s.folder
	f.mu.Lock()
	var found []picked
	for i, m := range f.list {
		seq := s.tracker.EncodeSeqNum(uint32(i + 1))
		if c := (candidate{s: s, seq: seq, msg: m, flags: m.flags}); c.matches(criteria) {
			found = append(found, picked{seq, m})
		}
	}
	f.mu.Unlock()

	data := &imap.SearchData{}
	var seqs imap.SeqSet
	var uids imap.UIDSet
	for _, p := range found {
		uids.AddNum(p.msg.uid)
		num := uint32(p.msg.uid)
		if kind == imapserver.NumKindSeq {
			if p.seq == 0 {
				continue
			}
			seqs.AddNum(p.seq)
			num = p.seq
		}
		if data.Min == 0 || num < data.Min {
			data.Min = num
		}
		data.Max = max(data.Max, num)
		data.Count++
	}
	data.All = uids
	if kind == imapserver.NumKindSeq {
		data.All = seqs
	}
	if options.ReturnSave {
		s.saved = uids
	}
	return data, nil
}

// candidate is a mail under a search; its bytes are read at most once.
type candidate struct {
	s     *imapSession
	seq   uint32
	msg   *message
	flags map[imap.Flag]bool
	raw   []byte
	read  bool
}

func (c *candidate) matches(q *imap.SearchCriteria) bool {
	return c.matchesNumbers(q) && c.matchesFacts(q) && c.matchesText(q) && c.matchesLogic(q)
}

func (c *candidate) matchesNumbers(q *imap.SearchCriteria) bool {
	list := c.s.folder.list
	top := uint32(list[len(list)-1].uid)
	for _, set := range q.SeqNum {
		if !seqIn(set, c.seq, uint32(len(list))) {
			return false
		}
	}
	for _, set := range q.UID {
		if imap.IsSearchRes(set) {
			set = c.s.saved
		}
		if !uidIn(set, uint32(c.msg.uid), top) {
			return false
		}
	}
	return true
}

func seqIn(set imap.SeqSet, n, top uint32) bool {
	for _, r := range set {
		if lo, hi := bounds(r.Start, r.Stop, top); n != 0 && lo <= n && n <= hi {
			return true
		}
	}
	return false
}

func uidIn(set imap.UIDSet, n, top uint32) bool {
	for _, r := range set {
		if lo, hi := bounds(uint32(r.Start), uint32(r.Stop), top); lo <= n && n <= hi {
			return true
		}
	}
	return false
}

func (c *candidate) matchesFacts(q *imap.SearchCriteria) bool {
	day := dayOf(c.msg.when)
	if !q.Since.IsZero() && day.Before(dayOf(q.Since)) || !q.Before.IsZero() && !day.Before(dayOf(q.Before)) {
		return false
	}
	for _, flag := range q.Flag {
		if !c.flags[canonicalFlag(flag)] {
			return false
		}
	}
	for _, flag := range q.NotFlag {
		if c.flags[canonicalFlag(flag)] {
			return false
		}
	}
	return (q.Larger == 0 || c.msg.size > q.Larger) && (q.Smaller == 0 || c.msg.size < q.Smaller)
}

// dayOf forgets time and zone, as SEARCH must (RFC 9051 section 6.4.4).
func dayOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

func (c *candidate) matchesText(q *imap.SearchCriteria) bool {
	for _, h := range q.Header {
		if !c.hasField(h.Key, h.Value) {
			return false
		}
	}
	if !q.SentSince.IsZero() || !q.SentBefore.IsZero() {
		env := envelope(c.bytes())
		if env == nil || env.Date.IsZero() {
			return false
		}
		day := dayOf(env.Date)
		if !q.SentSince.IsZero() && day.Before(dayOf(q.SentSince)) || !q.SentBefore.IsZero() && !day.Before(dayOf(q.SentBefore)) {
			return false
		}
	}
	for _, text := range q.Text {
		if !containsFold(c.bytes(), text) {
			return false
		}
	}
	for _, text := range q.Body {
		if raw := c.bytes(); !containsFold(raw[headerEnd(raw):], text) {
			return false
		}
	}
	return true
}

func (c *candidate) matchesLogic(q *imap.SearchCriteria) bool {
	for i := range q.Not {
		if c.matches(&q.Not[i]) {
			return false
		}
	}
	for i := range q.Or {
		if !c.matches(&q.Or[i][0]) && !c.matches(&q.Or[i][1]) {
			return false
		}
	}
	return true
}

func (c *candidate) bytes() []byte {
	if !c.read {
		c.read = true
		if raw, err := os.ReadFile(c.s.folder.dir + string(os.PathSeparator) + c.msg.file); err == nil {
			c.raw = raw
		}
	}
	return c.raw
}

func (c *candidate) hasField(key, value string) bool {
	raw := c.bytes()
	header := string(raw[:headerEnd(raw)])
	header = strings.NewReplacer("\r\n ", " ", "\r\n\t", " ").Replace(header)
	for line := range strings.Lines(header) {
		name, text, ok := strings.Cut(line, ":")
		if ok && strings.EqualFold(strings.TrimSpace(name), key) && strings.Contains(strings.ToLower(text), strings.ToLower(value)) {
			return true
		}
	}
	return false
}

func containsFold(raw []byte, text string) bool {
	return bytes.Contains(bytes.ToLower(raw), bytes.ToLower([]byte(text)))
}
