package privacy_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal/journaltest"
	"github.com/westshore/hub/services/privacy"
)

func hash(b []byte) events.Hash {
	sum := sha256.Sum256(b)
	return events.Hash(hex.EncodeToString(sum[:]))
}

// clock is a clock that a test moves.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func open(t *testing.T, k *journaltest.Kit, c *clock, change ...func(*privacy.Config)) *privacy.Registry {
	t.Helper()
	cfg := privacy.Config{Journal: k.Journal, Now: c.Now, Logger: k.Logger}
	for _, f := range change {
		f(&cfg)
	}
	r, err := privacy.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func by() privacy.By { return privacy.By{Command: events.NewUUID(), Actor: "agent:1"} }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
