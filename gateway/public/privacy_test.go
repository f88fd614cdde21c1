package public_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/gateway/mailview"
	"github.com/westshore/hub/gateway/public"
	"github.com/westshore/hub/services/privacy/rights"
)

// site is the public pages on a desk of their own.
func site(t *testing.T) (*fiber.App, *rights.Rights, *mailview.Leave, *journaltest.Kit) {
	t.Helper()
	k := journaltest.New(t)
	r := rights.New(rights.Config{Journal: k.Journal, Hash: k.Vault.Hash, Key: make([]byte, 32), URL: func() string { return "" }, Brand: "House", Logger: k.Logger})
	leave := &mailview.Leave{Key: make([]byte, 32)}
	pages, err := public.New(public.Config{
		Rights: r, Leave: leave, Brand: "House", Client: func(*fiber.Ctx) string { return "1" }, Nonce: func() string { return "n" },
		Status: func(err error) (int, string) {
			if r, ok := errors.AsType[*rights.Refusal](err); ok && r.Code() == "not_found" {
				return http.StatusNotFound, r.Detail()
			}
			return http.StatusInternalServerError, ""
		},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New()
	pages.Mount(app)
	return app, r, leave, k
}

// answer is what a page answered.
type answer struct {
	StatusCode int
	Header     http.Header
}

func ask(t *testing.T, app *fiber.App, method, path string, form url.Values) (answer, string) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := app.Test(req, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header}, string(b)
}

// RFC 8058: a GET changes nothing, a POST ends it, without a login and as often as it
// comes.
//
// clause: 2.3
func TestOneClickUnsubscribe(t *testing.T) {
	app, r, _, k := site(t)
	ctx := t.Context()
	who := events.SubjectID(events.NewUUID().String())
	by := journal.By{Command: events.NewUUID(), Actor: "agent:1"}
	if err := r.Grant(ctx, by, who, rights.Promo, "en", "agent"); err != nil {
		t.Fatal(err)
	}
	path := r.UnsubscribeURL(who, rights.Promo)
	live := func() bool {
		ok, _, err := r.Allowed(ctx, who, "promotional")
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if res, body := ask(t, app, http.MethodGet, path, nil); res.StatusCode != 200 || !strings.Contains(body, `<button`) || !live() {
		t.Errorf("GET: %d, live %v", res.StatusCode, live())
	}
	for range 2 {
		if res, _ := ask(t, app, http.MethodPost, path, url.Values{"List-Unsubscribe": {"One-Click"}}); res.StatusCode != 200 || live() {
			t.Errorf("POST: %d, live %v", res.StatusCode, live())
		}
	}
	history, err := k.Load(ctx, events.CustomerStream(who), nil)
	if err != nil || len(history) != 2 {
		t.Errorf("%d events after two clicks, %v", len(history), err)
	}
	if res, _ := ask(t, app, http.MethodPost, "/u/forged", nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("a forged link: %d", res.StatusCode)
	}
}

// The centre answers alike whatever the address, and its pages carry neither script,
// cookie nor referrer.
//
// clause: 1.1 S5
func TestPrivacyPages(t *testing.T) {
	app, _, leave, _ := site(t)
	_, one := ask(t, app, http.MethodPost, "/privacy", url.Values{"email": {"ada@customer.example"}})
	_, two := ask(t, app, http.MethodPost, "/privacy", url.Values{"email": {"nobody"}})
	if one != two {
		t.Error("the centre tells whom we know")
	}
	for _, path := range []string{"/privacy", "/privacy/forged", "/leave?u=x&m=y", leave.Link("https://other.example/a?b=1")} {
		res, body := ask(t, app, http.MethodGet, path, nil)
		if res.Header.Get("Set-Cookie") != "" || res.Header.Get("Referrer-Policy") != "no-referrer" || strings.Contains(body, "<script") {
			t.Errorf("%s: %v", path, res.Header)
		}
		if !strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'none'") || !strings.Contains(body, `<html lang="en">`) {
			t.Errorf("%s: policy %q", path, res.Header.Get("Content-Security-Policy"))
		}
	}
	_, body := ask(t, app, http.MethodGet, leave.Link("https://other.example/a?b=1"), nil)
	if !strings.Contains(body, "other.example") || !strings.Contains(body, "House is not responsible") || !strings.Contains(body, `referrerpolicy="no-referrer"`) {
		t.Errorf("page before a link: %s", body)
	}
}

// PRIVACY 6, test 29, over HTTP: the page sends nobody where no mail of ours led, names
// the true host whatever stands before it, and is no open redirect.
//
// clause: S5
func TestLeavePageIsNoOpenRedirect(t *testing.T) {
	app, _, leave, _ := site(t)
	good, err := url.Parse(leave.Link("https://other.example/a"))
	if err != nil {
		t.Fatal(err)
	}
	mac := good.Query().Get("m")
	for _, target := range []string{
		"https://evil.example/", "javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "//evil.example", "https://other.example/a/../b",
		"https://other.example/a\r\nLocation: https://evil.example", "", "vbscript:x", " https://other.example/a",
	} {
		path := "/leave?" + url.Values{"u": {target}, "m": {mac}}.Encode()
		res, body := ask(t, app, http.MethodGet, path, nil)
		if res.StatusCode != http.StatusNotFound || res.Header.Get("Location") != "" || strings.Contains(body, "evil.example") || strings.Contains(body, "href=\"javascript") {
			t.Errorf("%q: %d, %s", target, res.StatusCode, res.Header.Get("Location"))
		}
	}
	// Even with a mark of ours, only the web is led to.
	for _, target := range []string{"javascript:alert(1)", "data:text/html,x", "mailto:a@b.example"} {
		if got := leave.Link(target); strings.HasPrefix(got, "/leave") {
			t.Errorf("%q got a page: %s", target, got)
		}
	}
	_, body := ask(t, app, http.MethodGet, leave.Link("https://help.house.example@evil.example/x"), nil)
	if !strings.Contains(body, `<p class="host">evil.example</p>`) || !strings.Contains(body, "Go to evil.example") {
		t.Errorf("the page hides where it leads: %s", body)
	}
}
