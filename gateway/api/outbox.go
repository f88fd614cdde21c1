package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/outbox"
	"github.com/westshore/hub/services/desk"
)

// Outbound is one message to one recipient.
type Outbound struct {
	ID            string     `json:"id"`
	Kind          string     `json:"kind" enum:"reply,acknowledgement,administrative,promotional"`
	To            string     `json:"to"`
	Subject       string     `json:"subject"`
	State         string     `json:"state" enum:"queued,sending,accepted,deferred,failed,unknown,bounced,cancelled,held"`
	Attempts      int        `json:"attempts"`
	LastCode      string     `json:"last_code"`
	LastDetail    string     `json:"last_detail" doc:"Class of the refusal, or the rule that keeps it back"`
	Delayed       bool       `json:"delayed" doc:"It waits for more than an hour"`
	Ticket        string     `json:"ticket"`
	TicketNumber  int64      `json:"ticket_number"`
	Message       string     `json:"message"`
	CreatedAt     time.Time  `json:"created_at"`
	UpdatedAt     time.Time  `json:"updated_at"`
	NextAttemptAt *time.Time `json:"next_attempt_at" nullable:"true"`
	MessageID     string     `json:"message_id"`
	Revision      int64      `json:"revision"`
	Erased        bool       `json:"erased"`
}

type outboxInput struct {
	Reading
	Paging
	State string `query:"state" enum:"queued,sending,accepted,deferred,failed,unknown,bounced,cancelled,held"`
}

type outboxOutput struct {
	Positioned
	Body struct {
		Items  []Outbound       `json:"items" nullable:"false"`
		Next   string           `json:"next"`
		Counts map[string]int64 `json:"counts" doc:"Messages in each state"`
	}
}

// Settled is what a command on an outgoing message answers.
type Settled struct {
	Outbound string `json:"outbound"`
	Revision int64  `json:"revision"`
	Event    string `json:"event"`
}

type settledOutput struct {
	Positioned
	Body Settled
}

type settleInput struct {
	Target
	Body struct {
		Outcome string `json:"outcome" enum:"accepted,failed"`
		Reason  string `json:"reason,omitempty" maxLength:"500" doc:"Why; kept sealed in the message's stream"`
	}
}

func (a *API) outbox() {
	a.post()
	add(a, get("list-outbox", "/outbox", "What goes out, newest first"), a.listOutbox)
	describe := func(id, path, summary string) huma.Operation {
		o := post(id, "/outbox/{id}/"+path, summary)
		o.Errors = []int{http.StatusNotFound, http.StatusConflict}
		return o
	}
	add(a, describe("retry-delivery", "retry", "Put a message back into the queue"), func(ctx context.Context, in *bareInput) (*settledOutput, error) {
		return a.settle(ctx, in.Target, a.rooms.Desk.RetryDelivery)
	})
	add(a, describe("cancel-delivery", "cancel", "Keep a message from going out"), func(ctx context.Context, in *bareInput) (*settledOutput, error) {
		return a.settle(ctx, in.Target, a.rooms.Desk.CancelDelivery)
	})
	add(a, describe("resolve-delivery", "resolve", "Say what became of a message whose outcome is unknown"), func(ctx context.Context, in *settleInput) (*settledOutput, error) {
		return a.settle(ctx, in.Target, func(ctx context.Context, c desk.Command, id events.OutboundID) (desk.Done, error) {
			return a.rooms.Desk.ResolveDelivery(ctx, c, id, desk.DeliveryState(in.Body.Outcome), in.Body.Reason)
		})
	})
}

func (a *API) listOutbox(ctx context.Context, in *outboxInput) (*outboxOutput, error) {
	var out outboxOutput
	var err error
	if out.Positioned, err = a.view(ctx, "outbox", in.Reading); err != nil {
		return nil, err
	}
	page, err := a.rooms.Outbox.List(ctx, outbox.ListQuery{State: outbox.State(in.State), Limit: in.Limit, After: in.After})
	if err != nil {
		return nil, cursorError(err)
	}
	counts, err := a.rooms.Outbox.Counts(ctx)
	if err != nil {
		return nil, err
	}
	out.Body.Items, out.Body.Next, out.Body.Counts = make([]Outbound, len(page.Items)), page.Next, make(map[string]int64, len(counts))
	for i, item := range page.Items {
		out.Body.Items[i] = wireOutbound(item)
	}
	for state, n := range counts {
		out.Body.Counts[string(state)] = n
	}
	return &out, nil
}

func wireOutbound(i outbox.Item) Outbound {
	w := Outbound{
		ID: string(i.ID), Kind: string(i.Kind), To: i.To.Address, Subject: i.Subject, State: string(i.State), Attempts: i.Attempts,
		LastCode: i.LastCode, LastDetail: i.LastDetail, Delayed: i.Delayed, Ticket: string(i.Ticket), TicketNumber: i.TicketNumber, Message: string(i.Message),
		CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt, MessageID: i.MessageID, Revision: i.Revision, Erased: i.Erased,
	}
	if !i.NextAttempt.IsZero() {
		w.NextAttemptAt = &i.NextAttempt
	}
	return w
}

// settle carries out one command on an outgoing message.
func (a *API) settle(ctx context.Context, t Target, run func(context.Context, desk.Command, events.OutboundID) (desk.Done, error)) (*settledOutput, error) {
	if err := identifier(t.ID); err != nil {
		return nil, err
	}
	done, err := run(ctx, t.of(ctx, a.cfg.Now), events.OutboundID(t.ID))
	if err != nil {
		return nil, err
	}
	return &settledOutput{a.wrote(ctx, done.Position), Settled{t.ID, done.Revision, done.Event.String()}}, nil
}

// cursorError makes a cursor that no page gave out the client's mistake.
func cursorError(err error) error {
	for _, e := range cursorErrors {
		if errors.Is(err, e) {
			return invalid("query.after", "Not a cursor of this list.")
		}
	}
	return err
}
