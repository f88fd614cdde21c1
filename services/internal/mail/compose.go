package mail

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Outgoing is a mail to be rendered. Compose is a pure function of it.
type Outgoing struct {
	// From and at least one of To and Cc are required. Domains may be given in
	// Unicode; they are written as A-labels.
	From    Address
	To, Cc  []Address
	ReplyTo []Address
	Subject string
	// Date and MessageID (bare) are required and fixed by the caller, so that
	// every attempt sends the same bytes.
	Date      time.Time
	MessageID string
	// InReplyTo and References are bare ids. References is cut to the first and
	// the last 19.
	InReplyTo  string
	References []string
	// Text is required; HTML is its optional alternative.
	Text, HTML  string
	Attachments []OutgoingFile
	// Automatic marks mail that no person wrote (O12): "auto-replied" or
	// "auto-generated" (RFC 3834 section 5); "" for a person's mail.
	Automatic string
	// LoopMark is the X-Hub-Loop value (Tokens.LoopMark), for automatic mail.
	LoopMark string
	// Extra are further fields, in order: List-Unsubscribe, Thread-Topic, ….
	Extra []Field
	// Boundary seeds the multipart boundaries. Empty means one made from
	// MessageID and the content.
	Boundary string
}

// OutgoingFile is one attachment. With Inline and a ContentID (bare) it can be
// shown by the HTML as "cid:…".
type OutgoingFile struct {
	Name, Type string
	Content    []byte
	Inline     bool
	ContentID  string
}

// Field is one extra header field.
type Field struct {
	Name, Value string
}

// ErrCompose says that a mail cannot be rendered; it is permanent.
var ErrCompose = errors.New("compose mail")

const (
	maxSubject    = 998      // bytes, before encoding
	maxValue      = 8 << 10  // bytes of one other header value
	maxReferences = 20       // first and last 19 (O11)
	maxOutgoing   = 64 << 20 // rendered bytes
	maxExtra      = 50
)

// NeedsSMTPUTF8 reports whether the mail can only be submitted to a server that
// offers SMTPUTF8 (RFC 6531): an address has a local part that is not ASCII.
func (o Outgoing) NeedsSMTPUTF8() bool {
	for _, list := range [][]Address{{o.From}, o.To, o.Cc, o.ReplyTo} {
		for _, a := range list {
			if local, _ := splitAddress(a.Address); !isASCII([]byte(local)) {
				return true
			}
		}
	}
	return false
}

// Compose renders the mail as RFC 5322 bytes with CRLF line ends: the same
// input gives the same bytes. It refuses, with an error that wraps ErrCompose,
// a header value with a line break or control character, or beyond its limit.
func Compose(o Outgoing) ([]byte, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	w := &writer{}
	o.writeHeader(w)
	o.writeBody(w)
	if w.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCompose, w.err)
	}
	if w.buf.Len() > maxOutgoing {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrCompose, w.buf.Len(), maxOutgoing)
	}
	return w.buf.Bytes(), nil
}

// CleanSubject makes a subject fit for Compose: one line, no control characters,
// at most 250 characters.
func CleanSubject(s string) string {
	s = squeeze(cleanLine(strings.ToValidUTF8(s, replacement)))
	if r := []rune(s); len(r) > 250 {
		s = string(r[:249]) + "…"
	}
	return s
}

