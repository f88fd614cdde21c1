package main

import (
	"testing"
	"time"

	"github.com/westshore/hub/events"
)

// TestOrphansAreLookedForFromBeforeTheirKeys: the part of the log that is read
// begins before the oldest key that was not looked at yet.
//
// clause: S4
func TestOrphansAreLookedForFromBeforeTheirKeys(t *testing.T) {
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	pos := func(n uint64) events.Position { return events.Position{Commit: n, Prepare: n} }
	marks := []logMark{{at, pos(10)}, {at.Add(time.Hour), pos(20)}, {at.Add(2 * time.Hour), pos(30)}}
	for _, c := range []struct {
		until time.Time
		want  events.Position
	}{
		{time.Time{}, events.Start},
		{at, events.Start}, // a mark of the same moment may be too late
		{at.Add(time.Minute), pos(10)},
		{at.Add(90 * time.Minute), pos(20)},
		{at.Add(9 * time.Hour), pos(30)},
	} {
		m := orphanMarks{Until: c.until, Marks: marks}
		if got := m.from(); got != c.want {
			t.Errorf("keys up to %s looked at: the log is read from %s, want %s", c.until.Format("15:04"), got, c.want)
		}
	}
}
