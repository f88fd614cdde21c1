package mailbox

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// OAuthConfig is how a mailbox gets access tokens (RFC 6749 section 4.1, with
// RFC 7636): an administrator agrees once in a browser, and the refresh token
// does the rest.
type OAuthConfig struct {
	// Provider fills in the addresses and the scope: "google" or "microsoft".
	// Tenant is Microsoft's directory, "common" when empty.
	Provider, Tenant string
	// AuthURL and TokenURL are the endpoints of any other server.
	AuthURL, TokenURL string
	Scopes            []string
	ClientID          string
	ClientSecret      string // empty for a public client
	// SecretEnds is when the client secret must have been renewed; zero: not known.
	SecretEnds time.Time
	// Redirect is the address the browser comes back to.
	Redirect string

	// Load and Save keep the grant; Save seals it. A rotated refresh token is saved
	// before the access token that came with it is used.
	Load func(context.Context) (Grant, error)
	Save func(context.Context, Grant) error

	Client *http.Client     // one with a timeout of 30 s when nil
	Now    func() time.Time // time.Now when nil
}

// Grant is what the authorisation server gave.
type Grant struct {
	Access  string    `json:"access"`
	Refresh string    `json:"refresh"`
	Expires time.Time `json:"expires"` // of Access
	// RefreshEnds is when Refresh stops working, zero when the server does not say.
	RefreshEnds time.Time `json:"refresh_ends,omitzero"`
	Granted     time.Time `json:"granted"`
}

// ErrConsent says that an administrator has to agree (again) in a browser.
var ErrConsent = errors.New("the mail provider wants an administrator to connect this mailbox again")

// OAuth keeps one mailbox's access. It is safe for concurrent use.
type OAuth struct {
	cfg OAuthConfig

	mu      sync.Mutex // also makes refreshing one at a time
	grant   Grant
	loaded  bool
	failure error
	pending map[string]attempt // by state
}

// attempt is an agreement under way.
type attempt struct {
	verifier string
	by       string
	ends     time.Time
}

const (
	refreshEarly = 5 * time.Minute
	attemptLasts = 10 * time.Minute
	maxAttempts  = 20
	// Warnings begin this long before a secret or a refresh token ends.
	warnSecret  = 30 * 24 * time.Hour
	warnRefresh = 3 * 24 * time.Hour
)

var providers = map[string]OAuthConfig{
	"google":    {AuthURL: "https://accounts.google.com/o/oauth2/v2/auth", TokenURL: "https://oauth2.googleapis.com/token", Scopes: []string{"https://mail.google.com/"}},
	"microsoft": {AuthURL: "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize", TokenURL: "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token", Scopes: []string{"https://outlook.office.com/IMAP.AccessAsUser.All", "https://outlook.office.com/SMTP.Send", "offline_access"}},
}

// NewOAuth checks the configuration.
func NewOAuth(c OAuthConfig) (*OAuth, error) {
	if p, ok := providers[c.Provider]; ok {
		tenant := c.Tenant
		if tenant == "" {
			tenant = "common"
		}
		if c.AuthURL == "" {
			c.AuthURL = strings.ReplaceAll(p.AuthURL, "{tenant}", url.PathEscape(tenant))
		}
		if c.TokenURL == "" {
			c.TokenURL = strings.ReplaceAll(p.TokenURL, "{tenant}", url.PathEscape(tenant))
		}
		if len(c.Scopes) == 0 {
			c.Scopes = p.Scopes
		}
	} else if c.Provider != "" && c.Provider != "custom" {
		return nil, fmt.Errorf("oauth: provider is %q, want google, microsoft or custom", c.Provider)
	}
	for name, v := range map[string]string{"auth_url": c.AuthURL, "token_url": c.TokenURL} {
		u, err := url.Parse(v)
		if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())) {
			return nil, fmt.Errorf("oauth: %s is no https address", name)
		}
	}
	if c.ClientID == "" || c.Load == nil || c.Save == nil {
		return nil, errors.New("oauth: a client id and a place for the grant are needed")
	}
	if c.Client == nil {
		c.Client = &http.Client{Timeout: 30 * time.Second}
	}
	client := *c.Client
	// The secret goes to this server and no other.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.Client = &client
	if c.Now == nil {
		c.Now = time.Now
	}
	return &OAuth{cfg: c, pending: map[string]attempt{}}, nil
}

