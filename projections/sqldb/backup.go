package sqldb

import (
	"context"
	"fmt"
)

// Backup writes a compact copy of one moment to path, which must not exist yet,
// while others read. Writers wait.
func (db *DB) Backup(ctx context.Context, path string) error {
	db.write.Lock()
	defer db.write.Unlock()
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.file == nil {
		return ErrClosed
	}
	if _, err := db.file.writer.conn.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return fmt.Errorf("back up %s: %w", db.cfg.Path, err)
	}
	return nil
}
