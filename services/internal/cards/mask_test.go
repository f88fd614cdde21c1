package cards_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/westshore/hub/services/internal/cards"
)

// TestCardNumbersAreMasked: numbers as people write them, and what only looks
// like one. All are the schemes' own test numbers.
//
// clause: 1.3
func TestCardNumbersAreMasked(t *testing.T) {
	for in, want := range map[string]string{
		"My card 4111111111111111 was charged":        "My card XXXXXXXXXXXX1111 was charged",
		"My card 4111 1111 1111 1111, thanks":         "My card XXXX XXXX XXXX 1111, thanks",
		"5500-0055-5555-5559.":                        "XXXX-XXXX-XXXX-5559.",
		"amex 3782 822463 10005":                      "amex XXXX XXXXXX X0005",
		"(4222222222222)":                             "(XXXXXXXXX2222)",
		"6011000990139424 and 30569309025904":         "XXXXXXXXXXXX9424 and XXXXXXXXXX5904",
		"two 4111 1111 1111 1111 5500 0055 5555 5559": "two XXXX XXXX XXXX 1111 XXXX XXXX XXXX 5559",
		"cvc 123 4111 1111 1111 1111 12 26":           "cvc 123 XXXX XXXX XXXX 1111 12 26",
		"4111\u00a01111\u00a01111\u00a01111":          "XXXX\u00a0XXXX\u00a0XXXX\u00a01111",
		"<b>4111&nbsp;1111&nbsp;1111&nbsp;1111</b>":   "<b>XXXX&nbsp;XXXX&nbsp;XXXX&nbsp;1111</b>",
	} {
		if got, n := cards.Mask(in); got != want || n == 0 {
			t.Errorf("%q became %q (%d)", in, got, n)
		}
	}
	for _, in := range []string{
		"4111111111111112 has a wrong check digit", "order 1234567812345670 is of no scheme", "call +49 30 901820 or +1 202 555 0143",
		"0.4111111111111111", "id 4111111111111111abcdef", "x4111111111111111", "https://shop.example/pay?ref=4111111111111111", "<4111111111111111@mail.example>",
		"41111111 11111 is too short", "IBAN DE89 3704 0044 0532 0130 00", "at 2026-11-22 09:14:07", "4111.1111.1111.1111 has points", "",
	} {
		if got, n := cards.Mask(in); got != in || n != 0 {
			t.Errorf("%q became %q (%d)", in, got, n)
		}
	}
}

// luhn makes a number of 16 digits that begins with a scheme's.
func luhn(head string, r func(int) int) string {
	for len(head) < 15 {
		head += fmt.Sprint(r(10))
	}
	for c := range 10 {
		sum := 0
		for i, d := range head + fmt.Sprint(c) {
			v := int(d - '0')
			if i%2 == 0 {
				if v *= 2; v > 9 {
					v -= 9
				}
			}
			sum += v
		}
		if sum%10 == 0 {
			return head + fmt.Sprint(c)
		}
	}
	return ""
}

