package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/accounts"
)

// Token is what can be shown of an API token.
type Token struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	CreatedAt time.Time  `json:"created_at"`
	UsedAt    *time.Time `json:"used_at" nullable:"true"`
}

type tokensOutput struct {
	Body struct {
		Items []Token `json:"items" nullable:"false"`
	}
}

type tokenInput struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"80"`
	}
}

type tokenOutput struct {
	Body struct {
		Token string `json:"token" doc:"Shown this once"`
	}
}

// tokens are one's own: nobody sees or makes another agent's.
func (a *API) tokens() {
	add(a, get("list-tokens", "/tokens", "One's own API tokens"), func(ctx context.Context, _ *struct{}) (*tokensOutput, error) {
		list, err := a.rooms.Accounts.Tokens(ctx, CallerOf(ctx).Agent.ID)
		if err != nil {
			return nil, err
		}
		var out tokensOutput
		out.Body.Items = make([]Token, len(list))
		for i, t := range list {
			out.Body.Items[i] = Token{ID: t.ID, Name: t.Name, CreatedAt: t.Created}
			if !t.Used.IsZero() {
				out.Body.Items[i].UsedAt = &t.Used
			}
		}
		return &out, nil
	})
	create := post("create-token", "/tokens", "Make an API token")
	create.DefaultStatus = http.StatusCreated
	create.Errors = []int{http.StatusConflict}
	add(a, create, func(ctx context.Context, in *tokenInput) (*tokenOutput, error) {
		id := CallerOf(ctx).Agent.ID
		token, err := a.rooms.Accounts.CreateToken(ctx, events.AgentActor(id), id, in.Body.Name)
		if err != nil {
			return nil, err
		}
		var out tokenOutput
		out.Body.Token = token
		return &out, nil
	})
	revoke := op(http.MethodDelete, "revoke-token", "/tokens/{id}", "End an API token")
	revoke.DefaultStatus = http.StatusNoContent
	revoke.Errors = []int{http.StatusNotFound}
	add(a, revoke, func(ctx context.Context, in *struct {
		ID string `path:"id" maxLength:"40"`
	},
	) (*struct{}, error) {
		return nil, a.rooms.Accounts.RevokeToken(ctx, CallerOf(ctx).Agent.ID, in.ID)
	})
}

func asWrong(err error) (*accounts.WrongError, bool) { return errors.AsType[*accounts.WrongError](err) }
