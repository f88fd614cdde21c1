package tickets

import (
	"encoding/json"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/sqldb"
)

// scanTickets runs a query for columns.
func scanTickets(tx *sqldb.Tx, most int, query string, args ...any) ([]Ticket, error) {
	out := make([]Ticket, 0, most)
	assignees := make([]string, 0, most)
	err := tx.Query(func(scan func(...any) error) error {
		var t Ticket
		assignee, _, err := t.scan(scan)
		out, assignees = append(out, t), append(assignees, assignee)
		return err
	}, query, args...)
	if err != nil {
		return nil, err
	}
	names := agentNames{tx: tx}
	for i, a := range assignees {
		if out[i].Assignee, err = names.get(a); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// scan fills the ticket from a row of columns. It scans into plain types first:
// database/sql is slow with named ones.
func (t *Ticket) scan(scan func(...any) error) (assignee string, n int64, err error) {
	var tags, id, channel, mailbox, form, customer, related, status, priority, kind string
	var created, updated, resolved int64
	err = scan(&n, &id, &t.Number, &channel, &mailbox, &form, &customer, &related, &created, &status,
		&priority, &assignee, &tags, &updated, &resolved, &t.Revision, &t.Unverified, &kind,
		&t.Subject, &t.Snippet, &t.Customer.Name, &t.Customer.Address, &t.Erased)
	if err != nil {
		return "", 0, err
	}
	t.ID, t.Channel, t.Mailbox, t.Form = events.TicketID(id), events.Channel(channel), events.MailboxID(mailbox), events.FormID(form)
	t.Customer.ID, t.Related, t.Status = events.SubjectID(customer), events.TicketID(related), Status(status)
	t.Priority, t.LastKind = events.Priority(priority), Kind(kind)
	t.CreatedAt, t.UpdatedAt = micros(created), micros(updated)
	if resolved != 0 {
		t.ResolvedAt = micros(resolved)
	}
	t.Tags, err = list(tags)
	return assignee, n, err
}

// agentNames looks agents up once for a page.
type agentNames struct {
	tx   *sqldb.Tx
	seen map[string]*Agent
}

// get returns nil for nobody, and an agent without a name for one unknown.
func (a *agentNames) get(id string) (*Agent, error) {
	if id == "" {
		return nil, nil
	}
	if agent, ok := a.seen[id]; ok {
		return agent, nil
	}
	agent := &Agent{ID: events.AgentID(id)}
	_, err := a.tx.Row(`SELECT name, email, role, active FROM agents WHERE id = ?`, id).
		Find(&agent.Name, &agent.Email, &agent.Role, &agent.Active)
	if err != nil {
		return nil, err
	}
	if a.seen == nil {
		a.seen = map[string]*Agent{}
	}
	a.seen[id] = agent
	return agent, nil
}

// one runs a query for one ticket.
func (a *agentNames) one(query string, arg any) (Ticket, int64, error) {
	var t Ticket
	var assignee string
	var n int64
	err := a.tx.Query(func(scan func(...any) error) (err error) {
		assignee, n, err = t.scan(scan)
		return err
	}, query, arg)
	if err != nil {
		return Ticket{}, 0, err
	}
	if n == 0 {
		return Ticket{}, 0, ErrNotFound
	}
	t.Assignee, err = a.get(assignee)
	return t, n, err
}

func micros(n int64) time.Time { return time.UnixMicro(n).UTC() }

// list reads a JSON array of strings; empty text is an empty list.
func list(s string) ([]string, error) {
	if s == "" || s == "[]" {
		return []string{}, nil
	}
	var out []string
	err := json.Unmarshal([]byte(s), &out)
	return out, err
}

// text prints what list reads.
func text(list []string) string {
	if len(list) == 0 {
		return ""
	}
	b, _ := json.Marshal(list) // strings always encode
	return string(b)
}