// Begin gives the address where an administrator agrees. by names who asked:
// nobody else can finish.
func (o *OAuth) Begin(by string) (string, error) {
	u, err := url.Parse(o.cfg.AuthURL)
	if err != nil {
		return "", fmt.Errorf("oauth: %w", err)
	}
	state, verifier := rand.Text(), rand.Text()+rand.Text()
	o.mu.Lock()
	now := o.cfg.Now()
	for s, a := range o.pending {
		if now.After(a.ends) || len(o.pending) >= maxAttempts {
			delete(o.pending, s)
		}
	}
	o.pending[state] = attempt{verifier, by, now.Add(attemptLasts)}
	o.mu.Unlock()
	sum := sha256.Sum256([]byte(verifier))
	q := u.Query()
	for k, v := range map[string]string{
		"response_type": "code", "client_id": o.cfg.ClientID, "redirect_uri": o.cfg.Redirect, "scope": strings.Join(o.cfg.Scopes, " "), "state": state,
		"code_challenge": base64.RawURLEncoding.EncodeToString(sum[:]), "code_challenge_method": "S256",
		"access_type": "offline", "prompt": "consent", // Google gives a refresh token only then
	} {
		q.Set(k, v)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// ErrState says that an agreement was not begun here, by this person, in the
// last ten minutes, or is over.
var ErrState = errors.New("this connection attempt has ended; begin again")

// Finish exchanges the code that the browser brought back.
func (o *OAuth) Finish(ctx context.Context, by, state, code string) error {
	o.mu.Lock()
	a, ok := o.pending[state]
	delete(o.pending, state) // once
	o.mu.Unlock()
	if !ok || a.by != by || o.cfg.Now().After(a.ends) || code == "" {
		return ErrState
	}
	g, err := o.ask(ctx, url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {o.cfg.Redirect}, "code_verifier": {a.verifier},
	})
	if err != nil {
		return err
	}
	if g.Refresh == "" {
		return errors.New("oauth: the server gave no refresh token")
	}
	g.Granted = o.cfg.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.keep(ctx, g)
}

// Token is an access token that is good for some minutes. It returns ErrConsent,
// wrapped, when only a person can help.
func (o *OAuth) Token(ctx context.Context) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.load(ctx); err != nil {
		return "", err
	}
	if o.grant.Refresh == "" {
		return "", fmt.Errorf("oauth: %w", ErrConsent)
	}
	if o.grant.Access != "" && o.cfg.Now().Add(refreshEarly).Before(o.grant.Expires) {
		return o.grant.Access, nil
	}
	g, err := o.ask(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {o.grant.Refresh}})
	if o.failure = err; err != nil {
		return "", err
	}
	g.Granted = o.grant.Granted
	if g.Refresh == "" { // not rotated
		g.Refresh, g.RefreshEnds = o.grant.Refresh, o.grant.RefreshEnds
	}
	if err := o.keep(ctx, g); err != nil {
		return "", err
	}
	return g.Access, nil
}

// Refused says that the mail server did not take the token: the next one is
// fetched anew.
func (o *OAuth) Refused() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.grant.Access = ""
}

// load reads the grant once.
func (o *OAuth) load(ctx context.Context) error {
	if o.loaded {
		return nil
	}
	g, err := o.cfg.Load(ctx)
	if err != nil {
		return fmt.Errorf("oauth: load grant: %w", err)
	}
	o.grant, o.loaded = g, true
	return nil
}

