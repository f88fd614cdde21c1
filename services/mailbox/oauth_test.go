package mailbox_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/westshore/hub/services/mailbox"
)

// provider is an authorisation server of the usual kind: it checks the client,
// the redirect, the proof (RFC 7636), gives each code once and rotates refresh
// tokens.
type provider struct {
	*httptest.Server
	mu      sync.Mutex
	codes   map[string]string // code → challenge
	refresh map[string]bool   // that are good
	n       int
	asked   []string // grant types
	revoked bool
	broken  bool
}

func startProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{codes: map[string]string{}, refresh: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("client_id") != "hub" || q.Get("code_challenge_method") != "S256" || q.Get("scope") != "mail" || q.Get("response_type") != "code" {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		p.mu.Lock()
		p.n++
		code := fmt.Sprint("code", p.n)
		p.codes[code] = q.Get("code_challenge")
		p.mu.Unlock()
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
	})
	mux.HandleFunc("POST /token", p.token)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, r.FormValue("grant_type"))
	fail := func(code string) {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": "ann@example.org may not"})
	}
	if p.broken {
		http.Error(w, "<html>", http.StatusBadGateway)
		return
	}
	if r.FormValue("client_id") != "hub" || r.FormValue("client_secret") != "secret" {
		fail("invalid_client")
		return
	}
	switch r.FormValue("grant_type") {
	case "authorization_code":
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		challenge, ok := p.codes[r.FormValue("code")]
		delete(p.codes, r.FormValue("code"))
		if !ok || challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
			fail("invalid_grant")
			return
		}
	case "refresh_token":
		if !p.refresh[r.FormValue("refresh_token")] || p.revoked {
			fail("invalid_grant")
			return
		}
		delete(p.refresh, r.FormValue("refresh_token")) // rotated: the old one is worth nothing
	}
	p.n++
	p.refresh[fmt.Sprint("refresh", p.n)] = true
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token": fmt.Sprint("access", p.n), "refresh_token": fmt.Sprint("refresh", p.n), "expires_in": 3600, "token_type": "Bearer",
	})
}

// store keeps a grant as a file would.
type grantStore struct {
	mu    sync.Mutex
	saved []byte
	saves int
}

func (s *grantStore) load(context.Context) (g mailbox.Grant, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.saved != nil {
		err = json.Unmarshal(s.saved, &g)
	}
	return g, err
}

func (s *grantStore) save(_ context.Context, g mailbox.Grant) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saves++
	s.saved, err = json.Marshal(g)
	return err
}

