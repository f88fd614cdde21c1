package privacy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
)

// Config gives the registry what it stands on.
type Config struct {
	Journal *journal.Journal
	// Processors are registered when the register is empty: the servers that the
	// configuration names.
	Processors []events.ProcessorRegistered
	// Scheduled is told of every schedule, oldest first, at start and when one is
	// added: main passes it to the vault.
	Scheduled func(context.Context, events.RetentionScheduleChanged) error
	// InForce is told of every version of the policy that is or has been in force,
	// oldest first, at start and when one comes into force.
	InForce func(context.Context, events.PolicyVersionPublished) error
	// Material is told once, before it is in force, of a version that changes what
	// people were told: it has an administrative notice written to them. nil:
	// nobody is.
	Material func(context.Context, events.PolicyVersionPublished) error
	Now      func() time.Time
	Logger   *slog.Logger
}

// Registry is the open registry. It is safe for concurrent use.
type Registry struct {
	cfg  Config
	j    *journal.Journal
	now  func() time.Time
	log  *slog.Logger
	snap atomic.Pointer[Snapshot]

	loading sync.Mutex // one load at a time, so that what is told is told in order
	told    int        // schedules that Scheduled has had
	inForce int        // policies that InForce has had
}

// By says who changes the registry, under which command.
type By struct {
	Command events.UUID
	Actor   events.Actor
}

// unknownError is ErrUnknown's type: reception answers it with not_found.
type unknownError struct{}

func (unknownError) Error() string { return "not in the registry" }

// Code tells reception what kind of error it is.
func (unknownError) Code() string { return "not_found" }

// ErrUnknown says that the registry has no such entry.
var ErrUnknown error = unknownError{}

// RuleError is a business "no": what is wrong with what was asked.
type RuleError struct {
	Field    string
	Sentence string
}

func (e *RuleError) Error() string { return e.Sentence }

// Code tells reception what kind of error it is.
func (e *RuleError) Code() string { return "invalid" }

// Detail is the sentence for whoever asked.
func (e *RuleError) Detail() string { return e.Sentence }

// Fields says where the mistake is.
func (e *RuleError) Fields() map[string]string { return map[string]string{e.Field: e.Sentence} }

// Open reads the registry, and founds it when the log has none: the founding
// policy, the default schedule, the processors of the configuration.
func Open(ctx context.Context, cfg Config) (*Registry, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	r := &Registry{cfg: cfg, j: cfg.Journal, now: cfg.Now, log: cfg.Logger.With("room", "registry")}
	if err := r.found(ctx); err != nil {
		return nil, fmt.Errorf("open registry: %w", err)
	}
	if err := r.load(ctx); err != nil {
		return nil, fmt.Errorf("open registry: %w", err)
	}
	return r, nil
}

// found writes the first events, once.
func (r *Registry) found(ctx context.Context) error {
	by := r.system("founded")
	_, err := r.j.Execute(ctx, events.RegistryStream, by, func(history []events.Recorded) ([]events.Event, error) {
		if len(history) > 0 {
			return nil, nil
		}
		evs := []events.Event{foundingPolicy(), defaultSchedule()}
		for _, p := range r.cfg.Processors {
			evs = append(evs, p)
		}
		return evs, nil
	})
	return err
}

// load reads the stream and tells who has to know.
func (r *Registry) load(ctx context.Context) error {
	r.loading.Lock()
	defer r.loading.Unlock()
	history, err := r.j.Load(ctx, events.RegistryStream, nil)
	if err != nil {
		return err
	}
	s := fold(history)
	if len(s.Policies) == 0 || len(s.Schedules) == 0 {
		return errors.New("the log has a registry without a policy or without a schedule")
	}
	for ; r.told < len(s.Schedules); r.told++ {
		if r.cfg.Scheduled == nil {
			continue
		}
		if err := r.cfg.Scheduled(ctx, s.Schedules[r.told].RetentionScheduleChanged); err != nil {
			return fmt.Errorf("pass on schedule %d: %w", s.Schedules[r.told].Version, err)
		}
	}
	for now := r.now(); r.inForce < len(s.Policies) && !s.Policies[r.inForce].Effective.After(now); r.inForce++ {
		if r.cfg.InForce == nil {
			continue
		}
		if err := r.cfg.InForce(ctx, s.Policies[r.inForce].PolicyVersionPublished); err != nil {
			return fmt.Errorf("pass on policy %s: %w", s.Policies[r.inForce].Policy, err)
		}
	}
	r.snap.Store(s)
	return nil
}

