package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/bus"
	"github.com/westshore/hub/events/store"
)

const (
	// vaultEvery is how often the vault is looked after.
	vaultEvery = time.Hour
	// orphanAge is how old a key without an event must be to be nobody's.
	orphanAge  = 2 * time.Hour
	orphanMark = "orphans"
)

// keepVault wraps all keys anew once an hour when some were destroyed, so that
// residue of the old ones opens nothing, and sweeps keys whose event was never
// written.
func (h *house) keepVault(ctx context.Context) error {
	sealed := h.vault.Generation()
	tick := time.NewTicker(vaultEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if g := h.vault.Generation(); g != sealed {
			n, err := h.vault.SealEpoch(ctx)
			if err != nil {
				return err
			}
			sealed = g
			h.log.Info("keys wrapped anew", "room", "vault", "keys", n)
		}
		if err := h.sweepOrphans(ctx, time.Now()); err != nil {
			return err
		}
	}
}

// logMark remembers how long the log was at a time.
type logMark struct {
	At  time.Time       `json:"at"`
	Pos events.Position `json:"pos"`
}

// orphanMarks are the marks of the last runs, and up to when keys were looked at.
type orphanMarks struct {
	Until time.Time `json:"until"`
	Marks []logMark `json:"marks"`
}

// from is where the events of keys begin that were not looked at yet: an event is
// written after its key.
func (m *orphanMarks) from() events.Position {
	pos := events.Start
	for _, x := range m.Marks {
		if x.At.Before(m.Until) {
			pos = x.Pos
		}
	}
	return pos
}

// sweepOrphans destroys keys whose event is not in the log. While anything waits
// on the bus, or lies among the dead letters, it does nothing: those are events to
// come.
func (h *house) sweepOrphans(ctx context.Context, now time.Time) error {
	for _, s := range []bus.Stream{bus.Inquiries, bus.Outbound, bus.Deliveries, bus.DeadLetter} {
		if n, err := h.bus.Depth(ctx, s); err != nil || n > 0 {
			return err
		}
	}
	var marks orphanMarks
	doc, err := h.vault.Checkpoint(ctx, orphanMark)
	if err != nil {
		return err
	}
	if doc != nil {
		if err := json.Unmarshal(doc, &marks); err != nil {
			return fmt.Errorf("sweep orphans: read marks: %w", err)
		}
	}
	head, err := h.store.Head(ctx)
	if err != nil {
		return err
	}
	from := marks.from()
	_, err = h.vault.Orphans(ctx, orphanAge, func(ctx context.Context, ids []events.UUID) (map[events.UUID]bool, error) {
		return h.written(ctx, from, ids)
	})
	if err != nil {
		return err
	}
	marks.Until = now.Add(-orphanAge)
	marks.Marks = append(marks.Marks, logMark{At: now, Pos: head})
	for len(marks.Marks) > 1 && marks.Marks[1].At.Before(marks.Until) {
		marks.Marks = marks.Marks[1:]
	}
	if doc, err = json.Marshal(marks); err != nil {
		return err
	}
	return h.vault.SetCheckpoint(ctx, orphanMark, doc)
}

// written tells which events stand in the log after a position.
func (h *house) written(ctx context.Context, from events.Position, ids []events.UUID) (map[events.UUID]bool, error) {
	open := make(map[events.UUID]bool, len(ids))
	for _, id := range ids {
		open[id] = true
	}
	there, all := make(map[events.UUID]bool, len(ids)), errors.New("all are there")
	err := h.store.ReadAll(ctx, from, 0, func(r store.Recorded) error {
		if open[r.ID] {
			there[r.ID] = true
			if len(there) == len(open) {
				return all
			}
		}
		return nil
	})
	if errors.Is(err, all) {
		err = nil
	}
	return there, err
}

// vaultCommands are the sub-commands about the vault's root key.
func vaultCommands() map[string]privacyCommand {
	return map[string]privacyCommand{
		"rotate-root": {
			does: "make a new root key; earlier ones stay in the key file for backups",
			run: func(h *house, ctx context.Context, args []string, out io.Writer) error {
				if len(args) != 0 {
					return misuse("rotate-root takes no arguments")
				}
				if err := h.vault.RotateRoot(ctx); err != nil {
					return err
				}
				_, err := fmt.Fprintln(out, "done: copy the key file to where you keep its backup, then make a backup of the data")
				return err
			},
		},
		"forget-roots": {
			args: "<days>", does: "remove root keys replaced longer ago; backups under them open nothing any more",
			run: func(h *house, ctx context.Context, args []string, out io.Writer) error {
				if len(args) != 1 {
					return misuse("say how many days ago a root key must have been replaced")
				}
				days, err := strconv.Atoi(args[0])
				if err != nil || days < 1 {
					return misuse("%q is no number of days", args[0])
				}
				n, err := h.vault.ForgetRoots(ctx, time.Now().AddDate(0, 0, -days))
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(out, "done: %d root keys removed; destroy the copies of the key file that hold them\n", n)
				return err
			},
		},
	}
}
