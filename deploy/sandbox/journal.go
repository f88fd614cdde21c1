package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// The journal of a folder holds what the file names cannot. It is text, one
// fact per line, each ended by LF; a line without LF was torn by a crash and
// does not count:
//
//	N <uid>             no UID below this one is ever given out again
//	S <0|1>             subscribed or not
//	F <uid> <flag>...   the flags of a mail, all of them; the last line counts
//	X <uid>             the mail is expunged
//
// It is written anew, without what no longer matters, when the folder is
// opened.
type facts struct {
	next       imap.UID
	subscribed bool
	gone       map[imap.UID]bool
	flags      map[imap.UID]map[imap.Flag]bool
}

func readJournal(path string) (facts, error) {
	fs := facts{next: 1, gone: make(map[imap.UID]bool), flags: make(map[imap.UID]map[imap.Flag]bool)}
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return fs, nil
	}
	if err != nil {
		return fs, err
	}
	text := string(b)
	for {
		line, rest, whole := strings.Cut(text, "\n")
		if !whole {
			return fs, nil
		}
		text = rest
		if err := fs.read(strings.Fields(line)); err != nil {
			return fs, fmt.Errorf("read %s: %w", filepath.Base(path), err)
		}
	}
}

func (fs *facts) read(words []string) error {
	if len(words) < 2 {
		return fmt.Errorf("line of %d words", len(words))
	}
	n, err := strconv.ParseUint(words[1], 10, 32)
	if err != nil {
		return fmt.Errorf("number in a line: %w", err)
	}
	uid := imap.UID(n)
	switch words[0] {
	case "N":
		fs.next = max(fs.next, uid)
	case "S":
		fs.subscribed = n == 1
	case "F":
		fs.flags[uid] = make(map[imap.Flag]bool)
		for _, w := range words[2:] {
			fs.flags[uid][imap.Flag(w)] = true
		}
	case "X":
		fs.gone[uid] = true
		fs.next = max(fs.next, uid+1)
	default:
		return fmt.Errorf("unknown kind of line")
	}
	return nil
}

func (f *folder) journalPath() string { return filepath.Join(f.dir, "journal") }

// compactJournal rewrites the journal from what is in memory.
func (f *folder) compactJournal() error {
	b := fmt.Appendf(nil, "N %d\n", f.next)
	if f.subscribed {
		b = append(b, "S 1\n"...)
	}
	for _, m := range f.list {
		if len(m.flags) > 0 {
			b = appendFlagLine(b, m.uid, m.flags)
		}
	}
	return replace(f.journalPath(), f.sync, b)
}

// append adds lines to the journal, fsynced; f.commits is held.
func (f *folder) append(lines []byte) error {
	if len(lines) == 0 {
		return nil
	}
	j, err := os.OpenFile(f.path("journal"), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = j.Write(lines)
	if err == nil && f.sync {
		err = j.Sync()
	}
	if cerr := j.Close(); err == nil {
		err = cerr
	}
	return err
}

func appendFlagLine(b []byte, uid imap.UID, flags map[imap.Flag]bool) []byte {
	b = fmt.Appendf(b, "F %d", uid)
	for _, flag := range flagList(flags) {
		b = append(append(b, ' '), flag...)
	}
	return append(b, '\n')
}

// flagSet makes a set of flags in their canonical writing.
func flagSet(flags []imap.Flag) map[imap.Flag]bool {
	set := make(map[imap.Flag]bool, len(flags))
	for _, flag := range flags {
		set[canonicalFlag(flag)] = true
	}
	return set
}

func flagList(flags map[imap.Flag]bool) []imap.Flag {
	l := make([]imap.Flag, 0, len(flags))
	for flag := range flags {
		l = append(l, flag)
	}
	sort.Slice(l, func(i, j int) bool { return l[i] < l[j] })
	return l
}

// canonicalFlag gives system flags their usual writing and keywords small
// letters: flags are the same whatever their case (RFC 9051 section 2.3.2).
func canonicalFlag(flag imap.Flag) imap.Flag {
	for _, known := range []imap.Flag{imap.FlagSeen, imap.FlagAnswered, imap.FlagFlagged, imap.FlagDeleted, imap.FlagDraft} {
		if strings.EqualFold(string(flag), string(known)) {
			return known
		}
	}
	return imap.Flag(strings.ToLower(string(flag)))
}
