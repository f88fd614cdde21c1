package forms

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/westshore/hub/events"
)

// Kind says how a field is asked for.
type Kind string

// The kinds of fields.
const (
	Line     Kind = "text"     // one line
	Email    Kind = "email"    // one mail address
	Lines    Kind = "textarea" // several lines
	Choice   Kind = "select"   // one of Options
	Checkbox Kind = "checkbox" // "yes" or nothing
)

// Field is one question of a form.
type Field struct {
	Name     string   // as in the request: [a-z][a-z0-9_]{0,31}
	Label    string   // shown, and the name of the answer in the ticket
	Hint     string   // shown under the label
	Kind     Kind     // empty: Line
	Required bool     //
	Max      int      // characters; 0: 200 for a line, 20,000 for lines
	Options  []string // of a Choice
}

// Files says whether and how much may be attached.
type Files struct {
	Allowed bool
	Count   int   // 0: 5
	Size    int64 // bytes of one file; 0: 10 MiB
	Total   int64 // bytes of all; 0: 20 MiB
}

// Form is one configured form. Name, email, subject and message are always
// asked for and always required; Extra comes after them.
type Form struct {
	ID      events.FormID
	Title   string
	Intro   string
	Thanks  string // shown after a submission; empty: a plain sentence
	Mailbox events.MailboxID
	Extra   []Field
	Files   Files
	// Embed lists the origins whose pages may show the form in a frame
	// ("https://www.example.org"). Empty: none.
	Embed []string
}

// The fields every form has.
const (
	FieldName    = "name"
	FieldEmail   = "email"
	FieldSubject = "subject"
	FieldMessage = "message"
	// FieldFiles is the name of the file input.
	FieldFiles = "files"
	// FieldStamp carries the signed time stamp of the page.
	FieldStamp = "stamp"
	// FieldTrap is a field that people do not see. Programs fill it in.
	FieldTrap = "website"
)

const (
	maxLine  = 200
	maxLines = 20_000
)

var (
	goodID     = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
	goodName   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
	goodOrigin = regexp.MustCompile(`^https?://[A-Za-z0-9.:\[\]*-]+$`)
	reserved   = []string{FieldName, FieldEmail, FieldSubject, FieldMessage, FieldFiles, FieldStamp, FieldTrap}
)

// Fields returns what the form asks for, in order.
func (f Form) Fields() []Field {
	return append([]Field{
		{Name: FieldName, Label: "Your name", Kind: Line, Required: true, Max: 120},
		{Name: FieldEmail, Label: "Email address", Hint: "We answer to this address.", Kind: Email, Required: true, Max: 254},
		{Name: FieldSubject, Label: "Subject", Kind: Line, Required: true, Max: maxLine},
		{Name: FieldMessage, Label: "Message", Kind: Lines, Required: true, Max: maxLines},
	}, f.Extra...)
}

// check refuses a form that cannot work and fills in the defaults.
func (f Form) check() (Form, error) {
	if !goodID.MatchString(string(f.ID)) {
		return f, fmt.Errorf("form %q: an id is lower-case letters, digits and dashes", f.ID)
	}
	if strings.TrimSpace(f.Title) == "" {
		f.Title = "Contact us"
	}
	for _, o := range f.Embed {
		if !goodOrigin.MatchString(o) {
			return f, fmt.Errorf("form %s: %q is no origin such as https://www.example.org", f.ID, o)
		}
	}
	f.Extra = slices.Clone(f.Extra)
	seen := map[string]bool{}
	for i, x := range f.Extra {
		if !goodName.MatchString(x.Name) || slices.Contains(reserved, x.Name) || seen[x.Name] {
			return f, fmt.Errorf("form %s: field name %q is malformed, reserved or taken", f.ID, x.Name)
		}
		seen[x.Name] = true
		var err error
		if f.Extra[i], err = x.check(); err != nil {
			return f, fmt.Errorf("form %s: %w", f.ID, err)
		}
	}
	f.Files.fill()
	return f, nil
}

func (x Field) check() (Field, error) {
	if x.Label == "" {
		x.Label = x.Name
	}
	if x.Kind == "" {
		x.Kind = Line
	}
	switch x.Kind {
	case Line, Email, Lines, Checkbox:
	case Choice:
		if len(x.Options) == 0 {
			return x, fmt.Errorf("field %s: a select needs options", x.Name)
		}
	default:
		return x, fmt.Errorf("field %s: %q is no kind of field", x.Name, x.Kind)
	}
	if x.Max <= 0 {
		x.Max = maxLine
		if x.Kind == Lines {
			x.Max = maxLines
		}
	}
	return x, nil
}

func (a *Files) fill() {
	if a.Count <= 0 {
		a.Count = 5
	}
	if a.Size <= 0 {
		a.Size = 10 << 20
	}
	if a.Total <= 0 {
		a.Total = 20 << 20
	}
}

// BodyLimit is the most bytes a request with one submission can have.
func (f Form) BodyLimit() int64 {
	const text = 1 << 20 // every field, percent-encoded
	if !f.Files.Allowed {
		return text
	}
	return text + f.Files.Total
}
