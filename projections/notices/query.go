package notices

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/sqldb"
)

// Page is a piece of the list of notices, newest first.
type Page struct {
	Items []Notice
	Next  string // empty on the last page
}

// List returns a page of notices with their counts. limit is 1 to 200.
func (v *View) List(ctx context.Context, limit int, after string) (page Page, err error) {
	before := int64(1<<63 - 1)
	if after != "" {
		if before, err = strconv.ParseInt(after, 36, 64); err != nil {
			return page, ErrCursor
		}
	}
	limit = min(max(limit, 1), 200)
	var ns []int64
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		err := tx.Query(func(scan func(...any) error) error {
			var n int64
			var doc string
			var item Notice
			if err := scan(&n, &doc); err != nil {
				return err
			}
			ns, page.Items = append(ns, n), append(page.Items, item)
			return json.Unmarshal([]byte(doc), &page.Items[len(page.Items)-1])
		}, `SELECT n, doc FROM notices WHERE n < ? ORDER BY n DESC LIMIT ?`, before, limit+1)
		if err != nil {
			return err
		}
		if len(page.Items) > limit {
			page.Items, page.Next = page.Items[:limit], strconv.FormatInt(ns[limit-1], 36)
		}
		for i := range page.Items {
			if err := counts(tx, &page.Items[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Page{}, fmt.Errorf("list notices: %w", err)
	}
	return page, nil
}

// Get returns one notice with its counts.
func (v *View) Get(ctx context.Context, id events.NoticeID) (n Notice, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		ok, err := load(tx, `SELECT doc FROM notices WHERE id = ?`, string(id), &n)
		if err == nil && !ok {
			err = ErrNotFound
		}
		if err != nil {
			return err
		}
		return counts(tx, &n)
	})
	if err != nil {
		return Notice{}, fmt.Errorf("read notice: %w", err)
	}
	return n, nil
}

func counts(tx *sqldb.Tx, n *Notice) error {
	n.Counts, n.Skipped = map[string]int64{}, map[string]int64{}
	return tx.Query(func(scan func(...any) error) error {
		var state, detail string
		var count int64
		err := scan(&state, &detail, &count)
		n.Counts[state] += count
		if detail != "" {
			n.Skipped[detail] += count
		}
		return err
	}, `SELECT state, detail, n FROM counts WHERE notice = ?`, string(n.ID))
}

// RecipientPage is a piece of a notice's list, in the order of message ids.
type RecipientPage struct {
	Items []Recipient
	Next  string
}

// Recipients returns those of a notice in one state; an empty state is all.
func (v *View) Recipients(ctx context.Context, id events.NoticeID, state string, limit int, after string) (page RecipientPage, err error) {
	limit = min(max(limit, 1), 1000)
	query, args := `SELECT outbound, customer, state, detail, updated_at FROM recipients INDEXED BY recipients_state
		WHERE notice = ? AND state = ? AND outbound > ? ORDER BY outbound LIMIT ?`, []any{string(id), state, after, limit + 1}
	if state == "" {
		query, args = `SELECT outbound, customer, state, detail, updated_at FROM recipients
			WHERE notice = ? AND outbound > ? ORDER BY outbound LIMIT ?`, []any{string(id), after, limit + 1}
	}
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			var r Recipient
			var at int64
			err := scan(&r.Outbound, &r.Customer, &r.State, &r.Detail, &at)
			r.UpdatedAt = time.UnixMicro(at).UTC()
			page.Items = append(page.Items, r)
			return err
		}, query, args...)
	})
	if err != nil {
		return RecipientPage{}, fmt.Errorf("list recipients: %w", err)
	}
	if len(page.Items) > limit {
		page.Items = page.Items[:limit]
		page.Next = string(page.Items[limit-1].Outbound)
	}
	return page, nil
}

// Templates lists all templates, newest first, retired ones too.
func (v *View) Templates(ctx context.Context) (out []Template, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			var doc string
			var t Template
			if err := scan(&doc); err != nil {
				return err
			}
			err := json.Unmarshal([]byte(doc), &t)
			out = append(out, t)
			return err
		}, `SELECT doc FROM templates ORDER BY n DESC`)
	})
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	return out, nil
}

// Template returns one template.
func (v *View) Template(ctx context.Context, id events.TemplateID) (t Template, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		ok, err := load(tx, `SELECT doc FROM templates WHERE id = ?`, string(id), &t)
		if err == nil && !ok {
			err = ErrNotFound
		}
		return err
	})
	if err != nil {
		return Template{}, fmt.Errorf("read template: %w", err)
	}
	return t, nil
}

// Audience lists whom a rule names, by id, after a given one. Nobody who was
// first seen after cut is among them, so that a list taken in parts is one list.
// Customers of the rule are not looked at here.
func (v *View) Audience(ctx context.Context, rule events.NoticeAudience, cut time.Time, after events.SubjectID, limit int) (out []events.SubjectID, err error) {
	query, args := audience(rule, cut)
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			var id events.SubjectID
			err := scan(&id)
			out = append(out, id)
			return err
		}, `SELECT p.customer `+query+` AND p.customer > ? ORDER BY p.customer LIMIT ?`, append(args, string(after), limit)...)
	})
	if err != nil {
		return nil, fmt.Errorf("list audience: %w", err)
	}
	return out, nil
}

// CountAudience says how many a rule names now.
func (v *View) CountAudience(ctx context.Context, rule events.NoticeAudience, now time.Time) (n int, err error) {
	query, args := audience(rule, now)
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Row(`SELECT count(*) `+query, args...).Find(&n)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count audience: %w", err)
	}
	return n, nil
}

const (
	everybody = `FROM people p WHERE p.first_seen <= ?`
	ofMailbox = `FROM mailboxes m JOIN people p ON p.customer = m.customer WHERE p.first_seen <= ? AND m.mailbox = ?`
	since     = ` AND p.last_seen >= ?`
)

func audience(rule events.NoticeAudience, cut time.Time) (query string, args []any) {
	query, args = everybody, []any{cut.UnixMicro()}
	if rule.Mailbox != "" {
		query, args = ofMailbox, append(args, string(rule.Mailbox))
	}
	if !rule.Since.IsZero() {
		query, args = query+since, append(args, rule.Since.UnixMicro())
	}
	return query, args
}

// Mailbox is the one a person wrote to last; empty when nobody knows.
func (v *View) Mailbox(ctx context.Context, who events.SubjectID) (id events.MailboxID, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Row(`SELECT mailbox FROM people WHERE customer = ?`, string(who)).Find(&id)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read person: %w", err)
	}
	return id, nil
}
