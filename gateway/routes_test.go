package gateway_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/westshore/hub/gateway"
)

var always = []string{"X-Content-Type-Options", "Content-Security-Policy", "Referrer-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Permissions-Policy", "X-Request-Id", "Cache-Control", "X-Frame-Options"}

func TestHeadersOnEveryRoute(t *testing.T) {
	h := newHouse(t)
	bob := h.login("bob@desk.example")
	for _, r := range []answer{
		h.send("GET", "/", nil), h.send("GET", "/tickets/12", nil), h.send("GET", "/assets/nosuch.js", nil), h.send("GET", "/f/contact", nil),
		h.send("GET", "/api/openapi.json", nil), h.send("GET", "/api/v1/tickets", nil), bob.get("/tickets"), bob.get("/nosuch"), bob.post("/session", map[string]string{}),
		h.send("GET", "/", nil, "X-Long", strings.Repeat("x", 20_000)), h.send("OPTIONS", "/api/v1/tickets", nil), h.send("PUT", "/", "x"), h.send("POST", "/f/contact", "x"), h.send("DELETE", "/api/v1/tickets/1", nil, bob.headers...),
	} {
		for _, name := range always {
			if r.Header.Get(name) == "" {
				t.Errorf("%s %s (%d) lacks %s", r.Request.Method, r.Request.URL.Path, r.StatusCode, name)
			}
		}
		if r.Header.Get("Access-Control-Allow-Origin") != "" || r.Header.Get("Server") != "" {
			t.Errorf("%s %s: %v", r.Request.Method, r.Request.URL.Path, r.Header)
		}
	}
	if a := h.send("GET", "/", nil, "X-Request-Id", "chosen-by-a-stranger"); a.Header.Get("X-Request-Id") == "chosen-by-a-stranger" {
		t.Error("a stranger chose the request id")
	}
}

