package mailview_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/gateway/mailview"
)

// clause: S5
// Links of plain text pass the page before strangers' sites like those of HTML.
func TestTextLinksGoOverOurPage(t *testing.T) {
	text := "See https://a.example/x?y=1. Or (HTTP://b.example/c), https://a.example/b_(c) and https://help.house.example/faq! " +
		"javascript:alert(1) https:// ftp://c.example mailto:ada@example.org https://a.example/x?y=1"
	var words []string
	for _, l := range leave.Links(text) {
		words = append(words, l.Text)
		own := strings.Contains(l.Text, "help.house.example")
		if own != (l.Href == l.Text) || !own && !strings.HasPrefix(l.Href, mailview.LeavePath+"?u=") {
			t.Errorf("%s leads to %s", l.Text, l.Href)
		}
	}
	want := []string{"https://a.example/x?y=1", "HTTP://b.example/c", "https://a.example/b_(c)", "https://help.house.example/faq"}
	if diff := cmp.Diff(want, words); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}

func TestTextLinksAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 1000 {
		b.WriteString("http://a.example/" + strings.Repeat("x", i+1) + " ")
	}
	if n := len(leave.Links(b.String())); n != 200 {
		t.Errorf("%d links of a text are clickable, want 200", n)
	}
	if n := len(leave.Links("http://a.example/" + strings.Repeat("x", 3000))); n != 0 {
		t.Errorf("an address of 3,000 bytes is a link")
	}
}

// An address that only a browser can read is no link: it would lead past the page.
//
// clause: S5
func TestHostileTextLinksLeadNowherePastThePage(t *testing.T) {
	for _, text := range []string{
		`https://evil.example\@help.house.example/`, "https://evil.example:port/", "https://evil.example/%zz", `https://evil.example\.help.house.example/`,
		"https://help.house.example@evil.example/", "https://help.house.example:80@evil.example/", "https://evil.example#@help.house.example/",
		"https://evil.example?@help.house.example/", "https://[::1", "https://help.house.example.evil.example/", "https://help.house.example%2eevil.example/",
	} {
		for _, l := range leave.Links(text) {
			if !strings.HasPrefix(l.Href, mailview.LeavePath+"?u=") {
				t.Errorf("%q leads to %q", text, l.Href)
			}
		}
	}
}
