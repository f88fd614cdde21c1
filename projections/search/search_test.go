package search_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/projectiontest"
	"github.com/westshore/hub/projections/search"
)

func open(t testing.TB, l *projectiontest.Log, dir string) *search.View {
	t.Helper()
	v, err := search.New(context.Background(), projections.Store{Dir: dir}, l.Reload, slog.New(slog.DiscardHandler))
	check(t, err)
	t.Cleanup(func() { check(t, v.Close()) })
	return v
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var ada = events.Address{Name: "Ada Byron", Address: "ada@customer.example"}

// say opens ticket n with a mail.
func say(l *projectiontest.Log, n int, from events.Address, subject, text string) {
	l.Receive(n, n, from, events.Letter{Subject: subject, Text: text, QuoteFrom: -1})
	l.OpenTicket(n, n, n)
}

func numbers(t testing.TB, v *search.View, text string) []int64 {
	t.Helper()
	res, err := v.Search(context.Background(), search.Query{Text: text})
	check(t, err)
	out := []int64{}
	for _, h := range res.Hits {
		out = append(out, h.Number)
	}
	return out
}

func TestWords(t *testing.T) {
	l := projectiontest.New(t)
	say(l, 0, ada, "Broken kettle", "It leaks since Tuesday.")
	say(l, 1, events.Address{Name: "Zoë Ångström", Address: "zoe@other.example"}, "Crème brûlée", "Der Kessel ist undicht, order 4711-B.")
	say(l, 2, ada, "Kettle again", "The handle broke.")
	l.Reply(0, 0, 1, 0, ada, "Please return the teapot")
	say(l, 3, events.Address{Address: "li@han.example"}, "订单问题", "我的水壶坏了")
	say(l, 4, ada, "FDFA ﷺ ligature", "½ price ﬁnish")
	for _, batch := range []int{1, 512} {
		v := open(t, l, t.TempDir())
		projectiontest.Replay(t, l, v, batch)
		for query, want := range map[string][]int64{
			"kettle":               {1, 3},
			"KETTLE leaks":         {1},
			"kettle teapot":        {1}, // words of two messages of one ticket
			"ket":                  {1, 3},
			"ket leaks":            {}, // only the last word counts by its beginning
			"leaks ket":            {1},
			"ada":                  {1, 3, 5},
			"ada@customer.example": {1, 3, 5},
			"zoe angstrom":         {2},
			"creme brulee":         {2},
			"4711-B":               {2},
			"订单":                   {4},
			"水壶":                   {4},
			"finish":               {5},
			"teapot nothere":       {},
			"":                     {},
			"?!":                   {},
			`"kettle" OR NOT *`:    {},
			`kettle"`:              {1, 3},
			"#3":                   {3},
			"2":                    {2},
			"kettle kettle ket":    {1, 3},
		} {
			got := numbers(t, v, query)
			slices.Sort(got)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("batch %d: %q (-want +got):\n%s", batch, query, d)
			}
		}
	}
}

func TestRankPutsSubjectAndFreshnessFirst(t *testing.T) {
	l := projectiontest.New(t)
	say(l, 0, ada, "Invoice overdue", "see below")
	l.Tick(time.Hour)
	say(l, 1, ada, "Question", "about my invoice, the invoice of May")
	l.Tick(time.Hour)
	say(l, 2, ada, "Question", "about an invoice")
	l.Tick(365 * 24 * time.Hour)
	say(l, 3, ada, "Question", "about an invoice")
	v := open(t, l, t.TempDir())
	projectiontest.Replay(t, l, v, 512)
	if d := cmp.Diff([]int64{1, 4, 2, 3}, numbers(t, v, "invoice")); d != "" {
		t.Errorf("order (-want +got):\n%s", d)
	}
	res, err := v.Search(context.Background(), search.Query{Text: "invoice", Limit: 1, Skip: 1})
	check(t, err)
	if len(res.Hits) != 1 || res.Hits[0].Number != 4 || !res.More {
		t.Errorf("second page: %+v", res)
	}
}

