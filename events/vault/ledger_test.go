package vault_test

import (
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"testing"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// ledger is a privacy ledger in memory, chained as the real one is.
type ledger []vault.LedgerEntry

func (l *ledger) add(e vault.LedgerEntry) vault.Mark {
	e.Seq = int64(len(*l) + 1)
	if e.Seq > 1 {
		e.Prev = (*l)[e.Seq-2].Hash
	}
	e.Hash = fmt.Sprintf("hash-%d-%s", e.Seq, e.Kind)
	*l = append(*l, e)
	return vault.Mark{Seq: e.Seq, Hash: e.Hash}
}

func (l ledger) head() vault.Mark {
	if len(l) == 0 {
		return vault.Mark{}
	}
	return vault.Mark{Seq: l[len(l)-1].Seq, Hash: l[len(l)-1].Hash}
}

func (l ledger) from(m vault.Mark) iter.Seq2[vault.LedgerEntry, error] {
	return func(yield func(vault.LedgerEntry, error) bool) {
		for _, e := range l[max(0, min(int(m.Seq)-1, len(l))):] {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func admit(t testing.TB, v *vault.Vault, l ledger, anchored vault.Mark) error {
	t.Helper()
	mark, err := v.LedgerMark(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v.Admit(t.Context(), l.from(mark), anchored)
}

// TestMondaysBackupOpensOnlyAfterTheLedger is acceptance test 9: what was erased,
// fenced, held and restricted since the backup is so again before anything opens.
//
// clause: S4
func TestMondaysBackupOpensOnlyAfterTheLedger(t *testing.T) {
	p := newPlace(t)
	cfg := p.config()
	cfg.Gated = true
	v := openWith(t, cfg)
	if _, err := v.Mint(t.Context(), v.Begin(), requests(1, subject(1))); !errors.Is(err, vault.ErrGated) || !v.Gated() {
		t.Fatalf("a gated vault mints: %v", err)
	}
	var l ledger
	if err := admit(t, v, l, vault.Mark{}); err != nil {
		t.Fatal(err)
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	people, err := v.Subjects(t.Context(), []string{"erased@example.org", "held@example.org", "restricted@example.org"})
	do(err)
	erased := names(mint(t, v, requests(3, people[0])...))
	held := names(mint(t, v, requests(2, people[1])...))
	limited := names(mint(t, v, requests(1, people[2])...))
	early := events.NewUUID()
	_, err = v.Destroy(t.Context(), vault.Order{ID: early, Cause: vault.CauseSubject, Ledger: l.add(vault.LedgerEntry{Kind: vault.LedgerDestroy, Order: early, Cause: vault.CauseSubject, KIDs: erased[:1]})}, erased[:1])
	do(err)
	monday := filepath.Join(t.TempDir(), "monday.db")
	do(v.Backup(t.Context(), monday))

	// Tuesday.
	young := names(mint(t, v, requests(2, people[0])...)) // unknown to the backup
	do(v.Fence(t.Context(), people[0], l.add(vault.LedgerEntry{Kind: vault.LedgerFence, Subject: people[0]})))
	hold := vault.HoldOrder{ID: events.NewUUID(), Authority: "case-1", Subjects: people[1:2]}
	hold.Ledger = l.add(vault.LedgerEntry{Kind: vault.LedgerHold, Hold: hold})
	_, err = v.Hold(t.Context(), hold)
	do(err)
	order := vault.Order{ID: events.NewUUID(), Cause: vault.CauseSubject}
	all := slices.Concat(erased[1:], young, held[:1])
	order.Ledger = l.add(vault.LedgerEntry{Kind: vault.LedgerDestroy, Order: order.ID, Cause: order.Cause, KIDs: all})
	_, err = v.Destroy(t.Context(), order, all)
	do(err)
	l.add(vault.LedgerEntry{Kind: vault.LedgerRestrict, Subject: people[2], Cause: "request-1"})
	do(v.Restrict(t.Context(), people[2], true, "request-1"))
	if got, err := v.LedgerMark(t.Context()); err != nil || got.Seq != 4 {
		t.Errorf("mark %+v (%v), want 4", got, err)
	}
	anchored := l.head()
	shut(t, v)

	restored := place{dir: filepath.Join(t.TempDir(), "vault"), key: p.key}
	restore := func() *vault.Vault {
		t.Helper()
		r := place{dir: filepath.Join(t.TempDir(), "vault"), key: p.key}
		mkdir(t, r.dir)
		copyFile(t, monday, filepath.Join(r.dir, "vault.db"))
		cfg := r.config()
		cfg.Gated = true
		restored = r
		return openWith(t, cfg)
	}
	v = restore()
	refused := func(what string, l ledger, anchored vault.Mark) {
		t.Helper()
		for range 2 { // for good
			if err := admit(t, v, l, anchored); !errors.Is(err, vault.ErrLedgerBroken) {
				t.Fatalf("%s: admit = %v, want ErrLedgerBroken", what, err)
			}
			if _, err := v.Keys(t.Context(), agent, erased); !errors.Is(err, vault.ErrGated) {
				t.Fatalf("%s: keys = %v, want ErrGated", what, err)
			}
			if _, err := v.Subjects(t.Context(), []string{"erased@example.org"}); !errors.Is(err, vault.ErrGated) {
				t.Fatalf("%s: subjects = %v, want ErrGated", what, err)
			}
		}
	}
	refused("a ledger cut below its anchored head", l[:2], anchored)
	refused("no ledger at all", nil, anchored)
	refused("no ledger at all, and no anchor", nil, vault.Mark{})
	v = restore()
	gap := slices.Delete(slices.Clone(l), 2, 3)
	refused("a ledger with a gap", gap, anchored)
	v = restore()
	forged := slices.Clone(l)
	forged[3].Prev = "other"
	refused("a chain that breaks", forged, anchored)
	v = restore()
	swapped := slices.Clone(l)
	swapped[0].Hash, swapped[1].Prev = "other", "other"
	refused("another entry than the one carried out", swapped, anchored)
	v = restore()
	swapped = slices.Clone(l)
	swapped[len(l)-1].Hash = "other"
	refused("another head than the anchored one", swapped, anchored)

	v = restore()
	do(admit(t, v, l, anchored))
	for i, r := range open(t, v, all...) {
		if i < 4 && (r.State != events.Erased || r.Tomb.Order != order.ID) {
			t.Errorf("key %d, erased on Tuesday, is %v after the replay", i, r.State)
		}
		if i == 4 && r.State != events.Restricted {
			t.Errorf("the held key is %v after the replay, want kept by the hold alone", r.State)
		}
	}
	if s := open(t, v, limited...)[0].State; s != events.Restricted {
		t.Errorf("the restricted key is %v", s)
	}
	if again, err := v.Subjects(t.Context(), []string{"erased@example.org"}); err != nil || again[0] == people[0] {
		t.Errorf("the erased address resolves to the erased subject (%v)", err)
	}
	if got, err := v.LedgerMark(t.Context()); err != nil || got != anchored {
		t.Errorf("mark %+v (%v), want %+v", got, err, anchored)
	}
	shut(t, v)
	cfg = restored.config()
	cfg.Gated = true
	v = openWith(t, cfg)
	do(admit(t, v, l, anchored)) // nothing to repeat
	released, err := v.Release(t.Context(), hold.ID)
	if err != nil || len(released.Killed) != 1 || released.Killed[0] != held[0] {
		t.Errorf("released %+v (%v), want the deferred key", released, err)
	}
}

// TestMarkMovesWhenTheGapCloses: orders are carried out side by side, and an
// entry before them may still be under way when the process ends.
//
// clause: S4
func TestMarkMovesWhenTheGapCloses(t *testing.T) {
	v := newPlace(t).open(t)
	kids := names(mint(t, v, requests(4, subject(1))...))
	var l ledger
	orders := make([]vault.Order, 4)
	for i := range orders {
		orders[i] = vault.Order{ID: events.NewUUID(), Cause: vault.CauseRedaction}
		orders[i].Ledger = l.add(vault.LedgerEntry{Kind: vault.LedgerDestroy, Order: orders[i].ID, KIDs: kids[i : i+1]})
	}
	for _, c := range []struct {
		do   int
		want int64
	}{{2, 0}, {1, 0}, {0, 3}, {3, 4}, {1, 4}} {
		if _, err := v.Destroy(t.Context(), orders[c.do], kids[c.do:c.do+1]); err != nil {
			t.Fatal(err)
		}
		if got, err := v.LedgerMark(t.Context()); err != nil || got.Seq != c.want || c.want > 0 && got.Hash != l[c.want-1].Hash {
			t.Fatalf("after entry %d the mark is %+v (%v), want %d", c.do+1, got, err, c.want)
		}
	}
}

func TestErrorOfTheLedgerKeepsTheGateShut(t *testing.T) {
	cfg := newPlace(t).config()
	cfg.Gated = true
	v := openWith(t, cfg)
	away := errors.New("the log is away")
	err := v.Admit(t.Context(), func(yield func(vault.LedgerEntry, error) bool) { yield(vault.LedgerEntry{}, away) }, vault.Mark{})
	if !errors.Is(err, away) || !v.Gated() {
		t.Errorf("admit = %v, gated %v", err, v.Gated())
	}
}
