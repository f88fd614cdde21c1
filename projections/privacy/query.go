package privacy

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/sqldb"
)

// ListQuery selects files of one kind. Open ones come by their deadline, the first
// due first; the others newest first.
type ListQuery struct {
	State    string // "open" (also when empty), "closed" or "all"
	Customer events.SubjectID
	Limit    int // 50 when zero, 200 at most
	After    string
}

// Page is a page of a list; Next is empty on the last.
type Page[T any] struct {
	Items []T
	Next  string
}

// Requests lists requests of people.
func (v *View) Requests(ctx context.Context, q ListQuery) (Page[Request], error) {
	return list[Request](ctx, v, "request", q)
}

// Holds lists legal holds.
func (v *View) Holds(ctx context.Context, q ListQuery) (Page[Hold], error) {
	return list[Hold](ctx, v, "hold", q)
}

// Demands lists demands of authorities.
func (v *View) Demands(ctx context.Context, q ListQuery) (Page[Demand], error) {
	return list[Demand](ctx, v, "demand", q)
}

// Cases lists investigations and disputes.
func (v *View) Cases(ctx context.Context, q ListQuery) (Page[Case], error) {
	return list[Case](ctx, v, "case", q)
}

// Transfers lists business transfers.
func (v *View) Transfers(ctx context.Context, q ListQuery) (Page[Transfer], error) {
	return list[Transfer](ctx, v, "transfer", q)
}

// Request returns one request, ErrNotFound when there is none.
func (v *View) Request(ctx context.Context, id events.RequestID) (Request, error) {
	return one[Request](ctx, v, "request", string(id))
}

// Hold returns one hold.
func (v *View) Hold(ctx context.Context, id events.HoldID) (Hold, error) {
	return one[Hold](ctx, v, "hold", string(id))
}

// Demand returns one demand.
func (v *View) Demand(ctx context.Context, id events.DemandID) (Demand, error) {
	return one[Demand](ctx, v, "demand", string(id))
}

// Case returns one case, without its file.
func (v *View) Case(ctx context.Context, id events.CaseID) (Case, error) {
	return one[Case](ctx, v, "case", string(id))
}

// Transfer returns one transfer.
func (v *View) Transfer(ctx context.Context, id events.TransferID) (Transfer, error) {
	return one[Transfer](ctx, v, "transfer", string(id))
}

func one[T any](ctx context.Context, v *View, kind, id string) (out T, err error) {
	var doc string
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		ok, err := tx.Row(`SELECT doc FROM files WHERE kind = ? AND id = ?`, kind, id).Find(&doc)
		if err == nil && !ok {
			err = ErrNotFound
		}
		return err
	})
	if err == nil {
		err = json.Unmarshal([]byte(doc), &out)
	}
	if err != nil {
		return out, fmt.Errorf("read %s: %w", kind, err)
	}
	return out, nil
}

func list[T any](ctx context.Context, v *View, kind string, q ListQuery) (page Page[T], err error) {
	if q.Limit <= 0 {
		q.Limit = 50
	}
	q.Limit = min(q.Limit, 200)
	var due, n int64
	if q.After != "" {
		a, b, _ := strings.Cut(q.After, ".")
		if due, err = strconv.ParseInt(a, 36, 64); err == nil {
			n, err = strconv.ParseInt(b, 36, 64)
		}
		if err != nil {
			return page, fmt.Errorf("list %ss: malformed cursor", kind)
		}
	}
	const open = `SELECT n, due, doc FROM files WHERE kind = ?1 AND open = 1 AND (?2 = '' OR customer = ?2) AND (?4 = 0 OR (due, n) > (?3, ?4)) ORDER BY due, n LIMIT ?5`
	const closed = `SELECT n, due, doc FROM files WHERE kind = ?1 AND open = 0 AND (?2 = '' OR customer = ?2) AND (?4 = 0 OR n < ?4) AND ?3 = ?3 ORDER BY n DESC LIMIT ?5`
	const all = `SELECT n, due, doc FROM files WHERE kind = ?1 AND (?2 = '' OR customer = ?2) AND (?4 = 0 OR n < ?4) AND ?3 = ?3 ORDER BY n DESC LIMIT ?5`
	query := map[string]string{"": open, "open": open, "closed": closed, "all": all}[q.State]
	if query == "" {
		return page, fmt.Errorf("list %ss: there is no state %q", kind, q.State)
	}
	var lastDue, lastN int64
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			var doc string
			var dueAt, number int64
			if err := scan(&number, &dueAt, &doc); err != nil {
				return err
			}
			if len(page.Items) == q.Limit {
				page.Next = strconv.FormatInt(lastDue, 36) + "." + strconv.FormatInt(lastN, 36)
				return nil
			}
			var item T
			err := json.Unmarshal([]byte(doc), &item)
			page.Items, lastDue, lastN = append(page.Items, item), dueAt, number
			return err
		}, query, kind, string(q.Customer), due, n, q.Limit+1)
	})
	if err != nil {
		return Page[T]{}, fmt.Errorf("list %ss: %w", kind, err)
	}
	return page, nil
}

