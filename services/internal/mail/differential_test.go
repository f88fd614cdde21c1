package mail_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jhillyerd/enmime/v2"
	"pgregory.net/rapid"

	"github.com/westshore/hub/services/internal/mail"
)

// shape is what two readers of one mail must agree on.
type shape struct {
	Subject, Text, HTML string
	Files               []string
}

// A reader that is not ours agrees about every mail we write, and about mails of
// every nesting that are well formed.
func TestAgreesWithEnmime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := []byte(wellFormed(t))
		m := mail.Parse(raw, mail.Options{})
		env, err := enmime.ReadEnvelope(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		ours := shape{Subject: m.Subject, Text: normalSpace(m.Text), HTML: normalSpace(m.HTML)}
		for _, a := range m.Attachments {
			ours.Files = append(ours.Files, a.Name+" "+string(mail.DecodePart(raw[a.Offset:a.Offset+a.Length], a.Encoding)))
		}
		theirs := shape{Subject: env.GetHeader("Subject"), Text: normalSpace(env.Text), HTML: normalSpace(env.HTML)}
		for _, list := range [][]*enmime.Part{env.Attachments, env.Inlines, env.OtherParts} {
			for _, p := range list {
				theirs.Files = append(theirs.Files, p.FileName+" "+string(p.Content))
			}
		}
		if m.TextFromHTML {
			ours.Text, theirs.Text = "", ""
		}
		if diff := cmp.Diff(theirs, ours); diff != "" {
			t.Fatalf("%s\n%s", diff, raw)
		}
	})
}

// normalSpace compares texts by their words: where white space goes between joined
// parts is a matter of taste.
func normalSpace(s string) string { return strings.Join(strings.Fields(s), " ") }

// wellFormed draws a correct mail: single, alternative, related and mixed, with
// each transfer encoding and several character sets.
func wellFormed(t *rapid.T) string {
	var b strings.Builder
	b.WriteString("From: a@b.example\r\nTo: c@d.example\r\nSubject: " + rapid.SampledFrom([]string{
		"plain", "=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "=?iso-8859-1?q?caf=E9?= latte", "=?utf-8?b?5pel5pys?=\r\n =?utf-8?b?6Kqe?=", "folded\r\n twice\r\n again",
		"=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", "=?koi8-r?b?8NLJ18XU?=", "=?utf-8?q?a?= =?utf-8?q?b?=", "a =?utf-8?q?=e2=82=ac?= b",
	}).Draw(t, "subject") + "\r\nMIME-Version: 1.0\r\n")
	alternative := func() string {
		return "Content-Type: multipart/alternative; boundary=\"alt\"\r\n\r\n--alt\r\n" + textPart(t, "plain") + "\r\n--alt\r\n" + textPart(t, "html") + "\r\n--alt--\r\n"
	}
	switch rapid.SampledFrom([]string{"single", "alternative", "mixed", "mixed alternative", "related", "deep", "odd"}).Draw(t, "shape") {
	case "single":
		b.WriteString(textPart(t, rapid.SampledFrom([]string{"plain", "html"}).Draw(t, "kind")))
	case "alternative":
		b.WriteString(alternative())
	case "mixed":
		b.WriteString("Content-Type: multipart/mixed; boundary=mix\r\n\r\n--mix\r\n" + textPart(t, "plain") + fileParts(t) + "\r\n--mix--\r\n")
	case "mixed alternative":
		b.WriteString("Content-Type: multipart/mixed; boundary=mix\r\n\r\npreamble\r\n--mix\r\n" + alternative() + fileParts(t) + "\r\n--mix--\r\nepilogue\r\n")
	case "related":
		b.WriteString("Content-Type: multipart/related; boundary=rel; type=\"multipart/alternative\"\r\n\r\n--rel\r\n" + alternative() + "\r\n--rel\r\n" +
			"Content-Type: image/gif; name=p.gif\r\nContent-ID: <p@x>\r\nContent-Disposition: inline; filename=p.gif\r\nContent-Transfer-Encoding: base64\r\n\r\nR0lGODlhAQABAAAAACw=\r\n--rel--\r\n")
	case "deep":
		b.WriteString("Content-Type: multipart/mixed; boundary=out\r\n\r\n--out\r\nContent-Type: multipart/mixed; boundary=mix\r\n\r\n--mix\r\n" + textPart(t, "plain") +
			fileParts(t) + "\r\n--mix--\r\n--out--\r\n")
	case "odd":
		b.WriteString(odd(t))
	}
	return b.String()
}

