package search

import (
	"strings"
	"unicode/utf8"
)

const (
	mostExcerpts = 3
	excerptBytes = 160 // of running text, about
	excerptLead  = 40  // before the first marked word
)

// hit makes the excerpts: the subject and the person once, and the message in
// which most different words stand.
func (f *found) hit(q terms) Hit {
	h := Hit{Ticket: f.id, Number: f.number}
	if f.exact {
		return h
	}
	var subject, person, body *Excerpt
	most := 0
	for _, t := range f.texts {
		if subject == nil {
			subject, _ = excerpt(q, "subject", t.id, t.subject)
		}
		if person == nil {
			person, _ = excerpt(q, "person", t.id, t.person)
		}
		if e, words := excerpt(q, "body", t.id, t.body); words > most {
			body, most = e, words
		}
	}
	for _, e := range []*Excerpt{subject, person, body} {
		if e != nil && len(h.Excerpts) < mostExcerpts {
			h.Excerpts = append(h.Excerpts, *e)
		}
	}
	return h
}

// excerpt cuts the piece around the first words found; words is how many
// different ones there are in the whole text.
func excerpt(q terms, field, message, text string) (e *Excerpt, words int) {
	var spans []span
	seen := make([]bool, len(q))
	cut(text, func(s span) {
		i, w := q.weight(s.word)
		if w == 0 {
			return
		}
		if !seen[i] {
			seen[i] = true
			words++
		}
		if len(spans) == 0 || s.end-spans[0].start < excerptBytes {
			spans = append(spans, s)
		}
	})
	if len(spans) == 0 {
		return nil, 0
	}
	from, to := 0, len(text)
	if field == "body" {
		from = boundary(text, max(0, spans[0].start-excerptLead))
		to = boundary(text, min(len(text), max(from+excerptBytes, spans[len(spans)-1].end)))
	}
	e = &Excerpt{Field: field, Message: message}
	var b strings.Builder
	at := from
	for _, s := range spans {
		if s.end > to {
			break
		}
		b.WriteString(flat(text[at:s.start]))
		start := b.Len()
		b.WriteString(text[s.start:s.end])
		e.Marks = append(e.Marks, Mark{start, b.Len()})
		at = s.end
	}
	b.WriteString(flat(text[at:to]))
	e.Text = b.String()
	return e, words
}

// boundary moves to the beginning of the character that i lies in.
func boundary(s string, i int) int {
	for i > 0 && i < len(s) && !utf8.RuneStart(s[i]) {
		i--
	}
	return i
}

// flat puts a piece of text on one line without changing its length.
func flat(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, s)
}
