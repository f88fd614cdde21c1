package sandbox

import (
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

const folderDelim = '/'

// imapSession is one IMAP connection.
type imapSession struct {
	box *Sandbox
	acc *account

	// The library runs one command at a time, but may leave IDLE behind when
	// the connection breaks. So these change under mu.
	mu       sync.Mutex
	folder   *folder // selected, or nil
	tracker  *imapserver.SessionTracker
	readOnly bool
	saved    imap.UIDSet // SEARCHRES, RFC 5182
}

var _ imapserver.SessionIMAP4rev2 = (*imapSession)(nil)

func (s *imapSession) Close() error {
	err := s.Unselect()
	s.box.sessions.Done()
	return err
}

// Login opens the mailbox of any address; a plus-address opens its own view.
func (s *imapSession) Login(user, password string) error {
	if _, domain, ok := cutLast(user, '@'); !ok || domain == "" || !s.box.passwordOK(password) {
		return imapserver.ErrAuthFailed
	}
	acc, err := s.box.post.account(user)
	s.acc = acc
	return err
}

func (s *imapSession) Select(name string, options *imap.SelectOptions) (*imap.SelectData, error) {
	f, err := s.acc.folder(name)
	if err != nil {
		return nil, imapError(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s.mu.Lock()
	s.folder, s.tracker, s.readOnly = f, f.tracker.NewSession(), options.ReadOnly
	s.mu.Unlock()
	flags := f.flagsInUse()
	return &imap.SelectData{
		Flags:             flags,
		PermanentFlags:    append(append([]imap.Flag{}, flags...), imap.FlagWildcard),
		NumMessages:       uint32(len(f.list)),
		FirstUnseenSeqNum: f.firstUnseen(),
		UIDNext:           f.next,
		UIDValidity:       f.valid,
	}, nil
}

func (f *folder) flagsInUse() []imap.Flag {
	set := flagSet([]imap.Flag{imap.FlagSeen, imap.FlagAnswered, imap.FlagFlagged, imap.FlagDeleted, imap.FlagDraft})
	for _, m := range f.list {
		for flag := range m.flags {
			set[flag] = true
		}
	}
	return flagList(set)
}

func (f *folder) firstUnseen() uint32 {
	for i, m := range f.list {
		if !m.flags[imap.FlagSeen] {
			return uint32(i + 1)
		}
	}
	return 0
}

func (s *imapSession) Unselect() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tracker != nil {
		s.tracker.Close()
	}
	s.folder, s.tracker, s.saved = nil, nil, nil
	return nil
}

func (s *imapSession) Create(name string, _ *imap.CreateOptions) error {
	return imapError(s.acc.createFolder(name))
}

func (s *imapSession) Delete(name string) error { return imapError(s.acc.deleteFolder(name)) }

func (s *imapSession) Rename(from, to string, _ *imap.RenameOptions) error {
	return imapError(s.acc.renameFolder(from, to))
}

func (s *imapSession) Subscribe(name string) error   { return s.subscribe(name, true) }
func (s *imapSession) Unsubscribe(name string) error { return s.subscribe(name, false) }

func (s *imapSession) subscribe(name string, on bool) error {
	f, err := s.acc.folder(name)
	if err != nil {
		return imapError(err)
	}
	f.commits.Lock()
	defer f.commits.Unlock()
	line := "S 0\n"
	if on {
		line = "S 1\n"
	}
	if err := f.append([]byte(line)); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subscribed = on
	return nil
}

func (s *imapSession) List(w *imapserver.ListWriter, ref string, patterns []string, options *imap.ListOptions) error {
	if len(patterns) == 0 {
		return w.WriteList(&imap.ListData{Attrs: []imap.MailboxAttr{imap.MailboxAttrNoSelect}, Delim: folderDelim})
	}
	for _, f := range s.acc.list() {
		name := f.label()
		match := false
		for _, p := range patterns {
			match = match || imapserver.MatchList(name, folderDelim, ref, p)
		}
		if !match {
			continue
		}
		if data := f.listData(name, options); data != nil {
			if err := w.WriteList(data); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *folder) listData(name string, options *imap.ListOptions) *imap.ListData {
	f.mu.Lock()
	defer f.mu.Unlock()
	if options.SelectSpecialUse || options.SelectSubscribed && !f.subscribed {
		return nil
	}
	data := &imap.ListData{Mailbox: name, Delim: folderDelim}
	if f.subscribed {
		data.Attrs = append(data.Attrs, imap.MailboxAttrSubscribed)
	}
	if options.ReturnStatus != nil {
		data.Status = f.status(name, options.ReturnStatus)
	}
	return data
}

func (s *imapSession) Status(name string, options *imap.StatusOptions) (*imap.StatusData, error) {
	f, err := s.acc.folder(name)
	if err != nil {
		return nil, imapError(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status(name, options), nil
}

func (f *folder) status(name string, options *imap.StatusOptions) *imap.StatusData {
	var unseen, deleted, recent uint32
	var size int64
	for _, m := range f.list {
		size += m.size
		if !m.flags[imap.FlagSeen] {
			unseen++
		}
		if m.flags[imap.FlagDeleted] {
			deleted++
		}
	}
	num := uint32(len(f.list))
	data := &imap.StatusData{Mailbox: name}
	if options.NumMessages {
		data.NumMessages = &num
	}
	if options.UIDNext {
		data.UIDNext = f.next
	}
	if options.UIDValidity {
		data.UIDValidity = f.valid
	}
	if options.NumUnseen {
		data.NumUnseen = &unseen
	}
	if options.NumDeleted {
		data.NumDeleted = &deleted
	}
	if options.Size {
		data.Size = &size
	}
	if options.NumRecent {
		data.NumRecent = &recent
	}
	return data
}

func (s *imapSession) Append(name string, r imap.LiteralReader, options *imap.AppendOptions) (*imap.AppendData, error) {
	f, err := s.acc.folder(name)
	if err != nil {
		return nil, tryCreate(err)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	when := options.Time
	if when.IsZero() {
		when = s.box.cfg.Now()
	}
	a, err := f.write(when, raw)
	if err != nil {
		return nil, err
	}
	a.flags = options.Flags
	if err := f.commit(a); err != nil {
		return nil, err
	}
	return &imap.AppendData{UID: a.uid, UIDValidity: f.valid}, nil
}

// Poll writes what changed since the last time.
func (s *imapSession) Poll(w *imapserver.UpdateWriter, allowExpunge bool) error {
	if s.tracker == nil {
		return nil
	}
	return s.tracker.Poll(w, allowExpunge)
}

// Idle writes changes as they come. It watches the folder before it looks at
// what is waiting, so that nothing slips in between unannounced.
func (s *imapSession) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	s.mu.Lock()
	f, tracker := s.folder, s.tracker
	s.mu.Unlock()
	if f == nil {
		<-stop
		return nil
	}
	changed, end := f.watch()
	defer end()
	for {
		if err := tracker.Poll(w, true); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-stop:
			return nil
		}
	}
}

// Namespace tells that all folders are the user's own (RFC 2342).
func (s *imapSession) Namespace() (*imap.NamespaceData, error) {
	return &imap.NamespaceData{Personal: []imap.NamespaceDescriptor{{Delim: folderDelim}}}, nil
}

func imapError(err error) error {
	code := imap.ResponseCodeNonExistent
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errFolderExists):
		code = imap.ResponseCodeAlreadyExists
	case !errors.Is(err, errNoFolder):
		return err
	}
	return &imap.Error{Type: imap.StatusResponseTypeNo, Code: code, Text: sentence(err)}
}

func tryCreate(err error) error {
	if !errors.Is(err, errNoFolder) {
		return err
	}
	return &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeTryCreate, Text: sentence(err)}
}

func sentence(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:]
}
