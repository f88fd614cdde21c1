package accounts_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/services/accounts"
)

const (
	address  = "ada@desk.example"
	password = "correct horse battery"
	root     = events.Actor("system:admin")
)

// clock is a hand-moved wall clock.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func open(t *testing.T, kit *journaltest.Kit, path string, c *clock) *accounts.Accounts {
	t.Helper()
	a, err := accounts.Open(t.Context(), accounts.Config{Path: path, Journal: kit.Journal, Now: c.now, Logger: kit.Logger})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func setup(t *testing.T) (*accounts.Accounts, *clock, events.AgentID) {
	t.Helper()
	kit := journaltest.New(t)
	c := &clock{at: time.Now()}
	a := open(t, kit, filepath.Join(kit.Dir, "accounts.db"), c)
	id, err := a.Add(t.Context(), root, accounts.New{Name: "Ada L", Email: "Ada@desk.example", Role: events.RoleAdmin, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return a, c, id
}

func login(t *testing.T, a *accounts.Accounts) accounts.Session {
	t.Helper()
	s, err := a.Authenticate(t.Context(), "192.0.2.1", address, password)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func is[E error](t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[E](err); !ok {
		t.Fatalf("got %v (%T), want %T", err, err, *new(E))
	}
}

func TestLoginAndSession(t *testing.T) {
	a, _, id := setup(t)
	s := login(t, a)
	want := accounts.Agent{ID: id, Name: "Ada L", Email: address, Role: events.RoleAdmin, Active: true}
	got, err := a.Session(t.Context(), s.Token)
	if err != nil || got != want {
		t.Fatalf("session: %+v, %v; want %+v", got, err, want)
	}
	if err := a.Logout(t.Context(), s.Token); err != nil {
		t.Fatal(err)
	}
	_, err = a.Session(t.Context(), s.Token)
	is[*accounts.ExpiredError](t, err)
}

func TestWrongPasswordAndUnknownAddressLookTheSame(t *testing.T) {
	a, _, _ := setup(t)
	_, wrong := a.Authenticate(t.Context(), "192.0.2.1", address, "not it at all")
	_, unknown := a.Authenticate(t.Context(), "192.0.2.1", "nobody@desk.example", password)
	is[*accounts.WrongError](t, wrong)
	is[*accounts.WrongError](t, unknown)
	if wrong.Error() != unknown.Error() {
		t.Fatalf("%q and %q tell them apart", wrong, unknown)
	}
	if _, err := a.Authenticate(t.Context(), "192.0.2.1", address, strings.Repeat("x", 1<<20)); err == nil {
		t.Fatal("a megabyte was accepted as a password")
	}
}

func TestTriesAreLimited(t *testing.T) {
	a, c, _ := setup(t)
	var err error
	for range 11 {
		_, err = a.Authenticate(t.Context(), "192.0.2.1", address, "guess guess")
	}
	is[*accounts.LimitError](t, err)
	_, err = a.Authenticate(t.Context(), "192.0.2.1", address, password)
	is[*accounts.LimitError](t, err)
	if _, err := a.Authenticate(t.Context(), "198.51.100.7", address, password); err != nil {
		t.Fatalf("a stranger's guesses locked the agent out: %v", err)
	}
	c.move(time.Minute)
	if _, err := a.Authenticate(t.Context(), "192.0.2.1", address, password); err != nil {
		t.Fatalf("after waiting: %v", err)
	}
}

// Lookups are cached by the wall clock; a second opening of the same file, as by
// another process, has a cache of its own.
func TestSessionsSlideAndEnd(t *testing.T) {
	kit := journaltest.New(t)
	c := &clock{at: time.Now()}
	path := filepath.Join(kit.Dir, "accounts.db")
	a := open(t, kit, path, c)
	if _, err := a.Add(t.Context(), root, accounts.New{Name: "Ada", Email: address, Role: events.RoleAdmin, Password: password}); err != nil {
		t.Fatal(err)
	}
	s := login(t, a)
	for range 4 { // used every six days, it lives on
		c.move(6 * 24 * time.Hour)
		if _, err := open(t, kit, path, c).Session(t.Context(), s.Token); err != nil {
			t.Fatalf("a session in use ended: %v", err)
		}
	}
	c.move(6*24*time.Hour + time.Hour) // 30 days after the login
	_, err := a.Session(t.Context(), s.Token)
	is[*accounts.ExpiredError](t, err)

	s = login(t, a)
	c.move(8 * 24 * time.Hour) // unused for longer than seven days
	_, err = a.Session(t.Context(), s.Token)
	is[*accounts.ExpiredError](t, err)
}

func TestNewPasswordEndsSessionsButNotTokens(t *testing.T) {
	a, _, id := setup(t)
	s := login(t, a)
	token, err := a.CreateToken(t.Context(), root, id, "reports")
	if err != nil || !strings.HasPrefix(token, accounts.TokenPrefix) {
		t.Fatalf("token %q, %v", token, err)
	}
	if _, err := a.Session(t.Context(), s.Token); err != nil { // now cached
		t.Fatal(err)
	}
	if err := a.SetPassword(t.Context(), events.AgentActor(id), id, "another long one"); err != nil {
		t.Fatal(err)
	}
	_, err = a.Session(t.Context(), s.Token)
	is[*accounts.ExpiredError](t, err)
	_, err = a.Authenticate(t.Context(), "192.0.2.1", address, password)
	is[*accounts.WrongError](t, err)
	if _, err := a.Token(t.Context(), token); err != nil {
		t.Fatalf("the token ended too: %v", err)
	}
	// FIELD 28: who took a session over may have made a token; a reset ends it.
	if err := a.SetPassword(t.Context(), root, id, "one more long one"); err != nil {
		t.Fatal(err)
	}
	_, err = a.Token(t.Context(), token)
	is[*accounts.ExpiredError](t, err)
}

func TestDeactivationEndsEverything(t *testing.T) {
	a, _, id := setup(t)
	s := login(t, a)
	token, err := a.CreateToken(t.Context(), root, id, "reports")
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []func() (accounts.Agent, error){
		func() (accounts.Agent, error) { return a.Session(t.Context(), s.Token) },
		func() (accounts.Agent, error) { return a.Token(t.Context(), token) },
	} {
		if _, err := secret(); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Deactivate(t.Context(), root, id); err != nil {
		t.Fatal(err)
	}
	_, err = a.Session(t.Context(), s.Token)
	is[*accounts.ExpiredError](t, err)
	_, err = a.Token(t.Context(), token)
	is[*accounts.ExpiredError](t, err)
	_, err = a.Authenticate(t.Context(), "192.0.2.1", address, password)
	is[*accounts.WrongError](t, err)
	is[*accounts.RefusedError](t, a.SetPassword(t.Context(), root, id, password))
	if _, err := a.Add(t.Context(), root, accounts.New{Name: "Ada again", Email: address, Role: events.RoleAgent}); err != nil {
		t.Fatalf("the address is not free again: %v", err)
	}
}

func TestTokensAreOnesOwn(t *testing.T) {
	a, _, id := setup(t)
	other, err := a.Add(t.Context(), root, accounts.New{Name: "Bob", Email: "bob@desk.example", Role: events.RoleAgent})
	if err != nil {
		t.Fatal(err)
	}
	token, err := a.CreateToken(t.Context(), root, id, "reports")
	if err != nil {
		t.Fatal(err)
	}
	list, err := a.Tokens(t.Context(), id)
	if err != nil || len(list) != 1 || list[0].Name != "reports" || !list[0].Used.IsZero() {
		t.Fatalf("%+v, %v", list, err)
	}
	is[*accounts.UnknownError](t, a.RevokeToken(t.Context(), other, list[0].ID))
	if _, err := a.Token(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if list, err = a.Tokens(t.Context(), id); err != nil || list[0].Used.IsZero() {
		t.Fatalf("the use was not remembered: %+v, %v", list, err)
	}
	if err := a.RevokeToken(t.Context(), id, list[0].ID); err != nil {
		t.Fatal(err)
	}
	_, err = a.Token(t.Context(), token)
	is[*accounts.ExpiredError](t, err)
}

func TestRefusals(t *testing.T) {
	a, _, _ := setup(t)
	for name, n := range map[string]accounts.New{
		"taken":          {Name: "Ada", Email: " ADA@desk.example", Role: events.RoleAgent},
		"no address":     {Name: "Ada", Email: "ada", Role: events.RoleAgent},
		"no name":        {Email: "b@desk.example", Role: events.RoleAgent},
		"role":           {Name: "B", Email: "b@desk.example", Role: "owner"},
		"short password": {Name: "B", Email: "b@desk.example", Role: events.RoleAgent, Password: "short"},
		"display name":   {Name: "B", Email: "B <b@desk.example>", Role: events.RoleAgent},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := a.Add(t.Context(), root, n)
			is[*accounts.RefusedError](t, err)
		})
	}
}

// The agents' view is made of the journal: another database, as after a loss or
// in another process, shows the same agents once it has read it.
func TestAgentsComeFromTheJournal(t *testing.T) {
	kit := journaltest.New(t)
	c := &clock{at: time.Now()}
	a := open(t, kit, filepath.Join(kit.Dir, "one.db"), c)
	for _, n := range []string{"ada", "bob", "cyn"} {
		if _, err := a.Add(t.Context(), root, accounts.New{Name: n, Email: n + "@desk.example", Role: events.RoleAgent, Password: password}); err != nil {
			t.Fatal(err)
		}
	}
	bob, err := a.ByEmail(t.Context(), "bob@desk.example")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Deactivate(t.Context(), root, bob.ID); err != nil {
		t.Fatal(err)
	}
	want, err := a.List(t.Context())
	if err != nil || len(want) != 3 {
		t.Fatalf("%v, %v", want, err)
	}

	b := open(t, kit, filepath.Join(kit.Dir, "two.db"), c)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		got, err := b.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if cmp.Diff(want, got) == "" {
			break
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("the other database shows (-want +got):\n%s", cmp.Diff(want, got))
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatalf("run ended with %v", err)
	}
	_, err = b.Authenticate(t.Context(), "192.0.2.1", "ada@desk.example", password)
	is[*accounts.WrongError](t, err) // passwords are not in the journal
}

func TestNoSecretRestsInTheDatabase(t *testing.T) {
	kit := journaltest.New(t)
	path := filepath.Join(kit.Dir, "accounts.db")
	a := open(t, kit, path, &clock{at: time.Now()})
	id, err := a.Add(t.Context(), root, accounts.New{Name: "Ada", Email: address, Role: events.RoleAdmin, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	s := login(t, a)
	token, err := a.CreateToken(t.Context(), root, id, "reports")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]string{"password": password, "session": s.Token, "token": token} {
		if strings.Contains(string(b), secret) {
			t.Errorf("the %s can be read in the file", name)
		}
	}
	if !strings.Contains(string(b), "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Error("the password is not hashed as it should be")
	}
}