func TestExcerptsMarkTheWords(t *testing.T) {
	l := projectiontest.New(t)
	say(l, 0, ada, "Broken Kettle", strings.Repeat("so far so good. ", 20)+"Then\nthe kéttle broke, and the kettles leaked.")
	v := open(t, l, t.TempDir())
	projectiontest.Replay(t, l, v, 512)
	res, err := v.Search(context.Background(), search.Query{Text: "kettle"})
	check(t, err)
	var got []string
	for _, e := range res.Hits[0].Excerpts {
		var marked []string
		for _, m := range e.Marks {
			marked = append(marked, e.Text[m.Start:m.End])
		}
		got = append(got, e.Field+": "+strings.Join(marked, " "))
		if strings.Contains(e.Text, "\n") || len(e.Text) > 260 {
			t.Errorf("excerpt %q", e.Text)
		}
	}
	if d := cmp.Diff([]string{"subject: Kettle", "body: kéttle kettles"}, got); d != "" {
		t.Errorf("marks (-want +got):\n%s", d)
	}
}

// TestPurgeIsRebuild: what is found after a purge is what is found in a view
// read anew, and rows and bytes hold nothing of the person.
func TestPurgeIsRebuild(t *testing.T) {
	l := projectiontest.New(t)
	canary := events.Address{Name: "Zyzzyva Quagmire", Address: "qx7vj2@canary.example"}
	for n := range 60 {
		from, word := ada, "ordinary"
		if n%3 == 0 {
			from, word = canary, fmt.Sprintf("xkcdwqv%d", n)
		}
		customer := n % 3
		l.Receive(n, customer, from, events.Letter{Subject: "shared " + word, Text: "common text " + word})
		l.OpenTicket(n, n, customer)
		l.Reply(n, n, 1, customer, from, "answer to "+word)
	}
	l.Receive(60, 1, ada, events.Letter{Text: "shared lifeline"})
	l.Attach(0, 60, 1) // somebody else's message in the erased person's ticket
	v := open(t, l, t.TempDir())
	projectiontest.Replay(t, l, v, 9)
	needles := []string{"Zyzzyva", "qx7vj2", "xkcdwqv"}
	if len(projectiontest.Scan(t, v.Inventory(), needles...)) == 0 {
		t.Fatal("the scan finds nothing before the purge either")
	}
	who := projectiontest.CustomerID(0)
	l.Destroy(who, nil)
	for range 2 { // a purge may be repeated
		receipt, err := projections.Erase(context.Background(), v, who, events.Start)
		check(t, err)
		if receipt.Rows != 40 {
			t.Errorf("%d rows, want 40", receipt.Rows)
		}
	}
	if hits := projectiontest.Scan(t, v.Inventory(), needles...); len(hits) != 0 {
		t.Errorf("left after the purge: %v", hits)
	}
	again := open(t, l, t.TempDir())
	projectiontest.Replay(t, l, again, 512)
	if d := cmp.Diff(projectiontest.Dump(t, again.DB()), projectiontest.Dump(t, v.DB())); d != "" {
		t.Errorf("rows (-rebuilt +purged):\n%s", d)
	}
	for _, q := range []string{"xkcdwqv0", "zyzzyva", "xk", "shared", "lifeline", "ordinary", "common answer", "quag"} {
		if d := cmp.Diff(numbers(t, again, q), numbers(t, v, q)); d != "" {
			t.Errorf("%q (-rebuilt +purged):\n%s", q, d)
		}
	}
}

