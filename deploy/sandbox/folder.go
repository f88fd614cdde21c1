package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

// message is one mail of a folder. All but flags never changes.
type message struct {
	uid   imap.UID
	when  time.Time // internal date
	size  int64
	file  string // name inside the folder
	flags map[imap.Flag]bool
}

// folder is one IMAP mailbox: its mails by ascending UID, and who watches it.
type folder struct {
	sync    bool
	now     func() time.Time
	tracker *imapserver.MailboxTracker
	valid   uint32
	tmp     atomic.Uint64

	commits sync.Mutex // held by whoever commits; makes UIDs visible in order
	queueMu sync.Mutex
	queue   []*arrival

	mu         sync.Mutex
	name, dir  string
	subscribed bool
	next       imap.UID
	list       []*message
	watchers   map[chan struct{}]struct{}
}

// arrival is a mail on its way into a folder: a finished, fsynced temporary
// file inside the folder.
type arrival struct {
	tmp   string
	size  int64
	when  time.Time
	flags []imap.Flag

	uid  imap.UID
	file string
	err  error
}

// openFolder loads a folder; nil when the folder was never finished.
func openFolder(dir, name string, sync bool, now func() time.Time) (*folder, error) {
	valid, err := readNumber(filepath.Join(dir, "validity"))
	if err != nil || valid == 0 {
		return nil, err
	}
	f := &folder{
		dir: dir, name: name, sync: sync, now: now, valid: valid, next: 1,
		watchers: make(map[chan struct{}]struct{}),
	}
	if err := f.load(); err != nil {
		return nil, fmt.Errorf("load folder: %w", err)
	}
	f.tracker = imapserver.NewMailboxTracker(uint32(len(f.list)))
	return f, nil
}

func (f *folder) load() error {
	facts, err := readJournal(f.journalPath())
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return err
	}
	f.next, f.subscribed = facts.next, facts.subscribed
	for _, e := range entries {
		m, ok := parseFile(e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "tmp-"):
			_ = os.Remove(filepath.Join(f.dir, e.Name()))
			continue
		case !ok:
			continue
		}
		f.next = max(f.next, m.uid+1)
		if facts.gone[m.uid] {
			_ = os.Remove(filepath.Join(f.dir, e.Name()))
			continue
		}
		m.flags = facts.flags[m.uid]
		if m.flags == nil {
			m.flags = make(map[imap.Flag]bool)
		}
		f.list = append(f.list, m)
	}
	sort.Slice(f.list, func(i, j int) bool { return f.list[i].uid < f.list[j].uid })
	return f.compactJournal()
}

func fileName(uid imap.UID, when time.Time, size int64) string {
	return fmt.Sprintf("%010d-%d-%d.eml", uid, when.Unix(), size)
}

func parseFile(name string) (*message, bool) {
	stem, ok := strings.CutSuffix(name, ".eml")
	parts := strings.Split(stem, "-")
	if !ok || len(parts) != 3 {
		return nil, false
	}
	uid, err1 := strconv.ParseUint(parts[0], 10, 32)
	sec, err2 := strconv.ParseInt(parts[1], 10, 64)
	size, err3 := strconv.ParseInt(parts[2], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return nil, false
	}
	return &message{uid: imap.UID(uid), when: time.Unix(sec, 0), size: size, file: name}, true
}

func (f *folder) label() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.name
}

func (f *folder) path(file string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return filepath.Join(f.dir, file)
}

func (f *folder) rename(name, dir string) {
	f.commits.Lock()
	defer f.commits.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.name, f.dir = name, dir
}

// write stores the parts as one temporary file, fsynced.
func (f *folder) write(when time.Time, parts ...[]byte) (*arrival, error) {
	a := &arrival{tmp: f.tempPath(), when: when}
	for _, p := range parts {
		a.size += int64(len(p))
	}
	return a, writeSynced(a.tmp, f.sync, parts...)
}

// link takes over a file of another folder, without copying it.
func (f *folder) link(path string, when time.Time, size int64, flags []imap.Flag) (*arrival, error) {
	a := &arrival{tmp: f.tempPath(), when: when, size: size, flags: flags}
	return a, os.Link(path, a.tmp)
}

func (f *folder) tempPath() string {
	return f.path("tmp-" + strconv.FormatUint(f.tmp.Add(1), 10))
}

// commit makes mails part of the folder: each gets the next UID and its name,
// one fsync of the folder covers all that arrive together, and only then are
// they visible, in UID order. It returns when that is done for the given ones.
func (f *folder) commit(arrivals ...*arrival) error {
	f.queueMu.Lock()
	f.queue = append(f.queue, arrivals...)
	f.queueMu.Unlock()

	f.commits.Lock()
	defer f.commits.Unlock()
	f.queueMu.Lock()
	batch := f.queue
	f.queue = nil
	f.queueMu.Unlock()
	if len(batch) > 0 {
		f.commitBatch(batch)
	}
	for _, a := range arrivals {
		if a.err != nil {
			return fmt.Errorf("store mail: %w", a.err)
		}
	}
	return nil
}

func (f *folder) commitBatch(batch []*arrival) {
	f.mu.Lock()
	dir := f.dir
	for _, a := range batch {
		a.uid, f.next = f.next, f.next+1
	}
	f.mu.Unlock()
	var lines []byte
	for _, a := range batch {
		a.file = fileName(a.uid, a.when, a.size)
		a.err = os.Rename(a.tmp, filepath.Join(dir, a.file))
		if a.err == nil && len(a.flags) > 0 {
			lines = appendFlagLine(lines, a.uid, flagSet(a.flags))
		}
	}
	err := f.append(lines)
	if err == nil && f.sync {
		err = syncDir(dir)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range batch {
		if a.err == nil && err != nil {
			a.err = err
			_ = os.Remove(filepath.Join(dir, a.file))
		}
		if a.err != nil {
			continue
		}
		f.list = append(f.list, &message{uid: a.uid, when: a.when, size: a.size, file: a.file, flags: flagSet(a.flags)})
		f.tracker.QueueNumMessages(uint32(len(f.list)))
	}
	f.announce()
}

// announce wakes everyone who idles here; f.mu is held.
func (f *folder) announce() {
	for ch := range f.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// watch returns a channel that gets a token after each change, and the way to
// end it.
func (f *folder) watch() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watchers[ch] = struct{}{}
	return ch, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.watchers, ch)
	}
}

// expunge removes mails for good. Their UIDs are written down first, so that
// they stay burnt whatever happens next. It returns the sequence numbers as
// they were when each was removed, from the highest down.
func (f *folder) expunge(doomed map[*message]bool) error {
	if len(doomed) == 0 {
		return nil
	}
	f.commits.Lock()
	defer f.commits.Unlock()
	var lines []byte
	for m := range doomed {
		lines = fmt.Appendf(lines, "X %d\n", m.uid)
	}
	if err := f.append(lines); err != nil {
		return fmt.Errorf("expunge: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	kept := make([]*message, 0, len(f.list))
	for i := len(f.list) - 1; i >= 0; i-- {
		if doomed[f.list[i]] {
			f.tracker.QueueExpunge(uint32(i + 1))
			_ = os.Remove(filepath.Join(f.dir, f.list[i].file))
		}
	}
	for _, m := range f.list {
		if !doomed[m] {
			kept = append(kept, m)
		}
	}
	f.list = kept
	f.announce()
	return nil
}
