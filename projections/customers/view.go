package customers

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
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
	db     *sqldb.DB
	reload projections.Reload
	log    *slog.Logger
}

// New opens the view's file and returns the view. reload is asked when a person
// is erased.
func New(ctx context.Context, at projections.Store, reload projections.Reload, log *slog.Logger) (*View, error) {
	sub, err := fs.Sub(schemas, "schema")
	if err != nil {
		return nil, err
	}
	v := &View{reload: reload, log: log.With("room", "projections", "view", "customers")}
	if v.db, err = projections.OpenView(ctx, at, v.Name(), version, types, sub); err != nil {
		return nil, err
	}
	return v, nil
}

// Close closes the view's file.
func (v *View) Close() error { return v.db.Close() }

// Name is "customers".
func (v *View) Name() string { return "customers" }

// DB holds the rows.
func (v *View) DB() *sqldb.DB { return v.db }

// Types lists the events the view is made of.
func (v *View) Types() []string { return types }

// Inventory lists every path at which the view's text may rest.
func (v *View) Inventory() []string { return v.db.Files() }

// Purge erases what is left of a person in a view that no runner writes to;
// otherwise use Runner.Purge.
func (v *View) Purge(ctx context.Context, subject events.SubjectID) (projections.Receipt, error) {
	return projections.Erase(ctx, v, subject, events.Start)
}

// Get returns one person.
func (v *View) Get(ctx context.Context, id events.SubjectID) (c Customer, err error) {
	err = v.db.Read(ctx, func(tx *sqldb.Tx) error {
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
