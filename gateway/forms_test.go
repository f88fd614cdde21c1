package gateway_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/westshore/hub/gateway/api"
)

var stampInput = regexp.MustCompile(`name="stamp" value="([^"]+)"`)

// stamp opens the page of a form and waits as long as a person writes.
func (h *house) stamp(form string) string {
	h.Helper()
	page := h.ok(h.send("GET", "/f/"+form, nil), nil)
	m := stampInput.FindSubmatch(page.body)
	if m == nil {
		h.Fatalf("no stamp in %s", page.body)
	}
	<-time.After(2100 * time.Millisecond) // the form refuses what is sent within two seconds
	return string(m[1])
}

const browser = "text/html,application/xhtml+xml,*/*;q=0.8"

func (h *house) browse(form string, values url.Values) answer {
	h.Helper()
	return h.send("POST", "/f/"+form, values.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Accept", browser)
}

func filled(change ...string) url.Values {
	v := url.Values{"name": {"Cleo"}, "email": {"cleo@customer.example"}, "subject": {"Hello"}, "message": {"It is <b>broken</b>."}, "website": {""}}
	for i := 0; i+1 < len(change); i += 2 {
		v.Set(change[i], change[i+1])
	}
	return v
}

func TestHostedForm(t *testing.T) {
	h := newHouse(t)
	page := h.ok(h.send("GET", "/f/contact", nil), nil)
	csp := page.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("policy %q lacks %s", csp, want)
		}
	}
	html := string(page.body)
	for _, want := range []string{`<label for="email">`, `autocomplete="email"`, `lang="en"`, `enctype="multipart/form-data"`, `<button type="submit">`, "prefers-color-scheme: dark"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(html, "<script") || !strings.Contains(csp, "'nonce-"+regexp.MustCompile(`nonce="([^"]+)"`).FindStringSubmatch(html)[1]+"'") {
		t.Error("a script, or a nonce that does not fit")
	}

	stamp := h.stamp("contact")
	bad := h.browse("contact", filled("stamp", stamp, "email", "nope", "message", "", "name", `"><script>`))
	html = string(bad.body)
	for _, want := range []string{
		`role="alert"`, `<a href="#email">Please enter an email address like name@example.org.</a>`, `<a href="#message">Please enter a message.</a>`,
		`aria-invalid="true"`, `aria-describedby="email-hint email-error"`, `value="&#34;&gt;&lt;script&gt;"`, "attach them again", "<title>Please check:",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page with errors lacks %s in %s", want, html)
		}
	}
	if bad.StatusCode != 422 || strings.Contains(html, "<script") {
		t.Errorf("%d", bad.StatusCode)
	}
	good := h.browse("contact", filled("stamp", stamp))
	if good.StatusCode != 200 || !strings.Contains(string(good.body), "Thank you") || strings.Contains(string(good.body), "cleo@") {
		t.Fatalf("%d %s", good.StatusCode, good.body)
	}
	h.ok(h.browse("contact", filled("stamp", stamp)), nil) // a double click
	bob := h.login("bob@desk.example")
	bob.listed("Hello")
	var c api.Counts
	if h.ok(bob.get("/tickets/counts"), &c); c.All != 1 {
		t.Errorf("a double click made %d tickets", c.All)
	}
}

func TestFramedForm(t *testing.T) {
	h := newHouse(t)
	page := h.ok(h.send("GET", "/f/framed", nil), nil)
	if csp := page.Header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, "frame-ancestors 'self' https://www.example.org") || page.Header.Get("X-Frame-Options") != "" {
		t.Errorf("%s %v", csp, page.Header)
	}
	if !strings.Contains(string(page.body), "<option>&lt;b&gt;</option>") || strings.Contains(string(page.body), "multipart") {
		t.Errorf("%s", page.body)
	}
}

