package vault_test

import (
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

var agent = events.Principal{Actor: "agent:0a", Role: events.RoleAgent, Purpose: events.PurposeSupport}

// place is where a test's vault rests.
type place struct{ dir, key string }

func newPlace(t testing.TB) place {
	dir := t.TempDir()
	return place{dir: filepath.Join(dir, "vault"), key: filepath.Join(dir, "root.key")}
}

func (p place) config() vault.Config {
	return vault.Config{Dir: p.dir, KeyFile: p.key, Logger: slog.New(slog.DiscardHandler)}
}

func (p place) open(t testing.TB) *vault.Vault {
	t.Helper()
	return openWith(t, p.config())
}

func openWith(t testing.TB, cfg vault.Config) *vault.Vault {
	t.Helper()
	v, err := vault.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, v) })
	return v
}

func shut(t testing.TB, v *vault.Vault) {
	t.Helper()
	if err := v.Close(); err != nil {
		t.Errorf("close vault: %v", err)
	}
}

// sql opens vault.db behind the vault's back.
func (p place) sql(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(p.dir, "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func execSQL(t testing.TB, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

// files returns the bytes of every file of the vault.
func (p place) files(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if out[e.Name()], err = os.ReadFile(filepath.Join(p.dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func subject(n int) events.SubjectID { return events.SubjectID(fmt.Sprintf("%032x", n+1)) }

func request(s events.SubjectID) vault.Request {
	id := events.NewUUID()
	return vault.Request{
		Event: id, Stream: events.InquiryStream(events.InquiryID(id.String())), Subject: s,
		Category: events.Communication, Class: events.ClassComm,
	}
}

func requests(n int, s events.SubjectID) []vault.Request {
	out := make([]vault.Request, n)
	for i := range out {
		out[i] = request(s)
	}
	return out
}

func mint(t testing.TB, v *vault.Vault, reqs ...vault.Request) []vault.Key {
	t.Helper()
	keys, err := v.Mint(t.Context(), v.Begin(), reqs)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func names(keys []vault.Key) []events.KID {
	out := make([]events.KID, len(keys))
	for i := range keys {
		out[i] = keys[i].KID
	}
	return out
}

func open(t testing.TB, v *vault.Vault, kids ...events.KID) []vault.Result {
	t.Helper()
	r, err := v.Keys(t.Context(), agent, kids)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func destroy(t testing.TB, v *vault.Vault, kids ...events.KID) vault.Destroyed {
	t.Helper()
	d, err := v.Destroy(t.Context(), vault.Order{ID: events.NewUUID(), Cause: vault.CauseSubject}, kids)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// clock is a settable time.
type clock struct{ at time.Time }

func newClock() *clock { return &clock{time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time { return c.at }
