package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/privacy"
	"github.com/westshore/hub/services/privacy/disclosure"
	"github.com/westshore/hub/services/privacy/rights"
)

// PrivacyScope says what a hold or a demand is about.
type PrivacyScope struct {
	Customers []string  `json:"customers,omitempty" maxItems:"500"`
	Tickets   []string  `json:"tickets,omitempty" maxItems:"500"`
	From      time.Time `json:"from,omitzero"`
	Until     time.Time `json:"until,omitzero"`
}

func (s PrivacyScope) scope() (events.Scope, error) {
	out := events.Scope{From: s.From, Until: s.Until}
	for _, c := range s.Customers {
		if err := identifier(c); err != nil {
			return out, err
		}
		out.Subjects = append(out.Subjects, events.SubjectID(c))
	}
	for _, t := range s.Tickets {
		if err := identifier(t); err != nil {
			return out, err
		}
		out.Tickets = append(out.Tickets, events.TicketID(t))
	}
	return out, nil
}

// PrivacyMatter is what a hold or a demand is about, in words.
type PrivacyMatter struct {
	Title     string `json:"title" maxLength:"200"`
	Authority string `json:"authority,omitempty" maxLength:"200"`
	Reference string `json:"reference,omitempty" maxLength:"200"`
	Text      string `json:"text,omitempty" maxLength:"4000"`
}

type newHoldInput struct {
	Command
	Body struct {
		Scope  PrivacyScope  `json:"scope"`
		Query  string        `json:"query,omitempty" maxLength:"400" doc:"Searched now; what it finds is held"`
		Ground string        `json:"ground" maxLength:"60"`
		Matter PrivacyMatter `json:"matter"`
		Review time.Time     `json:"review"`
	}
}

type newDemandInput struct {
	Command
	Body struct {
		Kind      string        `json:"kind" enum:"court,authority,claim"`
		Recipient string        `json:"recipient" maxLength:"64"`
		Scope     PrivacyScope  `json:"scope"`
		Due       time.Time     `json:"due,omitzero"`
		Gag       time.Time     `json:"gag,omitzero" doc:"Until when nobody may be told"`
		Matter    PrivacyMatter `json:"matter"`
	}
}

// holdAction and its like are what may be said about something; each action reads its
// own part.
type holdAction struct {
	Command
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Review time.Time `json:"review,omitzero" doc:"extend: when it is looked at again"`
	}
}

type demandAction struct {
	Command
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Valid  bool         `json:"valid,omitempty" doc:"review"`
		Reason string       `json:"reason,omitempty" maxLength:"60" doc:"review: code"`
		Scope  PrivacyScope `json:"scope,omitzero" doc:"approve: what is handed out"`
	}
}

type caseAction struct {
	Command
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Title   string    `json:"title,omitempty" maxLength:"200" doc:"note"`
		Text    string    `json:"text,omitempty" maxLength:"20000" doc:"note"`
		Reason  string    `json:"reason,omitempty" maxLength:"60" doc:"ask: code"`
		Until   time.Time `json:"until,omitzero" doc:"ask: a week at most"`
		Agent   string    `json:"agent,omitempty" maxLength:"40" doc:"grant: whom"`
		Outcome string    `json:"outcome,omitempty" maxLength:"60" doc:"close: code"`
		Clause  string    `json:"clause,omitempty" maxLength:"20" doc:"close: of the policy"`
	}
}

// fileAction registers one action of a list's item.
func fileAction[I any](a *API, path, name, does string, anybody bool, id func(*I) (string, Command), do func(ctx context.Context, by rights.By, agent events.AgentID, in *I) error) {
	add(a, privacyDescribe(post("privacy-"+path+"-"+name, "/privacy/"+path+"/{id}/"+name, does)), func(ctx context.Context, in *I) (*madeOutput, error) {
		if !anybody {
			if _, err := officer(ctx); err != nil {
				return nil, err
			}
		}
		what, command := id(in)
		if err := identifier(what); err != nil {
			return nil, err
		}
		return &madeOutput{Made{what}}, do(ctx, command.by(ctx, a.cfg.Now), CallerOf(ctx).Agent.ID, in)
	})
}

func (a *API) privacyDisclosure() {
	a.privacyHolds()
	a.privacyDemands()
	a.privacyCases()
	a.privacyTransfers()
}

