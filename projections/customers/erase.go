package customers

import (
	"context"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/sqldb"
)

// Left is 1 while the person's name or address can be read.
func (v *View) Left(tx *sqldb.Tx, subject events.SubjectID) (n int, err error) {
	err = tx.Row(`SELECT count(*) FROM customers WHERE id = ? AND (name <> '' OR address <> '')`, string(subject)).Scan(&n)
	return n, err
}

// Somebody returns an address that can be read, of nobody in the list; empty when
// there is none.
func (v *View) Somebody(ctx context.Context, not []events.SubjectID) (address string, err error) {
	err = v.DB().Read(ctx, func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			var id events.SubjectID
			var a string
			if err := scan(&id, &a); err != nil || slices.Contains(not, id) || address != "" {
				return err
			}
			address = a
			return nil
		}, `SELECT id, address FROM customers WHERE length(address) >= 10 ORDER BY last_seen DESC LIMIT 50`)
	})
	return address, err
}