// odd draws what is legal, or so common that every reader takes it: bare line
// feeds, a comment in a field, quoted parameters, no quotes where they belong, a
// boundary that begins like another, an end that is missing.
func odd(t *rapid.T) string {
	draw := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
	boundary := draw("boundary", "mix", "--mix", "mix'()+_,-./:=?", "a b")
	body := "Content-Type:" + draw("space", " ", "\t", "\r\n ") + draw("case", "multipart/mixed", "Multipart/MIXED") + draw("glue", "; ", ";\r\n\t") +
		draw("key", "boundary", "BOUNDARY") + `="` + boundary + `"` + "\r\n\r\n" + draw("preamble", "", "This is MIME.\r\n", "\r\n\r\n") +
		"--" + boundary + draw("padding", "", " ", "\t") + "\r\n" + textPart(t, "plain") +
		"\r\n--" + boundary + "\r\nContent-Type: application/x-test; name=" + draw("name", "a.bin", `"a b.bin"`, `"=?utf-8?q?=C3=BC.bin?="`) +
		"\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: " + draw("encoding", "base64", "BASE64", " base64 ") + "\r\n\r\n" + draw("content", "AAEC\r\nAwQ=", "AAEC", "AA\r\n\r\n==") + "\r\n"
	if rapid.Bool().Draw(t, "closed") {
		body += "--" + boundary + "--\r\n" + draw("epilogue", "", "behind it\r\n")
	}
	if rapid.Bool().Draw(t, "bare") {
		body = strings.ReplaceAll(body, "\r\n", "\n")
	}
	return body
}

func textPart(t *rapid.T, kind string) string {
	body := map[string][]string{
		"us-ascii\r\nContent-Transfer-Encoding: 7bit":               {"hello there", "two\r\nlines"},
		"utf-8\r\nContent-Transfer-Encoding: 8bit":                  {"Grüße", "日本語 text"},
		"utf-8\r\nContent-Transfer-Encoding: quoted-printable":      {"Gr=C3=BC=C3=9Fe =3D soft=\r\nly", "a=20\r\nb"},
		"iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable": {"caf=E9"},
		"utf-8\r\nContent-Transfer-Encoding: base64":                {"R3LDvMOfZQ==", "aGVs\r\nbG8="},
		"windows-1251\r\nContent-Transfer-Encoding: base64":         {"z/Do4uXy"},
	}
	cs := rapid.SampledFrom(slices.Sorted(maps.Keys(body))).Draw(t, kind+" charset")
	return "Content-Type: text/" + kind + "; charset=" + cs + "\r\n\r\n" + rapid.SampledFrom(body[cs]).Draw(t, kind) + "\r\n"
}

func fileParts(t *rapid.T) string {
	files := []string{
		"Content-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQ=",
		"Content-Type: text/csv\r\nContent-Disposition: attachment; filename=\"b c.csv\"\r\n\r\n1,2\r\n3,4",
		"Content-Type: image/png\r\nContent-Disposition: attachment; filename*=utf-8''%C3%BC.png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=",
		"Content-Type: application/x-test\r\nContent-Disposition: attachment; filename*0=\"long \"; filename*1=\"name.bin\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=00b",
	}
	var b strings.Builder
	for range rapid.IntRange(0, 4).Draw(t, "files") {
		b.WriteString("\r\n--mix\r\n" + rapid.SampledFrom(files).Draw(t, "file"))
	}
	return b.String()
}
