package mailview_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/westshore/hub/gateway/mailview"
)

// leave is a page before links; its own host needs none.
var leave = &mailview.Leave{Key: make([]byte, 32), Own: func(host string) bool { return host == "help.house.example" }}

// hostileURLs are addresses that try not to look external, and 200 that vary them.
func hostileURLs() []string {
	list := []string{
		"https://evil.example/", "HTTPS://EVIL.example/a", "http://evil.example:8080/?q=1#f", "https://help.house.example.evil.example/",
		"https://help.house.example@evil.example/", "https://evil.example\\@help.house.example/", "https://evil.example/https://help.house.example/",
		"http://[::1]/", "http://127.0.0.1/", "https://xn--pple-43d.example/", "https://аррӏе.example/", "https://evil.example/%2e%2e/leave",
		"https://evil.example/?u=https://help.house.example&m=x", "//evil.example/", "https:evil.example", "https:///evil.example", " https://evil.example/ ",
	}
	for i := range 200 {
		list = append(list, fmt.Sprintf("https://h%d.evil.example/p%d?a=%d&b=<\"'>#x%d", i, i, i, i))
	}
	return list
}

// PRIVACY 6, test 29: every external link of a mail goes through our own page, which
// names the host and takes nothing that was not in a mail.
//
// clause: S5
func TestLinksLeaveOverOurPage(t *testing.T) {
	through := 0
	for _, u := range hostileURLs() {
		doc, _ := mailview.Document(`<a href="`+strings.ReplaceAll(u, `"`, "&quot;")+`">x</a>`, mailview.Options{Leave: leave})
		if strings.Contains(doc, `href="http`) || strings.Contains(doc, `href="//`) {
			t.Errorf("%q leads out by itself: %s", u, doc)
		}
		for _, l := range links(doc) {
			q, err := url.Parse(l)
			if err != nil || q.Path != mailview.LeavePath {
				t.Errorf("%q became %q", u, l)
				continue
			}
			host, ok := leave.Target(q.Query().Get("u"), q.Query().Get("m"))
			if !ok || host == "" || host == "help.house.example" {
				t.Errorf("%q is taken for %q", u, host)
			}
			through++
		}
	}
	if through < 200 {
		t.Fatalf("only %d links went through the page", through)
	}
	for _, own := range []string{"https://help.house.example/privacy", "mailto:a@b.example", "tel:+1"} {
		if got := leave.Link(own); got != own {
			t.Errorf("%s became %s", own, got)
		}
	}
}

// The page sends nobody where no mail of ours led.
func TestPageTakesOnlyOurLinks(t *testing.T) {
	q, err := url.Parse(leave.Link("https://evil.example/"))
	if err != nil {
		t.Fatal(err)
	}
	mac := q.Query().Get("m")
	for _, c := range [][2]string{{"https://other.example/", mac}, {"https://evil.example/", ""}, {"https://evil.example/", mac + "A"}, {"javascript:alert(1)", mac}} {
		if _, ok := leave.Target(c[0], c[1]); ok {
			t.Errorf("%q with %q was taken", c[0], c[1])
		}
	}
	other := &mailview.Leave{Key: []byte("another key, of another house")}
	if _, ok := other.Target("https://evil.example/", mac); ok {
		t.Error("another house's link was taken")
	}
}
