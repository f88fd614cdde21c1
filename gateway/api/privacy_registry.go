package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/tickets"
	"github.com/westshore/hub/services/privacy"
	"github.com/westshore/hub/services/privacy/retention"
)

// RetentionRoom is the registry and the retention engine behind the API.
type RetentionRoom struct {
	Registry *privacy.Registry
	Engine   *retention.Engine
	Identity privacy.Identity // the controller, for the record of processing
	// KeepUntil tells when keys are destroyed; those without a date are absent.
	KeepUntil func(context.Context, []events.KID) (map[events.KID]time.Time, error)
	// Effects says what a schedule would change, without changing it.
	Effects func(context.Context, events.RetentionScheduleChanged) ([]ScheduleEffect, error)
	// Census counts live keys by class.
	Census func(context.Context) (map[events.Class]int64, error)
}

// keepUntil puts onto messages when their text is destroyed: of several keys the
// first to go counts.
func (a *API) keepUntil(ctx context.Context, list []tickets.Message, out []Message) error {
	if a.rooms.Retention == nil {
		return nil
	}
	var kids []events.KID
	for _, m := range list {
		kids = append(kids, m.KIDs...)
	}
	ends, err := a.rooms.Retention.KeepUntil(ctx, kids)
	if err != nil {
		return err
	}
	for i, m := range list {
		for _, kid := range m.KIDs {
			if at, ok := ends[kid]; ok && (out[i].KeepUntil == nil || at.Before(*out[i].KeepUntil)) {
				out[i].KeepUntil = &at
			}
		}
	}
	return nil
}

// PolicyVersion is a version of the published policy.
type PolicyVersion struct {
	Policy     string               `json:"policy" example:"WSPP/2023-04-30"`
	Effective  time.Time            `json:"effective"`
	InForce    bool                 `json:"in_force" doc:"It governs now"`
	SHA256     string               `json:"sha256"`
	Supersedes string               `json:"supersedes"`
	Material   bool                 `json:"material" doc:"People are told before it is in force"`
	Clauses    []PolicyClause       `json:"clauses" nullable:"false"`
	Matrix     []events.PolicyGrant `json:"matrix" nullable:"false" doc:"Who may open what for which purpose; what is not here is denied"`
}

// PolicyClause is a clause with its words, where the registry knows them.
type PolicyClause struct {
	ID    string `json:"id" example:"2.3"`
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Processor is a service provider on the register.
type Processor struct {
	events.ProcessorRegistered
	Since     time.Time `json:"since"`
	Suspended string    `json:"suspended" doc:"Why it gets nothing any more; empty: it does"`
}

type registryOutput struct {
	Body struct {
		Policies   []PolicyVersion    `json:"policies" nullable:"false"`
		Purposes   []privacy.Purpose  `json:"purposes" nullable:"false"`
		Categories []privacy.Category `json:"categories" nullable:"false"`
		Schedule   int                `json:"schedule"`
	}
}

type policyInput struct {
	Command
	Body struct {
		Policy    string               `json:"policy" minLength:"3" maxLength:"64"`
		Effective time.Time            `json:"effective" doc:"Ahead of now"`
		Text      string               `json:"text" minLength:"200" maxLength:"262144"`
		Material  bool                 `json:"material,omitempty"`
		Clauses   []PolicyClause       `json:"clauses,omitempty" maxItems:"100" doc:"Without it, those of the version before"`
		Matrix    []events.PolicyGrant `json:"matrix,omitempty" maxItems:"1000" doc:"Without it, that of the version before"`
	}
}

type processorsOutput struct {
	Body struct {
		Items []Processor `json:"items" nullable:"false"`
	}
}

type processorInput struct {
	Command
	Body events.ProcessorRegistered
}

type suspendInput struct {
	Command
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500"`
	}
}

type ropaInput struct {
	Format string `query:"format" enum:"json,markdown" default:"json"`
}

type ropaOutput struct {
	Body struct {
		Record   privacy.ROPA `json:"record"`
		Markdown string       `json:"markdown" doc:"The same for people, when it was asked for"`
	}
}

// privacyRegistry registers what reads and changes the registry.
func (a *API) privacyRegistry() {
	if a.rooms.Retention == nil {
		return
	}
	guard := func(o huma.Operation) huma.Operation {
		o.Errors = append(o.Errors, http.StatusForbidden)
		o.Tags = []string{"privacy"}
		return o
	}
	add(a, guard(get("get-registry", "/privacy/registry", "Policy versions, clauses, purposes, categories, who may open what")), a.getRegistry)
	add(a, guard(post("publish-policy", "/privacy/policies", "Publish a version of the policy that comes into force later")), a.publishPolicy)
	add(a, guard(get("list-processors", "/privacy/processors", "Service providers that may get data")), a.listProcessors)
	add(a, guard(post("register-processor", "/privacy/processors", "Put a service provider on the register, or change its entry")), a.registerProcessor)
	add(a, guard(post("suspend-processor", "/privacy/processors/{id}/suspend", "End every disclosure to a service provider")), a.suspendProcessor)
	add(a, guard(get("get-ropa", "/privacy/ropa", "The record of processing activities (GDPR Art. 30), generated")), a.getROPA)
}

