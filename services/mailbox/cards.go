package mailbox

import (
	"github.com/westshore/hub/services/internal/cards"
	"github.com/westshore/hub/services/internal/mail"
)

// Warnings about card numbers.
const (
	cardMasked = "card_masked"
	cardInRaw  = "card_in_raw"
)

// withoutCards masks the numbers of payment cards in a mail before anything of it
// is kept: in the raw mail, of which it is then read again. Where a number shows
// only in the text that was made of the mail (a digit may be written as an HTML
// entity), it is masked there, and the sealed raw mail keeps it: nothing that
// somebody sent us is lost for the sake of a guess.
func withoutCards(m *mail.Message, raw []byte, parse func([]byte) *mail.Message) (_ *mail.Message, _ []byte, warning string) {
	files := make([]cards.Range, 0, len(m.Attachments))
	for _, a := range m.Attachments {
		files = append(files, cards.Range{Offset: a.Offset, Length: a.Length})
	}
	if masked, n := cards.MaskMail(raw, files); n > 0 {
		raw, warning = masked, cardMasked
		m = parse(raw)
	}
	left := 0
	for _, s := range []*string{&m.Subject, &m.Text} {
		var n int
		*s, n = cards.Mask(*s)
		left += n
	}
	html, inHTML := cards.Mask(m.HTML)
	if m.HTML = html; left+inHTML == 0 {
		return m, raw, warning
	}
	if inHTML == 0 { // it stands there in a way that only a browser reads
		m.HTML = ""
	}
	return m, raw, cardInRaw
}
