package mailbox_test

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// TestCardNumbersStopAtTheDoor: a card number in a mail is masked before the mail
// becomes an inquiry, in the letter and in the raw mail alike, so that no view, no
// search and no notification ever has it (acceptance test 23). Only where it is
// written so that it cannot be found in the raw mail, the sealed raw mail keeps it.
//
// clause: 1.3
func TestCardNumbersStopAtTheDoor(t *testing.T) {
	const pan, spaced = "4111111111111111", "4111 1111 1111 1111"
	head := "From: Carl <carl@cust.test>\r\nTo: support@hub.test\r\nMessage-ID: <1@cust.test>\r\nMIME-Version: 1.0\r\n"
	encoded := base64.StdEncoding.EncodeToString([]byte("My card is " + spaced + ", is it still good?"))
	for name, c := range map[string]struct{ raw, text, warning string }{
		"plain":            {head + "Subject: card " + pan + "\r\n\r\nMy card is " + spaced + ".\r\n", "My card is XXXX XXXX XXXX 1111.", "card_masked"},
		"base64":           {head + "Subject: card\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded + "\r\n", "My card is XXXX XXXX XXXX 1111, is it still good?", "card_masked"},
		"quoted-printable": {head + "Subject: card\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nMy card is 4111 1111 11=\r\n11 1111.\r\n", "My card is XXXX XXXX XXXX 1111.", "card_masked"},
		"across tags":      {head + "Subject: card\r\nContent-Type: text/html\r\n\r\n<p>My card is <b>4111 1111</b> <i>1111 1111</i>.</p>\r\n", "My card is XXXX XXXX XXXX 1111.", "card_masked"},
		"as an entity":     {head + "Subject: card\r\nContent-Type: text/html\r\n\r\n<p>My card is &#52;111 1111 1111 1111.</p>\r\n", "My card is XXXX XXXX XXXX 1111.", "card_in_raw"},
		"an order number":  {head + "Subject: order\r\n\r\nMy order is 1234567812345670.\r\n", "My order is 1234567812345670.", ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := through(t, c.raw)
			letter := in.Letter.Value()
			if got := strings.TrimSpace(letter.Text); got != c.text {
				t.Errorf("text %q, want %q", got, c.text)
			}
			if has := slices.Contains(in.Warnings, c.warning); has != (c.warning != "") {
				t.Errorf("warnings %q", in.Warnings)
			}
			doc, err := json.Marshal(letter)
			if err != nil {
				t.Fatal(err)
			}
			held := map[string]string{"letter": string(doc)}
			if c.warning != "card_in_raw" {
				held["raw mail"] = string(in.Raw.Pending())
			}
			for where, s := range held {
				for _, bad := range []string{pan, spaced, "1111 1111", encoded} {
					if strings.Contains(s, bad) {
						t.Errorf("the %s holds %q", where, bad)
					}
				}
			}
			if in.Raw.Pending() == nil {
				t.Error("the raw mail was not kept")
			}
		})
	}
}
