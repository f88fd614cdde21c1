package erasure_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/services/privacy/erasure"
)

func (h *house) targets(who events.SubjectID) []erasure.Target {
	h.t.Helper()
	infos, err := h.Vault.SubjectKeys(h.t.Context(), who)
	check(h.t, err)
	return erasure.Targets(infos)
}

// TestRestoredVaultRepeatsWhatItForgot is the ledger's half of acceptance test 9:
// Monday's vault over Tuesday's log opens nothing before it has destroyed again
// what was erased since; a ledger that was cut below its anchor is refused.
//
// clause: S4
func TestRestoredVaultRepeatsWhatItForgot(t *testing.T) {
	t.Parallel()
	h := open(t)
	who, _, _ := h.receive(mail{ada, "erased on Tuesday", "Monday's backup still holds the key of this letter", ""})
	other, _, _ := h.receive(mail{bo, "kept on Tuesday too", "Monday's backup holds this one as well", ""})
	folder := t.TempDir()
	check(t, h.Vault.Backup(t.Context(), filepath.Join(folder, "vault.db")))
	order := events.NewUUID()
	check(t, h.ledger.Fence(t.Context(), order, who))
	_, err := h.ledger.Destroy(t.Context(), order, vault.CauseSubject, time.Time{}, h.targets(who))
	check(t, err)

	old, err := vault.Open(t.Context(), vault.Config{Dir: folder, KeyFile: filepath.Join(h.Dir, "root.key"), Gated: true, Logger: h.Logger})
	check(t, err)
	defer func() { check(t, old.Close()) }()
	kids, err := h.Vault.KeysOf(t.Context(), other)
	check(t, err)
	if _, err := old.Keys(t.Context(), agent, kids); !errors.Is(err, vault.ErrGated) {
		t.Fatalf("a restored vault opened a key at once: %v", err)
	}
	anchor := filepath.Join(h.Dir, "ledger.head")
	head, err := os.ReadFile(anchor)
	check(t, err)
	ledger := erasure.NewLedger(h.Journal, old, []erasure.Anchor{erasure.FileAnchor(anchor)}, h.Logger)

	// An anchor beyond the ledger: somebody cut the log.
	check(t, os.WriteFile(anchor, []byte(`{"seq":99,"hash":"00"}`), 0o600))
	if err := ledger.Admit(t.Context()); !errors.Is(err, vault.ErrLedgerBroken) {
		t.Fatalf("a ledger that was cut was admitted: %v", err)
	}
	if _, err := old.Keys(t.Context(), agent, kids); !errors.Is(err, vault.ErrGated) {
		t.Fatalf("the vault opened on a broken ledger: %v", err)
	}
	check(t, os.WriteFile(anchor, head, 0o600))
	check(t, ledger.Admit(t.Context()))
	gone, _, err := ledger.Of(t.Context(), order, time.Time{})
	check(t, err)
	var dead []events.KID
	for _, g := range gone {
		dead = append(dead, g.KID)
	}
	results, err := old.Keys(t.Context(), agent, append(dead, kids...))
	check(t, err)
	for i, r := range results {
		if erased := r.State == events.Erased; erased != (i < len(dead)) {
			t.Errorf("key %d of %d is %s", i, len(dead), r.State)
		}
	}
	if _, known, err := old.Lookup(t.Context(), ada.Address); known || err != nil {
		t.Errorf("the restored vault knows the erased address (%v)", err)
	}
}

// TestLedgerIsAChain: a changed entry breaks it, however it is read.
//
// clause: S4
func TestLedgerIsAChain(t *testing.T) {
	t.Parallel()
	h := open(t)
	who, _, _ := h.receive(mail{ada, "chained to the ledger", "Every intent names the one before it", ""})
	list := h.targets(who)
	for _, target := range list {
		_, err := h.ledger.Destroy(t.Context(), events.NewUUID(), vault.CauseRedaction, time.Time{}, []erasure.Target{target})
		check(t, err)
	}
	history, err := h.Load(t.Context(), events.LedgerStream, nil)
	check(t, err)
	var prev events.Hash
	for i, r := range history {
		e := r.Event.(events.DestroyIntended)
		if e.Seq != int64(i+1) || e.Prev != prev {
			t.Errorf("entry %d: %+v", i+1, e)
		}
		prev = e.Hash
	}
	// Somebody who may write to the log adds an entry that does not fit.
	last, _, err := h.Last(t.Context(), events.LedgerStream)
	check(t, err)
	forged := events.DestroyIntended{Seq: int64(len(history) + 1), Prev: prev, Hash: "ff", Order: events.NewUUID(), Cause: "subject", Chunk: 1, Of: 1, KIDs: []events.KID{list[0].KID}}
	_, err = h.Append(t.Context(), events.LedgerStream, last.Revision, h.by("system:intruder"), forged)
	check(t, err)
	if err := h.ledger.Admit(t.Context()); !errors.Is(err, vault.ErrLedgerBroken) {
		t.Errorf("a forged entry was admitted: %v", err)
	}
	if _, err := h.ledger.Destroy(t.Context(), events.NewUUID(), vault.CauseSubject, time.Time{}, list); !errors.Is(err, vault.ErrLedgerBroken) {
		t.Errorf("something was destroyed on a broken ledger: %v", err)
	}
}

