package projectiontest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/westshore/hub/events"
)

// Many tells of n tickets, from the given number on, each from the mail to
// maybe an answer and maybe its end, with running text of about the given number
// of words. The same numbers tell the same.
func Many(t testing.TB, from, n, words int) *Log {
	t.Helper()
	l := New(t)
	l.Tick(time.Duration(from) * time.Minute)
	rng := rand.New(rand.NewPCG(7, uint64(from)))
	for i := from; i < from+n; i++ {
		l.Tick(time.Minute)
		customer := i % 1000
		who := events.Address{Name: Prose(rng, 2), Address: fmt.Sprintf("c%d@customer.example", customer)}
		l.Receive(i, customer, who, events.Letter{Subject: Prose(rng, 5), Text: Prose(rng, words), QuoteFrom: -1})
		l.OpenTicket(i, i, customer)
		if i%3 > 0 {
			l.Reply(i, i, 1+i%5, customer, who, Prose(rng, words/2))
			l.Add(TicketStream(i), "agent:1", events.TicketAssigned{Ticket: TicketID(i), Agent: AgentID(1 + i%5)})
		}
		if i%2 > 0 {
			l.Add(TicketStream(i), "agent:1", events.TicketResolved{Ticket: TicketID(i)})
		}
	}
	return l
}

// TicketStream is the stream of the n-th ticket.
func TicketStream(n int) events.Stream { return events.TicketStream(TicketID(n)) }

// Prose makes text of words as frequent as in a language: the n-th of 20,000 has
// 1/n of the frequency of the first.
func Prose(rng *rand.Rand, words int) string {
	var b strings.Builder
	zipf := rand.NewZipf(rng, 1.07, 6, 20_000)
	for i := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(Word(int(zipf.Uint64())))
	}
	return b.String()
}

// Word is the n-th word of the language that Prose writes.
func Word(n int) string {
	const consonants, vowels = "bdfgklmnprstvz", "aeiou"
	var b strings.Builder
	for n += 20; n > 0; n /= len(consonants) * len(vowels) {
		r := n % (len(consonants) * len(vowels))
		b.WriteByte(consonants[r/len(vowels)])
		b.WriteByte(vowels[r%len(vowels)])
	}
	return b.String()
}
