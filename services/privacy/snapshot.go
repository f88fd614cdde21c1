package privacy

import (
	"slices"
	"time"

	"github.com/westshore/hub/events"
)

// Policy is a published version of the policy.
type Policy struct {
	events.PolicyVersionPublished
	Announced bool // PolicyVersionEffective stands in the log
}

// Snapshot is the registry at one moment. It is never changed: a later one
// replaces it.
type Snapshot struct {
	Policies   []Policy    // by the date they come into force
	Schedules  []Schedule  // by version
	Processors []Processor // by name
}

// PolicyAt is the version in force at a time: the last one whose date had come.
// Before the first it is the first, under which everything older was taken over.
func (s *Snapshot) PolicyAt(at time.Time) Policy {
	in := s.Policies[0]
	for _, p := range s.Policies[1:] {
		if !p.Effective.After(at) {
			in = p
		}
	}
	return in
}

// ScheduleAt is the retention schedule in force at a time. Schedules count from
// the moment they were decided.
func (s *Snapshot) ScheduleAt(at time.Time) Schedule {
	in := s.Schedules[0]
	for _, c := range s.Schedules[1:] {
		if !c.At.After(at) {
			in = c
		}
	}
	return in
}

// Schedule is the newest one.
func (s *Snapshot) Schedule() Schedule { return s.Schedules[len(s.Schedules)-1] }

// Policy finds a version by its name.
func (s *Snapshot) Policy(name string) (Policy, bool) {
	i := slices.IndexFunc(s.Policies, func(p Policy) bool { return p.Policy == name })
	if i < 0 {
		return Policy{}, false
	}
	return s.Policies[i], true
}

// fold reads the registry's stream, oldest first.
func fold(history []events.Recorded) *Snapshot {
	s := &Snapshot{}
	for _, r := range history {
		switch e := r.Event.(type) {
		case events.PolicyVersionPublished:
			s.Policies = append(s.Policies, Policy{PolicyVersionPublished: e})
			slices.SortStableFunc(s.Policies, func(a, b Policy) int { return a.Effective.Compare(b.Effective) })
		case events.PolicyVersionEffective:
			for i := range s.Policies {
				if s.Policies[i].Policy == e.Policy {
					s.Policies[i].Announced = true
				}
			}
		case events.RetentionScheduleChanged:
			s.Schedules = append(s.Schedules, Schedule{RetentionScheduleChanged: e, At: r.Meta.At})
		case events.ProcessorRegistered:
			s.register(Processor{ProcessorRegistered: e, Since: r.Meta.At})
		case events.ProcessorSuspended:
			for i := range s.Processors {
				if s.Processors[i].Processor == e.Processor {
					s.Processors[i].Suspended = e.Reason
				}
			}
		}
	}
	return s
}

func (s *Snapshot) register(p Processor) {
	i, found := slices.BinarySearchFunc(s.Processors, p, func(a, b Processor) int {
		switch {
		case a.Processor < b.Processor:
			return -1
		case a.Processor > b.Processor:
			return 1
		}
		return 0
	})
	if found {
		p.Since = s.Processors[i].Since
		s.Processors[i] = p
		return
	}
	s.Processors = slices.Insert(s.Processors, i, p)
}