func (a *API) privacyHolds() {
	o := a.rooms.Privacy.Disclosure
	add(a, privacyDescribe(post("add-privacy-hold", "/privacy/holds", "Propose a legal hold; its data are kept from here on")), func(ctx context.Context, in *newHoldInput) (*madeOutput, error) {
		agent, err := officer(ctx)
		if err != nil {
			return nil, err
		}
		scope, err := in.Body.Scope.scope()
		if err != nil {
			return nil, err
		}
		id, err := o.ProposeHold(ctx, in.by(ctx, a.cfg.Now), agent.ID, disclosure.NewHold{
			Scope: scope, Query: in.Body.Query, Ground: events.Ground(in.Body.Ground), Matter: events.Matter(in.Body.Matter), Review: in.Body.Review,
		})
		return &madeOutput{Made{string(id)}}, err
	})
	of := func(in *holdAction) (string, Command) { return in.ID, in.Command }
	fileAction(a, "holds", "extend", "Propose a later review", false, of, func(ctx context.Context, by rights.By, agent events.AgentID, in *holdAction) error {
		return o.ProposeExtension(ctx, by, agent, events.HoldID(in.ID), in.Body.Review)
	})
	fileAction(a, "holds", "release", "Propose the end of a hold", false, of, func(ctx context.Context, by rights.By, agent events.AgentID, in *holdAction) error {
		return o.ProposeRelease(ctx, by, agent, events.HoldID(in.ID))
	})
	fileAction(a, "holds", "agree", "The second person's yes", false, of, func(ctx context.Context, by rights.By, agent events.AgentID, in *holdAction) error {
		return o.Agree(ctx, by, agent, events.HoldID(in.ID))
	})
	fileAction(a, "holds", "decline", "The second person's no", false, of, func(ctx context.Context, by rights.By, agent events.AgentID, in *holdAction) error {
		return o.Decline(ctx, by, agent, events.HoldID(in.ID))
	})
	type matterOutput struct{ Body PrivacyMatter }
	add(a, privacyDescribe(get("get-privacy-matter", "/privacy/{list}/{id}/matter", "What a hold or a demand is about")), func(ctx context.Context, in *struct {
		List string `path:"list" enum:"holds,disclosures"`
		ID   string `path:"id" maxLength:"40"`
	},
	) (*matterOutput, error) {
		agent, err := officer(ctx)
		if err != nil {
			return nil, err
		}
		if err := identifier(in.ID); err != nil {
			return nil, err
		}
		stream := events.HoldStream(events.HoldID(in.ID))
		if in.List == "disclosures" {
			stream = events.DemandStream(events.DemandID(in.ID))
		}
		m, err := o.Matter(ctx, agent.ID, stream)
		return &matterOutput{PrivacyMatter(m)}, err
	})
}