func (o Outgoing) check() error {
	if o.From.Address == "" || len(o.To)+len(o.Cc) == 0 {
		return fmt.Errorf("%w: sender and recipient are required", ErrCompose)
	}
	if o.Date.IsZero() || o.MessageID == "" {
		return fmt.Errorf("%w: date and message id are required", ErrCompose)
	}
	switch o.Automatic {
	case "", "auto-replied", "auto-generated", "auto-notified":
	default:
		return fmt.Errorf("%w: unknown kind of automatic mail", ErrCompose)
	}
	if err := o.checkAddresses(); err != nil {
		return err
	}
	if err := checkValue("subject", o.Subject, maxSubject); err != nil {
		return err
	}
	for _, id := range append([]string{o.MessageID, o.InReplyTo}, o.References...) {
		if err := checkID(id); err != nil {
			return err
		}
	}
	if len(o.Extra) > maxExtra {
		return fmt.Errorf("%w: too many extra fields", ErrCompose)
	}
	for _, f := range append([]Field{{"X-Loop-Value", o.LoopMark}}, o.Extra...) {
		if fieldName([]byte(f.Name+":")) != len(f.Name) || len(f.Name) > 76 {
			return fmt.Errorf("%w: bad field name", ErrCompose)
		}
		if reserved(f.Name) {
			return fmt.Errorf("%w: field %s has a place of its own", ErrCompose, f.Name)
		}
		if err := checkValue(f.Name, f.Value, maxValue); err != nil {
			return err
		}
	}
	for _, f := range o.Attachments {
		for what, v := range map[string]string{"file name": f.Name, "file type": f.Type, "content id": f.ContentID} {
			if err := checkValue(what, v, maxSubject); err != nil {
				return err
			}
		}
		if f.Type != "" && !validType(f.Type) {
			return fmt.Errorf("%w: bad file type", ErrCompose)
		}
		if err := checkID(f.ContentID); err != nil {
			return err
		}
	}
	if len(o.Boundary) > 50 || strings.Trim(o.Boundary, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.-") != "" {
		return fmt.Errorf("%w: bad boundary", ErrCompose)
	}
	return nil
}

func (o Outgoing) checkAddresses() error {
	for _, list := range [][]Address{{o.From}, o.To, o.Cc, o.ReplyTo} {
		for _, a := range list {
			if err := checkValue("display name", a.Name, maxSubject); err != nil {
				return err
			}
			local, domain := splitAddress(a.Address)
			if local == "" || domain == "" || len(local) > maxLocal || len(a.Address) > 320 || strings.ContainsAny(a.Address, "<>\r\n\x00 \t,;\"()\\") || strings.ContainsAny(local, "@:") {
				return fmt.Errorf("%w: bad address", ErrCompose)
			}
			if err := checkValue("address", a.Address, maxSubject); err != nil {
				return err
			}
		}
	}
	return nil
}

// reserved are the fields that Outgoing sets itself, and Bcc, which never is a
// field of a sent mail.
func reserved(name string) bool {
	switch name = strings.ToLower(name); name {
	case "from", "to", "cc", "bcc", "reply-to", "sender", "subject", "date", "message-id", "in-reply-to", "references", "mime-version",
		"auto-submitted", "x-auto-response-suppress", "x-hub-loop", "return-path", "received":
		return true
	}
	return strings.HasPrefix(name, "content-") || strings.HasPrefix(name, "resent-")
}

// checkValue refuses what could end a header field or hide in it (O11).
func checkValue(what, v string, limit int) error {
	if len(v) > limit {
		return fmt.Errorf("%w: %s has %d bytes, at most %d", ErrCompose, what, len(v), limit)
	}
	if strings.IndexFunc(v, isControl) >= 0 || !utf8.ValidString(v) {
		return fmt.Errorf("%w: %s holds a line break, control character or damaged text", ErrCompose, what)
	}
	return nil
}

func checkID(id string) error {
	if len(id) > maxIDBytes-40 || strings.ContainsAny(id, "<> \t") || strings.IndexFunc(id, isControl) >= 0 || !isASCII([]byte(id)) {
		return fmt.Errorf("%w: bad message id", ErrCompose)
	}
	return nil
}

func validType(t string) bool {
	a, b, ok := strings.Cut(t, "/")
	token := func(s string) bool {
		return s != "" && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789!#$&^_.+-") == ""
	}
	return ok && token(a) && token(b) && !strings.EqualFold(a, "multipart")
}
