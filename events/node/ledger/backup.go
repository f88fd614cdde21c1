package ledger

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Backup writes a copy of the ledger to dir, which must not exist yet, while
// appends go on. Everything acknowledged before the call is in it. Files that
// don't change any more are hard links where the file system allows it.
func (l *Ledger) Backup(dir string) error {
	leave, err := l.enter()
	if err != nil {
		return err
	}
	defer leave()
	if err := errors.Join(l.db.Checkpoint(dir, pebble.WithFlushedWAL()), l.Err()); err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	return nil
}
