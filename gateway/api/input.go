package api

import (
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/services/accounts"
	"github.com/westshore/hub/services/desk"
)

// Names on the wire.
const (
	SessionCookie = "hub_session"
	CSRFHeader    = "X-Hub-Csrf"
)

// Caller is who a request comes from, as the gateway found out.
type Caller struct {
	Agent     accounts.Agent // zero where no account is needed
	Secret    string         // the token or the cookie's value
	Bearer    bool           // it is a token
	Client    string         // network address, for limits only
	RequestID string
}

type callerKey struct{}

// WithCaller says who a request comes from.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf returns who a request comes from; zero outside of one.
func CallerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// admin fails unless the caller is an administrator.
func admin(ctx context.Context) (accounts.Agent, error) {
	a := CallerOf(ctx).Agent
	if a.Role != events.RoleAdmin {
		return a, NewProblem(http.StatusForbidden, "Only an administrator may do this.")
	}
	return a, nil
}

// Reading is the header of every read.
type Reading struct {
	Position string `header:"Hub-Position" maxLength:"41" doc:"The read waits, two seconds at most, until the view is there"`
}

// Positioned is the header of every answer that shows or moves a position.
type Positioned struct {
	Position string `header:"Hub-Position" doc:"Of the view that was read, or of what the command wrote"`
}

// patience is how long a read waits for its view.
const patience = 2 * time.Second

// view waits until the named view has reached the position the client asks for,
// or patience ends, and returns the position it has: what is read afterwards
// holds at least that.
func (a *API) view(ctx context.Context, name string, r Reading) (Positioned, error) {
	runner, ok := a.views[name]
	if !ok {
		return Positioned{}, nil
	}
	if r.Position != "" {
		want, err := events.ParsePosition(r.Position)
		if err != nil {
			return Positioned{}, invalid("header.Hub-Position", "Not a position.")
		}
		wait(ctx, runner, want)
	}
	return Positioned{runner.Position().String()}, nil
}

// wait does not report a view that is late: the answer says what it shows.
func wait(ctx context.Context, runner *projections.Runner, want events.Position) {
	if !runner.Position().Before(want) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_ = runner.Wait(ctx, want)
}

func invalid(location, sentence string) *Problem {
	p := NewProblem(http.StatusUnprocessableEntity, "Something in the request is missing or malformed.")
	p.Errors = []FieldError{{Location: location, Message: sentence}}
	return p
}

// Command is the header of every command.
type Command struct {
	Key string `header:"Idempotency-Key" maxLength:"64" pattern:"^[A-Za-z0-9_-]+$" doc:"Names the command: sent again, it is done once"`
}

// of makes the desk's command. The id is derived from the agent and the key, so
// that nobody can repeat or take another agent's command.
func (k Command) of(ctx context.Context, now func() time.Time) desk.Command {
	agent := CallerOf(ctx).Agent.ID
	id := events.NewUUID()
	if k.Key != "" {
		id = events.DeriveUUID("command", string(agent), k.Key)
	}
	return desk.Command{ID: id, Agent: agent, At: now().UTC()}
}

// Paging is the query of every list.
type Paging struct {
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	After string `query:"after" maxLength:"200" doc:"next of the page before"`
}

var goodID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// identifier refuses what cannot be an id before it reaches a stream name.
func identifier(s string) error {
	if !goodID.MatchString(s) {
		return desk.ErrNotFound
	}
	return nil
}

// ifMatch reads the revision of an If-Match header; nil when there is none or
// it is "*" (RFC 9110 section 13.1.1).
func ifMatch(header string) (*events.Revision, error) {
	s := strings.TrimSpace(header)
	if s == "" || s == "*" {
		return nil, nil
	}
	n, err := strconv.ParseInt(strings.Trim(strings.TrimPrefix(s, "W/"), `"`), 10, 64)
	if err != nil || n < 0 {
		return nil, invalid("header.If-Match", "Not a revision of a ticket.")
	}
	return &n, nil
}
