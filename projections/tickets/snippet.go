package tickets

import (
	"strings"
	"unicode"
)

// snippetRunes is the length of a snippet.
const snippetRunes = 160

// snippet is the first words of a text, on one line, without the quote that
// begins at the byte quote (-1: none).
func snippet(text string, quote int) string {
	if quote > 0 && quote <= len(text) {
		text = text[:quote]
	}
	var b strings.Builder
	n, gap := 0, false
	for _, c := range text {
		if unicode.IsSpace(c) || unicode.IsControl(c) {
			gap = n > 0
			continue
		}
		if n >= snippetRunes {
			return b.String() + "…"
		}
		if gap {
			b.WriteByte(' ')
			gap = false
			n++
		}
		b.WriteRune(c)
		n++
	}
	return b.String()
}
