package mail_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/services/internal/mail"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Guards MAIL I13 to I24: every repair, character set and body rule has a mail of
// its own; the names of the files say which.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.eml")
	if err != nil || len(files) < 60 {
		t.Fatalf("golden mails: %d, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".eml"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m := mail.Parse(raw, mail.Options{})
			checkMessage(t, raw, m)
			var got bytes.Buffer
			if err := mail.ParsedJSON(&got, m, mail.OwnAddresses{}); err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".eml") + ".json"
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func parse(raw string) *mail.Message { return mail.Parse([]byte(raw), mail.Options{}) }

func read(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/golden/" + name + ".eml")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// A folded field in an attached message, in a buffer that goes on behind it.
func TestReturnedHeaderIsFolded(t *testing.T) {
	raw := head + "Content-Type: multipart/mixed; boundary=m\n\n--m\n\ntext\n--m\nContent-Type: message/rfc822\n\nX: a\n b\nMessage-ID:\n <x@y>\n\nz\n--m--\n"
	if m := parse(raw + strings.Repeat("epilogue\n", 100)); m.Warn(mail.WarnPanic) || len(m.Attachments) != 1 {
		t.Errorf("warnings %q, attachments %+v", m.Warnings, m.Attachments)
	}
}

// Prose is not taken for the envelope line of an mbox.
func TestProseBeginsWithFrom(t *testing.T) {
	if m := parse("From my point of view it works.\nThanks\n"); !strings.HasPrefix(m.Text, "From my point") {
		t.Errorf("text %q", m.Text)
	}
}

// The date falls back to the server's, and dates that cannot be are marked (I21).
func TestDateSources(t *testing.T) {
	internal := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		raw    string
		source mail.DateSource
		want   time.Time
		warn   string
	}{
		"header":   {"From: a@b\nDate: Mon, 2 Mar 2026 11:00:00 +0100\n\n", mail.DateFromHeader, internal, ""},
		"received": {"Received: from a by b; Mon, 2 Mar 2026 10:00:00 +0000\nFrom: a@b\n\n", mail.DateFromReceived, internal, mail.WarnNoDate},
		"internal": {"From: a@b\nDate: whenever\n\n", mail.DateFromInternal, internal, mail.WarnNoDate},
		"future":   {"From: a@b\nDate: Mon, 2 Mar 2050 10:00:00 +0000\n\n", mail.DateFromHeader, time.Date(2050, 3, 2, 10, 0, 0, 0, time.UTC), mail.WarnDateFuture},
		"ancient":  {"From: a@b\nDate: Thu, 1 Jan 1970 00:00:00 +0000\n\n", mail.DateFromHeader, time.Unix(0, 0), mail.WarnDateAncient},
	} {
		t.Run(name, func(t *testing.T) {
			m := mail.Parse([]byte(c.raw), mail.Options{InternalDate: internal})
			if m.DateSource != c.source || !m.Date.Equal(c.want) {
				t.Errorf("date %v from %s, want %v from %s", m.Date, m.DateSource, c.want, c.source)
			}
			if c.warn != "" && !m.Warn(c.warn) {
				t.Errorf("warnings %q lack %s", m.Warnings, c.warn)
			}
		})
	}
}

// Guards MAIL I21.
func TestParseDate(t *testing.T) {
	const day = "2010-04-29T"
	for in, want := range map[string]string{
		"Thu, 29 Apr 2010 10:11:12 +0200":       day + "10:11:12+02:00",
		"29 Apr 10 10:11 EST":                   day + "10:11:00-05:00",
		"Thu 29 Apr 2010":                       day + "00:00:00Z",
		"Thu, 29 Apr 2010 10:11:12 (EDT) -0400": day + "10:11:12-04:00",
		"29-04-2010 23:34":                      day + "23:34:00Z",
		"2010-04-29T10:11:12Z":                  day + "10:11:12Z",
		"2010-04-29 10:11:12.345 +01:00":        day + "10:11:12+01:00",
		"Thu Apr 29 10:11:12 2010":              day + "10:11:12Z",
		"Thu Apr 29 10:11:12 CEST 2010":         day + "10:11:12+02:00",
		"04/29/2010 01:02:03 PM":                day + "13:02:03Z",
		"29. April 2010 10:11:12 GMT+0200":      day + "10:11:12+02:00",
		"29-Apr-2010 10:11:12 -0730":            day + "10:11:12-07:30",
		"Thu, 29 Apr 110 10:11:12 GMT":          day + "10:11:12Z",
		"Thu,29 Apr 2010 10:11:12+0000":         day + "10:11:12Z",
	} {
		got, _, ok := mail.ParseDate(in)
		if !ok || got.Format(time.RFC3339) != want {
			t.Errorf("%q = %v %v, want %s", in, got.Format(time.RFC3339), ok, want)
		}
	}
	for _, in := range []string{"", "yesterday", "32 Apr 2010", "29 Foo 2010", "10:11:12", "99-99-99", "Thu, 29 Apr 2010 25:61:00"} {
		if got, _, ok := mail.ParseDate(in); ok {
			t.Errorf("%q = %v, want no date", in, got)
		}
	}
}

// Guards MAIL I22.
func TestParseAddresses(t *testing.T) {
	type a = mail.Address
	for in, want := range map[string][]a{
		`a@b.example`:                                    {{Address: "a@b.example"}},
		`Ann B <a@b.example>, c@d.example`:               {{Name: "Ann B", Address: "a@b.example"}, {Address: "c@d.example"}},
		`"B, Ann \"x\"" <a@b.example>`:                   {{Name: `B, Ann "x"`, Address: "a@b.example"}},
		`a@b.example (Ann (the first) B)`:                {{Name: "Ann (the first) B", Address: "a@b.example"}},
		`undisclosed-recipients:;`:                       nil,
		`Team: a@b.example, c@d.example; e@f.example`:    {{Address: "a@b.example"}, {Address: "c@d.example"}, {Address: "e@f.example"}},
		`<@r1.example,@r2.example:a@b.example>`:          {{Address: "a@b.example"}},
		`Mail Delivery Subsystem <MAILER-DAEMON>`:        {{Name: "Mail Delivery Subsystem", Address: "MAILER-DAEMON"}},
		`MAILER-DAEMON`:                                  {{Address: "MAILER-DAEMON"}},
		`Ann a@b.example`:                                {{Name: "Ann", Address: "a@b.example"}},
		`A <a@b.example> C <c@d.example>, <e@f.example>`: {{Name: "A", Address: "a@b.example"}, {Name: "C", Address: "c@d.example"}, {Address: "e@f.example"}},
		`<a@b.example> (Ann)`:                            {{Name: "Ann", Address: "a@b.example"}},
		`a@b.example; c@d.example`:                       {{Address: "a@b.example"}, {Address: "c@d.example"}},
		`=?utf-8?Q?M=C3=BCller=2C_J?= <a@b.example>`:     {{Name: "Müller, J", Address: "a@b.example"}},
		`=?utf-8?Q?Doe,_Jane?= <a@b.example>`:            {{Name: "Doe, Jane", Address: "a@b.example"}},
		`"=?utf-8?B?w7w=?=" <a@b.example>`:               {{Name: "ü", Address: "a@b.example"}},
		`"john smith"@b.example`:                         {{Address: `"john smith"@b.example`}},
		`"john.smith"@b.example`:                         {{Address: `john.smith@b.example`}},
		`<a@[IPv6:2001:db8::1]>`:                         {{Address: "a@[IPv6:2001:db8::1]"}},
		`'Ann' <'a@b.example'>`:                          {{Name: "Ann", Address: "a@b.example"}},
		`mailto:a@b.example`:                             {{Address: "a@b.example"}},
		`a @ b.example`:                                  {{Address: "a@b.example"}},
		`Ann <a@b.example`:                               {{Name: "Ann", Address: "a@b.example"}},
		`jörg@exämple.de`:                                {{Address: "jörg@exämple.de"}},
		`John Doe`:                                       {{Name: "John Doe"}},
		`"boss@bank.example" <evil@x.example>`:           {{Name: "boss@bank.example", Address: "evil@x.example"}},
		`, ,;`:                                           nil,
	} {
		if diff := cmp.Diff(want, mail.ParseAddresses(in)); diff != "" {
			t.Errorf("%s:\n%s", in, diff)
		}
	}
}

// Guards MAIL I22.
func TestKey(t *testing.T) {
	for _, pair := range [][2]string{
		{"Ann@Example.ORG", "ann@example.org"},
		{"jörg@exämple.de", "jo\u0308rg@xn--exmple-cua.de"},
		{"a@b.example.", "a@b.example"},
	} {
		if mail.Key(pair[0]) != mail.Key(pair[1]) {
			t.Errorf("%q and %q differ: %q, %q", pair[0], pair[1], mail.Key(pair[0]), mail.Key(pair[1]))
		}
	}
	if mail.Key("a@b.example") == mail.Key("a@c.example") {
		t.Error("different domains are equal")
	}
}

// Spoofed names, mixed scripts and foreign reply addresses are marked (FIELD 3,
// cases 10 and 12).
// Guards FIELD 3.10.
func TestSuspiciousSender(t *testing.T) {
	for warn, header := range map[string]string{
		mail.WarnNameSpoof:     `From: "boss@bank.example" <evil@x.example>`,
		mail.WarnMixedScript:   "From: ann@b\u0430nk.example",
		mail.WarnReplyToDomain: "From: a@b.example\nReply-To: all@internal.example",
		mail.WarnManyFrom:      "From: a@b.example\nFrom: c@d.example",
		mail.WarnNoFrom:        "Subject: x",
	} {
		if m := parse(header + "\n\nbody\n"); !m.Warn(warn) {
			t.Errorf("%s: warnings %q lack %s", header, m.Warnings, warn)
		}
	}
	if m := parse("From: Ann <ann@bank.example>\nReply-To: help@bank.example\n\nbody\n"); len(m.Warnings) != 2 {
		t.Errorf("warnings %q for an honest sender", m.Warnings) // no id, no date
	}
}

// Guards MAIL I24 and FIELD 3, case 16.
func TestCleanFileName(t *testing.T) {
	for in, want := range map[string]string{
		"report.pdf": "report.pdf", "../../etc/passwd": "passwd", `C:\temp\a.txt`: "a.txt", ".htaccess": "htaccess", "..": "", "...": "",
		"a\r\nb.txt": "ab.txt", "evil\u202egnp.exe": "evilgnp.exe", "  x .txt  ": "x .txt", "zero\u200bwidth.txt": "zerowidth.txt", "a\x00b": "ab",
		strings.Repeat("ä", 2000) + ".tar.gz": strings.Repeat("ä", 98) + ".gz", "日本語.txt": "日本語.txt",
	} {
		if got := mail.CleanFileName(in); got != want {
			t.Errorf("%q = %q, want %q", in, got, want)
		}
	}
}

// Guards MAIL I20, FIELD 3.18.
func TestInlinePart(t *testing.T) {
	m := mail.Parse(read(t, "37-related-cid"), mail.Options{})
	for ref, want := range map[string]string{"cid:logo@1@x": "logo.png", "CID:Logo%401@X": "logo.png", "image001.png": "image001.png", "cid:other@x": "", "": "", "cid:": ""} {
		name := ""
		if a := m.InlinePart(ref); a != nil {
			name = a.Name
		}
		if name != want {
			t.Errorf("%q finds %q, want %q", ref, name, want)
		}
	}
}

// Only the topmost block of our own server is believed (I36).
func TestAuthResults(t *testing.T) {
	const good = "Authentication-Results: mx.hub.test; spf=pass (a comment) smtp.mailfrom=bounce@mail.bank.example;\n dkim=pass header.d=bank.example header.s=s1; dmarc=pass (p=REJECT) header.from=bank.example\n"
	const forged = "Authentication-Results: mx.hub.test; dmarc=pass header.from=bank.example; dkim=pass header.d=bank.example\n"
	const fail = "Authentication-Results: mx.hub.test 1; spf=softfail smtp.mailfrom=x@evil.example; dkim=none; dmarc=fail header.from=bank.example\n"
	const other = "Authentication-Results: mx.elsewhere.example; dmarc=pass header.from=bank.example\n"
	const weak = "Authentication-Results: mx.hub.test; spf=pass smtp.mailfrom=mail.bank.example; dkim=fail header.d=bank.example\n"
	const from = "From: a@bank.example\n\nbody\n"
	own := mail.Options{AuthServIDs: []string{"MX.hub.test"}}
	for name, c := range map[string]struct {
		raw     string
		opt     mail.Options
		present bool
		dmarc   string
		aligned bool
	}{
		"pass":                    {good + from, own, true, "pass", true},
		"fail above forged pass":  {fail + forged + from, own, true, "fail", false},
		"only another server's":   {other + from, own, false, "", false},
		"nobody configured":       {good + from, mail.Options{}, false, "", false},
		"missing is not failed":   {from, own, false, "", false},
		"pass for another domain": {good + "From: a@evil.example\n\nbody\n", own, true, "pass", false},
		"two authors, one named":  {good + "From: a@evil.example, b@bank.example\n\nbody\n", own, true, "pass", false},
		"two authors, own first":  {good + "From: b@bank.example, a@evil.example\n\nbody\n", own, true, "pass", true},
		"two authors, none named": {weak + "From: b@bank.example\nFrom: a@evil.example\n\nbody\n", own, true, "", false},
		"no dmarc, aligned spf":   {weak + from, own, true, "", true},
		"no dmarc, other domain":  {weak + "From: a@evil.example\n\nbody\n", own, true, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			a := mail.Parse([]byte(c.raw), c.opt).Auth
			if a.Present != c.present || a.DMARC != c.dmarc || a.Aligned != c.aligned {
				t.Errorf("got %+v", a)
			}
		})
	}
	a := mail.Parse([]byte(good+from), own).Auth
	want := mail.AuthResults{Present: true, SPF: "pass", DMARC: "pass", SPFDomain: "mail.bank.example", Aligned: true, DKIM: []mail.DKIMResult{{Result: "pass", Domain: "bank.example"}}}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Error(diff)
	}
}

func TestHeaderAccess(t *testing.T) {
	m := parse("From: a@b\nX-A: one\nx-a: =?utf-8?q?tw=C3=B6?=\n folded\n\nbody\n")
	if got := m.Header.First("X-a"); got != "one" {
		t.Errorf("first = %q", got)
	}
	if diff := cmp.Diff([]string{"one", "twö folded"}, m.Header.All("X-A")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"one", "=?utf-8?q?tw=C3=B6?= folded"}, m.Header.Raw("X-A")); diff != "" {
		t.Error(diff)
	}
	if m.Header.Has("X-B") || !m.Header.Has("from") {
		t.Error("has is wrong")
	}
}
