package retention

import (
	"time"

	"github.com/westshore/hub/events"
)

// Skew is how far two clocks may differ before neither is believed.
const Skew = 5 * time.Minute

// Why the clock is suspended.
const (
	ClockJumped    = "jump"    // the machine is ahead by more than the schedule allows
	ClockWentBack  = "back"    // the machine is behind the retention clock
	ClockDisagrees = "sources" // the store or the bus tells another time
)

// Clock is the retention clock: the time up to which data may be destroyed. It
// follows the machine's clock by bounded steps and never goes back, so that a
// wrong clock destroys nothing before somebody can notice (PRIVACY F20).
type Clock struct {
	At        time.Time // zero: it was never set
	Suspended string    // why it stands still; empty: it moves
}

// Limits bound the clock.
type Limits struct {
	Step time.Duration // it moves at most so far at a time
	Gap  time.Duration // it may be behind so far, as after a time without power
}

// limitsOf reads the clock's limits of a schedule.
func limitsOf(l events.RetentionLimits) Limits {
	return Limits{Step: time.Duration(l.ClockStep) * time.Second, Gap: time.Duration(l.ClockGap) * time.Second}
}

// Step moves the clock towards the machine's, after a look at what the sources
// tell. A new clock starts at the machine's time.
func (c Clock) Step(wall time.Time, sources []time.Time, l Limits) Clock {
	wall = wall.UTC()
	for _, s := range sources {
		if s.Sub(wall).Abs() > Skew {
			return c.suspend(ClockDisagrees)
		}
	}
	if c.At.IsZero() {
		return Clock{At: wall}
	}
	switch ahead := wall.Sub(c.At); {
	case ahead < -Skew:
		return c.suspend(ClockWentBack)
	case ahead > l.Gap:
		return c.suspend(ClockJumped)
	case ahead > 0:
		c.At = c.At.Add(min(ahead, l.Step))
	}
	c.Suspended = ""
	return c
}

func (c Clock) suspend(why string) Clock {
	c.Suspended = why
	return c
}

// Accept says that a person looked at the machine's clock and found it right: the
// retention clock takes its time at once, forward or back. What is due then is
// still previewed, and needs two persons where it is much.
func (c Clock) Accept(wall time.Time) Clock { return Clock{At: wall.UTC()} }