func TestBehindATLSProxy(t *testing.T) {
	h := newHouse(t, func(c *gateway.Config) {
		c.PublicURL, c.Proxies = "https://help.example.org", []string{"127.0.0.1"}
	})
	a := h.ok(h.send("POST", "/api/v1/session", map[string]string{"email": "bob@desk.example", "password": password}, "Origin", "https://help.example.org"), nil)
	if !strings.Contains(a.Header.Get("Set-Cookie"), "; Secure") || a.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%v", a.Header)
	}
	if a := h.send("GET", "/", nil, "X-Request-Id", "from-our-proxy-1"); a.Header.Get("X-Request-Id") != "from-our-proxy-1" {
		t.Errorf("%v", a.Header)
	}
	// The last hop before our proxy counts, whatever stands before it.
	for i := range 31 {
		a = h.send("POST", "/api/v1/session", map[string]string{"email": path("n%d@desk.example", i), "password": "guess guess"}, "X-Forwarded-For", path("10.0.0.%d, 203.0.113.7", i))
	}
	if a.StatusCode != http.StatusTooManyRequests {
		t.Errorf("%d", a.StatusCode)
	}
	if a := h.send("POST", "/api/v1/session", map[string]string{"email": "bob@desk.example", "password": password}, "X-Forwarded-For", "203.0.113.8"); a.StatusCode != 200 {
		t.Errorf("another client: %d", a.StatusCode)
	}
	for _, bad := range []gateway.Config{{PublicURL: "help.example.org"}, {Proxies: []string{"somewhere"}}} {
		bad.Logger = h.kit.Logger
		if _, err := gateway.New(bad, gateway.Rooms{}); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

func TestConsole(t *testing.T) {
	h := newHouse(t)
	one, two := h.ok(h.send("GET", "/", nil), nil), h.ok(h.send("GET", "/t/12?view=open", nil), nil)
	nonce := regexp.MustCompile(`'nonce-([^']+)'`)
	a, b := nonce.FindStringSubmatch(one.Header.Get("Content-Security-Policy")), nonce.FindStringSubmatch(two.Header.Get("Content-Security-Policy"))
	if a == nil || b == nil || a[1] == b[1] || !strings.Contains(string(one.body), a[1]) || !strings.HasPrefix(one.Header.Get("Content-Type"), "text/html") {
		t.Errorf("%v %v", a, b)
	}
	if p := h.send("POST", "/t/12", map[string]string{}).problem(t); p.Status != 405 {
		t.Errorf("%+v", p)
	}
	asset := regexp.MustCompile(`/assets/[^"]+\.js`).FindString(string(one.body))
	if asset == "" {
		t.Log("the console is not built: its assets are not looked at")
		return
	}
	file := h.ok(h.send("GET", asset, nil, "Accept-Encoding", "br"), nil)
	if !strings.Contains(file.Header.Get("Cache-Control"), "immutable") || file.Header.Get("ETag") == "" {
		t.Errorf("%v", file.Header)
	}
	if a := h.send("GET", asset, nil, "If-None-Match", file.Header.Get("ETag"), "Accept-Encoding", "br"); a.StatusCode != http.StatusNotModified || len(a.body) != 0 {
		t.Errorf("%d", a.StatusCode)
	}
}

// contract lists what tools and the console rely on.
var contract = []string{
	"POST /session", "GET /session", "DELETE /session", "GET /tickets", "GET /tickets/counts", "GET /tickets/{id}", "GET /tickets/{id}/history",
	"GET /messages/{ticket}/{message}/body", "GET /tickets/{id}/messages/{message}/attachments/{attachment}", "GET /tickets/{id}/messages/{message}/raw",
	"POST /tickets/{id}/reply", "POST /tickets/{id}/note", "POST /tickets/{id}/assign", "POST /tickets/{id}/resolve", "POST /tickets/{id}/reopen",
	"POST /tickets/{id}/priority", "POST /tickets/{id}/tag", "GET /outbox", "POST /outbox/{id}/retry", "POST /outbox/{id}/cancel", "POST /outbox/{id}/resolve",
	"GET /quarantine", "GET /quarantine/{id}/raw", "POST /quarantine/{id}/release", "POST /quarantine/{id}/discard", "GET /customers/{id}", "GET /agents",
	"GET /mailboxes", "GET /system", "GET /live",
}

func TestOpenAPI(t *testing.T) {
	h := newHouse(t)
	a := h.ok(h.send("GET", "/api/openapi.json", nil), nil)
	var doc struct {
		OpenAPI    string
		Servers    []struct{ URL string }
		Paths      map[string]map[string]json.RawMessage
		Components struct{ Schemas map[string]json.RawMessage }
	}
	a.into(t, &doc)
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || len(doc.Servers) != 1 || doc.Servers[0].URL != "/api/v1" {
		t.Errorf("%s %+v", doc.OpenAPI, doc.Servers)
	}
	var listed []string
	for p, methods := range doc.Paths {
		for m := range methods {
			listed = append(listed, strings.ToUpper(m)+" "+p)
		}
	}
	for _, want := range contract {
		if !slices.Contains(listed, want) {
			t.Errorf("%s is missing", want)
		}
	}
	// Every operation is really there, and asks who is calling.
	for _, op := range listed {
		method, p, _ := strings.Cut(op, " ")
		if op == "POST /session" {
			continue
		}
		p = regexp.MustCompile(`\{\w+\}`).ReplaceAllString(p, "1")
		if r := h.send(method, "/api/v1"+p, nil); r.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s without an account: %d", op, r.StatusCode)
		}
	}
	// Every reference has a target.
	for _, ref := range regexp.MustCompile(`"#/components/schemas/([^"]+)"`).FindAllSubmatch(a.body, -1) {
		if doc.Components.Schemas[string(ref[1])] == nil {
			t.Errorf("no schema %s", ref[1])
		}
	}
	if r := h.send("GET", "/api/openapi.json", nil, "If-None-Match", a.Header.Get("ETag")); r.StatusCode != http.StatusNotModified {
		t.Errorf("%d", r.StatusCode)
	}
}
