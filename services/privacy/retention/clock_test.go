package retention_test

import (
	"testing"
	"time"

	"github.com/westshore/hub/services/privacy/retention"
)

// TestClockIsMovedByNobody is PRIVACY test 18: whatever the machine's clock does,
// the retention clock takes bounded steps, never goes back, and stops at a jump.
//
// clause: PE 1.3
func TestClockIsMovedByNobody(t *testing.T) {
	t0 := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
	limits := retention.Limits{Step: time.Hour, Gap: 7 * 24 * time.Hour}
	berlin := time.FixedZone("CEST", 2*3600)
	for _, c := range []struct {
		name    string
		wall    time.Time
		sources []time.Time
		at      time.Time
		why     string
	}{
		{"ten minutes", t0.Add(10 * time.Minute), nil, t0.Add(10 * time.Minute), ""},
		{"a night without power", t0.Add(9 * time.Hour), nil, t0.Add(time.Hour), ""},
		{"ten years ahead", t0.AddDate(10, 0, 0), nil, t0, retention.ClockJumped},
		{"ten years ahead, every clock", t0.AddDate(10, 0, 0), []time.Time{t0.AddDate(10, 0, 0)}, t0, retention.ClockJumped},
		{"a day back", t0.AddDate(0, 0, -1), nil, t0, retention.ClockWentBack},
		{"a minute back, as a time server does", t0.Add(-time.Minute), nil, t0, ""},
		{"summer time", t0.Add(20 * time.Minute).In(berlin), nil, t0.Add(20 * time.Minute), ""},
		{"leap day", time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC), nil, t0, retention.ClockJumped},
		{"the store tells another time", t0.Add(time.Minute), []time.Time{t0.Add(time.Hour)}, t0, retention.ClockDisagrees},
		{"the bus is behind", t0.Add(time.Minute), []time.Time{t0, t0.Add(-time.Hour)}, t0, retention.ClockDisagrees},
		{"all agree", t0.Add(time.Minute), []time.Time{t0, t0.Add(2 * time.Minute)}, t0.Add(time.Minute), ""},
	} {
		got := retention.Clock{At: t0}.Step(c.wall, c.sources, limits)
		if !got.At.Equal(c.at) || got.Suspended != c.why {
			t.Errorf("%s: clock at %s, suspended %q; want %s, %q", c.name, got.At, got.Suspended, c.at, c.why)
		}
	}
	first := retention.Clock{}.Step(t0, nil, limits)
	if !first.At.Equal(t0) {
		t.Errorf("a new clock starts at %s", first.At)
	}
	stuck := retention.Clock{At: t0}.Step(t0.AddDate(10, 0, 0), nil, limits)
	if c := stuck.Step(t0.Add(time.Hour), nil, limits); c.Suspended != "" || !c.At.Equal(t0.Add(time.Hour)) {
		t.Errorf("the clock was set right: %+v", c)
	}
	if c := stuck.Accept(t0.AddDate(0, 2, 0)); c.Suspended != "" || !c.At.Equal(t0.AddDate(0, 2, 0)) {
		t.Errorf("a person accepted the time: %+v", c)
	}
}
