package acceptance_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// No mail is so bad that it is not seen, and none holds up the next.
func TestBadMail(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	from := func(name string) string {
		return fmt.Sprintf("From: %s@customer.test\r\nTo: %s\r\nSubject: bad %[1]s\r\nMessage-ID: <%[1]s@customer.test>\r\n", name, d.Support)
	}
	const mixed = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
	bad := []struct {
		name string
		raw  string
	}{
		{"empty", ""},
		{"blank", "\r\n\r\n\r\n"},
		{"no-body", from("no-body")},
		{"no-header", "just words, no header at all\r\nand more\r\n"},
		{"no-from", "To: " + d.Support + "\r\nSubject: bad no-from\r\n\r\nwords\r\n"},
		{"big", from("big") + "\r\n" + strings.Repeat(strings.Repeat("x", 998)+"\r\n", 60_000)},
		{"big-attachment", from("big-attachment") + mixed + "--b\r\nContent-Type: text/plain\r\n\r\nsee the file\r\n--b\r\n" +
			"Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=zeros.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
			wrapped(base64.StdEncoding.EncodeToString(make([]byte, 12<<20))) + "--b--\r\n"},
		{"truncated", from("truncated") + mixed + "--b\r\nContent-Type: text/plain\r\n\r\nthe beginning\r\n--b\r\n" +
			"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQKJe"},
		{"deep", from("deep") + nested(5_000)},
		{"deep-rfc822", from("deep-rfc822") + strings.Repeat("MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n", 20_000) + "\r\nend\r\n"},
		{"many-parts", from("many-parts") + mixed + strings.Repeat("--b\r\n\r\nx\r\n", 200_000) + "--b--\r\n"},
		{"many-headers", from("many-headers") + strings.Repeat("X-Again: and again\r\n", 200_000) + "\r\nwords\r\n"},
		{"long-header", from("long-header") + "X-Long: " + strings.Repeat("y", 5<<20) + "\r\n\r\nwords\r\n"},
		{"many-recipients", from("many-recipients") + "Cc: " + strings.Repeat("a@customer.test,\r\n ", 100_000) + "b@customer.test\r\n\r\nwords\r\n"},
		{"deep-html", from("deep-html") + "MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n" + strings.Repeat("<div><b>", 200_000) + "words\r\n"},
		{"wrong-charset", from("wrong-charset") + "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\ncaf\xe9 \xff\xfe\x00 words\r\n"},
		{"no-such-charset", from("no-such-charset") + "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=klingon\r\n\r\nwords\r\n"},
		{"bad-base64", from("bad-base64") + "MIME-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!! d29yZHM ===\r\n"},
		{"bad-words", "From: =?utf-8?B?///?= <bad-words@customer.test>\r\nTo: " + d.Support + "\r\nSubject: =?no-such?Q?=FF?= =?utf-8?B?=?= bad bad-words\r\n\r\nwords\r\n"},
		{"nul", from("nul") + "X-Nul: a\x00b\r\n\r\nwo\x00rds\r\n"},
		{"hostile-html", from("hostile-html") + "MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script><img src=x onerror=alert(1)><style>@import 'http://evil.test'</style>words\r\n"},
	}
	for i, b := range bad {
		if err := postRaw(d.SMTP, b.name+"@customer.test", d.Support, []byte(b.raw)); err != nil {
			t.Fatalf("%s: the sandbox refuses it: %v", b.name, err)
		}
		sent := time.Now()
		good := &letter{from: fmt.Sprintf("good%d@customer.test", i), to: d.Support, subject: "good " + mark(), text: mark()}
		post(t, d.SMTP, good)
		d.ticketWith(good.subject)
		t.Logf("%-16s %9d bytes: the mail after it is a ticket in %v", b.name, len(b.raw), time.Since(sent).Round(time.Millisecond))
	}
	visible := func() (n int, subjects string) {
		var text strings.Builder
		for _, t := range must[[]ticket](d.hub)(list[ticket](d.hub, "/tickets?view=all")) {
			n++
			fmt.Fprintf(&text, "%s|", t.Subject)
		}
		for _, q := range must[[]quarantined](d.hub)(list[quarantined](d.hub, "/quarantine")) {
			n++
			fmt.Fprintf(&text, "%s %s %s|", q.Subject, q.Reason, q.Detail)
		}
		return n, text.String()
	}
	until(t, "every mail in sight", func() (bool, string) {
		n, _ := visible()
		return n == 2*len(bad), fmt.Sprintf("%d of %d", n, 2*len(bad))
	})
	_, subjects := visible()
	for _, b := range bad {
		if strings.Contains(b.raw, "bad "+b.name) && !strings.Contains(subjects, "bad "+b.name) {
			t.Errorf("%s is nowhere to be seen by its subject", b.name)
		}
	}
	d.readable(t)
	t.Logf("peak memory of the hub: %s", d.peak(t))
	if d.ended() {
		t.Error("the hub has ended")
	}
	d.process.stop(t)
}

// readable opens every ticket and downloads the original of every message.
func (d *demoHub) readable(t *testing.T) {
	t.Helper()
	for _, brief := range must[[]ticket](d.hub)(list[ticket](d.hub, "/tickets?view=all")) {
		full, err := d.read(brief.ID)
		if err != nil {
			t.Errorf("ticket %d %q cannot be opened: %v", brief.Number, brief.Subject, err)
			continue
		}
		for _, m := range full.Messages {
			if m.Kind != "inbound" {
				continue
			}
			if strings.Contains(brief.Subject, "bad ") {
				t.Logf("%s: %d bytes of text, %d attachments, class %s, warnings %v", brief.Subject, len(m.Text), len(m.Attachments), m.Class, m.Warnings)
			}
			for _, path := range []string{"/raw"} {
				if status := d.fetch(t, "/tickets/"+full.ID+"/messages/"+m.ID+path); status != 200 {
					t.Errorf("ticket %d %q: %s answers %d", full.Number, full.Subject, path, status)
				}
			}
			if strings.Contains(m.Text, "alert(1)") && strings.Contains(m.Text, "<script") {
				t.Errorf("ticket %d: a script stands in the text", full.Number)
			}
		}
	}
	for _, q := range must[[]quarantined](d.hub)(list[quarantined](d.hub, "/quarantine")) {
		t.Logf("quarantined: %q: %s %s", q.Subject, q.Reason, q.Detail)
		if status := d.fetch(t, "/quarantine/"+q.ID+"/raw"); status != 200 {
			t.Errorf("quarantined %s: raw answers %d", q.Reason, status)
		}
	}
}

// fetch reads an answer that is no JSON.
func (h *hub) fetch(t *testing.T, path string) (status int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", h.url+"/api/v1"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.token)
	res, err := h.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Errorf("%s: %v", path, err)
	}
	return res.StatusCode
}

// peak is the most memory that the process had.
func (p *process) peak(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return err.Error()
	}
	return word(t, string(b), "VmHWM:")
}

func wrapped(s string) string {
	var b bytes.Buffer
	for len(s) > 76 {
		b.WriteString(s[:76] + "\r\n")
		s = s[76:]
	}
	b.WriteString(s + "\r\n")
	return b.String()
}

// nested is a multipart in a multipart, and so on.
func nested(depth int) string {
	var b strings.Builder
	b.WriteString("MIME-Version: 1.0\r\n")
	for i := range depth {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%[1]d\r\n", i)
	}
	b.WriteString("Content-Type: text/plain\r\n\r\nthe innermost\r\n")
	return b.String()
}
