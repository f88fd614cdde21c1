package vault

import (
	"context"
	"database/sql"

	"github.com/westshore/hub/events"
)

// UnitOfWork orders what a writer does against the fences of erased people: a
// count, not a time. Zero is older than every fence.
type UnitOfWork uint64

// Begin starts a unit of work. Resolve addresses and mint keys within it: when
// a person is fenced in between, Mint refuses.
func (v *Vault) Begin() UnitOfWork { return UnitOfWork(v.unit.Add(1)) }

// fenceStep is how far a fence reaches beyond the units begun so far. Units that
// begin while the fence is being written may still see the old identity, and so
// must fall behind the fence; there are never this many of them.
const fenceStep = 1 << 24

// Fence forgets which addresses belong to a person and refuses new keys to
// every unit of work that began before it returned: the addresses resolve to
// somebody new from now on. Erasure fences first and destroys second. ledger is
// the entry of the privacy ledger about it, if there is one.
func (v *Vault) Fence(ctx context.Context, s events.SubjectID, ledger ...Mark) error {
	var mark Mark
	for _, m := range ledger {
		mark = m
	}
	return v.fence(ctx, s, mark)
}

// fence also notes that the ledger's entry about it is carried out.
func (v *Vault) fence(ctx context.Context, s events.SubjectID, ledger Mark) error {
	key := subjectKey(s)
	var fence uint64
	err := v.w.do(ctx, &job{
		run: func(ctx context.Context, w *writer) error {
			fence = v.unit.Load() + fenceStep
			_, err := w.exec(ctx, "INSERT INTO fence (subject, uow, at) VALUES (?, ?, ?) ON CONFLICT (subject) DO UPDATE SET uow = excluded.uow, at = excluded.at",
				key, int64(fence), millis(v.now()))
			if err != nil {
				return err
			}
			if _, err := w.exec(ctx, "DELETE FROM ident WHERE subject = ?", key); err != nil {
				return err
			}
			if _, err := w.exec(ctx, "UPDATE subject SET state = 2 WHERE id = ?", key); err != nil {
				return err
			}
			return noteLedger(ctx, w, ledger)
		},
		after: func() { v.beginAfter(fence) },
	})
	if err != nil {
		return explain("fence subject", err)
	}
	return v.truncate(ctx)
}

// beginAfter makes every unit that begins from now on younger than the fence.
func (v *Vault) beginAfter(fence uint64) {
	for {
		now := v.unit.Load()
		if now >= fence || v.unit.CompareAndSwap(now, fence) {
			return
		}
	}
}

// checkFences refuses when a subject was fenced after the unit of work began.
func checkFences(ctx context.Context, w *writer, u UnitOfWork, rows []minted) error {
	seen := make(map[string]bool, 8)
	var subjects [][]byte
	for i := range rows {
		if s := rows[i].subject; !seen[string(s)] {
			seen[string(s)] = true
			subjects = append(subjects, s)
		}
	}
	return selectIn(ctx, w, "SELECT uow FROM fence WHERE subject", subjects, func(r *sql.Rows) error {
		var fence uint64
		if err := r.Scan(&fence); err != nil {
			return err
		}
		if uint64(u) <= fence {
			return ErrFenced
		}
		return nil
	})
}
