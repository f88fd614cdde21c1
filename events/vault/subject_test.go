package vault_test

import (
	"regexp"
	"sync"
	"testing"

	"github.com/westshore/hub/events"
)

func TestAddressesOfOnePersonAreOneSubject(t *testing.T) {
	v := newPlace(t).open(t)
	got, err := v.Subjects(t.Context(), []string{
		"Jürgen@Bücher.example", " jürgen@xn--bcher-kva.EXAMPLE. ", "JÜRGEN@BÜCHER.example", "ju\u0308rgen@bücher.example",
		"someone@else.example", "_odd_@under_score.example", "_odd_@UNDER_score.example",
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if got[i] != got[0] {
			t.Errorf("address %d is another person", i)
		}
	}
	if got[4] == got[0] || got[5] != got[6] || got[5] == got[4] {
		t.Error("different addresses are one person, or equal ones are not")
	}
	if !regexp.MustCompile("^[0-9a-f]{32}$").MatchString(string(got[0])) {
		t.Error("a subject id is not 32 hexadecimal digits")
	}
}

func TestSubjectIsMadeOnceHoweverManyAsk(t *testing.T) {
	p := newPlace(t)
	v := p.open(t)
	var wg sync.WaitGroup
	got := make([]events.SubjectID, 32)
	for i := range got {
		wg.Go(func() {
			s, err := v.Subjects(t.Context(), []string{"a@example.org", "b@example.org", "a@example.org"})
			if err != nil || s[0] != s[2] || s[0] == s[1] {
				t.Errorf("subjects = %v", err)
				return
			}
			got[i] = s[0]
		})
	}
	wg.Wait()
	for _, s := range got {
		if s != got[0] {
			t.Fatal("one address is two people")
		}
	}
	shut(t, v)
	v = p.open(t)
	s, ok, err := v.Lookup(t.Context(), "A@EXAMPLE.ORG")
	if err != nil || !ok || s != got[0] {
		t.Errorf("lookup after a restart: %v, %v", ok, err)
	}
}

func TestLookupMakesNobody(t *testing.T) {
	v := newPlace(t).open(t)
	for range 2 {
		if _, ok, err := v.Lookup(t.Context(), "nobody@example.org"); ok || err != nil {
			t.Errorf("lookup of nobody: %v, %v", ok, err)
		}
	}
	for _, addr := range []string{"", "  ", "@"} {
		if _, err := v.Subjects(t.Context(), []string{addr}); err == nil {
			t.Errorf("the address %q was taken", addr)
		}
	}
}
