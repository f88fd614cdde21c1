package api

import (
	"context"
	"strconv"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/search"
)

// searchTickets answers a query of words. Pages of a search are found by how
// many hits came before: hits are ranked anew each time.
func (a *API) searchTickets(ctx context.Context, in *ticketsInput) (*ticketsOutput, error) {
	var out ticketsOutput
	var err error
	if _, err = a.view(ctx, "search", in.Reading); err != nil {
		return nil, err
	}
	if out.Positioned, err = a.view(ctx, "tickets", in.Reading); err != nil {
		return nil, err
	}
	skip := 0
	if in.After != "" {
		if skip, err = strconv.Atoi(in.After); err != nil || skip < 0 {
			return nil, invalid("query.after", "Not a cursor of this list.")
		}
	}
	found, err := a.rooms.Search.Search(ctx, search.Query{Text: in.Q, Limit: in.Limit, Skip: skip})
	if err != nil {
		return nil, err
	}
	ids := make([]events.TicketID, len(found.Hits))
	for i, hit := range found.Hits {
		ids[i] = hit.Ticket
	}
	list, err := a.rooms.Tickets.ByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	out.Body.Items, out.Body.Total = wireTickets(list), -1
	if found.More {
		out.Body.Next = strconv.Itoa(skip + len(ids))
	}
	return &out, nil
}
