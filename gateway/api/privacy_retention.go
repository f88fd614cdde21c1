package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/privacy"
	"github.com/westshore/hub/services/privacy/retention"
)

// RetentionRuleShown is a rule of the schedule, with its words and how much it is
// about.
type RetentionRuleShown struct {
	events.RetentionRule
	Sentence string `json:"sentence" example:"24 months from the end of the matter"`
	Keys     int64  `json:"keys" doc:"Live keys of the class"`
}

// ScheduleVersion is one line of the schedule's history.
type ScheduleVersion struct {
	Version int       `json:"version"`
	At      time.Time `json:"at"`
	Reason  string    `json:"reason"`
}

// ScheduleEffect is what a schedule would change for one class.
type ScheduleEffect struct {
	Class   events.Class `json:"class"`
	Keys    int64        `json:"keys" doc:"Live keys"`
	Earlier int64        `json:"earlier" doc:"Keys that would end earlier"`
	Later   int64        `json:"later" doc:"Keys that would end later"`
	Due     int64        `json:"due" doc:"Keys that would be due at once"`
}

type scheduleOutput struct {
	Body struct {
		Version int                      `json:"version"`
		At      time.Time                `json:"at"`
		Reason  string                   `json:"reason"`
		Rules   []RetentionRuleShown     `json:"rules" nullable:"false"`
		Longer  []events.RetentionGround `json:"longer" nullable:"false" doc:"Classes whose old data are kept longer, with the legal ground"`
		Limits  events.RetentionLimits   `json:"limits"`
		History []ScheduleVersion        `json:"history" nullable:"false"`
	}
}

// ScheduleChange is what changes in a schedule; what is left out stays.
type ScheduleChange struct {
	Rules  []events.RetentionRule   `json:"rules,omitempty" maxItems:"100"`
	Longer []events.RetentionGround `json:"longer,omitempty" maxItems:"100"`
	Limits *events.RetentionLimits  `json:"limits,omitempty"`
	Reason string                   `json:"reason,omitempty" maxLength:"500"`
}

func (c ScheduleChange) event() events.RetentionScheduleChanged {
	out := events.RetentionScheduleChanged{Rules: c.Rules, Longer: c.Longer, Reason: c.Reason}
	if c.Limits != nil {
		out.Limits = *c.Limits
	}
	return out
}

type tryScheduleInput struct{ Body ScheduleChange }

type tryScheduleOutput struct {
	Body struct {
		Version     int                  `json:"version" doc:"To be sent with the change"`
		Differences []privacy.Difference `json:"differences" nullable:"false"`
		Effects     []ScheduleEffect     `json:"effects" nullable:"false"`
	}
}

type changeScheduleInput struct {
	Command
	Body struct {
		Version int `json:"version" minimum:"1" doc:"The version that was previewed"`
		ScheduleChange
	}
}

// RetentionClock is the clock that deletion goes by.
type RetentionClock struct {
	At        time.Time `json:"at"`
	Wall      time.Time `json:"wall" doc:"The machine's clock"`
	Suspended string    `json:"suspended" enum:",jump,back,sources" doc:"Why nothing is destroyed; empty: it runs"`
}

// Sweep is one sweep from its preview to its end.
type Sweep struct {
	ID        string              `json:"id"`
	State     string              `json:"state" enum:"due,waiting,approved,declined,swept,superseded" doc:"due: not previewed yet"`
	At        time.Time           `json:"at" doc:"The retention clock: what was due then"`
	Previewed time.Time           `json:"previewed"`
	Digest    string              `json:"digest" doc:"Names the list of keys; sent with an approval"`
	Keys      int64               `json:"keys"`
	Live      int64               `json:"live" doc:"All keys there were"`
	ByClass   []events.ClassCount `json:"by_class" nullable:"false"`
	Oldest    *time.Time          `json:"oldest" nullable:"true" doc:"When the first of them was due"`
	Schedule  int                 `json:"schedule"`
	Auto      bool                `json:"auto" doc:"Within the limits: nobody has to approve"`
	Approvals []string            `json:"approvals" nullable:"false" doc:"Ids of the agents who approved; two are needed"`
	Declined  string              `json:"declined"`
	SweptAt   *time.Time          `json:"swept_at" nullable:"true"`
	Destroyed int64               `json:"destroyed"`
	Deferred  int64               `json:"deferred" doc:"Kept by a hold"`
	Spared    int64               `json:"spared" doc:"Not due any more when their turn came"`
	Streams   int64               `json:"streams"`
	Archived  int64               `json:"archived" doc:"Tickets of which nothing was left"`
}

