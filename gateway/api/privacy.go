package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/privacy"
	"github.com/westshore/hub/services/accounts"
	"github.com/westshore/hub/services/privacy/disclosure"
	"github.com/westshore/hub/services/privacy/erasure"
	"github.com/westshore/hub/services/privacy/rights"
	"github.com/westshore/hub/services/privacy/transfer"
)

// PrivacyRoom is the privacy office behind the API.
type PrivacyRoom struct {
	View       *privacy.View
	Rights     *rights.Rights
	Disclosure *disclosure.Office
	Transfer   *transfer.Office
	Erasure    *erasure.Office
	// Access lists who opened what: lines of the vault's access log before a number.
	Access func(ctx context.Context, actor events.Actor, purpose events.Purpose, before int64, limit int) ([]AccessLine, error)
}

// Desk is the room behind the privacy centre, nil when there is none.
func (p *PrivacyRoom) Desk() *rights.Rights {
	if p == nil {
		return nil
	}
	return p.Rights
}

// AccessLine is one line of the access log.
type AccessLine struct {
	N       int64     `json:"n"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Role    string    `json:"role"`
	Purpose string    `json:"purpose"`
	Matter  string    `json:"matter,omitempty" doc:"Case, demand or request it was for"`
	Second  string    `json:"second,omitempty" doc:"The second person"`
	Opened  int       `json:"opened"`
	Denied  int       `json:"denied"`
	Keys    []string  `json:"keys,omitempty"`
}

// Step is one event of a request, hold, demand, case or transfer, in clear facts.
type Step struct {
	N      int64           `json:"n" doc:"In the order of the log"`
	Stream string          `json:"stream"`
	Type   string          `json:"type"`
	At     time.Time       `json:"at"`
	Actor  string          `json:"actor"`
	Facts  json.RawMessage `json:"facts"`
}

func wireSteps(list []privacy.Step) []Step {
	out := make([]Step, len(list))
	for i, s := range list {
		out[i] = Step{s.N, string(s.Stream), s.Type, s.At, string(s.Actor), s.Facts}
	}
	return out
}

// officer fails unless the caller belongs to the privacy office.
func officer(ctx context.Context) (accounts.Agent, error) {
	a := CallerOf(ctx).Agent
	if a.Role != events.RoleAdmin && a.Role != events.RolePrivacy {
		return a, NewProblem(http.StatusForbidden, "Only the privacy office may do this.")
	}
	return a, nil
}

// by makes the authorship of a command.
func (k Command) by(ctx context.Context, now func() time.Time) rights.By {
	c := k.of(ctx, now)
	return rights.By{Command: c.ID, Actor: events.AgentActor(c.Agent), At: c.At}
}

// PrivacyPaging is the query of the privacy office's lists.
type PrivacyPaging struct {
	Reading
	Paging
	State    string `query:"state" enum:"open,closed,all" default:"open" doc:"Open ones come by their deadline, others newest first"`
	Customer string `query:"customer" maxLength:"40"`
}

func (p PrivacyPaging) query() privacy.ListQuery {
	return privacy.ListQuery{State: p.State, Customer: events.SubjectID(p.Customer), Limit: p.Limit, After: p.After}
}

// Listed is a page of the privacy office.
type Listed[T any] struct {
	Positioned
	Body struct {
		Items []T    `json:"items" nullable:"false"`
		Next  string `json:"next"`
	}
}

// Opened is one thing of the privacy office with its steps.
type Opened[T any] struct {
	Positioned
	Body struct {
		Item  T      `json:"item"`
		Steps []Step `json:"steps" nullable:"false"`
	}
}

// privacyDescribe adds the problems that all have.
func privacyDescribe(o huma.Operation) huma.Operation {
	o.Tags = []string{"privacy"}
	o.Errors = append(o.Errors, http.StatusForbidden, http.StatusNotFound, http.StatusConflict)
	return o
}

// listOf registers a list, and one with its steps.
func listOf[T any](a *API, name, what, stream string, list func(context.Context, privacy.ListQuery) (privacy.Page[T], error), one func(context.Context, string) (T, error)) {
	add(a, privacyDescribe(get("list-privacy-"+name, "/privacy/"+name, what)), func(ctx context.Context, in *PrivacyPaging) (*Listed[T], error) {
		if _, err := officer(ctx); err != nil {
			return nil, err
		}
		var out Listed[T]
		var err error
		if out.Positioned, err = a.view(ctx, "privacy", in.Reading); err != nil {
			return nil, err
		}
		page, err := list(ctx, in.query())
		if err != nil {
			return nil, err
		}
		out.Body.Items, out.Body.Next = page.Items, page.Next
		if out.Body.Items == nil {
			out.Body.Items = []T{}
		}
		return &out, nil
	})
	add(a, privacyDescribe(get("get-privacy-"+name, "/privacy/"+name+"/{id}", what+": one, with what happened")), func(ctx context.Context, in *struct {
		Reading
		ID string `path:"id" maxLength:"40"`
	},
	) (*Opened[T], error) {
		if _, err := officer(ctx); err != nil {
			return nil, err
		}
		if err := identifier(in.ID); err != nil {
			return nil, err
		}
		var out Opened[T]
		var err error
		if out.Positioned, err = a.view(ctx, "privacy", in.Reading); err != nil {
			return nil, err
		}
		if out.Body.Item, err = one(ctx, in.ID); err != nil {
			return nil, err
		}
		steps, err := a.rooms.Privacy.View.Steps(ctx, events.Stream(stream+"-"+in.ID))
		if err != nil {
			return nil, err
		}
		out.Body.Steps = wireSteps(steps)
		return &out, nil
	})
}

// privacyOffice registers what the privacy office does. Without one the operations
// are still described, and answer that there is none.
func (a *API) privacyOffice() {
	if a.rooms.Privacy == nil {
		a.rooms.Privacy = &PrivacyRoom{}
	}
	p := a.rooms.Privacy
	listOf(a, "requests", "Requests of people about their data", "dsr", func(ctx context.Context, q privacy.ListQuery) (privacy.Page[privacy.Request], error) {
		return p.View.Requests(ctx, q)
	}, func(ctx context.Context, id string) (privacy.Request, error) {
		return p.View.Request(ctx, events.RequestID(id))
	})
	listOf(a, "holds", "Legal holds", "hold", func(ctx context.Context, q privacy.ListQuery) (privacy.Page[privacy.Hold], error) {
		return p.View.Holds(ctx, q)
	}, func(ctx context.Context, id string) (privacy.Hold, error) { return p.View.Hold(ctx, events.HoldID(id)) })
	listOf(a, "disclosures", "Demands of authorities", "demand", func(ctx context.Context, q privacy.ListQuery) (privacy.Page[privacy.Demand], error) {
		return p.View.Demands(ctx, q)
	}, func(ctx context.Context, id string) (privacy.Demand, error) {
		return p.View.Demand(ctx, events.DemandID(id))
	})
	listOf(a, "cases", "Investigations and disputes", "case", func(ctx context.Context, q privacy.ListQuery) (privacy.Page[privacy.Case], error) {
		return p.View.Cases(ctx, q)
	}, func(ctx context.Context, id string) (privacy.Case, error) { return p.View.Case(ctx, events.CaseID(id)) })
	listOf(a, "transfers", "Business transfers", "transfer", func(ctx context.Context, q privacy.ListQuery) (privacy.Page[privacy.Transfer], error) {
		return p.View.Transfers(ctx, q)
	}, func(ctx context.Context, id string) (privacy.Transfer, error) {
		return p.View.Transfer(ctx, events.TransferID(id))
	})
	a.privacyRights()
	a.privacyDisclosure()
	a.privacyErasure()
	a.privacyAudit()
}
