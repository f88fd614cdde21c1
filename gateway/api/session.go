package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/accounts"
)

// Me is the agent who is signed in.
type Me struct {
	ID    events.AgentID `json:"id"`
	Name  string         `json:"name"`
	Email string         `json:"email"`
	Role  events.Role    `json:"role" enum:"admin,privacy,agent"`
}

func me(a accounts.Agent) Me { return Me{a.ID, a.Name, a.Email, a.Role} }

// Session is what the console needs to begin.
type Session struct {
	Agent   Me     `json:"agent"`
	Brand   string `json:"brand"`
	Version string `json:"version"`
	Undo    int    `json:"undo_seconds" doc:"How long an answer waits and can be taken back"`
}

type login struct {
	Body struct {
		Email    string `json:"email" maxLength:"254" minLength:"1"`
		Password string `json:"password" maxLength:"1024" minLength:"1"`
	}
}

type loggedIn struct {
	Cookie http.Cookie `header:"Set-Cookie"`
	Body   Session
}

type loggedOut struct {
	Cookie http.Cookie `header:"Set-Cookie"`
}

type sessionOut struct{ Body Session }

func (a *API) session() {
	in := post("log-in", "/session", "Sign in")
	in.Security = []map[string][]string{}
	in.Errors = []int{http.StatusTooManyRequests}
	add(a, in, a.logIn)
	add(a, get("get-session", "/session", "Who is signed in"), func(ctx context.Context, _ *struct{}) (*sessionOut, error) {
		return &sessionOut{a.start(CallerOf(ctx).Agent)}, nil
	})
	out := op(http.MethodDelete, "log-out", "/session", "Sign out")
	out.DefaultStatus = http.StatusNoContent
	add(a, out, a.logOut)
}

func (a *API) start(ag accounts.Agent) Session {
	return Session{Agent: me(ag), Brand: a.cfg.Brand, Version: a.cfg.Version, Undo: int(a.rooms.Post.Undo.Seconds())}
}

func (a *API) logIn(ctx context.Context, in *login) (*loggedIn, error) {
	caller := CallerOf(ctx)
	s, err := a.rooms.Accounts.Authenticate(ctx, caller.Client, in.Body.Email, in.Body.Password)
	if err != nil {
		return nil, err
	}
	if caller.Secret != "" && !caller.Bearer { // a new login never goes on with an old session
		if err := a.rooms.Accounts.Logout(ctx, caller.Secret); err != nil {
			return nil, err
		}
	}
	return &loggedIn{a.cookie(s.Token, s.Until), a.start(s.Agent)}, nil
}

func (a *API) logOut(ctx context.Context, _ *struct{}) (*loggedOut, error) {
	caller := CallerOf(ctx)
	if caller.Bearer {
		return nil, NewProblem(http.StatusConflict, "A token is not a session: revoke it instead.")
	}
	if err := a.rooms.Accounts.Logout(ctx, caller.Secret); err != nil {
		return nil, err
	}
	return &loggedOut{a.cookie("", time.Unix(1, 0))}, nil
}

func (a *API) cookie(value string, until time.Time) http.Cookie {
	return http.Cookie{
		Name: SessionCookie, Value: value, Path: "/", Expires: until.UTC(),
		HttpOnly: true, Secure: a.cfg.Secure, SameSite: http.SameSiteLaxMode,
	}
}

var _ huma.StatusError = (*Problem)(nil)
