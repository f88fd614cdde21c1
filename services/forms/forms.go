package forms

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/westshore/hub/events"
)

// Config is what the room needs.
type Config struct {
	Forms  []Form
	Secret []byte // 32 bytes, signs the stamps; stable for the instance's life

	PerClient  Limit // by the client's network address; default 20, then one every 15 s
	PerAddress Limit // by the claimed mail address; default 5, then one every 5 min

	// Resolve finds or makes the subject of each address.
	Resolve func(ctx context.Context, addrs []string) ([]events.SubjectID, error)
	// Hash is the instance's keyed hash.
	Hash func(domain string, parts ...string) events.Hash
	// Begin marks where a unit of work begins, before anybody is recognised, so
	// that a person erased meanwhile is not sealed for (seal.Sealer.Begin). Nil:
	// nobody is ever erased.
	Begin func(context.Context) context.Context
	// Take keeps inquiries. It returns nil only when they are durable.
	Take func(ctx context.Context, inquiries []events.InquiryReceived) error

	Now    func() time.Time // nil: time.Now
	Logger *slog.Logger
}

// Forms is the room. It is safe for concurrent use.
type Forms struct {
	forms              map[events.FormID]Form
	secret             []byte
	clients, addresses *limiter
	begin              func(context.Context) context.Context
	resolve            func(context.Context, []string) ([]events.SubjectID, error)
	hash               func(string, ...string) events.Hash
	take               func(context.Context, []events.InquiryReceived) error
	now                func() time.Time
	log                *slog.Logger
}

// New checks the forms and opens the door.
func New(c Config) (*Forms, error) {
	if len(c.Secret) < 32 {
		return nil, fmt.Errorf("open forms: the secret is %d bytes, not 32", len(c.Secret))
	}
	if c.Resolve == nil || c.Hash == nil || c.Take == nil || c.Logger == nil {
		return nil, errors.New("open forms: resolve, hash, take and logger are needed")
	}
	f := &Forms{
		forms: map[events.FormID]Form{}, secret: c.Secret, begin: c.Begin, resolve: c.Resolve, hash: c.Hash, take: c.Take, now: c.Now,
		clients:   newLimiter(orElse(c.PerClient, Limit{Burst: 20, Every: 15 * time.Second})),
		addresses: newLimiter(orElse(c.PerAddress, Limit{Burst: 5, Every: 5 * time.Minute})),
		log:       c.Logger.With("room", "forms"),
	}
	if f.now == nil {
		f.now = time.Now
	}
	for _, form := range c.Forms {
		form, err := form.check()
		if err != nil {
			return nil, fmt.Errorf("open forms: %w", err)
		}
		if _, twice := f.forms[form.ID]; twice {
			return nil, fmt.Errorf("open forms: form %s twice", form.ID)
		}
		f.forms[form.ID] = form
	}
	return f, nil
}

func orElse(l, def Limit) Limit {
	if l.Burst <= 0 || l.Every <= 0 {
		return def
	}
	return l
}

// Form returns a configured form.
func (f *Forms) Form(id events.FormID) (Form, bool) {
	form, ok := f.forms[id]
	return form, ok
}

// Find is Form for the name in an address.
func (f *Forms) Find(name string) (Form, bool) { return f.Form(events.FormID(name)) }

// List returns every form, by id.
func (f *Forms) List() []Form {
	return slices.SortedFunc(maps.Values(f.forms), func(a, b Form) int { return cmp.Compare(a.ID, b.ID) })
}

// Admit says whether a client may submit now. It is asked before the body of a
// request is read and uses nothing up.
func (f *Forms) Admit(client string) error { return f.clients.look(client, f.now()) }

// Submission is what a visitor sent.
type Submission struct {
	Form    events.FormID
	Key     string // Idempotency-Key; empty: the stamp of a page, or random
	Client  string // network address, for the limits; never kept
	Browser bool   // sent by a page of ours: stamp and trap are checked
	Stamp   string
	Trap    string
	Fields  map[string]string
	Files   []File
}

// Submit judges a submission and keeps it. It returns the inquiry's id when the
// inquiry is durable, or an *InvalidError, *LimitError, *SizeError,
// *UnknownError or *UnavailableError.
func (f *Forms) Submit(ctx context.Context, s Submission) (events.InquiryID, error) {
	form, ok := f.forms[s.Form]
	if !ok {
		return "", &UnknownError{}
	}
	now := f.now().UTC()
	if err := f.clients.take(s.Client, now); err != nil {
		return "", err
	}
	answers, err := f.judge(form, s)
	if err != nil {
		return "", err
	}
	addr := strings.ToLower(answers[FieldEmail])
	if err := f.addresses.take(string(f.hash("form-address", addr)), now); err != nil {
		return "", err
	}
	if f.begin != nil {
		ctx = f.begin(ctx)
	}
	subjects, err := f.resolve(ctx, []string{answers[FieldEmail]})
	if err == nil && len(subjects) != 1 {
		err = fmt.Errorf("resolve subject: %d for one address", len(subjects))
	}
	if err != nil {
		return "", &UnavailableError{err}
	}
	inquiry := f.inquiry(form, s, answers, subjects[0], now)
	if err := f.take(ctx, []events.InquiryReceived{inquiry}); err != nil {
		return "", &UnavailableError{err}
	}
	f.log.InfoContext(ctx, "form submission taken", "form", form.ID, "inquiry", inquiry.Inquiry, "files", len(s.Files), "bytes", inquiry.Size)
	return inquiry.Inquiry, nil
}

// judge collects everything there is to correct, so that a visitor is told once.
func (f *Forms) judge(form Form, s Submission) (map[string]string, error) {
	answers, problems := validate(form, s.Fields)
	if err := form.Files.check(s.Files); err != nil {
		return nil, err
	}
	if s.Browser {
		if strings.TrimSpace(s.Trap) != "" {
			problems = append(problems, Problem{"", "A field that people do not see was filled in. Please send the form again."})
		} else if sentence := f.checkStamp(form.ID, s.Stamp); sentence != "" {
			problems = append(problems, Problem{"", sentence})
		}
	}
	if len(problems) > 0 {
		return nil, &InvalidError{problems}
	}
	return answers, nil
}

// check holds for files that did not come through ReadMultipart.
func (a Files) check(files []File) error {
	if len(files) > 0 && !a.Allowed {
		return &InvalidError{[]Problem{{FieldFiles, "This form takes no files."}}}
	}
	if len(files) > a.Count {
		return &InvalidError{[]Problem{{FieldFiles, fmt.Sprintf("Please attach at most %d files.", a.Count)}}}
	}
	var total int64
	for _, file := range files {
		n := int64(len(file.Data))
		if total += n; n > a.Size || total > a.Total {
			return &SizeError{fmt.Sprintf("The files are larger than %s. Please attach smaller ones.", megabytes(a.Total))}
		}
	}
	return nil
}

// submissionID names a submission by its key, the stamp of its page or chance,
// and always by a keyed hash of its content: see the package comment.
func (f *Forms) submissionID(s Submission, answers map[string]string) string {
	key := "key:" + s.Key
	switch {
	case s.Key != "":
	case s.Browser:
		key = "page:" + s.Stamp
	default:
		key = "random:" + rand.Text()
	}
	parts := []string{key}
	for _, name := range slices.Sorted(maps.Keys(answers)) {
		parts = append(parts, name, answers[name])
	}
	for _, file := range s.Files {
		sum := sha256.Sum256(file.Data)
		parts = append(parts, file.Name, hex.EncodeToString(sum[:]))
	}
	return string(f.hash("form-submission", parts...))
}
