package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/westshore/hub/gateway/api"
)

func TestSignInAndOut(t *testing.T) {
	h := newHouse(t)
	if p := h.send("GET", "/api/v1/session", nil).problem(t); p.Status != 401 || p.Code != "unauthenticated" {
		t.Errorf("nobody is signed in: %+v", p)
	}
	wrong := h.send("POST", "/api/v1/session", map[string]string{"email": "ada@desk.example", "password": "not this one"})
	if p := wrong.problem(t); p.Status != 401 || p.Detail != "Wrong address or password." || len(wrong.Cookies()) != 0 {
		t.Errorf("wrong password: %+v", p)
	}
	in := h.send("POST", "/api/v1/session", map[string]string{"email": "ADA@desk.example ", "password": password})
	var s api.Session
	h.ok(in, &s)
	if s.Agent.Name != "Ada Admin" || s.Agent.Role != "admin" || s.Brand != "Westshore" || s.Version != "test" {
		t.Errorf("session %+v", s)
	}
	set := in.Header.Get("Set-Cookie")
	for _, part := range []string{"hub_session=", "HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(set, part) {
			t.Errorf("cookie %q lacks %s", set, part)
		}
	}
	if strings.Contains(string(in.body), in.Cookies()[0].Value) {
		t.Error("the session's secret stands in the body")
	}
	ada := h.login("ada@desk.example")
	h.ok(ada.get("/session"), nil)
	if a := h.send("DELETE", "/api/v1/session", nil, ada.headers...); a.StatusCode != http.StatusNoContent || len(a.body) != 0 {
		t.Errorf("sign out: %d %s", a.StatusCode, a.body)
	}
	if a := ada.get("/session"); a.StatusCode != 401 {
		t.Errorf("after signing out: %d", a.StatusCode)
	}
}

func TestSignInReplacesTheOldSession(t *testing.T) {
	h := newHouse(t)
	old := h.login("ada@desk.example")
	h.ok(h.send("POST", "/api/v1/session", map[string]string{"email": "ada@desk.example", "password": password}, old.headers...), nil)
	if a := old.get("/session"); a.StatusCode != 401 {
		t.Errorf("the old session lives on: %d", a.StatusCode)
	}
}

func TestTooManyTries(t *testing.T) {
	h := newHouse(t)
	var last answer
	for i := range 12 { // a forged header does not make another client
		last = h.send("POST", "/api/v1/session", map[string]string{"email": "ada@desk.example", "password": "guess guess"}, "X-Forwarded-For", path("203.0.113.%d", i))
	}
	if p := last.problem(t); p.Status != 429 || p.Code != "rate_limited" || last.Header.Get("Retry-After") == "" {
		t.Errorf("the 12th try: %+v", p)
	}
}

func TestForgedRequestsChangeNothing(t *testing.T) {
	h := newHouse(t)
	ada := h.login("ada@desk.example")
	cookie := ada.headers[:2]
	tk := ada.ticket("Kettle")
	target := "/api/v1/tickets/" + tk.ID + "/note"
	body := map[string]string{"text": "x"}
	for name, headers := range map[string][]string{
		"no header":       cookie,
		"foreign origin":  append([]string{"Origin", "https://evil.example", "X-Hub-Csrf", "1"}, cookie...),
		"null origin":     append([]string{"Origin", "null", "X-Hub-Csrf", "1"}, cookie...),
		"sibling site":    append([]string{"Sec-Fetch-Site", "same-site", "X-Hub-Csrf", "1"}, cookie...),
		"wrong header":    append([]string{"X-Hub-Csrf", "yes"}, cookie...),
		"foreign port":    append([]string{"Origin", "http://127.0.0.1:1", "X-Hub-Csrf", "1"}, cookie...),
		"cross site form": append([]string{"Sec-Fetch-Site", "cross-site", "Content-Type", "text/plain"}, cookie...),
	} {
		if p := h.send("POST", target, body, headers...).problem(t); p.Status != 403 || p.Code != "forbidden" {
			t.Errorf("%s: %+v", name, p)
		}
	}
	h.ok(h.send("POST", target, body, append([]string{"Origin", h.base, "Sec-Fetch-Site", "same-origin", "X-Hub-Csrf", "1"}, cookie...)...), nil)
	if a := h.send("POST", "/api/v1/session", map[string]string{"email": "bob@desk.example", "password": password}, "Origin", "https://evil.example"); a.StatusCode != 403 {
		t.Errorf("a foreign page signs somebody in: %d", a.StatusCode)
	}
}

