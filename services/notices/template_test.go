package notices

import (
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/westshore/hub/events"
)

// FIELD 19: what a person calls themselves is data, whatever it looks like.
func TestAttack19PlaceholdersInValuesStayText(t *testing.T) {
	parts, err := parse("Dear {{name|reader}}, {{city}}.")
	if err != nil {
		t.Fatal(err)
	}
	v := values{"name": "{{brand}}", "city": "{{name}} }} {{", "brand": "INJECTED"}
	if got, want := parts.render(v, asIs), "Dear {{brand}}, {{name}} }} {{."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := parts.render(values{"name": `<script>"x"</script>`, "city": "b"}, inHTML), "Dear &lt;script&gt;&#34;x&#34;&lt;/script&gt;, b."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FIELD 6 and 19: anybody may write to us under any name, and a notice in our name
// must not carry what they chose.
func TestAttack6NamesThatAreMessagesAreNotUsed(t *testing.T) {
	for name, want := range map[string]string{
		"Ada Byron":                             "Ada Byron",
		"  Ada\tByron ":                         "Ada Byron",
		"Dr. Anne-Marie O’Neill, Jr.":           "Dr. Anne-Marie O’Neill, Jr.",
		"Ζωή Παπαδάκη":                          "Ζωή Παπαδάκη",
		"Click evil.example":                    "",
		"https://evil.example":                  "",
		"Win 1000":                              "",
		"you@evil.example":                      "",
		"Ada\r\nBcc: all@evil.example":          "",
		"Ada\u202egnp.exe":                      "",
		strings.Repeat("a ", 60):                "",
		"...":                                   "",
		"":                                      "",
		"Ada\u200b Byron":                       "Ada Byron",
		"Your account is closed, call us today": "",
	} {
		if got := personName(name); got != want {
			t.Errorf("personName(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestTemplatesThatDoNotParse(t *testing.T) {
	for _, s := range []string{"{{", "{{name", "{{ }}", "{{Name}}", "{{name|}}", "{{name|{{brand}}}}", "{{a b}}", "{{../x}}", "{{name|a\nb}}"} {
		if _, err := parse(s); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}

func TestHTMLHoldsNothingThatRunsOrLoads(t *testing.T) {
	link := func(name string) bool { return houseValues[name] }
	good := []string{
		`<p style="color:#333">Dear {{name|reader}},<br>see <a href="{{website}}">{{website}}</a> or <a href="https://x.test/a?b=c">this</a>.</p>`,
		`<table width="100%"><tr><td colspan="2">&copy; {{brand}}</td></tr></table>`,
	}
	bad := []string{
		`<script>alert(1)</script>`, `<p onclick="x">`, `<img src="https://t.test/pixel">`, `<a href="javascript:x">`, `<a href="{{name}}">`,
		`<p style="{{name}}">`, `<p title="{{brand}}">`, `<{{name}}>`, `<p {{name}}="x">`, `<a href="https://x.test/{{name}}">`, `<style>{{name}}</style>`,
		`<!-- {{name}} -->`, `<div style="background:url(https://t.test)">`, `<iframe src="x">`, `<form action="x">`, `<svg onload=x>`, `<base href="x">`,
		`<div style="position:fixed">`, `<textarea>{{name}}</textarea>`, `<noscript><p title="</noscript><img src=x onerror=x>">`, `</script>`,
	}
	for i, s := range append(good, bad...) {
		parts, err := parse(s)
		if err == nil {
			err = checkHTML(parts, link)
		}
		if ok := i < len(good); ok != (err == nil) {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// FuzzValuesNeverBecomeMarkup: whatever a value is, the rendered HTML has the
// elements and attributes of the template, and the value is text (FIELD 13, 19).
func FuzzValuesNeverBecomeMarkup(f *testing.F) {
	for _, s := range []string{"Ada", `"><script>`, "{{brand}}", "&lt;", "' onmouseover='x", "\x00<b>", "--><p>"} {
		f.Add(s)
	}
	parts, err := parse(`<p>Dear <b>{{who}}</b>, <a href="{{website}}">{{who}}</a></p>`)
	if err != nil {
		f.Fatal(err)
	}
	shape := func(s string) string {
		var b strings.Builder
		for z := html.NewTokenizer(strings.NewReader(s)); ; {
			switch z.Next() {
			case html.ErrorToken:
				return b.String()
			case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken, html.CommentToken, html.DoctypeToken:
				tok := z.Token()
				b.WriteString(tok.Type.String() + tok.Data)
				for _, a := range tok.Attr {
					b.WriteString(" " + a.Key)
				}
			default:
			}
		}
	}
	want := shape(parts.render(values{"who": "x", "website": "https://x.test"}, inHTML))
	f.Fuzz(func(t *testing.T, s string) {
		v := values{"who": line(s, maxValue), "website": "https://x.test"}
		if got := shape(parts.render(v, inHTML)); got != want {
			t.Errorf("%q changed the page: %s, want %s", s, got, want)
		}
		if got := line(s, maxValue); strings.ContainsAny(got, "\r\n\x00") || len([]rune(got)) > maxValue {
			t.Errorf("line(%q) = %q", s, got)
		}
	})
}

func TestLanguageIsThatOfTheReaderOrTheFirst(t *testing.T) {
	texts := []events.NoticeText{{Language: "en"}, {Language: "pt-br"}, {Language: "de"}, {Language: "pt"}}
	for lang, want := range map[string]string{"de": "de", "DE-AT": "de", "pt-pt": "pt", "pt-BR": "pt-br", "": "en", "fr": "en"} {
		if got := choose(texts, lang).Language; got != want {
			t.Errorf("for %q: %s, want %s", lang, got, want)
		}
	}
	for text, want := range map[string]string{
		"Hello, please help me with the order that you sent, thanks.":          "en",
		"Guten Tag, ich habe die Bestellung nicht erhalten. Danke und Gruß":    "de",
		"Bonjour, je n'ai pas reçu la commande que vous avez envoyée, merci.":  "fr",
		"Hola, no he recibido el pedido que me enviaron, gracias por la ayuda": "es",
		"Dzień dobry, nie mam na koncie tej wpłaty, proszę o pomoc":            "pl",
		"ok": "", "": "",
	} {
		if got := Guess(text); got != want {
			t.Errorf("Guess(%q) = %q, want %q", text, got, want)
		}
	}
}

// clause: 2.2
func TestAdministrativeTextsSellNothing(t *testing.T) {
	for _, s := range []string{"Save with 20% off", "Use promo code X", "Jetzt  kaufen", "¡Oferta especial!"} {
		if offer(s) == "" {
			t.Errorf("%q passed", s)
		}
	}
	for _, s := range []string{"We offer our apologies", "Our privacy policy changes on 1 March", "Wir ändern unsere Richtlinie"} {
		if w := offer(s); w != "" {
			t.Errorf("%q was refused for %q", s, w)
		}
	}
}
