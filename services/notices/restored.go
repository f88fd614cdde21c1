package notices

import (
	"context"
	"errors"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// causeRestored is why a notice waits in a house that goes on from a backup: people
// it had not come to may have got it since.
const causeRestored = "restored"

var errRead = errors.New("the log is read")

// PauseRestored pauses every notice that a restored log shows as going out, for a
// person to resume or cancel. It runs before anything is sent; doing it again adds
// nothing. It returns how many it paused.
func PauseRestored(ctx context.Context, j *journal.Journal) (paused int, err error) {
	going := map[events.NoticeID]bool{}
	reading := journal.Reading{From: events.Start, Types: []string{"hub.NoticeStarted", "hub.NoticeCancelled", "hub.NoticeFinished"}}
	err = j.Subscribe(ctx, reading, func(_ context.Context, b journal.Batch) error {
		for _, rec := range b.Events {
			switch e := rec.Event.(type) {
			case events.NoticeStarted:
				going[e.Notice] = true
			case events.NoticeCancelled:
				delete(going, e.Notice)
			case events.NoticeFinished:
				delete(going, e.Notice)
			}
		}
		if b.Live {
			return errRead
		}
		return nil
	})
	if !errors.Is(err, errRead) {
		return 0, err
	}
	for id := range going {
		by := journal.By{Command: events.NewUUID(), Actor: actor}
		w, err := j.Execute(ctx, events.NoticeStream(id), by, func(history []events.Recorded) ([]events.Event, error) {
			if fold(history).stage != running {
				return nil, nil
			}
			return []events.Event{events.NoticePaused{Notice: id, Cause: causeRestored}}, nil
		})
		if err != nil {
			return paused, err
		}
		paused += len(w.Events)
	}
	return paused, nil
}
