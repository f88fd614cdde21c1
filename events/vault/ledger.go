package vault

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/westshore/hub/events"
)

// Mark names an entry of the privacy ledger: its number, from 1, and its hash.
// Zero is before the first one.
type Mark struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

// Kinds of entries of the privacy ledger.
const (
	LedgerDestroy    = "destroy"    // Order, Cause, KIDs, Due
	LedgerFence      = "fence"      // Subject
	LedgerHold       = "hold"       // Hold
	LedgerRelease    = "release"    // Order: the hold's id
	LedgerRestrict   = "restrict"   // Subject, Cause: why
	LedgerUnrestrict = "unrestrict" // Subject
)

// LedgerEntry is one intent of the privacy ledger, the redo log of everything
// that a restored vault would otherwise have forgotten. Prev is the hash of the
// entry before it, empty for the first. Whoever reads the ledger makes sure that
// Hash is that of the entry's content, and hands on an error that wraps
// ErrLedgerBroken where it is not.
type LedgerEntry struct {
	Seq        int64
	Hash, Prev string
	Kind       string
	Order      events.UUID
	Cause      string
	Due        time.Time
	KIDs       []events.KID
	Subject    events.SubjectID
	Hold       HoldOrder
}

const markLedger = "ledger"

// LedgerMark is the last entry of the ledger that was carried out without a gap
// before it. Admit wants the ledger from this entry on.
func (v *Vault) LedgerMark(ctx context.Context) (Mark, error) {
	m, err := ledgerMark(ctx, v.r)
	return m, explain("read ledger mark", err)
}

func ledgerMark(ctx context.Context, q querier) (Mark, error) {
	var m Mark
	doc, err := readMark(ctx, q, markLedger)
	if err == nil && doc != nil && json.Unmarshal(doc, &m) != nil {
		err = fmt.Errorf("ledger mark: %w", ErrCorrupt)
	}
	return m, err
}

// noteLedger remembers, within the transaction that carried an entry out, that
// it is. Entries may come out of order; the mark moves when the gap closes.
func noteLedger(ctx context.Context, w *writer, m Mark) error {
	if m.Seq == 0 {
		return nil
	}
	at, err := ledgerMark(ctx, w)
	if err != nil || m.Seq <= at.Seq {
		return err
	}
	if m.Seq > at.Seq+1 {
		_, err := w.exec(ctx, "INSERT OR IGNORE INTO ledger_ahead (seq, hash) VALUES (?, ?)", m.Seq, m.Hash)
		return err
	}
	err = selectEach(ctx, w, "SELECT seq, hash FROM ledger_ahead WHERE seq > ? ORDER BY seq", []any{m.Seq}, func(r *sql.Rows) error {
		var next Mark
		err := r.Scan(&next.Seq, &next.Hash)
		if next.Seq == m.Seq+1 {
			m = next
		}
		return err
	})
	if err != nil {
		return err
	}
	if _, err := w.exec(ctx, "DELETE FROM ledger_ahead WHERE seq <= ?", m.Seq); err != nil {
		return err
	}
	doc, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return setMark(ctx, w, markLedger, doc)
}

// Gated reports whether the vault waits for Admit.
func (v *Vault) Gated() bool { return v.gated.Load() }

// Admit is the restore gate. A vault opened with Config.Gated neither mints nor
// opens before Admit has carried out every entry of the ledger that it has not
// carried out yet. tail is the ledger from the entry LedgerMark names on
// (from the first one, when it names none), and anchored is the head of the
// ledger as it was last noted apart from it; zero when that is not known.
//
// It refuses with ErrLedgerBroken, however often it is called, a ledger that
// ends before the anchored head or before what the vault has carried out, that
// has a gap, or whose chain of hashes breaks.
func (v *Vault) Admit(ctx context.Context, tail iter.Seq2[LedgerEntry, error], anchored Mark) error {
	mark, err := v.LedgerMark(ctx)
	if err != nil {
		return fmt.Errorf("admit vault: %w", err)
	}
	broken := func(what string, seq int64) error {
		return fmt.Errorf("admit vault: entry %d %s: %w", seq, what, ErrLedgerBroken)
	}
	var head Mark
	repeated := 0
	for e, err := range tail {
		if err != nil {
			return fmt.Errorf("admit vault: read ledger: %w", err)
		}
		here := Mark{e.Seq, e.Hash}
		switch {
		case head.Seq == 0 && (e.Seq < 1 || e.Seq > max(mark.Seq, 1)):
			return broken("comes first, and those before it are missing", e.Seq)
		case head.Seq > 0 && e.Seq != head.Seq+1:
			return broken("follows a gap", e.Seq)
		case (head.Seq > 0 || e.Seq == 1) && e.Prev != head.Hash:
			return broken("does not follow from the one before it", e.Seq)
		case e.Seq == mark.Seq && here != mark, e.Seq == anchored.Seq && here != anchored:
			return broken("is not the one that was carried out or anchored", e.Seq)
		}
		if e.Seq > mark.Seq {
			if err := v.repeat(ctx, &e); err != nil {
				return fmt.Errorf("admit vault: repeat entry %d: %w", e.Seq, err)
			}
			repeated++
		}
		head = here
	}
	if head.Seq < mark.Seq || head.Seq < anchored.Seq {
		return broken("is the last one, later ones are missing", head.Seq)
	}
	if repeated > 0 {
		v.log.Info("ledger carried out before the vault opened", "entries", repeated, "seq", head.Seq)
	}
	v.gated.Store(false)
	return nil
}

// repeat carries out one entry of the ledger, be it for the first time or again.
func (v *Vault) repeat(ctx context.Context, e *LedgerEntry) error {
	mark := Mark{e.Seq, e.Hash}
	switch e.Kind {
	case LedgerDestroy:
		_, _, err := v.destroy(ctx, Order{ID: e.Order, Cause: e.Cause, Ledger: mark, Due: e.Due}, e.KIDs, true)
		return err
	case LedgerFence:
		return v.fence(ctx, e.Subject, mark)
	case LedgerHold:
		h := e.Hold
		h.Ledger = mark
		_, err := v.Hold(ctx, h)
		return err
	case LedgerRelease:
		_, err := v.liftHold(ctx, e.Order, mark)
		return err
	case LedgerRestrict, LedgerUnrestrict:
		if err := v.Restrict(ctx, e.Subject, e.Kind == LedgerRestrict, e.Cause); err != nil {
			return err
		}
		return v.w.do(ctx, &job{run: func(ctx context.Context, w *writer) error { return noteLedger(ctx, w, mark) }})
	}
	return fmt.Errorf("an entry of the unknown kind %q: %w", e.Kind, ErrLedgerBroken)
}
