package vault_test

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

func TestHeldKeyIsDeferredAndGoesWithTheLastHold(t *testing.T) {
	p := newPlace(t)
	v := p.open(t)
	before := request(subject(1))
	named := mint(t, v, request(subject(2)))[0].KID
	kids := names(mint(t, v, before))
	first := vault.HoldOrder{ID: events.NewUUID(), Authority: "case-1", Subjects: []events.SubjectID{subject(1)}}
	second := vault.HoldOrder{ID: events.NewUUID(), Authority: "case-2", Streams: []events.Stream{before.Stream}, KIDs: []events.KID{named, "000000000000000000000000000000ff"}}
	for _, h := range []vault.HoldOrder{first, first, second} {
		if _, err := v.Hold(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	shut(t, v)
	v = p.open(t) // holds outlive a restart
	kids = append(kids, names(mint(t, v, request(subject(1))))...)
	all := append([]events.KID{named}, kids...)
	order := events.NewUUID()
	d, err := v.Destroy(t.Context(), vault.Order{ID: order, Cause: "subject"}, all)
	if err != nil || len(d.Killed) != 0 || len(d.Deferred) != 3 {
		t.Fatalf("destroy of held keys = %+v, %v", d, err)
	}
	if got := open(t, v, kids[0])[0]; got.State != events.Restricted || got.Why == "" {
		t.Errorf("a key that only a hold keeps is %v (%q), want restricted", got.State, got.Why)
	}
	released := func(id events.UUID, want ...events.KID) {
		t.Helper()
		d, err := v.Release(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		sortKIDs := cmp.Transformer("set", func(k []events.KID) map[events.KID]bool {
			m := map[events.KID]bool{}
			for _, x := range k {
				m[x] = true
			}
			return m
		})
		if diff := cmp.Diff(want, d.Killed, sortKIDs); diff != "" {
			t.Errorf("released (-want +got):\n%s", diff)
		}
	}
	released(first.ID, kids[1])
	released(first.ID)
	released(second.ID, kids[0], named)
	if got := open(t, v, all...); got[0].Tomb.Order != order || got[1].State != events.Erased || got[2].State != events.Erased {
		t.Errorf("after the last release: %v %v %v", got[0].State, got[1].State, got[2].State)
	}
	mine := mint(t, v, request(subject(1)))[0].KID
	if d := destroy(t, v, mine); len(d.Killed) != 1 {
		t.Error("a released hold still keeps new keys")
	}
}

func TestHoldReportsWhatIsGoneAlready(t *testing.T) {
	v := newPlace(t).open(t)
	kids := names(mint(t, v, requests(2, subject(1))...))
	destroy(t, v, kids[0])
	held, err := v.Hold(t.Context(), vault.HoldOrder{ID: events.NewUUID(), Authority: "case-1", KIDs: kids})
	if d := cmp.Diff(vault.Held{Keys: 1, Missing: kids[:1]}, held); d != "" || err != nil {
		t.Errorf("held (-want +got), %v:\n%s", err, d)
	}
}

// TestHoldsAndDestructionAgreeUnderLoad: whoever comes first wins, and no held
// key is ever gone.
func TestHoldsAndDestructionAgreeUnderLoad(t *testing.T) {
	v := newPlace(t).open(t)
	var wg sync.WaitGroup
	for i := range 30 {
		kids := names(mint(t, v, requests(3, subject(i))...))
		var held vault.Held
		var killed vault.Destroyed
		id := events.NewUUID()
		wg.Go(func() {
			var err error
			if held, err = v.Hold(t.Context(), vault.HoldOrder{ID: id, Authority: "case", KIDs: kids}); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			var err error
			if killed, err = v.Destroy(t.Context(), vault.Order{ID: events.NewUUID(), Cause: vault.CauseSubject}, kids); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		if held.Keys != len(killed.Deferred) || len(held.Missing) != len(killed.Killed) || held.Keys+len(held.Missing) != 3 {
			t.Fatalf("hold kept %d and missed %d; destroy deferred %d and killed %d", held.Keys, len(held.Missing), len(killed.Deferred), len(killed.Killed))
		}
	}
}
