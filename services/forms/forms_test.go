package forms_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/forms"
)

// front is the room with what it stands on written down.
type front struct {
	*forms.Forms
	now   time.Time
	taken []events.InquiryReceived
	fail  error
}

func open(t *testing.T, list ...forms.Form) *front {
	t.Helper()
	f := &front{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	var err error
	f.Forms, err = forms.New(forms.Config{
		Forms: list, Secret: bytes.Repeat([]byte{7}, 32), Now: func() time.Time { return f.now },
		Logger: slog.New(slog.DiscardHandler),
		Resolve: func(_ context.Context, addrs []string) ([]events.SubjectID, error) {
			return []events.SubjectID{events.SubjectID("subject of " + addrs[0])}, nil
		},
		Hash: func(domain string, parts ...string) events.Hash {
			sum := sha256.Sum256([]byte(domain + "\x00" + strings.Join(parts, "\x00")))
			return events.Hash(hex.EncodeToString(sum[:16]))
		},
		Take: func(_ context.Context, in []events.InquiryReceived) error {
			if f.fail == nil {
				f.taken = append(f.taken, in...)
			}
			return f.fail
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var contact = forms.Form{
	ID: "contact", Mailbox: "support",
	Extra: []forms.Field{
		{Name: "order", Label: "Order number", Max: 20},
		{Name: "topic", Label: "Topic", Kind: forms.Choice, Options: []string{"Sales", "Help"}},
		{Name: "terms", Label: "I agree", Kind: forms.Checkbox, Required: true},
	},
	Files: forms.Files{Allowed: true, Count: 2, Size: 1000, Total: 1500},
}

func answers(change ...string) map[string]string {
	m := map[string]string{"name": "Ada L", "email": "Ada@Example.org", "subject": "Broken  kettle", "message": "It leaks.\r\nBadly.", "terms": "yes"}
	for i := 0; i+1 < len(change); i += 2 {
		m[change[i]] = change[i+1]
	}
	return m
}

func TestSubmissionBecomesAnInquiry(t *testing.T) {
	f := open(t, contact)
	id, err := f.Submit(t.Context(), forms.Submission{
		Form: "contact", Client: "192.0.2.1", Key: "k1", Fields: answers("order", "A-7", "topic", "Help"),
		Files: []forms.File{{Name: "photo.png", Type: "image/png", Data: []byte("bytes")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.taken) != 1 || f.taken[0].Inquiry != id || len(id) != 32 {
		t.Fatalf("taken %d, id %q", len(f.taken), id)
	}
	in := f.taken[0]
	if in.Channel != events.Form || in.Form != "contact" || in.Mailbox != "support" || in.Customer != "subject of Ada@Example.org" || in.Class != events.MailHuman {
		t.Errorf("facts: %q %q %q %q %q", in.Channel, in.Form, in.Mailbox, in.Customer, in.Class)
	}
	if got, want := in.Contact.Value(), (events.Address{Name: "Ada L", Address: "Ada@Example.org"}); got != want {
		t.Errorf("contact %v, want %v", got, want)
	}
	sum := sha256.Sum256([]byte("bytes"))
	want := events.Letter{
		Subject: "Broken kettle", Text: "It leaks.\nBadly.\n\nOrder number: A-7\nTopic: Help\nI agree: yes", QuoteFrom: -1, Date: f.now,
		Fields:      map[string]string{"Order number": "A-7", "Topic": "Help", "I agree": "yes"},
		Attachments: []events.Attachment{{ID: "1", Name: "photo.png", Type: "image/png", Size: 5, SHA256: hex.EncodeToString(sum[:]), File: 1}},
	}
	if diff := cmp.Diff(want, in.Letter.Value()); diff != "" {
		t.Errorf("letter (-want +got):\n%s", diff)
	}
	if len(in.Files) != 1 || string(in.Files[0].Pending()) != "bytes" {
		t.Error("the file is missing")
	}
}

func TestSameSubmissionIsTheSameInquiry(t *testing.T) {
	f := open(t, contact)
	send := func(s forms.Submission) events.InquiryID {
		t.Helper()
		s.Form, s.Client = "contact", "192.0.2.1"
		id, err := f.Submit(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	first := send(forms.Submission{Key: "k", Fields: answers()})
	if again := send(forms.Submission{Key: "k", Fields: answers()}); again != first {
		t.Error("a retry with the same key became another inquiry")
	}
	if other := send(forms.Submission{Key: "k", Fields: answers("message", "Another text")}); other == first {
		t.Error("another text under the same key was swallowed")
	}
	if a, b := send(forms.Submission{Fields: answers("email", "b@example.org")}), send(forms.Submission{Fields: answers("email", "b@example.org")}); a == b {
		t.Error("two posts without a key became one inquiry")
	}
	stamp := f.Stamp("contact")
	f.now = f.now.Add(time.Minute)
	page := forms.Submission{Browser: true, Stamp: stamp, Fields: answers("email", "c@example.org")}
	if a, b := send(page), send(page); a != b {
		t.Error("a double click became two inquiries")
	}
}

func TestEveryFieldSaysWhatIsWrong(t *testing.T) {
	long := strings.Repeat("x", 20_001)
	for name, c := range map[string]struct {
		fields map[string]string
		want   []forms.Problem
	}{
		"empty": {map[string]string{}, []forms.Problem{
			{Field: "name", Sentence: "Please enter your name."},
			{Field: "email", Sentence: "Please enter your email address."},
			{Field: "subject", Sentence: "Please enter a subject."},
			{Field: "message", Sentence: "Please enter a message."},
			{Field: "terms", Sentence: `Please tick "I agree".`},
		}},
		"spaces":     {answers("name", " \t\u202e "), []forms.Problem{{Field: "name", Sentence: "Please enter your name."}}},
		"long":       {answers("message", long), []forms.Problem{{Field: "message", Sentence: "Message: please use at most 20000 characters; it has 20001."}}},
		"choice":     {answers("topic", "Other"), []forms.Problem{{Field: "topic", Sentence: "Topic: please choose one of the answers."}}},
		"not utf-8":  {answers("subject", "\xff\xfe"), []forms.Problem{{Field: "subject", Sentence: "Subject holds characters that cannot be read."}}},
		"no address": {answers("email", "ada"), []forms.Problem{{Field: "email", Sentence: "Please enter an email address like name@example.org."}}},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t, contact)
			_, err := f.Submit(t.Context(), forms.Submission{Form: "contact", Client: "192.0.2.1", Fields: c.fields})
			invalid, ok := errors.AsType[*forms.InvalidError](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(c.want, invalid.Problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if len(f.taken) > 0 {
				t.Error("something was taken")
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	f := open(t, contact)
	for addr, ok := range map[string]bool{
		"a@example.org": true, "a+b@sub.example.org": true, "ü@bücher.example": true,
		"a@localhost": false, "a@b@example.org": false, "<a@example.org>": false, "A <a@example.org>": false, "a@example.org, b@example.org": false,
		"a@example.org\r\nBcc: c@example.org": false, strings.Repeat("a", 65) + "@example.org": false, "a@-example-.org": false, `"a b"@example.org`: false,
	} {
		_, err := f.Submit(t.Context(), forms.Submission{Form: "contact", Client: addr, Fields: answers("email", addr)})
		if (err == nil) != ok {
			t.Errorf("%q: %v", addr, err)
		}
	}
}

func TestLinesCannotBreakOut(t *testing.T) {
	f := open(t, contact)
	if _, err := f.Submit(t.Context(), forms.Submission{Form: "contact", Client: "c", Fields: answers("subject", "Hi\r\nBcc: x@y\x00\u202e", "name", "A\nB")}); err != nil {
		t.Fatal(err)
	}
	if got := f.taken[0].Letter.Value().Subject; got != "Hi Bcc: x@y" {
		t.Errorf("subject %q", got)
	}
	if got := f.taken[0].Contact.Value().Name; got != "A B" {
		t.Errorf("name %q", got)
	}
}

func TestPagesProveThemselves(t *testing.T) {
	f := open(t, contact, forms.Form{ID: "other"})
	fresh, foreign := f.Stamp("contact"), f.Stamp("other")
	for name, c := range map[string]struct {
		after time.Duration
		stamp string
		trap  string
		ok    bool
	}{
		"a person":     {3 * time.Second, fresh, "", true},
		"at once":      {time.Second, fresh, "", false},
		"days later":   {25 * time.Hour, fresh, "", false},
		"no stamp":     {time.Minute, "", "", false},
		"forged":       {time.Minute, fresh[:len(fresh)-2] + "AA", "", false},
		"other form's": {time.Minute, foreign, "", false},
		"trap":         {time.Minute, fresh, "https://spam.example", false},
	} {
		t.Run(name, func(t *testing.T) {
			start, before := f.now, len(f.taken)
			f.now = f.now.Add(c.after)
			defer func() { f.now = start }()
			_, err := f.Submit(t.Context(), forms.Submission{Form: "contact", Client: name, Browser: true, Stamp: c.stamp, Trap: c.trap, Fields: answers("email", "p@"+strings.ReplaceAll(strings.ReplaceAll(name, " ", ""), "'", "")+".example")})
			if (err == nil) != c.ok || (len(f.taken) > before) != c.ok {
				t.Errorf("err %v, taken %d", err, len(f.taken)-before)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	f := open(t, contact)
	var limit *forms.LimitError
	for i := range 5 {
		if _, err := f.Submit(t.Context(), forms.Submission{Form: "contact", Client: fmt.Sprint(i), Fields: answers()}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := f.Submit(t.Context(), forms.Submission{Form: "contact", Client: "elsewhere", Fields: answers("email", "ADA@example.org")})
	if !errors.As(err, &limit) {
		t.Errorf("six mails in the name of one address: %v", err)
	}
	for i := range 20 {
		_, _ = f.Submit(t.Context(), forms.Submission{Form: "contact", Client: "busy", Fields: answers("email", fmt.Sprintf("n%d@example.org", i))})
	}
	_, err = f.Submit(t.Context(), forms.Submission{Form: "contact", Client: "busy", Fields: answers("email", "last@example.org")})
	if !errors.As(err, &limit) || limit.RetryAfter() <= 0 || f.Admit("busy") == nil {
		t.Errorf("the 21st from one client: %v", err)
	}
	if f.Admit("calm") != nil {
		t.Error("another client is held up")
	}
	f.now = f.now.Add(time.Minute)
	if err := f.Admit("busy"); err != nil {
		t.Errorf("after a minute: %v", err)
	}
}

func TestNobodyIsThankedForWhatWasNotKept(t *testing.T) {
	f := open(t, contact)
	f.fail = errors.New("bus is away")
	_, err := f.Submit(t.Context(), forms.Submission{Form: "contact", Client: "c", Fields: answers()})
	if _, ok := errors.AsType[*forms.UnavailableError](err); !ok || !errors.Is(err, f.fail) {
		t.Fatalf("got %v", err)
	}
	_, err = f.Submit(t.Context(), forms.Submission{Form: "nosuch", Client: "c", Fields: answers()})
	if _, ok := errors.AsType[*forms.UnknownError](err); !ok {
		t.Fatalf("got %v", err)
	}
}

// part is one piece of a multipart body.
type part struct{ name, file, body string }

func body(t *testing.T, parts ...part) *multipart.Reader {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		to, err := w.CreateFormField(p.name)
		if p.file != "" {
			to, err = w.CreateFormFile(p.name, p.file)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(to, p.body)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return multipart.NewReader(&b, w.Boundary())
}

func TestReadMultipart(t *testing.T) {
	form, _ := open(t, contact).Form("contact")
	fields, files, err := form.ReadMultipart(body(t,
		part{"name", "", "Ada"}, part{"name", "", "twice"},
		part{"files", `..\..\a/../evil` + "\u202e" + `.png`, "\x89PNG\r\n\x1a\n0000"}, part{"files", "page.txt", "<html><script>alert(1)</script>"},
	))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"name": "Ada"}, fields); diff != "" {
		t.Error(diff)
	}
	want := []forms.File{
		{Name: "evil.png", Type: "image/png", Data: []byte("\x89PNG\r\n\x1a\n0000")},
		{Name: "page.txt", Type: "text/html", Data: []byte("<html><script>alert(1)</script>")},
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestReadMultipartRefuses(t *testing.T) {
	with, _ := open(t, contact).Form("contact")
	without, _ := open(t, forms.Form{ID: "plain"}).Form("plain")
	many := make([]part, 100)
	for i := range many {
		many[i] = part{fmt.Sprint("f", i), "", "x"}
	}
	for name, c := range map[string]struct {
		form forms.Form
		body *multipart.Reader
	}{
		"one too large":  {with, body(t, part{"files", "a", strings.Repeat("x", 1001)})},
		"all too large":  {with, body(t, part{"files", "a", strings.Repeat("x", 900)}, part{"files", "b", strings.Repeat("x", 601)})},
		"too many":       {with, body(t, part{"files", "a", "x"}, part{"files", "b", "x"}, part{"files", "c", "x"})},
		"no files here":  {without, body(t, part{"files", "a", "x"})},
		"too many parts": {with, body(t, many...)},
		"huge answer":    {with, body(t, part{"message", "", strings.Repeat("x", 1<<19)})},
		"cut off":        {with, multipart.NewReader(strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nhal"), "b")},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := c.form.ReadMultipart(c.body)
			_, invalid := errors.AsType[*forms.InvalidError](err)
			_, size := errors.AsType[*forms.SizeError](err)
			if !invalid && !size {
				t.Fatalf("got %v", err)
			}
		})
	}
	if _, files, err := with.ReadMultipart(body(t, part{"files", "", ""})); err != nil || len(files) != 0 {
		t.Errorf("a file input left empty: %v, %v", files, err)
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	for name, form := range map[string]forms.Form{
		"id":       {ID: "Contact Us"},
		"reserved": {ID: "a", Extra: []forms.Field{{Name: "stamp"}}},
		"twice":    {ID: "a", Extra: []forms.Field{{Name: "x"}, {Name: "x"}}},
		"kind":     {ID: "a", Extra: []forms.Field{{Name: "x", Kind: "number"}}},
		"options":  {ID: "a", Extra: []forms.Field{{Name: "x", Kind: forms.Choice}}},
		"origin":   {ID: "a", Embed: []string{"https://x.example; script-src *"}},
	} {
		c := forms.Config{
			Forms: []forms.Form{form}, Secret: make([]byte, 32), Logger: slog.Default(), Resolve: func(context.Context, []string) ([]events.SubjectID, error) { return nil, nil },
			Hash: func(string, ...string) events.Hash { return "" }, Take: func(context.Context, []events.InquiryReceived) error { return nil },
		}
		if _, err := forms.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzFileName(f *testing.F) {
	for _, s := range []string{"a.png", "../../etc/passwd", "=?utf-8?b?Li4vLi4v?=", strings.Repeat("é", 300) + ".pdf", "a\r\nb", ".htaccess", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name := forms.FileName(s)
		if name == "" || len(name) > 120 || strings.ContainsAny(name, "/\\\r\n\x00") || strings.HasPrefix(name, ".") {
			t.Fatalf("%q became %q", s, name)
		}
	})
}

// TestCardNumbersStopAtTheForm is the form's half of acceptance test 23: a card
// number is masked in every field before anything is kept.
//
// clause: 1.3
func TestCardNumbersStopAtTheForm(t *testing.T) {
	f := open(t, contact)
	_, err := f.Submit(t.Context(), forms.Submission{Form: "contact", Fields: answers("subject", "card 4111111111111111", "message", "My card is 5500 0055 5555 5559.", "order", "4111 1111 1111 1111"), Client: "a"})
	if err != nil {
		t.Fatal(err)
	}
	in := f.taken[0]
	l := in.Letter.Value()
	if l.Subject != "card XXXXXXXXXXXX1111" || !strings.HasPrefix(l.Text, "My card is XXXX XXXX XXXX 5559.") || strings.Contains(l.Text, "4111") || l.Fields["Order number"] != "XXXX XXXX XXXX 1111" {
		t.Errorf("%+v", l)
	}
	if len(in.Warnings) != 1 || in.Warnings[0] != "card_masked" {
		t.Errorf("warnings %q", in.Warnings)
	}
}
