package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/westshore/hub/events"
	noticeviews "github.com/westshore/hub/projections/notices"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/projections/tickets"
	"github.com/westshore/hub/services/desk"
)

// cursorErrors are how the views refuse a cursor.
var cursorErrors = []error{tickets.ErrCursor, outbox.ErrCursor, noticeviews.ErrCursor}

// Quarantined is an inquiry that waits, or waited, for a person.
type Quarantined struct {
	ID         string    `json:"id"`
	Mailbox    string    `json:"mailbox"`
	Form       string    `json:"form,omitempty"`
	Reason     string    `json:"reason"`
	Detail     string    `json:"detail"`
	From       string    `json:"from"`
	Subject    string    `json:"subject"`
	Size       int64     `json:"size"`
	ReceivedAt time.Time `json:"received_at"`
	State      string    `json:"state" enum:"held,released,discarded"`
}

type quarantineInput struct {
	Reading
	Paging
	State string `query:"state" enum:"held,released,discarded"`
}

type quarantineOutput struct {
	Positioned
	Body struct {
		Items []Quarantined `json:"items" nullable:"false"`
		Next  string        `json:"next"`
	}
}

// Judged is what a command on a quarantined inquiry answers.
type Judged struct {
	Inquiry  string `json:"inquiry"`
	Revision int64  `json:"revision"`
	Event    string `json:"event"`
}

type judgedOutput struct {
	Positioned
	Body Judged
}

func (a *API) quarantine() {
	add(a, get("list-quarantine", "/quarantine", "What waits for a person, newest first"), a.listQuarantine)
	raw := get("get-quarantined-raw", "/quarantine/{id}/raw", "A held mail as it came")
	raw.Errors = []int{http.StatusNotFound, http.StatusForbidden}
	raw.Responses = map[string]*huma.Response{"200": {
		Description: "The mail", Content: map[string]*huma.MediaType{"message/rfc822": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
	}}
	add(a, raw, a.getQuarantinedRaw)
	for _, c := range []struct {
		id, path, summary string
		run               func(context.Context, desk.Command, events.InquiryID) (desk.Done, error)
	}{
		{"release", "release", "Let it through", func(ctx context.Context, c desk.Command, id events.InquiryID) (desk.Done, error) {
			return a.rooms.Desk.Release(ctx, c, id)
		}},
		{"discard", "discard", "Make no ticket of it", func(ctx context.Context, c desk.Command, id events.InquiryID) (desk.Done, error) {
			return a.rooms.Desk.Discard(ctx, c, id)
		}},
	} {
		o := post(c.id, "/quarantine/{id}/"+c.path, c.summary)
		o.Errors = []int{http.StatusNotFound, http.StatusConflict}
		add(a, o, func(ctx context.Context, in *bareInput) (*judgedOutput, error) {
			if err := identifier(in.ID); err != nil {
				return nil, err
			}
			done, err := c.run(ctx, in.of(ctx, a.cfg.Now), events.InquiryID(in.ID))
			if err != nil {
				return nil, err
			}
			return &judgedOutput{a.wrote(ctx, done.Position), Judged{in.ID, done.Revision, done.Event.String()}}, nil
		})
	}
}

func (a *API) listQuarantine(ctx context.Context, in *quarantineInput) (*quarantineOutput, error) {
	var out quarantineOutput
	var err error
	if out.Positioned, err = a.view(ctx, "tickets", in.Reading); err != nil {
		return nil, err
	}
	page, err := a.rooms.Tickets.Quarantine(ctx, tickets.QuarantineQuery{State: in.State, Limit: in.Limit, After: in.After})
	if err != nil {
		return nil, cursorError(err)
	}
	out.Body.Items, out.Body.Next = make([]Quarantined, len(page.Items)), page.Next
	for i, q := range page.Items {
		out.Body.Items[i] = Quarantined{
			ID: string(q.ID), Mailbox: string(q.Mailbox), Form: string(q.Form), Reason: q.Reason, Detail: q.Detail, From: q.From.Address,
			Subject: q.Subject, Size: q.Size, ReceivedAt: q.ReceivedAt.UTC(), State: q.State,
		}
	}
	return &out, nil
}

func (a *API) getQuarantinedRaw(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"40"`
},
) (*fileOutput, error) {
	if err := identifier(in.ID); err != nil {
		return nil, err
	}
	// Only what waits here is read here: a mail of a ticket is read at the ticket,
	// by those who may.
	state, err := a.rooms.Tickets.Judgement(ctx, events.InquiryID(in.ID))
	if err == nil && state == "released" {
		err = tickets.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	b, err := a.blob(ctx, in.ID, 0)
	if err != nil {
		return nil, err
	}
	return download("quarantined.eml", "message/rfc822", false, b), nil
}