// DueBefore lists the open files of a kind ("request", "hold", …) whose deadline is
// before a time.
func (v *View) DueBefore(ctx context.Context, kind string, at time.Time) (ids []string, err error) {
	err = v.ids(ctx, &ids, `SELECT id FROM files WHERE kind = ? AND open = 1 AND due < ? ORDER BY due, n`, kind, at.UnixMicro())
	return ids, err
}

// OpenIDs lists the open files of a kind.
func (v *View) OpenIDs(ctx context.Context, kind string) (ids []string, err error) {
	err = v.ids(ctx, &ids, `SELECT id FROM files WHERE kind = ? AND open = 1 ORDER BY n`, kind)
	return ids, err
}

// People lists the random ids of everybody the house knows, a page at a time.
func (v *View) People(ctx context.Context, after events.SubjectID, limit int) (ids []events.SubjectID, err error) {
	var found []string
	err = v.ids(ctx, &found, `SELECT id FROM people WHERE id > ? ORDER BY id LIMIT ?`, string(after), limit)
	for _, id := range found {
		ids = append(ids, events.SubjectID(id))
	}
	return ids, err
}

func (v *View) ids(ctx context.Context, to *[]string, query string, args ...any) error {
	err := v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			*to = append(*to, id)
			return err
		}, query, args...)
	})
	if err != nil {
		return fmt.Errorf("list ids: %w", err)
	}
	return nil
}

// Steps lists what happened in one stream, oldest first.
func (v *View) Steps(ctx context.Context, stream events.Stream) ([]Step, error) {
	return v.steps(ctx, `SELECT n, stream, type, at, actor, facts FROM steps WHERE stream = ? ORDER BY n LIMIT 1000`, string(stream))
}

// StepsOf lists the last events of one type, such as CertificateIssued or
// RetentionScheduleChanged, newest first.
func (v *View) StepsOf(ctx context.Context, eventType string, limit int) ([]Step, error) {
	return v.steps(ctx, `SELECT n, stream, type, at, actor, facts FROM steps WHERE type = ? ORDER BY n DESC LIMIT ?`, eventType, limit)
}

// Trail lists steps of all streams, or of one family such as "hold", newest first:
// those before number before, all when it is 0.
func (v *View) Trail(ctx context.Context, family string, before int64, limit int) ([]Step, error) {
	return v.steps(ctx, `SELECT n, stream, type, at, actor, facts FROM steps
		WHERE (?1 = '' OR stream = ?1 OR stream >= ?1 || '-' AND stream < ?1 || '.') AND (?2 = 0 OR n < ?2) ORDER BY n DESC LIMIT ?3`, family, before, limit)
}

func (v *View) steps(ctx context.Context, query string, args ...any) (out []Step, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			var s Step
			var at int64
			var facts string
			err := scan(&s.N, &s.Stream, &s.Type, &at, &s.Actor, &facts)
			s.At, s.Facts = time.UnixMicro(at).UTC(), json.RawMessage(facts)
			out = append(out, s)
			return err
		}, query, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("list steps: %w", err)
	}
	return out, nil
}

// Consents lists where consents stand: of one person, or of everybody by person.
func (v *View) Consents(ctx context.Context, customer events.SubjectID, limit int) (out []Consent, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			var c Consent
			var since int64
			err := scan(&c.Customer, &c.Purpose, &c.Channel, &c.State, &since, &c.Method)
			c.Since = time.UnixMicro(since).UTC()
			out = append(out, c)
			return err
		}, `SELECT customer, purpose, channel, state, since, method FROM consents WHERE ?1 = '' OR customer = ?1 ORDER BY customer, purpose LIMIT ?2`, string(customer), limit)
	})
	if err != nil {
		return nil, fmt.Errorf("list consents: %w", err)
	}
	return out, nil
}

// Disclosures lists who was given what of a person, or, without one, the last
// entries of the log, newest first.
func (v *View) Disclosures(ctx context.Context, customer events.SubjectID, recipient events.RecipientID, limit int) (out []Disclosure, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			var d Disclosure
			var at, silent int64
			var categories string
			if err := scan(&d.Recipient, &d.Customer, &d.Purpose, &categories, &d.About, &d.Refused, &silent, &at); err != nil {
				return err
			}
			d.At = time.UnixMicro(at).UTC()
			if silent != 0 {
				d.Silent = time.UnixMicro(silent).UTC()
			}
			err := json.Unmarshal([]byte(categories), &d.Categories)
			out = append(out, d)
			return err
		}, `SELECT recipient, customer, purpose, categories, about, refused, silent, at FROM disclosures
			WHERE (?1 = '' OR customer = ?1) AND (?2 = '' OR recipient = ?2) ORDER BY n DESC LIMIT ?3`, string(customer), string(recipient), limit)
	})
	if err != nil {
		return nil, fmt.Errorf("list disclosures: %w", err)
	}
	return out, nil
}
