package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/tickets"
)

type ticketsInput struct {
	Reading
	Paging
	View string `query:"view" enum:"open,mine,unassigned,resolved,all" default:"open"`
	Q    string `query:"q" maxLength:"500" doc:"Words that must all occur, or #12 for a number; view is then ignored"`
}

type ticketsOutput struct {
	Positioned
	Body struct {
		Items []Ticket `json:"items" nullable:"false"`
		Next  string   `json:"next" doc:"after of the next page; empty on the last"`
		Total int64    `json:"total" doc:"Length of the list, exact; -1 for a search"`
	}
}

type ticketInput struct {
	Reading
	ID string `path:"id" maxLength:"40" doc:"Id or number"`
}

type ticketAtInput struct {
	Reading
	ID string `path:"id" maxLength:"40" doc:"Id or number"`
	At string `query:"at" maxLength:"40" format:"date-time" doc:"The ticket as it stood at that moment (RFC 3339); without it, or in the future, as it is now. What was erased or redacted since is gone from every moment"`
}

type ticketOutput struct {
	Positioned
	ETag string `header:"ETag" doc:"The revision, for If-Match"`
	Body struct {
		Ticket
		Messages     []Message `json:"messages" nullable:"false"`
		Participants []Address `json:"participants" nullable:"false"`
	}
}

type countsOutput struct {
	Positioned
	Body Counts
}

// Counts are the numbers beside the lists.
type Counts struct {
	Open       int64 `json:"open"`
	Mine       int64 `json:"mine"`
	Unassigned int64 `json:"unassigned"`
	Resolved   int64 `json:"resolved"`
	All        int64 `json:"all"`
	Quarantine int64 `json:"quarantine" doc:"Messages that wait for a person"`
}

// HistoryLine is something that happened to a ticket, readable.
type HistoryLine struct {
	Position string    `json:"position"`
	At       time.Time `json:"at"`
	Type     string    `json:"type"`
	Actor    string    `json:"actor"`
	Text     string    `json:"text"`
}

type historyOutput struct {
	Positioned
	Body struct {
		Items []HistoryLine `json:"items" nullable:"false"`
	}
}

func (a *API) tickets() {
	notFound := func(o huma.Operation) huma.Operation {
		o.Errors = []int{http.StatusNotFound}
		return o
	}
	add(a, get("list-tickets", "/tickets", "A list of tickets, newest change first, or a search"), a.listTickets)
	add(a, get("count-tickets", "/tickets/counts", "The numbers beside the lists"), a.countTickets)
	ticket := notFound(get("get-ticket", "/tickets/{id}", "A ticket with its messages, now or as it stood"))
	ticket.Errors = append(ticket.Errors, http.StatusGone)
	add(a, ticket, a.getTicket)
	add(a, notFound(get("get-history", "/tickets/{id}/history", "What happened to a ticket")), a.getHistory)
}

func (a *API) listTickets(ctx context.Context, in *ticketsInput) (*ticketsOutput, error) {
	if in.Q != "" {
		return a.searchTickets(ctx, in)
	}
	var out ticketsOutput
	var err error
	if out.Positioned, err = a.view(ctx, "tickets", in.Reading); err != nil {
		return nil, err
	}
	page, err := a.rooms.Tickets.List(ctx, tickets.ListQuery{
		View: tickets.Which(in.View), Agent: CallerOf(ctx).Agent.ID, Limit: in.Limit, After: in.After,
	})
	if err != nil {
		return nil, cursorError(err)
	}
	out.Body.Items, out.Body.Next, out.Body.Total = wireTickets(page.Tickets), page.Next, page.Total
	return &out, nil
}

func (a *API) countTickets(ctx context.Context, in *struct{ Reading }) (*countsOutput, error) {
	out := countsOutput{}
	var err error
	if out.Positioned, err = a.view(ctx, "tickets", in.Reading); err != nil {
		return nil, err
	}
	c, err := a.rooms.Tickets.Counts(ctx, CallerOf(ctx).Agent.ID)
	out.Body = Counts(c)
	return &out, err
}

func (a *API) getTicket(ctx context.Context, in *ticketAtInput) (*ticketOutput, error) {
	var out ticketOutput
	var err error
	if out.Positioned, err = a.view(ctx, "tickets", in.Reading); err != nil {
		return nil, err
	}
	c, err := a.conversation(ctx, in)
	if err != nil {
		return nil, err
	}
	out.ETag = `"` + itoa(c.Ticket.Revision) + `"`
	out.Body.Ticket, out.Body.Messages, out.Body.Participants = wireTicket(c.Ticket), a.wireMessages(c), addresses(c.Participants)
	return &out, a.keepUntil(ctx, c.Messages, out.Body.Messages)
}

// conversation reads a ticket as it is, or as it stood at the moment that was asked
// for.
func (a *API) conversation(ctx context.Context, in *ticketAtInput) (tickets.Conversation, error) {
	reader := CallerOf(ctx).Agent.Principal()
	if in.At == "" {
		return a.rooms.Tickets.Read(ctx, reader, in.ID)
	}
	at, err := time.Parse(time.RFC3339, in.At)
	if err != nil {
		return tickets.Conversation{}, invalid("query.at", "Not a time like 2026-03-01T09:30:00Z.")
	}
	if !at.Before(a.cfg.Now()) {
		return a.rooms.Tickets.Read(ctx, reader, in.ID)
	}
	c, err := a.rooms.Tickets.ReadAt(ctx, reader, in.ID, at, a.rooms.Reload)
	if errors.Is(err, tickets.ErrCut) {
		return c, NewProblem(http.StatusGone, "The text of this ticket was destroyed; how it stood that far back is not kept.")
	}
	return c, err
}

func (a *API) getHistory(ctx context.Context, in *ticketInput) (*historyOutput, error) {
	var out historyOutput
	var err error
	if out.Positioned, err = a.view(ctx, "tickets", in.Reading); err != nil {
		return nil, err
	}
	lines, err := a.rooms.Tickets.History(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out.Body.Items = make([]HistoryLine, len(lines))
	for i, l := range lines {
		out.Body.Items[i] = HistoryLine{l.Position.String(), l.At.UTC(), l.Type, l.Actor, l.Text}
	}
	return &out, nil
}

// ticketID finds the ticket behind an id or a number.
func (a *API) ticketID(ctx context.Context, idOrNumber string) (events.TicketID, error) {
	if identifier(idOrNumber) == nil {
		return events.TicketID(idOrNumber), nil // the desk looks it up
	}
	t, err := a.rooms.Tickets.Get(ctx, idOrNumber)
	return t.ID, err
}
