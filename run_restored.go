package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/services/desk"
	"github.com/westshore/hub/services/notices"
	"github.com/westshore/hub/services/notifier"
)

// restoredMark is restored.json in the data folder: a restore writes it before
// anything else, and the first start takes it away when the log says all that
// follows from it.
type restoredMark struct {
	Made     time.Time       `json:"made"`     // when the backup was made
	Restored time.Time       `json:"restored"` // when it was copied back
	Head     events.Position `json:"head"`     // of the log in the backup
}

const restoredMarkName = "restored.json"

// leave makes the mark durable.
func (m restoredMark) leave(data string) error {
	doc, err := json.Marshal(m)
	if err != nil {
		return err
	}
	path := filepath.Join(data, restoredMarkName)
	fresh := path + ".new"
	if err := os.WriteFile(fresh, doc, 0o600); err != nil {
		return err
	}
	if err := syncPath(fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return syncPath(data)
}

// afterRestore is the last floor of building, before any loop. In a house that was filled from
// a backup it keeps back whatever the lost house may have done since: messages that
// wait are held, those on their way are unknown, notices pause, ticket numbers skip
// ahead, and HubRestored tells the clerk and the router what is old. The mark goes
// last: a start that is interrupted begins again, and what it wrote is not written
// twice. Nothing is decided on a view.
func (h *house) afterRestore(ctx context.Context) error {
	path := h.dir(restoredMarkName)
	doc, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var m restoredMark
	if err == nil {
		err = json.Unmarshal(doc, &m)
	}
	if err != nil {
		return fmt.Errorf("read the mark of a restore: %w", err)
	}
	e, err := h.noteRestore(ctx, m)
	if err != nil {
		return fmt.Errorf("note the restore: %w", err)
	}
	if err := desk.SkipNumbers(ctx, h.journal, e.Number); err != nil {
		return err
	}
	paused, err := notices.PauseRestored(ctx, h.journal)
	if err != nil {
		return fmt.Errorf("pause notices after a restore: %w", err)
	}
	held, unknown, err := notifier.HoldRestored(ctx, h.journal)
	if err != nil {
		return fmt.Errorf("hold messages after a restore: %w", err)
	}
	if err := errors.Join(os.Remove(path), syncPath(h.cfg.Data)); err != nil {
		return fmt.Errorf("take the mark of a restore away: %w", err)
	}
	h.log.Warn("this hub goes on from a backup; what may have gone out since is held in the outbox until a person lets it go",
		"made", m.Made, "held", held, "unknown", unknown, "notices_paused", paused, "next_ticket_number", e.Number+1)
	return nil
}

// noteRestore writes HubRestored once for a mark, or finds it.
func (h *house) noteRestore(ctx context.Context, m restoredMark) (e events.HubRestored, err error) {
	head, err := h.journal.Head(ctx)
	if err != nil {
		return e, err
	}
	number, err := h.numbersAfter(ctx, m)
	if err != nil {
		return e, err
	}
	by := journal.By{Command: events.NewUUID(), Actor: "system:restore"}
	_, err = h.journal.Execute(ctx, events.RestoresStream, by, func(history []events.Recorded) ([]events.Event, error) {
		for _, r := range history {
			if was, ok := r.Event.(events.HubRestored); ok && was.Restored.Equal(m.Restored) {
				e = was
				return nil, nil
			}
		}
		e = events.HubRestored{Made: m.Made, Restored: m.Restored, Head: head, Number: number}
		if e.Head.Before(m.Head) { // a server of one's own that was restored to another moment
			e.Head = m.Head
		}
		return []events.Event{e}, nil
	})
	return e, err
}

const (
	numbersSkipped    = 1000
	numbersSkippedMax = 100_000
)

// numbersAfter is the last ticket number that the lost house may have given out: as
// many as came in twice the time since the backup, at least a thousand.
func (h *house) numbersAfter(ctx context.Context, m restoredMark) (int64, error) {
	last, ok, err := h.journal.Last(ctx, events.NumberStream)
	if err != nil || !ok {
		return numbersSkipped, err
	}
	first, ok, err := h.journal.At(ctx, events.NumberStream, 0)
	if err != nil || !ok {
		return 0, errors.Join(err, errors.New("the first ticket number cannot be read"))
	}
	taken := last.Revision + 1
	age := max(m.Made.Sub(first.Meta.At), time.Hour)
	likely := 2 * float64(taken) * (time.Since(m.Made).Seconds() / age.Seconds())
	return taken + min(max(int64(likely), numbersSkipped), numbersSkippedMax), nil
}
