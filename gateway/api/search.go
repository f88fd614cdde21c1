package api

import (
	"context"

	"github.com/westshore/hub/events"
)

// Search finds tickets by words.
type Search interface {
	// Find returns a page of ids, best first, for a query of words.
	Find(ctx context.Context, query string, limit int, after string) (ids []events.TicketID, next string, err error)
}

func (a *API) searchTickets(ctx context.Context, in *ticketsInput) (*ticketsOutput, error) {
	return nil, nil
}
