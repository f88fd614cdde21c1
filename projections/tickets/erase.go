package tickets

import (
	"context"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/sqldb"
)

// eraseBatch is how many sealed events are opened at a time.
const eraseBatch = 256

// Erase opens again what is sealed for a person, with the keys of today, and
// writes anew what was readable of it: names, subjects, snippets.
func (v *View) Erase(ctx context.Context, tx *sqldb.Tx, subject events.SubjectID) (int, error) {
	rows, last := 0, int64(0)
	for {
		found, boxes, err := owned(tx, subject, last)
		if err != nil || len(found) == 0 {
			return rows, err
		}
		opened, err := v.openBoxes(ctx, projections.Viewer, boxes)
		if err != nil {
			return rows, err
		}
		for i, o := range found {
			if err := o.rewrite(tx, opened[i]); err != nil {
				return rows, err
			}
			last = o.n
		}
		rows += len(found)
	}
}

// owner says which row a box belongs to.
type owner struct {
	n      int64
	id     string // inquiry, message or agent
	ticket int64  // of a message an agent wrote
}

func owned(tx *sqldb.Tx, subject events.SubjectID, after int64) (found []owner, boxes [][]byte, err error) {
	err = tx.Query(func(scan func(...any) error) error {
		var o owner
		var box []byte
		err := scan(&o.n, &o.id, &o.ticket, &box)
		found, boxes = append(found, o), append(boxes, box)
		return err
	}, `SELECT n, id, ticket, sealed FROM boxes WHERE subject = ? AND n > ? ORDER BY n LIMIT ?`, string(subject), after, eraseBatch)
	return found, boxes, err
}

// rewrite puts what an opened event says into every row that shows it.
func (o owner) rewrite(tx *sqldb.Tx, e events.Event) error {
	switch e := e.(type) {
	case events.InquiryReceived:
		return rewriteInquiry(tx, o.id, e)
	case events.ReplyWritten:
		return o.rewriteSnippet(tx, e.Answer.Value())
	case events.NoteAdded:
		return o.rewriteSnippet(tx, e.Note.Value())
	case events.MessageRedacted:
		return rewriteRedacted(tx, o.ticket, o.id, e)
	case events.AgentAdded:
		p := e.Profile.Value()
		_, err := tx.Exec(`UPDATE agents SET name = ?2, email = ?3 WHERE id = ?1`, o.id, p.Name, p.Email)
		return err
	}
	return nil
}

func rewriteInquiry(tx *sqldb.Tx, id string, e events.InquiryReceived) error {
	var q inquiry
	q.read(e)
	var ticket int64
	_, err := tx.Row(`UPDATE inquiries SET from_name = ?2, from_address = ?3, subject = ?4, snippet = ?5, erased = ?6
		WHERE id = ?1 RETURNING ticket`, id, q.from.Name, q.from.Address, q.subject, q.snippet, q.erased).Find(&ticket)
	if err != nil || ticket == 0 {
		return err
	}
	_, err = tx.Exec(`UPDATE tickets SET
		subject          = CASE WHEN first_message   = ?2 THEN ?3 ELSE subject END,
		erased           = CASE WHEN first_message   = ?2 THEN ?4 ELSE erased END,
		customer_name    = CASE WHEN contact_message = ?2 THEN ?5 ELSE customer_name END,
		customer_address = CASE WHEN contact_message = ?2 THEN ?6 ELSE customer_address END,
		snippet          = CASE WHEN last_message    = ?2 THEN ?7 ELSE snippet END
		WHERE n = ?1`, ticket, id, q.subject, q.erased, q.from.Name, q.from.Address, q.snippet)
	return err
}

func (o owner) rewriteSnippet(tx *sqldb.Tx, a events.Answer) error {
	_, err := tx.Exec(`UPDATE tickets SET snippet = ? WHERE n = ? AND last_message = ?`, snippet(a.Text, -1), o.ticket, o.id)
	return err
}

// rewriteRedacted shows what a redaction left in the place of the message.
func rewriteRedacted(tx *sqldb.Tx, ticket int64, id string, e events.MessageRedacted) error {
	rest, state := e.Rest.Open()
	short := snippet(rest.Text, -1)
	if _, err := tx.Exec(`UPDATE inquiries SET subject = ?2, snippet = ?3, erased = ?4 WHERE id = ?1`, id, rest.Subject, short, state != events.Plain); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE tickets SET
		subject = CASE WHEN first_message = ?2 THEN ?3 ELSE subject END,
		erased  = CASE WHEN first_message = ?2 THEN ?4 ELSE erased END,
		snippet = CASE WHEN last_message  = ?2 THEN ?5 ELSE snippet END
		WHERE n = ?1`, ticket, id, rest.Subject, state != events.Plain, short)
	return err
}

// Left counts the rows that still show something of a person.
func (v *View) Left(tx *sqldb.Tx, subject events.SubjectID) (left int, err error) {
	for _, q := range []string{
		`SELECT count(*) FROM tickets WHERE customer = ? AND (customer_name <> '' OR customer_address <> '')`,
		`SELECT count(*) FROM inquiries i JOIN boxes b ON b.n = i.box WHERE b.subject = ? AND (i.from_name <> '' OR i.from_address <> '' OR i.subject <> '' OR i.snippet <> '')`,
	} {
		var n int
		if err := tx.Row(q, string(subject)).Scan(&n); err != nil {
			return 0, err
		}
		left += n
	}
	return left, nil
}
