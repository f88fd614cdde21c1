package retention

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/events/vault"
)

// Anchors tells the vault what periods run from: it reads the log and says when
// a ticket, a delivery, a request or a case ended or went on, which inquiry
// belongs to which ticket, and when a person was last heard of.
//
// Everything it says is idempotent, so reading again from an older checkpoint
// changes nothing.
type Anchors struct {
	journal *journal.Journal
	vault   *vault.Vault
	log     *slog.Logger

	mu    sync.Mutex
	at    events.Position // everything up to here was told to the vault
	moved chan struct{}   // closed and replaced when at moves
}

const (
	anchorsReactor = "retention"
	tellAtOnce     = 128         // changes in one transaction
	checkpointGap  = time.Second // at most this much is read again after a crash
)

// NewAnchors returns a reader of the log for a vault.
func NewAnchors(j *journal.Journal, v *vault.Vault, log *slog.Logger) *Anchors {
	return &Anchors{journal: j, vault: v, log: log.With("room", "retention"), moved: make(chan struct{})}
}

// Run reads until ctx ends.
func (a *Anchors) Run(ctx context.Context) error {
	from, err := a.journal.Checkpoint(ctx, anchorsReactor)
	if err != nil {
		return fmt.Errorf("follow ends of matters: %w", err)
	}
	a.advance(from)
	last, news := time.Time{}, false
	err = a.journal.Subscribe(ctx, journal.Reading{From: from, Wanted: anchorTypes}, func(ctx context.Context, b journal.Batch) error {
		if err := a.tell(ctx, b.Events); err != nil {
			return err
		}
		a.advance(b.Position)
		// Only what was told is worth a checkpoint: it is an event itself, and would
		// otherwise follow on itself for ever.
		if news = news || len(b.Events) > 0; !news || time.Since(last) < checkpointGap {
			return nil
		}
		if err := a.journal.Advance(ctx, anchorsReactor, b.Position); err != nil {
			a.log.Warn("checkpoint not saved, some events would be looked at again", "error", err)
			return nil
		}
		last, news = time.Now(), false
		return nil
	})
	if ctx.Err() != nil {
		return nil //nolint:nilerr // told to end
	}
	return err
}

// tell passes on what a batch says, in its order.
func (a *Anchors) tell(ctx context.Context, batch []events.Recorded) error {
	var moves []vault.Move
	for _, r := range batch {
		moves = append(moves, read(r)...)
	}
	for some := range slices.Chunk(moves, tellAtOnce) {
		if err := a.vault.Move(ctx, some...); err != nil {
			return fmt.Errorf("tell the vault what ended: %w", err)
		}
	}
	return nil
}

func (a *Anchors) advance(p events.Position) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.at.Before(p) {
		a.at = p
		close(a.moved)
		a.moved = make(chan struct{})
	}
}

// Wait returns when everything up to p was told to the vault, or with ctx's
// error.
func (a *Anchors) Wait(ctx context.Context, p events.Position) error {
	for {
		a.mu.Lock()
		there, moved := !a.at.Before(p), a.moved
		a.mu.Unlock()
		if there {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("wait for what ended: %w", ctx.Err())
		}
	}
}