func connect(t *testing.T, p *provider, s *grantStore, now func() time.Time) *mailbox.OAuth {
	t.Helper()
	o, err := mailbox.NewOAuth(mailbox.OAuthConfig{
		Provider: "custom", AuthURL: p.URL + "/authorize", TokenURL: p.URL + "/token", Scopes: []string{"mail"}, ClientID: "hub", ClientSecret: "secret",
		Redirect: "http://127.0.0.1/callback", Load: s.load, Save: s.save, Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// agree does what the administrator's browser does.
func agree(t *testing.T, o *mailbox.OAuth, by string) (state, code string) {
	t.Helper()
	at, err := o.Begin(by)
	if err != nil {
		t.Fatal(err)
	}
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		t.Fatal(err)
	}
	return back.Query().Get("state"), back.Query().Get("code")
}

// FIELD 2.27: agreeing once is enough; tokens are renewed before they end, and a
// rotated refresh token is kept before it is needed, also over a restart.
func TestOAuth(t *testing.T) {
	p, s := startProvider(t), &grantStore{}
	now := time.Now()
	clock := func() time.Time { return now }
	o := connect(t, p, s, clock)
	if _, err := o.Token(t.Context()); !errors.Is(err, mailbox.ErrConsent) {
		t.Fatalf("before anybody agreed: %v", err)
	}
	if a := o.Access(t.Context()); a.Connected || a.Warning == "" {
		t.Errorf("%+v", a)
	}
	state, code := agree(t, o, "admin")
	if err := o.Finish(t.Context(), "admin", state, code); err != nil {
		t.Fatal(err)
	}
	if err := o.Finish(t.Context(), "admin", state, code); !errors.Is(err, mailbox.ErrState) {
		t.Errorf("the same state twice: %v", err)
	}
	first, err := o.Token(t.Context())
	if err != nil || first == "" {
		t.Fatal(first, err)
	}
	if again, _ := o.Token(t.Context()); again != first {
		t.Error("a good token was renewed")
	}
	now = now.Add(58 * time.Minute)
	o = connect(t, p, s, clock) // a restart
	second, err := o.Token(t.Context())
	if err != nil || second == first {
		t.Fatalf("near its end: %q %v", second, err)
	}
	o.Refused()
	third, err := o.Token(t.Context())
	if err != nil || third == second {
		t.Errorf("after the server refused it: %q %v", third, err)
	}
	if a := o.Access(t.Context()); !a.Connected || a.Warning != "" {
		t.Errorf("%+v", a)
	}
}

// FIELD 3.28: nobody else's answer counts, and none that was not asked for.
func TestOAuthState(t *testing.T) {
	p, s := startProvider(t), &grantStore{}
	now := time.Now()
	o := connect(t, p, s, func() time.Time { return now })
	state, code := agree(t, o, "admin")
	if err := o.Finish(t.Context(), "mallory", state, code); !errors.Is(err, mailbox.ErrState) {
		t.Errorf("somebody else: %v", err)
	}
	if err := o.Finish(t.Context(), "admin", "invented", code); !errors.Is(err, mailbox.ErrState) {
		t.Errorf("no state: %v", err)
	}
	state, code = agree(t, o, "admin")
	now = now.Add(11 * time.Minute)
	if err := o.Finish(t.Context(), "admin", state, code); !errors.Is(err, mailbox.ErrState) {
		t.Errorf("too late: %v", err)
	}
	if s.saves != 0 {
		t.Error("a grant was kept")
	}
}

// What the provider takes back is said, without its words; what is down for a
// moment is tried again.
func TestOAuthTakenBack(t *testing.T) {
	p, s := startProvider(t), &grantStore{}
	now := time.Now()
	o := connect(t, p, s, func() time.Time { return now })
	state, code := agree(t, o, "admin")
	if err := o.Finish(t.Context(), "admin", state, code); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Hour)
	p.mu.Lock()
	p.broken = true
	p.mu.Unlock()
	if _, err := o.Token(t.Context()); err == nil || errors.Is(err, mailbox.ErrConsent) {
		t.Errorf("down: %v", err)
	}
	if a := o.Access(t.Context()); !a.Connected || a.Warning == "" {
		t.Errorf("down: %+v", a)
	}
	p.mu.Lock()
	p.broken, p.revoked = false, true
	p.mu.Unlock()
	_, err := o.Token(t.Context())
	if !errors.Is(err, mailbox.ErrConsent) || strings.Contains(err.Error(), "ann@") {
		t.Errorf("taken back: %v", err)
	}
	if a := o.Access(t.Context()); a.Connected {
		t.Errorf("taken back: %+v", a)
	}
}

// A mailbox with OAuth says that somebody has to act, does not knock often, and
// is read at once when somebody did.
func TestMailboxWaitsForConsent(t *testing.T) {
	_, cfg := startFake(t, "a\r\n")
	cfg.AuthRetry = time.Hour
	var agreed atomic.Bool
	cfg.Token = func(context.Context) (string, error) {
		if agreed.Load() {
			return "token", nil
		}
		return "", fmt.Errorf("oauth: %w", mailbox.ErrConsent)
	}
	h := newHouse()
	m, _ := watch(t, cfg, h.deps())
	h.waitState(t, mailbox.StateAuthFailed)
	agreed.Store(true)
	m.Retry()
	h.waitTaken(t, 1)
}

func TestOAuthBadConfig(t *testing.T) {
	s := &grantStore{}
	good := mailbox.OAuthConfig{Provider: "google", ClientID: "x", Load: s.load, Save: s.save}
	if _, err := mailbox.NewOAuth(good); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*mailbox.OAuthConfig){
		"provider": func(c *mailbox.OAuthConfig) { c.Provider = "yahoo" }, "client": func(c *mailbox.OAuthConfig) { c.ClientID = "" },
		"clear text": func(c *mailbox.OAuthConfig) { c.TokenURL = "http://mail.example/token" },
		"nothing":    func(c *mailbox.OAuthConfig) { c.Provider = "custom" },
	} {
		c := good
		change(&c)
		if _, err := mailbox.NewOAuth(c); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
