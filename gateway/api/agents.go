package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/accounts"
)

// Agent is one of the desk's people.
type Agent struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Email  string `json:"email"`
	Role   string `json:"role" enum:"admin,privacy,agent"`
	Active bool   `json:"active"`
}

type agentsOutput struct {
	Body struct {
		Items []Agent `json:"items" nullable:"false"`
	}
}

type agentOutput struct{ Body Agent }

type addAgentInput struct {
	Body struct {
		Name     string `json:"name" minLength:"1" maxLength:"120"`
		Email    string `json:"email" minLength:"3" maxLength:"254"`
		Role     string `json:"role" enum:"admin,privacy,agent" default:"agent"`
		Password string `json:"password,omitempty" maxLength:"1024"`
	}
}

type passwordInput struct {
	ID   string `path:"id" maxLength:"40" doc:"Id of an agent, or me"`
	Body struct {
		Current  string `json:"current,omitempty" maxLength:"1024" doc:"Needed for one's own password"`
		Password string `json:"password" maxLength:"1024"`
	}
}

func wireAgent(a accounts.Agent) Agent {
	return Agent{string(a.ID), a.Name, a.Email, string(a.Role), a.Active}
}

func (a *API) agents() {
	add(a, get("list-agents", "/agents", "The desk's people"), func(ctx context.Context, _ *struct{}) (*agentsOutput, error) {
		list, err := a.rooms.Accounts.List(ctx)
		if err != nil {
			return nil, err
		}
		var out agentsOutput
		out.Body.Items = make([]Agent, len(list))
		for i, ag := range list {
			out.Body.Items[i] = wireAgent(ag)
		}
		return &out, nil
	})
	describe := func(id, path, summary string) huma.Operation {
		o := post(id, path, summary)
		o.Errors = []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict}
		return o
	}
	add(a, describe("add-agent", "/agents", "Add an agent"), a.addAgent)
	password := describe("set-password", "/agents/{id}/password", "Set a password; ends the agent's sessions")
	password.DefaultStatus = http.StatusNoContent
	add(a, password, a.setPassword)
	gone := describe("deactivate-agent", "/agents/{id}/deactivate", "End an agent's access")
	gone.DefaultStatus = http.StatusNoContent
	add(a, gone, a.deactivate)
}

func (a *API) addAgent(ctx context.Context, in *addAgentInput) (*agentOutput, error) {
	by, err := admin(ctx)
	if err != nil {
		return nil, err
	}
	id, err := a.rooms.Accounts.Add(ctx, events.AgentActor(by.ID), accounts.New{
		Name: in.Body.Name, Email: in.Body.Email, Role: events.Role(in.Body.Role), Password: in.Body.Password,
	})
	if err != nil {
		return nil, err
	}
	added, err := a.rooms.Accounts.Get(ctx, id)
	return &agentOutput{wireAgent(added)}, err
}

// setPassword lets an agent change their own, knowing the old one, and an
// administrator anybody's.
func (a *API) setPassword(ctx context.Context, in *passwordInput) (*struct{}, error) {
	caller := CallerOf(ctx)
	if in.ID != "me" && in.ID != string(caller.Agent.ID) {
		by, err := admin(ctx)
		if err != nil {
			return nil, err
		}
		return nil, a.rooms.Accounts.SetPassword(ctx, events.AgentActor(by.ID), events.AgentID(in.ID), in.Body.Password)
	}
	s, err := a.rooms.Accounts.Authenticate(ctx, caller.Client, caller.Agent.Email, in.Body.Current)
	if err != nil {
		if _, wrong := asWrong(err); wrong {
			return nil, invalid("body.current", "This is not your password.")
		}
		return nil, err
	}
	if err := a.rooms.Accounts.Logout(ctx, s.Token); err != nil {
		return nil, err
	}
	return nil, a.rooms.Accounts.SetPassword(ctx, events.AgentActor(caller.Agent.ID), caller.Agent.ID, in.Body.Password)
}

func (a *API) deactivate(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"40"`
},
) (*struct{}, error) {
	by, err := admin(ctx)
	if err != nil {
		return nil, err
	}
	if events.AgentID(in.ID) == by.ID {
		return nil, NewProblem(http.StatusConflict, "You cannot end your own access.")
	}
	return nil, a.rooms.Accounts.Deactivate(ctx, events.AgentActor(by.ID), events.AgentID(in.ID))
}
