package tickets

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/sqldb"
)

// Which is one of the lists.
type Which string

// The lists.
const (
	ViewOpen       Which = "open"       // not resolved
	ViewMine       Which = "mine"       // open, assigned to the agent of the query
	ViewUnassigned Which = "unassigned" // open, assigned to nobody
	ViewResolved   Which = "resolved"
	ViewAll        Which = "all"
)

// ListQuery asks for a page of a list, newest change first, then by id.
type ListQuery struct {
	View     Which            // ViewOpen when empty
	Agent    events.AgentID   // for ViewMine
	Customer events.SubjectID // only this person's, whatever their state; View is ignored
	Limit    int              // 1 to 200; 50 when zero
	After    string           // Page.Next of the page before
}

// Page is a piece of a list.
type Page struct {
	Tickets []Ticket
	Next    string // empty on the last page
	Total   int64  // length of the whole list, exact; -1 when asked by customer
}

// ErrNotFound is returned when there is no such ticket, message or file.
var ErrNotFound = errors.New("not found")

// ErrCursor is returned for an After that no page gave out, and ErrView for a
// list that does not exist.
var (
	ErrCursor = errors.New("not a cursor of this list")
	ErrView   = errors.New("no such list")
)

const columns = `n, id, number, channel, mailbox, form, customer, related, created_at, status, priority, assignee, tags,
	updated_at, resolved_at, revision, unverified, last_kind, subject, snippet, customer_name, customer_address, erased`

const (
	after = ` AND updated_at <= ? AND (updated_at < ? OR id > ?)`
	order = ` ORDER BY updated_at DESC, id LIMIT ?`

	listClosed   = `SELECT ` + columns + ` FROM tickets INDEXED BY tickets_closed WHERE closed = ?` + after + order
	listAssigned = `SELECT ` + columns + ` FROM tickets INDEXED BY tickets_assignee WHERE closed = 0 AND assignee = ?` + after + order
	listCustomer = `SELECT ` + columns + ` FROM tickets INDEXED BY tickets_customer WHERE customer = ?` + after + order
	listAll      = `SELECT ` + columns + ` FROM tickets INDEXED BY tickets_all WHERE 1 = ?` + after + order
)

// List returns a page of a list.
func (v *View) List(ctx context.Context, q ListQuery) (Page, error) {
	q.Limit = limit(q.Limit)
	at, id, err := parseCursor(q.After)
	if err != nil {
		return Page{}, err
	}
	query, arg, counter, err := q.plan()
	if err != nil {
		return Page{}, err
	}
	page := Page{Total: -1}
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		if counter != "" {
			if page.Total, err = count(tx, counter); err != nil {
				return err
			}
		}
		page.Tickets, err = scanTickets(tx, q.Limit+1, query, arg, at, at, id, q.Limit+1)
		return err
	})
	if err != nil {
		return Page{}, fmt.Errorf("list tickets: %w", err)
	}
	if len(page.Tickets) > q.Limit {
		page.Tickets = page.Tickets[:q.Limit]
		last := page.Tickets[q.Limit-1]
		page.Next = cursor(last.UpdatedAt, string(last.ID))
	}
	return page, nil
}

func (q ListQuery) plan() (query string, arg any, counter string, err error) {
	switch {
	case q.Customer != "":
		return listCustomer, string(q.Customer), "", nil
	case q.View == ViewOpen || q.View == "":
		return listClosed, 0, "open", nil
	case q.View == ViewResolved:
		return listClosed, 1, "resolved", nil
	case q.View == ViewUnassigned:
		return listAssigned, "", "unassigned", nil
	case q.View == ViewMine && q.Agent != "":
		return listAssigned, string(q.Agent), "mine:" + string(q.Agent), nil
	case q.View == ViewAll:
		return listAll, 1, "all", nil
	}
	return "", nil, "", fmt.Errorf("list tickets: %q: %w", string(q.View), ErrView)
}

// Counts returns the numbers beside the lists, for one agent.
func (v *View) Counts(ctx context.Context, agent events.AgentID) (c Counts, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		for name, n := range map[string]*int64{
			"open": &c.Open, "mine:" + string(agent): &c.Mine, "unassigned": &c.Unassigned,
			"resolved": &c.Resolved, "all": &c.All, "held": &c.Quarantine,
		} {
			if *n, err = count(tx, name); err != nil {
				return fmt.Errorf("count tickets: %w", err)
			}
		}
		return nil
	})
	return c, err
}

func count(tx *sqldb.Tx, name string) (n int64, err error) {
	_, err = tx.Row(`SELECT n FROM counters WHERE name = ?`, name).Find(&n)
	return n, err
}

// Get finds a ticket by its id or by its number ("12" or "#12").
func (v *View) Get(ctx context.Context, idOrNumber string) (t Ticket, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		t, _, err = find(tx, idOrNumber)
		return err
	})
	return t, err
}

// ByID returns the tickets with these ids in the same order; those that are not
// there are left out.
func (v *View) ByID(ctx context.Context, ids []events.TicketID) (out []Ticket, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		names := agentNames{tx: tx}
		for _, id := range ids {
			t, _, err := names.one(`SELECT `+columns+` FROM tickets WHERE id = ?`, string(id))
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			out = append(out, t)
		}
		return nil
	})
	return out, err
}

func find(tx *sqldb.Tx, idOrNumber string) (Ticket, int64, error) {
	names := agentNames{tx: tx}
	if len(idOrNumber) < 20 {
		number, err := strconv.ParseInt(strings.TrimPrefix(idOrNumber, "#"), 10, 64)
		if err != nil {
			return Ticket{}, 0, ErrNotFound
		}
		return names.one(`SELECT `+columns+` FROM tickets WHERE number = ?`, number)
	}
	return names.one(`SELECT `+columns+` FROM tickets WHERE id = ?`, idOrNumber)
}

func limit(n int) int {
	if n <= 0 {
		return 50
	}
	return min(n, 200)
}

// cursor names the place after a row. It is opaque to clients.
func cursor(at time.Time, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(at.UnixMicro(), 10) + " " + id))
}

func parseCursor(s string) (at int64, id string, err error) {
	if s == "" {
		return 1<<63 - 1, "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return 0, "", ErrCursor
	}
	num, id, ok := strings.Cut(string(b), " ")
	if at, err = strconv.ParseInt(num, 10, 64); err != nil || !ok {
		return 0, "", ErrCursor
	}
	return at, id, nil
}
