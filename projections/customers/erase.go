package customers

import (
	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/sqldb"
)

// Left is 1 while the person's name or address can be read.
func (v *View) Left(tx *sqldb.Tx, subject events.SubjectID) (n int, err error) {
	err = tx.Row(`SELECT count(*) FROM customers WHERE id = ? AND (name <> '' OR address <> '')`, string(subject)).Scan(&n)
	return n, err
}