func TestTokens(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.login("ada@desk.example"), h.login("bob@desk.example")
	var made struct{ Token string }
	if a := h.ok(ada.post("/tokens", map[string]string{"name": "reports"}), &made); a.StatusCode != http.StatusCreated || !strings.HasPrefix(made.Token, "hub_") {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	bearer := caller{h, []string{"Authorization", "Bearer " + made.Token}}
	h.ok(bearer.get("/session"), nil)
	for _, p := range []string{"/tokens", "/agents", "/agents/me/password"} {
		body := map[string]string{"name": "second", "email": "x@desk.example", "role": "agent", "password": "another long one", "current": password}
		if p := bearer.post(p, body).problem(t); p.Status != 403 || !strings.Contains(p.Detail, "token") {
			t.Errorf("a way in for a token: %+v", p)
		}
	}
	h.ok(ada.post("/tokens", map[string]string{"name": "second"}), nil)
	if a := bearer.get("/session", "Authorization", "Basic x"); a.StatusCode != 200 {
		t.Errorf("%d", a.StatusCode) // the last one set counts
	}
	for _, auth := range []string{"Bearer hub_x", "Bearer ", "Basic YTpi", "Bearer " + made.Token + "x"} {
		if a := h.send("GET", "/api/v1/tickets", nil, "Authorization", auth); a.StatusCode != 401 {
			t.Errorf("%q: %d", auth, a.StatusCode)
		}
	}
	if a := h.send("GET", "/api/v1/tickets?token="+made.Token, nil); a.StatusCode != 401 {
		t.Errorf("a token in the address: %d", a.StatusCode)
	}
	var list struct{ Items []api.Token }
	h.ok(ada.get("/tokens"), &list)
	if len(list.Items) != 2 {
		t.Fatalf("%+v", list)
	}
	for _, tk := range list.Items { // not Bob's to end
		if a := h.send("DELETE", "/api/v1/tokens/"+tk.ID, nil, bob.headers...); a.StatusCode != 404 {
			t.Errorf("another agent's token: %d", a.StatusCode)
		}
		if a := h.send("DELETE", "/api/v1/tokens/"+tk.ID, nil, ada.headers...); a.StatusCode != 204 {
			t.Errorf("one's own: %d %s", a.StatusCode, a.body)
		}
	}
	if a := bearer.get("/session"); a.StatusCode != 401 {
		t.Errorf("after its end: %d", a.StatusCode)
	}
}

func TestAgentsAreForAdministrators(t *testing.T) {
	h := newHouse(t)
	ada, bob := h.login("ada@desk.example"), h.login("bob@desk.example")
	cyn := map[string]string{"name": "Cyn", "email": "cyn@desk.example", "role": "agent", "password": password}
	if p := bob.post("/agents", cyn).problem(t); p.Status != 403 {
		t.Errorf("an agent adds an agent: %+v", p)
	}
	var added api.Agent
	h.ok(ada.post("/agents", cyn), &added)
	if p := ada.post("/agents", cyn).problem(t); p.Status != 409 || p.Code != "conflict" {
		t.Errorf("twice: %+v", p)
	}
	for _, p := range []string{"/agents/" + string(h.admin) + "/password", "/agents/" + string(h.admin) + "/deactivate"} {
		if a := bob.post(p, map[string]string{"password": password}); a.StatusCode != 403 {
			t.Errorf("%s by an agent: %d %s", p, a.StatusCode, a.body)
		}
	}
	if p := bob.post("/agents/me/password", map[string]string{"current": "wrong", "password": "another long one"}).problem(t); p.Status != 422 {
		t.Errorf("own password without knowing it: %+v", p)
	}
	h.ok(bob.post("/agents/me/password", map[string]string{"current": password, "password": "another long one"}), nil)
	if a := bob.get("/session"); a.StatusCode != 401 {
		t.Errorf("a new password leaves the session: %d", a.StatusCode)
	}
	signed := h.login("cyn@desk.example")
	h.ok(ada.post("/agents/"+added.ID+"/deactivate", nil), nil)
	if a := signed.get("/session"); a.StatusCode != 401 {
		t.Errorf("a deactivated agent is still in: %d", a.StatusCode)
	}
	var list struct{ Items []api.Agent }
	h.ok(ada.get("/agents"), &list)
	if len(list.Items) != 3 || list.Items[2].Active {
		t.Errorf("%+v", list.Items)
	}
}
