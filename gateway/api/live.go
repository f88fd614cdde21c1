package api

import (
	"context"
	"errors"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/gateway/live"
	"github.com/westshore/hub/services/accounts"
)

type liveInput struct {
	From string `query:"from" maxLength:"41" doc:"Position of what the page shows: events after it are sent"`
	Last string `header:"Last-Event-ID" maxLength:"41" doc:"Sent by the browser when it reconnects; goes before from"`
}

func (a *API) live() {
	o := get("listen", "/live", "What changes, as server-sent events")
	o.Description = "Events: hello {pos}, change {kind,id,rev,fields,pos}, reset {pos} (fetch everything again), session (sign in again), bye (the server stops). " +
		"The id of an event is a position: everything up to it was sent. A comment comes every 15 seconds."
	o.Responses = map[string]*huma.Response{"200": {Description: "A stream", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}}}
	add(a, o, a.listen)
}

func (a *API) listen(ctx context.Context, in *liveInput) (*huma.StreamResponse, error) {
	from, err := position(in)
	if err != nil {
		return nil, err
	}
	caller := CallerOf(ctx)
	req := live.Request{Agent: caller.Agent.ID, From: from, Alive: a.alive(caller)}
	stream, err := a.rooms.Live.Begin(req)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) { stream(humafiber.Unwrap(hc)) }}, nil
}

func position(in *liveInput) (*events.Position, error) {
	s := in.From
	if in.Last != "" {
		s = in.Last
	}
	if s == "" {
		return nil, nil
	}
	p, err := events.ParsePosition(s)
	if err != nil {
		return nil, invalid("query.from", "Not a position.")
	}
	return &p, nil
}

// alive asks again whether the caller may listen. Only a session that ended ends
// a stream, not a database that is busy.
func (a *API) alive(caller Caller) func(context.Context) error {
	lookup := a.rooms.Accounts.Session
	if caller.Bearer {
		lookup = a.rooms.Accounts.Token
	}
	return func(ctx context.Context) error {
		_, err := lookup(ctx, caller.Secret)
		if expired, ok := errors.AsType[*accounts.ExpiredError](err); ok {
			return expired
		}
		return nil
	}
}
