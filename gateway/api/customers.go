package api

import (
	"context"
	"net/http"
	"time"

	"github.com/westshore/hub/events"
)

// Customer is a person who wrote to us.
type Customer struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Address   string    `json:"address"`
	Erased    bool      `json:"erased"`
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
	Count     int64     `json:"count" doc:"Of all tickets"`
	Tickets   []Ticket  `json:"tickets" nullable:"false" doc:"The last 20, newest first"`
}

type customerOutput struct {
	Positioned
	Body Customer
}

func (a *API) customers() {
	o := get("get-customer", "/customers/{id}", "A customer with the last tickets")
	o.Errors = []int{http.StatusNotFound}
	add(a, o, func(ctx context.Context, in *struct {
		Reading
		ID string `path:"id" maxLength:"40"`
	},
	) (*customerOutput, error) {
		var out customerOutput
		var err error
		if out.Positioned, err = a.view(ctx, "customers", in.Reading); err != nil {
			return nil, err
		}
		c, err := a.rooms.Customers.Get(ctx, events.SubjectID(in.ID))
		if err != nil {
			return nil, err
		}
		list, err := a.rooms.Tickets.ByID(ctx, c.Tickets)
		if err != nil {
			return nil, err
		}
		out.Body = Customer{string(c.ID), c.Name, c.Address, c.Erased, c.FirstSeen, c.LastSeen, c.Count, wireTickets(list)}
		return &out, nil
	})
}