func (o *OAuth) keep(ctx context.Context, g Grant) error {
	if err := o.cfg.Save(ctx, g); err != nil {
		return fmt.Errorf("oauth: save grant: %w", err)
	}
	o.grant, o.loaded, o.failure = g, true, nil
	return nil
}

// ask talks to the token endpoint (RFC 6749 section 4.1.3 and 6). Nothing of what
// it says but the error code gets into an error.
func (o *OAuth) ask(ctx context.Context, form url.Values) (Grant, error) {
	form.Set("client_id", o.cfg.ClientID)
	if o.cfg.ClientSecret != "" {
		form.Set("client_secret", o.cfg.ClientSecret)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.cfg.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return Grant{}, fmt.Errorf("oauth: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := o.cfg.Client.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) { // without the address, which may hold names
			err = ue.Err
		}
		return Grant{}, fmt.Errorf("oauth: ask for token: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	var said struct {
		Access      string      `json:"access_token"`
		Refresh     string      `json:"refresh_token"`
		Expires     json.Number `json:"expires_in"`
		RefreshEnds json.Number `json:"refresh_token_expires_in"`
		Error       string      `json:"error"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&said); err != nil && resp.StatusCode == http.StatusOK {
		return Grant{}, errors.New("oauth: the server's answer is no JSON")
	}
	switch {
	case said.Error == "invalid_grant", said.Error == "interaction_required", said.Error == "consent_required":
		return Grant{}, fmt.Errorf("oauth: %w", ErrConsent)
	case said.Error != "":
		return Grant{}, fmt.Errorf("oauth: the server answers %q", oauthCode(said.Error))
	case resp.StatusCode != http.StatusOK || said.Access == "":
		return Grant{}, fmt.Errorf("oauth: the server answers %d without a token", resp.StatusCode)
	}
	g := Grant{Access: said.Access, Refresh: said.Refresh, Expires: o.cfg.Now().Add(time.Hour)}
	if n, err := said.Expires.Int64(); err == nil && n > 0 {
		g.Expires = o.cfg.Now().Add(time.Duration(min(n, 30*24*3600)) * time.Second)
	}
	if n, err := said.RefreshEnds.Int64(); err == nil && n > 0 {
		g.RefreshEnds = o.cfg.Now().Add(time.Duration(min(n, 10*365*24*3600)) * time.Second)
	}
	return g, nil
}

// oauthCode keeps the letters of an error code (RFC 6749 section 5.2).
func oauthCode(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r == '_' || r == '-' {
			return r
		}
		return -1
	}, s[:min(len(s), 60)])
}

// Access is how a mailbox's access is doing.
type Access struct {
	Connected bool      // an administrator agreed, and the server has not taken it back
	Expires   time.Time // when it ends unless somebody acts; zero: it renews itself
	Warning   string    // a sentence, empty when all is well
}

// Access reports it, with a warning in good time (FIELD 2.27).
func (o *OAuth) Access(ctx context.Context) Access {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.load(ctx); err != nil {
		return Access{Warning: "The stored access cannot be read."}
	}
	now := o.cfg.Now()
	a := Access{Connected: o.grant.Refresh != "" && !errors.Is(o.failure, ErrConsent)}
	for _, end := range []time.Time{o.cfg.SecretEnds, o.grant.RefreshEnds} {
		if !end.IsZero() && (a.Expires.IsZero() || end.Before(a.Expires)) {
			a.Expires = end
		}
	}
	switch {
	case !a.Connected:
		a.Warning = "Connect this mailbox with the mail provider."
	case o.failure != nil:
		a.Warning = "The mail provider does not renew the access right now."
	case !o.grant.RefreshEnds.IsZero() && o.grant.RefreshEnds.Sub(now) < warnRefresh:
		a.Warning = "The access ends soon; connect this mailbox again."
	case !o.cfg.SecretEnds.IsZero() && o.cfg.SecretEnds.Sub(now) < warnSecret:
		a.Warning = "The client secret ends soon; make a new one at the mail provider."
	}
	return a
}
