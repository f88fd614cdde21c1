package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/services/desk"
)

// Post is what is known of outgoing mail beside its view, as functions of other
// rooms. Operations whose function is nil answer that there is nothing.
type Post struct {
	// Sent opens the bytes of a message as they go out.
	Sent func(context.Context, events.Principal, events.OutboundID) ([]byte, events.State, error)
	// Undo is how long an answer waits and can be taken back.
	Undo time.Duration
	// Person finds who an address belongs to, and by which keyed hash the
	// suppression list knows it.
	Person func(ctx context.Context, address string) (events.SubjectID, events.Hash, error)
}

// Suppressed is an address that is not written to. The list knows only its hash;
// the customer says whose it is.
type Suppressed struct {
	Address  string    `json:"address" doc:"Keyed hash, names the entry"`
	Customer string    `json:"customer"`
	Kind     string    `json:"kind" enum:"hard,soft,complaint,manual"`
	Since    time.Time `json:"since"`
	Outbound string    `json:"outbound" doc:"The message that showed it"`
	Agent    string    `json:"agent" doc:"Who said so"`
}

type suppressedInput struct {
	Reading
	Paging
	Customer string `query:"customer" maxLength:"32"`
}

type suppressedOutput struct {
	Positioned
	Body struct {
		Items []Suppressed `json:"items" nullable:"false"`
		Next  string       `json:"next"`
	}
}

type suppressInput struct {
	Command
	Body struct {
		Address string `json:"address" minLength:"3" maxLength:"320" format:"email"`
	}
}

type recallInput struct {
	Target
	Body struct {
		Message string `json:"message" maxLength:"32" doc:"Of the reply"`
	}
}

type redirectInput struct {
	Target
	Body struct {
		Address string `json:"address" minLength:"3" maxLength:"320" format:"email"`
		Name    string `json:"name,omitempty" maxLength:"200"`
	}
}

type redirectOutput struct {
	Positioned
	Body struct {
		Settled
		New string `json:"new" doc:"The message to the other address"`
	}
}

type outboundInput struct {
	ID string `path:"id" maxLength:"40"`
}

// OutboxHealth is what an operator watches.
type OutboxHealth struct {
	OldestSeconds        float64  `json:"oldest_seconds" doc:"How long the oldest message that may go has waited"`
	UnknownOldestSeconds float64  `json:"unknown_oldest_seconds" doc:"For how long the oldest unknown outcome has been one"`
	Suppressed           int64    `json:"suppressed" doc:"Addresses on the suppression list"`
	Alarms               []string `json:"alarms" nullable:"false" doc:"What somebody must look at: oldest, unknown, login"`
}

type healthOutput struct {
	Positioned
	Body OutboxHealth
}

