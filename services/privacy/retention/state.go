package retention

import (
	"slices"
	"time"

	"github.com/westshore/hub/events"
)

// Sweep is one sweep from its preview to its end.
type Sweep struct {
	events.RetentionPreviewed
	PreviewedAt time.Time
	Approvals   []events.AgentID // who approved; two different ones are needed unless Auto
	Declined    events.AgentID   // who declined; empty: nobody
	Swept       *events.RetentionSwept
	SweptAt     time.Time
	Superseded  bool // a later preview took its place before it was approved
}

// approvalsNeeded is how many persons stand by a sweep above the limits.
const approvalsNeeded = 2

// Approved reports whether the sweep may go on.
func (s *Sweep) Approved() bool {
	return s.Declined == "" && (s.Auto || len(s.Approvals) >= approvalsNeeded)
}

// State is a word for people: waiting, approved, declined, swept or superseded.
func (s *Sweep) State() string {
	switch {
	case s.Swept != nil:
		return "swept"
	case s.Declined != "":
		return "declined"
	case s.Approved():
		return "approved"
	case s.Superseded:
		return "superseded"
	}
	return "waiting"
}

// sweeps is the folded stream "sweeps".
type sweeps struct {
	list      []*Sweep // oldest first
	suspended string   // why the clock stands still; empty: it moves
}

func foldSweeps(history []events.Recorded) *sweeps {
	s := &sweeps{}
	for _, r := range history {
		switch e := r.Event.(type) {
		case events.RetentionPreviewed:
			for _, old := range s.list {
				old.Superseded = true // of what waits; what is approved is carried out
			}
			s.list = append(s.list, &Sweep{RetentionPreviewed: e, PreviewedAt: r.Meta.At})
		case events.RetentionApproved:
			if w := s.find(e.Sweep); w != nil && e.Digest == w.Digest && !slices.Contains(w.Approvals, e.Agent) {
				w.Approvals = append(w.Approvals, e.Agent)
			}
		case events.RetentionDeclined:
			if w := s.find(e.Sweep); w != nil {
				w.Declined = e.Agent
			}
		case events.RetentionSwept:
			if w := s.find(e.Sweep); w != nil {
				w.Swept, w.SweptAt = &e, r.Meta.At
			}
		case events.RetentionClockSuspended:
			s.suspended = e.Reason
		case events.RetentionClockResumed:
			s.suspended = ""
		}
	}
	return s
}

func (s *sweeps) find(id events.UUID) *Sweep {
	for _, w := range s.list {
		if w.Sweep == id {
			return w
		}
	}
	return nil
}

// waiting is the preview that waits for approval, nil when none does.
func (s *sweeps) waiting() *Sweep {
	for _, w := range slices.Backward(s.list) {
		if w.State() == "waiting" {
			return w
		}
	}
	return nil
}

// approved lists sweeps that were approved and did not end, oldest first.
func (s *sweeps) approved() []*Sweep {
	var out []*Sweep
	for _, w := range s.list {
		if w.State() == "approved" {
			out = append(out, w)
		}
	}
	return out
}