// TestNothingIsDestroyedBeforeItIsAnchored: when the anchor cannot be written, the
// keys stay.
//
// clause: S4
func TestNothingIsDestroyedBeforeItIsAnchored(t *testing.T) {
	t.Parallel()
	h := open(t)
	who, _, _ := h.receive(mail{ada, "not anchored at all", "This stays as long as the anchor's disk is full", ""})
	full := true
	ledger := erasure.NewLedger(h.Journal, h.Vault, []erasure.Anchor{{Name: "full", Load: func(context.Context) (vault.Mark, error) { return vault.Mark{}, nil }, Save: func(context.Context, vault.Mark) error {
		if full {
			return errors.New("disk full")
		}
		return nil
	}}}, h.Logger)
	order, list := events.NewUUID(), h.targets(who)
	if _, err := ledger.Destroy(t.Context(), order, vault.CauseSubject, time.Time{}, list); !errors.Is(err, erasure.ErrAnchor) {
		t.Fatalf("destroy = %v, want ErrAnchor", err)
	}
	if h.live(who) != len(list) {
		t.Fatal("keys were destroyed that no anchor knows of")
	}
	full = false
	done, err := ledger.Destroy(t.Context(), order, vault.CauseSubject, time.Time{}, list)
	if err != nil || len(done.Killed) != len(list) || h.live(who) != 0 {
		t.Errorf("again: %+v, %v", done, err)
	}
}

// TestRolledBackFolderIsNoticed: the log and the anchor beside it were put back
// together, and what remembers more lies elsewhere, as on the bus: the vault stays
// shut. While that place is away, the vault opens, and nothing is destroyed.
//
// clause: S4
func TestRolledBackFolderIsNoticed(t *testing.T) {
	t.Parallel()
	h := open(t)
	who, _, _ := h.receive(mail{ada, "rolled back as a whole", "The folder and the anchor in it go back together", ""})
	var kept []byte
	away := errors.New("no servers available")
	var down error
	elsewhere := erasure.KeptAnchor("bus", func(context.Context) ([]byte, error) { return kept, down }, func(_ context.Context, b []byte) error {
		kept = b
		return down
	})
	elsewhere.Remote = true
	beside := erasure.FileAnchor(filepath.Join(h.Dir, "beside.head"))
	ledger := erasure.NewLedger(h.Journal, h.Vault, []erasure.Anchor{beside, elsewhere}, h.Logger)
	list := h.targets(who)
	_, err := ledger.Destroy(t.Context(), events.NewUUID(), vault.CauseRedaction, time.Time{}, list[:1])
	check(t, err)
	if head, err := elsewhere.Load(t.Context()); err != nil || head.Seq != 1 {
		t.Fatalf("elsewhere remembers %+v, %v", head, err)
	}
	kept = nil // a place that was added later is told
	check(t, ledger.Admit(t.Context()))
	if head, err := elsewhere.Load(t.Context()); err != nil || head.Seq != 1 {
		t.Errorf("a new place was told %+v, %v", head, err)
	}
	down = away
	check(t, ledger.Admit(t.Context()))
	if _, err := ledger.Destroy(t.Context(), events.NewUUID(), vault.CauseRedaction, time.Time{}, list[1:]); !errors.Is(err, erasure.ErrAnchor) || h.live(who) != len(list)-1 {
		t.Errorf("destroyed while the anchor is away: %v, %d keys", err, h.live(who))
	}
	down, kept = nil, []byte(`{"seq":7,"hash":"00"}`)
	if err := ledger.Admit(t.Context()); !errors.Is(err, vault.ErrLedgerBroken) {
		t.Errorf("a folder that was rolled back was admitted: %v", err)
	}
	if _, err := ledger.Destroy(t.Context(), events.NewUUID(), vault.CauseRedaction, time.Time{}, list[1:]); !errors.Is(err, vault.ErrLedgerBroken) {
		t.Errorf("destroyed on a folder that was rolled back: %v", err)
	}
}
