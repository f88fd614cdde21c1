package customers

import (
	"context"
	"fmt"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/sqldb"
)

// Apply turns events into rows.
func (v *View) Apply(_ context.Context, tx *sqldb.Tx, batch []events.Recorded) ([]projections.Change, error) {
	var changes []projections.Change
	for i := range batch {
		id, err := apply(tx, &batch[i])
		if err != nil {
			return nil, fmt.Errorf("%s at %s: %w", batch[i].Type, batch[i].Position, err)
		}
		if id != "" {
			changes = append(changes, projections.Change{Kind: "customer", ID: string(id), Position: batch[i].Position})
		}
	}
	return changes, nil
}

func apply(tx *sqldb.Tx, r *events.Recorded) (events.SubjectID, error) {
	switch e := r.Event.(type) {
	case events.InquiryReceived:
		contact, state := e.Contact.Open()
		at := e.ArrivedAt.UnixMicro()
		_, err := tx.Exec(`INSERT INTO customers (id, inquiry, first_seen, last_seen, tickets, name, address, erased)
			VALUES (?1, ?2, ?3, ?3, 0, ?4, ?5, ?6)
			ON CONFLICT (id) DO UPDATE SET first_seen = min(first_seen, ?3), last_seen = max(last_seen, ?3)`,
			string(e.Customer), string(e.Inquiry), at, contact.Name, contact.Address, state == events.Erased)
		return "", err
	case events.ContactRectified:
		contact, state := e.Contact.Open()
		if state != events.Plain { // what was known before may be readable still, or not
			return "", nil
		}
		_, err := tx.Exec(`UPDATE customers SET name = ?, address = ?, erased = 0 WHERE id = ?`, contact.Name, contact.Address, string(e.Customer))
		return e.Customer, err
	case events.TicketOpened:
		var n int64
		ok, err := tx.Row(`UPDATE customers SET tickets = tickets + 1 WHERE id = ? RETURNING tickets`, string(e.Customer)).Find(&n)
		if err != nil || !ok {
			return "", err
		}
		_, err = tx.Exec(`INSERT INTO customer_tickets (customer, opened, ticket) VALUES (?, ?, ?)`, string(e.Customer), n, string(e.Ticket))
		return e.Customer, err
	}
	return "", nil
}

// Erase reads the inquiry again that a person's name and address came from, and what
// was rectified since.
func (v *View) Erase(ctx context.Context, tx *sqldb.Tx, subject events.SubjectID) (int, error) {
	var inquiry events.InquiryID
	ok, err := tx.Row(`SELECT inquiry FROM customers WHERE id = ?`, string(subject)).Find(&inquiry)
	if err != nil || !ok {
		return 0, err
	}
	history, err := v.reload(ctx, events.InquiryStream(inquiry))
	if err != nil {
		return 0, err
	}
	var contact events.Address
	state := events.Erased // a stream that is gone is erased as well
	for _, r := range history {
		if e, ok := r.Event.(events.InquiryReceived); ok {
			contact, state = e.Contact.Open()
			break
		}
	}
	rectified, err := v.reload(ctx, events.CustomerStream(subject))
	if err != nil {
		return 0, err
	}
	for _, r := range rectified {
		if e, ok := r.Event.(events.ContactRectified); ok && e.Contact.State() == events.Plain {
			contact, state = e.Contact.Value(), events.Plain
		}
	}
	_, err = tx.Exec(`UPDATE customers SET name = ?, address = ?, erased = ? WHERE id = ?`,
		contact.Name, contact.Address, state == events.Erased, string(subject))
	return 1, err
}
