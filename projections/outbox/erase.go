package outbox

import (
	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/sqldb"
)

// Left counts the messages that still show to whom they go, or about what.
func (v *View) Left(tx *sqldb.Tx, subject events.SubjectID) (n int, err error) {
	err = tx.Row(`SELECT count(*) FROM outbound WHERE customer = ? AND (to_name <> '' OR to_address <> '' OR subject <> '')`, string(subject)).Scan(&n)
	return n, err
}
