package notifier

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// Links are how large files of an answer reach people: not inside the mail but
// under an address that nobody guesses and that ends (MAIL O21). The bytes stay
// where they were written, sealed under the answer's key: when that is destroyed,
// every link to them is dead.
type Links struct {
	Journal *journal.Journal
	// OpenBlob opens a file: seal.Sealer.OpenBlob.
	OpenBlob func(context.Context, events.Principal, events.Blob) ([]byte, events.State, error)
	Key      []byte        // signs
	URL      func() string // what stands before a token
	// Keep is how long a link works. Zero is 30 days.
	Keep time.Duration
	Now  func() time.Time
}

// link is what a token says. A token is
//
//	ticket (16 bytes) · message (16) · number of the file from 0 (1) · end, Unix seconds (8) · HMAC-SHA-256 over "file link 1" 0x00 and these, cut to 16 bytes
//
// in base64url without padding (RFC 4648 section 5).
type link struct {
	ticket  events.TicketID
	message events.MessageID
	file    int
	until   time.Time
}

const (
	linkBody = 16 + 16 + 1 + 8
	linkMAC  = 16
)

// LinkError says that a link leads nowhere: it is none of ours, it is over, or the
// file was erased.
type LinkError struct{ over bool }

func (*LinkError) Error() string { return "no file behind this link" }

// Code is "not_found", or "gone" for a link that once worked.
func (e *LinkError) Code() string {
	if e.over {
		return "gone"
	}
	return "not_found"
}

// Detail is a sentence for whoever followed the link.
func (e *LinkError) Detail() string {
	if e.over {
		return "This link is over, or the file was deleted. Please answer the mail it came with and ask for it again."
	}
	return "There is no such file."
}

func (l *Links) mac(body []byte) []byte {
	m := hmac.New(sha256.New, l.Key)
	m.Write([]byte("file link 1\x00"))
	m.Write(body)
	return m.Sum(nil)[:linkMAC]
}

// Make is the address of one file of an answer and when it ends. It fails on ids
// that are none of ours.
func (l *Links) Make(t events.TicketID, msg events.MessageID, file int, written time.Time) (url string, until time.Time, err error) {
	keep := l.Keep
	if keep == 0 {
		keep = 30 * 24 * time.Hour
	}
	until = written.Add(keep).UTC().Truncate(time.Second)
	body := make([]byte, 0, linkBody+linkMAC)
	for _, id := range []string{string(t), string(msg)} {
		b, err := hex.DecodeString(id)
		if err != nil || len(b) != 16 {
			return "", until, fmt.Errorf("link file of %s: not an id of 32 digits", t)
		}
		body = append(body, b...)
	}
	body = binary.BigEndian.AppendUint64(append(body, byte(file)), uint64(until.Unix()))
	return l.URL() + base64.RawURLEncoding.EncodeToString(append(body, l.mac(body)...)), until, nil
}

func (l *Links) read(token string) (link, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) != linkBody+linkMAC || !hmac.Equal(raw[linkBody:], l.mac(raw[:linkBody])) {
		return link{}, &LinkError{}
	}
	k := link{
		ticket: events.TicketID(hex.EncodeToString(raw[:16])), message: events.MessageID(hex.EncodeToString(raw[16:32])), file: int(raw[32]),
		until: time.Unix(int64(binary.BigEndian.Uint64(raw[33:linkBody])), 0),
	}
	if !l.Now().Before(k.until) {
		return link{}, &LinkError{over: true}
	}
	return k, nil
}

// Fetch returns the file behind a token. The error is a LinkError when there is
// none.
func (l *Links) Fetch(ctx context.Context, token string) (f events.AnswerFile, content []byte, err error) {
	k, err := l.read(token)
	if err != nil {
		return f, nil, err
	}
	e, ok, err := written(ctx, l.Journal, k.ticket, k.message)
	if err != nil {
		return f, nil, err
	}
	a := e.Answer.Value()
	if !ok || e.Answer.State() != events.Plain || k.file >= len(e.Files) || k.file >= len(a.Files) {
		return f, nil, &LinkError{over: true}
	}
	content, state, err := l.OpenBlob(ctx, clerkPrincipal, e.Files[k.file])
	if err != nil {
		return f, nil, fmt.Errorf("open file of %s: %w", k.ticket, err)
	}
	if state != events.Plain {
		return f, nil, &LinkError{over: true}
	}
	return a.Files[k.file], content, nil
}

// written finds what an agent wrote.
func written(ctx context.Context, j *journal.Journal, ticket events.TicketID, id events.MessageID) (e events.ReplyWritten, ok bool, err error) {
	history, err := j.Load(ctx, events.TicketStream(ticket), &clerkPrincipal)
	if err != nil {
		return e, false, fmt.Errorf("find answer: %w", err)
	}
	for _, r := range history {
		if e, ok = r.Event.(events.ReplyWritten); ok && e.Message == id {
			return e, true, nil
		}
	}
	return events.ReplyWritten{}, false, nil
}