func (a *API) getRegistry(ctx context.Context, _ *struct{}) (*registryOutput, error) {
	if _, err := officer(ctx); err != nil {
		return nil, err
	}
	s := a.rooms.Retention.Registry.Now()
	now := s.PolicyAt(a.cfg.Now())
	words := map[events.ClauseID]string{}
	for _, c := range privacy.FoundingClauses() {
		words[c.ID] = c.Text
	}
	var out registryOutput
	out.Body.Policies = []PolicyVersion{}
	for _, p := range s.Policies {
		v := PolicyVersion{
			Policy: p.Policy, Effective: p.Effective.UTC(), InForce: p.Policy == now.Policy, SHA256: string(p.SHA256),
			Supersedes: p.Supersedes, Material: p.Material, Clauses: []PolicyClause{}, Matrix: p.Matrix,
		}
		for _, c := range p.Clauses {
			clause := PolicyClause{ID: string(c.ID), Title: c.Title}
			if p.Policy == events.PolicyVersion {
				clause.Text = words[c.ID]
			}
			v.Clauses = append(v.Clauses, clause)
		}
		out.Body.Policies = append(out.Body.Policies, v)
	}
	out.Body.Purposes, out.Body.Categories, out.Body.Schedule = privacy.Purposes(), privacy.Categories(), s.Schedule().Version
	return &out, nil
}

// registrar makes the command of an officer.
func (a *API) registrar(ctx context.Context, c Command) (privacy.By, error) {
	agent, err := officer(ctx)
	return privacy.By{Command: c.of(ctx, a.cfg.Now).ID, Actor: events.AgentActor(agent.ID)}, err
}

func (a *API) publishPolicy(ctx context.Context, in *policyInput) (*registryOutput, error) {
	by, err := a.registrar(ctx, in.Command)
	if err != nil {
		return nil, err
	}
	p := events.PolicyVersionPublished{
		Policy: in.Body.Policy, Effective: in.Body.Effective.UTC(), Text: in.Body.Text, Material: in.Body.Material, Matrix: in.Body.Matrix,
	}
	for _, c := range in.Body.Clauses {
		p.Clauses = append(p.Clauses, events.PolicyClause{ID: events.ClauseID(c.ID), Title: c.Title})
	}
	if err := a.rooms.Retention.Registry.Publish(ctx, by, p); err != nil {
		return nil, err
	}
	return a.getRegistry(ctx, nil)
}

func (a *API) listProcessors(ctx context.Context, _ *struct{}) (*processorsOutput, error) {
	if _, err := officer(ctx); err != nil {
		return nil, err
	}
	var out processorsOutput
	out.Body.Items = []Processor{}
	for _, p := range a.rooms.Retention.Registry.Now().Processors {
		out.Body.Items = append(out.Body.Items, Processor{p.ProcessorRegistered, p.Since.UTC(), p.Suspended})
	}
	return &out, nil
}

func (a *API) registerProcessor(ctx context.Context, in *processorInput) (*processorsOutput, error) {
	by, err := a.registrar(ctx, in.Command)
	if err != nil {
		return nil, err
	}
	if err := a.rooms.Retention.Registry.Register(ctx, by, in.Body); err != nil {
		return nil, err
	}
	return a.listProcessors(ctx, nil)
}

func (a *API) suspendProcessor(ctx context.Context, in *suspendInput) (*processorsOutput, error) {
	by, err := a.registrar(ctx, in.Command)
	if err != nil {
		return nil, err
	}
	if err := a.rooms.Retention.Registry.Suspend(ctx, by, events.ProcessorID(in.ID), in.Body.Reason); err != nil {
		return nil, err
	}
	return a.listProcessors(ctx, nil)
}

func (a *API) getROPA(ctx context.Context, in *ropaInput) (*ropaOutput, error) {
	if _, err := officer(ctx); err != nil {
		return nil, err
	}
	var out ropaOutput
	out.Body.Record = a.rooms.Retention.Registry.Now().ROPA(a.rooms.Retention.Identity)
	if in.Format == "markdown" {
		out.Body.Markdown = out.Body.Record.Markdown()
	}
	return &out, nil
}