// post registers what concerns outgoing mail beside its list.
func (a *API) post() {
	describe := func(id, path, summary string) huma.Operation {
		o := post(id, path, summary)
		o.Errors = []int{http.StatusNotFound, http.StatusConflict}
		return o
	}
	add(a, get("outbox-health", "/outbox/health", "How the outbox does"), a.outboxHealth)
	raw := get("get-outbound-raw", "/outbox/{id}/raw", "A message as it goes out")
	raw.Errors = []int{http.StatusNotFound, http.StatusForbidden, http.StatusGone}
	raw.Responses = map[string]*huma.Response{"200": {
		Description: raw.Summary, Content: map[string]*huma.MediaType{"message/rfc822": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
	}}
	add(a, raw, a.outboundRaw)
	add(a, describe("redirect-delivery", "/outbox/{id}/redirect", "Send an answer that did not arrive to another address"), a.redirect)
	add(a, describe("recall", "/tickets/{id}/recall", "Take an answer back that has not gone out"), func(ctx context.Context, in *recallInput) (*doneOutput, error) {
		if err := identifier(in.Body.Message); err != nil {
			return nil, err
		}
		return a.do(ctx, in.Target, func(c desk.Command, id events.TicketID) (desk.Done, error) {
			return a.rooms.Desk.Recall(ctx, c, id, events.MessageID(in.Body.Message))
		})
	})
	add(a, get("list-suppressed", "/outbox/suppressed", "Addresses that are not written to, newest first"), a.listSuppressed)
	add(a, describe("suppress", "/outbox/suppress", "Do not write to an address any more"), func(ctx context.Context, in *suppressInput) (*settledOutput, error) {
		return a.suppress(ctx, in, true)
	})
	add(a, describe("unsuppress", "/outbox/unsuppress", "Write to an address again"), func(ctx context.Context, in *suppressInput) (*settledOutput, error) {
		return a.suppress(ctx, in, false)
	})
}

func (a *API) outboxHealth(ctx context.Context, in *struct{ Reading }) (*healthOutput, error) {
	var out healthOutput
	var err error
	if out.Positioned, err = a.view(ctx, "outbox", in.Reading); err != nil {
		return nil, err
	}
	h, err := a.rooms.Outbox.Health(ctx, a.cfg.Now())
	if err != nil {
		return nil, err
	}
	out.Body = OutboxHealth{
		OldestSeconds: h.Oldest.Seconds(), UnknownOldestSeconds: h.OldestUnknown.Seconds(), Suppressed: h.Suppressed, Alarms: append([]string{}, h.Alarms()...),
	}
	return &out, nil
}

func (a *API) outboundRaw(ctx context.Context, in *outboundInput) (*fileOutput, error) {
	if err := identifier(in.ID); err != nil {
		return nil, err
	}
	if a.rooms.Post.Sent == nil {
		return nil, desk.ErrNotFound
	}
	b, state, err := a.rooms.Post.Sent(ctx, CallerOf(ctx).Agent.Principal(), events.OutboundID(in.ID))
	if err != nil {
		return nil, err
	}
	if err := readable(state); err != nil {
		return nil, err
	}
	return download("message-"+in.ID+".eml", "message/rfc822", false, b), nil
}

func (a *API) redirect(ctx context.Context, in *redirectInput) (*redirectOutput, error) {
	if err := identifier(in.ID); err != nil {
		return nil, err
	}
	to := events.Address{Name: in.Body.Name, Address: in.Body.Address}
	done, fresh, err := a.rooms.Desk.RedirectDelivery(ctx, in.of(ctx, a.cfg.Now), events.OutboundID(in.ID), to)
	if err != nil {
		return nil, err
	}
	out := &redirectOutput{Positioned: a.wrote(ctx, done.Position)}
	out.Body.Settled, out.Body.New = Settled{in.ID, done.Revision, done.Event.String()}, string(fresh)
	return out, nil
}

func (a *API) listSuppressed(ctx context.Context, in *suppressedInput) (*suppressedOutput, error) {
	var out suppressedOutput
	var err error
	if out.Positioned, err = a.view(ctx, "outbox", in.Reading); err != nil {
		return nil, err
	}
	list, next, err := a.rooms.Outbox.Suppressions(ctx, events.SubjectID(in.Customer), in.Limit, in.After)
	if err != nil {
		return nil, cursorError(err)
	}
	out.Body.Items, out.Body.Next = make([]Suppressed, len(list)), next
	for i, s := range list {
		out.Body.Items[i] = Suppressed{
			Address: string(s.Address), Customer: string(s.Customer), Kind: string(s.Kind), Since: s.Since, Outbound: string(s.Outbound), Agent: string(s.Agent),
		}
	}
	return &out, nil
}

// suppress finds whose the address is; the log learns its hash alone.
func (a *API) suppress(ctx context.Context, in *suppressInput, on bool) (*settledOutput, error) {
	if a.rooms.Post.Person == nil {
		return nil, desk.ErrNotFound
	}
	who, address, err := a.rooms.Post.Person(ctx, in.Body.Address)
	if err != nil {
		return nil, err
	}
	if s, listed, err := a.rooms.Outbox.Suppression(ctx, address); err != nil {
		return nil, err
	} else if listed && !on {
		who = s.Customer // the stream that holds the entry
	}
	done, err := a.rooms.Desk.Suppress(ctx, in.of(ctx, a.cfg.Now), who, address, on)
	if err != nil {
		return nil, err
	}
	return &settledOutput{a.wrote(ctx, done.Position), Settled{"", done.Revision, done.Event.String()}}, nil
}
