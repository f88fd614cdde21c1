package customers

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/sqldb"
)

//go:embed schema/*.sql
var schemas embed.FS

// version is raised whenever the same events give other rows.
const version = 2

var types = []string{"InquiryReceived", "TicketOpened", "ContactRectified"}

// Customer is one person.
type Customer struct {
	ID        events.SubjectID
	Name      string
	Address   string
	Erased    bool // Name and Address can no longer be read
	FirstSeen time.Time
	LastSeen  time.Time         // when the last inquiry arrived
	Count     int64             // of tickets
	Tickets   []events.TicketID // the last 20, newest first
}

// ErrNotFound is returned when there is no such person.
var ErrNotFound = errors.New("not found")

// View answers questions about people. It is safe for concurrent use.
type View struct {
	*projections.Rows
	reload projections.Reload
	log    *slog.Logger
}

// New opens the view's file and returns the view. reload is asked when a person
// is erased.
func New(ctx context.Context, at projections.Store, reload projections.Reload, log *slog.Logger) (*View, error) {
	rows, err := projections.OpenRows(ctx, at, "customers", version, types, schemas)
	if err != nil {
		return nil, err
	}
	return &View{Rows: rows, reload: reload, log: log.With("room", "projections", "view", "customers")}, nil
}

// Get returns one person.
func (v *View) Get(ctx context.Context, id events.SubjectID) (c Customer, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		c.ID = id
		var first, last int64
		ok, err := tx.Row(`SELECT first_seen, last_seen, tickets, name, address, erased FROM customers WHERE id = ?`, string(id)).
			Find(&first, &last, &c.Count, &c.Name, &c.Address, &c.Erased)
		if err != nil {
			return err
		}
		if !ok {
			return ErrNotFound
		}
		c.FirstSeen, c.LastSeen = time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC()
		return tx.Query(func(scan func(...any) error) error {
			var t events.TicketID
			err := scan(&t)
			c.Tickets = append(c.Tickets, t)
			return err
		}, `SELECT ticket FROM customer_tickets WHERE customer = ? ORDER BY opened DESC LIMIT 20`, string(id))
	})
	if err != nil {
		return Customer{}, fmt.Errorf("read customer: %w", err)
	}
	return c, nil
}