func (a *API) privacyDemands() {
	o := a.rooms.Privacy.Disclosure
	add(a, privacyDescribe(post("add-privacy-disclosure", "/privacy/disclosures", "Take a demand for data; what it is about is held")), func(ctx context.Context, in *newDemandInput) (*madeOutput, error) {
		agent, err := officer(ctx)
		if err != nil {
			return nil, err
		}
		scope, err := in.Body.Scope.scope()
		if err != nil {
			return nil, err
		}
		b := in.Body
		id, err := o.ReceiveDemand(ctx, in.by(ctx, a.cfg.Now), agent.ID, disclosure.NewDemand{
			Kind: b.Kind, Recipient: events.RecipientID(b.Recipient), Scope: scope, Due: b.Due, Gag: b.Gag, Matter: events.Matter(b.Matter),
		})
		return &madeOutput{Made{string(id)}}, err
	})
	of := func(in *demandAction) (string, Command) { return in.ID, in.Command }
	fileAction(a, "disclosures", "review", "Say whether a demand is valid", false, of, func(ctx context.Context, by rights.By, agent events.AgentID, in *demandAction) error {
		return o.ReviewDemand(ctx, by, agent, events.DemandID(in.ID), in.Body.Valid, in.Body.Reason)
	})
	fileAction(a, "disclosures", "approve", "Approve what is handed out; two persons, the same segments", false, of, func(ctx context.Context, by rights.By, agent events.AgentID, in *demandAction) error {
		scope, err := in.Body.Scope.scope()
		if err != nil {
			return err
		}
		return o.ApproveDisclosure(ctx, by, agent, events.DemandID(in.ID), scope)
	})
	fileAction(a, "disclosures", "seal", "Make the package", false, of, func(ctx context.Context, by rights.By, agent events.AgentID, in *demandAction) error {
		return o.SealPackage(ctx, by, agent, events.DemandID(in.ID))
	})
	deliver := privacyDescribe(post("privacy-disclosures-deliver", "/privacy/disclosures/{id}/deliver", "Take the package, to hand it out; the person is told"))
	deliver.Responses = map[string]*huma.Response{"200": {
		Description: "The package", Content: map[string]*huma.MediaType{"application/zip": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
	}}
	add(a, deliver, func(ctx context.Context, in *struct {
		Command
		ID string `path:"id" maxLength:"40"`
	},
	) (*fileOutput, error) {
		agent, err := officer(ctx)
		if err != nil {
			return nil, err
		}
		if err := identifier(in.ID); err != nil {
			return nil, err
		}
		raw, err := o.DeliverPackage(ctx, in.by(ctx, a.cfg.Now), agent.ID, events.DemandID(in.ID))
		return &fileOutput{
			Type: "application/zip", Disposition: `attachment; filename="disclosure-` + in.ID[:8] + `.zip"`, Policy: filePolicy, FrameOptions: "DENY",
			Referrer: "no-referrer", CacheControl: "no-store", Body: raw,
		}, err
	})
	type log struct {
		Body struct {
			Items []privacy.Disclosure `json:"items" nullable:"false"`
		}
	}
	add(a, privacyDescribe(get("list-privacy-recipients", "/privacy/recipients", "Disclosure log: who was given what, and what was refused")), func(ctx context.Context, in *struct {
		Customer  string `query:"customer" maxLength:"40"`
		Recipient string `query:"recipient" maxLength:"64"`
		Limit     int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
	},
	) (*log, error) {
		if _, err := officer(ctx); err != nil {
			return nil, err
		}
		var out log
		var err error
		out.Body.Items, err = a.rooms.Privacy.View.Disclosures(ctx, events.SubjectID(in.Customer), events.RecipientID(in.Recipient), in.Limit)
		if out.Body.Items == nil {
			out.Body.Items = []privacy.Disclosure{}
		}
		return &out, err
	})
}

// CaseEntry is one entry of a case's file.
type CaseEntry struct {
	At    time.Time `json:"at"`
	Agent string    `json:"agent"`
	Title string    `json:"title"`
	Text  string    `json:"text"`
}

func (a *API) privacyCases() {
	o := a.rooms.Privacy.Disclosure
	add(a, privacyDescribe(post("add-privacy-case", "/privacy/cases", "Open an investigation or a dispute")), func(ctx context.Context, in *struct {
		Command
		Body struct {
			Kind  string       `json:"kind" enum:"fraud,dispute"`
			Scope PrivacyScope `json:"scope,omitzero"`
			Title string       `json:"title" maxLength:"200"`
			Text  string       `json:"text,omitempty" maxLength:"20000"`
		}
	},
	) (*madeOutput, error) {
		agent, err := officer(ctx)
		if err != nil {
			return nil, err
		}
		scope, err := in.Body.Scope.scope()
		if err != nil {
			return nil, err
		}
		id, err := o.OpenCase(ctx, in.by(ctx, a.cfg.Now), agent.ID, in.Body.Kind, scope.Subjects, scope.Tickets, events.CaseNote{Title: in.Body.Title, Text: in.Body.Text})
		return &madeOutput{Made{string(id)}}, err
	})
	of := func(in *caseAction) (string, Command) { return in.ID, in.Command }
	fileAction(a, "cases", "note", "Add to the file", true, of, func(ctx context.Context, by rights.By, agent events.AgentID, in *caseAction) error {
		return o.AddNote(ctx, by, agent, events.CaseID(in.ID), events.CaseNote{Title: in.Body.Title, Text: in.Body.Text})
	})
	fileAction(a, "cases", "ask", "Ask to be let into the file", true, of, func(ctx context.Context, by rights.By, agent events.AgentID, in *caseAction) error {
		return o.AskAccess(ctx, by, agent, events.CaseID(in.ID), in.Body.Reason, in.Body.Until)
	})
	fileAction(a, "cases", "grant", "Let somebody in who asked", false, of, func(ctx context.Context, by rights.By, agent events.AgentID, in *caseAction) error {
		return o.GrantAccess(ctx, by, agent, events.CaseID(in.ID), events.AgentID(in.Body.Agent))
	})
	fileAction(a, "cases", "extend", "Let the case go on for a month", false, of, func(ctx context.Context, by rights.By, agent events.AgentID, in *caseAction) error {
		return o.ExtendCase(ctx, by, agent, events.CaseID(in.ID))
	})
	fileAction(a, "cases", "close", "End the case", false, of, func(ctx context.Context, by rights.By, agent events.AgentID, in *caseAction) error {
		return o.CloseCase(ctx, by, agent, events.CaseID(in.ID), in.Body.Outcome, in.Body.Clause)
	})
	type recipientsOutput struct {
		Body struct {
			Items []CaseEntry `json:"items" nullable:"false"`
		}
	}
	// A reading is noted, so it is a command.
	add(a, privacyDescribe(post("privacy-cases-read", "/privacy/cases/{id}/read", "Read the file; noted in the access log")), func(ctx context.Context, in *struct {
		Command
		ID string `path:"id" maxLength:"40"`
	},
	) (*recipientsOutput, error) {
		if err := identifier(in.ID); err != nil {
			return nil, err
		}
		list, err := o.ReadCase(ctx, in.by(ctx, a.cfg.Now), CallerOf(ctx).Agent.ID, events.CaseID(in.ID))
		var out recipientsOutput
		out.Body.Items = make([]CaseEntry, len(list))
		for i, e := range list {
			out.Body.Items[i] = CaseEntry{e.At, string(e.By), e.Note.Title, e.Note.Text}
		}
		return &out, err
	})
}