// TestPurgeFindsLikeARebuild: random tickets with few words, so that they share
// them, and random purges; every word is found where a view read anew finds it.
func TestPurgeFindsLikeARebuild(t *testing.T) {
	words := []string{"apple", "apply", "berry", "cherry", "date"}
	rapid.Check(t, func(r *rapid.T) {
		l := projectiontest.New(t)
		tickets, inquiries := 0, 0
		text := func(label string) string {
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 0, 3).Draw(r, label), " ")
		}
		for range rapid.IntRange(1, 30).Draw(r, "acts") {
			customer := rapid.IntRange(0, 2).Draw(r, "customer")
			l.Receive(inquiries, customer, events.Address{Name: text("name")}, events.Letter{Subject: text("subject"), Text: text("text")})
			if n := rapid.IntRange(0, tickets).Draw(r, "ticket"); n < tickets {
				l.Attach(n, inquiries, customer)
			} else {
				l.OpenTicket(tickets, inquiries, customer)
				tickets++
			}
			inquiries++
		}
		v := open(t, l, t.TempDir())
		projectiontest.Replay(t, l, v, rapid.IntRange(1, 30).Draw(r, "batch"))
		for range rapid.IntRange(1, 3).Draw(r, "purges") {
			who := projectiontest.CustomerID(rapid.IntRange(0, 2).Draw(r, "who"))
			all := rapid.Bool().Draw(r, "all keys")
			l.Destroy(who, func(_ events.Recorded, s events.SegmentRef) bool { return all || s.KID[0] < '8' })
			_, err := projections.Erase(context.Background(), v, who, events.Start)
			check(t, err)
		}
		again := open(t, l, t.TempDir())
		projectiontest.Replay(t, l, again, 512)
		if d := cmp.Diff(projectiontest.Dump(t, again.DB()), projectiontest.Dump(t, v.DB())); d != "" {
			r.Fatalf("rows (-rebuilt +purged):\n%s", d)
		}
		for _, q := range append(words, "app", "ber", "apple berry", "cherry apply") {
			if d := cmp.Diff(numbers(t, again, q), numbers(t, v, q)); d != "" {
				r.Fatalf("%q (-rebuilt +purged):\n%s", q, d)
			}
		}
	})
}

// FuzzSearch: no query is an error of the engine's.
func FuzzSearch(f *testing.F) {
	l := projectiontest.New(f)
	say(l, 0, ada, "Broken kettle", "It leaks.")
	v := open(f, l, f.TempDir())
	projectiontest.Replay(f, l, v, 512)
	for _, q := range []string{`"`, "a AND", "NEAR(a b)", "w:kettle", "^kettle", "kettle*", "\x00", "\xff\xfe", "ﷺ", "a\u0301"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		if _, err := v.Search(context.Background(), search.Query{Text: q}); err != nil {
			t.Error(err)
		}
	})
}

// A message that moves takes its words along: they must not stay behind in a
// ticket that its person's erasure would not look at.
func TestMovedMessageTakesItsWordsAlong(t *testing.T) {
	l := projectiontest.New(t)
	say(l, 0, ada, "Broken kettle", "It leaks.")
	say(l, 1, ada, "Toaster", "It burns.")
	l.Receive(2, 0, ada, events.Letter{Subject: "Toaster", Text: "smoke everywhere", QuoteFrom: -1})
	l.Attach(0, 2, 0)
	l.Add(events.TicketStream(projectiontest.TicketID(0)), "system:desk", events.MessageDetached{
		Ticket: projectiontest.TicketID(0), Inquiry: projectiontest.InquiryID(2), To: projectiontest.TicketID(1), Why: "references",
	})
	l.Attach(1, 2, 0)
	for _, batch := range []int{1, 2, 512} {
		v := open(t, l, t.TempDir())
		projectiontest.Replay(t, l, v, batch)
		for query, want := range map[string][]int64{"smoke": {2}, "leaks": {1}, "toaster": {2}, "burns": {2}} {
			if d := cmp.Diff(want, numbers(t, v, query)); d != "" {
				t.Errorf("batches of %d, %q:\n%s", batch, query, d)
			}
		}
	}
}
