package seal_test

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/blobs"
	"github.com/westshore/hub/events/seal"
	"github.com/westshore/hub/events/vault"
)

var (
	agent  = events.Principal{Actor: "agent:0a", Role: events.RoleAgent, Purpose: events.PurposeSupport}
	outbox = events.Principal{Actor: "system:outbox", Role: events.RoleOutbox, Purpose: events.PurposeAdmin}
)

// house is a sealer with a real vault and a real store of files.
type house struct {
	*seal.Sealer
	vault *vault.Vault
	blobs *blobs.Store
	dir   string
}

func newHouse(t testing.TB) *house {
	t.Helper()
	dir, quiet := t.TempDir(), slog.New(slog.DiscardHandler)
	v, err := vault.Open(t.Context(), vault.Config{Dir: filepath.Join(dir, "vault"), KeyFile: filepath.Join(dir, "root.key"), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	b, err := blobs.Open(blobs.Config{Dir: filepath.Join(dir, "blobs"), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return &house{Sealer: seal.New(v, seal.Files{Put: b.Put, Get: b.Get}), vault: v, blobs: b, dir: dir}
}

func (h *house) subject(t testing.TB, addr string) events.SubjectID {
	t.Helper()
	s, err := h.vault.Subjects(t.Context(), []string{addr})
	if err != nil {
		t.Fatal(err)
	}
	return s[0]
}

// canary is a text that must not appear anywhere in the clear.
const canary = "Zanzibar-Quetzal-7719"

// inquiry drafts a mail with a raw message and files of the given sizes.
func (h *house) inquiry(t testing.TB, sizes ...int) seal.Draft {
	t.Helper()
	id := events.NewUUID()
	e := events.InquiryReceived{
		Inquiry: events.InquiryID(id.String()), Channel: events.Email, Customer: h.subject(t, "a@example.org"),
		Raw:     events.NewBlob([]byte("Subject: " + canary + "\r\n\r\nhello")),
		Contact: events.Seal(events.Address{Name: canary, Address: "a@example.org"}),
		Letter:  events.Seal(events.Letter{Subject: canary, Text: "Where is my parcel?"}),
	}
	for _, n := range sizes {
		e.Files = append(e.Files, events.NewBlob([]byte(strings.Repeat("x", n))))
	}
	return seal.Draft{ID: id, Stream: events.InquiryStream(e.Inquiry), Event: e}
}

func (h *house) seal(t testing.TB, drafts ...seal.Draft) []events.Envelope {
	t.Helper()
	envs, err := h.Seal(t.Context(), drafts)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range envs {
		envs[i] = travel(t, e)
	}
	return envs
}

// travel sends an envelope through the store's JSON and back.
func travel(t testing.TB, e events.Envelope) events.Envelope {
	t.Helper()
	data := e.Data()
	meta, err := e.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	back, err := events.ParseEnvelope(e.ID, e.Type, e.Stream, data, meta)
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func (h *house) open(t testing.TB, p events.Principal, env events.Envelope) events.InquiryReceived {
	t.Helper()
	got, err := h.Open(t.Context(), p, []events.Envelope{env})
	if err != nil {
		t.Fatal(err)
	}
	return got[0].(events.InquiryReceived)
}

func (h *house) destroy(t testing.TB, kids ...events.KID) {
	t.Helper()
	if _, err := h.vault.Destroy(t.Context(), vault.Order{ID: events.NewUUID(), Cause: vault.CauseSubject}, kids); err != nil {
		t.Fatal(err)
	}
}

func digest(b []byte) events.Hash {
	sum := sha256.Sum256(b)
	return events.Hash(hex.EncodeToString(sum[:]))
}
