package erasure_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/services/privacy/erasure"
)

// trace is what somebody who holds the log, and not the vault, knows of one letter.
type trace struct {
	words map[string]bool // every value that stands in the clear, and ciphertexts
	size  int
}

var aWord = regexp.MustCompile(`[A-Za-z0-9+/=_.@-]{6,}`)

func (h *house) trace(streams ...events.Stream) trace {
	h.t.Helper()
	out := trace{words: map[string]bool{}}
	for _, s := range streams {
		check(h.t, h.Store.ReadStream(h.t.Context(), string(s), 0, 100, func(r store.Recorded) error {
			out.size += len(r.Data)
			for _, w := range aWord.FindAllString(r.Stream+" "+string(r.Data)+" "+string(r.Meta), -1) {
				out.words[w] = true
			}
			return nil
		}))
	}
	return out
}

// like is how much two traces have in common: values that are the same and not
// everybody's, then how near their sizes are.
func (a trace) like(b trace, common map[string]int) float64 {
	score := 0.0
	for w := range a.words {
		if b.words[w] && common[w] <= 4 {
			score++
		}
	}
	return score + 1/(2+max(float64(a.size-b.size), float64(b.size-a.size)))
}

// recognised is how often a classifier tells the second letter of a person from
// that of somebody else: 0.5 is chance, 1 is always.
func recognised(first, second []trace) float64 {
	common := map[string]int{}
	for _, x := range append(append([]trace{}, first...), second...) {
		for w := range x.words {
			common[w]++
		}
	}
	right, all := 0.0, 0.0
	for i := range first {
		mine := first[i].like(second[i], common)
		for j := range second {
			if i == j {
				continue
			}
			switch other := first[i].like(second[j], common); {
			case mine > other:
				right++
			case mine == other:
				right += 0.5
			}
			all++
		}
	}
	return right / all
}

// TestErasedPersonIsNotRecognised is acceptance test 19's adversary, as far as the
// design goes (PRIVACY 0.4: one random id for each person): whoever holds the whole
// log with its tombstones cannot tell whether somebody who writes after an erasure
// is the person who was erased. The same classifier recognises everybody who was
// not.
//
// clause: S4
func TestErasedPersonIsNotRecognised(t *testing.T) {
	t.Parallel()
	h := open(t)
	const people = 20
	r := rand.New(rand.NewPCG(19, 19))
	var first, again, after []trace
	letter := func(i int) (events.SubjectID, trace) {
		from := events.Address{Name: fmt.Sprintf("Correspondent %d", i), Address: fmt.Sprintf("correspondent.%d@customer.test", i)}
		who, ticket, inquiry := h.receive(mail{from, "A matter of mine", strings.Repeat("x", 100+r.IntN(900)), ""})
		return who, h.trace(events.InquiryStream(inquiry), events.TicketStream(ticket))
	}
	whose := make([]events.SubjectID, people)
	for i := range people {
		var a, b trace
		whose[i], a = letter(i)
		_, b = letter(i)
		first, again = append(first, a), append(again, b)
	}
	for _, who := range whose {
		order := events.NewUUID()
		check(t, h.ledger.Fence(t.Context(), order, who))
		infos, err := h.Vault.SubjectKeys(t.Context(), who)
		check(t, err)
		_, err = h.ledger.Destroy(t.Context(), order, vault.CauseSubject, time.Time{}, erasure.Targets(infos))
		check(t, err)
	}
	for i := range people {
		_, c := letter(i)
		after = append(after, c)
	}
	if control := recognised(first, again); control < 0.99 {
		t.Errorf("the classifier recognises %.2f of those who were not erased: it sees nothing", control)
	}
	if got := recognised(first, after); got < 0.35 || got > 0.65 {
		t.Errorf("the classifier recognises %.2f of those who were erased, chance is 0.5", got)
	}
}
