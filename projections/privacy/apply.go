package privacy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections"
	"github.com/westshore/hub/projections/sqldb"
)

// Apply turns events into rows.
func (v *View) Apply(_ context.Context, tx *sqldb.Tx, batch []events.Recorded) ([]projections.Change, error) {
	var changes []projections.Change
	for i := range batch {
		rec := &batch[i]
		if err := apply(tx, rec); err != nil {
			return nil, fmt.Errorf("%s at %s: %w", rec.Type, rec.Position, err)
		}
		if !slices.Contains(counted, strings.TrimPrefix(rec.Type, events.TypePrefix)) {
			if err := step(tx, rec); err != nil {
				return nil, fmt.Errorf("%s at %s: %w", rec.Type, rec.Position, err)
			}
			changes = append(changes, projections.Change{Kind: "privacy", ID: string(rec.Stream), Revision: rec.Revision, Position: rec.Position})
		}
	}
	return changes, nil
}

// bulky are facts that a step does without: ciphertext and lists of keys.
var bulky = []string{"pack", "package", "kids", "text"}

func step(tx *sqldb.Tx, rec *events.Recorded) error {
	var facts map[string]json.RawMessage
	if err := json.Unmarshal(rec.Facts, &facts); err != nil {
		return fmt.Errorf("read facts: %w", err)
	}
	for _, name := range bulky {
		delete(facts, name)
	}
	doc, err := json.Marshal(facts)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO steps (stream, type, at, actor, facts) VALUES (?, ?, ?, ?, ?)`,
		string(rec.Stream), strings.TrimPrefix(rec.Type, events.TypePrefix), rec.Meta.At.UnixMicro(), string(rec.Meta.Actor), string(doc))
	return err
}

func apply(tx *sqldb.Tx, rec *events.Recorded) error {
	switch rec.Stream.Family() {
	case "dsr":
		return fold(tx, "request", rec, applyRequest)
	case "hold":
		return fold(tx, "hold", rec, applyHold)
	case "demand":
		return fold(tx, "demand", rec, applyDemand)
	case "case":
		return fold(tx, "case", rec, applyCase)
	case "transfer":
		return fold(tx, "transfer", rec, applyTransfer)
	}
	return applyPeople(tx, rec)
}

// row is what lists select by.
type row struct {
	open     bool
	due      time.Time
	customer events.SubjectID
}

// fold changes the state of one file by one event.
func fold[T any](tx *sqldb.Tx, kind string, rec *events.Recorded, change func(*T, *events.Recorded) row) error {
	var doc string
	var state T
	id := rec.Stream.Key()
	there, err := tx.Row(`SELECT doc FROM files WHERE kind = ? AND id = ?`, kind, id).Find(&doc)
	if err != nil {
		return err
	}
	if there {
		if err := json.Unmarshal([]byte(doc), &state); err != nil {
			return fmt.Errorf("read %s: %w", kind, err)
		}
	}
	r := change(&state, rec)
	b, err := json.Marshal(state)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO files (kind, id, open, due, customer, doc) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
		ON CONFLICT (kind, id) DO UPDATE SET open = ?3, due = ?4, customer = ?5, doc = ?6`,
		kind, id, r.open, micros(r.due), string(r.customer), string(b))
	return err
}

func applyPeople(tx *sqldb.Tx, rec *events.Recorded) error {
	at := rec.Meta.At.UnixMicro()
	consent := func(customer events.SubjectID, purpose, channel, state, method string) error {
		_, err := tx.Exec(`INSERT INTO consents (customer, purpose, channel, state, since, method) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
			ON CONFLICT (customer, purpose) DO UPDATE SET channel = ?3, state = ?4, since = ?5, method = ?6`,
			string(customer), purpose, channel, state, at, method)
		return err
	}
	disclosed := func(to events.RecipientID, customer events.SubjectID, p events.Purpose, cs []events.Category, about, refused string, silent time.Time) error {
		list, err := json.Marshal(cs)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`INSERT INTO disclosures (recipient, customer, purpose, categories, about, refused, silent, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			string(to), string(customer), string(p), string(list), about, refused, micros(silent), at)
		return err
	}
	switch e := rec.Event.(type) {
	case events.InquiryReceived:
		_, err := tx.Exec(`INSERT INTO people (id, since, erased) VALUES (?, ?, 0) ON CONFLICT (id) DO NOTHING`, string(e.Customer), at)
		return err
	case events.ConsentRequested:
		return consent(e.Customer, e.Purpose, e.Channel, "asked", "")
	case events.ConsentGranted:
		return consent(e.Customer, e.Purpose, e.Channel, "live", e.Method)
	case events.ConsentWithdrawn:
		return consent(e.Customer, e.Purpose, e.Channel, "withdrawn", e.Method)
	case events.ObjectionRaised:
		return consent(e.Customer, e.Purpose, "", "objected", "objection")
	case events.DataDisclosed:
		return disclosed(e.Recipient, e.Customer, e.Purpose, e.Categories, e.About, "", e.Silent)
	case events.DisclosureRefused:
		return disclosed(e.Recipient, e.Customer, e.Purpose, e.Categories, "", e.Reason, time.Time{})
	}
	return nil
}

// micros is 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