// Run follows changes that other processes make, and says when a version has
// come into force, until ctx ends.
func (r *Registry) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	changed := make(chan struct{}, 1)
	var following sync.WaitGroup
	defer following.Wait()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	head, err := r.j.Head(ctx)
	if err != nil {
		return fmt.Errorf("follow registry: %w", err)
	}
	following.Go(func() {
		reading := journal.Reading{From: head, Types: []string{"hub.Policy", "hub.RetentionScheduleChanged", "hub.Processor"}}
		stop(r.j.Subscribe(ctx, reading, func(_ context.Context, b journal.Batch) error {
			if len(b.Events) > 0 {
				select {
				case changed <- struct{}{}:
				default: // one is enough
				}
			}
			return nil
		}))
	})
	for {
		if err := r.load(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("follow registry: %w", err)
		}
		if err := r.Announce(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("announce policy: %w", err)
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Now is the registry as it is.
func (r *Registry) Now() *Snapshot { return r.snap.Load() }

// Stamp is what an event of a time carries: the policy version that was in force
// and the retention schedule. The journal calls it.
func (r *Registry) Stamp(at time.Time) (policy string, schedule int) {
	s := r.Now()
	return s.PolicyAt(at).Policy, s.ScheduleAt(at).Version
}

// Publish adds a version of the policy. Its text is hashed here; its date must
// lie ahead, and its name be new.
func (r *Registry) Publish(ctx context.Context, by By, p events.PolicyVersionPublished) error {
	p.SHA256 = hashOf(p.Text)
	return r.change(ctx, by, func(s *Snapshot) ([]events.Event, error) {
		last := s.Policies[len(s.Policies)-1]
		switch {
		case p.Policy == "" || len(p.Policy) > 64:
			return nil, &RuleError{"policy", "The version needs a name, such as WSPP/2027-01-01."}
		case slices.ContainsFunc(s.Policies, func(q Policy) bool { return q.Policy == p.Policy }):
			return nil, &RuleError{"policy", "A version of this name is published already; a published version never changes."}
		case len(p.Text) < 200:
			return nil, &RuleError{"text", "The text of the policy is missing."}
		case !p.Effective.After(r.now()):
			return nil, &RuleError{"effective", "The date it comes into force must lie ahead: nothing is changed after the fact."}
		case !p.Effective.After(last.Effective):
			return nil, &RuleError{"effective", "It must come into force after the version before it."}
		}
		if p.Supersedes == "" {
			p.Supersedes = last.Policy
		}
		if len(p.Clauses) == 0 {
			p.Clauses = last.Clauses
		}
		for _, c := range last.Clauses {
			if !slices.ContainsFunc(p.Clauses, func(n events.PolicyClause) bool { return n.ID == c.ID }) {
				return nil, &RuleError{"clauses", fmt.Sprintf("Clause %s is missing: ids are kept, and a clause that goes is published as withdrawn.", c.ID)}
			}
		}
		if len(p.Matrix) == 0 {
			p.Matrix = last.Matrix
		}
		if err := checkMatrix(p.Matrix); err != nil {
			return nil, err
		}
		return []events.Event{p}, nil
	})
}

// Announce writes down that a version has come into force, once for each, and
// passes on what people have to be told of before.
func (r *Registry) Announce(ctx context.Context) error {
	now := r.now()
	for _, p := range r.Now().Policies {
		if p.Material && !p.Announced && r.cfg.Material != nil {
			if err := r.cfg.Material(ctx, p.PolicyVersionPublished); err != nil {
				return fmt.Errorf("tell people of %s: %w", p.Policy, err)
			}
		}
		if p.Announced || p.Effective.After(now) {
			continue
		}
		by := r.system("effective", p.Policy)
		if _, err := r.j.Execute(ctx, events.RegistryStream, by, func(history []events.Recorded) ([]events.Event, error) {
			if q, ok := fold(history).Policy(p.Policy); !ok || q.Announced {
				return nil, nil
			}
			return []events.Event{events.PolicyVersionEffective{Policy: p.Policy, Since: p.Effective}}, nil
		}); err != nil {
			return err
		}
		if err := r.load(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Draft makes a whole schedule of what somebody changed in the current one: its
// version is the next one, what was left out stays as it is. It is checked as
// ChangeSchedule does.
func (r *Registry) Draft(d events.RetentionScheduleChanged) (events.RetentionScheduleChanged, error) {
	return draft(r.Now().Schedule().RetentionScheduleChanged, d)
}

func draft(now, d events.RetentionScheduleChanged) (events.RetentionScheduleChanged, error) {
	out := events.RetentionScheduleChanged{
		Version: now.Version + 1, Rules: slices.Clone(now.Rules), Longer: d.Longer, Limits: d.Limits, Reason: d.Reason,
	}
	if out.Limits == (events.RetentionLimits{}) {
		out.Limits = now.Limits
	}
	for _, r := range d.Rules {
		i := slices.IndexFunc(out.Rules, func(o events.RetentionRule) bool { return o.Class == r.Class })
		if i < 0 {
			out.Rules = append(out.Rules, r)
			continue
		}
		if r.Clause == "" {
			r.Clause = out.Rules[i].Clause
		}
		if r.What == "" {
			r.What = out.Rules[i].What
		}
		out.Rules[i] = r
	}
	if _, err := Compile(out); err != nil {
		return out, &RuleError{"rules", "The schedule cannot be: " + err.Error() + "."}
	}
	return out, nil
}

// ChangeSchedule decides on a new schedule. What Draft gave for the same changes
// is what it becomes, unless somebody else was faster: then version differs from
// what was previewed, and it is refused.
func (r *Registry) ChangeSchedule(ctx context.Context, by By, version int, d events.RetentionScheduleChanged) error {
	if d.Reason == "" {
		return &RuleError{"reason", "Say why the schedule changes."}
	}
	return r.change(ctx, by, func(s *Snapshot) ([]events.Event, error) {
		next, err := draft(s.Schedule().RetentionScheduleChanged, d)
		if err != nil {
			return nil, err
		}
		if version != next.Version {
			return nil, &RuleError{"version", fmt.Sprintf("The schedule was changed meanwhile: the next version is %d.", next.Version)}
		}
		return []events.Event{next}, nil
	})
}

func (r *Registry) change(ctx context.Context, by By, decide func(*Snapshot) ([]events.Event, error)) error {
	_, err := r.j.Execute(ctx, events.RegistryStream, r.person(by), func(history []events.Recorded) ([]events.Event, error) {
		return decide(fold(history))
	})
	if err != nil {
		return fmt.Errorf("change registry: %w", err)
	}
	return r.load(ctx)
}

func (r *Registry) append(ctx context.Context, by journal.By, e events.Event) error {
	_, err := r.j.Execute(ctx, events.RegistryStream, by, func([]events.Recorded) ([]events.Event, error) { return []events.Event{e}, nil })
	if err != nil {
		return fmt.Errorf("change registry: %w", err)
	}
	return r.load(ctx)
}

func (r *Registry) person(by By) journal.By {
	return journal.By{Command: by.Command, Actor: by.Actor, At: r.now()}
}

func (r *Registry) system(parts ...string) journal.By {
	return journal.By{Command: events.DeriveUUID(append([]string{"registry"}, parts...)...), Actor: "system:registry", At: r.now()}
}
