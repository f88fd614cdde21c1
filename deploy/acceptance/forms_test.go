package acceptance_test

import (
	"bytes"
	"encoding/json"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// web is for requests without a token. What takes longer than this is not
// answered.
var web = &http.Client{Timeout: time.Minute}

// submit sends a form as a program does.
func submit(t testing.TB, to string, fields map[string]string) (status int, body string) {
	t.Helper()
	b, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return send(t, to, "application/json", b)
}

func send(t testing.TB, to, kind string, body []byte) (status int, answer string) {
	t.Helper()
	res, err := web.Post(to, kind, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return answered(t, res)
}

func get(t testing.TB, url string) (status int, body string) {
	t.Helper()
	res, err := web.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	return answered(t, res)
}

func answered(t testing.TB, res *http.Response) (status int, body string) {
	t.Helper()
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// A form says what is wrong with what it was given, takes hostile text as text,
// and a person's browser and a program both get through.
func TestForms(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	good := func(change ...string) map[string]string {
		f := map[string]string{"name": "Ada", "email": mark() + "@customer.test", "subject": "Form " + mark(), "message": mark()}
		for i := 0; i+1 < len(change); i += 2 {
			f[change[i]] = change[i+1]
		}
		return f
	}
	for name, test := range map[string]struct {
		fields map[string]string
		want   []string
	}{
		"nothing":  {map[string]string{}, []string{"enter your name", "enter your email address", "enter a subject", "enter a message"}},
		"no mail":  {good("email", "not an address"), []string{"email address like"}},
		"two mail": {good("email", "a@customer.test, b@customer.test"), []string{"email address like"}},
		"bcc":      {good("email", "a@customer.test\r\nBcc: b@customer.test"), []string{"email address like"}},
		"long":     {good("message", strings.Repeat("x", 20_001), "subject", strings.Repeat("y", 500)), []string{"at most 20000", "at most 200"}},
	} {
		status, body := submit(t, d.Form, test.fields)
		if status != 422 {
			t.Errorf("%s: status %d: %s", name, status, body)
		}
		for _, want := range test.want {
			if !strings.Contains(body, want) {
				t.Errorf("%s: no word of %q in %s", name, want, body)
			}
		}
	}
	for name, test := range map[string]struct {
		kind, body string
		status     int
	}{
		"no form at all":     {"application/json", "{", 422},
		"not the right kind": {"application/json", `{"name":{"a":1}}`, 422},
		"other type":         {"text/plain", "name=x", 415},
		"too much":           {"application/json", `{"message":"` + strings.Repeat("x", 3<<20) + `"}`, 413},
		"far too much":       {"application/json", `{"message":"` + strings.Repeat("x", 28<<20) + `"}`, 413},
	} {
		status, body := send(t, d.Form, test.kind, []byte(test.body))
		if status != test.status {
			t.Errorf("%s: status %d, want %d: %s", name, status, test.status, body[:min(300, len(body))])
		}
	}
	if status, body := get(t, d.url+"/f/no-such-form"); status != 404 || !strings.Contains(body, "form") {
		t.Errorf("unknown form: %d %s", status, body)
	}

	hostile := good("name", "<script>alert(1)</script>\r\nBcc: x@customer.test", "subject", "Hostile \u202e"+mark()+" <img src=x onerror=alert(1)>",
		"message", "'; DROP TABLE tickets; -- \x00 <script>alert(1)</script> "+mark(), "unknown", "field")
	if status, body := submit(t, d.Form, hostile); status != 202 {
		t.Fatalf("hostile: %d %s", status, body)
	}
	first := d.ticketWith("Hostile")
	if text := first.Messages[0].Text; !strings.Contains(text, "<script>alert(1)</script>") || !strings.Contains(text, "DROP TABLE") {
		t.Errorf("the words are not as they were written: %q", text)
	}
	if strings.ContainsAny(first.Subject+first.Customer.Name, "\r\n\u202e") {
		t.Errorf("controls passed: %q from %q", first.Subject, first.Customer.Name)
	}
	words := mark()
	if err := d.reply(first.ID, words, false); err != nil {
		t.Fatal(err)
	}
	answer := inbox{d.IMAP, hostile["email"], d.Password}.with(t, words)
	if answer.Get("Bcc") != "" {
		t.Errorf("a header came in by the form:\n%s", answer.raw)
	}
	testBrowserForm(t, d, good())
	testFloodOfForms(t, d, good)
	d.process.stop(t)
}

var hidden = regexp.MustCompile(`name="?stamp"?[^>]*value="?([A-Za-z0-9_-]+)`)

// testBrowserForm sends the form as the page does: an error keeps what was
// written, escaped, and the second try goes through.
func testBrowserForm(t *testing.T, d *demoHub, fields map[string]string) {
	t.Helper()
	values := url.Values{"stamp": {again(t, d)}}
	for k, v := range fields {
		values.Set(k, v)
	}
	values.Set("message", `"><script>alert(1)</script>`+fields["message"])
	values.Set("email", "nonsense")
	status, page := postPage(t, d.Form, values)
	if status != 422 || !strings.Contains(page, "email address like") || strings.Contains(page, "<script>alert") || !strings.Contains(page, html.EscapeString(fields["subject"])) {
		t.Errorf("a mistake: %d %s", status, page)
	}
	values.Set("email", fields["email"])
	values.Set("website", "http://spam.test")
	if status, page = postPage(t, d.Form, values); status != 422 || !strings.Contains(page, "people do not see") {
		t.Errorf("the trap: %d %s", status, page)
	}
	values.Del("website")
	// Every try counts for the limit, so the page waits as long as a person does
	// who was told to.
	values.Set("stamp", again(t, d))
	if status, page = postPage(t, d.Form, values); status != 422 || !strings.Contains(page, "very quick") {
		t.Errorf("a page sent at once: %d %s", status, page)
	}
	<-time.After(2100 * time.Millisecond)
	if status, page = postPage(t, d.Form, values); status != 200 {
		t.Errorf("a good form: %d %s", status, page)
	}
	d.ticketWith(fields["subject"])
	if status, page = postPage(t, d.Form, values); status != 200 {
		t.Errorf("the same page again: %d %s", status, page)
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.WriteField("name", "Ada")
	w.Close()
	if status, _ := send(t, d.Form, w.FormDataContentType(), b.Bytes()[:b.Len()-10]); status/100 != 4 {
		t.Errorf("a form cut short: %d", status)
	}
}

// again opens the page anew, and returns its stamp.
func again(t *testing.T, d *demoHub) string {
	t.Helper()
	_, page := get(t, d.Form)
	stamp := hidden.FindStringSubmatch(page)
	if stamp == nil {
		t.Fatalf("no stamp in the page: %s", page)
	}
	return stamp[1]
}

func postPage(t *testing.T, to string, values url.Values) (status int, page string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", to, strings.NewReader(values.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "text/html")
	res, err := web.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return answered(t, res)
}

// testFloodOfForms goes on until the form says that it is too much, and counts
// that what was thanked for is there once, the page sent twice too.
func testFloodOfForms(t *testing.T, d *demoHub, good func(...string) map[string]string) {
	t.Helper()
	thanked := map[string]bool{}
	var status int
	var body string
	for range 100 {
		f := good()
		if status, body = submit(t, d.Form, f); status != 202 {
			break
		}
		thanked[f["message"]] = true
	}
	if status != 429 || !strings.Contains(strings.ToLower(body), "wait") {
		t.Errorf("after %d forms: %d %s", len(thanked), status, body)
	}
	sent := time.Now()
	var texts []string
	for text := range thanked {
		d.waitText(text)
		texts = append(texts, text)
	}
	for text, n := range d.count(texts...) {
		if n != 1 {
			t.Errorf("%s is there %d times", text, n)
		}
	}
	t.Logf("%d forms taken before the limit, all there %v later", len(thanked), time.Since(sent).Round(time.Millisecond))
}

// waitText waits until a message with a text can be found by search.
func (h *hub) waitText(text string) {
	h.t.Helper()
	until(h.t, "a ticket found by "+text, func() (bool, string) {
		var page struct{ Items []ticket }
		err := h.call("GET", "/tickets?view=all&q="+url.QueryEscape(text), nil, &page)
		return err == nil && len(page.Items) == 1, "nothing"
	})
}