func TestFormForPrograms(t *testing.T) {
	h := newHouse(t)
	body := map[string]any{"name": "Cleo", "email": "cleo@customer.example", "subject": "By program", "message": "x"}
	var one, two struct{ Inquiry string }
	first := h.ok(h.send("POST", "/f/contact", body, "Idempotency-Key", "k1"), &one)
	h.ok(h.send("POST", "/f/contact", body, "Idempotency-Key", "k1"), &two)
	if first.StatusCode != http.StatusAccepted || len(one.Inquiry) != 32 || one != two {
		t.Errorf("%d %+v %+v", first.StatusCode, one, two)
	}
	a := h.send("POST", "/f/contact", filled().Encode(), "Content-Type", "application/x-www-form-urlencoded", "Accept", "application/json")
	if a.StatusCode != http.StatusAccepted {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	delete(body, "email")
	p := h.send("POST", "/f/contact", body).problem(t)
	if p.Status != 422 || p.Code != "invalid" || len(p.Errors) != 1 || p.Errors[0].Location != "email" {
		t.Errorf("%+v", p)
	}
	h.mu.Lock()
	h.away = errors.New("the bus is away")
	h.mu.Unlock()
	body["email"] = "cleo@customer.example"
	if p := h.send("POST", "/f/contact", body).problem(t); p.Status != 503 || p.Code != "unavailable" {
		t.Errorf("thanked for what was not kept: %+v", p)
	}
	if a := h.browse("contact", filled("stamp", h.stamp("contact"))); a.StatusCode != 503 || !strings.Contains(string(a.body), "Nothing was sent") || !strings.Contains(string(a.body), "It is &lt;b&gt;broken") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestFormFiles(t *testing.T) {
	h := newHouse(t)
	post := func(accept string, files ...string) answer {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for k, v := range filled("subject", "With files") {
			h.must(w.WriteField(k, v[0]))
		}
		for i, f := range files {
			to, err := w.CreateFormFile("files", fmt.Sprintf("f%d.txt", i))
			h.must(err)
			_, err = io.WriteString(to, f)
			h.must(err)
		}
		h.must(w.Close())
		return h.send("POST", "/f/contact", b.Bytes(), "Content-Type", w.FormDataContentType(), "Accept", accept)
	}
	h.ok(post("application/json", "first file", "second file"), nil)
	bob := h.login("bob@desk.example")
	tk := bob.listed("With files")
	var d detail
	h.ok(bob.get("/tickets/"+tk.ID), &d)
	m := d.Messages[0]
	if len(m.Attachments) != 2 || m.Attachments[1].Name != "f1.txt" {
		t.Fatalf("%+v", m.Attachments)
	}
	a := h.ok(bob.get("/tickets/"+tk.ID+"/messages/"+m.ID+"/attachments/"+m.Attachments[1].ID), nil)
	if string(a.body) != "second file" {
		t.Errorf("%q", a.body)
	}
	big := strings.Repeat("x", 1<<20+1)
	if p := post("application/json", big).problem(t); p.Status != 413 || p.Code != "too_large" {
		t.Errorf("a file too large: %+v", p)
	}
	if a := post(browser, big); a.StatusCode != 413 || !strings.Contains(string(a.body), "larger than 1 MB") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if p := post("application/json", "1", "2", "3", "4", "5", "6").problem(t); p.Status != 422 {
		t.Errorf("too many files: %+v", p)
	}
	if p := post("application/json", strings.Repeat("y", 1<<20), strings.Repeat("y", 1<<20), strings.Repeat("y", 1<<20), strings.Repeat("y", 1<<20)).problem(t); p.Status != 413 {
		t.Errorf("a request larger than the form takes: %+v", p)
	}
}

func TestHostileForms(t *testing.T) {
	h := newHouse(t)
	long := strings.Repeat("x", 3<<20)
	for name, c := range map[string]struct {
		kind, accept, body string
		status             int
	}{
		"no stamp":         {"application/x-www-form-urlencoded", browser, filled().Encode(), 422},
		"trap":             {"application/x-www-form-urlencoded", browser, filled("website", "https://spam.example").Encode(), 422},
		"wrong type":       {"application/xml", "application/json", "<x/>", 415},
		"no type":          {"", "application/json", "x", 415},
		"text/plain":       {"text/plain", browser, "name=x", 415},
		"broken json":      {"application/json", "", "{", 422},
		"json array":       {"application/json", "", "[]", 422},
		"json numbers":     {"application/json", "", `{"name":1}`, 422},
		"deep json":        {"application/json", "", strings.Repeat(`{"a":`, 100_000), 422},
		"huge json":        {"application/json", "", `{"message":"` + long + `"}`, 413},
		"huge form":        {"application/x-www-form-urlencoded", "application/json", "message=" + long, 413},
		"bad escape":       {"application/x-www-form-urlencoded", "application/json", "name=%zz", 422},
		"no boundary":      {"multipart/form-data", "application/json", "x", 422},
		"cut multipart":    {"multipart/form-data; boundary=b", "application/json", "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nx", 422},
		"multipart nested": {"multipart/form-data; boundary=b", "application/json", strings.Repeat("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n", 1000) + "--b--", 413},
		"nul and bidi":     {"application/json", "", `{"name":"\u0000\u202e","email":"a@b.example","subject":"s","message":"m"}`, 422},
		"injected address": {"application/json", "", `{"name":"n","email":"a@b.example\nBcc: c@d.example","subject":"s","message":"m"}`, 422},
	} {
		a := h.send("POST", "/f/contact", c.body, "Content-Type", c.kind, "Accept", c.accept)
		if a.StatusCode != c.status {
			t.Errorf("%s: %d %.300s", name, a.StatusCode, a.body)
		}
	}
	if p := h.send("POST", "/f/nosuch", map[string]string{}).problem(t); p.Status != 404 {
		t.Errorf("%+v", p)
	}
	if a := h.send("GET", "/f/nosuch", nil, "Accept", browser); a.StatusCode != 404 || !strings.Contains(string(a.body), "There is no such form") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := h.send("GET", "/f/../api/v1/tickets", nil); a.StatusCode == 200 && strings.Contains(string(a.body), "items") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestFormLimitComesBeforeTheBody(t *testing.T) {
	h := newHouse(t)
	var last answer
	for range 61 {
		last = h.send("POST", "/f/contact", map[string]string{"name": "x"}, "X-Forwarded-For", "203.0.113.9")
	}
	if p := last.problem(t); p.Status != 429 || last.Header.Get("Retry-After") == "" {
		t.Fatalf("%+v", p)
	}
	if a := h.browse("contact", filled()); a.StatusCode != 429 || !strings.Contains(string(a.body), "Too many messages") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

// What is left of a refused body is never taken for the next request.
func TestLeftOversAreNoRequest(t *testing.T) {
	h := newHouse(t)
	hidden := "GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, request := range map[string]string{
		"length":   "POST /f/nosuch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " + fmt.Sprint(len(hidden)) + "\r\n\r\n" + hidden,
		"chunked":  "POST /f/nosuch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(hidden), hidden),
		"api":      "POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " + fmt.Sprint(len(hidden)) + "\r\n\r\n" + hidden,
		"too much": "POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n" + hidden + strings.Repeat("x", 10_000),
		"get":      "GET /f/contact HTTP/1.1\r\nHost: x\r\nContent-Length: " + fmt.Sprint(len(hidden)) + "\r\n\r\n" + hidden,
		"both":     "POST /f/contact HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(hidden), hidden),
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", h.gateway.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			h.must(conn.SetDeadline(time.Now().Add(5 * time.Second)))
			_, _ = io.WriteString(conn, request+"GET /nosuch-next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			answers := 0
			r := bufio.NewReader(conn)
			for {
				res, err := http.ReadResponse(r, nil)
				if err != nil {
					break
				}
				b, _ := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if answers++; strings.Contains(string(b), `"openapi"`) {
					t.Fatal("the hidden request was answered")
				}
			}
			if answers == 0 || answers > 2 {
				t.Errorf("%d answers", answers)
			}
		})
	}
}
