package rights_test

import (
	"context"
	"encoding/hex"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/services/privacy/rights"
)

// house is a desk on a real journal, with a clock of its own.
type house struct {
	*journaltest.Kit
	t      testing.TB
	rights *rights.Rights

	mu    sync.Mutex
	clock time.Time
	open  []events.RequestID
	to    []rights.Recipient
	held  map[events.RequestID]bool
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{Kit: journaltest.New(t), t: t, clock: time.Date(2026, 11, 10, 9, 0, 0, 0, time.UTC), held: map[events.RequestID]bool{}}
	h.rights = rights.New(rights.Config{
		Journal: h.Journal, Hash: h.Vault.Hash, Key: make([]byte, 32), Lookup: h.Vault.Lookup, Contact: h.contact,
		Restrict: h.Vault.Restrict, Destroy: h.destroy, Keys: h.Vault.SubjectKeys, OpenBlob: h.Sealer.OpenBlob,
		Keep: func(_ context.Context, _ journal.By, _ events.SubjectID, id events.RequestID, on bool) (events.HoldID, error) {
			h.held[id] = on
			return events.HoldID(id), nil
		},
		Staff: func(context.Context) ([]events.Address, error) {
			return []events.Address{{Name: "Grace Hopper", Address: "grace@house.example"}}, nil
		},
		Own:        func(a string) bool { return strings.HasSuffix(a, "@house.example") },
		Part:       func(raw []byte, a events.Attachment) ([]byte, error) { return raw[a.Offset : a.Offset+a.Length], nil },
		Recipients: func(context.Context, events.SubjectID) ([]rights.Recipient, error) { return h.to, nil },
		Relay: func() rights.Recipient {
			return rights.Recipient{ID: "mail-relay", Purposes: []string{}, Categories: []string{}}
		},
		Open: func(context.Context, time.Time) ([]events.RequestID, error) { return h.open, nil },
		URL:  func() string { return "https://help.house.example" }, Brand: "House", Now: h.now, Logger: h.Logger,
	})
	return h
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clock
}

func (h *house) tick(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock = h.clock.Add(d)
}

func (h *house) by() journal.By {
	return journal.By{Command: events.NewUUID(), Actor: "agent:1", At: h.now()}
}

func (h *house) destroy(ctx context.Context, order events.UUID, cause string, keys []vault.Info) error {
	kids := make([]events.KID, len(keys))
	for i, k := range keys {
		kids[i] = k.KID
	}
	_, err := h.Vault.Destroy(ctx, vault.Order{ID: order, Cause: cause}, kids)
	return err
}

// contact reads the address on file: the rectified one, else that of an inquiry.
func (h *house) contact(ctx context.Context, who events.SubjectID) (events.Address, error) {
	keys, err := h.Vault.SubjectKeys(ctx, who)
	if err != nil {
		return events.Address{}, err
	}
	as := events.Principal{Actor: "system:test", Role: events.RoleOutbox, Purpose: events.PurposeAdmin}
	found := events.Address{}
	for _, k := range keys {
		if k.Category != events.Contact {
			continue
		}
		history, err := h.Load(ctx, k.Stream, &as)
		if err != nil {
			return found, err
		}
		for _, rec := range history {
			switch e := rec.Event.(type) {
			case events.InquiryReceived:
				if found.Address == "" && e.Contact.State() == events.Plain {
					found = e.Contact.Value()
				}
			case events.ContactRectified:
				if e.Contact.State() == events.Plain {
					return e.Contact.Value(), nil
				}
			}
		}
	}
	if found.Address == "" {
		return found, rights.ErrNoContact
	}
	return found, nil
}

// writes lets somebody write to us, and returns who they are and their inquiry.
func (h *house) writes(from events.Address, l events.Letter, raw string) (events.SubjectID, events.InquiryID) {
	h.t.Helper()
	ids, err := h.Vault.Subjects(h.t.Context(), []string{from.Address})
	check(h.t, err)
	id := events.InquiryID(events.NewUUID().String())
	in := events.InquiryReceived{
		Inquiry: id, Channel: events.Email, ArrivedAt: h.now(), Customer: ids[0], Class: events.MailHuman,
		Contact: events.Seal(from), Letter: events.Seal(l), Raw: events.NewBlob([]byte(raw)),
	}
	_, err = h.Append(h.t.Context(), events.InquiryStream(id), events.NoStream, journal.By{Command: events.NewUUID(), Actor: "door:email"}, in)
	check(h.t, err)
	return ids[0], id
}

func (h *house) ada() events.SubjectID {
	who, _ := h.writes(events.Address{Name: "Ada Byron", Address: "ada@customer.example"}, events.Letter{Subject: "Hello", Text: "Hello"}, "raw")
	return who
}

// letters reads every letter of the house, oldest first.
func (h *house) letters() (out []events.LetterWritten) {
	h.t.Helper()
	as := events.Principal{Actor: "system:test", Role: events.RoleOutbox, Purpose: events.PurposeSupport}
	ctx, stop := context.WithCancel(h.t.Context())
	defer stop()
	err := h.Subscribe(ctx, journal.Reading{Types: []string{"hub.LetterWritten"}, Principal: &as}, func(_ context.Context, b journal.Batch) error {
		for _, rec := range b.Events {
			out = append(out, rec.Event.(events.LetterWritten))
		}
		if b.Live {
			stop()
		}
		return nil
	})
	if ctx.Err() == nil {
		check(h.t, err)
	}
	return out
}

// link takes the token behind a path out of the newest letter that has one.
func (h *house) token(path string) string {
	h.t.Helper()
	list := h.letters()
	for i := len(list) - 1; i >= 0; i-- {
		for _, line := range strings.Split(list[i].Letter.Value().Text, "\n") {
			if at := strings.Index(line, path); at >= 0 && strings.HasPrefix(line, "https://") {
				return line[at+len(path):]
			}
		}
	}
	h.t.Fatalf("no letter has a link to %s", path)
	return ""
}

// run runs the desk's loop until the test ends.
func (h *house) run() {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.rights.Run(ctx) }()
	h.t.Cleanup(func() { stop(); check(h.t, <-done) })
}

func reasonOf(err error) string {
	r, ok := asRefusal(err)
	if !ok {
		return ""
	}
	return r.Reason
}

func randomID() string { u := events.NewUUID(); return hex.EncodeToString(u[:]) }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