type previewOutput struct {
	Body struct {
		Clock RetentionClock `json:"clock"`
		Due   Sweep          `json:"due" doc:"What a sweep would destroy now"`
	}
}

type sweepOutput struct{ Body Sweep }

type sweepsInput struct {
	Limit int `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type sweepsOutput struct {
	Body struct {
		Clock RetentionClock `json:"clock"`
		Items []Sweep        `json:"items" nullable:"false"`
	}
}

type approveInput struct {
	Command
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Digest  string `json:"digest" maxLength:"64" doc:"Of the list that was looked at"`
		Approve bool   `json:"approve" doc:"false declines"`
	}
}

type clockOutput struct{ Body RetentionClock }

// privacyRetention registers what shows and steers the retention engine.
func (a *API) privacyRetention() {
	if a.rooms.Retention == nil {
		return
	}
	guard := func(o huma.Operation) huma.Operation {
		o.Errors = append(o.Errors, http.StatusForbidden, http.StatusConflict)
		o.Tags = []string{"privacy"}
		return o
	}
	add(a, guard(get("get-schedule", "/privacy/schedule", "How long what is kept")), a.getSchedule)
	add(a, guard(post("try-schedule", "/privacy/schedule/preview", "What a change of the schedule would do")), a.trySchedule)
	add(a, guard(post("change-schedule", "/privacy/schedule", "Change the schedule, as previewed")), a.changeSchedule)
	add(a, guard(get("get-preview", "/privacy/preview", "What a sweep would destroy now")), a.getPreview)
	add(a, guard(get("list-sweeps", "/privacy/sweeps", "Sweeps, the newest first")), a.listSweeps)
	add(a, guard(post("sweep", "/privacy/sweeps", "Sweep now; above the limits it waits for two persons")), a.sweep)
	add(a, guard(get("list-approvals", "/privacy/approvals", "Sweeps that wait for a decision")), a.listApprovals)
	decide := guard(post("approve-sweep", "/privacy/approvals/{id}", "Approve or decline a sweep"))
	decide.Errors = append(decide.Errors, http.StatusNotFound)
	add(a, decide, a.approveSweep)
	add(a, guard(post("accept-clock", "/privacy/clock/accept", "Say that the machine's clock is right")), a.acceptClock)
}

func (a *API) getSchedule(ctx context.Context, _ *struct{}) (*scheduleOutput, error) {
	if _, err := officer(ctx); err != nil {
		return nil, err
	}
	census, err := a.rooms.Retention.Census(ctx)
	if err != nil {
		return nil, err
	}
	all := a.rooms.Retention.Registry.Now()
	s := all.Schedule()
	var out scheduleOutput
	b := &out.Body
	b.Version, b.At, b.Reason, b.Limits = s.Version, s.At.UTC(), s.Reason, s.Limits
	b.Rules, b.Longer, b.History = []RetentionRuleShown{}, filled(s.Longer), []ScheduleVersion{}
	for _, r := range s.Rules {
		b.Rules = append(b.Rules, RetentionRuleShown{r, privacy.RuleSentence(r), census[r.Class]})
	}
	for _, v := range all.Schedules {
		b.History = append(b.History, ScheduleVersion{v.Version, v.At.UTC(), v.Reason})
	}
	return &out, nil
}

func (a *API) trySchedule(ctx context.Context, in *tryScheduleInput) (*tryScheduleOutput, error) {
	if _, err := officer(ctx); err != nil {
		return nil, err
	}
	next, err := a.rooms.Retention.Registry.Draft(in.Body.event())
	if err != nil {
		return nil, err
	}
	var out tryScheduleOutput
	out.Body.Version = next.Version
	out.Body.Differences = privacy.Compare(a.rooms.Retention.Registry.Now().Schedule().RetentionScheduleChanged, next)
	out.Body.Effects, err = a.rooms.Retention.Effects(ctx, next)
	out.Body.Effects = filled(out.Body.Effects)
	return &out, err
}

func (a *API) changeSchedule(ctx context.Context, in *changeScheduleInput) (*scheduleOutput, error) {
	by, err := a.registrar(ctx, in.Command)
	if err != nil {
		return nil, err
	}
	if err := a.rooms.Retention.Registry.ChangeSchedule(ctx, by, in.Body.Version, in.Body.event()); err != nil {
		return nil, err
	}
	return a.getSchedule(ctx, nil)
}

func (a *API) retentionClock(ctx context.Context) (RetentionClock, error) {
	c, err := a.rooms.Retention.Engine.Clock(ctx)
	return RetentionClock{At: c.At.UTC(), Wall: a.cfg.Now().UTC(), Suspended: c.Suspended}, err
}

func (a *API) getPreview(ctx context.Context, _ *struct{}) (*previewOutput, error) {
	if _, err := officer(ctx); err != nil {
		return nil, err
	}
	p, err := a.rooms.Retention.Engine.Look(ctx)
	if err != nil {
		return nil, err
	}
	var out previewOutput
	out.Body.Due = wireSweep(&retention.Sweep{RetentionPreviewed: p, PreviewedAt: a.cfg.Now()})
	out.Body.Due.State = "due"
	out.Body.Clock, err = a.retentionClock(ctx)
	return &out, err
}

func wireSweep(s *retention.Sweep) Sweep {
	out := Sweep{
		ID: s.Sweep.String(), State: s.State(), At: s.At.UTC(), Previewed: s.PreviewedAt.UTC(), Digest: string(s.Digest), Keys: s.Keys, Live: s.Live,
		ByClass: filled(s.ByClass), Schedule: s.Schedule, Auto: s.Auto, Approvals: []string{}, Declined: string(s.Declined),
	}
	if !s.Oldest.IsZero() {
		oldest := s.Oldest.UTC()
		out.Oldest = &oldest
	}
	for _, agent := range s.Approvals {
		out.Approvals = append(out.Approvals, string(agent))
	}
	if s.Swept != nil {
		at := s.SweptAt.UTC()
		out.SweptAt, out.Destroyed, out.Deferred, out.Spared = &at, s.Swept.Destroyed, s.Swept.Deferred, s.Swept.Spared
		out.Streams, out.Archived = s.Swept.Streams, s.Swept.Archived
	}
	return out
}

func (a *API) sweeps(ctx context.Context, limit int, want func(*retention.Sweep) bool) (*sweepsOutput, error) {
	if _, err := officer(ctx); err != nil {
		return nil, err
	}
	list, err := a.rooms.Retention.Engine.Sweeps(ctx, limit)
	if err != nil {
		return nil, err
	}
	var out sweepsOutput
	out.Body.Items = []Sweep{}
	for _, s := range list {
		if want(s) {
			out.Body.Items = append(out.Body.Items, wireSweep(s))
		}
	}
	out.Body.Clock, err = a.retentionClock(ctx)
	return &out, err
}

func (a *API) listSweeps(ctx context.Context, in *sweepsInput) (*sweepsOutput, error) {
	return a.sweeps(ctx, in.Limit, func(*retention.Sweep) bool { return true })
}

func (a *API) listApprovals(ctx context.Context, _ *struct{}) (*sweepsOutput, error) {
	return a.sweeps(ctx, 1000, func(s *retention.Sweep) bool { return s.State() == "waiting" })
}

func (a *API) sweep(ctx context.Context, _ *struct{ Command }) (*sweepOutput, error) {
	if _, err := officer(ctx); err != nil {
		return nil, err
	}
	s, err := a.rooms.Retention.Engine.Sweep(ctx)
	if err != nil {
		return nil, err
	}
	return &sweepOutput{wireSweep(s)}, nil
}

func (a *API) approveSweep(ctx context.Context, in *approveInput) (*sweepOutput, error) {
	agent, err := officer(ctx)
	if err != nil {
		return nil, err
	}
	id, err := events.ParseUUID(in.ID)
	if err != nil {
		return nil, retention.ErrUnknown
	}
	by := retention.By{Command: in.of(ctx, a.cfg.Now).ID, Agent: agent.ID}
	var s *retention.Sweep
	if in.Body.Approve {
		s, err = a.rooms.Retention.Engine.Approve(ctx, by, id, events.Hash(in.Body.Digest))
	} else {
		s, err = a.rooms.Retention.Engine.Decline(ctx, by, id)
	}
	if err != nil {
		return nil, err
	}
	return &sweepOutput{wireSweep(s)}, nil
}

func (a *API) acceptClock(ctx context.Context, in *struct{ Command }) (*clockOutput, error) {
	agent, err := officer(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := a.rooms.Retention.Engine.AcceptClock(ctx, retention.By{Command: in.of(ctx, a.cfg.Now).ID, Agent: agent.ID}); err != nil {
		return nil, err
	}
	c, err := a.retentionClock(ctx)
	return &clockOutput{c}, err
}
