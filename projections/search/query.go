package search

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/sqldb"
)

// candidates is how many hits are ranked: those opened last.
const candidates = 150

// mostWords is how many words of a query count.
const mostWords = 12

// Query asks for tickets.
type Query struct {
	Text  string
	Limit int // 1 to 200; 50 when zero
	Skip  int // hits on the pages before
}

// Hit is one ticket that holds all words of a query.
type Hit struct {
	Ticket   events.TicketID
	Number   int64
	Excerpts []Excerpt // where the words stand; none for a number
}

// Excerpt is a piece of text with the words marked.
type Excerpt struct {
	Field   string // subject, person or body
	Message string // inquiry or message it stands in
	Text    string
	Marks   []Mark // in order, apart from each other
}

// Mark is a range of bytes of an excerpt.
type Mark struct{ Start, End int }

// Result is a page of hits, best first.
type Result struct {
	Hits []Hit
	More bool // there is at least one more
}

// Search finds tickets. A query without any word finds nothing. Calls agree on
// the order of hits only while nothing changes.
func (v *View) Search(ctx context.Context, q Query) (res Result, err error) {
	if q.Limit <= 0 {
		q.Limit = 50
	}
	q.Limit, q.Skip = min(q.Limit, candidates), max(q.Skip, 0)
	terms := parse(q.Text)
	if len(terms) == 0 {
		return res, nil
	}
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		found, err := rank(tx, q.Text, terms)
		if err != nil {
			return err
		}
		res.More = len(found) > q.Skip+q.Limit
		for _, f := range found[min(q.Skip, len(found)):min(q.Skip+q.Limit, len(found))] {
			res.Hits = append(res.Hits, f.hit(terms))
		}
		return nil
	})
	if err != nil {
		return Result{}, fmt.Errorf("search: %w", err)
	}
	return res, nil
}

// terms are the words of a query; the last one counts by its beginning.
type terms []string

func parse(text string) terms {
	var b bag
	b.add(text)
	if len(b.list) > mostWords {
		b.list = b.list[:mostWords]
	}
	// The last word written stays last even when it was written before.
	var last string
	cut(text, func(s span) { last = s.word })
	if i := slices.Index(b.list, last); i >= 0 {
		b.list = append(slices.Delete(b.list, i, i+1), last)
	}
	return b.list
}

// match asks for all words; prefix says whether the last may be a beginning.
func (t terms) match(prefix bool) string {
	var b strings.Builder
	for i, w := range t {
		if i > 0 {
			b.WriteString(" AND ")
		}
		last := prefix && i == len(t)-1
		switch n := utf8.RuneCountInString(w); {
		case last && n >= shortestBegin && n <= longestBegin:
			b.WriteString(`"` + beginMark + w + `"`)
		case last && n > longestBegin:
			b.WriteString(`"` + w + `"*`)
		default:
			b.WriteString(`"` + w + `"`)
		}
	}
	return b.String()
}

// weight says how well a word of a text answers the query: 0 not at all, less
// than 1 by its beginning only.
func (t terms) weight(word string) (i int, w float64) {
	for i, q := range t {
		if word == q {
			return i, 1
		}
	}
	last := len(t) - 1
	if strings.HasPrefix(word, t[last]) {
		return last, 0.6
	}
	return 0, 0
}

// found is a ticket with all words, and how good it is.
type found struct {
	n, number, updated int64
	id                 events.TicketID
	exact              bool // asked for by number
	texts              []*text
	score              float64
}

const byWords = `SELECT t.n, t.id, t.number, t.updated FROM (SELECT rowid AS n FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ?) w
	JOIN tickets t ON t.n = w.n ORDER BY t.n DESC`

func rank(tx *sqldb.Tx, text string, q terms) ([]*found, error) {
	out, err := tickets(tx, byWords, q.match(false), candidates)
	if err == nil && len(out) < candidates && len(q[len(q)-1]) > 1 {
		out, err = tickets(tx, byWords, q.match(true), candidates)
	}
	if err != nil {
		return nil, err
	}
	newest := int64(0)
	for _, f := range out {
		newest = max(newest, f.updated)
		if f.texts, err = texts(tx, f.n); err != nil {
			return nil, err
		}
	}
	for _, f := range out {
		f.rate(q, newest)
	}
	if number, err := strconv.ParseInt(strings.TrimPrefix(strings.TrimSpace(text), "#"), 10, 64); err == nil {
		exact, err := tickets(tx, `SELECT n, id, number, updated FROM tickets WHERE number = ? LIMIT ?`, number, 1)
		if err != nil {
			return nil, err
		}
		for _, e := range exact {
			out = slices.DeleteFunc(out, func(f *found) bool { return f.n == e.n })
			e.exact, e.score = true, math.Inf(1)
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b *found) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.updated, a.updated), cmp.Compare(b.n, a.n))
	})
	return out, nil
}

func tickets(tx *sqldb.Tx, query string, args ...any) (out []*found, err error) {
	err = tx.Query(func(scan func(...any) error) error {
		f := &found{}
		err := scan(&f.n, &f.id, &f.number, &f.updated)
		out = append(out, f)
		return err
	}, query, args...)
	return out, err
}

// The weight of a place, and of being fresh: a word in the subject outweighs any
// number of the same in running text, and a month is worth about as much as the
// difference between a name and running text.
const (
	inSubject = 3.0
	inPerson  = 2.0
	inBody    = 1.0
	freshness = 2.0
	month     = 30 * 24 * 3600 * 1e6 // in microseconds
)

// rate scores a hit: for each word the best place it stands in, a little for
// standing there often, and how fresh the ticket is beside the freshest hit.
func (f *found) rate(q terms, newest int64) {
	best := make([]float64, len(q))
	count := make([]float64, len(q))
	look := func(text string, place float64) {
		cut(text, func(s span) {
			if i, w := q.weight(s.word); w > 0 {
				best[i] = max(best[i], w*place)
				count[i]++
			}
		})
	}
	for i, t := range f.texts {
		if i == 0 || t.subject != f.texts[0].subject {
			look(t.subject, inSubject)
		}
		if i == 0 || t.person != f.texts[0].person {
			look(t.person, inPerson)
		}
		look(t.body, inBody)
	}
	for i := range q {
		f.score += best[i] + 0.5*count[i]/(count[i]+3)
	}
	f.score += freshness * math.Exp(-float64(newest-f.updated)/month)
}