// TestMailsKeepTheirShape: whatever the encoding of a body, no number is left in
// it, nothing else changes, nor does the length; masking again changes nothing.
//
// clause: 1.3
func TestMailsKeepTheirShape(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		head := rapid.SampledFrom([]string{"4", "51", "2221", "3589", "6011", "62"}).Draw(r, "scheme")
		pan := luhn(head, func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "digit") })
		spaced := pan[:4] + " " + pan[4:8] + " " + pan[8:12] + " " + pan[12:]
		text := rapid.StringMatching(`[a-z ,]{0,60}`).Draw(r, "before") + " " + spaced + " " + rapid.StringMatching(`[a-z ,]{0,60}`).Draw(r, "after")
		for _, body := range []string{text, fold(base64.StdEncoding.EncodeToString([]byte(text)), "\r\n"), fold(text, "=\r\n")} {
			raw := "From: a@b.test\r\nMessage-ID: <" + pan + "@b.test>\r\nSubject: card " + pan + "\r\nContent-Type: multipart/mixed; boundary=\"" + pan + "\"\r\n\r\n" +
				"--" + pan + "\r\nContent-Type: text/plain\r\nContent-ID: <" + pan + ">\r\n\r\n" + body + "\r\n--" + pan + "--\r\n"
			got, n := cards.MaskMail([]byte(raw), nil)
			if n != 2 || len(got) != len(raw) {
				r.Fatalf("%d numbers, %d bytes of %d:\n%s", n, len(got), len(raw), got)
			}
			for _, keep := range []string{"Message-ID: <" + pan, "boundary=\"" + pan, "\r\n--" + pan + "--\r\n", "Content-ID: <" + pan} {
				if !strings.Contains(string(got), keep) {
					r.Fatalf("%q is gone:\n%s", keep, got)
				}
			}
			if again, n := cards.MaskMail(got, nil); n != 0 || !bytes.Equal(again, got) {
				r.Fatalf("masking again finds %d", n)
			}
			if plain := unfold(string(got)); strings.Contains(plain, spaced) || strings.Contains(plain, "card "+pan) {
				r.Fatalf("the number is left:\n%s", plain)
			}
		}
	})
}

func fold(s, end string) string {
	var b strings.Builder
	for ; len(s) > 20; s = s[20:] {
		b.WriteString(s[:20] + end)
	}
	return b.String() + s
}

// unfold is a mail with every encoding of the tests undone.
func unfold(raw string) string {
	out := strings.ReplaceAll(raw, "=\r\n", "")
	_, body, _ := strings.Cut(raw, "Content-ID:")
	_, body, _ = strings.Cut(body, "\r\n\r\n")
	body, _, _ = strings.Cut(body, "\r\n--")
	plain, _ := base64.StdEncoding.DecodeString(strings.ReplaceAll(body, "\r\n", "")) //nolint:errcheck // most bodies are none
	return out + string(plain)
}

// TestFilesAreNotTouched: what is attached stays as it was, byte by byte.
func TestFilesAreNotTouched(t *testing.T) {
	const file = "4111111111111111,paid\r\n"
	raw := "Subject: list\r\n\r\nMy card is 4111111111111111.\r\n" + file + "And 5500005555555559.\r\n"
	at := strings.Index(raw, file)
	got, n := cards.MaskMail([]byte(raw), []cards.Range{{Offset: at, Length: len(file)}})
	if n != 2 || string(got[at:at+len(file)]) != file || strings.Contains(string(got[:at]), "41111111") {
		t.Errorf("%d numbers:\n%s", n, got)
	}
	clean := []byte("Subject: none\r\n\r\nNothing to see.\r\n")
	if same, n := cards.MaskMail(clean, nil); n != 0 || &same[0] != &clean[0] {
		t.Error("a mail without numbers was copied")
	}
}

func BenchmarkMaskMail(b *testing.B) {
	raw := []byte("Subject: x\r\n\r\n" + strings.Repeat("The parcel 20261122 was announced for Tuesday at 12.30 and has not arrived yet, sorry.\r\n", 10_000))
	raw[rand.IntN(100)+20] = 'x'
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		cards.MaskMail(raw, nil)
	}
}

func FuzzMaskMail(f *testing.F) {
	f.Add([]byte("Subject: 4111111111111111\r\n\r\nNDExMTExMTExMTExMTExMQ==\r\n"), 3, 9)
	f.Fuzz(func(t *testing.T, raw []byte, offset, length int) {
		before := bytes.Clone(raw)
		got, n := cards.MaskMail(raw, []cards.Range{{Offset: offset, Length: length}})
		if len(got) != len(raw) || !bytes.Equal(raw, before) || n == 0 && !bytes.Equal(got, raw) {
			t.Errorf("%d numbers: %q became %q", n, before, got)
		}
	})
}
